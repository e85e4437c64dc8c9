"""River models put back from their numbers go on bit for bit as the ones these were taken from."""

import numpy as np
from river import covariance

from models.adaptive.river_state import covariance_from, covariance_numbers


def test_a_shrunk_covariance() -> None:
    scans = [dict(zip("abc", row, strict=True)) for row in np.random.default_rng(4).normal(size=(200, 3)).tolist()]
    whole = covariance.OASCovariance(0.05)
    for scan in scans[:80]:
        whole.update(scan)
    again = covariance_from(("a", "b", "c"), 0.05, covariance_numbers(whole))
    for scan in scans[80:]:
        whole.update(scan)
        again.update(scan)
    assert again.matrix == whole.matrix
