"""A session is one person's on one host, ends when they sign out, and shuts nobody else out."""

import asyncio
from typing import Any

from starlette.routing import Route

from ops.console.access.sessions import COOKIE
from ops.console.access.signing import PUBLIC
from ops.console.live import MOST_OF_ONE
from tests.ops.console.conftest import PAGE, PASSWORD, Open, sign_in

OPEN = {
    "/sign-in": 200,
    "/livez": 200,
    "/api/sign-in": 422,
    "/": 303,
    "/batch": 303,
    "/alarms": 303,
}  # without a session


def test_every_path_but_those_that_let_one_in_asks_who_is_there(browse: Open) -> None:
    client = browse()
    for route in client.app.routes:  # type: ignore[attr-defined]
        assert isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}:
            path = route.path.replace("{name:path}", "main.js")
            answer = client.request(method, path, headers=PAGE, content=b"{}" if method == "POST" else None)
            wanted = OPEN.get(path, 200 if path == "/api/sign-out" else 401)
            assert (path, answer.status_code) == (path, wanted)
    assert {name.rpartition(".")[2] for name in PUBLIC} <= {"js", "css", "svg"}  # no page, no data


def test_signing_out_ends_the_session_for_whoever_has_a_copy_of_its_cookie_and_for_nobody_else(browse: Open) -> None:
    client = browse()
    sign_in(client)
    copy = client.cookies[COOKIE]
    payload, stamp, signature = copy.split(".")
    sign_in(client)
    other = client.cookies[COOKIE]
    client.cookies.clear()
    client.post("/api/sign-out", headers=PAGE | {"Cookie": f"{COOKIE}={copy}"}, content="{}")
    variants = (copy, f"{payload}=.{stamp}.{signature}", f"{payload}.{stamp}.{signature}=")
    codes = [client.get("/api/me", headers={"Cookie": f"{COOKIE}={each}"}).status_code for each in (*variants, other)]
    assert codes == [401, 401, 401, 200]


def test_who_signs_in_gets_a_session_of_their_own_whatever_cookie_came_along(browse: Open) -> None:
    client = browse()
    sign_in(client, "vera")
    planted = client.cookies[COOKIE]
    body = {"name": "oscar", "password": PASSWORD}
    answer = client.post("/api/sign-in", json=body, headers=PAGE | {"Cookie": f"{COOKIE}={planted}"})
    assert planted not in answer.headers["set-cookie"]
    assert answer.headers["set-cookie"].startswith("__Host-")
    assert "domain" not in answer.headers["set-cookie"].lower()


def test_one_person_cannot_open_all_the_pages_there_may_be(browse: Open) -> None:
    client = browse(looks=100_000)
    cookies = {}
    for name in ("vera", "oscar"):
        sign_in(client, name)
        cookies[name] = client.cookies[COOKIE]

    async def statuses() -> list[int]:
        tasks: list[asyncio.Task[None]] = []
        names = ["vera"] * (MOST_OF_ONE + 1) + ["oscar"]
        found = [await opened(client.app, cookies[name], tasks) for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found

    assert asyncio.run(statuses()) == [200] * MOST_OF_ONE + [503, 200]


async def opened(app: Any, cookie: str, tasks: list["asyncio.Task[None]"]) -> int:
    """Open a stream and leave it open; its status."""
    head: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    begun = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            head.set_result(message["status"])
        else:
            begun.set()

    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # nobody hangs up

    headers = [(b"host", b"testserver"), (b"cookie", f"{COOKIE}={cookie}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/api/live", "raw_path": b"/api/live", "query_string": b""}
    more = {"headers": headers, "scheme": "https", "client": ("192.0.2.7", 1), "server": ("testserver", 443)}
    tasks.append(asyncio.create_task(app(scope | more | {"http_version": "1.1", "root_path": ""}, receive, send)))
    await asyncio.wait_for(begun.wait(), 30)
    return await head
