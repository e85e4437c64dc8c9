"""Recordings: what lies in files becomes runs, and what is wrong is named by file, row and column."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from connectors.files import tables
from connectors.files.recordings import read_recording
from connectors.files.runs import RecordedRun, to_recorded_batch
from connectors.settings import Recording
from models.records.errors import RecordingError
from models.records.times import to_us
from models.records.twin import Tag, Twin
from tests.places import SHARED

TWIN = Twin(name="culture", product="p", cadence_s=3600, tags={tag: Tag(unit_of_measure="1") for tag in ("ph", "do")})
BASE = datetime(2020, 1, 1, tzinfo=UTC)
CONTINUOUS = Recording(time="at", time_is="utc", batch=None)
TWO_BATCHES = "batch,time_h,do,ph\nB1,1,40,7\nB1,2,,7.1\nB2,0.5,41,\n"


def read(path: Path, settings: Recording = Recording(), twin: Twin = TWIN) -> list[RecordedRun]:  # noqa: B008
    return list(read_recording(path, settings, twin))


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a recording."""

    def write(text: str, name: str = "scans.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


# -- what is read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scans.csv", "scans.csv.gz", "SCANS.CSV"])
def test_batches_are_read_with_ages_from_2020_and_an_empty_cell_is_no_reading(csv, name: str) -> None:
    first, second = read(csv(TWO_BATCHES, name))
    assert (first.batch_id, first.unit, second.batch_id) == ("B1", "B1", "B2")
    assert first.started_us == second.started_us == to_us(BASE)
    assert first.observed_us.tolist() == [to_us(BASE + timedelta(hours=h)) for h in (1, 2)]
    np.testing.assert_array_equal(first.values, [[7.0, 40.0], [7.1, np.nan]])  # in the twin's order
    np.testing.assert_array_equal(second.values, [[np.nan, 41.0]])
    assert first.rows.tolist() == [2, 3]
    assert second.rows.tolist() == [4]


def test_a_parquet_file_reads_as_the_csv_of_the_same_content(csv, tmp_path: Path) -> None:
    table = pa.table({"batch": ["B1", "B1", "B2"], "time_h": [1, 2, 0.5], "do": [40, None, 41], "ph": [7, 7.1, None]})
    parquet.write_table(table, tmp_path / "scans.parquet")
    for ours, theirs in zip(read(tmp_path / "scans.parquet"), read(csv(TWO_BATCHES)), strict=True):
        assert ours.batch_id == theirs.batch_id
        np.testing.assert_array_equal(ours.values, theirs.values)
        np.testing.assert_array_equal(ours.observed_us, theirs.observed_us)


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("ms", "Europe/Zurich"), pa.string()])
def test_parquet_times_of_any_kind_are_points_in_time(tmp_path: Path, kind: pa.DataType) -> None:
    at = [datetime(2026, 7, 1, 6, 0, second, tzinfo=UTC) for second in (0, 1)]
    column = pa.array([t.isoformat() for t in at]) if kind == pa.string() else pa.array(at, pa.timestamp("us", "UTC"))
    table = pa.table({"at": column.cast(kind), "ph": [7, 8], "do": pa.array([40, 41], pa.int32())})
    parquet.write_table(table, tmp_path / "rig.parquet")
    (run,) = read(tmp_path / "rig.parquet", CONTINUOUS)
    assert run.observed_us.tolist() == [to_us(t) for t in at]


def test_times_without_a_zone_are_utc_and_others_are_converted(csv) -> None:
    (run,) = read(
        csv("at,ph,do\n2026-01-05 06:00:00,7,40\n2026-01-05T08:00:00.5+01:00,7,40\n", "RIG-1.csv"), CONTINUOUS
    )
    zurich = timezone(timedelta(hours=1))
    assert run.observed_us.tolist() == [
        to_us(datetime(2026, 1, 5, 6, tzinfo=UTC)),
        to_us(datetime(2026, 1, 5, 8, 0, 0, 500_000, tzinfo=zurich)),
    ]
    assert (run.unit, run.batch_id, run.started_us) == ("RIG-1", None, run.observed_us[0])


@pytest.mark.parametrize("piece", [64, 200, 1 << 20])  # bytes: runs lie across pieces, or all in one
def test_units_and_batches_that_interleave_are_parted_in_the_order_of_their_ends(csv, monkeypatch, piece: int) -> None:
    monkeypatch.setattr(tables, "_PIECE", piece)
    lines = [f"U{k % 3},B{k % 3},{k // 3},{k},0" for k in range(60)]
    runs = read(
        csv("unit,batch,time_s,ph,do\n" + "\n".join(lines)), Recording(time="time_s", time_is="age_s", unit="unit")
    )
    assert [(run.unit, run.batch_id, len(run.rows)) for run in runs] == [(f"U{k}", f"B{k}", 20) for k in range(3)]
    assert runs[1].values[:, 0].tolist() == list(range(1, 60, 3))


def test_a_batch_is_given_as_soon_as_its_last_row_is_read(csv, monkeypatch) -> None:
    monkeypatch.setattr(tables, "_PIECE", 64)
    text = "batch,time_h,ph,do\n" + "".join(f"B{b},{t},7,40\n" for b in range(3) for t in range(20)) + "B9,0,7,bad\n"
    runs = read_recording(csv(text), Recording(), TWIN)
    assert [next(runs).batch_id for _ in range(2)] == ["B0", "B1"]
    with pytest.raises(RecordingError, match="row 62"):
        list(runs)


def test_a_phase_starts_where_its_column_changes_and_the_first_one_with_the_batch(csv) -> None:
    text = "batch,time_h,ph,do,phase\nB1,1,7,40,GROWTH\nB1,2,7,40,\nB1,3,7,40,FEED\nB1,4,7,40,GROWTH\n"
    (run,) = read(csv(text), Recording(phase="phase"))
    assert run.phases == tuple(
        (name, to_us(BASE + timedelta(hours=h))) for name, h in (("GROWTH", 0), ("FEED", 3), ("GROWTH", 4))
    )
    batch = to_recorded_batch(run)
    assert batch.phases == (("GROWTH", 0.0), ("FEED", 10_800.0), ("GROWTH", 14_400.0))
    assert batch.age_s.tolist() == [3600.0, 7200.0, 10_800.0, 14_400.0]


def test_ids_that_look_like_numbers_or_nothing_stay_texts(csv) -> None:
    runs = read(csv("batch,time_h,ph,do\n001,1,7,40\nNA,1,7,40\n"))
    assert [run.batch_id for run in runs] == ["001", "NA"]


def test_columns_are_renamed_and_ignored_as_the_twin_says(csv) -> None:
    settings = Recording(columns={"ph": "pH value"}, ignore=("note",), delimiter=";")
    (run,) = read(csv("batch;time_h;note;pH value;do\nB1;1;hm;7;40\n"), settings)
    assert run.values.tolist() == [[7.0, 40.0]]


# -- what is wrong --------------------------------------------------------------------------------------------

HEADER = "batch,time_h,ph,do\n"
WRONG = {
    "": "is empty; give a recording with a header and scans",
    HEADER: "has a header and no scans",
    "batch,time_h,pH,do\nB1,1,7,40\n": r"has no column 'ph' \(tag ph\) \(is it 'pH'\?\); its columns are 'batch', ",
    "Batch,time_h,ph,do\nB1,1,7,40\n": r"has no column 'batch' \(recording.batch\) \(is it 'Batch'\?\)",
    "batch;time_h;ph;do\nB1;1;7;40\n": "its columns are 'batch;time_h;ph;do'; .*delimiter",
    "batch,time_h,ph,do,air\nB1,1,7,40,3\n": "the twin says nothing of column 'air'; add to recording.ignore",
    "batch,time_h,ph,ph,do\nB1,1,7,7,40\n": "has 2 columns 'ph'; rename",
    HEADER + "B1,1,7,40\nB1,2,seven,40\n": "row 3, column 'ph': 'seven' is not a number; mend or empty it",
    HEADER + "B1,1,7,40\nB1,2,7,inf\n": "row 3, column 'do': inf is not finite",
    HEADER + "B1,1,7,40\nB1,,7,40\n": "row 3, column 'time_h': '' is no time; fill it in",
    HEADER + "B1,nan,7,40\n": "row 2, column 'time_h'",
    HEADER + "B1,inf,7,40\n": "row 2, column 'time_h': inf is no age",
    HEADER + "B1,1,7,40\n,2,7,40\n": "row 3, column 'batch': '' names nothing; fill it in",
    HEADER + "B1,1,7,40\nB1,3,7,40\nB1,2,7,40\n": r"row 4, column 'time_h': 2 h comes after 3 h \(row 3\) in B1; sort",
    HEADER + "B1,1,7,40\nB1,1,7,40\n": r"row 3, column 'time_h': 1 h comes after 1 h",
    HEADER + "B1,1,7,40\nB1,2,7\n": "cannot be read: .*Expected 4 columns, got 3",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_with_its_place_and_a_remedy(csv, text: str) -> None:
    path = csv(text)
    with pytest.raises(RecordingError, match=WRONG[text]) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_and_a_file_of_another_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"no.csv: there is no such file"):
        read(tmp_path / "no.csv")
    with pytest.raises(RecordingError, match=r"no.parquet: there is no such file"):
        read(tmp_path / "no.parquet")
    with pytest.raises(RecordingError, match=r"scans.xlsx: is neither"):
        read(tmp_path / "scans.xlsx")


@pytest.mark.parametrize("name", ["scans.csv.gz", "scans.parquet"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x1f\x8b, or nothing that anybody could read as a table")
    with pytest.raises(RecordingError, match=f"{name}: cannot be read"):
        read(path)


def test_a_time_that_is_none_is_named(csv) -> None:
    path = csv("at,ph,do\n2026-01-05T06:00:00Z,7,40\n05.01.2026 06:00,7,40\n")
    with pytest.raises(RecordingError, match=r"row 3, column 'at': '05.01.2026 06:00' is no time; write it as"):
        read(path, CONTINUOUS)


def test_a_text_in_a_parquet_tag_is_named(tmp_path: Path) -> None:
    table = pa.table({"batch": ["B1", "B1"], "time_h": [1, 2], "ph": ["7", "low"], "do": [40, 41]})
    parquet.write_table(table, tmp_path / "scans.parquet")
    with pytest.raises(RecordingError, match="row 2, column 'ph': 'low' is not a number"):
        read(tmp_path / "scans.parquet")


def test_a_run_without_a_batch_is_nothing_to_learn(csv) -> None:
    (run,) = read(csv("at,ph,do\n2026-01-05T06:00:00Z,7,40\n", "RIG-1.csv"), CONTINUOUS)
    with pytest.raises(RecordingError, match=r"unit 'RIG-1': its scans name no batch; set recording.batch"):
        to_recorded_batch(run)


# -- deviations, and real recordings --------------------------------------------------------------------------


def test_the_penicillin_recording_has_forty_batches() -> None:
    path = SHARED / "data" / "indpensim" / "train" / "scans.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with gzip.open(path, "rt") as file:
        names = file.readline().strip().split(",")[2:]
    twin = Twin(name="penicillin", product="p", cadence_s=720, tags={name: Tag(unit_of_measure="") for name in names})
    runs = read(path, twin=twin)
    assert len(runs) == 40
    assert {run.values.shape[1] for run in runs} == {len(names)}
    assert all(np.isfinite(run.values).any(axis=0).all() for run in runs)
    assert to_recorded_batch(runs[0]).age_s[:3].tolist() == [720.0, 1440.0, 2160.0]


def test_the_valve_rigs_recordings_are_continuous_runs() -> None:
    folder = SHARED / "data" / "skab" / "valve1"
    if not folder.exists():
        pytest.skip(f"{folder} is not here")
    tags = {tag: Tag(unit_of_measure="") for tag in ("Current", "Pressure")}
    twin = Twin(name="valve-rig", product="water", mode="continuous", cadence_s=1, tags=tags)
    header = (folder / "0.csv").read_text().splitlines()[0].split(";")
    settings = Recording(
        time="datetime", time_is="utc", batch=None, delimiter=";", ignore=tuple(set(header) - {"datetime", *tags})
    )
    (run,) = read(folder / "0.csv", settings, twin)
    assert (run.unit, run.batch_id) == ("0", None)
    assert run.started_us == to_us(datetime(2020, 3, 9, 10, 14, 33, tzinfo=UTC))


def test_rows_without_a_time_follow_one_another_by_the_cadence_in_every_batch(csv) -> None:
    file = csv("batch_id,ph,do\nB1,7,1\nB2,7,2\nB1,7,3\nB2,7,4\n")
    runs = read(file, Recording(time_is="row", batch="batch_id"))
    assert [run.batch_id for run in runs] == ["B1", "B2"]
    assert all(to_recorded_batch(run).age_s.tolist() == [0.0, TWIN.cadence_s] for run in runs)
