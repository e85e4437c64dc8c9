"""Units that are not watched are counted and said, never without end; those that are known stay."""

from collections.abc import Callable

import msgspec
import pytest
from prometheus_client import generate_latest

from connectors.messages.grouping import Grouping
from connectors.prometheus.metrics import Metrics
from models.adaptive.monitor import AdaptiveMonitor
from models.records.block import Feed
from models.records.messages import Deviation, Reading, Record, Rejected, Score, Tick
from models.unit.watch import Watch
from tests.conftest import event, minute, small_twin
from tests.connectors.messages.test_grouping import group, scan


def refused(out: list[Feed | Rejected]) -> list[str]:
    """The reasons of the dead letters."""
    return [each.reason for each in out if isinstance(each, Rejected)]


def left_out(metrics: Metrics, why: str) -> float | None:
    return metrics.registry.get_sample_value("patrol_left_out_messages_total", {"why": why})


def test_units_beyond_the_cap_are_named_a_few_times_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    few, metrics = msgspec.structs.replace(small_twin(), units_max=3), Metrics()
    grouping = Grouping(few, metrics)
    grouping.admission.know(["U0"])
    out = group(grouping, [(scan(n, f"U{n % 20}"), "pat.scans", 0) for n in range(1, 101)])
    assert [feed.unit for feed in out if isinstance(feed, Feed)] == ["U1", "U2", "U0"]
    assert refused(out) == ["unknown-unit"] * 10
    assert "units_max = 3" in next(each.detail for each in out if isinstance(each, Rejected))
    assert metrics.registry.get_sample_value("patrol_units_left_out") == 17
    assert left_out(metrics, "too-many") == 85
    assert "10 unit(s) beyond twin.units_max = 3 are not watched" in caplog.text
    again = group(grouping, [(scan(200, "U9"), "pat.scans", 0), (scan(201, "U1"), "pat.scans", 0)])
    assert [type(each) for each in again] == [Feed]


def test_more_units_known_before_a_restart_than_the_cap_stay_watched_and_nothing_is_said_twice() -> None:
    few, metrics = msgspec.structs.replace(small_twin(), units_max=1), Metrics()
    grouping = Grouping(few, metrics)
    grouping.admission.know(["U1", "U2"], lettered=["U3"])
    out = group(grouping, [(scan(n, f"U{n}"), "pat.scans", 0) for n in (1, 2, 3, 4)])
    assert [feed.unit for feed in out if isinstance(feed, Feed)] == ["U1", "U2"]
    assert ["U4" in each.detail for each in out if isinstance(each, Rejected)] == [True]


def test_a_listed_unit_is_watched_however_many_there_are() -> None:
    listed = msgspec.structs.replace(small_twin(), units=("U1", "U2"), units_max=1)
    out = group(Grouping(listed, Metrics()), [(scan(n, f"U{n}"), "pat.scans", 0) for n in (1, 2)])
    assert [type(each) for each in out] == [Feed, Feed]


OTHERS = [
    lambda n: scan(n),
    lambda n: Reading(unit=f"BR-{n}", tag="other", observed_at=minute(n), value=1.0),
    lambda n: event("started", n),
]


@pytest.mark.parametrize("other", OTHERS, ids=["scan", "reading", "event"])
def test_units_of_another_twin_on_the_topic_are_said_once_and_counted(other: Callable[[int], Record]) -> None:
    listed, metrics = msgspec.structs.replace(small_twin(), units=("BR-102",)), Metrics()
    out = group(
        Grouping(listed, metrics),
        [(other(n), "pat.scans", 0) for n in range(50)] + [(scan(60, "BR-102"), "pat.scans", 0)],
    )
    assert refused(out) == ["unknown-unit"]
    assert [feed.unit for feed in out if isinstance(feed, Feed)] == ["BR-102"]
    assert left_out(metrics, "unlisted") == 50
    assert metrics.registry.get_sample_value("patrol_units_left_out") == 0


def test_a_message_that_cannot_be_used_takes_no_place_under_the_cap() -> None:
    few = msgspec.structs.replace(small_twin(), units_max=1)
    odd = Reading(unit="U1", tag="colour", observed_at=minute(1), value=1.0)
    out = group(Grouping(few, Metrics()), [(odd, "pat.scans", 0), (scan(1, "U2"), "pat.scans", 0)])
    assert refused(out) == ["unknown-tag"]
    assert [feed.unit for feed in out if isinstance(feed, Feed)] == ["U2"]


def test_the_units_of_the_default_cap_make_fewer_than_5000_series() -> None:
    twin = msgspec.structs.replace(small_twin(), mode="continuous")
    metrics = Metrics(tags=twin.tag_names, alarms=twin.alarms)
    for feed in group(Grouping(twin, metrics), [(scan(1, f"u-{n:036d}"), "pat.scans", 0) for n in range(1000)]):
        if isinstance(feed, Feed):
            watch = Watch(feed.unit, twin, lambda _: AdaptiveMonitor(twin))
            quiet = Feed(feed.unit, (Tick(unit=feed.unit, kind="quiet", still_s=30.0),))
            for record in [*watch.step(feed), *watch.step(quiet)]:
                if isinstance(record, Score):
                    metrics.score(record)
                elif isinstance(record, Deviation):
                    metrics.deviation(record)
    lines = generate_latest(metrics.registry).splitlines()
    assert 3000 < sum(not line.startswith(b"#") for line in lines) <= 5000
