"""The series of the console: whether what it shows is current, and who is refused (``docs/metrics.md``)."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics

from connectors.prometheus.exposition import Served, serve
from connectors.settings import Exposition


class ConsoleSeries:
    """The series, in a registry of their own: the console is a process of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._refused = Counter("patrol_console_sign_ins_refused", "Sign-ins refused", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def sign_in_refused(self) -> None:
        """Somebody gave a wrong name or password, or came too often."""
        self._refused.inc()

    def watch(self, stale: Callable[[], bool], behind: Callable[[], int], pages: Callable[[], int]) -> None:
        """What each scrape asks: is what is shown old, messages not read yet, pages open."""
        gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("patrol_console_stale", "1: what is shown may be old", stale),
            ("patrol_console_lag_messages", "Messages not read yet", behind),
            ("patrol_console_pages", "Pages open", pages),
        )
        for name, meaning, read in gauges:
            Gauge(name, meaning, registry=self.registry).set_function(read)

    def serve(self, exposition: Exposition, live: Callable[[], bool]) -> Served:
        """Serve /metrics, /livez and /readyz: see ``connectors.prometheus.exposition.serve``."""
        return serve(self.registry, exposition, ready=live, live=live, key="console.metrics_port")
