"""The page's web application: which path is answered by whom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from models.records.errors import PatrolError
from ops.console.access.signing import Signing
from ops.console.endpoints import Endpoints
from ops.console.headers import SecurityHeaders
from ops.console.json_http import refused, unable


def application(signing: Signing, endpoints: Endpoints) -> Starlette:
    """The ASGI application; reading begins and ends with it."""
    views = endpoints.views

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        endpoints.feeding.start()
        yield
        await run_in_threadpool(endpoints.feeding.stop)

    gets = {
        "/": signing.page,
        "/batch": signing.page,
        "/alarms": signing.page,
        "/sign-in": signing.sign_in_page,
        "/static/{name:path}": signing.file,
        "/livez": endpoints.livez,
        "/api/me": signing.me,
        "/api/live": endpoints.live,
        "/api/batches": endpoints.about(lambda _: views.batches()),
        "/api/envelope": endpoints.about(lambda _: views.envelope()),
        "/api/batch": endpoints.about(endpoints.batch),
        "/api/contributions": endpoints.about(endpoints.contributions),
        "/api/deviation": endpoints.about(endpoints.deviation),
        "/api/alarms": endpoints.about(endpoints.alarms),
    }
    posts = {"/api/sign-in": signing.sign_in, "/api/sign-out": signing.sign_out, "/api/actions": endpoints.act}
    return Starlette(
        routes=[
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in gets.items()),
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=2000)],
        exception_handlers={HTTPException: refused, PatrolError: unable},
        lifespan=lifespan,
    )
