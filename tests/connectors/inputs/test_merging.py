"""A backlog's partitions are given out side by side, each in its own order, and nothing is lost or waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.inputs import merging
from connectors.inputs.merging import Fetched, Merging

A, B, C = ("scans", 0), ("scans", 1), ("scans", 2)


def message(at_us: int, offset: int) -> Fetched:
    return at_us, offset, b"m", b""


def given_times(merging: Merging, unfinished: set, count: int = 1000) -> list[int]:
    return [at_us for _, (at_us, *_) in merging.given(unfinished, count)]


def test_what_one_partition_has_waits_until_the_others_have_been_read_as_far() -> None:
    side_by_side = Merging()
    for k in range(10):
        side_by_side.add(A, message(k, k))
    assert given_times(side_by_side, {A, B}) == [], "of B nothing is known yet"
    side_by_side.add(B, message(4, 0))
    assert sorted(given_times(side_by_side, {A, B})) == [0, 1, 2, 3, 4, 4]
    assert given_times(side_by_side, {A}) == [5, 6, 7, 8, 9], "B has been read to its end"
    assert not side_by_side


def test_a_partition_that_gives_nothing_is_not_waited_for_without_an_end(monkeypatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(merging.time, "monotonic", lambda: now_s[0])
    side_by_side = Merging()
    side_by_side.add(A, message(1, 0))
    now_s[0] = 4.0
    assert given_times(side_by_side, {A, B}) == []
    now_s[0] = 6.0
    assert given_times(side_by_side, {A, B}) == [1]


def test_a_partition_of_which_much_waits_is_full_until_it_has_been_given_out() -> None:
    side_by_side = Merging()
    for k in range(20_000):
        side_by_side.add(A, message(k, k))
    assert side_by_side.full == {A}
    assert len(given_times(side_by_side, set(), 5000)) == 5000, "no more than was asked for"
    assert side_by_side.full == set()


@given(
    st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 50), st.integers(1, 5)), max_size=80),
    st.integers(1, 20),
)
def test_each_partitions_messages_come_once_in_their_order_and_side_by_side(steps, count) -> None:
    side_by_side, sent, out = Merging(), {A: [], B: [], C: []}, []
    reached = dict.fromkeys(sent, 0)
    for place, ahead_us, size in steps:
        for _ in range(size):
            reached[place] += ahead_us
            sent[place].append((reached[place], len(sent[place])))
            side_by_side.add(place, message(*sent[place][-1]))
        out += list(side_by_side.given({A, B, C}, count))
        newest = min(max((at_us for at_us, _ in each), default=-1) for each in sent.values())
        assert all(at_us <= newest for _, (at_us, *_) in out), "nothing ahead of what another may still bring"
    while side_by_side:
        out += list(side_by_side.given(set(), count))
    times = [at_us for _, (at_us, *_) in out]
    assert times == sorted(times), "as they were sent"
    for place, each in sent.items():
        assert [(at_us, offset) for where, (at_us, offset, *_) in out if where == place] == each
