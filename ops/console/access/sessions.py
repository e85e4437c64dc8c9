"""Signed tokens: the cookie of a session, and the word that shows a request comes from our own page (CSRF)."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field

import msgspec
from itsdangerous import BadSignature, URLSafeTimedSerializer

from ops.console.access.people import Person, UserFile

COOKIE = "__Host-patrol_session"  # so named, browsers take it from this very host alone: no neighbour can plant one


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes and reads tokens.

    Parameters
    ----------
    secret
        What signs them; who knows it can be anybody.
    length_s
        How long a session lasts (wall clock).
    users
        Looked at with every request: a session ends when its user is taken out or gets another password.
    """

    secret: bytes
    length_s: int
    users: UserFile
    _ended: dict[str, float] = field(default_factory=dict)  # numbers of sessions signed out of, and when (monotonic, s)

    def cookie(self, person: Person) -> str:
        """The cookie's value for somebody who has just signed in with name and password."""
        return str(self._serializer("session").dumps([person.name, self._print(person.name), secrets.token_urlsafe(9)]))

    def person(self, cookie: str) -> Person | None:
        """Whose cookie it is; None: nobody's, out of time, signed out with, or no longer good."""
        name, print_, number = self._content(cookie)
        user = self.users.users().get(name)
        if user is None or number in self._ended or not hmac.compare_digest(print_, self._print(name)):
            return None
        return Person(name, user.role)

    def end(self, cookie: str) -> None:
        """Somebody signs out: the session is over, whoever else has a copy of its cookie."""
        if self.person(cookie) is None:
            return
        now_s = time.monotonic()
        self._ended[self._content(cookie)[2]] = now_s
        for old in [each for each, at_s in self._ended.items() if now_s - at_s > self.length_s]:
            del self._ended[old]  # out of time by now

    def word(self, person: Person) -> str:
        """The word our page gives back with everything it asks to be done."""
        return str(self._serializer("csrf").dumps(person.name))

    def is_csrf_token(self, word: str, person: Person) -> bool:
        """Whether this person's page said it."""
        try:
            return bool(self._serializer("csrf").loads(word, max_age=self.length_s) == person.name)
        except BadSignature:
            return False

    def _content(self, cookie: str) -> tuple[str, str, str]:
        """Name, print and number of a session; empty where the cookie is not ours or out of time."""
        try:
            content = self._serializer("session").loads(cookie, max_age=self.length_s)
            return msgspec.convert(content, tuple[str, str, str])
        except (BadSignature, msgspec.ValidationError):
            return "", "", ""

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt=f"patrol-console-{purpose}")

    def _print(self, name: str) -> str:
        """Changes with the password; says nothing of it."""
        user = self.users.users().get(name)
        stored = "" if user is None else user.password
        return hmac.new(self.secret, stored.encode(), hashlib.sha256).hexdigest()[:16]
