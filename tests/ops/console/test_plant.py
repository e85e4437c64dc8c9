"""What the page is told: open deviations and units, what has changed of them, floods, and whose clock it is."""

import msgspec
import pytest

from models.records.messages import Loss, OperatorAction, Score
from models.records.times import to_us
from ops.console.access.people import Person
from ops.console.acting import ActionRequest, RefusedError, action_of
from ops.console.clocks import Clocks
from ops.console.flood import Flood
from ops.console.plant import Plant, lost_messages
from tests.conftest import event, feed, minute, scans, small_twin
from tests.ops.console.conftest import deviation
from tests.watched import deviations, run, watch_of

WALL = to_us(minute(30))


class Wall:
    """A wall clock that stands where it is put."""

    def __init__(self) -> None:
        self.us = WALL

    def __call__(self) -> int:
        return self.us


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def plant(wall: Wall) -> Plant:
    return Plant(small_twin(), Clocks(60.0, wall))


def test_a_page_that_comes_sees_what_is_open_and_later_only_what_changes(plant: Plant) -> None:
    plant.deviation(deviation())
    plant.deviation(deviation(deviation_id="BR-101/B0/process/1", state="NORM"))
    first = plant.since(0)
    assert [d["deviation_id"] for d in first["deviations"]] == ["BR-101/B1/process/1"]
    assert plant.since(first["version"])["deviations"] == []
    plant.deviation(deviation(2, "ACKED", 11, by="ada", comment="seen"))
    plant.deviation(deviation(3, "NORM", 20))
    changed = plant.since(first["version"])["deviations"]
    assert [(d["revision"], d["state"]) for d in changed] == [(3, "NORM")]  # over: to be taken off the list
    assert changed[0]["acted"]["by"] == "ada"  # PATrol's own later revision does not hide who acted


def test_a_revision_that_is_known_or_older_changes_nothing(plant: Plant) -> None:
    plant.deviation(deviation(2, "ACKED"))
    version = plant.version
    plant.deviation(deviation(2, "UNACK"))
    plant.deviation(deviation(1, "UNACK"))
    assert plant.version == version
    assert [d.state for d in plant.history("BR-101/B1/process/1")] == ["ACKED"]


def test_more_than_ten_annunciations_in_ten_minutes_are_a_flood_until_fewer_than_five() -> None:
    flood = Flood()
    for second in range(0, 100, 10):
        flood.annunciated(second * 1_000_000)
    assert not flood.lasts(100_000_000)
    flood.annunciated(100_000_000)
    assert flood.lasts(100_000_000)
    assert flood.lasts(650_000_000)  # five are left
    assert not flood.lasts(670_000_000)


def test_a_flood_of_the_night_is_over_in_the_morning_though_nobody_looked_in_between() -> None:
    flood = Flood()
    for second in range(11):
        flood.annunciated(second * 1_000_000)
    assert flood.lasts(10_000_000)
    for second in range(6):
        flood.annunciated(36_000_000_000 + second * 1_000_000)
    assert (flood.count(36_010_000_000), flood.lasts(36_010_000_000)) == (6, False)


def test_only_what_calls_for_somebody_counts_towards_a_flood(plant: Plant) -> None:
    for k in range(11):
        plant.deviation(deviation(1, "UNACK", 29, deviation_id=f"d{k}"))
        plant.deviation(deviation(2, "ACKED", 29, deviation_id=f"d{k}"))
    pulse = plant.pulse()
    assert (pulse["flood"], pulse["annunciations"]) == (True, 11)


def test_live_a_units_time_is_the_wall_clock_and_replayed_it_is_its_scans(wall: Wall) -> None:
    clocks = Clocks(60.0, wall)
    clocks.observe("BR-101", WALL - 5_000_000, live=True)
    clocks.observe("BR-102", WALL - 7_200_000_000, live=True)
    assert clocks.now_us("BR-101") == WALL
    assert clocks.now_us("BR-102") == WALL - 7_200_000_000
    wall.us += 60_000_000
    assert clocks.now_us("BR-102") == WALL - 7_200_000_000 + 60_000_000  # no more come: it goes on by itself


def test_what_was_there_before_the_start_is_late_but_no_replay(wall: Wall) -> None:
    clocks = Clocks(60.0, wall)
    clocks.observe("BR-101", WALL - 7_200_000_000, live=False)
    assert clocks.now_us("BR-101") == WALL


def test_a_unit_whose_scans_come_but_are_not_judged_is_named(plant: Plant) -> None:
    score = Score(unit="BR-101", at=minute(0), twin="small", batch_id="B1", grade="approved")
    plant.score(score, WALL - 60_000_000)
    plant.scans("BR-101", 1, to_us(minute(29)), live=True)
    assert plant.pulse()["unjudged"] == []  # 29 minutes: less than three intervals of ten scans
    plant.scans("BR-101", 1, to_us(minute(31)), live=True)
    assert plant.pulse()["unjudged"] == ["BR-101"]
    plant.score(msgspec.structs.replace(score, at=minute(31)), WALL)
    assert plant.pulse()["unjudged"] == []


def action(plant: Plant, who: Person, **requested: object) -> OperatorAction:
    latest = plant.history("BR-101/B1/process/1")[-1]
    return action_of(
        ActionRequest(deviation_id=latest.deviation_id, **requested), who, latest, plant.clocks.now_us("BR-101")
    )


OSCAR, EVE = Person("oscar", "operator"), Person("eve", "engineer")


def test_an_action_carries_who_is_signed_in_and_the_units_time(plant: Plant) -> None:
    plant.deviation(deviation())
    plant.scans("BR-101", 1, to_us(minute(-90)), live=True)  # a replay
    made = action(plant, OSCAR, action="acknowledge")
    assert (made.by, made.unit, made.at) == ("oscar", "BR-101", minute(10))  # never before what it is about


@pytest.mark.parametrize(
    ("who", "requested", "why"),
    [
        (OSCAR, {"action": "shelve", "hours": 2}, "say why"),
        (OSCAR, {"action": "shelve", "hours": 2, "reason": "  "}, "say why"),
        (OSCAR, {"action": "shelve", "reason": "cleaning"}, "nothing is shelved without an end"),
        (OSCAR, {"action": "shelve", "reason": "cleaning", "hours": 13}, "operators may shelve for 12 h at most"),
        (EVE, {"action": "shelve", "reason": "cleaning", "hours": 337}, "engineers may shelve for 336 h at most"),
        (OSCAR, {"action": "unshelve"}, "it is UNACK, not shelved"),
        (OSCAR, {"action": "comment", "reason": ""}, "the comment is empty"),
    ],
)
def test_what_cannot_be_meant_is_refused(plant: Plant, who: Person, requested: dict, why: str) -> None:
    plant.deviation(deviation())
    with pytest.raises(RefusedError, match=why):
        action(plant, who, **requested)


def test_a_shelving_has_an_end_and_longer_ones_are_the_engineers(plant: Plant) -> None:
    plant.deviation(deviation())
    made = action(plant, EVE, action="shelve", reason="probe is being cleaned", hours=24)
    assert made.until == minute(30 + 24 * 60)
    assert made.reason == "probe is being cleaned"


def test_what_is_acknowledged_cannot_be_acknowledged_again(plant: Plant) -> None:
    plant.deviation(deviation(1, "ACKED"))
    with pytest.raises(RefusedError, match="it is ACKED already"):
        action(plant, OSCAR, action="acknowledge")


def test_a_batch_says_how_many_of_its_messages_nobody_judged(plant: Plant) -> None:
    assert lost_messages(plant.of_batch("BR-101", "B1")) is None
    watch = watch_of(small_twin())
    run(watch, feed(event("started", -1), scans(range(10))))
    losses = [Loss(topic="pat.scans", partition=p, first_offset=5, last_offset=9) for p in (0, 1)]
    for record in deviations(run(watch, feed(*losses))):
        plant.deviation(record)
    shown = plant.of_batch("BR-101", "B1")
    assert [each["cause"] for each in shown] == ["lost-messages", "lost-messages"]
    assert lost_messages(shown) == 10


def test_a_batch_of_which_nobody_knows_how_many_were_lost_says_so(plant: Plant) -> None:
    for record in deviations(run(watch_of(small_twin()), feed(event("started", -1), Loss(topic="pat.scans")))):
        plant.deviation(record)
    assert lost_messages(plant.of_batch("BR-101", None)) == 0
