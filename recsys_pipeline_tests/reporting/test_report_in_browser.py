"""The report in a real browser: nothing is refused, nothing is asked for, it fits a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def chromium(program) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


def test_it_opens_offline_and_fits_a_phone(chromium, page, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    tab = chromium.new_page(viewport={"width": 360, "height": 800})
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto(path.as_uri())
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert tab.evaluate("[...document.images].every((image) => image.naturalWidth > 300)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    # The style is applied, so its hash is the one that the policy allows.
    assert tab.evaluate("getComputedStyle(document.querySelector('nav ul')).display") == "flex"
    assert tab.pdf(format="A4").startswith(b"%PDF")
