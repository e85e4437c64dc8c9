"""Settings of the edges: the twin file's sections about Kafka, recordings, references, recovery and metrics."""

from typing import Annotated, Literal

from msgspec import Meta

from models.records.twin import NotNegative, Positive, Section


class Topics(Section, frozen=True, kw_only=True):
    """``[kafka.topics]``: topic names. Several input topics of one kind are given as a list."""

    scans: tuple[str, ...] = ("pat.scans",)  # scan/1 and reading/1
    batch_events: tuple[str, ...] = ("mes.batch-events",)
    lab_results: tuple[str, ...] = ("lab.results",)
    operator_actions: tuple[str, ...] = ("operator.actions",)
    deviations: str = "patrol.deviations"
    scores: str = "patrol.scores"
    dead_letters: str = "patrol.dead-letters"

    @property
    def context(self) -> tuple[str, ...]:
        """The topics that are read ahead of the scans."""
        return (*self.batch_events, *self.lab_results, *self.operator_actions)


class Kafka(Section, frozen=True, kw_only=True):
    """``[kafka]``: the broker. ``config`` is passed through to librdkafka; ``secrets`` too, read at the start."""

    bootstrap_servers: str = "127.0.0.1:9092"
    topics: Topics = Topics()
    config: dict[str, str | int | float | bool] = {}  # any librdkafka setting, e.g. "security.protocol"
    secrets: dict[str, str] = {}  # librdkafka setting -> "env:NAME" or "file:PATH"
    poll_messages: Annotated[int, Meta(ge=1)] = 5000  # at most, a poll; in a backlog 8 times as many
    settle_s: Positive = 0.5  # wall clock: context waits this long for older scans before it applies
    drain_s: Positive = 10.0  # wall clock: how long stopping may wait for deliveries


class Recording(Section, frozen=True, kw_only=True):
    """``[recording]``: how a CSV or Parquet recording's columns map to scans."""

    time: str = "time_h"  # column
    time_is: Literal["age_h", "age_s", "utc", "row"] = "age_h"  # age, UTC (where no zone is given), or evenly by row
    batch: str | None = "batch"  # column; none: a continuous process
    unit: str | None = None  # column; none: the batch's id (batch mode) or the file's name (continuous) names the unit
    phase: str | None = None  # column
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    columns: dict[str, str] = {}  # tag -> column, where they differ
    ignore: tuple[str, ...] = ()  # columns that are known and not used


class References(Section, frozen=True, kw_only=True):
    """``[references]``: the store of reference versions."""

    store: str = "refs"  # folder


class Recovery(Section, frozen=True, kw_only=True):
    """``[recovery]``: where ``patrol run`` keeps its snapshots."""

    folder: str = "recovery"
    epoch_s: NotNegative = 0.1  # wall clock between snapshots


class Exposition(Section, frozen=True, kw_only=True):
    """``[metrics]``: where /metrics, /livez and /readyz are served."""

    address: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9464  # 0: any free port
    learn_port: Annotated[int, Meta(ge=0, le=65535)] = 9467  # the same of `patrol learn`


class Proxy(Section, frozen=True, kw_only=True):
    """``[console.proxy]``: a reverse proxy that signs people in and says who they are in headers."""

    trusted: tuple[str, ...] = ()  # addresses or networks; from anywhere else the headers mean nothing
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"  # names with commas between
    viewers: tuple[str, ...] = ()  # groups whose members may look
    operators: tuple[str, ...] = ()  # groups whose members may act
    engineers: tuple[str, ...] = ()  # groups whose members may act, and shelve for long


class Console(Section, frozen=True, kw_only=True):
    """``[console]``: the control-room page."""

    address: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 9465  # 0: any free port
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 9466  # on metrics.address; 0: any free port
    users: str = "users.toml"  # file of who may sign in
    secret: str = ""  # "env:NAME" or "file:PATH": what signs the cookies; none: a new one at every start
    tls_certificate: str = ""  # PEM file; none: plain HTTP, for this machine or behind a proxy only
    tls_key: str = ""
    session_h: Positive = 12.0  # after so long one signs in again
    history_h: Positive = 72.0  # scans older than this (broker's time) are not read at the start
    memory_mb: Positive = 256.0  # of scans kept; the oldest ended batches go first
    proxy: Proxy = Proxy()
