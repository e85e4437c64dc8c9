"""Recorded scans in, deviations out: files of the past.

A recording has one scan a row: a time, the tags, and where they apply a batch, a unit and a phase; ``[recording]`` in
the twin's file says which columns these are. Columns that are neither these nor tags are an error unless listed in
``ignore``, so that a misspelt tag is not judged by its absence. An empty cell is a tag without a reading. Where rows
have no time (``time_is = "row"``), they follow one another by the twin's cadence, the first at age 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from connectors.files.columns import Columns, Key
from connectors.files.runs import RecordedRun
from connectors.files.tables import Table
from connectors.files.times import BASE_US
from connectors.settings import Recording
from models.arrays.types import FloatArray, IntArray
from models.records.errors import RecordingError
from models.records.twin import Twin


def read_recording(path: Path, settings: Recording, twin: Twin) -> Iterator[RecordedRun]:
    """The runs of one file in the order in which they end; only unfinished runs are held in memory.

    Parameters
    ----------
    path
        CSV (also .gz) or Parquet.
    settings
        What the columns mean. Times without a zone are taken as UTC; ages are laid on 2020-01-01T00:00Z.
    twin
        Its tags are the columns to read.

    Raises
    ------
    RecordingError
        The file cannot be read, a column is missing or unexpected, a cell holds no number or no time, or time does
        not advance within a run; file, row, column and value are named.
    """
    table = Table(path, settings.delimiter)
    columns = Columns(table, settings, twin)
    last_rows = _last_rows(table, columns)
    unfinished: dict[Key, list[_Part]] = {}
    row = table.first_row - 1
    for part in _parts(table, columns):
        row = int(part.rows[-1])
        unfinished.setdefault(part.key, []).append(part)
        if last_rows.get(part.key) == row:
            yield _run(table, columns, settings, unfinished.pop(part.key))
    for parts in unfinished.values():
        yield _run(table, columns, settings, parts)
    if row < table.first_row:
        raise RecordingError(f"{path}: has a header and no scans; give a recording with scans")


# -- inside ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one run out of one piece of the file."""

    key: Key
    rows: IntArray  # (m,)
    observed_us: IntArray  # (m,)
    values: FloatArray  # (m, p)
    phases: tuple[str, ...]  # (m,) "": not named


def _last_rows(table: Table, columns: Columns) -> dict[Key, int]:
    """Where each run ends, from a first reading of the naming columns alone; nothing where there are none."""
    last: dict[Key, int] = {}
    row = table.first_row
    for piece in table.pieces(columns.naming) if columns.naming else ():
        last |= {key: at for at, key in enumerate(columns.keys(piece, row), row)}
        row += len(piece)
    return last


def _parts(table: Table, columns: Columns) -> Iterator[_Part]:
    row = table.first_row
    for piece in table.pieces(columns.used):
        runs: dict[Key, list[int]] = {}
        for i, key in enumerate(columns.keys(piece, row)):
            runs.setdefault(key, []).append(i)
        observed_us, values, phases = columns.observed_us(piece, row), columns.values(piece, row), columns.phases(piece)
        for key, places in sorted(runs.items(), key=lambda run: run[1][-1]):  # so pieces change no order
            at = np.array(places, dtype=np.int64)
            yield _Part(key, row + at, observed_us[at], values[at], tuple(phases[i] for i in places))
        row += len(piece)


def _run(table: Table, columns: Columns, settings: Recording, parts: list[_Part]) -> RecordedRun:
    unit, batch = parts[0].key
    rows = np.concatenate([part.rows for part in parts])
    observed_us = np.concatenate([part.observed_us for part in parts])
    if settings.time_is == "row":
        observed_us += np.rint(np.arange(len(rows)) * columns.cadence_us).astype(np.int64)
    back = np.flatnonzero(np.diff(observed_us) <= 0)
    if len(back):
        before, after = (columns.time_as_written(int(observed_us[at])) for at in (back[0], back[0] + 1))
        raise RecordingError(
            f"{table.path}: row {rows[back[0] + 1]}, column {settings.time!r}: {after} comes after {before} "
            f"(row {rows[back[0]]}) in {batch or unit or 'the file'}; sort it by time, and keep one row a time"
        )
    started_us = int(observed_us[0]) if settings.time_is == "utc" else BASE_US
    return RecordedRun(
        unit=unit or batch or table.stem,
        batch_id=batch or None,
        observed_us=observed_us,
        values=np.concatenate([part.values for part in parts]),
        phases=_phases([phase for part in parts for phase in part.phases], observed_us, started_us),
        started_us=started_us,
        rows=rows,
    )


def _phases(phase_names: list[str], observed_us: IntArray, started_us: int) -> tuple[tuple[str, int], ...]:
    """Where the phase changes, a phase starts; the one of the first scan starts with the batch."""
    phases: list[tuple[str, int]] = []
    for row, phase in enumerate(phase_names):
        if phase and (not phases or phases[-1][0] != phase):
            phases.append((phase, started_us if row == 0 else int(observed_us[row])))
    return tuple(phases)
