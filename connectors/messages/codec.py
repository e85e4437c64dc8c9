"""Bytes and records: the one place where they meet."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from models.records.messages import (
    BatchEvent,
    Deviation,
    Inbound,
    LabResult,
    OperatorAction,
    Origin,
    Reading,
    Record,
    Rejected,
    Scan,
    Score,
)

_DECODER = msgspec.json.Decoder(Scan | Reading | BatchEvent | LabResult | OperatorAction | Deviation)
_EMITTED = msgspec.json.Decoder(Deviation | Score)
_ENCODER = msgspec.json.Encoder()
TYPES = tuple(
    str(kind.__struct_config__.tag) for kind in (Scan, Reading, BatchEvent, LabResult, OperatorAction, Deviation)
)
FIRST_YEAR, LAST_YEAR = 1970, 2199  # a time outside is a broken clock, and would overflow what is added to it
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_SEEN_CHARACTERS, _DETAIL_CHARACTERS = 60, 500
# names that a field of fixed width may pad: what a person or a form calls a thing has no white space round it
_PADDED = ("unit", "batch_id", "tag", "product", "recipe", "phase", "analyte", "unit_of_measure", "deviation_id", "by")
_BY_TAG = ("values", "quality")
_MAY_BE_EMPTY = ("product", "recipe", "phase", "unit_of_measure")
_NAMES = {
    kind: tuple(name for name in _PADDED if name in kind.__struct_fields__)
    for kind in (Scan, Reading, BatchEvent, LabResult, OperatorAction, Deviation)
}
_NUMBER_REMEDY = "leave out a reading that is no number, or send null"


def encode(record: Record) -> bytes:
    """The record as JSON, with its type and version."""
    return _ENCODER.encode(record)


def decode(raw: bytes, origin: Origin, key: str | None = None) -> Inbound | Rejected:
    """A message's record, its names without white space round them; or why it is none, with its bytes and origin.

    Parameters
    ----------
    raw
        The message's value.
    origin, key
        Where it came from, and its key, for the dead letter.
    """
    try:
        record: Inbound = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        reason, detail = _why(raw, str(exc))
        return Rejected(reason=reason, detail=_printable(detail), raw=raw, origin=origin, key=key)
    padded = _padded(record)
    wrong = _broken_clock(record) or _nameless(padded)
    if wrong is not None:
        return Rejected(reason="malformed", detail=wrong, raw=raw, origin=origin, key=key)
    return msgspec.structs.replace(record, **padded) if padded else record


def decode_emitted(raw: bytes) -> Deviation | Score | None:
    """A record of PATrol's own topics; None: it is none, for others may write there, too."""
    try:
        record: Deviation | Score = _EMITTED.decode(raw)
        return record
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _padded(record: Inbound) -> dict[str, Any]:
    """The names that have white space round them, without it; and so with the tags of a scan."""
    found: dict[str, Any] = {}
    for name in _NAMES[type(record)]:
        text = getattr(record, name)
        if text is not None and (bare := text.strip()) != text:
            found[name] = bare
    if isinstance(record, Scan) and any(tag.strip() != tag for tag in (*record.values, *record.quality)):
        found |= {name: {tag.strip(): each for tag, each in getattr(record, name).items()} for name in _BY_TAG}
    return found


def _nameless(padded: dict[str, Any]) -> str | None:
    """Which id is nothing but white space; None where none is."""
    empty = next((name for name, bare in padded.items() if bare == "" and name not in _MAY_BE_EMPTY), None)
    return None if empty is None else f"{empty} is nothing but white space: send what it is called"


def _broken_clock(record: Inbound) -> str | None:
    """Which time cannot be; None when all can."""
    if isinstance(record, Scan | Reading):  # almost all messages
        times = {"observed_at": record.observed_at}
    else:
        times = {name: value for name, value in _fields(record) if isinstance(value, datetime)}
    for name, at in times.items():
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            return f"{name} is {at.isoformat()}, not in {FIRST_YEAR} to {LAST_YEAR}: mend the sender's clock"
    return None


def _fields(record: Inbound) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(record, name)) for name in record.__struct_fields__)


# -- why a message is no record: slow, for the few that are not ------------------------------------------------------


def _why(raw: bytes, problem: str) -> tuple[str, str]:
    """Reason and detail of what the decoder refused with the words ``problem``."""
    if not raw.strip():
        return "malformed", "the message is empty: send one JSON object a message"
    try:
        found: Any = json.loads(raw.decode())  # also reads NaN and Infinity, so that they can be named
    except (ValueError, RecursionError):
        return "malformed", f"{problem}: send one JSON object a message"
    if not isinstance(found, dict):
        return "malformed", f"{problem}: send one JSON object a message"
    kind = found.get("type")
    if kind not in TYPES:
        return "unknown-type", f"type is {_shown(kind)}: send one of {', '.join(TYPES)}"
    for place, value in _leaves(found):
        if isinstance(value, float) and not math.isfinite(value):
            return "not-finite", f"{place} is {value}: {_NUMBER_REMEDY}"
    if "out of range" in problem:
        return "not-finite", f"{problem}: {_NUMBER_REMEDY}"
    place, value = _culprit(found, problem)
    if "timezone" in problem:
        return "naive-time", f"{place} is {value}: give it a zone, e.g. 2026-01-05T06:00:00Z"
    where = f"{place} is {value}: " if place else ""
    return "malformed", f"{where}{_PLACE.sub('', problem)}: see docs/schemas for what {kind} holds"


def _leaves(found: object) -> Iterator[tuple[str, object]]:
    """Every value that is no object or array, with its place (``values.ph``, ``contributors[0].z``)."""
    pending = [("", found)]
    while pending:
        place, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{place}.{name}" if place else str(name), each) for name, each in reversed(value.items())]
        elif isinstance(value, list):
            pending += [(f"{place}[{index}]", each) for index, each in reversed(list(enumerate(value)))]
        else:
            yield place, value


def _culprit(found: dict[str, Any], problem: str) -> tuple[str, str]:
    """Place and value the decoder's words are about; ('', '') when they name none."""
    match = _PLACE.search(problem)
    if match is None:
        return "", ""
    place = match[1]
    if not place.endswith("[...]"):
        return place, _shown(_at(found, re.findall(r"[^.\[\]]+", place)))
    children = found.get(place.removesuffix("[...]"))
    for name, each in children.items() if isinstance(children, dict) else ():
        if not _fits(place, each):
            return f"{place.removesuffix('[...]')}.{name}", _shown(each)
    return place, "wrong"


def _at(found: dict[str, Any], steps: list[str]) -> object:
    """The value so many steps down; None where a name given twice hides it."""
    value: object = found
    for step in steps:
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _fits(place: str, value: object) -> bool:
    """Whether one entry of a record's mapping is of the kind that mapping holds."""
    if place.startswith("values"):
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    if place.startswith("quality"):
        return value in ("good", "uncertain", "bad")
    return isinstance(value, str)


def _printable(detail: str) -> str:
    """Bounded, and without the lone surrogates JSON can spell: it goes into a message's header."""
    return detail[:_DETAIL_CHARACTERS].encode("utf-8", "backslashreplace").decode()


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SEEN_CHARACTERS else f"{text[:_SEEN_CHARACTERS]}..."
