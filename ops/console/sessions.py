"""Signed tokens: the cookie of a session, and the word that shows a request comes from our own page (CSRF)."""

import hashlib
import hmac
from dataclasses import dataclass

import msgspec
from itsdangerous import BadSignature, URLSafeTimedSerializer

from ops.console.people import Person, UserFile

COOKIE = "patrol_session"


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

    def cookie(self, person: Person) -> str:
        """The cookie's value for somebody who has just signed in with name and password."""
        return str(self._serializer("session").dumps([person.name, self._print(person.name)]))

    def person(self, cookie: str) -> Person | None:
        """Whose cookie it is; None: nobody's, out of time, or no longer good."""
        try:
            said = self._serializer("session").loads(cookie, max_age=self.length_s)
            name, print_ = msgspec.convert(said, tuple[str, str])
        except (BadSignature, msgspec.ValidationError):
            return None
        user = self.users.users().get(name)
        if user is None or not hmac.compare_digest(print_, self._print(name)):
            return None
        return Person(name, user.role)

    def word(self, person: Person) -> str:
        """The word our page gives back with everything it asks to be done."""
        return str(self._serializer("csrf").dumps(person.name))

    def is_word(self, word: str, person: Person) -> bool:
        """Whether this person's page said it."""
        try:
            return bool(self._serializer("csrf").loads(word, max_age=self.length_s) == person.name)
        except BadSignature:
            return False

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt=f"patrol-console-{purpose}")

    def _print(self, name: str) -> str:
        """Changes with the password; says nothing of it."""
        user = self.users.users().get(name)
        stored = "" if user is None else user.password
        return hmac.new(self.secret, stored.encode(), hashlib.sha256).hexdigest()[:16]
