"""Tables in files, CSV (also compressed) or Parquet, read piece by piece; what is wrong is named by row and column.

Rows are numbered as a person sees them: in a CSV file the header is row 1 and blank lines are not counted; the first
row of a Parquet file is row 1.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from models.records.errors import RecordingError

NUMBER, TEXT = pa.float64(), pa.string()
_CSV, _PARQUET = (".csv", ".txt"), (".parquet", ".pq")
_PACKED = (".gz", ".bz2", ".zst")
_PIECE = 4 << 20  # bytes of a CSV file read at once
_PIECE_ROWS = 65_536  # of a Parquet file
_NOT_A_NUMBER = re.compile(r"In CSV column #(\d+): Row #(\d+): .*invalid value '(.*)'", re.DOTALL)


class Table:
    """A file of named columns.

    ``columns`` are the names in the file's order, ``stem`` is the file's name without endings.

    Parameters
    ----------
    path
        Ends in .csv or .txt, on request followed by .gz, .bz2 or .zst, or in .parquet.
    delimiter
        Of a CSV file.

    Raises
    ------
    RecordingError
        The file is missing, empty or of no kind that can be read.
    """

    def __init__(self, path: Path, delimiter: str) -> None:
        self.path = path
        bare = path.with_suffix("") if path.suffix.lower() in _PACKED else path
        if bare.suffix.lower() not in (*_CSV, *_PARQUET):
            raise RecordingError(f"{path}: is neither .csv (.csv.gz) nor .parquet; name it after what it holds")
        self.stem = bare.stem
        self._is_csv = bare.suffix.lower() in _CSV
        self._parse = csv.ParseOptions(delimiter=delimiter)
        with self._named():
            self.columns: tuple[str, ...] = tuple(self._header())
        self.first_row = 2 if self._is_csv else 1

    def pieces(self, columns: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        """Some columns, in this order and as these types (NUMBER or TEXT), some thousand rows at a time.

        An empty number is null, an empty text is "".

        Raises
        ------
        RecordingError
            A number is not one, or the file is damaged.
        """
        with self._named():
            for start, piece in _numbered(self._raw(columns), self.first_row):
                cast = {name: self._as(piece.column(name), kind, name, start) for name, kind in columns.items()}
                yield pa.RecordBatch.from_pydict(cast)

    def wrong(self, row: int, column: str, value: object, remedy: str) -> RecordingError:
        """The error that names a cell."""
        return RecordingError(f"{self.path}: row {row}, column {column!r}: {value!r} {remedy}")

    # -- inside -----------------------------------------------------------------------------------------------

    def _header(self) -> Sequence[str]:
        if not self._is_csv:
            return list(parquet.read_schema(self.path).names)
        with csv.open_csv(self.path, parse_options=self._parse) as reader:
            return list(reader.schema.names)

    def _raw(self, columns: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        if not self._is_csv:
            with parquet.ParquetFile(self.path) as file:
                yield from file.iter_batches(_PIECE_ROWS, columns=list(columns))
            return
        one_thread = csv.ReadOptions(block_size=_PIECE, use_threads=False)  # only so do errors name the row
        typed = csv.ConvertOptions(column_types=columns, include_columns=list(columns))
        with csv.open_csv(self.path, one_thread, self._parse, typed) as reader:
            yield from reader

    def _as(self, column: Any, kind: pa.DataType, name: str, start: int) -> Any:
        try:
            cast = _whole(column).cast(kind, safe=False) if kind == TEXT else column.cast(kind, safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
            for row, value in enumerate(column.to_pylist(), start):
                if kind == NUMBER and not _is_number(value):
                    raise self.wrong(row, name, value, "is not a number; mend or empty it") from exc
            raise RecordingError(f"{self.path}: column {name!r} is of type {column.type}; store it as {kind}") from exc
        return cast.fill_null("") if kind == TEXT else cast

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of the library as ours, with the file's name."""
        try:
            yield
        except FileNotFoundError as exc:
            raise RecordingError(f"{self.path}: there is no such file; check the path") from exc
        except (pa.ArrowException, OSError) as exc:
            if str(exc) == "Empty CSV file":
                raise RecordingError(f"{self.path}: is empty; give a recording with a header and scans") from exc
            cell = _NOT_A_NUMBER.search(str(exc))
            if cell is None:
                raise RecordingError(f"{self.path}: cannot be read: {exc}; mend it or export it anew") from exc
            column, row, value = self.columns[int(cell[1])], int(cell[2]), cell[3]
            raise self.wrong(row, column, value, "is not a number; mend or empty it") from exc


def _numbered(pieces: Iterator[pa.RecordBatch], row: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    for piece in pieces:
        yield row, piece
        row += len(piece)


def _whole(column: Any) -> Any:
    """Numbers all of which are whole, as such: a name of ten digits is no power of ten."""
    if not pa.types.is_floating(column.type):
        return column
    whole = column.cast(pa.int64(), safe=False)
    return whole if whole.cast(column.type, safe=False).equals(column) else column


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return value is None
    return True
