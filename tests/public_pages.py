# ruff: noqa: T201 - a script speaks
"""Files through the upload page of a real server with a real worker: no fault, nothing that hangs, nobody dead (`tests/public_spreadsheets.py --page`).

Hardly any of them is a ledger of ours, so that each comes a second time with its cells under our headings.
"""

from __future__ import annotations

import csv
import re
import tempfile
import time
import urllib.error
from collections import Counter
from pathlib import Path

from bench.import_pages import Browser, Forms
from bench.office import HEADINGS, PASSWORD, Office
from imports import reading
from imports.refusal import Refused

#: nobody may have more previews in a day, and each file makes one
PREVIEWS = 90
#: seconds from the choice of a file to its preview or the word why not
LONGEST = 60.0
#: of a file that is sent a second time, under our headings
ROWS = 200
#: every so many previews are checked again, which the worker does
AGAIN = 5


def dressed(file: Path, folder: Path) -> Path | None:
    """The cells of a file under the headings of a ledger, so that it comes as far as a preview; None where it cannot be read."""
    try:
        sheets = reading.read(file.read_bytes()).sheets
    except Refused:
        return None
    rows = [row[: len(HEADINGS)] for sheet in sheets for row in sheet.rows if row][:ROWS]
    made = folder / f"{file.stem}-dressed.csv"
    with made.open("w", encoding="utf-8", newline="", errors="replace") as out:
        csv.writer(out).writerows([HEADINGS, *([str(cell or "").replace("\0", "") for cell in row] for row in rows)])
    return made


class Visit:
    """One person who uploads files, and what came of them."""

    def __init__(self, port: int, username: str, outcomes: Counter[str], faults: list[str]) -> None:
        self.browser, self.outcomes, self.faults = Browser(port), outcomes, faults
        _action, values = Forms(self.browser.get("/login/")).with_field("username")
        self.browser.post("", values | {"username": username, "password": PASSWORD})

    def send(self, file: Path, again: bool) -> None:
        """Upload a file as agencies, wait for what comes of it, look at what the page offers then."""
        started = time.monotonic()
        try:
            self.outcomes[self._sent(file, again)] += 1
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            said = re.search(r'class="alert alert-danger[^>]*>\s*(.*?)\s*</div>', text, re.DOTALL)
            self.outcomes[f"refused at once, {error.code}"] += 1
            if error.code not in {413, 422} or (error.code == 422 and not said):
                self.faults.append(f"{file.name}: {error.code} {said[1] if said else text[:200]}")
        except OSError as error:
            self.faults.append(f"{file.name}: {type(error).__name__} {error}")
        lasted = time.monotonic() - started
        if lasted > LONGEST:
            self.faults.append(f"{file.name} took {lasted:.0f} s")

    def _sent(self, file: Path, again: bool) -> str:
        _action, values = Forms(self.browser.get("/agency/import")).with_field("mode")
        page, by = self.browser.post("", values, file, "file"), "at once"
        if "js-reload" in page:
            page, by = self._settled(page), "by the worker"
        if 'name="digest"' not in page:
            assert "alert-danger" in page, f"neither preview nor word: {page[:300]}"
            return f"refused {by}"
        if again:
            _action, values = Forms(page).with_field("digest")
            page, by = self._settled(self.browser.post("", {name: values[name] for name in ("csrf_token",)} | {"wish": "again"})), "again by the worker"
        for offered in re.findall(r'href="(/agency/import/\d+/(?:answer|errors)\.xlsx[^"]*)"', page):
            self._open(file, offered.replace("&amp;", "&"))
        return f"preview {by}"

    def _settled(self, page: str) -> str:
        address, end = self.browser.address, time.monotonic() + LONGEST
        while "js-reload" in page and time.monotonic() < end:
            time.sleep(0.2)
            page = self.browser.get(address)
        return page

    def _open(self, file: Path, address: str) -> None:
        """A file that the preview offers: made, or refused in words."""
        try:
            self.browser.fetch(address)
            self.outcomes["file given back"] += 1
        except urllib.error.HTTPError as error:
            self.outcomes[f"file not given back, {error.code}"] += 1
            if error.code != 409:
                self.faults.append(f"{file.name}: {error.code} at {address}")


def judge(files: list[Path], port: int = 8126) -> int:
    """Send every file; print what came of them. Exit status 1 when there was a fault."""
    outcomes, faults = Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        files = [*files, *filter(None, (dressed(file, Path(folder)) for file in files))]
        office = Office(Path(folder, "office"), port=port)
        try:
            office.make(len(files) // PREVIEWS + 1, 0)
            office.start()
            for place, file in enumerate(files):
                if place % PREVIEWS == 0:
                    visit = Visit(port, f"clerk{place // PREVIEWS}", outcomes, faults)
                visit.send(file, place % AGAIN == 0)
            faults += [f"process {number} ended by itself" for number in office.dead]
            waiting = office.scalar("SELECT count(*) FROM import_batch WHERE state IN ('checking', 'failed')")
            faults += [f"{waiting} batches are still checked or failed"] * bool(waiting)
        finally:
            office.stop()
    print(f"{len(files)} spreadsheets through the upload page")
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:5} {outcome}")
    print(f"{len(faults)} faults", *faults, sep="\n")
    return 1 if faults else 0
