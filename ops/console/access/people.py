"""Who may sign in and what they may do: roles, and the user file with its argon2 hashes."""

import functools
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import argon2
import msgspec

from models.records.errors import ConfigError

Role = Literal["viewer", "operator", "engineer"]  # each may do what those before it may
ROLES: tuple[Role, ...] = get_args(Role)
LEAST_CHARACTERS, MOST_CHARACTERS = 10, 256  # of a password; more would only cost time
LONGEST_SHELVING_H: Mapping[Role, float] = {"viewer": 0.0, "operator": 12.0, "engineer": 14 * 24.0}
_HASHER = argon2.PasswordHasher()  # RFC 9106, low-memory recommendation


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether they have this role or a higher one.

        Examples
        --------
        >>> Person("ada", "operator").may("viewer"), Person("ada", "operator").may("engineer")
        (True, False)
        """
        return ROLES.index(self.role) >= ROLES.index(role)


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[users.NAME]`` of the user file."""

    role: Role
    password: str  # argon2id hash, never the password


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    users: dict[str, User] = {}


class UserFile:
    """Users of one TOML file; read anew when it has changed, so that who is taken out is out.

    Parameters
    ----------
    path
        May be absent: then there is nobody.

    Raises
    ------
    ConfigError
        It is there and cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._users: dict[str, User] = {}
        self.users()

    def users(self) -> dict[str, User]:
        """Name -> user."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._users = None, {}
            return self._users
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            self._users, self._stamp = self._read(), stamp
        return self._users

    def sign_in(self, name: str, password: str) -> Person | None:
        """The person of this name and password; takes as long for a name that is not there (about 50 ms)."""
        user = self.users().get(name)
        try:
            _HASHER.verify(_nobodys() if user is None else user.password, password[:MOST_CHARACTERS])
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return None
        return None if user is None else Person(name, user.role)

    def put(self, name: str, role: Role, password: str) -> None:
        """Add a user, or give one a new role and password.

        Raises
        ------
        ConfigError
            The name or password will not do, or the file cannot be written.
        """
        if not name.strip() or len(name) > 64 or not name.isprintable():
            raise ConfigError(f"user {name!r}: use 1 to 64 printable characters")
        if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
            raise ConfigError(
                f"the password of {name} has {len(password)} characters, wanted {LEAST_CHARACTERS} to 256"
            )
        self._write({**self.users(), name: User(role, _HASHER.hash(password))})

    def remove(self, name: str) -> None:
        """Take a user out.

        Raises
        ------
        ConfigError
            There is no such user, or the file cannot be written.
        """
        users = self.users()
        if name not in users:
            raise ConfigError(f"{self.path}: no user {name!r}; there are {', '.join(users) or 'none'}")
        self._write({other: user for other, user in users.items() if other != name})

    # -- inside -----------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, User]:
        try:
            return msgspec.toml.decode(self.path.read_bytes(), type=_File).users
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{self.path}: {exc}; mend it, or make it with `patrol console add-user`") from exc

    def _write(self, users: dict[str, User]) -> None:
        """In one step, readable by the owner alone."""
        lines = ["# Who may sign in to `patrol console`; change it with `patrol console add-user` and `remove-user`.\n"]
        for name, user in users.items():
            quoted = msgspec.json.encode(name).decode()  # a JSON string is a TOML string
            lines.append(f'[users.{quoted}]\nrole = "{user.role}"\npassword = "{user.password}"\n')
        try:
            handle, draft = tempfile.mkstemp(dir=self.path.parent, prefix=".users-")  # mode 0600
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write("\n".join(lines))
            Path(draft).replace(self.path)
        except OSError as exc:
            raise ConfigError(f"{self.path}: {exc.strerror}; name a file that can be written with --users") from exc


@functools.cache
def _nobodys() -> str:
    """Verified for unknown names, so that they take as long."""
    return _HASHER.hash(secrets.token_hex())
