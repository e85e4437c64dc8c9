"""Topics at the broker: made where they are missing."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.clients import client_config
from connectors.settings import Kafka
from models.errors import BrokerError

_TIMEOUT_S = 20.0


def create_topics(kafka: Kafka, names: Iterable[str], partitions: int, replicas: int = 1) -> None:
    """Make topics; one that is there already stays as it is.

    Raises
    ------
    BrokerError
        The broker cannot be reached or refuses.
    """
    client = AdminClient(client_config(kafka))
    wanted = [NewTopic(name, partitions, replicas) for name in names]
    for name, future in client.create_topics(wanted, operation_timeout=_TIMEOUT_S).items():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as exc:
            error = exc.args[0]
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise BrokerError(f"topic {name!r} cannot be made: {error.str()}; make it, or allow PATrol to") from exc
