"""A batch, a unit and a phase are called the same however a file spells them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as parquet
import pytest

from connectors.files.recordings import read_recording
from connectors.settings import Recording
from models.records.errors import RecordingError
from tests.connectors.files.test_recordings import TWIN

SETTINGS = Recording(unit="unit", phase="phase")


def table(path: Path, batches: list[object], units: list[object]) -> Path:
    """A recording of one row a batch named, an hour apart."""
    rows = len(batches)
    content = {"batch": batches, "unit": units, "phase": units, "time_h": [float(h) for h in range(rows)]}
    written = pa.table(content | {"do": [40.0] * rows, "ph": [7.0] * rows})
    if path.suffix == ".csv":
        pcsv.write_csv(written, path)
    else:
        parquet.write_table(written, path)
    return path


@pytest.mark.parametrize("name", ["scans.csv", "scans.parquet"])
def test_names_that_differ_by_white_space_are_one(tmp_path: Path, name: str) -> None:
    (run,) = read_recording(table(tmp_path / name, ["B1", "B1 ", " B1"], ["U 1", "U 1\t", "U 1"]), SETTINGS, TWIN)
    assert (run.batch_id, run.unit, len(run.rows)) == ("B1", "U 1", 3)
    assert [phase for phase, _ in run.phases] == ["U 1"]


@pytest.mark.parametrize("batches", [[7.0, 7.0], [7, 7], ["7.0", "7"], ["7.00", " 7.0 "]], ids=str)
@pytest.mark.parametrize("name", ["scans.csv", "scans.parquet"])
def test_a_whole_number_is_called_the_same_however_it_is_kept(tmp_path: Path, name: str, batches: list[object]) -> None:
    (run,) = read_recording(table(tmp_path / name, batches, [1.0, 1.0]), SETTINGS, TWIN)
    assert (run.batch_id, run.unit, run.phases[0][0]) == ("7", "1", "1")


def test_a_number_of_many_digits_is_no_power_of_ten(tmp_path: Path) -> None:
    path = table(tmp_path / "scans.parquet", [20250131001.0, 20250131001.0], [7.5, 7.5])
    (run,) = read_recording(path, SETTINGS, TWIN)
    assert (run.batch_id, run.unit) == ("20250131001", "7.5")


@pytest.mark.parametrize("text", ["7.01", "7.0.0", "v7.0", "B1.0"])
def test_a_name_that_is_no_whole_number_stays(tmp_path: Path, text: str) -> None:
    (run,) = read_recording(table(tmp_path / "scans.csv", [text], ["U1"]), SETTINGS, TWIN)
    assert run.batch_id == text


def test_a_batch_of_nothing_but_white_space_names_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"row 3, column 'batch'.*names nothing"):
        list(read_recording(table(tmp_path / "scans.csv", ["B1", "  "], ["U1", "U1"]), SETTINGS, TWIN))
