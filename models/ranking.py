"""Tags in order of how much they have to do with something, with what was seen and expected of them."""

from dataclasses import dataclass
from math import isfinite
from operator import itemgetter

from models.block import FloatArray
from models.records import Contributor
from models.twin import Twin

_LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Seen:
    """Of p tags at each of m scans; NaN: none."""

    observed: FloatArray  # (m, p) in each tag's unit of measure
    expected: FloatArray  # (m, p) likewise
    z: FloatArray  # (m, p) how far apart, in usual deviations


def ranked(twin: Twin, weights: FloatArray, seen: Seen, most: int) -> list[tuple[Contributor, ...]]:
    """Of each scan the ``most`` tags of largest weight (m, p) >= 0, each with its share of all, 1 % or more."""
    tags = [(name, tag.unit_of_measure) for name, tag in twin.tags.items()]
    scans = zip(weights.tolist(), seen.observed.tolist(), seen.expected.tolist(), seen.z.tolist(), strict=True)
    return [
        tuple(
            Contributor(
                tag=tags[tag][0],
                share=share,
                observed=observed[tag] if isfinite(observed[tag]) else None,
                expected=expected[tag] if isfinite(expected[tag]) else None,
                z=z[tag] if isfinite(z[tag]) else None,
                unit_of_measure=tags[tag][1],
            )
            for share, tag in _shares(row, most)
        )
        for row, observed, expected, z in scans
    ]


def _shares(weights: list[float], most: int) -> list[tuple[float, int]]:
    """Share and position of the ``most`` largest of one scan's weights (p,); of equal ones the first."""
    total = sum(weights)
    if not total > 0:
        return []
    shares = [(weight / total, tag) for tag, weight in enumerate(weights) if weight]
    shares.sort(key=itemgetter(0), reverse=True)
    return [(min(share, 1.0), tag) for share, tag in shares[:most] if share >= _LEAST_SHARE]
