"""What comes from Kafka, from people or in a link is text to the page, whatever is in it, and leads nowhere else."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from models.records.messages import Contributor, Score
from tests.browser.conftest import PASSWORD, Site
from tests.conftest import minute
from tests.ops.console.conftest import deviation

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROW = ".list tbody tr"
EVIL = "<img src=x onerror=globalThis.evil=1><script>globalThis.evil=1</script>\"'`${evil}"
BATCH = f"B|{EVIL}"


def test_markup_in_tags_comments_and_names_is_shown_as_it_is_written(site: Site, visit: Callable[..., "Page"]) -> None:
    topics, names = site.demo_plant.configuration.kafka.topics, {"unit": "BR-103", "batch_id": BATCH}
    tags = (Contributor(tag=f"tag {EVIL}", share=1.0, observed=1.0, expected=2.0, unit_of_measure=EVIL),)
    facts = {"cause": EVIL, "phase": EVIL, "contributors": tags, "message": f"BR-103 {BATCH}: off {EVIL}", **names}
    site.say(topics.deviations, "x", deviation(deviation_id=EVIL, **facts))
    said = deviation(2, "UNACK", 11, deviation_id=EVIL, by=f"by {EVIL}", comment=f"comment {EVIL}", **facts)
    site.say(topics.deviations, "x", said)
    score = {"phase": EVIL, "product": EVIL, "worst": tags, "unfit_sensors": (EVIL,), "grade": "approved"}
    site.say(topics.scores, "x", Score(at=minute(1), twin="demo", age_s=60.0, t2=9.0, t2_limit=1.0, **names, **score))
    page = visit(site)
    row = page.locator(ROW, has_text=f"Off {EVIL}")
    row.wait_for()
    assert f"comment {EVIL}" in row.inner_text()
    row.click()
    page.locator(".detail .contributors b", has_text=f"tag {EVIL}").wait_for()
    page.locator(".detail .history q", has_text=f"comment {EVIL}").wait_for()
    page.locator(".tile", has_text=BATCH).click()
    page.locator("h1", has_text=BATCH).wait_for()
    page.locator(".marks button", has_text=f"Off {EVIL}").wait_for()
    other = f"BR-103|{BATCH}"
    page.goto(f"{site.url}batch?batch=R001&with={quote(other)}")
    page.wait_for_selector(".chart canvas")
    assert page.get_by_label("Compare with").input_value() == other
    assert page.locator("#said.trouble").count() == 0
    page.keyboard.press("m")
    page.locator(".contributors li", has_text=EVIL).first.wait_for()
    assert page.evaluate(
        "globalThis.evil === undefined && document.querySelectorAll('main img, main script').length === 0"
    )


@pytest.mark.parametrize("wanted", ["/.//elsewhere.invalid/x", "https://elsewhere.invalid/", "javascript:alert(1)"])
def test_a_sign_in_link_leads_to_our_own_pages_only(site: Site, browser: "Browser", wanted: str) -> None:
    page = browser.new_page()
    gone: list[str] = []
    page.on("request", lambda request: gone.append(request.url))
    page.goto(f"{site.url}sign-in?next={wanted}")
    page.fill("#name", "oscar")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "sign-in" not in url, wait_until="commit")
    assert [url for url in gone if not url.startswith(site.url)] == []
    page.close()
