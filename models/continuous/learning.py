"""Learning the reference of a continuous process from recordings of normal running; limits are from scans left out."""

from collections.abc import Sequence

import numpy as np

from models.continuous.calibration import BLOCKS, learn_normal_model, with_limits
from models.continuous.reference import ContinuousReference
from models.records.block import RecordedBatch
from models.records.errors import ReferenceError
from models.records.twin import Twin
from models.sensors.limits import physical_range

_LEAST_SCANS = 4  # a tag: from fewer the covariance cannot be estimated


def fit_continuous(twin: Twin, recordings: Sequence[RecordedBatch]) -> ContinuousReference:
    """Learn from recordings of normal running.

    Parameters
    ----------
    twin
        Its tags are the columns of the recordings' values, in order.
    recordings
        One or more; values (n, p) in each tag's unit of measure; NaN: no reading, or one to leave out.

    Raises
    ------
    ReferenceError
        Fewer than four scans a tag, or a tag without any reading.
    """
    low, high = physical_range(twin)
    possible = [(one.values >= low) & (one.values <= high) for one in recordings]
    runs = [np.where(good, one.values, np.nan) for good, one in zip(possible, recordings, strict=True)]
    scans, tags = sum(map(len, runs)), len(twin.tags)
    if scans < _LEAST_SCANS * tags or scans < BLOCKS:
        wanted = max(_LEAST_SCANS * tags, BLOCKS)
        raise ReferenceError(f"reference {twin.name}: {scans} scans of normal running, needs {wanted} or more")
    silent = ~np.isfinite(np.concatenate(runs)).any(axis=0)
    if silent.any():
        tag = twin.tag_names[int(silent.argmax())]
        raise ReferenceError(f"reference {twin.name}: tag {tag} has no reading in the recordings; leave it out")
    names = tuple(recording.batch_id for recording in recordings)
    return ContinuousReference(twin.name, twin.tag_names, names, scans, with_limits(learn_normal_model(runs), runs))
