"""River models as numbers, and back: River's pickles do not load across its versions, numbers do.

Reads and writes what River 0.26 keeps in its models (pyproject.toml pins the minor version); a test holds that a model
put back goes on bit for bit as the one it was taken from.
"""

from typing import Any

import numpy as np
from river import covariance, stats

from models.block import FloatArray
from models.monitor import Numbers


def var_numbers(model: stats.Var) -> FloatArray:
    """A running variance: count, mean, sum of squares; shape (3,)."""
    return np.array([model.mean.n, model.mean.get(), model._S])


def var_from(numbers: Any) -> stats.Var:
    """The running variance ``var_numbers`` was given.

    Examples
    --------
    >>> model = stats.Var()
    >>> for x in (1.0, 2.0, 4.0):
    ...     model.update(x)
    >>> var_from(var_numbers(model)).get() == model.get()
    True
    """
    model = stats.Var()
    count, mean, model._S = map(float, numbers)
    model.mean = stats.Mean._from_state(count, mean)
    return model


def ewmean_from(fading_factor: float, mean: float) -> stats.EWMean:
    """An exponentially weighted mean that goes on from ``mean`` (its first value is taken as it is).

    Examples
    --------
    >>> ewmean_from(0.5, 2.0).get()
    2.0
    """
    model = stats.EWMean(fading_factor)
    model.update(mean)
    return model


def covariance_numbers(model: covariance.OASCovariance) -> Numbers:
    """An exponentially weighted covariance over p features: means (p,), second moments (p, p), scans learnt."""
    return {"mean": model._mean.copy(), "moments": model._M2.copy(), "count": int(model._n)}


def covariance_from(features: tuple[str, ...], fading_factor: float, numbers: Any) -> covariance.OASCovariance:
    """A shrunk covariance that goes on from these means and second moments, whatever they were learnt from."""
    model = covariance.OASCovariance(fading_factor)
    model._grow(list(features))
    model._mean, model._M2 = np.array(numbers["mean"]), np.array(numbers["moments"])
    model._initialized[:] = True
    model._n = int(numbers["count"])
    return model
