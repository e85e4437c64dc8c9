"""White space round a name is no part of it, in every record and by both ways; nothing but white space is no name."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.messages.codec import decode, encode
from connectors.messages.grouping import Grouping
from connectors.prometheus.metrics import Metrics
from models.records.block import Block, Feed, ReadingBlock
from models.records.messages import Reading, Record, Rejected, Scan
from tests.conftest import event, minute, small_twin
from tests.connectors.messages.test_admission import group
from tests.connectors.messages.test_codec import ORIGIN, RECORDS

NAMES = ("unit", "batch_id", "tag", "product", "recipe", "phase", "analyte", "deviation_id", "by")
NEEDED = ("unit", "batch_id", "tag", "analyte", "deviation_id", "by")
SPACES = st.sampled_from(["", " ", "  ", "\t", "\u00a0"])


def named(record: Record) -> list[str]:
    """Its names that are given."""
    return [name for name in NAMES if getattr(record, name, None)]


@given(record=st.sampled_from(RECORDS), before=SPACES, after=SPACES)
def test_white_space_round_a_name_is_no_part_of_it(record: Record, before: str, after: str) -> None:
    padded = {name: f"{before}{getattr(record, name)}{after}" for name in named(record)}
    assert decode(encode(msgspec.structs.replace(record, **padded)), ORIGIN) == record


@pytest.mark.parametrize(
    ("record", "name"), [(each, name) for each in RECORDS for name in named(each) if name in NEEDED]
)
def test_a_name_of_nothing_but_white_space_is_refused(record: Record, name: str) -> None:
    letter = decode(encode(msgspec.structs.replace(record, **{name: "   "})), ORIGIN)
    assert isinstance(letter, Rejected)
    assert (letter.reason, letter.detail.split()[0]) == ("malformed", name)


@given(unit=SPACES, batch_id=SPACES, phase=SPACES, tag=SPACES)
def test_padded_scans_readings_and_events_are_of_one_unit_and_batch(
    unit: str, batch_id: str, phase: str, tag: str
) -> None:
    padded = {"unit": f"U1{unit}", "batch_id": f"{batch_id}B1", "phase": f"FEED{phase}"}
    scans = [
        Scan(unit="U1", observed_at=minute(1), values={"a": 1.0, "b": 2.0}, batch_id="B1", phase="FEED"),
        Scan(observed_at=minute(2), values={"a": 1.0, "b": 2.0}, **padded),
        Scan(observed_at=minute(3), values={f"a{tag}": 1.0, "b": 2.0}, quality={f"b{tag}": "bad"}, **padded),
    ]
    reading = Reading(unit=padded["unit"], tag=f"{tag}a", observed_at=minute(4), value=1.0)
    started = msgspec.structs.replace(event("started", 0), unit=padded["unit"])
    sent = [(each, "pat.scans", 0) for each in (*scans, *scans, reading, started)]
    out = group(Grouping(small_twin(), Metrics()), sent)
    (feed,) = out
    assert isinstance(feed, Feed)
    assert (feed.unit, feed.context[0].unit) == ("U1", "U1")
    (block,) = [each for each in feed.blocks if isinstance(each, Block)]
    assert (set(block.batch_ids or ()), set(block.phases or ())) == ({"B1"}, {"FEED"})
    assert len(block) == 6
    assert [len(each) for each in feed.blocks if isinstance(each, ReadingBlock)] == [1]


def test_a_scan_whose_batch_is_nothing_but_white_space_is_refused_whatever_came_before_it() -> None:
    odd = Scan(unit="U1", observed_at=minute(1), values={"a": 1.0, "b": 2.0}, batch_id="  ")
    good = msgspec.structs.replace(odd, batch_id="B1")
    out = group(Grouping(small_twin(), Metrics()), [(each, "pat.scans", 0) for each in (odd, good, odd)])
    assert [each.detail.split()[0] for each in out if isinstance(each, Rejected)] == ["batch_id", "batch_id"]


@pytest.mark.parametrize("units", [(), ("U1",)])
def test_a_padded_unit_is_known_by_its_name(units: tuple[str, ...]) -> None:
    twin, metrics = msgspec.structs.replace(small_twin(), units=units, units_max=1), Metrics()
    scans = [Scan(unit=unit, observed_at=minute(1), values={"a": 1.0, "b": 2.0}) for unit in ("U1 ", "U1", " U1")]
    out = group(Grouping(twin, metrics), [(each, "pat.scans", 0) for each in scans])
    assert [feed.unit for feed in out if isinstance(feed, Feed)] == ["U1"]
    assert metrics.registry.get_sample_value("patrol_scans_total", {"unit": "U1"}) == 3
