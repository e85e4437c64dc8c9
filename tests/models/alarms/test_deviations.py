"""One case a cause: what joins a deviation, what opens another, and what turns out to be the sensor's."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.messages.codec import decode, encode
from models.alarms.deviations import DeviationRegister
from models.alarms.occurrence import Occurrence
from models.records.messages import Evidence, OperatorAction, Origin, Statistic
from models.records.subject import BatchContext, Subject
from tests.conftest import minute, small_twin
from tests.released import reactor_twin

HOUR_US = 3_600_000_000
SCENE = BatchContext(batch_id="B1", product="reactor", started_us=0, reference="reactor@1")


def seen(cause: str, category: str, hour: float) -> Occurrence:
    at_us = int(hour * HOUR_US)
    return Occurrence(
        cause=cause,
        finding="residual",
        category=category,
        grade="approved",
        since_us=at_us,
        at_us=at_us,
        statistic=Statistic(name="residual", value=2.0, limit=1.0),
        contributors=(),
        evidence=Evidence(topic="scans", partition=0, first_offset=0, last_offset=0),
    )


def register() -> DeviationRegister:
    twin = reactor_twin()
    alarms = msgspec.structs.replace(twin.alarms, rejoin_s=3600.0)
    return DeviationRegister(Subject("BR-1", msgspec.structs.replace(twin, alarms=alarms)))


@pytest.mark.parametrize(("cause", "cases"), [("sensor:ph", 1), ("process", 2), ("process:feed", 2)])
def test_a_sensor_stays_one_case_all_batch_long_and_the_process_does_not(cause, cases):
    kept = register()
    category = cause.partition(":")[0]
    first = kept.raise_(seen(cause, category, 1), SCENE)
    kept.clear(cause, 2 * HOUR_US, SCENE)
    kept.raise_(seen("process:other", "process", 8), SCENE)  # others come and go meanwhile
    again = kept.raise_(seen(cause, category, 9), SCENE)
    assert len({first.deviation_id, again.deviation_id}) == cases
    assert again.state == "UNACK"


def test_the_next_batch_has_its_own_case_of_the_same_sensor():
    kept = register()
    first = kept.raise_(seen("sensor:ph", "sensor", 1), SCENE)
    list(kept.end_batch(SCENE, 5 * HOUR_US))
    later = msgspec.structs.replace(SCENE, batch_id="B2")
    second = kept.raise_(seen("sensor:ph", "sensor", 6), later)
    assert (first.batch_id, second.batch_id) == ("B1", "B2")
    assert second.deviation_id.startswith("BR-1/B2/")


def test_a_schedule_tag_that_came_straight_back_is_revised_to_its_sensor():
    kept = register()
    first = kept.raise_(seen("process:feed", "process", 1), SCENE)
    revised = kept.raise_(msgspec.structs.replace(seen("process:feed", "sensor", 1.2), finding="spike"), SCENE)
    assert revised.deviation_id == first.deviation_id
    assert (first.category, revised.category, revised.revision) == ("process", "sensor", 2)
    assert "feed sensor spikes" in revised.message


@given(
    parts=st.lists(st.tuples(st.text("A/%2F", min_size=1, max_size=4), st.text("B/%25", min_size=1, max_size=4)),
                   min_size=2, max_size=2, unique=True),
)  # fmt: skip
def test_no_two_units_and_batches_share_an_id_whatever_signs_are_in_their_names(parts):
    ids = set()
    for unit, batch in parts:
        register = DeviationRegister(Subject(unit, small_twin()))
        raised = register.raise_(seen("process", "process", 0), BatchContext(batch_id=batch))
        ids.add(raised.deviation_id)
    assert len(ids) == 2


def test_an_id_of_the_longest_names_can_be_acknowledged():
    register = DeviationRegister(Subject("/" * 256, small_twin()))
    raised = register.raise_(seen("process", "process", 0), BatchContext(batch_id="%" * 256))
    action = OperatorAction(action="acknowledge", deviation_id=raised.deviation_id, unit="U", by="ada", at=minute(1))
    assert decode(encode(action), Origin(topic="t", partition=0, offset=0)) == action


def test_a_batch_named_as_no_batch_is_another():
    named, none = DeviationRegister(Subject("U", small_twin())), DeviationRegister(Subject("U", small_twin()))
    ids = [named.raise_(seen("process", "process", 0), BatchContext(batch_id="-")).deviation_id,
           none.raise_(seen("process", "process", 0), BatchContext()).deviation_id]  # fmt: skip
    assert ids == ["U/%2D/process/1", "U/-/process/1"]
