"""Findings of one batch's scans: which statistics are over their limits, and by which cause."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from msgspec.structs import replace

from models.arrays.types import BoolArray, FloatArray, IntArray
from models.batch.cause import PROCESS
from models.batch.contributors import ContributionInputs, contributors
from models.records.judgement import Finding
from models.records.messages import Category, Contributor
from models.records.twin import Twin
from models.statistics.charts import KINDS


class Causes(msgspec.Struct, frozen=True):
    """The causes of what is over its limit, at one batch's n scans."""

    accused: Sequence[int]  # causes other than the process, so far
    over: IntArray  # (n,) of what is over its limit
    under_way: IntArray  # (n,) of the episode
    spiky: BoolArray  # (n, p) whether a tag is spiky (``models.sensors.spikes``)
    first: BoolArray  # (n, p) whether it is found spiky here first


class Findings:
    """Findings of batches that run by one twin.

    Parameters
    ----------
    twin
        Its tags.
    least_ratio
        Share of its limit that a statistic must reach for a finding to be made: below, it neither raises an alarm nor
        holds one.
    """

    def __init__(self, twin: Twin, least_ratio: float) -> None:
        self._tags, self._least_ratio = twin.tag_names, least_ratio

    def found(self, highest: FloatArray, causes: Causes, inputs: ContributionInputs, start: int) -> Iterator[Finding]:
        """One finding for each kind of statistic and cause that comes within its deadband; values are over limit 1.

        Parameters
        ----------
        highest
            Shape (6, n), >= 0, dimensionless: of each kind the largest ratio to its limit that any tag's has held.
        causes
            Of these scans.
        inputs
            What contributors follow from: the batch's scans begin at its row ``start``.
        """
        tags, limit, over = len(self._tags), np.ones(len(causes.over)), highest > 1
        of_use = [k for k, most in enumerate(highest.max(axis=1).tolist()) if most >= self._least_ratio]
        for cause in (PROCESS, *causes.accused):
            tag, cause_name = None if cause == PROCESS else cause % tags, self._cause_name(cause)

            def explain(row: int, first: int | None = tag) -> tuple[Contributor, ...]:
                return contributors(inputs, [start + row], first)[0]

            for category, where in self._categories(cause, causes):
                for k in of_use:
                    yield Finding(
                        KINDS[k], cause_name, category, "approved", highest[k], limit, over[k] & where, explain
                    )
            if cause >= tags and causes.first[:, cause - tags].any():
                shows = causes.first[:, cause - tags] & (causes.under_way == cause)
                yield Finding("spike", cause_name, "sensor", "approved", 2 * shows.astype(float), limit, shows, explain)

    def _categories(self, cause: int, causes: Causes) -> list[tuple[Category, BoolArray]]:
        """At which scans what is over is of this cause, by category: a spiky schedule tag's is the sensor's."""
        tags, where = len(self._tags), causes.over == cause
        if cause < tags:
            return [("process" if cause == PROCESS else "sensor", where)]
        spiky = causes.spiky[:, cause - tags]
        if not np.count_nonzero(spiky):  # almost always
            return [("process", where)]
        return [("process", where & ~spiky), ("sensor", where & spiky)]

    def _cause_name(self, cause: int) -> str:
        """``process``, ``sensor:TAG`` or ``process:TAG`` (its schedule)."""
        if cause == PROCESS:
            return "process"
        return f"{'sensor' if cause < len(self._tags) else 'process'}:{self._tags[cause % len(self._tags)]}"


def advisory(found: Sequence[Finding], under_way: IntArray) -> list[Finding]:
    """The learner's findings, off while a sensor or a schedule tag is known to be the cause of the episode (n,)."""
    if not found:  # almost always
        return []
    listens = under_way < 0
    return [one if listens.all() else replace(one, over=one.over & listens) for one in found]
