"""The thread that reads Kafka and tells the plant and the records what has come."""

import logging
import threading
import time
from dataclasses import dataclass, field

from connectors.plant_reader import News, PlantReader
from models.errors import PatrolError
from models.records import Score
from ops.console.plant import Plant
from ops.console.records import Records

LOG = logging.getLogger("patrol")
_IDLE_S = 0.02
_TIDY_S = 10.0
_DOUBT_S = 3.0


@dataclass(slots=True)
class Feeding:
    """Runs while the page is served."""

    reader: PlantReader
    plant: Plant
    records: Records
    failed: str | None = None  # why it has ended by itself
    live_s: float = float("-inf")  # wall clock at which all was well last
    _stop: threading.Event = field(default_factory=threading.Event)
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
        tidied_s = time.monotonic()
        try:
            while not self._stop.is_set():
                news = self.reader.poll()
                self._tell(news)
                if self.reader.live:
                    self.live_s = time.monotonic()
                if not news.feeds and not news.said:
                    self._stop.wait(_IDLE_S)
                if time.monotonic() - tidied_s > _TIDY_S:
                    tidied_s = time.monotonic()
                    self.records.tidy()
        except PatrolError as exc:
            self.failed = str(exc)
            LOG.error("the console reads no more: %s", exc)
        finally:
            self.reader.close()

    def _tell(self, news: News) -> None:
        caught_up = self.reader.caught_up
        for feed in news.feeds:
            self.records.add(feed)
            count = sum(map(len, feed.blocks))
            if count:
                newest_us = max(int(block.observed_us.max()) for block in feed.blocks if len(block))
                self.plant.scans(feed.unit, count, newest_us, live=caught_up)
        for record in news.said:
            if isinstance(record, Score):
                self.plant.score(record, time.time_ns() // 1000)
                self.records.score(record)
            else:
                self.plant.deviation(record)
