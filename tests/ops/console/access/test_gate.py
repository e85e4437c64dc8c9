"""Nothing is seen without signing in, nothing is done by another site or beyond one's role, and not too often."""

import itertools
from pathlib import Path

import pytest

from connectors.prometheus.console_series import ConsoleSeries
from ops.console.access.people import UserFile
from ops.console.access.sessions import COOKIE
from ops.console.headers import POLICY
from tests.ops.console.conftest import PAGE, PASSWORD, Open, sign_in, word_of

READ = (
    "/api/me",
    "/api/live",
    "/api/batches",
    "/api/envelope",
    "/api/batch",
    "/api/contributions?age_h=1",
    "/api/deviation?id=x",
    "/api/alarms",
)
ACTION = {"action": "acknowledge", "deviation_id": "BR-101/B1/process/1"}


@pytest.mark.parametrize("path", READ)
def test_nothing_is_told_to_somebody_who_has_not_signed_in(browse: Open, path: str) -> None:
    answer = browse().get(path)
    assert (answer.status_code, answer.json()) == (401, {"error": "sign in first"})


@pytest.mark.parametrize("path", ["/", "/batch?unit=BR-101&batch=B1", "/alarms"])
def test_a_page_asks_to_sign_in_first_and_remembers_where_one_wanted_to_go(browse: Open, path: str) -> None:
    answer = browse().get(path)
    assert answer.status_code == 303
    wanted = {
        "/": "%2F",
        "/alarms": "%2Falarms",
        "/batch?unit=BR-101&batch=B1": "%2Fbatch%3Funit%3DBR-101%26batch%3DB1",
    }[path]
    assert answer.headers["location"] == f"/sign-in?next={wanted}"


def test_without_signing_in_only_what_the_sign_in_page_needs_is_served(browse: Open) -> None:
    client = browse()
    codes = {name: client.get(f"/static/{name}").status_code for name in ("base.css", "main.js", "uplot/uPlot.esm.js")}
    assert codes == {"base.css": 200, "main.js": 401, "uplot/uPlot.esm.js": 401}
    assert client.get("/sign-in").status_code == 200
    assert client.get("/livez").text == "ok\n"
    assert client.get("/docs").status_code == 404


@pytest.mark.parametrize("name", ["../people.py", "%2e%2e/people.py", "..%2fpeople.py", "/etc/passwd", "index.html"])
def test_no_file_but_the_pages_own_is_served(browse: Open, name: str) -> None:
    client = browse()
    sign_in(client)
    assert client.get(f"/static/{name}").status_code == 404


def test_every_answer_carries_a_strict_policy_and_is_not_kept(browse: Open) -> None:
    client = browse()
    for path in ("/sign-in", "/api/me", "/", "/nothing", "/static/base.css"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "max-age" in headers["strict-transport-security"]
        assert headers["cache-control"] in ("no-store", "private, no-cache")
    assert "unsafe" not in POLICY
    assert "http" not in POLICY  # nothing from elsewhere


def test_the_cookie_is_secure_unseen_by_scripts_and_not_sent_by_other_sites(browse: Open) -> None:
    client = browse()
    answer = client.post("/api/sign-in", json={"name": "oscar", "password": PASSWORD}, headers=PAGE)
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("secure", "httponly", "samesite=lax", "path=/", "max-age=43200"))
    assert client.get("/api/me").json()["role"] == "operator"


@pytest.mark.parametrize(("name", "password"), [("oscar", "wrong wrong wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_are_told_the_same(browse: Open, name: str, password: str) -> None:
    answer = browse().post("/api/sign-in", json={"name": name, "password": password}, headers=PAGE)
    assert (answer.status_code, answer.json()) == (401, {"error": "name or password is wrong"})
    assert "set-cookie" not in answer.headers


def test_guessing_passwords_is_slowed_down_by_address_and_by_name(browse: Open) -> None:
    series = ConsoleSeries()
    client = browse(series=series)
    codes = [sign_in(client, "vera", f"guess number {k}") for k in range(11)]
    assert codes == [401] * 10 + [429]
    answer = client.post("/api/sign-in", json={"name": "oscar", "password": PASSWORD}, headers=PAGE)
    assert answer.status_code == 429  # another name, the same address
    assert int(answer.headers["retry-after"]) > 0
    assert series.registry.get_sample_value("patrol_console_sign_ins_refused_total") == 12


def test_a_user_file_that_is_out_of_order_lets_nobody_in_and_does_not_say_why_to_strangers(
    browse: Open, users: Path
) -> None:
    client = browse()
    sign_in(client)
    users.write_text("[users")
    answer = client.get("/api/me")
    assert (answer.status_code, answer.json()) == (503, {"error": "the console cannot do this now; its log says why"})


def test_a_tampered_or_a_strangers_cookie_is_nobodys(browse: Open) -> None:
    client, other = browse(), browse()  # each has a secret of its own
    sign_in(client)
    cookie = client.cookies[COOKIE]
    client.cookies.clear()
    payload, stamp, signature = cookie.split(".")
    for false in (f"{payload}.{stamp}.{signature[::-1]}", f"{payload[::-1]}.{stamp}.{signature}", "", "x.y.z", "[]"):
        assert client.get("/api/me", headers={"Cookie": f"{COOKIE}={false}"}).status_code == 401
    assert client.get("/api/me", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 200
    assert other.get("/api/me", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401


def test_a_session_ends_when_its_user_is_taken_out_or_gets_another_password(browse: Open, users: Path) -> None:
    client = browse()
    sign_in(client, "vera")
    assert client.get("/api/me").status_code == 200
    UserFile(users).put("vera", "viewer", "another password")
    assert client.get("/api/me").status_code == 401
    sign_in(client, "oscar")
    UserFile(users).remove("oscar")
    assert client.get("/api/me").status_code == 401


def test_the_stream_says_goodbye_to_whoever_may_not_see_it_any_more(browse: Open, users: Path) -> None:
    client = browse(looks=40)
    sign_in(client, "vera")
    with client.stream("GET", "/api/live") as stream:
        lines = stream.iter_lines()
        kinds = [line for line in itertools.islice(lines, 6) if line.startswith("event")]
        assert kinds == ["event: all", "event: pulse"]
        UserFile(users).remove("vera")
        assert "event: goodbye" in list(lines)


def test_signing_out_takes_the_cookie_away(browse: Open) -> None:
    client = browse()
    sign_in(client)
    assert client.post("/api/sign-out", headers=PAGE, content="{}").status_code == 200
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"X-PATrol-Word": ""}, "did not come from PATrol's page"),
        ({"X-PATrol-Word": "forged.word.here"}, "did not come from PATrol's page"),
        ({"Sec-Fetch-Site": "cross-site"}, "only PATrol's own page"),
        ({"Sec-Fetch-Site": "same-site"}, "only PATrol's own page"),
        ({"Content-Type": "text/plain"}, "only PATrol's own page"),
    ],
)
def test_another_sites_request_does_nothing_though_the_cookie_comes_along(browse: Open, change: dict, why: str) -> None:
    client = browse()
    sign_in(client)
    answer = client.post("/api/actions", json=ACTION, headers=word_of(client) | change)
    assert answer.status_code == 403
    assert why in answer.json()["error"]


def test_an_old_browser_is_told_by_its_origin(browse: Open) -> None:
    client = browse()
    sign_in(client)
    headers = {name: value for name, value in word_of(client).items() if name != "Sec-Fetch-Site"}
    assert (
        client.post("/api/actions", json=ACTION, headers=headers).status_code == 409
    )  # let in; nothing to acknowledge
    foreign = headers | {"Origin": "https://elsewhere.example"}
    assert client.post("/api/actions", json=ACTION, headers=foreign).status_code == 403


def test_anothers_word_is_not_ones_own(browse: Open) -> None:
    client = browse()
    sign_in(client, "eve")
    word = word_of(client)
    sign_in(client, "oscar")
    assert client.post("/api/actions", json=ACTION, headers=word).status_code == 403


def test_a_viewer_looks_and_does_nothing(browse: Open) -> None:
    client = browse()
    sign_in(client, "vera")
    assert client.get("/api/me").json()["acts"] is False
    answer = client.post("/api/actions", json=ACTION, headers=word_of(client))
    assert answer.status_code == 403
    assert answer.json()["error"] == "vera is signed in as viewer; this needs the role operator"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"action": "delete", "deviation_id": "x"}', 422),
        (b'{"action": "acknowledge", "deviation_id": "x", "by": "somebody else"}', 422),  # one acts as oneself
        (b"not json", 422),
        (b"\xff", 422),
        (b" " * 30_000, 413),
        (b'{"action": "acknowledge", "deviation_id": "x"}', 409),
    ],
)
def test_what_is_no_action_is_refused_with_a_reason(browse: Open, body: bytes, status: int) -> None:
    client = browse()
    sign_in(client)
    answer = client.post("/api/actions", content=body, headers=word_of(client))
    assert answer.status_code == status
    assert answer.json()["error"]


def test_actions_are_limited_to_what_a_person_can_mean(browse: Open) -> None:
    client = browse()
    sign_in(client)
    word = word_of(client)
    codes = [client.post("/api/actions", json=ACTION, headers=word).status_code for _ in range(70)]
    assert codes == [409] * 60 + [429] * 10
