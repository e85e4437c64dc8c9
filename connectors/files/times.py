"""Times and ages as recordings write them, and microseconds since 1970-01-01 UTC."""

from datetime import UTC, datetime

from models.records.times import to_time, to_us

BASE_US = to_us(datetime(2020, 1, 1, tzinfo=UTC))  # where a recording that gives ages starts
AGE_US = {"age_h": 3.6e9, "age_s": 1e6}  # microseconds in one of each


def utc_us(text: str) -> int:
    """Microseconds since 1970-01-01 UTC of an ISO 8601 time; UTC where it gives no zone.

    Raises
    ------
    ValueError
        It is no time.

    Examples
    --------
    >>> utc_us("1970-01-01T00:00:01"), utc_us("1970-01-01T01:00:01+01:00")
    (1000000, 1000000)
    """
    time = datetime.fromisoformat(text)
    return to_us(time if time.tzinfo is not None else time.replace(tzinfo=UTC))


def as_written(us: int, kind: str) -> str:
    """A time as a column of this kind (``age_h``, ``age_s``, else UTC) would give it.

    Examples
    --------
    >>> as_written(BASE_US + 5_400_000_000, "age_h"), as_written(0, "utc")
    ('1.5 h', '1970-01-01T00:00:00+00:00')
    """
    return f"{(us - BASE_US) / AGE_US[kind]:.10g} {kind[-1]}" if kind in AGE_US else to_time(us).isoformat()
