"""What can go wrong, and what a person does about it.

ConfigError       exit 2   the twin's file is wrong: mend the key it names
ReferenceError    exit 3   no reference, not approved, or its checksum fails: fit, approve or restore it
DeliveryError     exit 4   Kafka did not confirm what was written: mend the broker or permissions, start again
RecordingError    exit 5   a recording cannot be read: mend the file, row or column it names
BrokerError       exit 6   the broker cannot be used as configured (topic missing, permission): mend and start again
RecoveryError     exit 7   the recovery store is another's, held, damaged or gone: restore it, or choose another folder
WriterError       exit 8   another run writes for this twin: end one of them, or start this one with --standby
StoppedError      exit 0   asked to stop before it had begun: nothing was written, and the next start does it all

Bad messages are not errors but values: ``Rejected`` records with one of REASONS, on the dead-letter topic.
"""

from collections.abc import Iterator

REASONS = (
    "malformed",  # not JSON, or a field missing or of the wrong type
    "unknown-type",  # `type` names no record this topic takes
    "wrong-topic",  # a record of a type that is not taken from its topic
    "naive-time",  # a time without a zone
    "not-finite",  # NaN or Infinity
    "unknown-tag",  # a tag the twin does not know (a scan's other tags are judged)
    "unknown-unit",  # a unit the twin does not list
    "late",  # observed before a scan already judged, by more than the twin's lateness
    "implausible-time",  # dated a day later than the broker had it, or far from the scans before and after it
    "other-batch",  # the scan names a batch other than the one running on its unit
)

REMARKS = (
    "late-event",  # a batch event for a time already judged: it applies from the next scan on
    "repeated",  # a scan or event that says again what is already known
    "several-streams",  # a unit's scans come from several partitions of a topic: their order hangs on the backlog
    "too-many-events",  # more context of a unit waits for its time than is kept: the newest is left out
    "unwatched",  # scans of a unit on which no batch runs, given up waiting for its start
    "disagreement",  # the frozen reference and the batch's own learner have disagreed for long
    "unknown-deviation",  # an action on a deviation that is not open
    "unknown-product",  # a batch of a product no reference exists for
    "unknown-batch",  # an event about a batch that is not running here
)


class PatrolError(Exception):
    """Base of all errors a person can do something about; ``str()`` says what, where and how."""

    exit_code = 1


class ConfigError(PatrolError):
    """The twin's configuration cannot be used."""

    exit_code = 2


class ReferenceError(PatrolError):
    """The reference a batch should be judged against cannot be used."""

    exit_code = 3


class DeliveryError(PatrolError):
    """The broker refused records, or did not confirm them within the time allowed while stopping."""

    exit_code = 4

    def __init__(self, topic: str, undelivered: int, reason: str) -> None:
        super().__init__(topic, undelivered, reason)
        self.topic, self.undelivered, self.reason = topic, undelivered, reason

    def __str__(self) -> str:
        """How many records of which topic, and why."""
        return f"{self.undelivered} record(s) not delivered to topic {self.topic!r}: {self.reason}"


class RecordingError(PatrolError):
    """A recording (CSV or Parquet) cannot be read."""

    exit_code = 5


class BrokerError(PatrolError):
    """The broker cannot be used as configured."""

    exit_code = 6


class RecoveryError(PatrolError):
    """The recovery store cannot be used with this configuration, or by this PATrol."""

    exit_code = 7


class WriterError(PatrolError):
    """Another run of the twin is its writer; a supervisor must not start this one again by itself."""

    exit_code = 8


class StoppedError(PatrolError):
    """Asked to stop before it had begun; nothing was read or written, which is no failure."""

    exit_code = 0


def causes(exc: BaseException) -> Iterator[BaseException]:
    """An exception and what caused it, each once: Bytewax makes chains, and a chain may lead back into itself.

    Examples
    --------
    >>> wrapped = RuntimeError("in step")
    >>> wrapped.__cause__ = wrapped
    >>> list(causes(wrapped))
    [RuntimeError('in step')]
    """
    seen: set[int] = set()
    cause: BaseException | None = exc
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__
