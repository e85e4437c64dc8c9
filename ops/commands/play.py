"""``patrol play``: publishes a recording to Kafka as if it were live, with its batch events."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
import typer

from models.records.errors import BrokerError, ConfigError
from ops.commands import command_app
from ops.commands.arguments import TwinFile

if TYPE_CHECKING:
    from connectors.files.runs import RecordedRun
    from connectors.settings import Kafka
    from ops.config import Configuration
    from ops.playing import Message

app = command_app()

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings: .csv, .csv.gz or .parquet.")]
Speed = Annotated[str, typer.Option("--speed", metavar="N|max", help="Times as fast as it was recorded, or as can be.")]
Bootstrap = Annotated[
    str | None, typer.Option("--bootstrap", metavar="HOST:PORT", help="Default: the twin's kafka.bootstrap_servers.")
]
AsReadings = Annotated[bool, typer.Option("--as-readings", help="One message a tag (reading/1) instead of one a scan.")]
Units = Annotated[
    list[str] | None,
    typer.Option("--unit", metavar="FILE=UNIT", help="The unit a file is of."),
]
Limit = Annotated[int | None, typer.Option("--limit-scans", min=1, metavar="N", help="At most N scans of each run.")]
Release = Annotated[bool, typer.Option("--release", help="Say of each batch that it was released, after its end.")]
KeepTimes = Annotated[bool, typer.Option("--keep-times", help="Publish the recorded times; default: from now on.")]
CreateTopics = Annotated[bool, typer.Option("--create-topics", help="Create the topics played to.")]


@app.command()
def play(
    twin: TwinFile,
    files: Files,
    speed: Speed = "60",
    bootstrap: Bootstrap = None,
    as_readings: AsReadings = False,
    unit: Units = None,
    limit_scans: Limit = None,
    release: Release = False,
    keep_times: KeepTimes = False,
    create_topics: CreateTopics = False,
) -> None:
    """Publish a recording to Kafka as if it were live, with its batch events.

    Messages are keyed by unit and paced by event time / speed; every delivery is confirmed, or it ends with exit 4.
    Several units play side by side, the runs of one unit one after another.

    [bold]Examples[/bold]

    patrol play ops/twins/penicillin.toml dev/scans.csv.gz --speed 3600 --bootstrap 127.0.0.1:9092

    patrol play ops/twins/valve-rig.toml valve1/0.csv valve1/1.csv --unit 0.csv=RIG-1 --unit 1.csv=RIG-2 --speed max
    """
    from ops.config import load

    configuration = load(twin)
    from connectors.kafka.publisher import Publisher
    from ops.playing import PlayOptions, count, messages
    from ops.terminal import console, progress

    kafka = configuration.kafka
    if bootstrap is not None:
        kafka = msgspec.structs.replace(kafka, bootstrap_servers=bootstrap)
    times, options = pace(speed), PlayOptions(as_readings=as_readings, release=release)
    runs = chosen(configuration, files, units_named(unit or (), files), limit_scans)
    if not keep_times:
        runs = from_now(runs)
    batches = any(run.batch_id is not None for run in runs)
    ready(kafka, kafka.topics.scans[:1] + kafka.topics.batch_events[:batches], create=create_topics)
    total = count(runs, configuration.twin, options)
    with progress("messages") as bar, Publisher(kafka) as publisher:
        task = bar.add_task("play", total=total)
        for message in paced(messages(runs, configuration.twin, kafka.topics, options), times, publisher):
            publisher.publish(message.topic, message.record.unit, message.record)
            bar.advance(task)
    units = len({run.unit for run in runs})
    console.print(f"{total} message(s) of {units} unit(s) published and confirmed.", highlight=False)
    if not configuration.twin.units and units > configuration.twin.units_max:
        console.print(f"`patrol run` watches twin.units_max = {configuration.twin.units_max} of them.", highlight=False)


def ready(kafka: "Kafka", topics: Sequence[str], *, create: bool) -> None:
    """Make sure that the topics played to are there.

    Raises
    ------
    BrokerError
        One is missing, or the broker cannot be reached.
    """
    from connectors.kafka.topics import create_topics, describe

    if create:
        create_topics(kafka, topics)
    troubles = [state.trouble("write") for state in describe(kafka, topics)]
    if any(troubles):
        raise BrokerError("; ".join(trouble for trouble in troubles if trouble is not None))


def chosen(
    configuration: "Configuration", files: Sequence[Path], units: Mapping[Path, str], limit: int | None
) -> "list[RecordedRun]":
    """The files' runs, each at most ``limit`` scans long, those of one unit one after another."""
    from ops.recorded import first_scans, one_after_another, read

    runs = []
    for file in files:
        for run in read([file], configuration):
            run = replace(run, unit=units.get(file, run.unit))
            runs.append(run if limit is None else first_scans(run, limit))
    if configuration.kafka.topics.batch_events == () and any(run.batch_id is not None for run in runs):
        raise ConfigError(f"{configuration.path}: kafka.topics.batch_events: is empty; name the topic to play to")
    return list(one_after_another(runs, configuration.twin))


def from_now(runs: "Sequence[RecordedRun]") -> "list[RecordedRun]":
    """The runs, so moved in time that the first one starts now."""
    from ops.recorded import shifted

    by_us = time.time_ns() // 1000 - min(run.started_us for run in runs)
    return [shifted(run, by_us) for run in runs]


def pace(speed: str) -> float:
    """Event seconds a wall-clock second; infinity for ``max``.

    Raises
    ------
    typer.BadParameter
        Neither ``max`` nor a number above 0.

    Examples
    --------
    >>> pace("60"), pace("max")
    (60.0, inf)
    """
    try:
        times = float("inf") if speed == "max" else float(speed)
    except ValueError:
        times = 0.0
    if not times > 0:
        raise typer.BadParameter(f"{speed!r} is neither max nor a number above 0", param_hint="--speed")
    return times


def units_named(pairs: Sequence[str], files: Sequence[Path]) -> dict[Path, str]:
    """``FILE=UNIT`` pairs to file -> unit; FILE is a path, its last part, or that without its suffix."""
    named: dict[Path, str] = {}
    for pair in pairs:
        file, _, unit = (part.strip() for part in pair.rpartition("="))
        matching = [path for path in files if file in (str(path), path.name, path.stem)]
        if not unit or len(matching) != 1:
            raise typer.BadParameter(f"{pair!r} names {len(matching)} of the files", param_hint="--unit")
        named[matching[0]] = unit
    return named


class Clock(Protocol):
    """A clock that can be waited on."""

    def now(self) -> float:
        """Seconds of wall clock."""

    def wait(self, wait_s: float) -> None:
        """Pass at most so many seconds."""


def paced(messages: "Iterable[Message]", speed: float, clock: Clock) -> "Iterator[Message]":
    """Each message when it is due: by event time / speed from the first one's, so that waiting adds no drift."""
    started, first_us = clock.now(), None
    for message in messages:
        first_us = message.at_us if first_us is None else first_us
        due = started + (message.at_us - first_us) / 1e6 / speed
        while (left_s := due - clock.now()) > 0:
            clock.wait(left_s)
        yield message
