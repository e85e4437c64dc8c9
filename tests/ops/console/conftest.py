"""The console of a small culture without a broker: who may see and do what does not depend on one."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from connectors.prometheus.console_series import ConsoleSeries
from connectors.settings import Proxy
from models.records.messages import Deviation
from ops.config import load
from ops.console.access.gate import Limits
from ops.console.access.people import UserFile
from ops.console.serving import Around, build
from ops.monitors import Choice
from tests.conftest import minute

PASSWORD = "correct horse battery"
USERS = {"vera": "viewer", "oscar": "operator", "eve": "engineer"}
PAGE = {"Origin": "https://testserver", "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
NO_PROXY = Proxy()
Open = Callable[..., TestClient]


@pytest.fixture(scope="session")
def hashed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A user file with one user a role; hashing takes its time, so once."""
    path = tmp_path_factory.mktemp("users") / "users.toml"
    for name, role in USERS.items():
        UserFile(path).put(name, role, PASSWORD)
    return path.read_bytes()


@pytest.fixture
def users(hashed: bytes, tmp_path: Path) -> Path:
    """A copy of its own."""
    path = tmp_path / "users.toml"
    path.write_bytes(hashed)
    return path


@pytest.fixture
def browse(culture: Path, users: Path) -> Open:
    """Opens the page as from some address, behind TLS; the stream ends by itself after some looks. No time passes."""

    def opened(
        address: str = "192.0.2.7", proxy: Proxy = NO_PROXY, looks: int = 3, series: ConsoleSeries | None = None
    ) -> TestClient:
        configuration = load(culture / "twin.toml")
        console = msgspec.structs.replace(configuration.console, users=str(users), proxy=proxy)
        left = iter(range(looks))
        app = build(
            dataclasses.replace(configuration, console=console),
            Choice(),
            Around(lambda: next(left, None) is None, Limits(lambda: 0.0), series or ConsoleSeries()),
        )
        return TestClient(app, base_url="https://testserver", client=(address, 50000), follow_redirects=False)

    return opened


def sign_in(client: TestClient, name: str = "oscar", password: str = PASSWORD) -> int:
    """Sign in as a page does; the answer's status."""
    return client.post("/api/sign-in", json={"name": name, "password": password}, headers=PAGE).status_code


def word_of(client: TestClient) -> dict[str, str]:
    """The headers with which the signed-in person's page asks that something be done."""
    return PAGE | {"X-PATrol-Word": client.get("/api/me").json()["word"]}


def deviation(revision: int = 1, state: str = "UNACK", m: float = 10.0, **named: object) -> Deviation:
    """A revision of a deviation of unit BR-101."""
    facts: dict[str, object] = {
        "deviation_id": "BR-101/B1/process/1", "category": "process", "grade": "approved", "priority": "high",
        "unit": "BR-101", "twin": "small", "cause": "process", "batch_id": "B1",
        "message": "BR-101 B1: a 40 % below its trajectory since 06:10 UTC (process, high)",
        "since_at": minute(10), "raised_at": minute(10),
    }  # fmt: skip
    return Deviation(revision=revision, state=state, changed_at=minute(m), **(facts | named))  # type: ignore[arg-type]
