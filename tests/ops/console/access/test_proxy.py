"""Behind a reverse proxy that signs people in: its word is believed, and nobody else's."""

import pytest
from starlette.testclient import TestClient

from connectors.settings import Proxy
from models.records.errors import ConfigError
from tests.ops.console.conftest import PAGE, PASSWORD, Open

ACTION = {"action": "acknowledge", "deviation_id": "BR-101/B1/process/1"}
PROXY = Proxy(trusted=("10.0.0.0/8",), viewers=("staff",), operators=("control-room",), engineers=("msat", "qa"))


def content(groups: str, user: str = "ada") -> dict[str, str]:
    return {"X-Forwarded-User": user, "X-Forwarded-Groups": groups, "X-Forwarded-For": "203.0.113.9"}


@pytest.mark.parametrize(
    ("groups", "role"),
    [("staff", "viewer"), ("control-room, staff", "operator"), ("qa", "engineer"), ("others", None), ("", None)],
)
def test_a_trusted_proxys_word_is_believed_and_its_groups_give_the_role(browse: Open, groups: str, role) -> None:
    answer = browse("10.1.2.3", PROXY).get("/api/me", headers=content(groups))
    assert answer.status_code == (200 if role else 401)
    assert answer.json().get("role") == role


def test_identity_headers_from_anywhere_else_mean_nothing(browse: Open) -> None:
    assert browse("192.0.2.7", PROXY).get("/api/me", headers=content("qa")).status_code == 401
    assert browse("10.1.2.3").get("/api/me", headers=content("qa")).status_code == 401  # no proxy is configured


@pytest.mark.parametrize("header", ["X-Forwarded-User", "X-Forwarded-Groups"])
def test_a_header_the_proxy_let_through_beside_its_own_makes_nobody_of_both(browse: Open, header: str) -> None:
    client = browse("10.1.2.3", PROXY)
    twice = [*content("staff").items(), (header, {"X-Forwarded-User": "eve", "X-Forwarded-Groups": "qa"}[header])]
    assert client.get("/api/me", headers=twice).status_code == 401
    assert client.get("/api/me", headers=content("staff")).json()["role"] == "viewer"


def test_who_comes_through_the_proxy_still_needs_its_pages_word(browse: Open) -> None:
    client = browse("10.1.2.3", PROXY)
    word = client.get("/api/me", headers=content("qa")).json()["word"]
    headers = PAGE | content("qa")
    assert client.post("/api/actions", json=ACTION, headers=headers).status_code == 403
    assert client.post("/api/actions", json=ACTION, headers=headers | {"X-PATrol-Word": word}).status_code == 409


def test_behind_the_proxy_attempts_are_counted_by_the_address_it_speaks_for(browse: Open) -> None:
    client = browse("10.1.2.3", PROXY)

    def attempt(client: TestClient, address: str, name: str) -> int:
        headers = PAGE | {"X-Forwarded-For": f"1.1.1.1, {address}"}
        body = {"name": name, "password": "guess after guess"}
        return client.post("/api/sign-in", json=body, headers=headers).status_code

    assert [attempt(client, "203.0.113.9", f"user{k}") for k in range(11)][-1] == 429
    assert attempt(client, "203.0.113.10", "user99") == 401


@pytest.mark.parametrize(
    ("address", "scheme", "status"),
    [("192.0.2.7", "http", 403), ("192.0.2.7", "https", 200), ("10.1.2.3", "http", 200), ("127.0.0.1", "http", 200)],
)
def test_nobody_is_asked_for_a_password_in_the_clear_past_the_proxy(
    browse: Open, address: str, scheme: str, status: int
) -> None:
    client = browse(address, PROXY)
    assert client.get(f"{scheme}://testserver/sign-in").status_code == status
    given = {"name": "oscar", "password": PASSWORD}
    assert client.post(f"{scheme}://testserver/api/sign-in", json=given, headers=PAGE).status_code == status


def test_a_network_that_is_none_is_refused_at_the_start(browse: Open) -> None:
    with pytest.raises(ConfigError, match=r'console.proxy.trusted: holds "proxy.local"; write an address'):
        browse("10.1.2.3", Proxy(trusted=("proxy.local",)))
