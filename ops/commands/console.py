"""``patrol console``: the control-room page, and who may sign in to it."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from typer.core import TyperGroup

from ops.commands import command_app
from ops.commands.arguments import Store, TwinFile, Unapproved, Version


class _Group(TyperGroup):
    """``patrol console TWIN.toml`` is ``patrol console serve TWIN.toml``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """What is no command is the file that ``serve`` takes."""
        if args[0] not in self.commands:
            args = ["serve", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As for ``resolve_command``, so that options of ``serve`` may stand first."""
        own = set(self.commands) | {"--help"}
        return super().parse_args(ctx, args if not args or args[0] in own else ["serve", *args])


app = command_app(
    """The control-room page: open deviations, the plant at a glance, every batch against its envelope.

    [bold]Examples[/bold]

    patrol console add-user anna --role operator      # asks for a password

    patrol console my-twin.toml                       # then open the address it says

    patrol console my-twin.toml --address 0.0.0.0 --port 443   # with console.tls_certificate in the twin's file
    """
)
app.info.cls = _Group

Users = Annotated[Path | None, typer.Option("--users", metavar="FILE", help="User file. Default: console.users.")]
UserFileOption = Annotated[Path, typer.Option("--users", metavar="FILE", help="User file.")]
USERS = Path("users.toml")
RoleOption = Annotated[Literal["viewer", "operator", "engineer"], typer.Option("--role", help="What they may do.")]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read the password from stdin, for scripts.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As it will stand beside every action.")]
Address = Annotated[str | None, typer.Option("--address", help="Listen on. Default: console.address.")]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="0: any free one. Default: console.port.")]


@app.command()
def serve(
    twin: TwinFile,
    users: Users = None,
    address: Address = None,
    port: Port = None,
    store: Store = None,
    reference: Version = None,
    unapproved: Unapproved = False,
) -> None:
    """Serve the page until Ctrl-C. It reads what the flow reads and says, and writes only operators' actions.

    Takes the twin file, store and reference of `patrol run`, so that what it shows is judged as the flow judges.
    """
    from ops import logs
    from ops.config import load
    from ops.console.serving import serve as serve_page
    from ops.monitors import Choice

    configuration = load(twin)
    logs.configure()
    given: dict[str, Any] = {"users": None if users is None else str(users), "address": address, "port": port}
    settings = msgspec.structs.replace(configuration.console, **{k: v for k, v in given.items() if v is not None})
    configuration = dataclasses.replace(configuration, console=settings)
    choice = Choice(store, reference, unapproved)
    serve_page(configuration, choice, lambda where: print(f"console on {where}", flush=True))


@app.command("add-user")
def add_user(name: Name, role: RoleOption = "viewer", users: UserFileOption = USERS, stdin: Stdin = False) -> None:
    """Add a user, or give one a new role and password (asked for; 10 characters or more).

    viewer: looks. operator: acknowledges, comments, shelves for up to 12 h. engineer: shelves for up to 14 days.
    Takes effect at once, also while the console runs; sessions of a user whose password changes end.

    [bold]Examples[/bold]

    patrol console add-user anna --role operator --users users.toml

    pass show patrol/anna | patrol console add-user anna --role operator --stdin
    """
    from ops.console.access.people import UserFile

    if stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True)
    file = UserFile(users)
    file.put(name, role, password)
    print(f"{users}: {name} is {role}", file=sys.stderr)


@app.command("remove-user")
def remove_user(name: Name, users: UserFileOption = USERS) -> None:
    """Take a user out; their sessions end at once."""
    from ops.console.access.people import UserFile

    UserFile(users).remove(name)
    print(f"{users}: {name} is out", file=sys.stderr)


@app.command("list-users")
def list_users(users: UserFileOption = USERS) -> None:
    """Who may sign in, a line each: name, tab, role."""
    from ops.console.access.people import UserFile

    for name, user in UserFile(users).users().items():
        print(f"{name}\t{user.role}")
