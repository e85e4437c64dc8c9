"""Is there an alarm flood on this console? The rule is the audit's (``models.alarms.figures``)."""

from bisect import insort

from models.alarms.figures import Period, floods, in_window

_KEPT = 2000


class Flood:
    """Annunciations of all units, in event time.

    Examples
    --------
    >>> flood = Flood()
    >>> for second in range(11):
    ...     flood.annunciated(second * 1_000_000)
    >>> flood.count(10_000_000), flood.lasts(10_000_000), flood.lasts(900_000_000)
    (11, True, False)
    """

    def __init__(self) -> None:
        self._at_us: list[int] = []  # rising
        self._floods: list[Period] | None = None  # of these; none: not reckoned since the last one came

    def annunciated(self, at_us: int) -> None:
        """A deviation has called for somebody: it is new, or back."""
        insort(self._at_us, at_us)
        del self._at_us[:-_KEPT]
        self._floods = None

    def count(self, now_us: int) -> int:
        """Annunciations in the ten minutes up to ``now_us``."""
        return in_window(self._at_us, now_us)

    def lasts(self, now_us: int) -> bool:
        """Whether there is a flood."""
        if self._floods is None:
            self._floods = floods(self._at_us)
        return any(began <= now_us < ended for began, ended in self._floods)
