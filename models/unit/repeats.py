"""Which scans and readings have been taken already: fingerprints of the last thousand moments of a unit.

A gateway that restarts, or a second one, sends again what has been judged: the same time with the same values. Time and
values together are told apart by 32 bits: a new scan shares them with one of a thousand in 1 of 4 million cases.
"""

import numpy as np

from models.arrays.compiled import compiled
from models.arrays.types import FloatArray, IntArray

MASK = 0xFFFF_FFFF
_PRIME, _SEED = 1_099_511_628_211, -3_750_763_034_362_895_579  # of FNV-1a, 64 bits, as signed numbers


class Repeats:
    """Fingerprints of what was taken last.

    Parameters
    ----------
    count
        How many moments (scans, or intervals of readings) are remembered.
    """

    def __init__(self, count: int) -> None:
        self._ring = np.zeros(count, dtype=np.uint32)  # 0: nothing
        self._next = 0

    def knows(self, fingerprint: int) -> bool:
        """Whether it is one of those remembered."""
        return bool((self._ring == np.uint32(fingerprint or 1)).any())

    def remember(self, fingerprints: IntArray) -> None:
        """Take these (n,), each 0 to 2**32 - 1; the oldest go."""
        size = len(self._ring)
        kept = np.maximum(fingerprints[-size:], 1).astype(np.uint32)
        first = min(len(kept), size - self._next)
        self._ring[self._next : self._next + first] = kept[:first]
        self._ring[: len(kept) - first] = kept[first:]
        self._next = (self._next + len(kept)) % size

    def state(self) -> bytes:
        """The oldest first; those never taken are left out."""
        ordered = np.roll(self._ring, -self._next)
        state: bytes = ordered[ordered != 0].tobytes()
        return state

    def restore(self, state: bytes) -> None:
        """Take up what ``state`` gave."""
        self._ring[:], self._next = 0, 0
        self.remember(np.frombuffer(state, dtype=np.uint32).astype(np.int64))


def fingerprints(observed_us: IntArray, values: FloatArray) -> IntArray:
    """Of each scan, from its time (n,) and readings (n, p): 0 to 2**32 - 1, shape (n,).

    References
    ----------
    Fowler, Noll & Vo: FNV-1a, over words of 64 bits instead of bytes.

    Examples
    --------
    >>> a, b = fingerprints(np.array([1, 2]), np.ones((2, 3)))
    >>> bool(a != b), bool(a == fingerprints(np.array([1]), np.ones((1, 3)))[0])
    (True, True)
    """
    found = np.empty(len(observed_us), dtype=np.int64)
    _fingerprints(np.ascontiguousarray(observed_us), np.ascontiguousarray(values).view(np.int64), found)
    return found


def of_reading(tag: int, at_us: int, value: float) -> int:
    """Of one reading: 0 to 2**32 - 1; an absent value (NaN) counts as a value."""
    return hash((tag, at_us, value if value == value else None.__class__.__name__)) & MASK


def of_interval(number: int, total: int) -> int:
    """Of all readings of one interval, in any order: from its number and the sum of their fingerprints."""
    return hash((number, total & MASK)) & MASK


@compiled("void", "int64[::1]", "int64[:,::1]", "int64[::1]")
def _fingerprints(observed_us: IntArray, bits: IntArray, found: IntArray) -> None:
    for row in range(len(observed_us)):
        mixed = (_SEED ^ observed_us[row]) * _PRIME
        for k in range(bits.shape[1]):
            mixed = (mixed ^ bits[row, k]) * _PRIME
            mixed ^= (mixed >> 29) & 0x7FFFFFFFF
        found[row] = (mixed ^ (mixed >> 32)) & 0xFFFFFFFF
