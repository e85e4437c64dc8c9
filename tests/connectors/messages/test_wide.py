"""The short way from a message to a row gives what the long way gives, or gives way to it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from connectors.messages.codec import encode
from connectors.messages.grouping import Grouping
from connectors.messages.wide import WideScans
from connectors.prometheus.metrics import Metrics
from models.records.block import Feed
from models.records.messages import Scan
from models.records.twin import Tag, Twin
from tests.conftest import minute

NAMES = ("ph", "class", "TI-101 top", "ünïtée.1")  # names that are no Python
TWIN = Twin(name="odd", product="p", cadence_s=60, tags={name: Tag(unit_of_measure="1") for name in NAMES})
WIDE = WideScans(TWIN)
readings = st.dictionaries(st.sampled_from(NAMES), st.floats(allow_nan=False, allow_infinity=False))


def scan(**said: object) -> Scan:
    return Scan(**{"unit": "BR-1", "observed_at": minute(3), "values": {"ph": 7.0}, **said})


def row_by_the_long_way(record: Scan) -> list[float]:
    """What the general decoder and the grouping make of it; a quality sends it there."""
    grouping = Grouping(TWIN, Metrics())
    grouping.add([(encode(msgspec.structs.replace(record, quality={"ph": "good"})), "pat.scans", 0, 0, b"")])
    (feed,) = grouping.take()
    assert isinstance(feed, Feed)
    return feed.blocks[0].values.tolist()[0]


@given(values=readings)
def test_a_scan_gives_the_same_row_both_ways(values: dict[str, float]) -> None:
    record = scan(values=values, batch_id="B1", phase="FEED")
    found = WIDE.decode(encode(record))
    assert found is not None
    assert (found.unit, found.observed_at, found.batch_id, found.phase) == ("BR-1", minute(3), "B1", "FEED")
    assert repr(list(astuple(found.values))) == repr(row_by_the_long_way(record))


@pytest.mark.parametrize(
    "said",
    [{"values": {"ph": None}}, {"values": {"colour": 1.0}}, {"quality": {"ph": "bad"}}],
    ids=["a null", "an unknown tag", "a bad reading"],
)
def test_what_needs_a_closer_look_is_left_to_the_general_decoder(said: dict[str, object]) -> None:
    assert WIDE.decode(encode(scan(**said))) is None


@pytest.mark.parametrize("raw", [b"", b"rubbish", b"{}", b'{"type":"reading/1"}', b"\xff", b"[" * 100_000])
def test_what_is_no_scan_is_left_to_the_general_decoder(raw: bytes) -> None:
    assert WIDE.decode(raw) is None


def test_a_time_that_cannot_be_is_left_to_the_general_decoder() -> None:
    assert WIDE.decode(encode(scan()).replace(b"2026-", b"2999-")) is None


def test_scans_after_something_else_are_read_all_the_same() -> None:
    grouping = Grouping(TWIN, Metrics())
    sent = (b"rubbish", encode(scan()), encode(scan(observed_at=minute(4))))
    assert grouping.add((raw, "pat.scans", 0, offset, b"") for offset, raw in enumerate(sent)) == 3
    feed, letter = grouping.take()
    assert isinstance(feed, Feed)
    assert len(feed.blocks[0]) == 2
    assert letter.reason == "malformed"  # type: ignore[union-attr]
