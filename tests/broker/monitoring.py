"""A real Prometheus, a real Alertmanager and a pager that keeps what it is sent: each on a free port of 127.0.0.1."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

WITHIN_S = 60.0


def program(name: str, remedy: str) -> str:
    """A program on the PATH; where it must be there, its absence is a failure."""
    found = shutil.which(name)
    if found is None and os.environ.get("PATROL_REQUIRE_PROMETHEUS") == "1":
        pytest.fail(f"{name} is not on the PATH though PATROL_REQUIRE_PROMETHEUS=1: install {remedy}")
    if found is None:
        pytest.skip(f"{name} is not on the PATH: install {remedy}")
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(command: list[str], log: Path, ready: str) -> Iterator[None]:
    """A server as a process, from when it is ready."""
    with log.open("wb") as emitted:
        server = subprocess.Popen(command, stdout=emitted, stderr=emitted)
    try:
        until(lambda: server.poll() is not None or answers(ready), f"{command[0]} to be ready")
        assert server.poll() is None, log.read_text()
        yield
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def prometheus(config: Path, folder: Path, port: int | None = None) -> Iterator[str]:
    """A Prometheus with a configuration; gives its API's address."""
    own = port or free_port()
    command = [program("prometheus", "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    command.append(f"--web.listen-address=127.0.0.1:{own}")
    with running(command, folder / "prometheus.log", f"http://127.0.0.1:{own}/-/ready"):
        yield f"http://127.0.0.1:{own}/api/v1"


@contextmanager
def alertmanager(config: Path, folder: Path, port: int) -> Iterator[str]:
    """An Alertmanager with a configuration; gives its API's address."""
    command = [program("prometheus-alertmanager", "prometheus-alertmanager"), f"--config.file={config}"]
    command += [f"--storage.path={folder / 'alerts'}", f"--web.listen-address=127.0.0.1:{port}"]
    command.append("--cluster.listen-address=")
    with running(command, folder / "alertmanager.log", f"http://127.0.0.1:{port}/-/ready"):
        yield f"http://127.0.0.1:{port}/api/v2"


class Pager:
    """What arrived at each address, oldest first."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, dict]] = []

    def alerts(self, path: str, name: str, status: str = "firing", **labels: str) -> list[dict]:
        """Alerts of a name and status that arrived at an address."""
        return [
            alert
            for where, message in list(self.arrived)
            for alert in message["alerts"]
            if where == path
            and alert["status"] == status
            and alert["labels"].items() >= {"alertname": name, **labels}.items()
        ]


@contextmanager
def paging() -> Iterator[tuple[Pager, str]]:
    """A pager and its address."""
    pager = Pager()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            pager.arrived.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Not news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield pager, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ask(api: str, path: str) -> list:
    with urllib.request.urlopen(f"{api}/{path}", timeout=5) as answer:
        found = json.load(answer)
    return found["data"] if isinstance(found, dict) else found


def series(api: str, expression: str) -> list[dict]:
    """What an instant query finds."""
    return ask(api, "query?" + urllib.parse.urlencode({"query": expression}))["result"]  # type: ignore[call-overload]


def query(api: str, expression: str) -> list[float]:
    """The values of an instant query."""
    return [float(each["value"][1]) for each in series(api, expression)]


def until(holds: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    """Wait for a condition, not longer than a minute."""
    limit = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < limit, f"waited {within_s:g} s for {what}"
        time.sleep(0.05)
