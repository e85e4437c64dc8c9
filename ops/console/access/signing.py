"""Signing in and out, and the pages themselves."""

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from connectors.prometheus.console_series import ConsoleSeries
from models.records.twin import Twin
from ops.console.access.gate import Gate
from ops.console.access.people import LONGEST_SHELVING_H, Person
from ops.console.access.sessions import COOKIE
from ops.console.json_http import answer, body

LOG = logging.getLogger("patrol")
STATIC = Path(__file__).parents[1] / "static"
PUBLIC = ("sign-in.js", "base.css", "theme.js", "icon.svg")  # what the sign-in page needs: no data in any of them
_AT_ONCE = 2  # password checks: each takes 64 MB


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody signs in with."""

    name: str
    password: str


@dataclass(slots=True)
class Signing:
    """Answers about who is there.

    Parameters
    ----------
    gate
        Knows who is asking.
    twin
        What the page is about.
    series
        Told of who is refused.
    """

    gate: Gate
    twin: Twin
    series: ConsoleSeries
    _checking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def page(self, request: Request) -> Response:
        """The one page; who is not signed in is sent to do so."""
        if self.gate.person(request) is None:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}", 303)
        return FileResponse(STATIC / "index.html")

    async def sign_in_page(self, request: Request) -> Response:
        """Asks for name and password."""
        self.gate.sheltered(request)
        if self.gate.person(request) is not None:
            return RedirectResponse("/", 303)
        return FileResponse(STATIC / "sign-in.html")

    async def file(self, request: Request) -> Response:
        """A script or style sheet of the page."""
        name = request.path_params["name"]
        if name not in PUBLIC:
            self.gate.reader(request)
        path = (STATIC / name).resolve()
        if not path.is_relative_to(STATIC.resolve()) or not path.is_file() or path.suffix == ".html":
            raise HTTPException(404, "no such file")
        return FileResponse(path, headers={"Cache-Control": "private, no-cache"})

    async def me(self, request: Request) -> Response:
        """Who is signed in, what they may do, and the word their page must give back."""
        person, twin = self.gate.reader(request), self.twin
        tags = [{"name": name, "unit_of_measure": tag.unit_of_measure} for name, tag in twin.tags.items()]
        return answer(
            {
                "name": person.name,
                "role": person.role,
                "acts": person.may("operator"),
                "longest_shelving_h": LONGEST_SHELVING_H[person.role],
                "word": self.gate.sessions.word(person),
                "title": twin.name,
                "cadence_s": twin.cadence_s,
                "tags": tags,
            }
        )

    async def sign_in(self, request: Request) -> Response:
        """Name and password for a cookie."""
        self.gate.own_page(request)
        self.gate.sheltered(request)
        given = await body(request, Credentials)
        try:
            person = await self._known(given, self.gate.address(request))
        except HTTPException:
            self.series.sign_in_refused()
            raise
        sessions = self.gate.sessions
        LOG.info("console: %s (%s) signed in from %s", person.name, person.role, self.gate.address(request))
        response = answer({"name": person.name, "role": person.role})
        response.set_cookie(
            COOKIE, sessions.cookie(person), max_age=sessions.length_s, secure=True, httponly=True, samesite="lax"
        )
        return response

    async def _known(self, given: Credentials, address: str) -> Person:
        """Who has this name and password; nobody, or too often: HTTPException."""
        self.gate.hold(self.gate.limits.tries, f"from {address}")
        self.gate.hold(self.gate.limits.tries, f"as {given.name[:64]}")
        async with self._checking:
            person = await run_in_threadpool(self.gate.sessions.users.sign_in, given.name, given.password)
        if person is None:
            LOG.warning("console: sign-in refused for %r from %s", given.name[:64], address)
            raise HTTPException(401, "name or password is wrong")
        return person

    async def sign_out(self, request: Request) -> Response:
        """The session ends, and the cookie goes."""
        self.gate.own_page(request)
        self.gate.sessions.end(request.cookies.get(COOKIE, ""))
        response = answer({})
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
        return response
