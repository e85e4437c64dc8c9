"""The audit of the alarm system: which alarms stand too long, chatter or come most often, by unit, batch and month."""

import msgspec
import pytest

from models.alarms.audit import report
from models.records.messages import Deviation, Score
from models.records.twin import Alarms
from tests.annunciations import audited, once, over, revision
from tests.conftest import START, minute

DAY_MIN = 1440.0


def test_an_alarm_is_stale_when_it_has_stood_for_more_than_a_day_acknowledged_or_not():
    story = [once(0, "old"), once(0, "gone"), once(1, "young"), revision(2, "ACKED", 60, "old", cause="old")]
    story += [revision(2, "RTNUN", DAY_MIN, "gone", cause="gone")]
    found = over(story, DAY_MIN + 1)
    assert (found.standing.stale, found.standing.stale_now) == (1, ("old",))
    assert found.standing.longest_active_s == DAY_MIN * 60 + 60
    assert found.standing.longest_unacknowledged_s == DAY_MIN * 60 + 60  # "gone" returned, but nobody acknowledged it


def test_an_alarm_that_has_returned_still_waits_for_somebody_to_acknowledge_it():
    found = over([revision(1, "UNACK", 0), revision(2, "RTNUN", 5), revision(3, "NORM", 20)], 60)
    assert (found.standing.longest_active_s, found.standing.longest_unacknowledged_s) == (300.0, 1200.0)


def test_an_alarm_on_a_shelf_is_suppressed_not_stale():
    found = over([once(0, "a"), revision(2, "SHLVD", 5, "a", cause="a")], 3 * DAY_MIN)
    assert found.standing.stale == 0
    assert (found.suppression.shelvings, found.suppression.shelved_now) == (1, 1)
    assert found.standing.longest_unacknowledged_s == 300.0


def test_three_annunciations_as_fast_as_the_delays_allow_are_chattering():
    def back_and_forth(minutes: tuple[float, ...]) -> list[Deviation]:
        states = ["UNACK", "RTNUN"] * 3
        return [revision(n + 1, states[n], m, raised=minutes[0]) for n, m in enumerate(minutes)]

    fast = back_and_forth((0.0, 0.2, 0.4, 0.6, 0.8, 0.9))
    slow = back_and_forth((0.0, 10.0, 20.0, 30.0, 40.0, 45.0))
    rules = Alarms(off_delay_s=600)  # three cycles: half an hour
    assert over(fast, 60).frequent.chattering == ("BR-101/process",)
    assert over(slow, 60).frequent.chattering == ()
    assert over(slow, 60, alarms=rules).frequent.chattering == ()  # 40 minutes from the first to the third
    assert over(back_and_forth((0.0, 5.0, 15.0, 20.0, 30.0, 35.0)), 60, alarms=rules).frequent.chattering != ()


def test_the_most_frequent_sources_are_named_batch_after_batch_and_shares_add_up_by_priority():
    story = [once(m, f"B{m}/ph", batch_id=f"B{m}") for m in range(3)]
    story = [msgspec.structs.replace(each, cause="sensor:ph", priority="medium") for each in story]
    story += [once(9, "x", priority="low", unit="BR-102")]
    found = over(story, 60)
    assert [(s.source, s.annunciated, s.share) for s in found.frequent.sources] == [
        ("BR-101/sensor:ph", 3, 0.75),
        ("BR-102/x", 1, 0.25),
    ]
    assert found.frequent.top_share == 1.0
    assert found.priority_shares == {"low": 0.25, "medium": 0.75, "high": 0.0}


def test_a_batch_has_the_figures_of_its_own_deviations_from_its_start_to_its_newest_event():
    facts = {"batch_id": "B1", "raised_age_s": 600.0}
    story = [once(10, "a", **facts), once(11, "b", batch_id="B2"), once(12, "c")]
    story += [revision(2, "RTNUN", 30, "a", raised=10, cleared_at=minute(30), cleared_age_s=1800.0, **facts)]
    story += [revision(3, "NORM", 600, "a", raised=10, cleared_at=minute(30), cleared_age_s=1800.0, **facts)]
    audit = audited(story)
    found = audit.of_batch("B1")
    assert found is not None
    assert (found.since, found.until, found.rate.annunciated) == (START, minute(30), 1)
    assert found.rate.average == pytest.approx(1 / 3)
    assert audit.batches == ("B1", "B2")


def test_what_is_older_than_a_month_is_forgotten_but_not_what_still_stands():
    audit = audited([once(0, "stands"), once(1, "over"), revision(2, "NORM", 2, "over", cause="over", raised=1)])
    audit.take(Score(unit="BR-101", at=minute(31 * DAY_MIN), twin="small"))
    found = audit.figures()
    assert found is not None
    assert found.since == minute(DAY_MIN)
    assert (found.rate.annunciated, found.standing.stale_now) == (0, ("stands",))
    assert [each.deviation_id for each in audit._log.annunciations] == ["stands"]


def test_the_report_says_which_targets_are_met_and_judges_no_shares_of_a_handful():
    lines = {line.name: line for line in report(over([once(m / 2, f"a{m}") for m in range(40)], 60))}
    assert lines["Alarms in the worst 10 minutes"].met is False
    assert lines["Time in flood"].value == "37.5 %"
    assert lines["Chattering"].met is True
    assert lines["Low / medium / high"].met is None
    many = [once(0.0, f"a{n}", priority="low" if n % 10 else "high") for n in range(100)]
    shares = {line.name: line for line in report(over(many, 60))}["Low / medium / high"]
    assert (shares.value, shares.met) == ("90 / 0 / 10 %", False)
