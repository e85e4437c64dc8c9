"""What PATrol finds on its own topics, where others may write, too."""

import pytest

from connectors.messages.codec import decode_emitted, encode
from connectors.messages.outgoing import ID_HEADER, identity, identity_of, message
from models.records.messages import Origin, Rejected, Score
from tests.conftest import START
from tests.ops.console.conftest import deviation

LETTER = Rejected(reason="late", detail="why", raw=b"{}", origin=Origin(topic="pat.scans", partition=1, offset=7))
SCORE = Score(unit="BR-101", at=START, twin="small")


@pytest.mark.parametrize("record", [deviation(), SCORE, LETTER], ids=["deviation", "score", "letter"])
def test_what_was_written_is_known_again(record):
    _, value, headers = message(record)
    name, ordinal = identity(record)
    found = identity_of({ID_HEADER: f"{name}#{ordinal}".encode(), **dict(headers)}, value)
    assert found == (name, ordinal)


@pytest.mark.parametrize(
    "named",
    [b"no ordinal", b"BR-101/B1/process/1#\xff", b"BR-101/B1/process/1#-1", b"x#1", b"#", b"\xff\xfe#1", None,
     identity(deviation())[0].encode() + b"#999999"],
)  # fmt: skip
def test_a_header_of_another_form_or_a_forged_revision_is_none_of_ours(named):
    assert identity_of({ID_HEADER: named}, encode(deviation())) is None


def test_a_dead_letter_that_names_another_place_is_none_of_ours():
    headers = {ID_HEADER: b"pat.scans/1/7/late#0", "reason": b"late", "source-topic": b"pat.scans"}
    assert identity_of(headers, b"{}") is None


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"type":"deviation/1"}', b'{"a":"\xff"}', b"[" * 100_000, b"null"])
def test_what_is_no_record_of_ours_is_left_out(raw):
    assert decode_emitted(raw) is None
