"""A real browser before the real console, flow and embedded broker; the plant is published as a test wishes.

Screenshots go to a temporary folder, or to PATROL_PICTURES (``docs/pictures``, when the page has changed).
"""

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from connectors.files.runs import RecordedRun
from connectors.kafka.publisher import Publisher
from models.records.messages import Record, Scan
from models.records.times import to_time, to_us
from ops.console.access.people import UserFile
from ops.demo.campaign import Campaign, campaign_batches, units
from ops.demo.demo_plant import DemoPlant, set_up
from ops.playing import Message, PlayOptions, messages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LIMIT_S = 30.0
HOURS_A_SECOND = 3.0
PASSWORD = "correct horse battery"
USERS = {"oscar": "operator", "vera": "viewer", "eve": "engineer"}


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Debian's chromium; where it must be there, its absence is a failure."""
    program, required = shutil.which("chromium"), os.environ.get("PATROL_REQUIRE_BROWSER") == "1"
    absent = None if program else "chromium is not on the PATH: apt-get install chromium"
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        absent = "playwright is not installed: .venv/bin/python -m pip install --require-hashes -r .ci/browser.lock"
    if absent and required:
        pytest.fail(f"{absent}, and PATROL_REQUIRE_BROWSER=1")
    if absent:
        pytest.skip(absent)
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=program, args=["--no-sandbox"])  # tests may run as root
        yield found
        found.close()


@dataclass(slots=True)
class Site:
    """What runs, and a plant whose time a test moves on."""

    demo_plant: DemoPlant
    url: str
    plant: list[Message] = field(default_factory=list)
    published: int = 0
    hours: float = 0.0

    @property
    def newest(self) -> str:
        """Time of day of the newest scan published of the first unit."""
        said = (m for m in reversed(self.plant[: self.published]) if isinstance(m.record, Scan))
        return f"{to_time(next(m for m in said if m.record.unit == 'BR-101').at_us):%H:%M} UTC"

    def until(self, hours: float) -> None:
        """Publish all that happens up to so many hours after the first batch's start, 3 h a second.

        (As fast as it can be, scans would overtake the batch events, which travel on another topic.)
        """
        self.hours = hours
        limit_us = self.plant[0].at_us + int(hours * 3.6e9)
        with Publisher(self.demo_plant.configuration.kafka) as publisher:
            while self.published < len(self.plant) and self.plant[self.published].at_us <= limit_us:
                message = self.plant[self.published]
                ahead_us = message.at_us - self.plant[max(0, self.published - 1)].at_us
                publisher.wait(ahead_us / 3.6e9 / HOURS_A_SECOND)
                publisher.publish(message.topic, message.record.unit, message.record)
                self.published += 1

    def say(self, topic: str, key: str, *records: Record) -> None:
        """Publish records of one's own."""
        with Publisher(self.demo_plant.configuration.kafka) as publisher:
            for record in records:
                publisher.publish(topic, key, record)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Three units; on the first the air is cut for an hour and a half, on the second a probe drifts."""
    campaign = Campaign(units(3), 1, (), 2)
    with serving(campaign) as found:
        started_us = to_us(datetime.now(UTC) - timedelta(hours=30))
        runs = [each.run for each in campaign_batches(campaign, started_us)]
        tags = found.demo_plant.configuration.twin.tag_names
        spoil(runs[0], tags.index("air_flow"), slice(100, 118), lambda values: 0.6 * values)
        spoil(runs[1], tags.index("ph"), slice(120, None), lambda values: values + 0.002 * np.arange(len(values)))
        twin, topics = found.demo_plant.configuration.twin, found.demo_plant.configuration.kafka.topics
        found.plant = list(messages(runs, twin, topics, PlayOptions(release=True)))
        yield found


@pytest.fixture(scope="module")
def wide() -> Iterator[Site]:
    """Fifty units."""
    with serving(Campaign(units(50), 1, (), 2)) as found:
        yield found


@pytest.fixture
def visit(browser: "Browser", tmp_path: Path) -> Iterator[Callable[..., "Page"]]:
    """Opens a page as somebody; at the end no page may have had an error or been refused anything by its policy."""
    contexts, trouble = [], []

    def opened(site: Site, name: str = "oscar", path: str = "/", **options: Any) -> "Page":
        context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(LIMIT_S * 1000)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda said: trouble.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(site.url.rstrip("/") + path)
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_selector("#link.good")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def picture(tmp_path: Path) -> Callable[["Page", str], Path]:
    """Takes a screenshot."""
    folder = Path(os.environ.get("PATROL_PICTURES", tmp_path))

    def taken(page: "Page", name: str) -> Path:
        path = folder / f"console-{name}.png"
        page.screenshot(path=path)
        if "PATROL_PICTURES" in os.environ:  # much smaller, and nobody sees it
            shot = Image.open(path).convert("RGB")
            shot.thumbnail((1920, 1920))
            shot.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
        return path

    return taken


def serving(campaign: Campaign) -> Any:
    """Broker, reference, flow and console, with one user a role, once the page answers."""
    from contextlib import contextmanager

    @contextmanager
    def served() -> Iterator[Site]:
        with set_up(campaign, lambda text: None, lambda demo_plant, done, total: None) as demo_plant:
            file = UserFile(Path(demo_plant.configuration.console.users))
            for name, role in USERS.items():
                file.put(name, role, PASSWORD)  # type: ignore[arg-type]
            settings = demo_plant.configuration.console
            url = f"http://{settings.address}:{settings.port}/"
            until(lambda: endpoints(f"{url}livez"), "the console to answer")
            yield Site(demo_plant, url)

    return served()


def spoil(run: RecordedRun, tag: int, rows: slice, how: Callable[[np.ndarray], np.ndarray]) -> None:
    """Something goes wrong with one tag."""
    run.values[rows, tag] = how(run.values[rows, tag])


def endpoints(url: str) -> bool:
    """Whether somebody serves it."""
    try:
        with urllib.request.urlopen(url, timeout=1) as found:
            return bool(found.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(holds: Callable[[], bool], what: str, within_s: float = LIMIT_S) -> float:
    """Wait for a condition; how long it took (s)."""
    began_s = time.monotonic()
    while not holds():
        assert time.monotonic() < began_s + within_s, f"waited {within_s:g} s for {what}"
        time.sleep(0.02)
    return time.monotonic() - began_s
