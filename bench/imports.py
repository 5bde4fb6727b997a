"""Imports beside a floor and django-import-export, side by side in one run; read the ratios.

.venv/bin/python -m bench.imports [--database sqlite|postgresql] [--rows 100000] [--peer-rows 10000] [--rounds 3] [--folder instance/bench]

A workbook of sixteen columns; each run is a process of its own, from its start to its commit, on a copy of the same database:
    new        every row is new
    half       as many rows are stored; half of the file's rows change one, half are new
    unchanged  the file again; 0 rows written. Its own floor is "reading": what an import does before it asks what is stored
Rounds alternate between the contenders, figures are medians, what was written is looked at after every run. The peer takes minutes:
it is measured with --peer-rows rows, and ours beside it with the same. `cpu` leaves the PostgreSQL server out; it is the steadier
figure where others use the machine. --profile prints where ours spends its time. --pages 10000 goes through the pages (bench/import_pages.py).
PostgreSQL is the one of DATABASE_URL, where databases yingshang_bench_… are made and dropped.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench import import_file, import_pages
from bench.import_process import Taken
from bench.importers import Importer, everybody

CASES = ("new", "half", "unchanged")


@dataclass(frozen=True)
class Course:
    """The files of so many rows, and the samples that must be stored after each."""

    rows: int
    folder: Path

    @property
    def files(self) -> dict[str, Path]:
        """The file of each case."""
        new, half = (self.folder / f"{name}-{self.rows}.xlsx" for name in ("new", "half"))
        return {"new": new, "half": half, "unchanged": new}

    def make(self) -> None:
        """Write the workbooks, unless an earlier run did."""
        self.folder.mkdir(parents=True, exist_ok=True)
        half = self.rows // 2
        for path, first, changed in ((self.files["new"], 1, 0), (self.files["half"], half + 1, half)):
            if not path.exists():
                import_file.make(path, self.rows, first=first, changed=changed)

    def expected(self, case: str) -> int:
        """How many rows are there afterwards."""
        return self.rows + self.rows // 2 if case == "half" else self.rows

    def check(self, importer: Importer, case: str, taken: Taken) -> None:
        """Refuse a run that did not do its work."""
        half = self.rows // 2
        first, changed = (half + 1, half) if case == "half" else (1, 0)
        samples = import_file.samples(self.rows, first, changed)
        count, stored = importer.stored("work", list(samples))
        if count != self.expected(case) or stored != samples:
            raise RuntimeError(f"{importer.name}, {case}: {count} rows, {stored} instead of {samples}")
        if case == "unchanged" and importer.family == "ours" and taken.counts.get("written"):
            raise RuntimeError(f"{importer.name} wrote {taken.counts['written']} rows of a file that changes nothing")


class Report:
    """Runs everybody in turn and prints."""

    def __init__(self, database: str, rounds: int) -> None:
        self.database = database
        self.rounds = rounds

    def course(self, course: Course, chosen: list[Importer]) -> None:
        """All cases of one size."""
        course.make()
        for family in {each.family: each for each in chosen}.values():
            print(f"preparing {family.family} …", file=sys.stderr, flush=True)
            family.install()
            family.prepare(course.files["new"])
        for case in CASES:
            self.case(course, case, [each for each in chosen if case != "unchanged" or each.name == "ours"])
        for family in {each.family: each for each in chosen}.values():
            family.clear()

    def case(self, course: Course, case: str, chosen: list[Importer]) -> None:
        """One case, everybody in turn."""
        found: dict[str, list[Taken]] = defaultdict(list)
        for _ in range(self.rounds):
            for each in chosen:
                each.clone("empty" if case == "new" else "full", "work")
                if case == "unchanged":
                    found["reading"].append(each.run("work", course.files[case], ("read",)))
                taken = each.run("work", course.files[case])
                course.check(each, case, taken)
                found[each.name].append(taken)
        self.print(f"{case}, {course.rows:,} rows, {self.database}, median of {self.rounds}", found)

    def print(self, title: str, found: dict[str, list[Taken]]) -> None:
        """A table: seconds, processor's seconds, ratios to the floor and to the peer, MB."""
        print(f"\n{title}\n{'':16}{'seconds':>9}{'cpu':>8}{'to floor':>10}{'cpu':>7}{'to peer':>9}{'MB':>7}{'MB child':>9}")
        floor = next((name for name in ("floor", "reading") if name in found), "")
        peer = "peer, bulk" if "peer, bulk" in found else ""
        for name, runs in found.items():
            clock, cpu = _middle(runs, "seconds"), _middle(runs, "processor")
            ratios = [f"{clock / _middle(found[floor], 'seconds'):9.2f}x", f"{cpu / _middle(found[floor], 'processor'):6.2f}x"] if floor else ["", ""]
            beside = f"{_middle(found[peer], 'seconds') / clock:8.1f}x" if peer else ""
            print(
                f"{name:16}{clock:9.2f}{cpu:8.2f}{ratios[0]:>10}{ratios[1]:>7}{beside:>9}{_middle(runs, 'own'):7.0f}{_middle(runs, 'child'):9.0f}", flush=True
            )


def _middle(runs: list[Taken], what: str) -> float:
    return statistics.median(getattr(run, what) for run in runs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--peer-rows", type=int, default=10_000, help="0 leaves the peer out")
    parser.add_argument("--pages", type=int, default=0, help="rows that go through the pages")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("instance/bench"))
    parser.add_argument("--port", type=int, default=8113)
    parser.add_argument("--profile", action="store_true", help="only where ours spends its time")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped then too
    server = ""
    if asked.database == "postgresql":
        server = os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL names the PostgreSQL server")
    folder = asked.folder.resolve()
    importers = everybody(folder, server)
    peers = [each for each in importers if each.family == "peer"]
    report = Report(asked.database, asked.rounds)
    try:
        if asked.profile:
            profile(Course(asked.rows, folder), next(each for each in importers if each.name == "ours"))
        elif asked.rows and asked.peer_rows == asked.rows:
            report.course(Course(asked.rows, folder), importers)
        elif asked.rows:
            report.course(Course(asked.rows, folder), [each for each in importers if each not in peers])
        if asked.peer_rows not in (0, asked.rows) and not asked.profile:
            report.course(Course(asked.peer_rows, folder), [each for each in importers if each in peers or each.name == "ours"])
        if asked.pages and not asked.profile:
            course = Course(asked.pages, folder)
            course.make()
            import_pages.compare(course.files["new"], course.rows, importers, asked.rounds, asked.port)
    finally:
        for each in importers:
            each.clear()


def profile(course: Course, ours: Importer) -> None:
    """Where ours spends its time, case by case, on standard error."""
    course.make()
    ours.prepare(course.files["new"])
    for case in CASES:
        ours.clone("empty" if case == "new" else "full", "work")
        print(f"\n{case}, {course.rows:,} rows", file=sys.stderr, flush=True)
        ours.run("work", course.files[case], ("profile",))


if __name__ == "__main__":
    main()
