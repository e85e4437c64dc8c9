"""Bytes become a record or an explained dead letter, whatever they are."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.messages.codec import TYPES, decode, encode
from models.records.errors import REASONS
from models.records.messages import (
    BatchEvent,
    Contributor,
    Deviation,
    Evidence,
    Inbound,
    LabResult,
    OperatorAction,
    Origin,
    Reading,
    Rejected,
    Scan,
    Statistic,
)

ORIGIN = Origin(topic="pat.scans", partition=3, offset=41)
NOW = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
RECORDS: tuple[Inbound, ...] = (
    Scan(unit="BR-101", observed_at=NOW, values={"ph": 7.1, "do": None}, quality={"do": "bad"}, batch_id="B1"),
    Reading(unit="BR-101", tag="ph", observed_at=NOW, value=7.1, quality="uncertain"),
    BatchEvent(event="phase_started", batch_id="B1", unit="BR-101", at=NOW, phase="FEED", material_lots={"media": "7"}),
    LabResult(
        batch_id="B1", unit="BR-101", analyte="titre", value=1.5, unit_of_measure="g/L", sampled_at=NOW, reported_at=NOW
    ),
    OperatorAction(action="shelve", deviation_id="d", unit="BR-101", by="anna", at=NOW, until=NOW),
    Deviation(
        deviation_id="d", revision=2, state="UNACK", category="process", grade="approved", priority="high",
        unit="BR-101", twin="t", cause="process", message="m", since_at=NOW, raised_at=NOW, changed_at=NOW,
        statistic=Statistic(name="t2", value=2.0, limit=1.0), contributors=(Contributor(tag="ph", share=0.5),),
        evidence=Evidence(topic="pat.scans", partition=0, first_offset=1, last_offset=2),
    ),
)  # fmt: skip


def scan(**changed: object) -> bytes:
    """A scan as a sender writes it, with fields changed; JSON as Python writes it, so NaN and Infinity too."""
    fields = {"type": "scan/1", "unit": "BR-101", "observed_at": "2026-01-05T06:00:00Z", "values": {"ph": 7.1}}
    return json.dumps(fields | changed).encode()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_inbound_record_survives_the_journey(record: Inbound) -> None:
    assert decode(encode(record), ORIGIN) == record


def test_a_newer_senders_unknown_field_is_ignored() -> None:
    assert isinstance(decode(scan(colour="blue"), ORIGIN), Scan)


def test_a_time_with_another_zone_is_the_same_moment() -> None:
    found = decode(scan(observed_at="2026-01-05T11:30:00+05:30"), ORIGIN)
    assert isinstance(found, Scan)
    assert found.observed_at == NOW


@pytest.mark.parametrize(
    ("raw", "reason", "said"),
    [
        (b"", "malformed", "the message is empty"),
        (b"null", "malformed", "one JSON object"),
        (scan()[:-1], "malformed", "truncated"),
        (b"\xff\xfe", "malformed", "one JSON object"),
        (b"[" * 100_000, "malformed", "one JSON object"),
        (b'{"type":"scan/1","x":' + b"[" * 100_000, "malformed", "one JSON object"),
        (scan(type="scan/2"), "unknown-type", 'type is "scan/2"'),
        (scan(type=None), "unknown-type", "type is null"),
        (scan(type="\ud800"), "unknown-type", "type is"),
        (scan(unit=""), "malformed", 'unit is ""'),
        (scan(unit=7), "malformed", "unit is 7"),
        (scan(unit="x" * 257), "malformed", "length <= 256"),
        (scan(phase="x" * 999_700), "malformed", "phase is"),
        (scan(values={"ph": "7.1"}), "malformed", 'values.ph is "7.1"'),
        (scan(values={"ph": True}), "malformed", "values.ph is true"),
        (scan(values={"do": 1, "ph": math.nan}), "not-finite", "values.ph is nan"),
        (scan(values={"ph": -math.inf}), "not-finite", "values.ph is -inf"),
        (scan().replace(b"7.1", b"1e999"), "not-finite", "values.ph is inf"),
        (scan().replace(b"7.1", b"9" * 400), "not-finite", "out of range"),
        (scan(quality={"ph": "ugly"}), "malformed", 'quality.ph is "ugly"'),
        (scan(observed_at="2026-01-05T06:00:00"), "naive-time", 'observed_at is "2026-01-05T06:00:00"'),
        (scan(observed_at="2026-13-05T06:00:00Z"), "malformed", 'observed_at is "2026-13-05'),
        (scan(observed_at="9999-12-31T23:59:59-23:59"), "malformed", "mend the sender's clock"),
        (scan(observed_at="1969-12-31T23:59:59Z"), "malformed", "mend the sender's clock"),
        (b'{"type":"batch-event/1","event":"begun"}', "malformed", 'event is "begun"'),
        (b'{"type":"scan/1"}', "malformed", "missing required field `unit`"),
        (scan(unit="\ud800"), "malformed", "surrogate"),
        (scan(values={"\ud800": 1}), "malformed", "surrogate"),
        (b'{"type":"deviation/1","contributors":[{"share":9}],"contributors":3}', "malformed", "contributors"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(raw: bytes, reason: str, said: str) -> None:
    found = decode(raw, ORIGIN, "BR-101")
    assert isinstance(found, Rejected)
    assert found.reason == reason
    assert said in found.detail
    assert found.detail.encode(), "it travels in a header"
    assert (found.raw, found.origin, found.key) == (raw, ORIGIN, "BR-101")


def sound(raw: bytes) -> None:
    """What must hold of any message."""
    found = decode(raw, ORIGIN)
    if isinstance(found, Rejected):
        assert found.reason in REASONS
        assert 0 < len(found.detail.encode()) < 3000  # it travels in a header
        return
    again = decode(encode(found), ORIGIN)
    assert again == found
    for place, number in numbers(msgspec.to_builtins(found)):
        assert math.isfinite(number), place


def numbers(held: object, place: str = "") -> list[tuple[str, float]]:
    """All numbers in what a record holds."""
    if isinstance(held, dict):
        return [found for name, each in held.items() for found in numbers(each, f"{place}.{name}")]
    if isinstance(held, list | tuple):
        return [found for each in held for found in numbers(each, place)]
    return [(place, held)] if isinstance(held, int | float) else []


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_an_explained_dead_letter(raw: bytes) -> None:
    sound(raw)


@settings(deadline=None)
@given(st.data())
def test_a_record_with_bytes_gone_wrong_is_a_record_or_an_explained_dead_letter(data: st.DataObject) -> None:
    raw = bytearray(encode(data.draw(st.sampled_from(RECORDS))))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    sound(bytes(raw))


words = st.text(max_size=12) | st.sampled_from(
    ["good", "bad", "started", "2026-01-05T06:00:00Z", "2026-01-05T06:00:00"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | words | st.datetimes().map(lambda at: f"{at}Z")
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
kinds = st.sampled_from((*TYPES, "scan/9", None))
names = st.sampled_from(sorted({name for record in RECORDS for name in record.__struct_fields__}))


@settings(deadline=None)
@given(st.sampled_from(RECORDS), st.dictionaries(names, trees, max_size=4), kinds)
def test_any_json_is_a_record_or_an_explained_dead_letter(
    record: Inbound, changed: dict[str, object], kind: str
) -> None:
    fields = msgspec.json.decode(encode(record)) | changed
    sound(json.dumps(fields if kind is None else fields | {"type": kind}).encode())


@settings(deadline=None)
@given(
    st.datetimes(NOW.replace(year=1971, tzinfo=None), NOW.replace(year=2198, tzinfo=None)),
    st.integers(-12 * 60, 14 * 60),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_scan_of_a_sound_clock_is_taken(at: datetime, offset_min: int, value: float) -> None:
    zoned = at.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    found = decode(scan(observed_at=zoned.isoformat(), values={"ph": value}), ORIGIN)
    assert isinstance(found, Scan)
    assert found.observed_at == zoned
    assert found.values == {"ph": value}
