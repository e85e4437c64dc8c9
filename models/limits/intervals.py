"""Exact intervals for how often something happened: none needs many events to be right."""

from scipy import stats


def share_interval(hits: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided confidence interval of a share, given so many hits of so many trials.

    Parameters
    ----------
    hits, of
        0 <= hits <= of, of >= 1.
    confidence
        In (0, 1).

    Returns
    -------
    Lower and upper bound, 0 to 1, dimensionless.

    Raises
    ------
    ValueError
        The counts contradict each other.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26(4), 404-413.

    Examples
    --------
    >>> low, high = share_interval(0, 40)
    >>> low, round(high, 3)
    (0.0, 0.088)
    """
    if not 0 <= hits <= of or of < 1:
        raise ValueError(f"hits {hits} of {of}: wanted 0 <= hits <= of, and one trial or more")
    rest = (1 - confidence) / 2
    low = float(stats.beta.ppf(rest, hits, of - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(1 - rest, hits + 1, of - hits)) if hits < of else 1.0
    return low, high


def rate_interval(events: int, over: float, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided confidence interval of a rate, given so many independent events over so much (batches, hours).

    Parameters
    ----------
    events
        >= 0.
    over
        > 0; the rate is per unit of it.
    confidence
        In (0, 1).

    Returns
    -------
    Lower and upper bound, >= 0, in events per unit of ``over``.

    Raises
    ------
    ValueError
        ``events`` below 0 or ``over`` not above it.

    References
    ----------
    Garwood (1936), Biometrika 28(3/4), 437-442.

    Examples
    --------
    >>> low, high = rate_interval(2, 40)
    >>> round(low, 4), round(high, 4)
    (0.0061, 0.1806)
    """
    if events < 0 or not over > 0:
        raise ValueError(f"events {events} over {over:g}: wanted events >= 0 and over > 0")
    rest = (1 - confidence) / 2
    low = float(stats.chi2.ppf(rest, 2 * events)) / 2 if events else 0.0
    return low / over, float(stats.chi2.ppf(1 - rest, 2 * events + 2)) / 2 / over
