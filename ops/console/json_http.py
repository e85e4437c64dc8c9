"""Requests in, answers out: what all routes share."""

import logging
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from models.records.errors import PatrolError

LOG = logging.getLogger("patrol")
T = TypeVar("T")
_MOST_BYTES = 20_000  # of what a page may send


def answer(content: Any, status: int = 200) -> Response:
    """JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def body(request: Request, kind: type[T]) -> T:
    """The request's JSON body.

    Raises
    ------
    HTTPException
        413: too long; 422: not as wanted, and where.
    """
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MOST_BYTES:
            raise HTTPException(413, f"more than {_MOST_BYTES} bytes")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise HTTPException(422, str(exc)) from exc


async def refused(_: Request, exc: Exception) -> Response:
    """An error as JSON: ``{"error": why}``."""
    if not isinstance(exc, HTTPException):
        raise exc
    response = answer({"error": exc.detail}, exc.status_code)
    response.headers.update(exc.headers or {})
    return response


async def unable(_: Request, exc: Exception) -> Response:
    """Something is out of order (the user file, say): the log says what; whoever asks does not learn it."""
    if not isinstance(exc, PatrolError):
        raise exc
    LOG.error("console: %s", exc)
    return answer({"error": "the console cannot do this now; its log says why"}, 503)
