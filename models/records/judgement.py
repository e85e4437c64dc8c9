"""The result of judging a stretch of scans: the one interface between detectors and alarms."""

from collections.abc import Callable, Sequence

import msgspec

from models.arrays.types import BoolArray, FloatArray
from models.records.messages import Category, Contributor, Grade


class Finding(msgspec.Struct, frozen=True):
    """One statistic over a stretch of n scans.

    ``cause`` is the deviation it belongs to: findings of one cause raise one deviation together
    ("process", "process:TAG" or "sensor:TAG"). ``over`` already holds the detector's own persistence rule, so that the
    limit and the false-alarm budget it was calibrated to are those of ``over``.
    """

    name: str  # "t2", "spe", "residual", "ewma", "stuck", ...
    cause: str
    category: Category
    grade: Grade
    value: FloatArray  # (n,) dimensionless, higher is more abnormal; NaN: not judged
    limit: FloatArray  # (n,) dimensionless
    over: BoolArray  # (n,)
    explain: Callable[[int], tuple[Contributor, ...]]  # row -> contributors, most responsible first


class Judgement(msgspec.Struct, frozen=True):
    """The result for a stretch of n scans."""

    maturity: FloatArray  # (n,) 0 to 1; NaN for a continuous process
    t2: FloatArray  # (n,) NaN: not judged
    t2_limit: FloatArray  # (n,)
    spe: FloatArray  # (n,)
    spe_limit: FloatArray  # (n,)
    fit: BoolArray  # (n, p) whether each reading was fit to judge
    ready: BoolArray  # (n,) False while a cold start is still learning
    findings: tuple[Finding, ...]
    worst: Callable[[Sequence[int]], Sequence[tuple[Contributor, ...]]]  # rows -> the tags furthest from expected
