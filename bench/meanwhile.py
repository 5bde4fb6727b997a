"""Thirty people at work, with and without a large import in the worker: how long their pages take, and whether they can save.

.venv/bin/python -m bench.meanwhile [--database sqlite|postgresql] [--rows 100000] [--people 30] [--savers 3] [--stored 50000] [--quiet 60]

Starts gunicorn and a worker as the Procfile does, on a database of its own. Each person opens something, thinks for 2 to 8 seconds, and opens the next thing: lists,
pages of a list, searches, filters, records, forms, the desk; some save every other time. First without an import for --quiet seconds, then while one of --rows new
agencies is sent, checked and written. It ends by itself, after 20 minutes at most, and leaves nothing behind. PostgreSQL is the one of DATABASE_URL, where the database
yingshang_bench_office is made and dropped. Exit status 1 where a page failed or the 95th percentile of pages is above 1.5 s.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from bench.import_pages import Browser, Forms
from bench.load import Answer, Visitor, p95
from bench.office import PASSWORD, Office, agencies

#: how long somebody thinks between two pages, in seconds
THINK = (2.0, 8.0)
#: no run lasts longer, and no list of an office may take longer at the 95th percentile, in seconds
LONGEST, LIMIT = 1200, 1.5
WARM_UP = 10
SAVES = "save"


@dataclass
class Diary:
    """What everybody saw, by what went on in the worker."""

    phase: str = "warm-up"
    began: float = field(default_factory=time.monotonic)
    spans: dict[str, float] = field(default_factory=dict)
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def turn(self, phase: str) -> None:
        """Something else goes on from now on."""
        self.spans[self.phase], self.began, self.phase = time.monotonic() - self.began, time.monotonic(), phase

    def note(self, phase: str, what: str, status: int, seconds: float) -> None:
        """One answer; it belongs to the phase in which it was asked for."""
        self.seconds[phase, "saves" if what == SAVES else "pages"].append(seconds)
        self.answers[phase, what, status] += 1

    def told(self, phase: str) -> None:
        """A line for pages and one for saves."""
        for kind in ("pages", "saves"):
            values = self.seconds[phase, kind]
            if len(values) > 1:
                middle = statistics.median(values)
                statuses = Counter[int]()
                for (when, what, status), count in self.answers.items():
                    if when == phase and (what == SAVES) == (kind == "saves"):
                        statuses[status] += count
                print(
                    f"  {phase:22} {self.spans.get(phase, 0):5.0f} s  {len(values):5} {kind}  p50 {middle:5.2f}  p95 {p95(values):5.2f}  max {max(values):5.2f} s  {dict(statuses)}"
                )


class Person(threading.Thread):
    """Somebody at work."""

    def __init__(self, number: int, office: Office, diary: Diary, over: threading.Event, records: list[int], saves: bool) -> None:
        super().__init__(daemon=True)
        self.visitor, self.username, self.saves = Visitor(office.port), f"clerk{number}", saves
        self.diary, self.over, self.records, self.chance = diary, over, records, random.Random(number)

    def run(self) -> None:
        """Until it is over."""
        self.visitor.sign_in("/login/", self.username, PASSWORD)
        while not self.over.wait(self.chance.uniform(*THINK)):
            record = self.chance.choice(self.records)
            if self.saves and self.chance.random() < 0.5:
                self._save(record)
                continue
            paths = {
                "list": "/agency/list/", "page": f"/agency/list/?after={self.chance.choice(self.records)}", "search": f"/agency/list/?q={quote(f'承德第{record}')}",
                "record": f"/agency/show/{record}", "form": f"/agency/edit/{record}", "desk": "/", "new form": "/agency/add",
            }  # fmt: skip
            what = self.chance.choices(list(paths), weights=(6, 2, 2, 5, 2, 2, 1))[0]
            self._note(what, lambda path=paths[what]: self.visitor.get(path))

    def _save(self, record: int) -> None:
        form = self._note("form", lambda: self.visitor.get(f"/agency/edit/{record}"))
        values = dict(re.findall(r'<input type="hidden" name="(csrf_token|row_version|contact\.was)" value="([^"]*)"', form))
        if len(values) == 3:
            self.over.wait(1)
            self._note(SAVES, lambda: self.visitor.post(f"/agency/edit/{record}", values | {"contact": f"王{self.chance.choice('甲乙丙丁戊己庚辛')}"}))

    def _note(self, what: str, ask: Callable[[], Answer]) -> str:
        phase, started = self.diary.phase, time.monotonic()
        try:
            answer = ask()
        except OSError:
            self.visitor.close()
            self.diary.note(phase, what, 0, time.monotonic() - started)
            return ""
        self.diary.note(phase, what, answer.status, answer.seconds)
        return answer.body.decode()


@contextmanager
def at_work(office: Office, diary: Diary, people: int, savers: int, records: list[int]) -> Iterator[None]:
    """Everybody at work, until the block ends."""
    over = threading.Event()
    everybody = [Person(number + 1, office, diary, over, records, number < savers) for number in range(people)]
    for each in everybody:
        each.start()
    try:
        yield
    finally:
        over.set()
        for each in everybody:
            each.join(90)


def bring(office: Office, diary: Diary, file: Path, end: float) -> str:
    """Send the file, wait until it is checked, confirm, wait until it is written; how it ended."""
    browser = Browser(office.port)
    _action, values = Forms(browser.get("/login/")).with_field("username")
    browser.post("", values | {"username": "clerk0", "password": PASSWORD})
    _action, values = Forms(browser.get("/agency/import")).with_field("mode")
    diary.turn("import, checking")
    page = _until_settled(browser, browser.post("", values, file, "file"), end)
    _action, values = Forms(page).with_field("digest")
    diary.turn("import, writing")
    page = _until_settled(browser, browser.post("", values | {"bad_rows": "stop", "wish": "confirm"}), end)
    diary.turn("afterwards")
    found = re.search(r'<div class="alert alert-\w+" role="status"><strong>(.*?)</strong>\s*(.*?)</div>', page)
    return " ".join(found.groups()) if found else "no word of its end"


def _until_settled(browser: Browser, page: str, end: float) -> str:
    address = browser.address
    while "js-reload" in page:
        if time.monotonic() > end:
            raise SystemExit("the import did not end in time")
        time.sleep(2)  # as the page does by itself
        page = browser.get(address)
    return page


def main() -> int:
    """Prepare, measure, print, clear away."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    for name, usual in (("rows", 100_000), ("people", 30), ("savers", 3), ("stored", 50_000), ("quiet", 60), ("port", 8124)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    given = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    server = (os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL names the PostgreSQL server")) if given.database == "postgresql" else ""
    end = time.monotonic() + LONGEST
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder, "office"), server, given.port)
        try:
            print(f"preparing {given.stored:,} records …", file=sys.stderr, flush=True)
            office.make(given.people + 1, given.stored)
            file = office.folder / "new.csv"
            agencies(file, given.rows, first=given.stored + 1)
            office.start()
            return _measured(office, given, file, end)
        finally:
            office.stop()


def _measured(office: Office, given: argparse.Namespace, file: Path, end: float) -> int:
    diary, records = Diary(), list(range(1, given.stored + 1, max(1, given.stored // 997)))
    with at_work(office, diary, given.people, given.savers, records):
        time.sleep(WARM_UP + given.people * 0.3)
        diary.turn("no import")
        time.sleep(given.quiet)
        ended = bring(office, diary, file, end)
        time.sleep(min(20, given.quiet))
    diary.turn("over")
    print(f"{given.database}, {given.people} people, {given.stored:,} records, import of {given.rows:,}: {ended}; load {os.getloadavg()[0]:.1f}")
    phases = ("no import", "import, checking", "import, writing", "afterwards")
    for phase in phases:
        diary.told(phase)
    faults = {key: count for key, count in diary.answers.items() if key[0] in phases and not 200 <= key[2] < 400 and key[2] != 409}
    slow = [phase for phase in phases if len(diary.seconds[phase, "pages"]) > 20 and p95(diary.seconds[phase, "pages"]) > LIMIT]
    stored = office.scalar("SELECT count(*) FROM agency")
    print(
        f"  failed: {faults or 'nothing'}; above {LIMIT} s at the 95th percentile: {slow or 'nothing'}; records {stored:,}; ended by themselves: {office.dead}",
        flush=True,
    )
    return 1 if faults or slow or office.dead or stored != given.stored + given.rows else 0


if __name__ == "__main__":
    sys.exit(main())
