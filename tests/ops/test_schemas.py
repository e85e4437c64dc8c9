"""The schemas under docs/schemas/ are those of the records, and are what they say they are."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest

from connectors.messages.codec import encode
from connectors.messages.outgoing import ID_HEADER, message
from models.records.errors import REASONS
from models.records.messages import (
    BatchEvent,
    Contributor,
    Deviation,
    Evidence,
    LabResult,
    OperatorAction,
    Origin,
    Prediction,
    Reading,
    Rejected,
    Scan,
    Score,
    Statistic,
)
from ops.schemas import RECORDS, documents, file_name, main, written
from tests.places import ROOT

FOLDER = ROOT / "docs" / "schemas"
AT = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
UNIT, BATCH = "BR-101", "B1"
TAG = Contributor(tag="ph", share=1.0, observed=6.1, expected=7.0, z=-9.0, unit_of_measure="pH")
EXAMPLES = (
    Scan(unit=UNIT, observed_at=AT, values={"ph": 7.0, "do": None}, quality={"do": "bad"}, batch_id=BATCH, phase="X"),
    Reading(unit=UNIT, tag="ph", observed_at=AT, value=7.0, quality="uncertain"),
    BatchEvent(event="started", batch_id=BATCH, unit=UNIT, at=AT, product="mab-1", material_lots={"seed": "L1"}),
    LabResult(
        batch_id=BATCH, unit=UNIT, analyte="titre", value=2.5, unit_of_measure="g/L", sampled_at=AT, reported_at=AT
    ),
    OperatorAction(action="shelve", deviation_id="d", unit=UNIT, by="A. Smith", at=AT, reason="repair", until=AT),
    Deviation(
        deviation_id="d", revision=1, state="UNACK", category="process", grade="approved", priority="high", unit=UNIT,
        twin="culture", cause="process", message="pH low", since_at=AT, raised_at=AT, changed_at=AT, batch_id=BATCH,
        statistic=Statistic(name="t2", value=3.0, limit=1.0), contributors=(TAG,), reference="culture@1",
        evidence=Evidence(topic="pat.scans", partition=0, first_offset=1, last_offset=9),
    ),
    Score(unit=UNIT, at=AT, twin="culture", batch_id=BATCH, maturity=0.5, grade="approved", t2=0.4, worst=(TAG,)),
    Prediction(unit=UNIT, batch_id=BATCH, at=AT, quantity="titre", value=3.1, unit_of_measure="g/L"),
)  # fmt: skip


def checked(name: str) -> jsonschema.Draft202012Validator:
    """The validator of a committed schema, itself checked."""
    schema = json.loads((FOLDER / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def test_the_committed_schemas_are_those_of_the_record_types() -> None:
    there = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert there == {name: written(content) for name, content in documents().items()}, "run: make schemas"


def test_every_record_of_a_topic_has_a_schema_and_an_example() -> None:
    assert {type(example) for example in EXAMPLES} == set(RECORDS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_what_is_sent_is_valid_by_its_schema(example: msgspec.Struct) -> None:
    checked(file_name(type(example))).validate(json.loads(encode(example)))


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "scan/2"},
        {"unit": ""},
        {"values": {"ph": "7"}},
        {"quality": {"ph": "fine"}},
        {"observed_at": 1},
    ],
)
def test_a_scan_that_would_be_a_dead_letter_is_not_valid(broken: dict[str, object]) -> None:
    said = {**json.loads(encode(EXAMPLES[0])), **broken}
    with pytest.raises(jsonschema.ValidationError):
        checked("scan-1.json").validate(said)


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text())
    assert document["asyncapi"] == "3.0.0"
    found = list(references(document))
    assert len(found) > len(RECORDS)
    for reference in found:
        if reference.startswith("./"):
            assert (FOLDER / reference).is_file(), reference
        else:
            assert resolved(document, reference) is not None, reference


def test_every_channel_but_the_reserved_one_is_received_or_sent() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text())
    actions = {said["channel"]["$ref"].rpartition("/")[2]: said["action"] for said in document["operations"].values()}
    assert set(actions) == set(document["channels"]) - {"predictions"}
    assert [name for name, action in actions.items() if action == "send"] == ["deviations", "scores", "deadLetters"]


def test_a_dead_letter_carries_the_headers_the_document_tells() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text())
    told = document["channels"]["deadLetters"]["messages"]["dead-letter"]["headers"]
    letter = Rejected(reason="late", detail="seen", raw=b"?", origin=Origin(topic="t", partition=0, offset=7))
    carried = {name: str(value, "utf-8") for name, value in message(letter)[2]} | {ID_HEADER: "t/0/7/late"}
    assert set(told["required"]) == set(carried)
    assert told["properties"]["reason"]["enum"] == list(REASONS)
    jsonschema.validate(carried, told)


def test_the_documents_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    assert main([str(tmp_path / "new")]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(documents())


def references(node: object):
    """All values of ``$ref`` below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for below in node.values():
            yield from references(below)
    elif isinstance(node, list):
        for below in node:
            yield from references(below)


def resolved(document: dict, reference: str) -> object:
    """What a reference into the document points at; None: nothing."""
    node: object = document
    for name in reference.removeprefix("#/").split("/"):
        node = node.get(name) if isinstance(node, dict) else None
    return node
