"""The study as one HTML file that works offline and prints."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from models.alarms.wording import readable_name
from ops.qualification import figures, findings, trends
from ops.qualification.criteria import criteria, missing, percent, verdict
from ops.qualification.plan import FAULTS, LASTS, SEED
from ops.qualification.provenance import Qualified, Source, versions
from ops.qualification.study import Study


def written(study: Study, qualified: Qualified | None, sources: Sequence[Source], created: datetime) -> tuple[str, str]:
    """The report, and its verdict in a sentence.

    Parameters
    ----------
    study
        What was found.
    qualified
        The stored reference it is about; None: there is none.
    sources
        The recordings.
    created
        The only thing in the file that differs between two runs.
    """
    judged = criteria(study, qualified)
    outcome, sentence = verdict(judged)
    page = _environment().get_template("template.html")
    text = page.render(
        study=study, twin=study.configuration.twin, config_sha256=study.configuration.sha256,
        qualified=qualified, same_batches=qualified is not None and qualified.learnt_from(study),
        sources=sources, created=created, criteria=judged, outcome=outcome, sentence=sentence,
        data=data(study), alarms=findings.false_alarms(study), faults=FAULTS, lasts_h=LASTS * study.duration_s / 3600,
        power=tag_rows(study), by_fault=findings.by_fault(study), coverage=findings.coverage(study),
        standing_out=[study.trials[own] for own in findings.outstanding(study)], seed=SEED,
        versions=versions(), figures=pictures(study),
    )  # fmt: skip
    return text, sentence


def data(study: Study) -> dict[str, float]:
    """Counts of what was read."""
    lengths_h = [(run.observed_us[-1] - run.started_us) / 3.6e9 for run in study.runs]
    return {
        "batches": len(study.runs),
        "scans": sum(len(run.observed_us) for run in study.runs),
        "readings": sum(run.values.size for run in study.runs),
        "missing": missing(study),
        "shortest_h": float(min(lengths_h)),
        "longest_h": float(max(lengths_h)),
    }


def tag_rows(study: Study) -> list[dict[str, object]]:
    """Per tag: its unit, one standard deviation, what is missing, power and coverage."""
    mean, tags = np.nanmean(np.abs(study.envelope.mean), axis=0), study.configuration.twin.tags
    lost = np.mean(np.isnan(np.concatenate([run.values for run in study.runs])), axis=0)
    cells, within = findings.power(study), findings.coverage(study).tags_total
    return [
        {
            "name": readable_name(name),
            "unit": tag.unit_of_measure or "1",
            "role": tag.role,
            "range": f"{_number(tag.low)} to {_number(tag.high)}" if (tag.low, tag.high) != (None, None) else "not set",
            "spread": float(study.spread[k]),
            "percent": 100 * float(study.spread[k]) / float(mean[k]) if mean[k] > 0 else None,
            "missing": float(lost[k]),
            "cells": cells[k],
            "within": float(within[k]),
        }
        for k, (name, tag) in enumerate(tags.items())
    ]


def pictures(study: Study) -> dict[str, list[Markup]]:
    """Every picture by name; a name may have several pages."""
    drawn = {name: [getattr(figures, name)(study)] for name in ("power", "delays", "coverage", "bands", "peaks")}
    drawn["courses"] = trends.trends(study)
    return {name: [Markup(page) for page in pages] for name, pages in drawn.items()}


# -- inside ---------------------------------------------------------------------------------------------------


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ops.qualification", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": _number,
        "hours": _hours,
        "utc": _utc,
        "spoken": readable_name,
    }
    return environment


def _number(value: float | None) -> str:
    """Three significant digits; no number: a dash."""
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _hours(hours: float) -> str:
    """A median delay: infinite where fewer than half were found."""
    return "–" if np.isnan(hours) else "not half found" if np.isinf(hours) else f"{hours:.2g} h"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
