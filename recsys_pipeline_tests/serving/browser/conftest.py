"""A headless Chromium, and a small server that it looks at."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

# Above what a busy machine takes, below the time that a test may take.
_PATIENCE_MS = 20_000


@dataclass(frozen=True)
class Site:
    """A server with two releases; the newer one is in service.

    Attributes:
        url: of its first page.
        old, new: the releases.
    """

    url: str
    old: str
    new: str


@pytest.fixture(scope="session")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    two_releases: tuple[Path, str, str],
    listen: Callable[..., AbstractContextManager[Any]],
) -> Iterator[Site]:
    made, old, new = two_releases
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(made / "data", root / "data")
    with listen(root, serving={"limits": {"requests_per_minute": 0}}) as served:
        yield Site(f"http://127.0.0.1:{served.port}", old, new)


@pytest.fixture(scope="module")
def chromium(program: Callable[[str], str]) -> Iterator[Browser]:
    """The machine's own Chromium: nothing is downloaded.

    For one module only: while it is there, Playwright's event loop runs in this thread, and no test
    could run another.
    """
    path = program("chromium")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start as root; what it looks at is ours alone.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Opens a page of the site; whatever the browser complains about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, **options: Any) -> Page:
        context = chromium.new_context(base_url=site.url, **options)
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((site.url, "data:"))
                else complaints.append(f"asked elsewhere: {asked.url}")
            ),
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
