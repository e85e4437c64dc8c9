"""What the columns of a recording mean: checked against the twin, then read as keys, times, values and phases."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute

from connectors.files.tables import NUMBER, TEXT, Table
from connectors.files.times import AGE_US, BASE_US, as_written, utc_us
from connectors.settings import Recording
from models.arrays.types import FloatArray, IntArray
from models.records.errors import RecordingError
from models.records.twin import Twin

_WHOLE = re.compile(r"-?\d+\.0+")
Key = tuple[str, str]  # unit, batch; "" where no column says it


class Columns:
    """The columns of one table, as the twin's ``[recording]`` maps them.

    Raises
    ------
    RecordingError
        A column is missing (and which may be meant), there twice, or neither used nor ignored.
    """

    def __init__(self, table: Table, settings: Recording, twin: Twin) -> None:
        self._table, self._settings = table, settings
        self.cadence_us = twin.cadence_s * 1e6
        self._tags = [settings.columns.get(tag, tag) for tag in twin.tag_names]
        time = None if settings.time_is == "row" else settings.time
        roles = {"time": time, "batch": settings.batch, "unit": settings.unit, "phase": settings.phase}
        wanted = {f"recording.{key}": column for key, column in roles.items() if column is not None}
        wanted |= {f"tag {tag}": column for tag, column in zip(twin.tag_names, self._tags, strict=True)}
        self._check(wanted)

    @property
    def naming(self) -> dict[str, pa.DataType]:
        """The columns that name the run a row belongs to, with their types."""
        return {column: TEXT for column in (self._settings.unit, self._settings.batch) if column is not None}

    @property
    def used(self) -> dict[str, pa.DataType]:
        """All columns to read, with their types."""
        settings = self._settings
        kinds = {"utc": {settings.time: TEXT}, "row": {}}
        time = kinds.get(settings.time_is, {settings.time: NUMBER})
        phase = {} if settings.phase is None else {settings.phase: TEXT}
        return {**time, **self.naming, **phase, **dict.fromkeys(self._tags, NUMBER)}

    def keys(self, piece: pa.RecordBatch, row: int) -> list[Key]:
        """Which run each row of a piece belongs to; ``row`` is the number of its first row."""
        named = []
        for column in (self._settings.unit, self._settings.batch):
            names = [""] * len(piece) if column is None else _names(piece.column(column))
            if column is not None and "" in names:
                at = row + names.index("")
                raise self._table.wrong(at, column, "", "names nothing; fill it in or leave the row out")
            named.append(names)
        return list(zip(*named, strict=True))

    def observed_us(self, piece: pa.RecordBatch, row: int) -> IntArray:
        """(n,) microseconds since the epoch; of rows without a time, all the moment at which a run starts."""
        if self._settings.time_is == "row":
            return np.full(len(piece), BASE_US)
        name, column = self._settings.time, piece.column(self._settings.time)
        if self._settings.time_is == "utc":
            return np.fromiter(self._utc_us(column.to_pylist(), row), dtype=np.int64, count=len(column))
        if column.null_count:
            at = row + int(np.flatnonzero(np.asarray(column.is_null()))[0])
            raise self._table.wrong(at, name, "", "is no time; fill it in")
        ages = np.asarray(column)
        not_finite = np.flatnonzero(~np.isfinite(ages))
        if len(not_finite):
            raise self._table.wrong(row + int(not_finite[0]), name, float(ages[not_finite[0]]), "is no age; mend it")
        return np.asarray(BASE_US + np.rint(ages * AGE_US[self._settings.time_is]).astype(np.int64))

    def values(self, piece: pa.RecordBatch, row: int) -> FloatArray:
        """(n, p) in the order of the twin's tags; NaN: no reading."""
        values = np.empty((len(piece), len(self._tags)))
        for j, tag in enumerate(self._tags):
            values[:, j] = np.asarray(compute.fill_null(piece.column(tag), np.nan))
            endless = np.flatnonzero(np.isinf(values[:, j]))
            if len(endless):
                seen = float(values[endless[0], j])
                raise self._table.wrong(row + int(endless[0]), tag, seen, "is not finite; mend or empty it")
        return values

    def phases(self, piece: pa.RecordBatch) -> list[str]:
        """The phase each row names; "": none."""
        column = self._settings.phase
        return [""] * len(piece) if column is None else _names(piece.column(column))

    def time_as_written(self, us: int) -> str:
        """A time as the file's column would give it, for messages."""
        return as_written(us, self._settings.time_is)

    # -- inside -----------------------------------------------------------------------------------------------

    def _check(self, wanted: dict[str, str]) -> None:
        path, there = self._table.path, self._table.columns
        missing = [
            f"{column!r} ({what}){_close(column, there)}" for what, column in wanted.items() if column not in there
        ]
        if missing:
            raise RecordingError(
                f"{path}: has no column {', '.join(missing)}; its columns are {', '.join(map(repr, there))}; "
                "say in [recording] which columns are meant, or mend its delimiter"
            )
        twice = next((column for column in wanted.values() if there.count(column) > 1), None)
        if twice is not None:
            raise RecordingError(f"{path}: has {there.count(twice)} columns {twice!r}; rename or remove the others")
        surplus = [column for column in there if column not in (*wanted.values(), *self._settings.ignore)]
        if surplus:
            raise RecordingError(
                f"{path}: the twin says nothing of column {', '.join(map(repr, surplus))}; "
                "add to recording.ignore what is not used; make the rest tags ([tags.NAME])"
            )

    def _utc_us(self, texts: list[str], row: int) -> Iterator[int]:
        for at, text in enumerate(texts, row):
            try:
                at_us = utc_us(text)
            except ValueError as exc:
                remedy = "is no time; write it as 2020-03-09T10:14:33Z"
                raise self._table.wrong(at, self._settings.time, text, remedy) from exc
            yield at_us


def _names(column: pa.Array) -> list[str]:
    """Names without white space round them; a whole number that is kept as a decimal one (7.0) is named as such (7)."""
    bare = {text: text.strip() for text in column.unique().to_pylist()}
    named = {text: name.partition(".")[0] if _WHOLE.fullmatch(name) else name for text, name in bare.items()}
    return [named[text] for text in column.to_pylist()]


def _close(column: str, there: tuple[str, ...]) -> str:
    folded = {name.casefold(): name for name in there}
    close = get_close_matches(column.casefold(), folded, 1)
    return f" (is it {folded[close[0]]!r}?)" if close else ""
