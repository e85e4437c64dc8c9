"""Which units are watched: those a twin lists, or so many as come first. Messages of others are counted, and said."""

import logging
from collections.abc import Iterable
from typing import Protocol

from models.records.twin import Twin

LOG = logging.getLogger("patrol")
LETTERS = 10  # units over the cap that get a dead letter each; a twin that lists its units gets one in all
_NAMES = 1000  # units over the cap that are told apart
_SAID_AT = (1, 10, 100, _NAMES)  # units left out: a line in the log


class LeftOut(Protocol):
    """Counters of what is not watched."""

    def left_out(self, why: str, units: int) -> None:
        """A message of a unit that is not watched: "unlisted" or "too-many"; how many units are too many by now."""


class Admission:
    """Says which units are watched.

    Parameters
    ----------
    twin
        Lists its units; or says how many it takes, first come, first served.
    counts
        Gets what is left out.
    """

    def __init__(self, twin: Twin, counts: LeftOut) -> None:
        self._listed, self._most, self._counts = bool(twin.units), twin.units_max, counts
        self.known = set(twin.units)
        self.lettered: list[str] = []  # units left out that a dead letter has named: kept with the offsets
        self._others: dict[str, None] = {}

    def know(self, units: Iterable[str], lettered: Iterable[str] = ()) -> None:
        """Units watched before a restart: they count first, and stay; and those left out that have been named."""
        if not self._listed:
            self.known.update(units)
        self.lettered = list(lettered)

    def takes(self, unit: str, *, admit: bool = True) -> bool:
        """Whether a unit is watched; a new one is from now on, where its message can be used (``admit``)."""
        if unit in self.known:
            return True
        if self._listed or len(self.known) >= self._most:
            return False
        if admit:
            self.known.add(unit)
        return True

    def refuse(self, unit: str) -> str | None:
        """Count a message of a unit that is not watched; what its dead letter says, None: enough has been said."""
        if not self._listed:
            self._note(unit)
        self._counts.left_out("unlisted" if self._listed else "too-many", len(self._others))
        if unit in self.lettered or len(self.lettered) >= (1 if self._listed else LETTERS):
            return None
        self.lettered.append(unit)
        if self._listed:
            return (
                f"unit {unit!r} is not among the twin's units; add it there if it is to be watched; said once for all "
                "others, patrol_left_out_messages_total counts them"
            )
        return (
            f"unit {unit!r} is one more than units_max = {self._most}: it is not watched; list the units, or raise "
            f"twin.units_max; said of {LETTERS} units, patrol_units_left_out says how many"
        )

    def _note(self, unit: str) -> None:
        if unit in self._others or len(self._others) >= _NAMES:
            return
        self._others[unit] = None
        if len(self._others) in _SAID_AT:
            LOG.warning(
                "%s%d unit(s) beyond twin.units_max = %d are not watched, the newest %r: list the units, or raise it",
                "at least " if len(self._others) == _NAMES else "", len(self._others), self._most, unit,
            )  # fmt: skip
