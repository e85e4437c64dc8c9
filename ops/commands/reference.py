"""``patrol reference``: learn, show, approve, list and retire what released batches looked like."""

import getpass
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands import command_app
from ops.commands.arguments import MoreScans, Scans, Store, TwinFile

if TYPE_CHECKING:
    from connectors.store.references import AnyReference, ReferenceStore, StoredVersion
    from ops.config import Configuration

app = command_app("Learn, show, approve, list and retire references: what released batches looked like.")

_DEFAULT = Path("refs")  # as references.store, where no twin says otherwise

What = Annotated[
    str, typer.Argument(metavar="TWIN.toml|NAME[@VERSION]", help="A twin's file or a reference's name; newest version.")
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="The person who does it: recorded.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: recorded.")]
Approver = Annotated[
    str | None, typer.Option("--approve", metavar="NAME", help="Approve it at once; the person who approves: recorded.")
]


@app.command()
def fit(
    twin: TwinFile,
    scans: Scans,
    more: MoreScans = None,
    store: Store = None,
    approve: Approver = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who fits it. Default: you.")] = None,
) -> None:
    """Learn a reference from released batches, or from recordings of a continuous process running normally.

    It stays a candidate until someone approves it.

    [bold]Example[/bold]

    patrol reference fit ops/twins/penicillin.toml --scans train/scans.csv.gz --store refs --approve "A. Smith"
    """
    from ops.config import load

    configuration = load(twin)
    from ops.learning import learn, recorded_batches
    from ops.terminal import console

    files = [*scans, *(more or ())]
    kept = _store(configuration, store)
    batches = recorded_batches(configuration, files)
    started = time.monotonic()
    reference = learn(configuration, batches)
    lasted_s = time.monotonic() - started
    source = ", ".join(map(str, files))
    stored = kept.add(reference, by=by or getpass.getuser(), at=_now(), source=source)
    if approve is not None:
        stored = kept.approve(stored.name, stored.version, by=approve, at=_now(), reason="approved when it was fitted")
    _describe(stored, reference)
    console.print(f"Learnt from {len(batches)} batches in {lasted_s:.1f} s.")
    if approve is None:
        console.print(f"A candidate judges nothing: patrol reference approve {stored.id} --by NAME")


@app.command()
def show(what: What, store: Store = None) -> None:
    """Show one version: state, checksum, batches and limits.

    [bold]Example[/bold]

    patrol reference show penicillin@1 --store refs
    """
    kept, name, version = _found(what, store)
    stored, reference = kept.load_any(name, version, ("approved", "candidate", "retired"))
    _describe(stored, reference)


@app.command()
def approve(what: What, by: By, store: Store = None, reason: Reason = "") -> None:
    """Approve a version: it judges from now on, and the version approved before it is retired.

    [bold]Examples[/bold]

    patrol reference approve ops/twins/penicillin.toml --by "A. Smith" --reason "reviewed, report 17"

    patrol reference approve penicillin@2 --store refs --by "A. Smith"
    """
    from ops.terminal import console

    kept, name, version = _found(what, store)
    stored = kept.approve(name, version, by=by, at=_now(), reason=reason)
    console.print(f"{stored.id} is {stored.state}, by {by}.", highlight=False)


@app.command()
def retire(what: What, by: By, store: Store = None, reason: Reason = "") -> None:
    """Retire a version: it judges nothing any more, and stays in the store.

    [bold]Example[/bold]

    patrol reference retire penicillin@1 --store refs --by "A. Smith" --reason "recipe changed"
    """
    from ops.terminal import console

    kept, name, version = _found(what, store)
    stored = kept.retire(name, version, by=by, at=_now(), reason=reason)
    console.print(f"{stored.id} is {stored.state}, by {by}.", highlight=False)


@app.command("list", no_args_is_help=False)
def list_(
    what: Annotated[str | None, typer.Argument(metavar="[TWIN.toml|NAME]", help="Default: all.")] = None,
    store: Store = None,
) -> None:
    """List the versions in a store, one a line: id, state, batches, when, by whom, checksum.

    [bold]Example[/bold]

    patrol reference list --store refs
    """
    from connectors.store.references import ReferenceStore

    kept, name, _ = (ReferenceStore(store or _DEFAULT), None, None) if what is None else _found(what, store)
    for stored in kept.list(name):
        by = f"approved by {stored.approved_by}" if stored.approved_by else f"by {stored.created_by}"
        print(
            f"{stored.id}\t{stored.state}\t{len(stored.batches)} batches\t{stored.created_at:%Y-%m-%dT%H:%M:%SZ}"
            f"\t{by}\t{stored.sha256}"
        )


def _found(what: str, store: Path | None) -> "tuple[ReferenceStore, str, int | None]":
    """Store, name and version of ``TWIN.toml``, ``NAME`` or ``NAME@VERSION``."""
    from connectors.store.references import ReferenceStore
    from ops.config import load
    from ops.monitors import split

    if what.endswith(".toml"):
        configuration = load(Path(what))
        return _store(configuration, store), configuration.twin.name, None
    return ReferenceStore(store or _DEFAULT), *split(what)


def _store(configuration: "Configuration", store: Path | None) -> "ReferenceStore":
    from connectors.store.references import ReferenceStore

    return ReferenceStore(store or Path(configuration.references.store))


def _now() -> datetime:
    return datetime.now(UTC)


def _describe(stored: "StoredVersion", reference: "AnyReference") -> None:
    """State, checksum and batches, and a table of limits."""
    from rich.text import Text

    from ops.learning import limits_table
    from ops.terminal import console

    approved = f", approved by {stored.approved_by}" if stored.approved_by else ""
    console.print(Text(stored.id, style="bold"), f"{stored.state}{approved}", highlight=False)
    console.print(f"SHA-256 {stored.sha256}", highlight=False)
    console.print(f"{len(reference.batches)} batches: {', '.join(reference.batches)}", highlight=False)
    console.print(limits_table(reference))
