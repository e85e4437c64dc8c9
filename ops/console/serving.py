"""The page put together and served."""

import ipaddress
import logging
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from connectors.inputs.plant_reader import PlantReader
from connectors.kafka.clients import secret_at
from connectors.prometheus.console_series import ConsoleSeries
from connectors.settings import Console, Exposition
from models.records.errors import ConfigError
from ops.config import Configuration
from ops.console.access.gate import Gate, Limits
from ops.console.access.people import UserFile
from ops.console.access.sessions import Sessions
from ops.console.access.signing import Signing
from ops.console.acting import Desk
from ops.console.application import application
from ops.console.auditing import Auditing
from ops.console.clocks import Clocks
from ops.console.endpoints import Endpoints
from ops.console.feeding import Feeding
from ops.console.judging import Judging
from ops.console.plant import Plant
from ops.console.records import Records
from ops.console.views import BatchViews
from ops.monitors import Choice

LOG = logging.getLogger("patrol")
_CLOSE_S = 2  # wall clock open requests get when it stops


@dataclass(frozen=True, slots=True)
class Around:
    """What the application has around it."""

    ending: Callable[[], bool]  # whether the server is about to stop: open streams end then
    limits: Limits  # how often what may be asked
    series: ConsoleSeries


def build(configuration: Configuration, choice: Choice, around: Around) -> Starlette:
    """The application of one twin.

    Parameters
    ----------
    configuration, choice
        The twin, and the reference as the flow has it.
    around
        Its server, limits and metrics.

    Raises
    ------
    ConfigError
        Nobody could sign in, or a setting cannot be used.
    ReferenceError
        The reference cannot be used.
    """
    settings, twin = configuration.console, configuration.twin
    users = UserFile(Path(settings.users))
    if not users.users() and not settings.proxy.trusted:
        raise ConfigError(
            f"{users.path}: nobody may sign in; add somebody: "
            f"patrol console add-user NAME --role operator --users {users.path}"
        )
    gate = Gate(Sessions(_secret(settings), int(settings.session_h * 3600), users), settings.proxy, around.limits)
    plant, records = Plant(twin, Clocks(twin.cadence_s)), Records(twin, settings.memory_mb)
    since = datetime.now(UTC) - timedelta(hours=settings.history_h)
    feeding = Feeding(PlantReader(configuration.kafka, twin, since), plant, records, Auditing(twin.alarms))
    judging = Judging(configuration, choice)
    endpoints = Endpoints(gate, feeding, BatchViews(records, judging), Desk(configuration.kafka, plant), around.ending)
    around.series.watch(lambda: not feeding.live, lambda: feeding.reader.behind, endpoints.pages.total)
    return application(Signing(gate, twin, around.series), endpoints)


def serve(configuration: Configuration, choice: Choice, say: Callable[[str], None]) -> None:
    """Serve the page until SIGTERM or Ctrl-C.

    Parameters
    ----------
    configuration, choice
        The twin, and the reference as the flow has it.
    say
        Told the address once it answers.

    Raises
    ------
    ConfigError
        It cannot be served as configured.
    """
    settings = configuration.console
    _check(settings)
    with _listening(settings) as listening:
        server: uvicorn.Server | None = None
        series = ConsoleSeries()
        around = Around(lambda: server is not None and server.should_exit, Limits(), series)
        server = uvicorn.Server(_uvicorn(build(configuration, choice, around), settings))
        at = Exposition(address=configuration.metrics.address, port=settings.metrics_port)
        with closing(series.serve(at, live=lambda: server is not None and server.started)) as served:
            LOG.info("console: metrics on http://%s:%d/metrics", at.address, served.port)
            scheme = "https" if settings.tls_certificate else "http"
            say(f"{scheme}://{settings.address}:{listening.getsockname()[1]}/")
            server.run(sockets=[listening])


# -- inside ---------------------------------------------------------------------------------------------------


def _uvicorn(app: Starlette, settings: Console) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # ops.console.access.gate looks at them, and at who sends them
        server_header=False,
        timeout_graceful_shutdown=_CLOSE_S,
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )


def _check(settings: Console) -> None:
    """Passwords and cookies never go over a network in the clear."""
    for key in ("tls_certificate", "tls_key"):
        path = getattr(settings, key)
        if path and not os.access(path, os.R_OK):
            raise ConfigError(f'console.{key}: "{path}" cannot be read; name a PEM file')
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise ConfigError("console.tls_certificate and console.tls_key: only one is given; give both, or neither")
    if settings.tls_certificate or settings.proxy.trusted or _is_loopback(settings.address):
        return
    raise ConfigError(
        f'console.address: is "{settings.address}", and passwords would cross the network in the clear; give '
        "console.tls_certificate and tls_key, or let a reverse proxy end TLS and name it in console.proxy.trusted"
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _listening(settings: Console) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
        return socket.create_server((settings.address, settings.port), family=family, backlog=256)
    except OSError as exc:
        place = f"{settings.address}:{settings.port}"
        raise ConfigError(f"console.port: {place} cannot be listened on ({exc.strerror}); choose another") from exc


def _secret(settings: Console) -> bytes:
    if not settings.secret:
        return secrets.token_bytes(32)
    found = secret_at("console.secret", settings.secret).encode()
    if len(found) < 32:
        raise ConfigError(f"console.secret: has {len(found)} bytes, wanted 32 or more; make one: openssl rand -hex 32")
    return found
