"""What is remarked of a unit's arrivals, once: repeats, several streams, more events than are kept."""

from collections.abc import Iterator

from models.records.block import Block, ReadingBlock
from models.records.messages import BatchEvent, OperatorAction, Remark
from models.records.times import to_time
from models.unit.intake import Repeated
from models.unit.timeline import KEPT

_OVER = 100  # scans without a repeat: the next one is another episode


class Notes:
    """What has been remarked of one unit.

    Parameters
    ----------
    unit
        Its id.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self.since_repeat = _OVER  # scans taken since the last repeat
        self.refused_us: int | None = None  # the broker's time of the first message refused since one was taken
        self.partitions: dict[str, list[int]] = {}  # topic -> the partitions its scans have come from

    def taken(self, scans: int) -> None:
        """So many scans more."""
        self.refused_us = None
        self.since_repeat = min(self.since_repeat + scans, _OVER)

    def unusable_s(self, broker_us: int) -> float:
        """For how long nothing that came could be used, by the broker's time; a refused message has come now."""
        self.refused_us = broker_us if self.refused_us is None else self.refused_us
        return (broker_us - self.refused_us) / 1e6

    def repeated(self, step: Repeated) -> Remark:
        """Repeats are counted, and logged once an episode."""
        new, self.since_repeat = self.since_repeat >= _OVER, 0
        detail = (
            f"sends again what it has sent, from {to_time(step.at_us).isoformat()} on: counted, and not judged again"
        )
        return Remark(unit=self._unit, kind="repeated", detail=detail if new else "", count=step.count)

    def streams(self, blocks: tuple[Block | ReadingBlock, ...]) -> Iterator[Remark]:
        """A unit in several partitions of one topic has no order of its own."""
        for block in blocks:
            known = self.partitions.setdefault(block.topic, [block.partition])
            if block.partition not in known:
                known.append(block.partition)
                names = ", ".join(map(str, sorted(known)))
                detail = f"its scans are in partitions {names} of topic {block.topic}: give its messages one key"
                yield Remark(unit=self._unit, kind="several-streams", detail=detail)

    def too_many(self, event: BatchEvent | OperatorAction) -> Remark:
        """An event that is not kept."""
        name = event.event if isinstance(event, BatchEvent) else event.action
        detail = f"{name} of {event.at.isoformat()} is left out: {KEPT} wait for their time already"
        return Remark(unit=self._unit, kind="too-many-events", detail=detail)
