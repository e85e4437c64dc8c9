"""Faults put into readings: where they are told, of the size told, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reference.injection import Injection, inject

SCANS, TAGS = 30, 3
KINDS = ("step", "ramp", "noise", "stuck")


def readings(seed: int, gaps: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(10, 2, (SCANS, TAGS))
    values[rng.random(values.shape) < gaps] = np.nan
    return values


@st.composite
def faults(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> Injection:
    first = draw(st.integers(0, SCANS - 1))
    last = draw(st.integers(first + 1, SCANS))
    size = draw(st.floats(-50, 50)) if (kind := draw(st.sampled_from(kinds))) != "noise" else draw(st.floats(0, 50))
    return Injection(kind, draw(st.integers(0, TAGS - 1)), first, last, size)


@given(faults(), st.integers(0, 99))
def test_only_the_faulty_tag_changes_and_only_while_the_fault_lasts(fault: Injection, seed: int) -> None:
    values = readings(seed)
    kept = values.copy()
    elsewhere = np.ones(values.shape, dtype=bool)
    elsewhere[fault.first : fault.last, fault.column] = False
    spoilt = inject(values, fault, seed)
    assert np.array_equal(values, kept, equal_nan=True)  # what was given is not changed
    assert np.array_equal(spoilt[elsewhere], values[elsewhere], equal_nan=True)


@given(faults(), st.integers(0, 99))
def test_a_missing_reading_stays_missing_and_the_same_seed_gives_the_same_fault(fault: Injection, seed: int) -> None:
    values = readings(seed)
    spoilt = inject(values, fault, seed)
    assert np.isnan(spoilt[np.isnan(values)]).all()
    assert np.array_equal(spoilt, inject(values, fault, seed), equal_nan=True)


@given(faults(("step", "ramp")), st.integers(0, 99))
def test_no_fault_goes_further_than_its_size_and_a_ramp_never_turns(fault: Injection, seed: int) -> None:
    values = readings(seed, gaps=0.0)
    moved = (inject(values, fault) - values)[fault.first : fault.last, fault.column] * np.sign(fault.size)
    assert (moved >= -1e-9).all()
    assert moved[-1] == pytest.approx(abs(fault.size), abs=1e-9)
    assert (np.diff(moved) >= -1e-9).all()


@given(faults(("stuck",)), st.integers(0, 99))
def test_a_stuck_tag_repeats_its_last_reading(fault: Injection, seed: int) -> None:
    values = readings(seed)
    before = values[: fault.first + 1, fault.column]
    known = before[np.isfinite(before)]
    part = inject(values, fault)[fault.first : fault.last, fault.column]
    said = part[np.isfinite(part)]
    assert (said == known[-1]).all() if len(known) else len(said) == 0


@pytest.mark.parametrize("fault", [Injection("step", 3, 0, 5), Injection("step", 0, 5, 5), Injection("step", 0, 0, 31)])
def test_a_fault_outside_the_readings_is_refused(fault: Injection) -> None:
    with pytest.raises(ValueError, match="not within 30 scans x 3 tags"):
        inject(readings(0), fault)
