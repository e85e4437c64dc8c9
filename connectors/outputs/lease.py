"""Who writes for a twin, for runs on other hosts to see: kept as the text of a committed offset, renewed every second.

It is manners, not the fence (``transactions``): it lets a second run end, or stand by, before it takes the writing from
one that lives. A broker that keeps no such texts (the embedded one) shows nobody.
"""

import logging
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.kafka.clients import FORBIDDEN, client_config, open_client
from connectors.settings import Kafka
from models.records.errors import BrokerError

LOG = logging.getLogger("patrol")
_ANSWER_S = 2.0


class AwayError(BrokerError):
    """The claim can be neither read nor renewed now."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the writer says of itself; the text is for people, ``writer`` and ``beat`` are compared."""

    writer: str  # host and recovery folder: a run that is started again there takes over at once
    pid: int
    since: datetime
    beat: int  # renewals

    def __str__(self) -> str:
        """Who it is, in words."""
        return f"{self.writer}, process {self.pid}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class Lease:
    """The claim of one run.

    Parameters
    ----------
    kafka
        The broker; ``topics.deviations`` and the twin's name make the place.
    twin
        The twin's name.
    folder
        The recovery folder of this run.
    """

    def __init__(self, kafka: Kafka, twin: str, folder: Path) -> None:
        self.own = Claim(
            writer=f"{socket.gethostname()}:{folder.resolve()}", pid=os.getpid(), since=datetime.now(UTC), beat=0
        )
        self.group = f"patrol.{twin}"
        settings: dict[str, object] = {"group.id": self.group, "enable.auto.commit": False}
        self._topic = kafka.topics.deviations
        self._consumer = open_client(Consumer, settings | client_config(kafka))

    def other(self) -> Claim | None:
        """The claim of a run that is not this one; None: there is none, or the broker keeps none.

        Raises
        ------
        AwayError
            The broker does not answer.
        """
        try:
            (found,) = self._consumer.committed([TopicPartition(self._topic, 0)], timeout=_ANSWER_S)
        except KafkaException as exc:
            if exc.args[0].code() not in FORBIDDEN:
                raise AwayError(exc.args[0].str()) from exc
            LOG.warning("group %s may not be read: whether another run writes is not seen before it starts", self.group)
            return None
        try:
            claim = msgspec.json.decode(found.metadata or "", type=Claim)
        except msgspec.DecodeError:  # released, or somebody else's
            return None
        return None if claim.writer == self.own.writer else claim

    def renew(self) -> None:
        """Say again that this run writes; waits for a broker that is away.

        Raises
        ------
        AwayError
            The broker does not answer, or refuses.
        """
        self.own = msgspec.structs.replace(self.own, beat=self.own.beat + 1)
        self._commit(msgspec.json.encode(self.own).decode())

    def release(self) -> None:
        """Leave the place to others. Raises as ``renew`` does."""
        self._commit("")

    def _commit(self, text: str) -> None:
        place = TopicPartition(self._topic, 0, self.own.beat, metadata=text)
        try:
            self._consumer.commit(offsets=[place], asynchronous=False)
        except KafkaException as exc:
            raise AwayError(exc.args[0].str()) from exc
