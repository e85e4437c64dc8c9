"""Publishes the plant while the flow is killed, keeps what it sent and in which order, and sends it all again."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from connectors.messages.codec import decode_emitted, encode
from models.records.messages import Deviation, OperatorAction
from tests.chaos.plant import SILENT, Plant, Sent
from tests.chaos.site import Site, until

_APART_S = 0.4  # between context and the scans it concerns, as in a plant
_ANSWER_S = 120.0  # a broker that was killed comes back


@dataclass(slots=True)
class Turn:
    """What was sent in one turn."""

    context: list[Sent]
    scans: list[Sent]
    silent: bool = False  # SILENT sends nothing
    resumes: int = 0  # silences of SILENT that must have been emitted before
    partitions: bool = False  # the topic of the scans gets one more


@dataclass(slots=True)
class Recording:
    """All turns sent."""

    turns: list[Turn] = field(default_factory=list)


class Publisher:
    """Sends to one site.

    Parameters
    ----------
    site
        Where to.
    turn_s
        Wall clock from turn to turn.
    """

    def __init__(self, site: Site, turn_s: float) -> None:
        self.site, self._turn_s = site, turn_s
        self._deviations = Deviations(site)
        self.refused = 0
        self._renew()

    def send(self, turn: Turn) -> None:
        """One turn: its context first, and then its scans."""
        if turn.partitions:
            self.flush()
            self.site.add_partition("scans")
            self._renew()
        if turn.resumes:
            silences = self._deviations.silences
            until(lambda: self._deviations.read() or len(silences) >= turn.resumes, 60, f"{SILENT} to be called quiet")
        if turn.context:
            self._produce(turn.context)
            self.flush()
            time.sleep(_APART_S)
        self._produce(turn.scans)
        time.sleep(self._turn_s)

    def flush(self) -> None:
        """Until Kafka has it all."""
        assert self._producer.flush(_ANSWER_S) == 0, "Kafka took not all of the plant"

    def _renew(self) -> None:
        """A producer that knows the topics as they are."""
        settings = {"bootstrap.servers": self.site.bootstrap, "enable.idempotence": True, "linger.ms": 2}
        self._producer = Producer(settings | {"message.timeout.ms": 0, "reconnect.backoff.max.ms": 500})

    def _produce(self, messages: list[Sent]) -> None:
        for sent in messages:
            at_ms, refused = int(sent.at.timestamp() * 1000), partial(self._on_delivery, messages, sent)
            self._producer.produce(
                self.site.topic(sent.kind), sent.value, sent.key, timestamp=at_ms, on_delivery=refused
            )
            self._producer.poll(0)

    def _on_delivery(self, messages: list[Sent], sent: Sent, error: KafkaError | None, _message: Message) -> None:
        """What Kafka does not take while it is killed is no part of the recording."""
        if error is not None:
            self.refused += 1
            messages[:] = [each for each in messages if each is not sent]

    @property
    def deviations(self) -> "Deviations":
        """What the flow has emitted."""
        return self._deviations


class Live(threading.Thread):
    """The plant as it runs: publishes turn after turn, and acts on deviations as people do.

    Parameters
    ----------
    publisher
        Sends.
    plant
        What is sent.
    """

    def __init__(self, publisher: Publisher, plant: Plant) -> None:
        super().__init__(name="plant", daemon=True)
        self.publisher, self._plant = publisher, plant
        self.recording, self.failure = Recording(), ""
        self.done, self.calm = threading.Event(), threading.Event()  # calm: the flow must live for a while
        self._silent_since: int | None = None
        self._resumed = 0

    def run(self) -> None:
        """Publish until ``done``, and then the ends of all batches."""
        try:
            n = 0
            while not self.done.is_set() or self._silent_since is not None:
                self._turn(n)
                n += 1
            self._send(Turn(self._plant.ends(n), []))
            self.publisher.flush()
        except Exception as exc:  # noqa: BLE001 - the trial must hear of it
            self.failure = f"{type(exc).__name__}: {exc}"

    def _turn(self, n: int) -> None:
        turn = Turn([*self._plant.context(n), *self._actions(n)], [], partitions=n == 700)
        silences = len(self.publisher.deviations.silences)
        if n % 500 == 300:
            self._silent_since = silences
            self.calm.set()
        if self._silent_since is not None and silences > self._silent_since:
            self._silent_since, self._resumed = None, silences
            turn.resumes = silences
            self.calm.clear()
        turn.silent = self._silent_since is not None
        turn.scans = list(self._plant.scans(n, silent=turn.silent))
        self._send(turn)

    def _send(self, turn: Turn) -> None:
        self.recording.turns.append(turn)
        self.publisher.send(turn)

    def _actions(self, n: int) -> list[Sent]:
        """Every fourth deviation is acknowledged, some are shelved: each of them once."""
        actions = []
        for k, deviation in self.publisher.deviations.news():
            if k % 4:
                continue
            at = self._plant.at(n - 0.3)
            until_at = at + timedelta(minutes=5) if k % 12 == 0 else None
            action = OperatorAction(
                action="shelve" if until_at else "acknowledge", deviation_id=deviation.deviation_id,
                unit=deviation.unit, by="chaos", at=at, reason="trial", until=until_at,
            )  # fmt: skip
            actions.append(Sent("actions", deviation.unit, encode(action), at))
        return actions


class Deviations:
    """The deviations topic as a screen reads it."""

    def __init__(self, site: Site) -> None:
        settings = {"bootstrap.servers": site.bootstrap, "group.id": "chaos", "enable.auto.commit": False}
        self._consumer = Consumer(settings | {"reconnect.backoff.max.ms": 500})
        self._consumer.assign([TopicPartition(site.topic("deviations"), p, 0) for p in range(3)])
        self._known: dict[str, Deviation] = {}
        self._taken = 0
        self.silences: set[str] = set()

    def read(self) -> bool:
        """Take what has come; always False."""
        for message in self._consumer.consume(500, timeout=0):
            record = decode_emitted(message.value() or b"") if message.error() is None else None
            if isinstance(record, Deviation):
                self._known.setdefault(record.deviation_id, record)
                if record.cause == "quiet" and record.unit == SILENT:
                    self.silences.add(record.deviation_id)
        return False

    def news(self) -> list[tuple[int, Deviation]]:
        """Deviations seen for the first time, numbered."""
        self.read()
        first, self._taken = self._taken, len(self._known)
        return [(k, each) for k, each in enumerate(self._known.values()) if k >= first]


def publish_again(recording: Recording, publisher: Publisher, caught_up: Callable[[], bool], quiet_s: float) -> None:
    """Send a recording to another site, as fast as may be; a silence takes as long as it must to be noticed."""
    turns, slowly_s = recording.turns, 0.0
    for k, turn in enumerate(turns):
        if turn.silent and not slowly_s:
            publisher.flush()
            until(caught_up, 120, "all before the silence is judged")
            length = next((n for n, each in enumerate(turns[k:]) if not each.silent), 1)
            slowly_s = 2 * quiet_s / length
        elif not turn.silent:
            slowly_s = 0.0
        publisher.send(turn)
        time.sleep(slowly_s)
    publisher.flush()
