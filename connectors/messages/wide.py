"""Scans decoded straight into numbers: for almost all messages, at half the cost of the general decoder.

A struct made for the twin holds a number a tag, in the order of its tags. What does not fit it (an unknown tag, a null,
anything that is no scan) is refused here and left to ``connectors.messages.codec``, which decides what it is.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from connectors.messages.codec import FIRST_YEAR, LAST_YEAR
from models.records.messages import Label, Name, Scan, UtcTime
from models.records.twin import Twin

_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class WideScan(Protocol):
    """A scan whose readings are a struct with a number a tag, in the order of the twin's tags; NaN: none."""

    unit: str
    observed_at: datetime
    values: msgspec.Struct
    batch_id: str | None
    phase: str | None
    quality: msgspec.Raw


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
            ("phase", Label | None, None),
            ("quality", msgspec.Raw, msgspec.Raw()),
        ]
        tag = str(Scan.__struct_config__.tag)
        wide = msgspec.defstruct("WideScan", fields, tag=tag, tag_field="type", gc=False)
        other = msgspec.defstruct(
            "Other", [], tag="other/0", tag_field="type", gc=False
        )  # so that the type must be said
        self._wide = wide
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(wide | other).decode

    def decode(self, raw: bytes) -> WideScan | None:
        """The scan, its unit as it was sent; None where the general decoder is to look: most often it is no scan."""
        try:
            scan: WideScan = self._decode(raw)
        except _REFUSED:
            return None
        if not isinstance(scan, self._wide) or scan.quality or not FIRST_YEAR <= scan.observed_at.year <= LAST_YEAR:
            return None
        return scan if (scan.batch_id is None and scan.phase is None) or _trimmed(scan) else None


def _trimmed(scan: WideScan) -> bool:
    """Take white space off the names of batch and phase; whether a name is left."""
    if scan.batch_id is not None:
        scan.batch_id = scan.batch_id.strip()
    if scan.phase is not None:
        scan.phase = scan.phase.strip()
    return scan.batch_id != ""
