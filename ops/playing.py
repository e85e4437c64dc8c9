"""A recording as a stream of messages in order of their time: what ``patrol play`` publishes."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from connectors.files.runs import RecordedRun
from connectors.settings import Topics
from models.records.messages import BatchEvent, Reading, Scan
from models.records.times import to_time, to_us
from models.records.twin import Twin
from ops.recorded import events


class PlayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a recording is told."""

    as_readings: bool = False  # one message a tag (long form) instead of one a scan
    release: bool = False  # each batch is released after its end


@dataclass(frozen=True, slots=True)
class Message:
    """One record on its way to a topic, keyed by its unit."""

    at_us: int  # event time at which it becomes known
    topic: str
    record: Scan | Reading | BatchEvent


def messages(runs: Sequence[RecordedRun], twin: Twin, topics: Topics, options: PlayOptions) -> Iterator[Message]:
    """All runs' messages, units interleaved by event time; a batch's start comes before its first scan."""
    streams = []
    for run in runs:
        batch_events = _events(run, twin, topics, options)
        scans = _readings(run, twin, topics) if options.as_readings else _scans(run, twin, topics)
        streams.append(heapq.merge(batch_events, scans, key=_time))
    return heapq.merge(*streams, key=_time)


def count(runs: Sequence[RecordedRun], twin: Twin, options: PlayOptions) -> int:
    """How many messages ``messages`` gives."""
    count = sum(len(events(run, twin, release=options.release)) for run in runs)
    if options.as_readings:
        return count + sum(int(np.isfinite(run.values).sum()) for run in runs)
    return count + sum(len(run.observed_us) for run in runs)


def _time(message: Message) -> int:
    return message.at_us


def _events(run: RecordedRun, twin: Twin, topics: Topics, options: PlayOptions) -> Iterator[Message]:
    for event in events(run, twin, release=options.release):
        yield Message(to_us(event.at), topics.batch_events[0], event)


def _scans(run: RecordedRun, twin: Twin, topics: Topics) -> Iterator[Message]:
    names = twin.tag_names
    for at_us, values in zip(run.observed_us.tolist(), run.values.tolist(), strict=True):
        present = {name: value for name, value in zip(names, values, strict=True) if value == value}
        scan = Scan(unit=run.unit, observed_at=to_time(at_us), values=present)
        yield Message(at_us, topics.scans[0], scan)


def _readings(run: RecordedRun, twin: Twin, topics: Topics) -> Iterator[Message]:
    names = twin.tag_names
    for at_us, values in zip(run.observed_us.tolist(), run.values.tolist(), strict=True):
        for name, value in zip(names, values, strict=True):
            if value == value:
                reading = Reading(unit=run.unit, tag=name, observed_at=to_time(at_us), value=value)
                yield Message(at_us, topics.scans[0], reading)
