"""The main flow without a broker: what goes in comes out judged, also over crashes."""

from datetime import timedelta

import numpy as np
import pytest
from bytewax.errors import BytewaxRuntimeError
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, run_main

from flows.deviation import Ends, Taps, build
from models.records.errors import RecoveryError
from models.records.messages import Origin, Rejected, Score
from models.unit import state as watch_state
from models.unit.watch import Watch
from tests.conftest import AboveOne, event, feed, scans, small_twin

REFUSED = Rejected(reason="malformed", detail="", raw=b"?", origin=Origin(topic="pat.scans", partition=0, offset=7))


def shift():
    """A batch on each of two units in small feeds, with an excursion, and one message that is no record."""
    items = [feed(event("started", -1, unit=unit), unit=unit) for unit in ("BR-101", "BR-102")]
    values = np.where(np.arange(60) % 25 == 10, 2.0, 0.0)
    for m in range(0, 60, 4):
        rows = range(m, m + 4)
        items += [feed(scans(rows, values[m : m + 4], unit=unit), unit=unit) for unit in ("BR-101", "BR-102")]
    return [*items, REFUSED]


NO_TAPS = Taps()


def run(items, recovery=None, taps=NO_TAPS):
    deviations, scores, letters = [], [], []
    ends = Ends(TestingSink(deviations), TestingSink(scores), TestingSink(letters))
    twin = small_twin()
    flow = build(
        TestingSource(items), ends, lambda unit, state: Watch(unit, twin, lambda product: AboveOne(), "", state), taps
    )
    run_main(flow, epoch_interval=timedelta(0), recovery_config=recovery)
    return [d for _, d in deviations], [s for _, s in scores], [r for _, r in letters]


def test_deviations_scores_and_dead_letters_leave_by_their_own_ends():
    judged, emitted = [], []
    deviations, scores, letters = run(shift(), taps=Taps(judged.append, emitted.append))
    assert sorted(d.deviation_id for d in deviations if d.state == "UNACK" and d.revision == 1) == [
        f"BR-10{u}/B1/process/{n}" for u in (1, 2) for n in (1, 2)
    ]
    assert all(isinstance(score, Score) for score in scores)
    assert {score.unit for score in scores} == {"BR-101", "BR-102"}
    assert letters == [REFUSED]
    assert len(judged) == 32
    assert len(emitted) == len(deviations) + len(scores) + len(letters)


@pytest.mark.parametrize("crash_at", [1, 9, 13, 20, 31])
def test_a_crash_and_restart_change_no_verdict(tmp_path, crash_at):
    init_db_dir(str(tmp_path), 1)
    recovery = RecoveryConfig(str(tmp_path))
    items = shift()
    items.insert(crash_at, TestingSource.ABORT())
    before, _, _ = run(items, recovery)
    after, _, _ = run(items, recovery)
    whole, _, _ = run(shift())
    key = lambda d: (d.deviation_id, d.revision)  # noqa: E731
    assert {key(d): d for d in [*before, *after]} == {key(d): d for d in whole}


def test_a_store_of_another_form_stops_the_flow_with_what_to_do(tmp_path, monkeypatch):
    init_db_dir(str(tmp_path), 1)
    recovery = RecoveryConfig(str(tmp_path))
    run(shift()[:8], recovery)
    monkeypatch.setattr(watch_state, "VERSION", watch_state.VERSION + 1)
    with pytest.raises(BytewaxRuntimeError) as failed:
        run(shift(), recovery)
    cause = failed.value
    while not isinstance(cause, RecoveryError):
        cause = cause.__cause__  # as ``ops.running`` unwraps it for whoever started the flow
    assert "choose another recovery.folder" in str(cause)
