"""A tag that is not there at all is left out of the model, until it reads."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.sensors.silence import LONGEST, Silence

FIT = arrays.arrays(bool, st.tuples(st.integers(2, 60), st.just(4)))


def silence() -> Silence:
    return Silence(np.array([True, True, True, False]))


def told(own: Silence, fit: np.ndarray) -> np.ndarray:
    silent = own.advance(fit)
    return np.zeros_like(fit) if silent is None else silent


@given(FIT, st.data())
def test_how_scans_are_cut_and_restarts_change_nothing(fit, data):
    cut = data.draw(st.integers(1, len(fit) - 1))
    first, second = silence(), silence()
    before = told(first, fit[:cut])
    second.restore(first.state())
    assert np.array_equal(np.concatenate([before, told(second, fit[cut:])]), told(silence(), fit))


@given(FIT)
def test_a_tag_that_reads_is_never_silent_and_few_are_at_once(fit):
    silent = told(silence(), fit)
    assert not (silent & fit).any()
    assert (silent.sum(axis=1) <= 1).all()  # of three that may be left out
    assert not silent[:, 3].any()


def test_a_tag_is_silent_after_ten_scans_until_it_reads():
    fit = np.ones((30, 4), dtype=bool)
    fit[:25, 1] = False
    expected = np.zeros(30, dtype=bool)
    expected[LONGEST:25] = True
    assert np.array_equal(told(silence(), fit)[:, 1], expected)


def test_a_tag_that_stops_reading_later_is_stood_in_for():
    fit = np.ones((60, 4), dtype=bool)
    fit[5:, 1] = False
    assert not told(silence(), fit).any()
