"""What a replay finds is written as it would stand on its topic."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.records.errors import RecordingError
from models.records.messages import Deviation
from ops.commands.replay import lines

AT = datetime(2020, 1, 1, tzinfo=UTC)


def test_deviations_are_written_one_a_line_as_on_their_topic(tmp_path: Path) -> None:
    deviation = Deviation(
        deviation_id="d", revision=1, state="UNACK", category="process", grade="approved", priority="high", unit="U",
        twin="culture", cause="process", message="", since_at=AT, raised_at=AT, changed_at=AT,
    )  # fmt: skip
    with lines(tmp_path / "out.jsonl") as write:
        write(deviation)
        write(deviation)
    written = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["type"] for line in written] == ["deviation/1"] * 2
    with pytest.raises(RecordingError, match="can be written"), lines(tmp_path / "no" / "out.jsonl"):
        pass
