"""The gate every request passes: who asks, may they, is it our page that asks, and not too often."""

import ipaddress
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from connectors.settings import Proxy
from models.records.errors import ConfigError
from ops.console.access.limits import RateLimit
from ops.console.access.people import Person, Role
from ops.console.access.sessions import COOKIE, Sessions

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
CSRF_HEADER = "X-PATrol-Word"


class Limits:
    """How often what may be asked, a minute and at once.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tries = RateLimit(10, 10, clock)  # signing in, by address and by name
        self.reads = RateLimit(1200, 200, clock)  # by person
        self.actions = RateLimit(120, 60, clock)  # by person: a flood is acknowledged fast


class Gate:
    """Knows who is asking.

    Parameters
    ----------
    sessions
        Reads the cookies.
    proxy
        Whose identity headers are believed.
    limits
        How often.

    Raises
    ------
    ConfigError
        ``console.proxy.trusted`` holds what is no address.
    """

    def __init__(self, sessions: Sessions, proxy: Proxy, limits: Limits) -> None:
        self.sessions, self._proxy = sessions, proxy
        self.limits = limits
        self._trusted = tuple(_network(text) for text in proxy.trusted)

    def person(self, request: Request) -> Person | None:
        """Who is asking: as a trusted proxy says, else as the session's cookie says; None: nobody known."""
        if self._from_proxy(request):
            names = [name.strip() for name in request.headers.getlist(self._proxy.user_header) if name.strip()]
            if names:
                return self._of_proxy(names, request.headers.getlist(self._proxy.groups_header))
        return self.sessions.person(request.cookies.get(COOKIE, ""))

    def reader(self, request: Request) -> Person:
        """Who is asking to see something.

        Raises
        ------
        HTTPException
            401: nobody known; 429: too often.
        """
        person = self.person(request)
        if person is None:
            raise HTTPException(401, "sign in first")
        self.hold(self.limits.reads, person.name)
        return person

    def actor(self, request: Request, role: Role) -> Person:
        """Who is asking that something be done.

        Raises
        ------
        HTTPException
            401: nobody known; 403: not with this role, or not from our page; 429: too often.
        """
        person = self.person(request)
        if person is None:
            raise HTTPException(401, "sign in first")
        self.own_page(request)
        if not self.sessions.is_csrf_token(request.headers.get(CSRF_HEADER, ""), person):
            raise HTTPException(403, "this did not come from PATrol's page; reload the page and try again")
        if not person.may(role):
            raise HTTPException(403, f"{person.name} is signed in as {person.role}; this needs the role {role}")
        self.hold(self.limits.actions, person.name)
        return person

    def own_page(self, request: Request) -> None:
        """See that a page of ours asks, not another site's (browsers say which).

        Raises
        ------
        HTTPException
            403: another site's, or not JSON.
        """
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        same = site == "same-origin" if site is not None else True
        if origin is not None and site is None:
            same = urlsplit(origin).netloc == request.headers.get("Host")
        if not same or request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise HTTPException(403, "only PATrol's own page may ask for this")

    def sheltered(self, request: Request) -> None:
        """See that a password does not cross a network in the clear: TLS is ours, or a trusted proxy's.

        Raises
        ------
        HTTPException
            403: neither, and not from this machine either.
        """
        if request.url.scheme != "https" and not self._from_proxy(request) and not _is_near(request):
            raise HTTPException(403, "passwords do not cross the network in the clear: come through the proxy")

    def address(self, request: Request) -> str:
        """Whence: the peer, or the one a trusted proxy speaks for."""
        peer = "" if request.client is None else request.client.host
        if self._from_proxy(request):
            return request.headers.get("X-Forwarded-For", peer).rpartition(",")[2].strip()
        return peer

    def hold(self, limit: RateLimit, key: str) -> None:
        """Count one.

        Raises
        ------
        HTTPException
            429: too often; says when to come again.
        """
        wait_s = limit.wait_s(key)
        if wait_s > 0:
            seconds = str(int(wait_s) + 1)
            raise HTTPException(429, f"too often; try again in {seconds} s", headers={"Retry-After": seconds})

    # -- inside -----------------------------------------------------------------------------------------------

    def _from_proxy(self, request: Request) -> bool:
        if request.client is None or not self._trusted:
            return False
        try:
            peer = ipaddress.ip_address(request.client.host)
        except ValueError:
            return False
        return any(peer in network for network in self._trusted)

    def _of_proxy(self, names: list[str], group_headers: list[str]) -> Person | None:
        """Nobody where a header comes twice: the proxy has let one through that the client sent."""
        if len(names) > 1 or len(group_headers) > 1:
            return None
        groups = {group.strip() for group in ",".join(group_headers).split(",")}
        for role, members in (
            ("engineer", self._proxy.engineers),
            ("operator", self._proxy.operators),
            ("viewer", self._proxy.viewers),
        ):
            if groups & set(members):
                return Person(names[0][:64], role)  # type: ignore[arg-type]
        return None


def _is_near(request: Request) -> bool:
    """Whether it comes from this machine."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as exc:
        raise ConfigError(f'console.proxy.trusted: holds "{text}"; write an address or network, as 10.0.0.0/8') from exc
