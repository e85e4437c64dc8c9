"""The audit of the alarm system: what was put before the operators, by hand and by an independent second reckoning."""

import itertools
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarms.audit import AlarmAudit
from models.alarms.deviations import DeviationRegister
from models.alarms.figures import floods, in_window
from models.alarms.occurrence import Occurrence
from models.records.messages import Deviation, OperatorAction, Score
from models.records.subject import BatchContext, Subject
from models.records.times import to_us
from tests.annunciations import audited, once, over, revision
from tests.conftest import START, minute, small_twin

# -- what counts ----------------------------------------------------------------------------------------------


def test_only_what_is_put_before_the_operators_counts_not_what_they_or_the_process_do_next():
    story = [(1, "UNACK", 0), (2, "UNACK", 1), (3, "ACKED", 2), (4, "NORM", 3), (5, "UNACK", 4), (6, "RTNUN", 5)]
    story += [(7, "UNACK", 6), (8, "SHLVD", 7), (9, "UNACK", 20), (10, "SHLVD", 21), (11, "NORM", 30)]
    found = over([revision(*each) for each in story], 60)
    assert found.rate.annunciated == 4  # minutes 0, 4, 6 and 20; the comment at 1 is none
    assert found.frequent.most_repeats == 3
    assert found.suppression.shelvings == 2
    assert found.suppression.shelved_now == 0


def test_a_revision_heard_again_or_late_changes_nothing():
    story = [revision(1, "UNACK", 0), revision(2, "ACKED", 5), revision(3, "NORM", 9)]
    assert over([*story, *story, story[0]], 60) == over(story, 60)


def test_of_a_deviation_first_heard_of_late_the_first_annunciation_is_its_raising():
    found = audited([revision(4, "ACKED", 50, raised=10)]).figures()
    assert found is not None
    assert (found.rate.annunciated, found.rate.peak_at) == (1, minute(10))
    assert found.since == minute(10)


def test_nothing_heard_gives_no_figures_and_a_quiet_batch_gives_zeros():
    assert AlarmAudit().figures() is None
    audit = audited([Score(unit="BR-101", at=minute(60), twin="small", batch_id="B1", age_s=3600.0)])
    found = audit.of_batch("B1")
    assert found is not None
    assert (found.since, found.until, found.rate.annunciated, found.rate.peak_at) == (START, minute(60), 0, None)
    assert audit.of_batch("B2") is None


# -- rates and floods ---------------------------------------------------------------------------------------------


def test_ten_alarms_in_ten_minutes_are_no_flood_and_the_eleventh_begins_one_until_fewer_than_five_are_left():
    ten = [once(m, f"a{m}") for m in range(10)]  # one a minute, minutes 0 to 9
    assert over(ten, 60).flooding.floods == 0
    found = over([*ten, once(9.5, "a10")], 60)
    # At 9.5 min the window holds 11. They leave at 10, 11, ... 19 and 19.5 min: at 16 min 4 are left (7, 8, 9 and 9.5).
    assert (found.flooding.floods, found.flooding.seconds, found.flooding.now) == (1, 6.5 * 60, False)
    assert found.flooding.share == pytest.approx(6.5 / 60)
    assert (found.rate.peak, found.rate.peak_at) == (11, minute(9.5))
    assert found.rate.average == pytest.approx(11 / 6)  # six times ten minutes
    assert found.rate.now == 0


def test_a_flood_that_lasts_is_clipped_to_the_period_asked_for():
    records = [once(m / 2, f"a{m}") for m in range(40)]  # two a minute from 0 to 19.5 min
    audit = audited(records)
    # The 11th comes at 5 min. The last four (18, 18.5, 19, 19.5) are alone from 27.5 min on, when that of 17.5 leaves.
    whole = audit.figures(START, minute(60))
    part = audit.figures(minute(10), minute(12))
    assert whole is not None
    assert part is not None
    assert (whole.flooding.floods, whole.flooding.seconds) == (1, (27.5 - 5) * 60)
    assert (part.flooding.floods, part.flooding.seconds, part.flooding.share, part.flooding.now) == (
        1,
        120.0,
        1.0,
        True,
    )


times = st.lists(st.integers(0, 120), max_size=60).map(lambda quarters: sorted(q * 15 for q in quarters))


@given(times)
def test_floods_are_those_one_finds_by_looking_at_every_moment(seconds: list[int]):
    flooded, total = False, 0
    for now in range(0, 2500, 5):  # nothing changes between multiples of 15 s
        count = sum(now - 600 < each <= now for each in seconds)
        flooded = count > 10 or (flooded and count >= 5)
        total += 5 * flooded
    found = floods([s * 1_000_000 for s in seconds])
    assert sum(ended - began for began, ended in found) == total * 1_000_000


@given(times, st.integers(1, 2000))
def test_two_periods_together_have_the_annunciations_and_the_flood_time_of_the_whole(seconds: list[int], cut: int):
    audit = audited(once(s / 60, f"a{n}") for n, s in enumerate([0, *seconds]))
    middle = START + timedelta(seconds=cut, microseconds=1)  # between two annunciations
    whole = audit.figures(START, minute(50))
    parts = [audit.figures(START, middle), audit.figures(middle, minute(50))]
    assert whole is not None
    assert sum(part.rate.annunciated for part in parts if part) == whole.rate.annunciated
    assert sum(part.flooding.seconds for part in parts if part) == pytest.approx(whole.flooding.seconds)


@given(times)
def test_no_ten_minutes_hold_more_than_the_peak_and_some_hold_as_many(seconds: list[int]):
    times_us = [s * 1_000_000 for s in seconds]
    if times_us:
        peak = over([once(s / 60, f"a{n}") for n, s in enumerate(seconds)], 60).rate.peak
        assert peak == max(sum(end - 600 < s <= end for s in seconds) for end in range(0, 2500, 5))
        assert peak == max(in_window(times_us, each) for each in times_us)


all_tracked = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["UNACK", "ACKED", "RTNUN", "NORM", "SHLVD"])), max_size=40
)


@given(all_tracked, st.randoms(use_true_random=False))
def test_the_order_in_which_units_report_does_not_matter(moves: list[tuple[int, str]], random: object):
    stories: dict[int, list[Deviation]] = {n: [] for n in range(5)}
    for m, (which, state) in enumerate([(n, "UNACK") for n in range(5)] + moves):
        story = stories[which]
        story.append(revision(len(story) + 1, state, float(m), f"d{which}", raised=float(which), unit=f"U{which}"))
    straight = [each for story in stories.values() for each in story]
    mixed, waiting = [], [list(story) for story in stories.values()]
    while waiting := [story for story in waiting if story]:
        mixed.append(random.choice(waiting).pop(0))  # type: ignore[attr-defined]
    assert over(mixed, 60) == over(straight, 60)
    told = over(straight, 60).rate.annunciated
    turns = [(a.state, b.state) for story in stories.values() for a, b in itertools.pairwise(story)]
    assert told == 5 + sum(after == "UNACK" != before for before, after in turns)


def test_the_book_of_a_unit_and_the_audit_agree_on_what_was_annunciated():
    register = DeviationRegister(Subject("BR-101", small_twin(), "sha"))
    batch_context, at = BatchContext(), to_us(START)
    what = Occurrence(
        cause="process", finding="t2", category="process", grade="approved", since_us=at, at_us=at, text="t"
    )
    later = msgspec.structs.replace(what, at_us=at + 120_000_000)
    said = [
        register.raise_(what, batch_context),
        register.clear("process", at + 60_000_000, batch_context),
        register.raise_(later, batch_context),
    ]
    shelve = OperatorAction(action="shelve", deviation_id="BR-101/-/process/1", unit="BR-101", by="op", at=minute(3))
    said += [register.act(shelve), register.act(msgspec.structs.replace(shelve, action="unshelve", at=minute(9)))]
    found = over([each for each in said if each is not None], 60)
    assert [each.state for each in said if each] == ["UNACK", "RTNUN", "UNACK", "SHLVD", "UNACK"]
    assert (found.rate.annunciated, found.suppression.shelvings, found.frequent.most_repeats) == (3, 1, 2)
