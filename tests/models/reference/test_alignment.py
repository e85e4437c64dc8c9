"""Maturity by age, by phase and by an indicator: causal, from 0 to 1, unknown where released batches never were."""

import numpy as np
import pytest

from models.records.block import RecordedBatch, Stretch
from models.records.errors import ConfigError
from models.records.twin import Alignment, Tag, Twin
from models.reference.alignment import Aligner, learn_recipe, recorded_maturity


def twin(**alignment: object) -> Twin:
    tags = {"a": Tag(unit_of_measure="1"), "base": Tag(unit_of_measure="L")}
    return Twin(name="t", product="p", cadence_s=60, tags=tags, alignment=Alignment(**alignment))


def batch(name: str, scans: int, added: float = 10.0, phases=()) -> RecordedBatch:
    age_s = 60.0 * np.arange(scans)
    return RecordedBatch(name, age_s, np.stack([0 * age_s, added * np.linspace(0, 1, scans)], axis=1), phases)


def test_by_age_maturity_is_the_share_of_the_longest_batch():
    recipe = learn_recipe(twin(), [batch("a", 51), batch("b", 101)])
    maturity = Aligner(recipe).advance(Stretch(np.array([0.0, 3000.0, 6000.0, 6060.0]), np.zeros((4, 2))))
    np.testing.assert_allclose(maturity, [0, 0.5, 1, np.nan])


def test_by_phase_a_slow_phase_waits_for_the_next_one():
    phases = (("heat", 0.0), ("react", 1800.0))
    recipe = learn_recipe(twin(by="phase"), [batch(name, 61, phases=phases) for name in "abc"])
    aligner = Aligner(recipe)
    heat = aligner.advance(Stretch(np.array([0.0, 900.0, 7200.0]), np.zeros((3, 2)), "heat", 0.0))
    react = aligner.advance(Stretch(np.array([7260.0, 9060.0]), np.zeros((2, 2)), "react", 7260.0))
    np.testing.assert_allclose(heat, [0, 0.25, 0.5])
    np.testing.assert_allclose(react, [0.5, 1.0])


def test_by_phase_an_unknown_phase_is_not_judged():
    recipe = learn_recipe(twin(by="phase"), [batch(name, 61, phases=(("heat", 0.0),)) for name in "abc"])
    assert np.isnan(Aligner(recipe).advance(Stretch(np.array([0.0]), np.zeros((1, 2)), "clean", 0.0))).all()


def test_by_indicator_half_the_base_is_half_the_batch_however_long_it_takes():
    recipe = learn_recipe(twin(by="indicator", indicator="base"), [batch(name, 101) for name in "abc"])
    slow = recorded_maturity(recipe, batch("slow", 401))
    assert slow[200] == pytest.approx(0.5)
    assert (np.diff(slow) >= 0).all()


def test_by_indicator_maturity_never_falls_and_survives_a_gap_and_a_restart():
    recipe = learn_recipe(twin(by="indicator", indicator="base"), [batch(name, 101) for name in "abc"])
    values = np.array([[0, 2.0], [0, 5.0], [0, np.nan], [0, 4.0], [0, 6.0]])
    whole = Aligner(recipe).advance(Stretch(np.arange(5.0), values))
    np.testing.assert_allclose(whole, [0.2, 0.5, 0.5, 0.5, 0.6])
    first, second = Aligner(recipe), Aligner(recipe)
    start = first.advance(Stretch(np.arange(3.0), values[:3]))
    second.reached = first.reached
    np.testing.assert_array_equal(np.concatenate([start, second.advance(Stretch(np.arange(2.0), values[3:]))]), whole)


def test_an_indicator_that_does_not_grow_is_refused():
    with pytest.raises(ConfigError, match="base does not grow"):
        learn_recipe(twin(by="indicator", indicator="base"), [batch("a", 11, added=0.0)])


def test_alignment_by_phase_needs_phases():
    with pytest.raises(ConfigError, match="needs batches with phases"):
        learn_recipe(twin(by="phase"), [batch("a", 11)])
