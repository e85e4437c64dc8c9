"""Tags in order of what they weigh: as a plain sort says, with what was seen of each."""

from math import isfinite, nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.records.twin import Tag, Twin
from models.statistics.ranking import Seen, ranked

TAGS = ("F", "T", "pH", "DO")
TWIN = Twin(name="t", product="p", cadence_s=1.0, tags={tag: Tag(unit_of_measure=tag.lower()) for tag in TAGS})
WEIGHTS = st.lists(st.sampled_from([0.0, 0.001, 0.5, 1.0, 40.0]), min_size=4, max_size=4)


@given(rows=st.lists(WEIGHTS, min_size=1, max_size=5), most=st.integers(1, 6))
def test_the_heaviest_tags_come_first_and_of_equal_ones_the_first(rows: list[list[float]], most: int) -> None:
    weights = np.array(rows)
    told = ranked(TWIN, weights, Seen(weights + 1, weights + 2, weights + 3), most)
    for row, contributors in zip(rows, told, strict=True):
        total = sum(row)
        order = sorted((tag for tag in range(4) if row[tag] and row[tag] / total >= 0.01), key=lambda tag: -row[tag])
        assert [each.tag for each in contributors] == [TAGS[tag] for tag in order[:most]]
        np.testing.assert_allclose([each.share for each in contributors], [row[tag] / total for tag in order[:most]])
        for each, tag in zip(contributors, order, strict=False):
            assert (each.observed, each.expected, each.z) == (row[tag] + 1, row[tag] + 2, row[tag] + 3)
            assert each.unit_of_measure == TAGS[tag].lower()


def test_what_is_not_there_is_not_told() -> None:
    gone = np.array([[nan, 1.0, 2.0, 3.0]])
    first, *others = ranked(TWIN, np.array([[4.0, 3.0, 2.0, 1.0]]), Seen(gone, gone, gone), 4)[0]
    assert (first.tag, first.observed, first.expected, first.z) == ("F", None, None, None)
    assert all(each.observed is not None and isfinite(each.observed) for each in others)


def test_the_weights_are_left_as_they_were() -> None:
    weights = np.array([[4.0, 3.0, 2.0, 1.0]])
    ranked(TWIN, weights, Seen(weights, weights, weights), 2)
    assert weights.tolist() == [[4.0, 3.0, 2.0, 1.0]]
