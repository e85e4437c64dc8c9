"""Acceptance criteria of a performance qualification, and the verdict that follows from them."""

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from models.alarms.wording import readable_name
from ops.qualification import findings
from ops.qualification.plan import FAULTS, LARGEST
from ops.qualification.provenance import Qualified
from ops.qualification.study import Study

LEAST_FOUND = 0.9  # share of the largest steps
LEAST_COVERAGE = 0.99  # share of left-out scans within the limits of T² and of SPE
MOST_MISSING = 0.05  # share of readings

Outcome = Literal["met", "not contradicted", "not met"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the verdict."""

    name: str
    wanted: str
    found: str
    outcome: Outcome


def criteria(study: Study, qualified: Qualified | None) -> list[Criterion]:
    """All criteria, in the order in which they matter."""
    return [_reference(study, qualified), _budget(study), _power(study), _blind(study), _limits(study), _missing(study)]


def verdict(judged: list[Criterion]) -> tuple[Outcome, str]:
    """The worst outcome, and a sentence for an engineer."""
    failed = [each.name for each in judged if each.outcome == "not met"]
    open_ = [each.name for each in judged if each.outcome == "not contradicted"]
    if failed:
        return "not met", f"Not every acceptance criterion is met: see {_listed(failed)}."
    if open_:
        return "not contradicted", (
            f"Every acceptance criterion is met, except that these batches are too few to prove {_listed(open_)}: "
            "what was seen agrees with it."
        )
    return "met", "Every acceptance criterion is met."


# -- inside ---------------------------------------------------------------------------------------------------


def _reference(study: Study, qualified: Qualified | None) -> Criterion:
    name, wanted = "the reference", "stored, its checksum verified, learnt from exactly these batches"
    if qualified is None:
        return Criterion(name, wanted, "none is stored: fit one with patrol reference fit", "not met")
    same = qualified.learnt_from(study)
    found = f"{qualified.stored.id} ({qualified.stored.state}), checksum verified, learnt from "
    return Criterion(name, wanted, found + ("these batches" if same else "other batches"), "met" if same else "not met")


def _budget(study: Study) -> Criterion:
    """Met when the whole interval is within the budget, not met when none of it is."""
    budget, seen = study.configuration.twin.alarms.budget, findings.false_alarms(study)
    low, high = seen.rate
    outcome: Outcome = "met" if high <= budget else "not met" if low > budget else "not contradicted"
    found = (
        f"{seen.count} in {seen.batches} batches: {seen.per_batch:.3g} a batch, 95 % interval {low:.3f} to {high:.3f}"
    )
    if outcome == "not contradicted":
        found += f" (a proof takes {ceil(-np.log(0.025) / budget)} batches without a false alarm)"
    return Criterion("false-alarm budget", f"at most {budget:g} false alarms a good batch", found, outcome)


def _power(study: Study) -> Criterion:
    seen = findings.by_fault(study)[FAULTS.index(LARGEST)]
    low, high = seen.interval
    found = f"{seen.found} of {seen.tried} ({percent(seen.power)}, 95 % interval {percent(low)} to {percent(high)})"
    wanted = f"at least {percent(LEAST_FOUND)} of steps of {LARGEST.size:g} sd found, over all tags"
    return Criterion("detection", wanted, found, "met" if seen.power >= LEAST_FOUND else "not met")


def _blind(study: Study) -> Criterion:
    blind = findings.blind_spots(study)
    wanted = f"no tag in which fewer than half of steps of {LARGEST.size:g} sd are found"
    return Criterion(
        "blind spots",
        wanted,
        _listed([readable_name(tag) for tag in blind]) if blind else "none",
        "not met" if blind else "met",
    )


def _limits(study: Study) -> Criterion:
    seen = findings.coverage(study)
    least = min(seen.t2_total, seen.spe_total)
    found = f"T² {percent(seen.t2_total, 2)}, SPE {percent(seen.spe_total, 2)}"
    wanted = f"at least {percent(LEAST_COVERAGE)} of left-out scans within the limits of T² and of SPE"
    return Criterion("coverage", wanted, found, "met" if least >= LEAST_COVERAGE else "not met")


def _missing(study: Study) -> Criterion:
    share = missing(study)
    wanted = f"at most {percent(MOST_MISSING)} of readings missing"
    return Criterion("data", wanted, f"{percent(share, 2)}", "met" if share <= MOST_MISSING else "not met")


def missing(study: Study) -> float:
    """Share of readings that are missing."""
    lost = sum(int(np.isnan(run.values).sum()) for run in study.runs)
    return lost / sum(run.values.size for run in study.runs)


def percent(share: float, digits: int = 0) -> str:
    r"""A share in per cent, for people; a dash where there is no number (NaN).

    Examples
    --------
    >>> percent(0.9), percent(0.12345, 2)
    ('90\xa0%', '12.35\xa0%')
    """
    return "–" if np.isnan(share) else f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
