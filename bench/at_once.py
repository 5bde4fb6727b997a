"""Several people import the same keys again and again at once, through a real server with real workers: each key stands once, nobody sees a fault.

.venv/bin/python -m bench.at_once [--database sqlite|postgresql] [--people 4] [--times 25] [--keys 200] [--workers 2] [--queue URL]

PostgreSQL is the one of DATABASE_URL, where the database yingshang_bench_office is made and dropped. Exit status 1 when it is not so.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from pathlib import Path

from bench.import_pages import Browser, Forms, confirm, settled
from bench.office import PASSWORD, Office, agencies


class Person(threading.Thread):
    """Imports the same file again and again, as quickly as the pages let one."""

    def __init__(self, number: int, office: Office, file: Path, times: int) -> None:
        super().__init__(daemon=True)
        self.browser, self.username, self.file, self.times = Browser(office.port), f"clerk{number}", file, times
        self.seen: Counter[str] = Counter()
        self.seconds: list[float] = []

    def run(self) -> None:
        """Each time whatever comes is counted, faults too."""
        _action, values = Forms(self.browser.get("/login/")).with_field("username")
        self.browser.post("", values | {"username": self.username, "password": PASSWORD})
        for _time in range(self.times):
            started = time.monotonic()
            try:
                self.seen[self._import()] += 1
            except urllib.error.HTTPError as error:
                self.seen[f"HTTP {error.code}"] += 1
            except OSError as error:
                self.seen[type(error).__name__] += 1
            self.seconds.append(time.monotonic() - started)

    def _import(self) -> str:
        """Upload, confirm what is to be confirmed, wait for the end; how it ended."""
        _action, values = Forms(self.browser.get("/agency/import")).with_field("mode")
        page = settled(self.browser, self.browser.post("", values, self.file, "file"))
        if 'name="bad_rows"' not in page:
            return "nothing to do"
        confirm(self.browser, page)
        return "imported"


def main() -> int:
    """Start, let them, count, stop."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    for name, most in (("people", 4), ("times", 25), ("keys", 200), ("workers", 2), ("port", 8121)):
        asked.add_argument(f"--{name}", type=int, default=most)
    asked.add_argument("--queue", default="")
    given = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    server = (os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL names the PostgreSQL server")) if given.database == "postgresql" else ""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder, "office"), server, given.port, given.queue)
        try:
            office.make(given.people, 0)
            office.start(given.workers)
            return _judge(office, given)
        finally:
            office.stop()


def _judge(office: Office, given: argparse.Namespace) -> int:
    people = []
    for number in range(given.people):
        file = office.folder / f"{number}.csv"
        agencies(file, given.keys, contact=f"王{'甲乙丙丁戊己庚辛'[number % 8]}")  # they differ in one column: each import has something to write
        people.append(Person(number, office, file, given.times))
    started = time.monotonic()
    for person in people:
        person.start()
    for person in people:
        person.join()
    lasted, seen = time.monotonic() - started, sum((person.seen for person in people), Counter[str]())
    rows, live = office.scalar("SELECT count(*) FROM agency"), office.scalar("SELECT count(*) FROM agency WHERE voided_at IS NULL")
    states = {
        state: office.scalar(f"SELECT count(*) FROM import_batch WHERE state = '{state}'")
        for state in ("done", "partly", "planned", "queued", "running", "failed", "refused")
    }
    slowest = max(second for person in people for second in person.seconds)
    print(
        f"{given.database}, {given.people} people x {given.times} imports of {given.keys} keys, {given.workers} workers: {lasted:.0f} s, slowest {slowest:.1f} s"
    )
    print(
        f"  what they saw: {dict(seen)}; batches: { ({state: count for state, count in states.items() if count}) }; records {rows}, in force {live}; ended by themselves: {office.dead}"
    )
    good = {"imported", "nothing to do"}
    right = (rows, live) == (given.keys, given.keys) and set(seen) <= good and seen.total() == given.people * given.times
    right = right and not office.dead and not any(states[state] for state in ("queued", "running", "failed", "refused"))
    print("  as it must be" if right else "  NOT as it must be")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
