"""Figures of ISA-18.2 and EEMUA 191 over the annunciations of a period: pure functions of times and counts.

Rates are counted over ten minutes, sliding: at time t the annunciations in (t - 10 min, t]. A flood begins with the
annunciation that makes more than 10 and ends at the first moment with fewer than 5.

References
----------
ANSI/ISA-18.2-2016, clause 16 and table 6; EEMUA Publication 191, 3rd edition.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

import msgspec

from models.alarms.annunciations import Annunciation, Shelving
from models.records.messages import Priority, UtcTime
from models.records.times import to_time

WINDOW_S = 600.0
FLOOD_ABOVE, FLOOD_UNTIL_BELOW = 10, 5  # annunciations within the window
STALE_S = 86_400.0
REPEATS = 3  # annunciations of one source within the chattering window
PRIORITIES: tuple[Priority, ...] = ("low", "medium", "high")
_WINDOW_US = int(WINDOW_S * 1e6)
_TOP = 10
Period = tuple[int, int]  # first and last moment, both included: microseconds since 1970-01-01 UTC


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Annunciations per ten minutes."""

    annunciated: int
    average: float  # per ten minutes of the period (a shorter period counts as ten minutes)
    peak: int  # the most within any ten minutes
    peak_at: UtcTime | None
    now: int  # in the ten minutes before the period's end


class Flooding(msgspec.Struct, frozen=True, kw_only=True):
    """Time in which there were more alarms than a person can follow."""

    floods: int
    seconds: float
    share: float  # of the period, 0 to 1
    now: bool  # at the period's end


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms that stay; waiting ends with acknowledgement, shelving or the next annunciation."""

    stale: int  # annunciations whose condition stood for over 24 h
    stale_now: tuple[str, ...]  # deviation ids, of those that still stand
    longest_active_s: float
    longest_unacknowledged_s: float


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm, batch after batch, and its part of all annunciations."""

    source: str  # "unit/cause"
    annunciated: int
    share: float  # 0 to 1


class Frequent(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms that come often."""

    sources: tuple[Source, ...]  # the ten most frequent, most frequent first
    top_share: float  # of these together, 0 to 1
    chattering: tuple[str, ...]  # sources
    most_repeats: int  # annunciations of one deviation beyond its first


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms taken out of sight by a person."""

    shelvings: int
    shelved_now: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The alarm system's figures over one period."""

    since: UtcTime
    until: UtcTime
    rate: Rate
    flooding: Flooding
    standing: Standing
    frequent: Frequent
    priority_shares: dict[Priority, float]  # 0 to 1; all 0 when nothing was annunciated
    suppression: Suppression


def figures(
    annunciations: Sequence[Annunciation], shelved: Sequence[Shelving], period: Period, chattering_us: int
) -> Figures:
    """The figures of a period: counts, rates per ten minutes, shares 0 to 1 and durations in s.

    Parameters
    ----------
    annunciations
        In order of time; those before the period count where they reach into it (floods, standing alarms).
    shelved
        Shelvings.
    period
        First and last moment, in microseconds since 1970-01-01 UTC.
    chattering_us
        Three annunciations of one source within it (microseconds) are chattering.

    References
    ----------
    ANSI/ISA-18.2-2016, clause 16 and table 6; EEMUA 191, 3rd edition. The sliding window is PATrol's own (decision 13).
    """
    since_us, until_us = period
    past = [each for each in annunciations if each.at_us <= until_us]
    within = [each for each in past if each.at_us >= since_us]
    count = max(len(within), 1)
    return Figures(
        since=to_time(since_us),
        until=to_time(until_us),
        rate=_rate([each.at_us for each in within], period),
        flooding=_flooding([each.at_us for each in past], period),
        standing=_standing(past, period),
        frequent=_frequent(within, chattering_us),
        priority_shares={p: sum(each.priority == p for each in within) / count for p in PRIORITIES},
        suppression=Suppression(
            shelvings=sum(since_us <= each.at_us <= until_us for each in shelved),
            shelved_now=sum(each.at_us <= until_us < _or_later(each.over_us, until_us) for each in shelved),
        ),
    )


def in_window(times_us: Sequence[int], at_us: int) -> int:
    """How many of the times (sorted) lie in the ten minutes up to ``at_us``; all in microseconds, the same origin.

    Examples
    --------
    >>> in_window([0, 1, 600_000_000], 600_000_000)  # the first is ten minutes old
    2
    """
    return bisect_right(times_us, at_us) - bisect_right(times_us, at_us - _WINDOW_US)


def floods(times_us: Sequence[int]) -> list[Period]:
    """Begin and end of every flood, in order; the end does not belong to it.

    Parameters
    ----------
    times_us
        Annunciations, sorted, in microseconds; the floods are in the same.

    References
    ----------
    ANSI/ISA-18.2-2016, clause 16 (more than 10 in ten minutes, until fewer than 5); windows slide (decision 13).

    Examples
    --------
    >>> floods([0] * 10), floods([0] * 11)
    ([], [(0, 600000000)])
    """
    found: list[Period] = []
    began_us: int | None = None
    for at_us in sorted({*times_us, *(each + _WINDOW_US for each in times_us)}):
        count = in_window(times_us, at_us)
        if began_us is None and count > FLOOD_ABOVE:
            began_us = at_us
        elif began_us is not None and count < FLOOD_UNTIL_BELOW:
            found.append((began_us, at_us))
            began_us = None
    return found


# -- inside ---------------------------------------------------------------------------------------------------


def _rate(times_us: Sequence[int], period: Period) -> Rate:
    peak = max((in_window(times_us, at_us) for at_us in times_us), default=0)
    peak_us = next((at_us for at_us in times_us if in_window(times_us, at_us) == peak), None)
    return Rate(
        annunciated=len(times_us),
        average=len(times_us) / max((period[1] - period[0]) / _WINDOW_US, 1.0),
        peak=peak,
        peak_at=None if peak_us is None else to_time(peak_us),
        now=in_window(times_us, period[1]),
    )


def _flooding(times_us: Sequence[int], period: Period) -> Flooding:
    since_us, until_us = period
    touching = [(began, ended) for began, ended in floods(times_us) if ended > since_us]
    flooded_us = sum(min(ended, until_us) - max(began, since_us) for began, ended in touching)
    return Flooding(
        floods=len(touching),
        seconds=flooded_us / 1e6,
        share=flooded_us / (until_us - since_us) if until_us > since_us else 0.0,
        now=any(began <= until_us < ended for began, ended in touching),
    )


def _standing(past: Sequence[Annunciation], period: Period) -> Standing:
    since_us, until_us = period
    here = [each for each in past if _or_later(each.over_us, until_us) >= since_us]
    stale = [each for each in here if _lasted_s(each.at_us, each.over_us, until_us) > STALE_S]
    return Standing(
        stale=len(stale),
        stale_now=tuple(sorted(each.deviation_id for each in stale if _or_later(each.over_us, until_us) > until_us)),
        longest_active_s=max((_lasted_s(each.at_us, each.over_us, until_us) for each in here), default=0.0),
        longest_unacknowledged_s=max(
            (_lasted_s(each.at_us, each.answered_us, until_us) for each in past if each.at_us >= since_us), default=0.0
        ),
    )


def _frequent(within: Sequence[Annunciation], chattering_us: int) -> Frequent:
    counts = Counter(each.source for each in within)
    top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
    times: dict[str, list[int]] = {}
    for each in within:
        times.setdefault(each.source, []).append(each.at_us)
    chattering = (
        source
        for source, at in times.items()
        if any(last - first <= chattering_us for first, last in zip(at, at[REPEATS - 1 :], strict=False))
    )
    return Frequent(
        sources=tuple(Source(source=name, annunciated=n, share=n / len(within)) for name, n in top),
        top_share=sum(n for _, n in top) / max(len(within), 1),
        chattering=tuple(sorted(chattering)),
        most_repeats=max(Counter(each.deviation_id for each in within).values(), default=1) - 1,
    )


def _or_later(over_us: int | None, until_us: int) -> int:
    """When it was over; after the period when it is not over yet."""
    return until_us + 1 if over_us is None else over_us


def _lasted_s(at_us: int, over_us: int | None, until_us: int) -> float:
    return (min(_or_later(over_us, until_us), until_us) - at_us) / 1e6
