"""One poll's messages become a feed a unit, with its scans as arrays; what cannot be used is said."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.messages.codec import encode
from connectors.messages.grouping import Grouping
from connectors.prometheus.metrics import Metrics
from connectors.settings import Topics
from models.records.block import Block, Feed, ReadingBlock
from models.records.messages import OperatorAction, Origin, Reading, Record, Rejected, Scan
from models.records.times import to_us
from models.records.twin import Twin
from tests.conftest import event, minute, small_twin

Sent = tuple[Record | bytes, str, int]  # record, topic, partition


def scan(m: float, unit: str = "BR-101", **fields: object) -> Scan:
    """A scan at minute ``m``."""
    return Scan(unit=unit, observed_at=minute(m), **({"values": {"a": m, "b": -m}} | fields))


def grouped(twin: Twin, *sent: Record | bytes, metrics: Metrics | None = None) -> list[Feed | Rejected]:
    """The messages, all of one partition, as one poll's feeds."""
    return group(Grouping(twin, metrics or Metrics()), [(record, "pat.scans", 0) for record in sent])


def group(grouping: Grouping, sent: list[Sent], first: int = 0) -> list[Feed | Rejected]:
    """Each message gets the next offset."""
    for offset, (record, topic, partition) in enumerate(sent, first):
        raw = record if isinstance(record, bytes) else encode(record)
        assert grouping.add([(raw, topic, partition, offset, b"key")]) == 1
    return grouping.take()


def block_of(feed: Feed | Rejected) -> Block:
    """The feed's one block."""
    assert isinstance(feed, Feed)
    (block,) = feed.blocks
    assert isinstance(block, Block)
    return block


def test_scans_become_arrays_in_the_order_of_the_twins_tags(twin: Twin) -> None:
    (feed,) = grouped(twin, scan(1), scan(2, values={"b": 5.0, "a": 4.0}))
    block = block_of(feed)
    assert block.values.tolist() == [[1.0, -1.0], [4.0, 5.0]]
    assert block.observed_us.tolist() == [to_us(minute(1)), to_us(minute(2))]
    assert (block.offsets.tolist(), block.topic, block.partition) == ([0, 1], "pat.scans", 0)
    assert (block.batch_ids, block.phases) == (None, None)


def test_a_bad_or_absent_reading_is_none_and_an_uncertain_one_is_kept(twin: Twin) -> None:
    bad = scan(1, quality={"a": "bad"})
    unsure = scan(2, quality={"a": "uncertain"}, values={"a": 7.0, "b": None})
    (feed,) = grouped(twin, bad, unsure, scan(3, values={"b": 1.0}))
    np.testing.assert_array_equal(block_of(feed).values, [[math.nan, -1.0], [7.0, math.nan], [math.nan, 1.0]])


def test_what_scans_say_of_their_batch_and_phase_is_kept(twin: Twin) -> None:
    (feed,) = grouped(twin, scan(1), scan(2, batch_id="B7"), scan(3, phase="FEED"))
    assert block_of(feed).batch_ids == (None, "B7", None)
    assert block_of(feed).phases == (None, None, "FEED")


def test_context_comes_with_its_unit_and_ahead_of_its_scans(twin: Twin) -> None:
    started = event("started", 0)
    feeds = grouped(twin, scan(1), event("started", 0, unit="BR-102"), started, event("ended", 9))
    assert [feed.unit for feed in feeds if isinstance(feed, Feed)] == ["BR-102", "BR-101"]
    assert isinstance(feeds[1], Feed)
    assert feeds[1].context == (started, event("ended", 9))


def test_readings_become_columns_of_their_own(twin: Twin) -> None:
    good = Reading(unit="BR-101", tag="b", observed_at=minute(1), value=2.5)
    bad = Reading(unit="BR-101", tag="a", observed_at=minute(2), value=9.0, quality="bad")
    absent = Reading(unit="BR-101", tag="a", observed_at=minute(3), value=None)
    (feed,) = grouped(twin, good, bad, absent)
    assert isinstance(feed, Feed)
    (block,) = feed.blocks
    assert isinstance(block, ReadingBlock)
    assert block.tag_index.tolist() == [1, 0, 0]
    np.testing.assert_array_equal(block.values, [2.5, math.nan, math.nan])


def test_a_tag_the_twin_does_not_know_is_said_once_a_unit_and_counted_and_the_rest_is_used(twin: Twin) -> None:
    metrics, strange = Metrics(), {"a": 1.0, "colour": 3.0}
    out = grouped(
        twin, scan(1, values=strange), scan(2, values=strange), scan(3, "BR-102", values=strange), metrics=metrics
    )
    letters = [letter for letter in out if isinstance(letter, Rejected)]
    assert [(letter.reason, letter.origin.offset) for letter in letters] == [("unknown-tag", 0), ("unknown-tag", 2)]
    assert "'colour'" in letters[0].detail
    assert [len(block_of(feed)) for feed in out if isinstance(feed, Feed)] == [2, 1]
    assert metrics.registry.get_sample_value("patrol_unknown_tag_values_total") == 3


def test_a_sender_that_invents_tags_without_end_costs_bounded_memory_and_letters(twin: Twin) -> None:
    grouping, letters = Grouping(twin, Metrics()), 0
    for n in range(5000):
        out = group(grouping, [(scan(n, values={f"tag{n}": 1.0}), "pat.scans", 0)], n)
        letters += sum(isinstance(item, Rejected) for item in out)
    assert letters == 1000


def test_a_reading_of_an_unknown_tag_is_a_dead_letter_each_time(twin: Twin) -> None:
    strange = Reading(unit="BR-101", tag="colour", observed_at=minute(1), value=1.0)
    out = grouped(twin, strange, strange)
    assert [letter.reason for letter in out if isinstance(letter, Rejected)] == ["unknown-tag"] * 2
    assert not [feed for feed in out if isinstance(feed, Feed)]


def test_a_unit_the_twin_does_not_list_is_a_dead_letter_with_its_bytes_and_origin(twin: Twin) -> None:
    listed = msgspec.structs.replace(twin, units=("BR-102",))
    letter, *rest = [x for x in grouped(listed, scan(1), scan(2, "BR-102")) if isinstance(x, Rejected)]
    assert rest == []
    assert (letter.reason, letter.raw, letter.key) == ("unknown-unit", encode(scan(1)), "key")
    assert letter.origin == Origin(topic="pat.scans", partition=0, offset=0)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"type":"scan/9"}'])
def test_rubbish_among_scans_is_a_dead_letter_and_the_scans_are_used(twin: Twin, raw: bytes) -> None:
    feed, letter = grouped(twin, scan(1), raw, scan(2))
    assert isinstance(letter, Rejected)
    assert block_of(feed).offsets.tolist() == [0, 2]


def test_what_was_taken_is_gone(twin: Twin) -> None:
    grouping = Grouping(twin, Metrics())
    assert len(group(grouping, [(scan(1), "pat.scans", 0), (b"{", "pat.scans", 0)])) == 2
    assert grouping.take() == []


arrivals = st.lists(
    st.tuples(st.sampled_from(["BR-101", "BR-102"]), st.sampled_from(["one", "two"]), st.integers(0, 2)), max_size=30
)


@settings(deadline=None)
@given(arrivals, st.sets(st.integers(0, 30)))
def test_however_polls_cut_the_stream_each_partitions_scans_keep_their_order(
    sent: list[tuple[str, str, int]], cuts: set[int]
) -> None:
    grouping, found = Grouping(small_twin(), Metrics()), {}
    for offset, (unit, topic, partition) in enumerate(sent):
        grouping.add([(encode(scan(offset, unit)), topic, partition, offset, b"")])
        if offset in cuts or offset == len(sent) - 1:
            for feed in grouping.take():
                assert isinstance(feed, Feed)
                for block in feed.blocks:
                    found.setdefault((feed.unit, block.topic, block.partition), []).extend(block.offsets.tolist())
    wanted: dict[tuple[str, str, int], list[int]] = {}
    for offset, place in enumerate(sent):
        wanted.setdefault(place, []).append(offset)
    assert found == wanted


ACTION = OperatorAction(action="acknowledge", deviation_id="d", unit="BR-101", by="eve", at=minute(0))


def test_a_record_is_taken_only_from_the_topics_given_for_it():
    topics = Topics(scans=("plant.pat",), batch_events=("mes",), operator_actions=("people",))
    records = {"plant.pat": scan(0), "mes": event("started", 0), "people": ACTION}
    for topic in records:
        grouping = Grouping(small_twin(), Metrics(), topics)
        grouping.add([(encode(record), topic, 0, k, b"") for k, record in enumerate(records.values())])
        letters = [taken for taken in grouping.take() if isinstance(taken, Rejected)]
        assert [letter.reason for letter in letters] == ["wrong-topic", "wrong-topic"]
        assert all(topic in letter.detail for letter in letters)


def test_one_topic_for_all_takes_all():
    topics = Topics(scans=("all",), batch_events=("all",), operator_actions=("all",))
    grouping = Grouping(small_twin(), Metrics(), topics)
    grouping.add([(encode(record), "all", 0, 0, b"") for record in (scan(0), event("started", 0), ACTION)])
    assert not [taken for taken in grouping.take() if isinstance(taken, Rejected)]


@pytest.mark.parametrize("before", [[], [b"rubbish"], [encode(scan(0))]])
def test_a_scan_without_a_type_is_none_whatever_came_before(before):
    untyped = encode(scan(1)).replace(b'"type":"scan/1",', b"")
    grouping = Grouping(small_twin(), Metrics())
    grouping.add([(raw, "pat.scans", 0, k, b"") for k, raw in enumerate([*before, untyped])])
    reasons = {taken.origin.offset: taken.reason for taken in grouping.take() if isinstance(taken, Rejected)}
    assert reasons[len(before)] == "unknown-type"
