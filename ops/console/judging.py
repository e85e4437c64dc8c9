"""Batches judged again from their scans, by the same monitor as the flow's: T², SPE and contributions at any scan.

The models are pure: the same scans give the same numbers. What cannot be judged again (a continuous process, whose
monitor depends on all it has ever seen, or a batch whose first scans are not here) shows what its scores carry.
"""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from connectors.store.references import ReferenceStore, StoredVersion
from models.arrays.types import FloatArray
from models.records.block import RecordedBatch
from models.records.errors import ReferenceError
from models.records.judgement import Judgement
from models.records.messages import Contributor
from models.records.monitor import Monitor
from models.records.twin import Twin
from models.reference.alignment import recorded_maturity
from models.reference.envelope import Envelope, envelope, on_points, stacked
from models.reference.reference import Reference
from ops.config import Configuration
from ops.console.batch_record import BatchRecord, Piece
from ops.monitors import Choice, ChosenMonitors, choose_monitors

LOG = logging.getLogger("patrol")
POINTS = 201  # of the envelope, equally spaced in maturity
_KEPT = 12  # batches judged again and kept: those somebody looks at
_COVERAGE = 0.99


@dataclass(frozen=True, slots=True)
class Usual:
    """Where released batches ran, and how old they were there."""

    envelope: Envelope  # POINTS points
    age_s: FloatArray  # (POINTS,) median over batches; NaN: unknown


@dataclass(slots=True)
class Judged:
    """One batch as judged so far."""

    monitor: Monitor
    taken: int = 0  # pieces of the record
    pieces: list[Piece] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)

    def extend(self, batch: BatchRecord) -> None:
        """Judge what has come since."""
        fresh = batch.pieces[self.taken :]
        self.taken += len(fresh)
        for (phase, phase_us), group in groupby(fresh, key=lambda piece: (piece.phase, piece.phase_us)):
            parts = list(group)
            observed_us = np.concatenate([part.observed_us for part in parts])
            piece = Piece(observed_us, np.concatenate([part.values for part in parts]), phase, phase_us)
            self.pieces.append(piece)
            self.judgements.append(self.monitor.judge(piece.stretch(batch.started_us)))

    def series(self, name: str) -> FloatArray:
        """A judgement's array over all scans, (n,) or (n, p)."""
        return np.concatenate([np.asarray(getattr(judgement, name), dtype=float) for judgement in self.judgements])

    def contributors(self, row: int) -> tuple[Contributor, ...]:
        """Which tags were responsible at a scan, most responsible first."""
        for judgement in self.judgements:
            if row < len(judgement.t2):
                return judgement.worst([row])[0]
            row -= len(judgement.t2)
        return ()


class Judging:
    """Judges batches again.

    Parameters
    ----------
    configuration, choice
        The twin and the reference, as the flow has them.

    Raises
    ------
    ReferenceError
        The reference cannot be used.
    """

    def __init__(self, configuration: Configuration, choice: Choice) -> None:
        self.twin: Twin = configuration.twin
        self._configuration, self._choice = configuration, choice
        self._lock = threading.RLock()
        self._tried: set[str] = set()  # references that scores have named
        self._kept: OrderedDict[int, tuple[BatchRecord, Judged]] = OrderedDict()
        self._usual: Usual | None = None
        self._take(choose_monitors(configuration, choice))

    @property
    def released(self) -> tuple[RecordedBatch, ...]:
        """The batches the reference was learnt from."""
        return () if self.reference is None else self.reference.recordings

    @property
    def reference_id(self) -> str | None:
        """``name@version``."""
        return None if self.choose_monitors.stored is None else self.choose_monitors.stored.id

    def usual(self) -> Usual | None:
        """The envelope of released batches; None where there is no reference of batches."""
        with self._lock:
            if self._usual is None and self.reference is not None:
                self._usual = _usual(self.reference)
            return self._usual

    def maturity(self, batch: RecordedBatch) -> FloatArray:
        """Of a released batch, scan by scan."""
        if self.reference is None:
            return np.full(len(batch.age_s), np.nan)
        return recorded_maturity(self.reference.recipe, batch)

    def judged(self, batch: BatchRecord) -> Judged | None:
        """A batch as judged so far; None: it cannot be judged again."""
        if self.twin.mode == "continuous" or not batch.pieces or not batch.whole:
            return None
        with self._lock:
            self._follow(batch)
            _, found = self._kept.get(id(batch), (batch, None))
            if found is None:
                monitor = self.choose_monitors.monitors(batch.product)
                if monitor is None:
                    return None
                found = Judged(monitor)
                self._kept[id(batch)] = batch, found
            self._kept.move_to_end(id(batch))
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            found.extend(batch)
            return found

    # -- inside -----------------------------------------------------------------------------------------------

    def _follow(self, batch: BatchRecord) -> None:
        """The flow judges a running batch against another reference than ours: take that up, or keep ours."""
        named = batch.scores[-1].reference if batch.scores and batch.ended_us is None else None
        if named is None or named == self.reference_id or named in self._tried:
            return
        self._tried.add(named)
        try:
            self._take(choose_monitors(self._configuration, Choice(self._choice.store, named, unapproved=True)))
        except ReferenceError as exc:
            LOG.warning("console: scores name reference %s, which is not taken up: %s", named, exc)

    def _take(self, found: ChosenMonitors) -> None:
        """Judge by these from now on."""
        self.reference = self._loaded(found.stored)
        self.choose_monitors = found
        self._kept.clear()
        self._usual = None
        LOG.info("%s", found.summary)

    def _loaded(self, stored: StoredVersion | None) -> Reference | None:
        if stored is None or self.twin.mode == "continuous":
            return None
        store = ReferenceStore(self._choice.store or Path(self._configuration.references.store))
        return store.load_as(Reference, stored.name, stored.version, (stored.state,))[1]


def _usual(reference: Reference) -> Usual:
    aligned = [(recorded_maturity(reference.recipe, batch), batch) for batch in reference.recordings]
    grids = stacked([(maturity, batch.values) for maturity, batch in aligned], POINTS)
    ages = np.stack([on_points(maturity, batch.age_s[:, None], POINTS)[:, 0] for maturity, batch in aligned])
    known = np.isfinite(ages).any(axis=0)
    age_s = np.full(POINTS, np.nan)
    age_s[known] = np.nanmedian(ages[:, known], axis=0)
    return Usual(envelope(grids, _COVERAGE), age_s)
