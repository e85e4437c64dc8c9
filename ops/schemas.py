"""Writes docs/schemas/: one JSON Schema a record and an AsyncAPI document of the topics, from the record types.

python -m ops.schemas docs/schemas
"""

import inspect
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from connectors.settings import Topics
from connectors.store.software import patrol_version
from models.records.errors import REASONS
from models.records.messages import (
    BatchEvent,
    Deviation,
    LabResult,
    OperatorAction,
    Prediction,
    Reading,
    Record,
    Scan,
    Score,
)

RECORDS: tuple[type[Record], ...] = (
    Scan,
    Reading,
    BatchEvent,
    LabResult,
    OperatorAction,
    Deviation,
    Score,
    Prediction,
)
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string"}
_ID_HEADER = {"patrol-id": {**_TEXT, "description": "What the record is: consumers may leave out one they have."}}


def documents() -> dict[str, dict[str, Any]]:
    """File name to content of everything in docs/schemas/."""
    return {file_name(kind): schema(kind) for kind in RECORDS} | {"asyncapi.json": asyncapi(Topics())}


def file_name(kind: type[Record]) -> str:
    """Named by type and version.

    Examples
    --------
    >>> file_name(Scan)
    'scan-1.json'
    """
    return f"{_tag(kind)}.json"


def schema(kind: type[Record]) -> dict[str, Any]:
    """The JSON Schema of a record; it stands alone."""
    (_,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for part in parts.values():
        part["description"] = inspect.cleandoc(part["description"])
    own = parts.pop(kind.__name__)
    return {"$schema": _DIALECT, **own} | ({"$defs": parts} if parts else {})


def asyncapi(topics: Topics) -> dict[str, Any]:
    """The AsyncAPI document: which records travel on which topic, with which key and headers.

    Parameters
    ----------
    topics
        Their names; a site's configuration may say others.
    """
    unit, deviation = "The ISA-88 unit, so that its records stay in order.", "deviation_id: the topic may be compacted."
    channels = {
        "scans": _channel(topics.scans[0], (Scan, Reading), unit, "PAT scans, wide or long form."),
        "batchEvents": _channel(topics.batch_events[0], (BatchEvent,), unit, "What the MES says of batches."),
        "labResults": _channel(topics.lab_results[0], (LabResult,), unit, "Off-line assays."),
        "operatorActions": _channel(topics.operator_actions[0], (OperatorAction,), unit, "What people do."),
        "deviations": _channel(topics.deviations, (Deviation,), deviation, "Alarms, a message a revision."),
        "scores": _channel(topics.scores, (Score,), unit, "How each unit stands."),
        "predictions": _channel("patrol.predictions", (Prediction,), unit, "Reserved: nothing is sent yet."),
        "deadLetters": _dead_letters(topics.dead_letters),
    }
    received = ("scans", "batchEvents", "labResults", "operatorActions")
    sent = ("deviations", "scores", "deadLetters")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "PATrol", "version": patrol_version(), "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": _operations("receive", received) | _operations("send", sent),
        "components": {"messages": {_tag(kind): _message(kind) for kind in RECORDS}},
    }


_ABOUT = (
    "PATrol watches batches while they run: scans and batch context in, deviations and scores out. "
    "Topic names are the defaults; a twin's [kafka.topics] may say others."
)


def main(argv: list[str]) -> int:
    """Write all documents into the folder named."""
    folder = Path(argv[0] if argv else "docs/schemas")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents().items():
        (folder / name).write_text(written(content), encoding="utf-8")
    return 0


def written(content: dict[str, Any]) -> str:
    """A document as it stands in its file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


# -- inside ---------------------------------------------------------------------------------------------------


def _tag(kind: type[Record]) -> str:
    return str(kind.__struct_config__.tag).replace("/", "-")


def _channel(address: str, kinds: Iterable[type[Record]], key: str, about: str) -> dict[str, Any]:
    messages = {_tag(kind): {"$ref": f"#/components/messages/{_tag(kind)}"} for kind in kinds}
    return {"address": address, "description": f"{about} Key: {key}", "messages": messages}


def _message(kind: type[Record]) -> dict[str, Any]:
    ours = kind in (Deviation, Score)
    key = "deviation_id" if kind is Deviation else "unit"
    message = {
        "name": str(kind.__struct_config__.tag),
        "summary": inspect.cleandoc(kind.__doc__ or "").splitlines()[0],
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{_tag(kind)}.json"},
        },
        "bindings": {"kafka": {"key": {**_TEXT, "description": key}}},
    }
    return message | ({"headers": {"type": "object", "properties": _ID_HEADER}} if ours else {})


def _dead_letters(address: str) -> dict[str, Any]:
    headers: dict[str, dict[str, Any]] = {
        **_ID_HEADER,
        "reason": {"enum": list(REASONS)},
        "detail": {**_TEXT, "description": "What was seen, and what to do."},
        "source-topic": _TEXT,
        "source-partition": {**_TEXT, "pattern": "^[0-9]+$"},
        "source-offset": {**_TEXT, "pattern": "^[0-9]+$"},
        "cut-from-bytes": {**_TEXT, "pattern": "^[0-9]+$", "description": "Only where the original was too long."},
    }
    required = [name for name in headers if name != "cut-from-bytes"]
    letter = {
        "name": "dead-letter",
        "summary": "A message that could not be used: its original bytes, and why.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": headers, "required": required},
        "payload": {"description": "The original message's value, byte for byte."},
        "bindings": {"kafka": {"key": {**_TEXT, "description": "The original message's key."}}},
    }
    about = "Messages that could not be used; nothing is dropped silently. Key: the original message's."
    return {"address": address, "description": about, "messages": {"dead-letter": letter}}


def _operations(action: str, names: Iterable[str]) -> dict[str, Any]:
    return {
        f"{action}{name[0].upper()}{name[1:]}": {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
        for name in names
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
