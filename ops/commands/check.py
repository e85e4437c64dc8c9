"""``patrol check``: whether all is in order before a batch starts."""

from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands import command_app
from ops.commands.arguments import RecoveryFolder, Store, TwinFile, Unapproved, Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from ops.checking import Outcome

app = command_app()

ColdStart = Annotated[bool, typer.Option("--cold-start", help="No reference is fine: learn from the first scans.")]
CreateTopics = Annotated[bool, typer.Option("--create-topics", help="Create missing topics; deviations compacted.")]
Partitions = Annotated[int, typer.Option("--partitions", min=1, metavar="N", help="Of each topic created.")]


@app.command()
def check(
    twin: TwinFile,
    store: Store = None,
    reference: Version = None,
    unapproved: Unapproved = False,
    recovery: RecoveryFolder = None,
    cold_start: ColdStart = False,
    create_topics: CreateTopics = False,
    partitions: Partitions = 1,
) -> None:
    """Check configuration, reference, recovery store, metrics port, broker and topics before a batch starts.

    Exit 0 when all is in order, else the exit code of the first check that failed; every failure says what to do. A
    warning fails nothing: units whose scans lie in several partitions of a topic have no order in a backlog.
    While `patrol run` is at work for the same twin, its metrics port is taken: that failure is then its own.

    [bold]Examples[/bold]

    patrol check my-twin.toml && patrol run my-twin.toml

    patrol check ops/twins/valve-rig.toml --create-topics --partitions 4
    """
    from ops.config import load

    configuration = load(twin)
    from ops.checking import CheckOptions, Outcome, checks
    from ops.monitors import Choice
    from ops.terminal import console

    options = CheckOptions(
        choice=Choice(store, reference, unapproved),
        recovery=recovery,
        cold_start=cold_start,
        partitions=partitions if create_topics else None,
    )
    tags = f"{configuration.twin.name}, {len(configuration.twin.tags)} tags, SHA-256 {configuration.sha256[:12]}"
    with console.status("checking"):
        outcomes = [Outcome("configuration", tags), *checks(configuration, options)]
    console.print(table(outcomes))
    failed = [outcome for outcome in outcomes if not outcome.ok]
    if failed:
        raise typer.Exit(failed[0].exit_code)


def table(outcomes: "Sequence[Outcome]") -> "Table":
    """The checks, their outcomes, and what was found or is to be done."""
    from rich.table import Table
    from rich.text import Text

    shown = Table("check", "", "found, or what to do")
    for outcome in outcomes:
        good = Text("warning", "yellow") if outcome.warns else Text("ok", "green")
        shown.add_row(outcome.what, good if outcome.ok else Text("failed", "bold red"), outcome.detail)
    return shown
