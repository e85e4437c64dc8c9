"""Serves /metrics, /livez and /readyz over HTTP: read only, nothing else, no cross-origin access."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from connectors.settings import Exposition
from models.records.errors import ConfigError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Served:
    """A running server; ``port`` is the one it got where any would do."""

    port: int
    _server: WSGIServer
    _thread: Thread

    def close(self) -> None:
        """Stop answering and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(
    registry: CollectorRegistry,
    exposition: Exposition,
    *,
    ready: Callable[[], bool],
    live: Callable[[], bool],
    key: str = "metrics.port",
) -> Served:
    """Answer on the exposition's address until closed; in threads, so that the flow never waits for a scrape.

    Parameters
    ----------
    registry
        What /metrics shows.
    exposition
        Address and port; port 0 takes any free one.
    ready, live
        Asked on every GET of /readyz and /livez: 200 or 503. Called from the server's threads.
    key
        The configuration key of the port, for the message.

    Raises
    ------
    ConfigError
        The address is not ours or the port is taken.
    """
    kind = _Server6 if ":" in exposition.address else _Server
    try:
        server = kind((exposition.address, exposition.port), _Request)
    except OSError as exc:
        where = f"address {exposition.address!r}, port {exposition.port}"
        raise ConfigError(
            f"{key}: cannot listen on {where}: {exc.strerror or exc}; "
            f"choose another {key} (0: any free one) or metrics.address"
        ) from exc
    server.set_app(_pages(make_wsgi_app(registry), {"/readyz": ready, "/livez": live}))
    thread = Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
    thread.start()
    return Served(server.server_port, server, thread)


def _pages(metrics: "WSGIApplication", probes: dict[str, Callable[[], bool]]) -> "WSGIApplication":
    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start_response)
        if path not in probes:
            status, body = "404 Not Found", b"PATrol serves /metrics, /livez and /readyz\n"
        elif environ["REQUEST_METHOD"] != "GET":
            status, body = "405 Method Not Allowed", b"GET only\n"
        elif probes[path]():
            status, body = "200 OK", b"ok\n"
        else:
            status, body = "503 Service Unavailable", f"not {path[1:-1]}\n".encode()
        start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which can take seconds where there is none."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Request(WSGIRequestHandler):
    timeout = 10.0  # seconds: a client that says nothing does not keep its thread

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not news."""
