"""One person at a browser, who notes what the page asks of other hosts and what goes wrong in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import config
from tests.databases import POSTGRESQL
from tests.people import PASSWORD, Persona

SAMPLES = Path(__file__).parent.parent / "workbooks"
#: where journeys leave their pictures; CI keeps the folder
PICTURES = Path(os.environ.get("PICTURES_DIR") or config.ROOT / "build" / "pictures")
DESK, PHONE = 1366, 390

#: asyncio's transports are closed by the driver's process ending, not by us
QUIET = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
#: at the desk on SQLite, on the phone on PostgreSQL, since no page's layout depends on the database; WIDTHS=desk,phone for both
WIDTHS = {"desk": DESK, "phone": PHONE}
_ASKED = os.environ.get("WIDTHS") or ("phone" if POSTGRESQL else "desk")
both_widths = pytest.mark.parametrize("width", [WIDTHS[name] for name in _ASKED.split(",")], ids=_ASKED.split(","))


class Visit:
    """A browser window of its own."""

    def __init__(self, browser: Browser, site: str, width: int = DESK) -> None:
        self.site = site
        self.width = width
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.page: Page = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", accept_downloads=True).new_page()
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _asked(self, request: Any) -> None:
        # chrome: and chrome-extension: are the browser's own, its viewer of PDFs, and come when they like
        if not request.url.startswith((self.site, "data:", "blob:", "chrome:", "chrome-extension:")):
            self.outside.append(request.url)

    def goto(self, path: str) -> None:
        """Open a page and wait until it is quiet."""
        self.page.goto(self.site + path)
        self.page.wait_for_load_state("networkidle")

    def sign_in(self, person: Persona) -> None:
        self.goto("/login/")
        self.page.fill("input[name=username]", person.username)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_load_state("networkidle")
        expect(self.page.locator("input[name=password]")).to_have_count(0)

    def picture(self, name: str) -> None:
        """Keep what the page looks like."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.width}.png", full_page=True)

    def refused(self, *statuses: int) -> None:
        """Forget what the browser itself says of answers that were meant to refuse."""
        self.errors = [error for error in self.errors if not any(str(status) in error for status in statuses)]

    def clean(self) -> None:
        """Nothing came from outside, nothing went wrong, nothing sticks out."""
        assert self.outside == []
        assert self.errors == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
