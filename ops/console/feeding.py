"""The thread that reads Kafka and tells the plant and the records what has come."""

import logging
import threading
import time
from dataclasses import dataclass, field

from connectors.inputs.plant_reader import PlantReader, PollResult
from models.records.errors import PatrolError
from models.records.messages import Score
from ops.console.auditing import Auditing
from ops.console.plant import Plant
from ops.console.records import Records

LOG = logging.getLogger("patrol")
_IDLE_S = 0.02
_ASK_S = 2.0
_TIDY_SCANS = 10_000
_DOUBT_S = 3.0


@dataclass(slots=True)
class Feeding:
    """Runs while the page is served."""

    reader: PlantReader
    plant: Plant
    records: Records
    auditing: Auditing
    failed: str | None = None  # why it has ended by itself
    live_s: float = float("-inf")  # wall clock at which all was well last
    _stop: threading.Event = field(default_factory=threading.Event)
    _added: int = 0  # scans since the records were last kept to their budget
    _looked_s: float = field(default_factory=time.monotonic)
    _thread: threading.Thread | None = None

    @property
    def live(self) -> bool:
        """Whether what is shown is what Kafka holds; one lost connection of many is no reason to cry."""
        return self.failed is None and time.monotonic() - self.live_s < _DOUBT_S

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="console-feeding", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and close the consumers."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                polled = self.reader.poll()
                self._take(polled)
                self._look(arrived=bool(polled.feeds or polled.emitted))
        except PatrolError as exc:
            self.failed = str(exc)
            LOG.error("the console reads no more: %s", exc)
        finally:
            self.reader.close()

    def _look(self, *, arrived: bool) -> None:
        """Note whether all is well; where nothing comes, ask the broker now and then, and rest a little."""
        now_s = time.monotonic()
        if arrived or now_s - self._looked_s < _ASK_S:
            well = self.reader.live
        else:
            well, self._looked_s = self.reader.answers(), now_s
        if arrived:
            self._looked_s = now_s
        if well and self.reader.live:
            self.live_s = now_s
        if not arrived:
            self._stop.wait(_IDLE_S)

    def _take(self, polled: PollResult) -> None:
        caught_up = self.reader.caught_up
        for feed in polled.feeds:
            self.records.add(feed)
            count = sum(map(len, feed.blocks))
            self._added += count
            if count:
                newest_us = max(int(block.observed_us.max()) for block in feed.blocks if len(block))
                self.plant.scans(feed.unit, count, newest_us, live=caught_up)
        if self._added > _TIDY_SCANS:
            self._added = 0
            self.records.tidy()
        for record in polled.emitted:
            self.auditing.take(record)
            if isinstance(record, Score):
                self.plant.score(record, time.time_ns() // 1000)
                self.records.score(record)
            else:
                self.plant.deviation(record)
