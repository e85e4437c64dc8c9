"""What is known now of all units and all deviations, and what of it has changed since somebody last looked."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.alarms.conditions import LOST
from models.records.messages import Deviation, Score
from models.records.times import to_time, to_us
from models.records.twin import Twin
from ops.console.clocks import Clocks
from ops.console.flood import Flood

_CLOSED_KEPT = 5000  # deviations that are over, with their revisions
_UNJUDGED_INTERVALS, _UNJUDGED_S = 3.0, 10.0  # scans so far ahead of the last score (event time), for so long (wall)


@dataclass(slots=True)
class DeviationHistory:
    """One deviation: its revisions in order, as far as the topic still has them."""

    revisions: list[Deviation]
    changed: int  # version of the plant

    @property
    def latest(self) -> Deviation:
        """The newest revision."""
        return self.revisions[-1]

    def shown(self) -> dict[str, Any]:
        """As the list shows it, with who acted last."""
        acted = next((each for each in reversed(self.revisions) if each.by is not None), None)
        content: dict[str, Any] = msgspec.to_builtins(self.latest)
        if acted is not None:
            content["acted"] = {"by": acted.by, "at": acted.changed_at, "state": acted.state, "comment": acted.comment}
        return content


@dataclass(slots=True)
class UnitNow:
    """One unit."""

    score: Score | None = None
    scored_us: int = 0  # wall clock
    changed: int = 0
    scans: int = 0  # heard of since the start


@dataclass(slots=True)
class Plant:
    """Told by one thread, looked at by others."""

    twin: Twin
    clocks: Clocks
    version: int = 1  # rises with every change; 0 is before anything
    histories: "OrderedDict[str, DeviationHistory]" = field(default_factory=OrderedDict)
    units: dict[str, UnitNow] = field(default_factory=dict)
    flood: Flood = field(default_factory=Flood)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """The twin's units are there from the start."""
        self.units |= {unit: UnitNow() for unit in self.twin.units}

    # -- told -------------------------------------------------------------------------------------------------

    def scans(self, unit: str, count: int, newest_us: int, *, live: bool) -> None:
        """Scans of a unit have come."""
        with self._lock:
            self.clocks.observe(unit, newest_us, live=live)
            now = self._touched(unit)
            now.scans += count

    def score(self, score: Score, wall_us: int) -> None:
        """How a unit stands."""
        with self._lock:
            now = self._touched(score.unit)
            now.score, now.scored_us = score, wall_us

    def deviation(self, deviation: Deviation) -> None:
        """A revision; one that is known already or older changes nothing."""
        with self._lock:
            history = self.histories.get(deviation.deviation_id)
            if history is not None and history.latest.revision >= deviation.revision:
                return
            if deviation.state == "UNACK" and (history is None or history.latest.state != "UNACK"):
                self.flood.annunciated(to_us(deviation.changed_at))
            self._touched(deviation.unit)
            if history is None:
                self.histories[deviation.deviation_id] = DeviationHistory([deviation], self.version)
                self._forget()
            else:
                history.revisions.append(deviation)
                history.changed = self.version

    # -- looked at --------------------------------------------------------------------------------------------

    def since(self, version: int) -> dict[str, Any]:
        """What has changed since a version; 0: all there is, but no deviation that is over.

        Deviations that are over are among later changes, so that they can be taken off the list.
        """
        with self._lock:
            changed = [history for history in self.histories.values() if history.changed > version]
            return {
                "version": self.version,
                "deviations": [c.shown() for c in changed if version > 0 or c.latest.state != "NORM"],
                "units": [self._unit(name, now) for name, now in self.units.items() if now.changed >= version],
            }

    def pulse(self) -> dict[str, Any]:
        """What changes by itself."""
        with self._lock:
            now_us = self.clocks.plant_us()
            flood, count = self.flood.lasts(now_us), self.flood.count(now_us)
            unjudged = [unit for unit, now in self.units.items() if self._unjudged(unit, now)]
            return {"now": to_time(now_us), "flood": flood, "annunciations": count, "unjudged": unjudged}

    def history(self, deviation_id: str) -> list[Deviation]:
        """The revisions of a deviation; none: it is not known."""
        with self._lock:
            history = self.histories.get(deviation_id)
            return [] if history is None else list(history.revisions)

    def of_batch(self, unit: str, batch_id: str | None) -> list[dict[str, Any]]:
        """All deviations of a batch, those that are over too."""
        with self._lock:
            histories = list(self.histories.values())
            return [c.shown() for c in histories if (c.latest.unit, c.latest.batch_id) == (unit, batch_id)]

    # -- inside -----------------------------------------------------------------------------------------------

    def _touched(self, unit: str) -> UnitNow:
        self.version += 1
        now = self.units.setdefault(unit, UnitNow())
        now.changed = self.version
        return now

    def _forget(self) -> None:
        if len(self.histories) > _CLOSED_KEPT:
            over = next((key for key, history in self.histories.items() if history.latest.state == "NORM"), None)
            if over is not None:
                del self.histories[over]

    def _unit(self, unit: str, now: UnitNow) -> dict[str, Any]:
        score: dict[str, Any] = {} if now.score is None else msgspec.to_builtins(now.score)
        last_scan_us, newest_us = self.clocks.last_us(unit), self.clocks.newest_us(unit)
        return score | {
            "unit": unit,
            "scans": now.scans,
            "clock": to_time(self.clocks.now_us(unit)),
            "newest": None if newest_us is None else to_time(newest_us),
            "heard": None if last_scan_us is None else to_time(last_scan_us),
        }

    def _unjudged(self, unit: str, now: UnitNow) -> bool:
        """Scans come, a batch runs, but PATrol says nothing of it."""
        newest_us, last_scan_us = self.clocks.newest_us(unit), self.clocks.last_us(unit)
        if now.score is None or now.score.grade is None or newest_us is None or last_scan_us is None:
            return False
        interval_s = self.twin.score_interval_s or 10 * self.twin.cadence_s
        behind = newest_us - to_us(now.score.at) > _UNJUDGED_INTERVALS * interval_s * 1e6
        return behind and last_scan_us - now.scored_us > _UNJUDGED_S * 1e6


def lost_messages(deviations: Iterable[Mapping[str, Any]]) -> int | None:
    """How many messages were removed before they were read, by a batch's deviations; 0: not known, None: none."""
    lost = [each.get("evidence") for each in deviations if each["cause"] == LOST]
    counts = [evidence["last_offset"] - evidence["first_offset"] + 1 for evidence in lost if evidence]
    return sum(counts) if lost else None
