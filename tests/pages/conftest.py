"""What every page is looked at with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(
    scope="module"
)  # while it is open its event loop is the thread's, for whatever test runs next
def browser() -> Iterator[Browser]:
    if CHROMIUM is None and "CI" not in os.environ:
        pytest.skip("no Chromium is installed (Debian: chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    given: str = request.param
    return given


@pytest.fixture
def closed(browser: Browser) -> Callable[..., None]:
    """Open pages one after another: none complains, asks the network, is too wide or wears another scheme."""

    def check(*paths: Path, scheme: str = "light", width: int = 1200) -> None:
        page = browser.new_page(
            color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 900}
        )
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        for path in paths:
            page.goto(path.as_uri())
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            bright = sum(int(part) for part in background.strip("rgba()").split(",")[:3]) > 380
            assert bright == (scheme == "light"), path.name
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path.name
            assert page.title() != "taken"
        assert complaints == []
        assert asked == [path.as_uri() for path in paths]
        page.close()

    return check
