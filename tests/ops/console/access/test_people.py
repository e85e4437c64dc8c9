"""The user file, and the commands that keep it."""

import io
import stat
from pathlib import Path

import pytest

from models.records.errors import ConfigError
from ops.__main__ import main
from ops.console.access.people import UserFile
from tests.ops.console.conftest import PASSWORD


def test_the_file_holds_argon2_hashes_and_only_its_owner_reads_it(users: Path) -> None:
    UserFile(users).put("new", "viewer", "a password of her own")
    text = users.read_text()
    assert "a password of her own" not in text
    assert text.count("$argon2id$v=19$m=65536,t=3,p=4$") == 4
    assert stat.S_IMODE(users.stat().st_mode) == 0o600


def test_somebody_added_while_the_console_runs_may_sign_in(users: Path) -> None:
    running = UserFile(users)
    assert running.sign_in("new", "a password of her own") is None
    UserFile(users).put("new", "viewer", "a password of her own")
    person = running.sign_in("new", "a password of her own")
    assert person is not None
    assert person.role == "viewer"


@pytest.mark.parametrize("name", ['o"brien', "a.b", "Åsa", "per [night shift]"])
def test_any_printable_name_is_kept_as_it_is(users: Path, name: str) -> None:
    UserFile(users).put(name, "operator", "a password of her own")
    assert name in UserFile(users).users()


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [("", PASSWORD, "printable"), ("a\nb", PASSWORD, "printable"), ("ada", "short", "has 5 characters, wanted 10")],
)
def test_a_name_or_password_that_will_not_do_is_refused(users: Path, name: str, password: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        UserFile(users).put(name, "viewer", password)


def test_a_broken_file_is_named_with_a_remedy(users: Path) -> None:
    users.write_text('[users.ada]\nrole = "king"\npassword = "x"\n')
    with pytest.raises(ConfigError, match=r"users.toml: Invalid enum value 'king'.*patrol console add-user"):
        UserFile(users)


def test_users_are_added_listed_and_removed_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = str(tmp_path / "users.toml")
    monkeypatch.setattr("sys.stdin", io.StringIO("a password of her own\n"))
    assert main(["console", "add-user", "ada", "--role", "operator", "--users", users, "--stdin"]) == 0
    assert main(["console", "list-users", "--users", users]) == 0
    assert capsys.readouterr().out == "ada\toperator\n"
    assert main(["console", "remove-user", "ada", "--users", users]) == 0
    assert main(["console", "remove-user", "ada", "--users", users]) == 2
    assert "no user 'ada'; there are none" in capsys.readouterr().err


def test_a_console_nobody_could_sign_in_to_does_not_start(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin, users = str(culture / "twin.toml"), str(culture / "users.toml")
    assert main(["console", twin, "--users", users, "--port", "0"]) == 2
    assert f"patrol console add-user NAME --role operator --users {users}" in capsys.readouterr().err


def test_passwords_do_not_cross_a_network_in_the_clear(
    culture: Path, users: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["console", str(culture / "twin.toml"), "--users", str(users), "--address", "0.0.0.0"]) == 2
    assert "passwords would cross the network in the clear" in capsys.readouterr().err
