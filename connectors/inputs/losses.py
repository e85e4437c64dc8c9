"""Which units are told of messages that were removed before they were read: those that send on their partition."""

from collections.abc import Iterable, Mapping, Sequence

from models.records.block import Feed
from models.records.messages import Loss, Rejected


class Losses:
    """Keeps which units have sent scans from which partition.

    Parameters
    ----------
    streams
        "topic/partition" -> the units known to have sent from it before.
    """

    def __init__(self, streams: Mapping[str, Sequence[str]]) -> None:
        named = ((place.rpartition("/"), units) for place, units in streams.items())
        self._units = {(topic, int(partition)): dict.fromkeys(units) for (topic, _, partition), units in named}

    @property
    def streams(self) -> dict[str, list[str]]:
        """The units by "topic/partition"."""
        return {f"{topic}/{partition}": list(units) for (topic, partition), units in self._units.items()}

    def arrived(self, out: Iterable[Feed | Rejected]) -> None:
        """Note which units have sent from where."""
        for feed in out:
            if isinstance(feed, Feed):
                for block in feed.blocks:
                    self._units.setdefault((block.topic, block.partition), {})[feed.unit] = None

    def feeds(self, losses: Iterable[Loss], known: Sequence[str]) -> list[Feed]:
        """Each loss for the units it concerns: all that are ``known`` where nothing better is."""
        by_unit: dict[str, list[Loss]] = {}
        for loss in losses:
            senders = {
                unit: None
                for (topic, partition), units in self._units.items()
                if topic == loss.topic and loss.partition in (None, partition)
                for unit in units
            }
            for unit in senders or known:
                by_unit.setdefault(unit, []).append(loss)
        return [Feed(unit, tuple(each)) for unit, each in by_unit.items()]
