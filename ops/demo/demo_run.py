"""The show: publishes the plant at its speed, follows what PATrol says, and tells both."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.kafka.follower import Follower
from connectors.kafka.publisher import Publisher
from connectors.kafka.stop import Stop
from models.records.messages import BatchEvent, Deviation, Scan
from models.records.times import to_us
from ops.demo.campaign import Campaign, CampaignBatch, campaign_batches
from ops.demo.demo_plant import DemoPlant
from ops.demo.results import DemoResults
from ops.demo.viewing import View
from ops.playing import Message, PlayOptions, messages

_TICK_S = 0.05
_QUIET_S = 2.0  # wall clock: nothing has come for so long after the last scan: all is said
_LAST_S = 15.0


@dataclass(slots=True)
class DemoRun:
    """One run of the demo."""

    campaign: Campaign
    view: View
    speed: float  # event seconds a second
    forever: bool
    results: DemoResults
    stop: Stop  # asked for by a signal, whose exception a library's callback may swallow
    started_s: float = field(default_factory=time.monotonic)
    first_s: float | None = None  # when the first deviation came
    _demo_plant: DemoPlant = field(init=False)

    def play(self, demo_plant: DemoPlant) -> None:
        """Until all batches have been shown and judged (or, forever, until interrupted).

        Raises
        ------
        KeyboardInterrupt
            It is to stop.
        FlowError
            The flow has died.
        DeliveryError, BrokerError
            The broker has failed.
        """
        self._demo_plant, kafka = demo_plant, demo_plant.configuration.kafka
        with Publisher(kafka) as publisher, Follower(kafka) as follower:
            began_s, first_us = time.monotonic(), 0
            for message in self._messages():
                first_us = first_us or message.at_us
                due_s = began_s + (message.at_us - first_us) / 1e6 / self.speed
                while (left_s := due_s - time.monotonic()) > 0:
                    self._follow(follower, min(left_s, _TICK_S), message.at_us)
                self._publish(publisher, message)
            publisher.flush()
            self._wait_for_the_rest(follower, message.at_us)

    # -- inside --------------------------------------------------------------------------------------------------

    def _messages(self) -> Iterator[Message]:
        """All that happens, in order of event time, which began so long ago that none of it lies in the future."""
        length = timedelta(seconds=self.campaign.length_s)
        began = datetime(2000, 1, 1, tzinfo=UTC) if self.forever else datetime.now(UTC) - length - timedelta(hours=3)
        number = 0
        while number == 0 or self.forever:
            batches = campaign_batches(self.campaign, to_us(began + number * length), number)
            self.results.expect(batches)
            yield from self._round(batches)
            number += 1

    def _round(self, batches: list[CampaignBatch]) -> Iterator[Message]:
        configuration = self._demo_plant.configuration
        faulty = {each.batch_id for each in batches if each.faults}
        for message in messages(
            [each.run for each in batches], configuration.twin, configuration.kafka.topics, PlayOptions(release=True)
        ):
            record = message.record
            if isinstance(record, BatchEvent) and record.event == "released" and record.batch_id in faulty:
                record = msgspec.structs.replace(record, event="rejected")
            yield Message(message.at_us, message.topic, record)

    def _heed(self) -> None:
        if self.stop.requested:
            raise KeyboardInterrupt

    def _publish(self, publisher: Publisher, message: Message) -> None:
        self._heed()
        record = message.record
        publisher.publish(message.topic, record.unit, record)
        if isinstance(record, BatchEvent):
            self._note(record)
        elif isinstance(record, Scan):
            for each in self.results.published(record.unit, message.at_us, self._now_s()):
                self.view.injected(each)

    def _note(self, event: BatchEvent) -> None:
        unit = self.results.units[event.unit]
        if event.event == "started":
            unit.batch_id = event.batch_id
        elif event.event == "ended":
            unit.batch_id, self.results.batches = None, self.results.batches + 1
        self.view.event(event)

    def _follow(self, follower: Follower, timeout_s: float, at_us: int) -> None:
        for record in follower.poll(timeout_s):
            if self.results.take(record, self._now_s()) and isinstance(record, Deviation):
                self.first_s = self._now_s() if self.first_s is None else self.first_s
                self.view.deviation(record, self.results)
        self._demo_plant.check()
        self._heed()
        self.view.now(self.results, at_us)

    def _wait_for_the_rest(self, follower: Follower, at_us: int) -> None:
        ended_s = self._now_s()
        while (now_s := self._now_s()) < ended_s + _LAST_S:
            self._follow(follower, _TICK_S, at_us)
            if now_s - max(self.results.last_s, ended_s) > _QUIET_S:
                return

    def _now_s(self) -> float:
        return time.monotonic() - self.started_s
