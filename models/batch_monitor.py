"""Judges one running batch against a reference: align, check sensors, take residuals, hold them to their limits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from models.alignment import Aligner
from models.block import BoolArray, FloatArray, IntArray, Stretch, marked
from models.contributors import Account, contributors
from models.episode import PROCESS, Episode, Roles
from models.fitting import learner_input
from models.judgement import Finding, Judgement
from models.learner import Learner
from models.limits import REACH
from models.measure import Measure, Measured
from models.monitor import Numbers
from models.records import Category, Contributor
from models.reference import Reference
from models.sensor import SensorHealth
from models.silence import Silence
from models.spikes import Spikes
from models.statistics import KINDS
from models.trajectory import position_of
from models.twin import Twin


class _Part(Protocol):
    def state(self) -> Numbers: ...
    def restore(self, numbers: Numbers) -> None: ...


class BatchMonitor:
    """One running batch, judged by a frozen reference (``models.monitor.Monitor``).

    Parameters
    ----------
    twin
        The question; its tags are those the reference was learnt from.
    reference
        What released batches looked like.
    reference_id
        ``name@version``.
    """

    def __init__(self, twin: Twin, reference: Reference, reference_id: str) -> None:
        fitted, alarms = reference.fitted, twin.alarms
        self._twin, self._reference, self._id = twin, reference, reference_id
        self._worth = 1 - alarms.deadband  # of its limit: what is below neither raises an alarm nor holds one
        self._aligner = Aligner(reference.recipe)
        self._longest_s = max(float(batch.age_s[-1]) for batch in reference.recordings)
        self._health = SensorHealth(twin, reference.sensors)
        self._learner = Learner(twin.tag_names, fitted.learner)
        scheduled = marked(fitted.trajectory.schedule.columns, len(twin.tags))
        self._silence = Silence(~scheduled)
        self._measure, self._none = Measure(fitted), np.zeros(len(twin.tags), dtype=bool)
        self._silent = self._none  # tags the present fit does without; this very array where it has them all
        self._manipulated = np.array([tag.role == "manipulated" for tag in twin.tags.values()])
        self._spikes = Spikes(len(twin.tags))
        aftermath_s = REACH * reference.recipe.duration_s  # what follows a disturbance for so long is its own doing
        roles = Roles(self._manipulated, scheduled)
        self._episode = Episode(roles, alarms.off_delay_s + alarms.rejoin_s + aftermath_s)

    @property
    def reference_id(self) -> str | None:
        """``name@version`` of the reference judged against."""
        return self._id

    @property
    def expected_duration_s(self) -> float | None:
        """The longest a released batch lasted."""
        return self._longest_s

    def judge(self, stretch: Stretch) -> Judgement:
        """Score the stretch's scans. The reference is frozen: nothing is learnt."""
        maturity = self._aligner.advance(stretch)
        position = position_of(maturity, len(self._reference.fitted.limits))
        health = self._health.advance(stretch.values)
        readings = np.where(health.fit, stretch.values, np.nan)
        measured = self._measured(position, readings, self._silence.advance(health.fit))
        residuals, plane = measured.residuals, measured.plane
        account = Account(self._twin, stretch.values, residuals, measured.excess, self._manipulated)
        causes = self._causes(stretch, measured, account)
        findings = (
            *health.findings,
            *self._findings(measured, causes, account),
            *self._advisory(learner_input(residuals, plane), causes),
        )
        return Judgement(
            maturity, residuals.t2, plane[:, 0], residuals.spe, plane[:, 1], health.fit,
            np.ones(len(stretch), dtype=bool), findings, lambda rows: contributors(account, rows),
        )  # fmt: skip

    def state(self) -> Numbers:
        """A copy of all that changes while judging: a few KB."""
        parts = {name: part.state() for name, part in self._parts().items()}
        return {**parts, "reached": self._aligner.reached}

    def restore(self, numbers: Numbers) -> None:
        """Take up the state that ``state`` gave."""
        self._silence.restore(numbers["silence"])  # type: ignore[arg-type]  # first: it says which fit goes on
        self._leave_out(self._silence.now)
        for name, part in self._parts().items():
            part.restore(numbers[name])  # type: ignore[arg-type]
        self._aligner.reached = float(numbers["reached"])  # type: ignore[arg-type]

    # -- inside -----------------------------------------------------------------------------------------------

    def _parts(self) -> dict[str, _Part]:
        return {
            "health": self._health, "silence": self._silence, "measure": self._measure,
            "spikes": self._spikes, "episode": self._episode, "learner": self._learner,
        }  # fmt: skip

    def _measured(self, position: FloatArray, values: FloatArray, silent: BoolArray | None) -> Measured:
        """Each run of scans with the same silent tags (n, p) against the fit that does without them."""
        if silent is None:  # almost always
            self._leave_out(self._none)
            return self._measure.advance(position, values)
        changes = 1 + np.flatnonzero((silent[1:] != silent[:-1]).any(axis=1))
        parts = []
        for first, end in pairwise((0, *changes.tolist(), len(values))):
            self._leave_out(silent[first])
            parts.append(self._measure.advance(position[first:end], values[first:end]))
        return Measured.joined(parts)

    def _leave_out(self, silent: BoolArray) -> None:
        """Go on with the fit that does without the silent tags (p,), if that is another one."""
        if silent is self._silent or (silent == self._silent).all():
            return
        before = self._measure.state()
        self._measure = Measure(self._reference.without(silent))
        self._silent = silent.copy() if silent.any() else self._none
        self._measure.restore(before)

    def _causes(self, stretch: Stretch, measured: Measured, account: Account) -> "_Causes":
        over, under_way = self._episode.advance(stretch.age_s, measured.over, measured.excess)
        off_schedule = np.copysign(measured.ratio[:, : len(self._twin.tags)], account.residuals.innovation)
        return _Causes(over, under_way, *self._spikes.advance(off_schedule))

    def _advisory(self, heard: tuple[FloatArray, FloatArray, FloatArray], causes: "_Causes") -> Iterator[Finding]:
        """What the learner finds, but not while a sensor or a schedule tag is known to be the cause."""
        listens = causes.under_way < 0
        for finding in self._learner.advance(*heard, self._worth):
            yield finding if listens.all() else replace(finding, over=finding.over & listens)

    def _findings(self, measured: Measured, causes: "_Causes", account: Account) -> Iterator[Finding]:
        """One finding a kind of statistic and cause, for those of any use (see ``_worth``)."""
        accused = self._episode.accused
        if measured.most < self._worth and not accused:  # almost always
            return
        highest, tags, limit = measured.highest, len(self._twin.tags), np.ones(len(causes.over))
        of_use = highest.max(axis=1) >= self._worth
        levels = {kind: highest[k] for k, kind in enumerate(KINDS) if of_use[k]}
        for cause in (PROCESS, *accused):
            tag, word = None if cause == PROCESS else cause % tags, self._word(cause)

            def explain(row: int, first: int | None = tag) -> tuple[Contributor, ...]:
                return contributors(account, [row], first)[0]

            for kind, level in levels.items():
                over = (level > 1) & (causes.over == cause)
                for category, which in self._categories(cause, causes):
                    yield Finding(kind, word, category, "approved", level, limit, over & which, explain)
            if cause >= tags and causes.first[:, cause - tags].any():
                shows = causes.first[:, cause - tags] & (causes.under_way == cause)
                yield Finding("spike", word, "sensor", "approved", 2 * shows.astype(float), limit, shows, explain)

    def _categories(self, cause: int, causes: "_Causes") -> tuple[tuple[Category, BoolArray], ...]:
        """Which category a cause has at which scans: a schedule tag's is the sensor's once the tag is spiky."""
        tags, always = len(self._twin.tags), np.ones(len(causes.over), dtype=bool)
        if cause < tags:
            return (("process" if cause == PROCESS else "sensor", always),)
        spiky = causes.spiky[:, cause - tags]
        return ("process", ~spiky), ("sensor", spiky)

    def _word(self, cause: int) -> str:
        """``process``, ``sensor:TAG`` or ``process:TAG`` (its schedule)."""
        tags = self._twin.tag_names
        if cause == PROCESS:
            return "process"
        return f"{'sensor' if cause < len(tags) else 'process'}:{tags[cause % len(tags)]}"


@dataclass(frozen=True, slots=True)
class _Causes:
    """What is the cause of what, scan by scan."""

    over: IntArray  # (n,) of what is over its limit
    under_way: IntArray  # (n,) of the episode
    spiky: BoolArray  # (n, p) a tag has shown itself spiky
    first: BoolArray  # (n, p) it shows first here
