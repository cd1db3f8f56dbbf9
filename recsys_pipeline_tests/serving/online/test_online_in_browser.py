"""Monitoring, experiments and reports in a real browser: on a phone, in the dark, by keyboard."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

PHONE = {"width": 360, "height": 740}
EXPERIMENTS = {"holdout": 0.1, "declared": [{"name": "x", "arms": [{"name": "a"}, {"name": "b"}]}]}
PATHS = ("/monitoring", "/experiments", "/report")
COVERED = """all => all.flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("*")].map(e => e.getBoundingClientRect()).filter(
    r => r.left < box.left - 2 || r.right > box.right + 2 || r.bottom > box.bottom + 2);
})"""
"""What of the charts lies outside of them."""


@pytest.fixture(scope="module")
def url(
    released: Path,
    tmp_path_factory: pytest.TempPathFactory,
    listen: Callable[..., Any],
    putting_weeks: Callable[..., list[str]],
) -> Iterator[str]:
    root = tmp_path_factory.mktemp("watched_site")
    shutil.copytree(released / "data", root / "data")
    putting_weeks(root)
    limits = {"limits": {"requests_per_minute": 0}}
    with listen(root, serving=limits, experiments=EXPERIMENTS) as served:
        yield f"http://127.0.0.1:{served.port}"


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Browser]:
    path = program("chromium")
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start as root; what it looks at is ours alone.
        made = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield made
        made.close()


@pytest.fixture
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """A page at the server; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    context = browser.new_context(base_url=url)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


@pytest.mark.parametrize("path", PATHS)
def test_a_page_fits_a_phone_and_every_chart_its_frame(opened, path):
    opened.goto(path)
    told = opened.locator("body").aria_snapshot()
    assert len(re.findall(r"- heading .*\[level=1\]", told)) == 1
    assert not re.search(r"- (img|button|link|combobox)(:|$)", told, re.MULTILINE)
    assert opened.eval_on_selector_all("svg.chart", COVERED) == []
    opened.set_viewport_size(PHONE)
    assert opened.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_week_and_a_figure_are_chosen_by_keyboard(opened):
    opened.goto("/monitoring")
    opened.get_by_label("Week", exact=True).focus()
    opened.keyboard.press("ArrowDown")
    opened.keyboard.press("Tab")
    opened.keyboard.type("Minutes")
    opened.keyboard.press("Tab")
    opened.keyboard.press("Enter")
    expect(opened).to_have_url(re.compile(r"week=2024-01-15&metric=watch_minutes"))
    expect(opened.get_by_text("click_through_fell")).to_be_visible()
    summary = opened.locator("summary").first
    summary.focus()
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("table").first).to_be_visible()


def test_charts_are_light_in_the_dark(opened):
    opened.goto("/monitoring")
    colour = "getComputedStyle(document.querySelector('.chart text')).fill"
    light = opened.evaluate(colour)
    opened.emulate_media(color_scheme="dark")
    assert opened.evaluate(colour) != light


def test_a_report_keeps_its_own_look_under_its_own_policy(opened):
    opened.goto("/report")
    opened.get_by_role("link", name="Read the report 22 Jan 2024").click()
    expect(opened.get_by_role("heading", name="The week")).to_be_visible()
    assert opened.evaluate("getComputedStyle(document.querySelector('h1')).color") == (
        "rgb(18, 52, 86)"
    )
