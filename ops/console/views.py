"""Batches as the page draws them: courses of tags, T², SPE and the envelope, thinned to what a screen shows."""

from typing import Any

import msgspec
import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.records.block import RecordedBatch
from models.records.messages import Score
from models.records.times import to_time, to_us
from ops.console.batch_record import BatchRecord
from ops.console.judging import Judged, Judging
from ops.console.records import Records

_MOST = 3000  # points of a course; more than a 4K screen shows
_DIGITS = 6
_PLANE = ("t2", "t2_limit", "spe", "spe_limit")


class BatchViews:
    """Tells of batches.

    Parameters
    ----------
    records
        Of those since the console has been reading.
    judging
        Judges them again, and knows those the reference was learnt from.
    """

    def __init__(self, records: Records, judging: Judging) -> None:
        self._records, self._judging = records, judging
        self.twin = judging.twin

    def batches(self) -> list[dict[str, Any]]:
        """What can be looked at or compared with: newest first, then the reference's own."""
        kept = sorted(self._records.all(), key=lambda batch: -batch.started_us)
        content = [_head(batch) for batch in kept if batch.pieces or batch.scores]
        known = {each["batch"] for each in content}
        learnt = [
            {"unit": each.unit, "batch": each.batch_id, "learnt": True, "running": False}
            for each in self._judging.released
            if each.batch_id not in known
        ]
        return content + learnt

    def envelope(self) -> dict[str, Any]:
        """Of released batches; empty where there is no reference of batches."""
        usual = self._judging.usual()
        if usual is None:
            return {}
        of = usual.envelope
        trends = {"mean": of.mean, "low": of.mean - of.half, "high": of.mean + of.half}
        return {
            "reference": self._judging.reference_id,
            "batches": len(self._judging.released),
            "maturity": _numbers(np.linspace(0, 1, len(usual.age_s))),
            "age_h": _numbers(usual.age_s / 3600),
            "tags": {
                tag: {name: _numbers(trend[:, k]) for name, trend in trends.items()}
                for k, tag in enumerate(self.twin.tag_names)
            },
        }

    def batch(self, unit: str, batch_id: str | None) -> dict[str, Any] | None:
        """One batch's courses; None: nothing is known of it."""
        kept = self._records.find(unit, batch_id)
        if kept is not None:
            return self._kept(kept)
        learnt = next((each for each in self._judging.released if each.batch_id == batch_id), None)
        return None if learnt is None else self._learnt(learnt)

    def contributions(self, unit: str, batch_id: str | None, age_h: float) -> dict[str, Any] | None:
        """What was responsible at the scan (or, failing that, the score) nearest to an age."""
        kept = self._records.find(unit, batch_id)
        if kept is None:
            return None
        at_us = kept.started_us + int(age_h * 3.6e9)
        judged = self._judging.judged(kept)
        if judged is not None:
            observed_us = np.concatenate([piece.observed_us for piece in judged.pieces])
            row = int(np.abs(observed_us - at_us).argmin())
            plane = {name: _number(judged.series(name)[row]) for name in _PLANE}
            contributors = msgspec.to_builtins(judged.contributors(row))
            return {"at": to_time(int(observed_us[row])), "from": "scan", "contributors": contributors, **plane}
        if not kept.scores:
            return {"at": to_time(at_us), "from": "nothing", "contributors": []}
        score = min(kept.scores, key=lambda each: abs(to_us(each.at) - at_us))
        plane = {name: getattr(score, name) for name in _PLANE}
        return {"at": score.at, "from": "score", "contributors": msgspec.to_builtins(score.worst), **plane}

    # -- inside -----------------------------------------------------------------------------------------------

    def _kept(self, batch: BatchRecord) -> dict[str, Any]:
        with self._records.lock:
            observed_us, values = batch.scans()
            judged = self._judging.judged(batch)
            scores = list(batch.scores)
        rows = _thinned(len(observed_us))
        content = _head(batch) | {
            "reference": self._judging.reference_id,
            "age_h": _numbers((observed_us[rows] - batch.started_us) / 3.6e9),
            "values": self._values(values, rows),
            "phases": [{"phase": phase, "age_h": (at - batch.started_us) / 3.6e9} for phase, at in batch.phases],
        }
        if judged is not None and len(judged.series("t2")) == len(observed_us):
            return content | _judged_trend(judged, rows)
        return content | _scored_trend(scores, batch.started_us)

    def _learnt(self, batch: RecordedBatch) -> dict[str, Any]:
        rows = _thinned(len(batch.age_s))
        return {
            "unit": batch.unit, "batch": batch.batch_id, "learnt": True, "running": False, "whole": True,
            "age_h": _numbers(batch.age_s[rows] / 3600),
            "maturity": _numbers(self._judging.maturity(batch)[rows]),
            "values": self._values(batch.values, rows),
            "phases": [{"phase": phase, "age_h": age_s / 3600} for phase, age_s in batch.phases],
            "plane": None,
        }  # fmt: skip

    def _values(self, values: FloatArray, rows: IntArray) -> dict[str, list[float | None]]:
        if not len(rows):
            return {tag: [] for tag in self.twin.tag_names}
        return {tag: _numbers(values[rows, k]) for k, tag in enumerate(self.twin.tag_names)}


def _head(batch: BatchRecord) -> dict[str, Any]:
    return {
        "unit": batch.unit, "batch": batch.batch_id, "product": batch.product, "learnt": False,
        "running": batch.ended_us is None, "whole": batch.whole, "outcome": batch.outcome,
        "started": to_time(batch.started_us), "ended": None if batch.ended_us is None else to_time(batch.ended_us),
    }  # fmt: skip


def _judged_trend(judged: Judged, rows: IntArray) -> dict[str, Any]:
    """T² and SPE scan by scan, as judged again."""
    plane = {name: _numbers(judged.series(name)[rows]) for name in _PLANE}
    return {"from": "scans", "maturity": _numbers(judged.series("maturity")[rows]), "plane": plane, "plane_age_h": None}


def _scored_trend(scores: list[Score], started_us: int) -> dict[str, Any]:
    """T² and SPE as the scores say them."""
    plane = {name: [getattr(score, name) for score in scores] for name in _PLANE}
    ages = [(to_us(score.at) - started_us) / 3.6e9 for score in scores]
    return {"from": "scores", "maturity": None, "plane": plane, "plane_age_h": ages}


def _thinned(count: int) -> IntArray:
    """Rows of a course shown, the last one always."""
    step = -(-count // _MOST) or 1
    return np.arange(count - 1, -1, -step)[::-1]


def _numbers(trend: FloatArray) -> list[float | None]:
    """Rounded to some digits of the largest; None where there is no number."""
    finite = np.isfinite(trend)
    largest = float(np.abs(trend[finite]).max()) if finite.any() else 0.0
    decimals = _DIGITS - int(np.ceil(np.log10(largest))) if largest > 0 else _DIGITS
    rounded = np.round(trend, decimals)
    return [value if known else None for value, known in zip(rounded.tolist(), finite.tolist(), strict=True)]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
