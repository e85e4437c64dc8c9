"""Judges one running batch against a reference: align, check sensors, take residuals, hold them to their limits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from models.alignment import Aligner
from models.block import BoolArray, FloatArray, IntArray, Stretch
from models.contributors import Account, contributors
from models.episode import PROCESS, Episode, Roles
from models.fitting import immediate, learner_input
from models.judgement import Finding, Judgement
from models.learner import Learner
from models.monitor import Numbers
from models.persistence import Persistence
from models.records import Contributor
from models.reference import Reference
from models.residuals import Residual, at_position
from models.sensor import SensorHealth
from models.spikes import Spikes
from models.statistics import KINDS, Statistics
from models.trajectory import position_of
from models.twin import Twin

_AFTERMATH = 0.022  # of the recipe: what a disturbance does to other tags is its own doing for so long


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
        scheduled = fitted.trajectory.schedule.columns
        self._twin, self._reference, self._id = twin, reference, reference_id
        self._aligner = Aligner(reference.recipe)
        self._health = SensorHealth(twin, reference.sensors)
        self._residual = Residual(fitted.trajectory)
        self._statistics = Statistics(fitted.size, scheduled, fitted.trajectory.one_step.scaling.loops, fitted.limits)
        self._learner = Learner(twin.tag_names, fitted.learner)
        self._persistence = Persistence(immediate(len(twin.tags), scheduled))
        manipulated = np.array([tag.role == "manipulated" for tag in twin.tags.values()])
        roles = Roles(manipulated, np.isin(np.arange(len(manipulated)), scheduled))
        self._spikes = Spikes(len(twin.tags))
        self._episode = Episode(roles, alarms.off_delay_s + alarms.rejoin_s + _AFTERMATH * reference.recipe.duration_s)

    @property
    def reference_id(self) -> str | None:
        """``name@version`` of the reference judged against."""
        return self._id

    @property
    def expected_duration_s(self) -> float | None:
        """The longest a released batch lasted."""
        return max(float(batch.age_s[-1]) for batch in self._reference.recordings)

    def judge(self, stretch: Stretch) -> Judgement:
        """Score the stretch's scans. The reference is frozen: nothing is learnt."""
        fitted = self._reference.fitted
        maturity = self._aligner.advance(stretch)
        position = position_of(maturity, len(fitted.limits))
        health = self._health.advance(stretch.values)
        residuals = self._residual.advance(position, np.where(health.fit, stretch.values, np.nan))
        limits = at_position(fitted.limits, position)
        statistics = self._statistics.advance(position, residuals)
        held = self._persistence.advance(statistics / limits)
        with np.errstate(divide="ignore"):
            excess = np.log(held) / at_position(fitted.tail, position)
        excess[:, -2:] = -np.inf
        causes, under_way = self._episode.advance(stretch.age_s, excess)
        signed = np.copysign((statistics / limits)[:, : len(self._twin.tags)], residuals.innovation)
        spiky, first = self._spikes.advance(signed)
        learner = self._learner.advance(*learner_input(residuals, at_position(fitted.size, position), limits))
        advisory = [replace(finding, over=finding.over & (under_way < 0)) for finding in learner]
        size = residuals.size * at_position(fitted.size, position)
        account = Account(self._twin, stretch.values, residuals, excess, size)
        findings = (
            *health.findings,
            *self._findings(held, _Causes(causes, under_way, spiky, first), account),
            *advisory,
        )
        return Judgement(
            maturity, residuals.t2, limits[:, -2], residuals.spe, limits[:, -1], health.fit,
            np.ones(len(stretch), dtype=bool), findings,
            lambda row: contributors(account, row),
        )  # fmt: skip

    def state(self) -> Numbers:
        """A copy of all that changes while judging: a few KB."""
        return {name: part.state() for name, part in self._parts().items()} | {"reached": self._aligner.reached}

    def restore(self, numbers: Numbers) -> None:
        """Take up the state that ``state`` gave."""
        for name, part in self._parts().items():
            part.restore(numbers[name])  # type: ignore[arg-type]
        self._aligner.reached = float(numbers["reached"])  # type: ignore[arg-type]

    # -- inside -----------------------------------------------------------------------------------------------

    def _parts(self) -> dict[str, _Part]:
        return {
            "health": self._health, "residual": self._residual, "statistics": self._statistics,
            "persistence": self._persistence, "spikes": self._spikes, "episode": self._episode,
            "learner": self._learner,
        }  # fmt: skip

    def _findings(self, held: FloatArray, causes: "_Causes", account: Account) -> Iterator[Finding]:
        """One finding a kind of statistic and cause; always for the process, for another once it has been a cause."""
        tags = len(self._twin.tags)
        levels = {kind: held[:, k * tags : (k + 1) * tags].max(axis=1) for k, kind in enumerate(KINDS)}
        limit = np.ones(len(held))
        for cause in (PROCESS, *self._episode.accused):
            tag = None if cause == PROCESS else cause % tags
            of_schedule = tag is not None and cause >= tags

            def explain(row: int, first: int | None = tag) -> tuple[Contributor, ...]:
                return contributors(account, row, first)

            sensor = causes.spiky[:, tag] if of_schedule else np.full(len(held), tag is not None)
            for kind, level in levels.items():
                over = (level > 1) & (causes.over == cause)
                word = self._word(cause)
                yield Finding(kind, word, "process", "approved", level, limit, over & ~sensor, explain)
                yield Finding(kind, word, "sensor", "approved", level, limit, over & sensor, explain)
            if of_schedule:
                shows = causes.first[:, tag] & (causes.under_way == cause)
                level = 2 * shows.astype(float)
                yield Finding("spike", self._word(cause), "sensor", "approved", level, limit, shows, explain)

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
