"""Is there an alarm flood? More than ten annunciations in ten minutes, until there are fewer than five."""

from bisect import bisect_left, bisect_right, insort

from models.alarm_figures import FLOOD_ABOVE, FLOOD_UNTIL_BELOW, WINDOW_S

_KEPT = 2000


class Flood:
    """Annunciations of all units, in event time.

    References
    ----------
    ANSI/ISA-18.2-2016, 16.5; EEMUA 191 (3rd ed.), appendix 10: a flood begins with more than 10 alarms in 10 minutes.

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
        self._lasts = False

    def annunciated(self, at_us: int) -> None:
        """A deviation has called for somebody: it is new, or back."""
        insort(self._at_us, at_us)
        del self._at_us[:-_KEPT]

    def count(self, now_us: int) -> int:
        """Annunciations in the ten minutes up to ``now_us``."""
        first = bisect_right(self._at_us, now_us - int(WINDOW_S * 1e6))
        return bisect_left(self._at_us, now_us + 1) - first

    def lasts(self, now_us: int) -> bool:
        """Whether there is a flood."""
        count = self.count(now_us)
        self._lasts = count >= FLOOD_UNTIL_BELOW if self._lasts else count > FLOOD_ABOVE
        return self._lasts
