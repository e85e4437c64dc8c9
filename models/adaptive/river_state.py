"""River models as numbers, and back: River's pickles do not load across its versions, numbers do.

Reads and writes what River 0.26 keeps in its models (pyproject.toml pins the minor version); a test holds that a model
put back goes on bit for bit as the one it was taken from.
"""

from typing import Any

import numpy as np
from river import covariance

from models.records.monitor import Numbers


def covariance_numbers(model: covariance.OASCovariance) -> Numbers:
    """A covariance over p features as numbers: means (p,), second moments (p, p), scans learnt."""
    return {"mean": model._mean.copy(), "moments": model._M2.copy(), "count": int(model._n)}


def covariance_from(features: tuple[str, ...], fading_factor: float, numbers: Any) -> covariance.OASCovariance:
    """A shrunk covariance that goes on from these means and second moments, whatever they were learnt from."""
    model = covariance.OASCovariance(fading_factor)
    model._grow(list(features))
    model._mean, model._M2 = np.array(numbers["mean"]), np.array(numbers["moments"])
    model._initialized[:] = True
    model._n = int(numbers["count"])
    return model
