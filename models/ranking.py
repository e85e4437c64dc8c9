"""Tags in order of how much they have to do with something, with what was seen and expected of them."""

from dataclasses import dataclass
from math import isfinite

from models.block import FloatArray
from models.records import Contributor
from models.twin import Twin

_LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Seen:
    """Of p tags at one scan; NaN: none."""

    observed: FloatArray  # (p,) in each tag's unit of measure
    expected: FloatArray  # (p,) likewise
    z: FloatArray  # (p,) how far apart, in usual deviations


def ranked(twin: Twin, weights: FloatArray, seen: Seen, most: int) -> tuple[Contributor, ...]:
    """The ``most`` tags of largest weight (p,) >= 0, each with its share of all; shares below 1 % are left out."""
    total = sum(weights.tolist())
    if not total > 0:
        return ()
    shares: list[float] = (weights / total).tolist()
    named = [tag for tag, share in enumerate(shares) if share >= _LEAST_SHARE]
    named.sort(key=shares.__getitem__, reverse=True)
    tags, observed, expected, z = list(twin.tags), seen.observed.tolist(), seen.expected.tolist(), seen.z.tolist()
    found = []
    for tag in named[:most]:
        contributor = Contributor(
            tag=tags[tag],
            share=min(shares[tag], 1.0),
            observed=_known(observed[tag]),
            expected=_known(expected[tag]),
            z=_known(z[tag]),
            unit_of_measure=twin.tags[tags[tag]].unit_of_measure,
        )
        found.append(contributor)
    return tuple(found)


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
