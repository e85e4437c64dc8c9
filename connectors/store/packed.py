"""A reference as one file of bytes: the same reference gives the same bytes, so that its SHA-256 says what it is."""

import io
import zipfile
from typing import Any

import msgspec
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_META = "meta"  # JSON as bytes, beside the arrays: the checksum covers it too
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip entry's time says when it was written, which is not what it holds


def pack(meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> bytes:
    """Meta and arrays as an .npz file that ``numpy.load`` reads.

    Examples
    --------
    >>> pack({"name": "p"}, {"mean": np.zeros(2)}) == pack({"name": "p"}, {"mean": np.zeros(2)})
    True
    """
    encoded = np.frombuffer(msgspec.json.encode(meta, order="sorted"), dtype=np.uint8)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted({**arrays, _META: encoded}.items()):
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _EARLIEST), "w", force_zip64=True) as entry:
                npy.write_array(entry, np.asanyarray(array), allow_pickle=False)
    return file.getvalue()


def unpack(raw: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The inverse of ``pack``.

    Raises
    ------
    ValueError
        The bytes are no such file.

    Examples
    --------
    >>> unpack(pack({"name": "p"}, {"mean": np.zeros(2)}))
    ({'name': 'p'}, {'mean': array([0., 0.])})
    """
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta: dict[str, Any] = msgspec.json.decode(arrays.pop(_META).tobytes())
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError) as exc:  # DecodeError is a ValueError
        raise ValueError(f"not a packed reference: {exc}") from exc
    return meta, arrays
