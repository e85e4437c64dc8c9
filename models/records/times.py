"""Event times: UTC for records, whole microseconds since 1970-01-01 UTC for arrays."""

from datetime import UTC, datetime, timedelta

from models.arrays.types import IntArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(at: datetime) -> int:
    """Microseconds since 1970-01-01 UTC.

    Examples
    --------
    >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_time(us: int) -> datetime:
    """The UTC time ``us`` microseconds after 1970-01-01.

    Examples
    --------
    >>> to_time(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + timedelta(microseconds=int(us))


def back_in_time(observed_us: IntArray, before_us: int | None) -> list[int]:
    """Which of the scans (n,), n > 0, are no later than the one before; ``before_us``: before the first, None: nothing.

    Examples
    --------
    >>> import numpy as np
    >>> back_in_time(np.array([5, 6, 6, 7]), 5)
    [0, 2]
    """
    first = [0] if before_us is not None and observed_us[0] <= before_us else []
    if len(observed_us) == 1:  # live, nearly always
        return first
    return first + [1 + row for row in (observed_us[1:] <= observed_us[:-1]).nonzero()[0].tolist()]
