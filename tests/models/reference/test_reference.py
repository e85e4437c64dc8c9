"""References: learnt batch by batch or at once, kept and taken up, refused where they cannot be used."""

import json
from dataclasses import replace

import numpy as np
import pytest

from models.records.errors import ReferenceError
from models.reference.reference import Reference, fit_reference, learn_batch
from tests.released import reactor_twin, released

TWIN = reactor_twin()


def same(one: Reference, other: Reference) -> bool:
    mine, theirs = one.arrays(), other.arrays()
    alike = {name: np.array_equal(mine[name], theirs[name], equal_nan=True) for name in mine}
    return one.meta() == other.meta() and mine.keys() == theirs.keys() and all(alike.values())


def test_a_batch_learnt_later_gives_the_reference_of_all_learnt_at_once():
    batches = released(7)
    assert same(learn_batch(TWIN, fit_reference(TWIN, batches[:6]), batches[6]), fit_reference(TWIN, batches))


def test_a_reference_survives_being_written_and_read():
    reference = fit_reference(TWIN, released(6))
    meta = json.loads(json.dumps(reference.meta()))
    assert same(Reference.from_parts(meta, reference.arrays()), reference)


def test_a_reference_of_another_form_is_refused():
    reference = fit_reference(TWIN, released(6))
    with pytest.raises(ReferenceError, match="fit it anew"):
        Reference.from_parts(reference.meta() | {"form": 0}, reference.arrays())


def test_progress_is_told_to_its_end():
    told: list[tuple[str, int, int]] = []
    fit_reference(TWIN, released(6), lambda *stage: told.append(stage))
    assert told[-1] == ("limits", 2, 2)
    assert [said for said in told if said[0] == "regressions"] == [("regressions", k + 1, 6) for k in range(6)]
    assert ("left-out batches", 6, 6) in told


def test_too_few_batches_are_refused():
    with pytest.raises(ReferenceError, match="4 batches, needs 5"):
        fit_reference(TWIN, released(4))


def test_a_batch_given_twice_is_refused():
    with pytest.raises(ReferenceError, match="G3: given twice"):
        fit_reference(TWIN, [*released(6), released(6)[3]])


def test_a_batch_of_other_tags_is_refused():
    odd = replace(released(1)[0], values=np.zeros((30, 2)), age_s=np.arange(30.0))
    with pytest.raises(ReferenceError, match="wanted 2 scans or more x 5 tags"):
        fit_reference(TWIN, [*released(6)[1:], odd])


def test_a_tag_silent_or_constant_in_every_batch_is_survived():
    spoilt = []
    for batch in released(6):
        values = batch.values.copy()
        values[:, 3], values[:, 4] = np.nan, 7.0
        spoilt.append(replace(batch, values=values))
    assert fit_reference(TWIN, spoilt).batches == tuple(batch.batch_id for batch in spoilt)


def test_readings_outside_their_physical_range_are_not_learnt():
    wild = released(6)
    values = wild[2].values.copy()
    values[50, 2] = 9999.0
    gap = values.copy()
    gap[50, 2] = np.nan
    one = fit_reference(TWIN, [*wild[:2], replace(wild[2], values=values), *wild[3:]])
    other = fit_reference(TWIN, [*wild[:2], replace(wild[2], values=gap), *wild[3:]])
    np.testing.assert_array_equal(one.fitted.limits, other.fitted.limits)
