"""Recorded batches through the live watch: lines out, which reference judges, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.batch.monitor import BatchMonitor
from ops.__main__ import main
from ops.config import load
from ops.monitors import choose_monitors
from ops.recorded import one_after_another, read
from ops.replaying import Replay


def replay(culture: Path, *words: str) -> int:
    return main(["replay", str(culture / "twin.toml"), "--scans", str(culture / "dev.csv"), *words])


def fitted(culture: Path, *words: str) -> None:
    assert main(["reference", "fit", str(culture / "twin.toml"), "--scans", str(culture / "train.csv"), *words]) == 0


def test_the_deviation_of_the_faulty_batch_is_written_once_in_its_final_state(culture: Path) -> None:
    fitted(culture, "--approve", "A. Smith")
    assert replay(culture, "--out", str(culture / "out.jsonl"), "--revisions", str(culture / "all.jsonl")) == 0
    found = [json.loads(line) for line in (culture / "out.jsonl").read_text().splitlines()]
    first = next(one for one in found if one["batch_id"] == "F1")
    assert first["raised_age_s"] == pytest.approx(10.1 * 3600, abs=2 * 360)
    assert first["contributors"][0]["tag"] == "oxygen"
    assert first["reference"] == "culture@1"
    assert len({one["deviation_id"] for one in found}) == len(found)
    revisions = [json.loads(line) for line in (culture / "all.jsonl").read_text().splitlines()]
    assert {one["deviation_id"] for one in revisions} == {one["deviation_id"] for one in found}
    assert [one for one in revisions if one["deviation_id"] == first["deviation_id"]][-1] == first


def test_the_summary_counts_per_batch_and_stdout_holds_lines_only(
    culture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted(culture, "--approve", "A. Smith")
    capsys.readouterr()
    assert replay(culture, "--out", "-") == 0
    said = capsys.readouterr()
    assert {json.loads(line)["type"] for line in said.out.splitlines()} == {"deviation/1"}
    assert "Reference culture@1 (approved)." in said.err
    assert all(batch in said.err for batch in ("T1", "T2", "F1"))


def test_without_an_approved_reference_each_batch_starts_cold(
    culture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted(culture)
    capsys.readouterr()
    assert replay(culture, "--out", "-") == 0
    said = capsys.readouterr()
    assert "Cold start (no approved reference of culture): learning from the first 40 scans" in said.err
    assert all(json.loads(line)["grade"] == "advisory" for line in said.out.splitlines())


def test_a_candidate_judges_only_when_that_is_said(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted(culture)
    assert replay(culture, "--reference", "culture@1") == 3
    assert "culture@1 is candidate, wanted approved" in capsys.readouterr().err
    assert replay(culture, "--reference", "culture@1", "--unapproved") == 0
    assert "Reference culture@1 (candidate)." in capsys.readouterr().err


def test_a_reference_of_other_tags_is_refused(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted(culture, "--approve", "A. Smith")
    twin = culture / "twin.toml"
    twin.write_text(f'{twin.read_text()}\n[tags.foam]\nunit_of_measure = "cm"\n')
    assert replay(culture) == 3
    assert "differ in tags (foam)" in capsys.readouterr().err


def test_batches_of_another_product_are_not_judged(culture: Path) -> None:
    fitted(culture, "--approve", "A. Smith")
    monitors = choose_monitors(load(culture / "twin.toml")).monitors
    assert isinstance(monitors("mab-1"), BatchMonitor)
    assert monitors("mab-2") is None


def test_batches_one_after_another_on_one_unit_are_judged_as_on_a_unit_each(culture: Path) -> None:
    fitted(culture, "--approve", "A. Smith")
    configuration = load(culture / "twin.toml")
    distance_in_words, together = (Replay(configuration, choose_monitors(configuration).monitors) for _ in range(2))
    runs = list(read([culture / "dev.csv"], configuration))
    for run in runs:
        assert sum(scans for scans, _ in distance_in_words.run(run)) == len(run.observed_us)
    for run in one_after_another([replace(run, unit="BR-1") for run in runs], configuration.twin):
        assert sum(scans for scans, _ in together.run(run)) == len(run.observed_us)
    alike = [
        [(one.batch_id, one.cause, one.raised_age_s) for one in replay.deviations]
        for replay in (distance_in_words, together)
    ]
    assert alike[0]
    assert alike[0] == alike[1]
    assert together.scans == {("BR-1", "T1"): 155, ("BR-1", "T2"): 152, ("BR-1", "F1"): 154}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--scans", "nowhere.csv"], 5, "nowhere.csv"),
        (["--out", "no/such/folder/out.jsonl"], 5, "no/such/folder/out.jsonl: No such file or directory; give a file"),
        (["--reference", "culture@1"], 3, "culture"),
    ],
)
def test_what_cannot_be_used_is_named(
    words: list[str], code: int, said: str, culture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(culture, *words) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
