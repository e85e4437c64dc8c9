"""Judges one running batch against a reference, beside others of its fleet or alone."""

import weakref
from itertools import pairwise
from typing import Any

import numpy as np

from models.arrays.carried import Segments
from models.arrays.types import BoolArray, FloatArray
from models.batch.cause import Episode
from models.batch.fleet import Fleet
from models.batch.measure import Measure, Measured
from models.limits.joint import REACH
from models.records.block import Stretch
from models.records.judgement import Judgement
from models.records.monitor import Numbers
from models.reference.alignment import Aligner
from models.sensors.silence import Silence


class BatchMonitor:
    """One running batch of a fleet (``models.records.monitor.Monitor``).

    Parameters
    ----------
    fleet
        All that is the same for every batch judged by this reference. The monitor has a row of its own in what the
        fleet carries, which is free again once the monitor is gone.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self.place = fleet, fleet.open_place()
        weakref.finalize(self, fleet.close_place, self.place).atexit = False
        self._aligner = Aligner(fleet.reference.recipe)
        self._none = np.zeros(len(fleet.twin.tags), dtype=bool)
        self.silence = Silence(~fleet.roles.scheduled)
        self._silent = self._none  # tags the present fit does without; this very array where it has them all
        self._measure, self._row = fleet.measure, self.place  # the fit, and where it has this batch
        alarms = fleet.twin.alarms
        after_s = REACH * fleet.reference.recipe.duration_s  # what follows a disturbance within this is its consequence
        self.episode = Episode(fleet.roles, alarms.off_delay_s + alarms.rejoin_s + after_s)

    @property
    def reference_id(self) -> str | None:
        """``name@version`` of the reference judged against."""
        return self._fleet.reference_id

    @property
    def expected_duration_s(self) -> float | None:
        """How long the longest released batch lasted, in s."""
        return self._fleet.longest_s

    @property
    def peers(self) -> Fleet | None:
        """The fleet, once every tag has been read: before, a fit without the silent ones may be needed."""
        return self._fleet if self.silence.over and self._silent is self._none else None

    def judge(self, stretch: Stretch) -> Judgement:
        """Score the stretch's scans. The reference is frozen: nothing is learnt."""
        return self._fleet.judge([self], [stretch])[0]

    def maturity(self, stretch: Stretch) -> FloatArray:
        """How far along its recipe the batch is at each scan, (n,), dimensionless, 0 to 1; NaN: unknown."""
        return self._aligner.advance(stretch)

    def measured(self, position: FloatArray, readings: FloatArray, fit: BoolArray) -> Measured:
        """Each run of scans with the same silent tags measured against the fit that does without them.

        Parameters
        ----------
        position
            Shape (n,): grid positions, 0 to G - 1; NaN: not judged.
        readings
            Shape (n, p), in each tag's unit of measure; NaN: unfit or none.
        fit
            Shape (n, p): which readings are fit to judge.
        """
        silent = self.silence.advance(fit)
        if silent is None:  # almost always
            self._leave_out(self._none)
            return self._measure.advance(position, readings, Segments.of_one(len(readings), self._row))
        changes = 1 + np.flatnonzero((silent[1:] != silent[:-1]).any(axis=1))
        parts = []
        for first, end in pairwise((0, *changes.tolist(), len(readings))):
            self._leave_out(silent[first])
            segments = Segments.of_one(end - first, self._row)
            parts.append(self._measure.advance(position[first:end], readings[first:end], segments))
        return Measured.joined(parts)

    def state(self) -> Numbers:
        """A copy of all that changes while judging: a few KB."""
        separate = None if self._silent is self._none else self._measure.state(self._row)
        return {
            "carried": self._fleet.state(self.place), "without_silent": separate, "silence": self.silence.state(),
            "episode": self.episode.state(), "reached": self._aligner.reached,
        }  # fmt: skip

    def restore(self, numbers: Any) -> None:
        """Take up the state that ``state`` gave."""
        self.silence.restore(numbers["silence"])
        self._leave_out(self.silence.now)
        self._fleet.restore(numbers["carried"], self.place)
        if numbers["without_silent"] is not None:
            self._measure.restore(numbers["without_silent"], self._row)
        self.episode.restore(numbers["episode"])
        self._aligner.reached = float(numbers["reached"])

    def _leave_out(self, silent: BoolArray) -> None:
        """Go on with the fit that does without the silent tags (p,), if that is another one."""
        if silent is self._silent or (silent == self._silent).all():
            return
        before = self._measure.state(self._row)
        if silent.any():
            self._measure, self._row = Measure(self._fleet.reference.without(silent)), 0
            self._silent = silent.copy()
        else:
            self._measure, self._row, self._silent = self._fleet.measure, self.place, self._none
        self._measure.restore(before, self._row)
