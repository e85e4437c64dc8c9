"""What several tests stand on: a small twin, a monitor with one rule, and ways to write scans and events."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.records.block import Block, Feed, Stretch
from models.records.judgement import Finding, Judgement
from models.records.messages import BatchEvent, Contributor
from models.records.monitor import Numbers
from models.records.times import to_us
from models.records.twin import Alarms, Context, Tag, Twin

START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


class AboveOne:
    """A monitor with one rule: the first tag above 1 is a process deviation. It counts what it has seen."""

    reference_id = "rule@1"
    expected_duration_s = 36_000.0
    peers = None  # judged alone

    def __init__(self) -> None:
        self.seen = 0

    def judge(self, stretch: Stretch) -> Judgement:
        self.seen += len(stretch)
        n, first = len(stretch), stretch.values[:, 0]
        limit = np.ones(n)

        def explain(row: int) -> tuple[Contributor, ...]:
            return (Contributor(tag="a", share=1.0, observed=float(first[row]), expected=1.0, z=3.0),)

        over = first > 1
        finding = Finding("rule", "process", "process", "approved", np.nan_to_num(first), limit, over, explain)
        fit = np.isfinite(stretch.values)
        return Judgement(
            stretch.age_s / 36_000, first, limit, first, limit, fit, np.ones(n, dtype=bool), (finding,),
            lambda rows: [explain(row) for row in rows],
        )  # fmt: skip

    def state(self) -> Numbers:
        return {"seen": self.seen}

    def restore(self, numbers: Numbers) -> None:
        self.seen = int(str(numbers["seen"]))


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """What a command does to PATrol's logger, it does for its own test only: others read it, in any order."""
    log = logging.getLogger("patrol")
    handlers, propagate, level = log.handlers, log.propagate, log.level
    yield
    log.handlers, log.propagate = handlers, propagate
    log.setLevel(level)


@pytest.fixture
def twin() -> Twin:
    """Two tags, a scan a minute, ten minutes until an alarm clears."""
    return small_twin()


def small_twin() -> Twin:
    """The twin of most tests."""
    return Twin(
        name="small",
        product="p",
        cadence_s=60,
        tags={"a": Tag(unit_of_measure="1"), "b": Tag(unit_of_measure="degC")},
        alarms=Alarms(off_delay_s=600, rejoin_s=600),
        context=Context(no_batch_after_s=1800, clock_reset_scans=3),
    )


def minute(m: float) -> datetime:
    """The time ``m`` minutes after the start of every test's shift."""
    return START + timedelta(minutes=m)


def scans(minutes: object, values: object = 0.0, unit: str = "BR-101", **named: object) -> Block:
    """Scans at these minutes; ``values``: the first tag's."""
    at = np.atleast_1d(np.asarray(minutes, dtype=float))
    first = np.broadcast_to(np.asarray(values, dtype=float), at.shape)
    observed_us = (to_us(START) + at * 60e6).astype(np.int64)
    return Block(unit, "pat.scans", 0, np.arange(len(at)), observed_us, np.stack([first, 0 * first], axis=1), **named)


def event(kind: str, m: float, batch_id: str = "B1", unit: str = "BR-101", **named: object) -> BatchEvent:
    """A batch event at minute ``m``."""
    return BatchEvent(event=kind, batch_id=batch_id, unit=unit, at=minute(m), **named)


def feed(*items: object, unit: str = "BR-101") -> Feed:
    """One poll's worth: context and blocks in any order."""
    blocks = tuple(item for item in items if hasattr(item, "observed_us"))
    return Feed(unit, tuple(item for item in items if not hasattr(item, "observed_us")), blocks)
