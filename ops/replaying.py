"""Recorded runs through the watch that judges them live."""

from collections.abc import Iterable, Iterator

from connectors.files.runs import RecordedRun
from models.records.messages import Deviation, Outbound
from models.unit.unit import Monitors
from models.unit.watch import Watch
from ops.config import Configuration
from ops.recorded import feeds


class Replay:
    """Watches over recorded runs, one a unit; keeps the newest revision of every deviation.

    Parameters
    ----------
    configuration
        The twin's file.
    monitors
        As ``patrol run`` has them: see ``ops.monitors``.
    """

    def __init__(self, configuration: Configuration, monitors: Monitors) -> None:
        self._configuration, self._monitors = configuration, monitors
        self._watches: dict[str, Watch] = {}
        self._deviations: dict[str, Deviation] = {}
        self.scans: dict[tuple[str, str | None], int] = {}  # (unit, batch) -> scans replayed

    def run(self, run: RecordedRun) -> Iterator[tuple[int, list[Outbound]]]:
        """Judge one run; per block how many scans it had and what is said of them.

        Runs of one unit follow one another in time (``ops.recorded.one_after_another``).
        """
        twin = self._configuration.twin
        if run.unit not in self._watches:
            self._watches[run.unit] = Watch(run.unit, twin, self._monitors, self._configuration.sha256)
        key = run.unit, run.batch_id
        self.scans[key] = self.scans.get(key, 0) + len(run.observed_us)
        for feed in feeds(run, twin):
            emitted = self._watches[run.unit].step(feed)
            self._deviations |= {item.deviation_id: item for item in emitted if isinstance(item, Deviation)}
            yield sum(map(len, feed.blocks)), emitted

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Every deviation in its newest state, in the order in which they were raised first."""
        return tuple(self._deviations.values())


def by_batch(deviations: Iterable[Deviation]) -> dict[tuple[str, str | None], list[Deviation]]:
    """(unit, batch) to its deviations, in order of their age."""
    found: dict[tuple[str, str | None], list[Deviation]] = {}
    for deviation in sorted(deviations, key=lambda one: one.raised_at):
        found.setdefault((deviation.unit, deviation.batch_id), []).append(deviation)
    return found
