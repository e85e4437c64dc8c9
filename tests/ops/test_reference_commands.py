"""The life of a reference from the command line: candidate, approved, retired; and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from ops.__main__ import main
from tests.ops.conftest import batch, write


def fit(culture: Path, *words: str) -> int:
    return main(["reference", "fit", str(culture / "twin.toml"), "--scans", str(culture / "train.csv"), *words])


def states(culture: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Id and state of every version, as listed."""
    capsys.readouterr()
    assert main(["reference", "list", "--store", str(culture / "refs")]) == 0
    return [" ".join(line.split("\t")[:2]) for line in capsys.readouterr().out.splitlines()]


def test_a_reference_lives_from_candidate_to_retired(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = str(culture / "twin.toml")
    assert fit(culture) == 0
    assert states(culture, capsys) == ["culture@1 candidate"]
    assert main(["reference", "approve", twin, "--by", "A. Smith", "--reason", "reviewed"]) == 0
    assert states(culture, capsys) == ["culture@1 approved"]
    assert fit(culture, "--approve", "B. Jones") == 0
    assert states(culture, capsys) == ["culture@1 retired", "culture@2 approved"]
    assert main(["reference", "retire", "culture@2", "--store", str(culture / "refs"), "--by", "A. Smith"]) == 0
    assert states(culture, capsys) == ["culture@1 retired", "culture@2 retired"]


def test_what_was_learnt_is_said_and_shown_again(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(culture, "--approve", "A. Smith") == 0
    said = capsys.readouterr().err
    assert "culture@1 approved, approved by A. Smith" in said
    assert "SHA-256 " in said
    assert "Learnt from 8 batches" in said
    assert main(["reference", "show", str(culture / "twin.toml")]) == 0
    shown = capsys.readouterr().err
    assert "8 batches: G0, G1, G2, G3, G4, G5, G6, G7" in shown
    assert all(statistic in shown for statistic in ("residual", "t2", "spe"))


def test_several_recordings_may_follow_one_option(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(culture, str(culture / "dev.csv")) == 0
    assert "11 batches: G0" in capsys.readouterr().err


def test_too_few_batches_are_refused(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference", "fit", str(culture / "twin.toml"), "--scans", str(culture / "dev.csv")]) == 3
    assert "3 batches, needs 5 or more" in capsys.readouterr().err


def test_a_continuous_process_is_learnt_from_a_recording_and_judged_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = "".join(f'[tags.{tag}]\nunit_of_measure = "1"\n' for tag in ("flow", "level"))
    head = '[twin]\nname = "plant"\nproduct = "water"\nmode = "continuous"\ncadence_s = 60\n'
    (tmp_path / "twin.toml").write_text(head + tags + '[recording]\ntime_is = "row"\nbatch = ""\n')
    for name, shift in (("train", 0), ("dev", 5)):
        rows = np.random.default_rng(shift).normal(size=(300, 2)) + np.array([shift, 0])
        np.savetxt(tmp_path / f"{name}.csv", rows, delimiter=",", header="flow,level", comments="")
    twin, refs = str(tmp_path / "twin.toml"), str(tmp_path / "refs")
    assert fit(tmp_path, "--store", refs, "--approve", "A. Smith") == 0
    assert main(["reference", "show", "plant", "--store", refs]) == 0
    assert "mewma_16" in capsys.readouterr().err
    out = tmp_path / "out.jsonl"
    assert main(["replay", twin, "--store", refs, "--scans", str(tmp_path / "dev.csv"), "--out", str(out)]) == 0
    assert '"reference":"plant@1"' in out.read_text().replace(": ", ":")


@pytest.mark.parametrize("what", ["culture@7", "nobody", "culture@new"])
def test_a_version_that_is_not_there_is_named(what: str, culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(culture) == 0
    assert main(["reference", "show", what, "--store", str(culture / "refs")]) == 3
    assert what in capsys.readouterr().err


def test_a_changed_file_is_refused(culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(culture, "--approve", "A. Smith") == 0
    (stored,) = (culture / "refs").glob("culture/1/*.npz")
    stored.write_bytes(stored.read_bytes() + b" ")
    assert main(["replay", str(culture / "twin.toml"), "--scans", str(culture / "dev.csv")]) == 3
    assert "SHA-256 is" in capsys.readouterr().err


@pytest.mark.parametrize("mark", ["[rework]", "[/x]"])
def test_ids_with_square_brackets_are_shown_as_they_are(
    culture: Path, capsys: pytest.CaptureFixture[str], mark: str
) -> None:
    write(culture / "train.csv", [batch(f"G{k}{mark}", k, 150 + k) for k in range(8)])
    write(culture / "dev.csv", [batch(f"T1{mark}", 11, 155)])
    twin = str(culture / "twin.toml")
    by = f"A. Smith {mark}"
    assert fit(culture, "--approve", by) == 0
    assert main(["reference", "show", twin]) == 0
    shown = capsys.readouterr().err
    assert shown.count(f"approved by {by}") == 2
    assert all(shown.count(f"G{k}{mark}") == 2 for k in range(8))
    assert main(["replay", twin, "--scans", str(culture / "dev.csv")]) == 0
    assert f"T1{mark}" in capsys.readouterr().err
