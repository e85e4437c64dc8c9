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
from ops.console.answers import Answers
from ops.console.asked import refused, unable
from ops.console.headers import SecurityHeaders
from ops.console.signing import Signing


def application(signing: Signing, answers: Answers) -> Starlette:
    """The ASGI application; reading begins and ends with it."""
    telling = answers.telling

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        answers.feeding.start()
        yield
        await run_in_threadpool(answers.feeding.stop)

    gets = {
        "/": signing.page,
        "/batch": signing.page,
        "/alarms": signing.page,
        "/sign-in": signing.sign_in_page,
        "/static/{name:path}": signing.file,
        "/livez": answers.livez,
        "/api/me": signing.me,
        "/api/live": answers.live,
        "/api/batches": answers.about(lambda _: telling.batches()),
        "/api/envelope": answers.about(lambda _: telling.envelope()),
        "/api/batch": answers.about(answers.batch),
        "/api/contributions": answers.about(answers.contributions),
        "/api/deviation": answers.about(answers.deviation),
        "/api/alarms": answers.about(answers.alarms),
    }
    posts = {"/api/sign-in": signing.sign_in, "/api/sign-out": signing.sign_out, "/api/actions": answers.act}
    return Starlette(
        routes=[
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in gets.items()),
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=2000)],
        exception_handlers={HTTPException: refused, PatrolError: unable},
        lifespan=lifespan,
    )
