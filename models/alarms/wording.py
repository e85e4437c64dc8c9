"""Deviations in words an operator can act on."""

from models.alarms.occurrence import Occurrence
from models.records.messages import Contributor
from models.records.subject import BatchContext, Subject
from models.records.times import to_time

SENSOR_WORDS = {
    "range": "reads outside its possible range",
    "rate": "changes faster than it can",
    "stuck": "is stuck",
    "spike": "spikes",
    "noise": "is noisier or quieter than usual",
    "dropout": "gives no readings",
}


def message(what: Occurrence, batch_context: BatchContext, subject: Subject) -> str:
    """E.g. ``BR-101 B0042: dissolved oxygen 31 % below its trajectory since 14:05 UTC (process, high)``."""
    place = subject.unit if batch_context.batch_id is None else f"{subject.unit} {batch_context.batch_id}"
    priority = subject.priority(what.category, what.grade)
    kind = f"{what.category}, {priority}" + (", advisory" if what.grade == "advisory" else "")
    expectation = "usual value" if batch_context.batch_id is None else "trajectory"
    return f"{place}: {_described(what, expectation)} since {_moment(what.since_us, batch_context)} ({kind})"


def _described(what: Occurrence, expectation: str) -> str:
    if what.text:
        return what.text
    if what.category == "sensor":
        tag = readable_name(what.cause.partition(":")[2])
        return f"{tag} sensor {SENSOR_WORDS.get(what.finding, 'disagrees with the other tags')}"
    if not what.contributors:
        return f"{what.finding} over its limit"
    return distance_in_words(what.contributors[0], expectation)


def distance_in_words(contributor: Contributor, expectation: str = "trajectory") -> str:
    """How far a tag is from what is expected of it, in per cent where that means something.

    Examples
    --------
    >>> distance_in_words(Contributor(tag="dissolved_oxygen", share=1.0, observed=6.9, expected=10.0, z=-5.0))
    'dissolved oxygen 31 % below its trajectory'
    >>> distance_in_words(Contributor(tag="base_flow", share=1.0, observed=1.0, expected=0.0, unit_of_measure="L/h"))
    'base flow at 1 L/h, expected 0 L/h'
    """
    tag, seen, expected = readable_name(contributor.tag), contributor.observed, contributor.expected
    if seen is None or expected is None:
        return f"{tag} off its {expectation}"
    side = "above" if seen > expected else "below"
    apart_percent = abs(seen - expected) / abs(expected) * 100 if expected else float("inf")
    if 1 <= apart_percent <= 500:
        return f"{tag} {apart_percent:.0f} % {side} its {expectation}"
    unit = f" {contributor.unit_of_measure}" if contributor.unit_of_measure else ""
    return f"{tag} at {seen:.4g}{unit}, expected {expected:.4g}{unit}"


def readable_name(tag: str) -> str:
    """A tag's name in words: ``dissolved_oxygen`` is dissolved oxygen."""
    return tag.replace("_", " ")


def _moment(at_us: int, batch_context: BatchContext) -> str:
    age = batch_context.age_s(at_us)
    clock = f"{to_time(at_us):%H:%M} UTC"
    return clock if age is None else f"{clock} (batch age {age / 3600:.1f} h)"
