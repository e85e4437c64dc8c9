"""What PATrol writes, as messages: a key, bytes and headers.

A header carries the record's identity, by which a sink recognises what is written already.
"""

from collections.abc import Mapping

from connectors.messages.codec import decode_emitted, encode
from models.records.messages import Deviation, Rejected, Score

Output = Deviation | Score | Rejected
Header = tuple[str, str | bytes | None]
ID_HEADER = "patrol-id"  # says what a message is: name#ordinal
_LONGEST_KEY, _LONGEST_DETAIL = 1024, 4000  # characters: of a dead letter, for people
LARGEST_LETTER = 900_000  # bytes; with its headers it must fit a message, or it would stop the flow again and again


def identity(item: Output) -> tuple[str, int]:
    """What a record is, and its ordinal: a higher one of the same name supersedes it."""
    if isinstance(item, Deviation):
        return item.deviation_id, item.revision
    if isinstance(item, Score):
        return f"{item.unit}@{item.at.isoformat()}@{item.batch_id or '-'}", item.revision
    origin = item.origin
    return f"{origin.topic}/{origin.partition}/{origin.offset}/{item.reason}", 0


def message(item: Output, most: int = LARGEST_LETTER) -> tuple[str, bytes, list[Header]]:
    """Key, value and headers of a record's message; a dead letter keeps its original bytes (of very many the first)."""
    if isinstance(item, Rejected):
        facts: dict[str, str | int] = {
            "reason": item.reason,
            "detail": item.detail[:_LONGEST_DETAIL],
            "source-topic": item.origin.topic,
            "source-partition": item.origin.partition,
            "source-offset": item.origin.offset,
        }
        if len(item.raw) > most:
            facts["cut-from-bytes"] = len(item.raw)
        headers: list[Header] = [(name, str(fact).encode()) for name, fact in facts.items()]
        return (item.key or "")[:_LONGEST_KEY], item.raw[:most], headers
    key = item.deviation_id if isinstance(item, Deviation) else item.unit
    return key, encode(item), []


def identity_of(headers: Mapping[str, str | bytes | None], value: bytes | str | None) -> tuple[str, int] | None:
    """What a message on one of PATrol's own topics is; None: PATrol did not write it.

    A header alone is not believed: whoever may write there could keep a true record from being written. The record, or
    the place that a dead letter names, must be the same.
    """
    named, raw = headers.get(ID_HEADER), value.encode() if isinstance(value, str) else value or b""
    if not isinstance(named, bytes):
        return None
    what, _, ordinal = named.decode("utf-8", "replace").rpartition("#")
    if not (ordinal.isascii() and ordinal.isdecimal() and len(ordinal) < 10):
        return None
    if isinstance(reason := headers.get("reason"), bytes):
        places = (headers.get(f"source-{part}") for part in ("topic", "partition", "offset"))
        place = b"/".join(part for part in places if isinstance(part, bytes))
        known = what == f"{place.decode('utf-8', 'replace')}/{reason.decode('utf-8', 'replace')}"
        return (what, int(ordinal)) if known else None
    record = decode_emitted(raw)
    return (what, int(ordinal)) if record is not None and identity(record) == (what, int(ordinal)) else None
