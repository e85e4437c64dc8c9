"""The command line: ``patrol COMMAND ...``; maps what goes wrong to exit codes.

How a command is added: write ``ops/commands/NAME.py`` with ``app = command_app()`` and one function under
``@app.command()`` (several, with a help text for ``command_app``, make a group: ``patrol reference fit``), and name it
with one line of help in ``COMMANDS`` below. The file is imported only when its command is used or completed, so
``patrol --help`` stays quick; nothing else needs to know of it. Results go to stdout, everything meant for people to
stderr. A command raises ``models.records.errors`` errors, or ``typer.Exit(code)``; returning normally is exit 0.

Exit codes: 0 done; 1 unexpected (a bug: one line says where; PATROL_DEBUG=1 shows the traceback); 2 wrong usage or
configuration; 3 to 7 as ``models.records.errors`` lists; 130 interrupted.
"""

import importlib
import importlib.metadata
import os
import sys
import traceback
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from models.records.errors import PatrolError, causes

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # our matrices are small: threads only wait for one another

COMMANDS = {
    "run": "Watch units live: scans and batch events from Kafka in, deviations out.",
    "learn": "Learn released batches into a candidate reference, beside a live run.",
    "replay": "Watch recorded batches as if they were live, without Kafka.",
    "play": "Publish a recording to Kafka as if it were live.",
    "console": "Serve the control-room page: deviations, the plant, every batch.",
    "reference": "Learn, show, approve, list and retire references.",
    "qualify": "Write the performance qualification report of a reference.",
    "check": "Check configuration, reference, topics and ports before a batch starts.",
    "demo": "Show it all: embedded broker, simulated plant, the real flow.",
}


class _Commands(TyperGroup):
    """The commands, imported only when they are used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=line) for name, line in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command's module when the command is used."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            command = typer.main.get_command(importlib.import_module(f"ops.commands.{name}").app)
        return name, command, rest


app = typer.Typer(
    cls=_Commands,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="[bold]PATrol[/bold] watches batches while they run, and says which one is leaving its trajectory.",
    epilog="Start with: patrol demo",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"patrol {importlib.metadata.version('patrol-pat')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code. ``argv``: the words after ``patrol``; None takes the process's own."""
    words = sys.argv[1:] if argv is None else argv
    code = _ran(words)
    if argv is None and words[:1] in (["run"], ["learn"]):
        _leave(code)
    return code


def _ran(words: list[str]) -> int:
    try:
        typer.main.get_command(app)(words, prog_name="patrol")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 0 if exc.code is None else 1
    except KeyboardInterrupt:
        return 130
    except BaseException as exc:  # noqa: BLE001 - the one place where everything ends; a panic is no Exception
        if os.environ.get("PATROL_DEBUG") == "1":
            traceback.print_exception(exc)
        code, message = explain(exc)
        print(f"{_spoken(words)}: {message}", file=sys.stderr)
        return code
    return 0


def _leave(code: int) -> NoReturn:
    """End a flow's process at once: what a failed engine or client leaves behind must not keep it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def explain(exc: BaseException) -> tuple[int, str]:
    """Exit code and one line for what a command raised; what Bytewax wrapped is found by its cause.

    Examples
    --------
    >>> from models.records.errors import ConfigError
    >>> explain(ConfigError("twin.toml: alarms.budget: is 2"))
    (2, 'twin.toml: alarms.budget: is 2')
    """
    for cause in causes(exc):
        if isinstance(cause, PatrolError):
            return cause.exit_code, str(cause)
        exc = cause
    frames = traceback.extract_tb(exc.__traceback__)
    ours = [frame for frame in frames if os.path.exists(frame.filename) and "site-packages" not in frame.filename]
    where = f" at {os.path.relpath(ours[-1].filename)}:{ours[-1].lineno}" if ours else ""
    return 1, f"unexpected {type(exc).__name__}{where}: {exc} (PATROL_DEBUG=1 shows the traceback)"


def _spoken(words: list[str]) -> str:
    """The command as typed: ``patrol reference fit``."""
    named = words[:2] if words[:1] == ["reference"] or words[1:2] == ["add-user"] else words[:1]
    return " ".join(["patrol", *(word for word in named if not word.startswith("-"))])


if __name__ == "__main__":
    sys.exit(main())
