"""Scans decoded straight into rows of numbers: for almost all messages, at half the cost of the general decoder.

A struct made for the twin holds a number a tag. What does not fit it (an unknown tag, a null, anything that is no scan)
is refused here and left to ``connectors.codec``, which says what it is.
"""

from collections.abc import Callable
from datetime import datetime
from struct import Struct
from typing import Any

import msgspec
from msgspec.structs import astuple

from connectors.codec import FIRST_YEAR, LAST_YEAR
from models.records import Name, Scan, UtcTime
from models.twin import Twin

Row = bytes  # a reading a tag, in the order of the twin's tags, as the machine's doubles; NaN: none
Wide = tuple[int, str, datetime, Row, str | None, str | None]  # offset, unit, time, readings, batch, phase
_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class WideScans:
    """Decodes a twin's scans.

    Parameters
    ----------
    twin
        Its tags give the order of the readings.
    """

    def __init__(self, twin: Twin) -> None:
        names = {f"tag_{k}": tag for k, tag in enumerate(twin.tags)}  # a tag's name need not be one Python takes
        numbers = [(name, float, float("nan")) for name in names]
        readings = msgspec.defstruct("Readings", numbers, rename=names, forbid_unknown_fields=True, gc=False)
        fields: list[Any] = [("unit", Name), ("observed_at", UtcTime), ("values", readings)]
        fields += [
            ("batch_id", Name | None, None),
            ("phase", str | None, None),
            ("quality", msgspec.Raw, msgspec.Raw()),
        ]
        tag = str(Scan.__struct_config__.tag)
        wide = msgspec.defstruct("WideScan", fields, tag=tag, tag_field="type", gc=False)
        self._decode = msgspec.json.Decoder(wide).decode
        self.pack: Callable[..., Row] = Struct(f"{len(names)}d").pack  # a row of so many readings

    def decode(self, raw: bytes, offset: int) -> Wide | None:
        """The scan at this offset; None where the general decoder is to look: most often it is something else."""
        try:
            scan: Any = self._decode(raw)
        except _REFUSED:
            return None
        at = scan.observed_at
        if scan.quality or not FIRST_YEAR <= at.year <= LAST_YEAR:
            return None
        return offset, scan.unit, at, self.pack(*astuple(scan.values)), scan.batch_id, scan.phase
