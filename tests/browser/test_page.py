"""The page in a real browser: a fault is injected, appears, is acknowledged by a click, and clears."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connectors.messages.codec import decode
from models.records.messages import OperatorAction, Origin
from tests.broker.conftest import messages as held
from tests.browser.conftest import PASSWORD, Site, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., "Page"]
Picture = Callable[["Page", str], Path]
ROW = ".list tbody tr"


def child(site: Site, word: str) -> int:
    """The site's own process of this name: other tests' brokers run beside it."""
    configuration = site.demo_plant.configuration
    own = {"console": str(configuration.path), "tansu": f"tcp://{configuration.kafka.bootstrap_servers}"}[word]
    for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        if own in words and word in [Path(each).name for each in words]:
            return int(pid)
    raise AssertionError(f"no {word} runs")


def actions(site: Site, count: int) -> list[tuple[str, OperatorAction]]:
    """Key and record of every action there is."""
    topic = site.demo_plant.configuration.kafka.topics.operator_actions[0]
    found = held(site.demo_plant.configuration.kafka, topic, count, partitions=1)
    return [
        (message.key().decode(), decode(message.value(), Origin(topic=topic, partition=0, offset=0)))
        for message in found
    ]


def test_1_nothing_is_open_while_the_plant_runs_well(site: Site, visit: Visit, picture: Picture) -> None:
    page = visit(site)
    site.until(8.0)
    page.wait_for_selector('.tile:has-text("BR-101"):has-text("FEED")')
    assert page.locator(".tile").count() == 3
    assert page.locator(ROW).count() == 0
    assert "No open deviation" in page.locator(".empty").inner_text()


def test_2_a_fault_appears_is_acknowledged_by_a_click_and_clears(site: Site, visit: Visit, picture: Picture) -> None:
    page = visit(site)
    site.until(9.0)
    row = page.locator(f"{ROW}.unack", has_text="Air flow")
    row.wait_for()
    assert "BR-101" in row.inner_text()
    assert "high" in row.inner_text()
    assert page.locator(".count.unack").inner_text().startswith("1 ")
    row.click()
    page.wait_for_selector(".detail .contributors li")
    picture(page, "deviation")
    page.locator(".detail button.chief", has_text="Acknowledge").click()
    page.locator(f"{ROW}.acked", has_text="Air flow").wait_for()
    assert "oscar" in page.locator(f"{ROW}.acked .c-who").inner_text()
    key, action = actions(site, 1)[0]
    assert (key, action.action, action.by, action.deviation_id) == (
        "BR-101", "acknowledge", "oscar", "BR-101/B101/process:air_flow/1",
    )  # fmt: skip
    site.until(13.5)
    until(lambda: page.locator(ROW, has_text="Air flow").count() == 0, "the deviation to clear")
    page.locator(".detail .history li", has_text="returned to normal").wait_for()
    assert page.locator(".detail .history li", has_text="oscar acknowledged").count() == 1


def test_3_what_the_flow_says_is_on_the_page_within_a_second(site: Site, visit: Visit) -> None:
    """From the broker's confirmation of a deviation's revision to the row, over the real broker."""
    from tests.ops.console.conftest import deviation

    page = visit(site)
    took = []
    for k in range(5):
        said = deviation(deviation_id=f"BR-103/B301/process/{k}", unit="BR-103", batch_id="B301", message=f"quick {k}")
        site.say(site.demo_plant.configuration.kafka.topics.deviations, said.deviation_id, said)
        began_s = time.monotonic()
        page.wait_for_selector(f'{ROW}:has-text("Quick {k}")')
        took.append(time.monotonic() - began_s)
        gone = deviation(2, "NORM", 11, deviation_id=said.deviation_id, unit="BR-103", batch_id="B301")
        site.say(site.demo_plant.configuration.kafka.topics.deviations, said.deviation_id, gone)
    until(lambda: page.locator(ROW, has_text="Quick").count() == 0, "them to go")
    print(f"on the page after {', '.join(f'{s:.2f}' for s in took)} s")
    assert max(took) < 1.0


def test_4_with_the_keyboard_alone_it_is_commented_shelved_and_taken_back(
    site: Site, visit: Visit, picture: Picture
) -> None:
    page = visit(site)
    site.until(22.0)
    row = page.locator(ROW, has_text="BR-102").first
    row.wait_for()
    page.keyboard.press("j")
    until(lambda: page.evaluate("document.activeElement.tagName") == "TR", "the first row to have the focus")
    page.keyboard.press("c")
    page.keyboard.type("probe was calibrated this morning")
    page.locator("dialog[open] button.chief").press("Enter")
    page.locator(ROW, has_text="calibrated").wait_for()
    page.locator(ROW, has_text="calibrated").focus()
    page.keyboard.press("s")
    page.wait_for_selector("dialog[open] select")
    page.keyboard.type("maintenance has it")
    picture(page, "shelve")
    page.keyboard.press("Enter")
    until(lambda: page.locator(".count.shlvd").inner_text().startswith("1 "), "it to be shelved")
    assert page.locator(ROW, has_text="calibrated").count() == 0
    page.locator(".count.shlvd").click()
    shelved = page.locator(f"{ROW}.shlvd", has_text="maintenance has it")
    shelved.wait_for()
    assert re.search(r"until .*\d\d:\d\d", shelved.inner_text())
    shelved.focus()
    page.keyboard.press("u")
    page.locator(f"{ROW}.unack", has_text="oscar").wait_for()
    made = [action.action for _, action in actions(site, 4)]
    assert made == ["acknowledge", "comment", "shelve", "unshelve"]


def test_5_a_batch_stands_against_its_envelope_and_a_link_shows_the_same(
    site: Site, visit: Visit, picture: Picture
) -> None:
    page = visit(site)
    page.locator(".tile", has_text="BR-101").click()
    page.wait_for_selector(".chart canvas")
    assert page.locator(".chart canvas").count() == 16  # T², SPE and fourteen tags
    page.locator(".marks button", has_text="Air flow").click()
    page.wait_for_selector('.side h2:has-text("At 8.")')
    assert page.locator(".side .contributors b").first.inner_text() == "air flow"
    assert page.locator(".chart.ranked .name b").first.inner_text() == "air flow"
    moved = page.locator(".side h2").inner_text()
    assert moved.endswith(" h, FEED")
    page.keyboard.press("ArrowRight")
    until(lambda: page.locator(".side h2").inner_text() != moved, "the moment to move")
    page.get_by_label("Compare with").select_option(label="R001 BR-101 (learnt)")
    page.get_by_label("What runs along").select_option("maturity")
    until(lambda: "with=" in page.url and "x=maturity" in page.url, "the address to say it")
    picture(page, "batch")
    other = visit(site, "vera", page.url.removeprefix(site.url.rstrip("/")))
    other.wait_for_selector(".side .contributors b")
    assert other.url == page.url
    assert other.locator(".side h2").inner_text() == page.locator(".side h2").inner_text()
    assert other.get_by_label("Compare with").input_value() == "BR-101|R001"
    axis = "document.querySelector('.u-over').offsetLeft"  # as wide as its numbers are large
    small = other.evaluate(axis)
    other.set_viewport_size({"width": 3840, "height": 2160})
    until(lambda: other.evaluate(axis) > 1.9 * small, "the charts' letters to grow with the page's")


def test_6_a_viewer_has_nothing_to_press(site: Site, visit: Visit) -> None:
    page = visit(site, "vera")
    row = page.locator(ROW).first
    row.wait_for()
    assert page.locator(".c-act button").count() == 0
    row.focus()
    page.keyboard.press("a")
    page.locator("#said.trouble", has_text="signed in as viewer: operators act").wait_for()


@pytest.mark.parametrize(("which", "why"), [("console", "nothing has been heard"), ("tansu", "Kafka does not answer")])
def test_7_the_page_says_loudly_that_it_is_stale_and_comes_back_by_itself(
    site: Site, visit: Visit, picture: Picture, which: str, why: str
) -> None:
    """The console hangs; or the broker does, which gives no error for a minute."""
    page = visit(site)
    page.locator(ROW).first.wait_for()
    pid = child(site, which)
    os.kill(pid, signal.SIGSTOP)
    try:
        page.locator(".banner.stale", has_text=why).wait_for()
        assert page.locator("#link").inner_text() == "stale"
        picture(page, "stale")
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: page.locator(".banner.stale").count() == 0, "the banner to go")
    site.until(site.hours + 0.5)
    until(lambda: site.newest in (page.locator(".tile", has_text="BR-101").get_attribute("title") or ""), "news")


def test_8_a_wrong_password_is_said_and_nothing_is_shown(site: Site, visit: Visit, picture: Picture, browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(site.url)
    picture(page, "sign-in")
    page.fill("#name", "oscar")
    page.fill("#password", PASSWORD[::-1])
    page.click("button[type=submit]")
    page.locator("#wrong", has_text="name or password is wrong").wait_for()
    assert page.locator(".tile").count() == 0
    page.close()
