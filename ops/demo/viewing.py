"""Two ways to watch the show: a live table on a terminal, a line an event everywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape

from models.records.messages import BatchEvent, Deviation
from models.records.times import to_time
from ops.demo.campaign import Campaign
from ops.demo.demo_plant import DemoPlant
from ops.demo.lines import deviation_line, event_line, injected_line
from ops.demo.results import DemoResults, Injected
from ops.demo.screen import screen

_REDRAW_S = 0.2


class View(Protocol):
    """Who tells the viewer what happens."""

    def step(self, text: str) -> None:
        """Something is set up or taken down."""

    def fitting(self, demo_plant: str, done: int, total: int) -> None:
        """How the reference's fit goes."""

    def begin(self, demo_plant: DemoPlant, campaign: Campaign, speed: float) -> None:
        """The show begins."""

    def event(self, event: BatchEvent) -> None:
        """The plant says something of a batch."""

    def injected(self, each: Injected) -> None:
        """Something is broken on purpose."""

    def deviation(self, deviation: Deviation, results: DemoResults) -> None:
        """A deviation is new or has changed."""

    def now(self, results: DemoResults, event_at_us: int) -> None:
        """Some time has passed."""


class Lines:
    """A plain line an event, with the seconds since the start of the command."""

    def __init__(self, console: Console) -> None:
        self._console, self._began_s = console, time.monotonic()

    def step(self, text: str) -> None:
        """One line."""
        self._line(text)

    def fitting(self, demo_plant: str, done: int, total: int) -> None:
        """A line when a stage of the fit is done."""
        if done == total:
            self._line(f"reference: {demo_plant} {done}/{total}")

    def begin(self, demo_plant: DemoPlant, campaign: Campaign, speed: float) -> None:
        """Where to look."""
        self._line(header(demo_plant, campaign, speed))

    def event(self, event: BatchEvent) -> None:
        """One line."""
        self._line(event_line(event))

    def injected(self, each: Injected) -> None:
        """One line."""
        self._line(injected_line(each))

    def deviation(self, deviation: Deviation, results: DemoResults) -> None:
        """One line."""
        self._line(deviation_line(deviation, results))

    def now(self, results: DemoResults, event_at_us: int) -> None:
        """Nothing."""

    def _line(self, text: str) -> None:
        after_s = time.monotonic() - self._began_s
        self._console.out(f"{after_s:6.1f} s  {text}", highlight=False)


class Table(Lines):
    """Steps as lines, then the live table."""

    def __init__(self, console: Console, live: Live) -> None:
        super().__init__(console)
        self._live, self._drawn_s, self._header = live, float("-inf"), ""

    def begin(self, demo_plant: DemoPlant, campaign: Campaign, speed: float) -> None:
        """The table appears."""
        self._header = header(demo_plant, campaign, speed)
        self._live.start()

    def event(self, event: BatchEvent) -> None:
        """In the table."""

    def injected(self, each: Injected) -> None:
        """In the table."""

    def deviation(self, deviation: Deviation, results: DemoResults) -> None:
        """At once."""
        self._drawn_s = float("-inf")

    def now(self, results: DemoResults, event_at_us: int) -> None:
        """Draw, now and then."""
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _REDRAW_S:
            self._drawn_s = now_s
            clock = f"{to_time(event_at_us):%Y-%m-%d %H:%M} UTC"
            self._live.update(screen(results, escape(f"PATrol demo  {clock}  {self._header}")), refresh=True)


@contextmanager
def viewer(console: Console) -> Iterator[View]:
    """The right way to watch on this console; the live table stays on it at the end."""
    live = Live(console=console, auto_refresh=False)
    try:
        yield Table(console, live) if console.is_terminal else Lines(console)
    finally:
        live.stop()


def header(demo_plant: DemoPlant, campaign: Campaign, speed: float) -> str:
    """E.g. ``3 units, x5200, metrics http://127.0.0.1:9464/metrics, kafka 127.0.0.1:9092``."""
    kafka = demo_plant.configuration.kafka.bootstrap_servers
    console = f"console {demo_plant.page}"
    return f"{len(campaign.units)} units, time x{speed:,.0f}, {console}, metrics {demo_plant.metrics}, kafka {kafka}"
