"""Tags in order of how much they have to do with something, with what was seen and expected of them."""

from math import isfinite

import msgspec
import numpy as np

from models.arrays.compiled import CUBE, TABLE, compiled
from models.arrays.types import FloatArray, IntArray
from models.records.messages import Contributor
from models.records.twin import Twin

_LEAST_SHARE = 0.01
_NONE = -1


class Seen(msgspec.Struct, frozen=True):
    """Of p tags at each of m scans; NaN: none."""

    observed: FloatArray  # (m, p) in each tag's unit of measure
    expected: FloatArray  # (m, p) likewise
    z: FloatArray  # (m, p) how far apart, in usual deviations


def ranked(twin: Twin, weights: FloatArray, seen: Seen, most: int) -> list[tuple[Contributor, ...]]:
    """The contributors at each of m scans: tags by falling weight, each with its share of the scan's total weight.

    Parameters
    ----------
    twin
        Names and units of measure of the p tags.
    weights
        Shape (m, p), >= 0, in any unit.
    seen
        What is reported of each tag.
    most
        At most so many a scan; a tag below 1 % is left out.
    """
    known = [(name, tag.unit_of_measure) for name, tag in twin.tags.items()]
    leads, facts = np.empty((len(weights), most), dtype=np.int64), np.empty((len(weights), most, 4))
    _lead(weights.copy(), seen.observed, seen.expected, seen.z, leads, facts)
    return [
        tuple(
            Contributor(
                tag=known[tag][0],
                share=share,
                observed=observed if isfinite(observed) else None,
                expected=expected if isfinite(expected) else None,
                z=z if isfinite(z) else None,
                unit_of_measure=known[tag][1],
            )
            for tag, (share, observed, expected, z) in zip(*scan, strict=True)
            if tag != _NONE
        )
        for scan in zip(leads.tolist(), facts.tolist(), strict=True)
    ]


@compiled("void", TABLE, TABLE, TABLE, TABLE, "int64[:,::1]", CUBE)
def _lead(
    weights: FloatArray, observed: FloatArray, expected: FloatArray, z: FloatArray, leads: IntArray, facts: FloatArray
) -> None:
    """The tags of largest weight (m, p), the largest and the first of equal ones first: positions (m, most).

    ``facts`` (m, most, 4): the share of each, and what is seen of it. The weights are used up.
    """
    leads[:] = _NONE
    for row in range(len(weights)):
        total, own = 0.0, weights[row]
        for weight in own:
            total += weight
        for place in range(min(leads.shape[1], len(own))):
            lead = own.argmax()
            share = own[lead] / total
            if not share >= _LEAST_SHARE:  # nor where nothing has any weight
                break
            leads[row, place], own[lead], of_lead = lead, 0.0, facts[row, place]
            of_lead[0], of_lead[1], of_lead[2], of_lead[3] = (
                min(share, 1.0),
                observed[row, lead],
                expected[row, lead],
                z[row, lead],
            )
