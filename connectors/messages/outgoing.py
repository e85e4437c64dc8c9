"""What PATrol writes, as messages: a key, bytes and headers.

A header carries the record's identity, by which a sink recognises what is written already.
"""

from connectors.messages.codec import encode
from models.records.messages import Deviation, Rejected, Score

Output = Deviation | Score | Rejected
Header = tuple[str, str | bytes | None]
LARGEST_LETTER = 900_000  # bytes; with its headers it must fit a message, or it would stop the flow again and again


def identity(item: Output) -> tuple[str, int]:
    """What a record is, and its ordinal: a higher one of the same name supersedes it."""
    if isinstance(item, Deviation):
        return item.deviation_id, item.revision
    if isinstance(item, Score):
        return f"{item.unit}@{item.at.isoformat()}@{item.batch_id or '-'}", 0
    origin = item.origin
    return f"{origin.topic}/{origin.partition}/{origin.offset}/{item.reason}", 0


def message(item: Output) -> tuple[str, bytes, list[Header]]:
    """Key, value and headers of a record's message; a dead letter keeps its original bytes (of very many the first)."""
    if isinstance(item, Rejected):
        facts: dict[str, str | int] = {
            "reason": item.reason,
            "detail": item.detail,
            "source-topic": item.origin.topic,
            "source-partition": item.origin.partition,
            "source-offset": item.origin.offset,
        }
        if len(item.raw) > LARGEST_LETTER:
            facts["cut-from-bytes"] = len(item.raw)
        headers: list[Header] = [(name, str(fact).encode()) for name, fact in facts.items()]
        return item.key or "", item.raw[:LARGEST_LETTER], headers
    key = item.deviation_id if isinstance(item, Deviation) else item.unit
    return key, encode(item), []
