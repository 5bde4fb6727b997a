"""Pages and REST beside Django's admin and plain Flask-AppBuilder, side by side in one run; read the ratios.

.venv/bin/python -m bench.pages [--database sqlite|postgresql] [--rows 1000000] [--rounds 5] [--seconds 2] [--folder instance/bench]

All three show the same table of sixteen columns, twenty-five rows a page, to a signed-in person, in a menu of
forty entries, from gunicorn with two workers of four threads. Rounds alternate between them, figures are medians.
The load comes from four connections of this process (http.client), so it shares the machine's cores with the servers.
PostgreSQL is the one of DATABASE_URL, where databases yingshang_bench_… are made and dropped.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bench.contenders import Contender, everybody
from bench.load import p95, requests_in, seconds_of
from bench.rows import ABSENT, COMMON, RARE, SIZES

PAGE = 25
WARM_UP = 6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rows", type=int, default=SIZES["bench_large"], help="rows of the large table")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one round of one contender")
    parser.add_argument("--folder", type=Path, default=Path("instance/bench"))
    parser.add_argument("--port", type=int, default=8103)
    parser.add_argument("--only", default="", help="names of contenders with commas between them")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then too
    server = ""
    if asked.database == "postgresql":
        server = os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL names the PostgreSQL server")
    chosen = [each for each in everybody(asked.folder.resolve(), asked.port) if not asked.only or each.name in asked.only.split(",")]
    with serving(chosen, server, SIZES | {"bench_large": asked.rows}):
        Report(chosen, asked.rounds, asked.seconds).print_all(asked.database, asked.rows)


@contextmanager
def serving(chosen: list[Contender], server: str, sizes: dict[str, int]) -> Iterator[None]:
    """Everybody with data, up and signed in; afterwards nothing is left but the environments."""
    try:
        for each in chosen:
            print(f"preparing {each.name} …", file=sys.stderr, flush=True)
            each.install()
            each.make_database(server, sizes)
        for each in chosen:
            each.start()
        yield
    finally:
        for each in chosen:
            each.stop()


class Report:
    """The measurements, printed as they come."""

    def __init__(self, chosen: list[Contender], rounds: int, seconds: float) -> None:
        self.chosen, self.rounds, self.seconds = chosen, rounds, seconds
        self.ours = next((each for each in chosen if each.name == "ours"), chosen[0])

    def print_all(self, database: str, large: int) -> None:
        """Every line of the table."""
        print(f"{database}, 2 workers, {self.rounds} rounds of {self.seconds} s, medians; in brackets how many times better the first is, in the same round")
        self.looks()
        everybody = {each.name: each for each in self.chosen}
        self.rates("list, 1,000 rows", {name: (each, each.pages.format("bench_small")) for name, each in everybody.items()})
        self.rates("REST list, 1,000 rows", {name: (each, each.rest.format("bench_small")) for name, each in everybody.items() if each.rest})
        self.rates(f"list, {large:,} rows", {name: (each, each.pages.format("bench_large")) for name, each in everybody.items()})
        tables = {f"{table.removeprefix('bench_')}": table for table in ("bench_large", "bench_small")}
        self.rates(f"our list, {large:,} rows and 1,000", {name: (self.ours, self.ours.pages.format(table)) for name, table in tables.items()})
        self.paging(large)
        for what, word in (("rare", RARE), ("common", COMMON), ("absent", ABSENT)):
            self.times(f"search of 2 characters, {what}, {large:,} rows, ms", {each: each.search.format("bench_large", quote(word)) for each in self.chosen})
        self.times("first page, 50,000 rows, one at a time, ms", {each: each.pages.format("bench_middle") for each in self.chosen}, 30)

    def looks(self) -> None:
        """What a list page is: rows and cells shown, statements, size as a browser asks for it."""
        for each in self.chosen:
            path = each.pages.format("bench_small")
            for _ in range(WARM_UP):
                plain = each.visitor.get(path)
            packed = each.visitor.get(path, **{"Accept-Encoding": "gzip, br"})
            page = plain.body.decode()
            print(
                f"  {each.name}: list page with {len(re.findall('<td', page))} cells, "
                f"{plain.headers['x-statements']} statements, {len(plain.body) / 1000:.0f} kB, {len(packed.body) / 1000:.0f} kB over the wire"
            )
            if plain.status != 200 or page.count("有限公司") < PAGE:
                raise RuntimeError(f"{each.name}: {plain.status}, the list does not show {PAGE} rows")
            if each.rest:
                print(f"  {each.name}: REST list with {each.visitor.get(each.rest.format('bench_small')).headers['x-statements']} statements")

    def rates(self, what: str, asked: dict[str, tuple[Contender, str]]) -> None:
        """Requests a second in alternating rounds, and what one takes of the processor; the first is compared with the others."""
        for each, path in asked.values():
            seconds_of(each.visitor, path, WARM_UP)
        found: dict[str, list[float]] = {name: [] for name in asked}
        used: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(self.rounds):
            for name, (each, path) in asked.items():
                before = each.processor_seconds()
                count, seconds = requests_in(each.visitor, path, self.seconds)
                found[name].append(count / seconds)
                used[name].append(1000 * (each.processor_seconds() - before) / count)
        self._line(f"{what}, requests/s", found, upside=True)
        self._line("  processor of the workers, ms a request", used, upside=False)

    def times(self, what: str, paths: dict[Contender, str], times: int = 9) -> None:
        """Milliseconds of single requests, in alternation; the warm-up reaches both workers."""
        found: dict[Contender, list[float]] = {each: [] for each in paths}
        for each, path in paths.items():
            seconds_of(each.visitor, path, WARM_UP)
            each.visitor.close()
            seconds_of(each.visitor, path, WARM_UP)
        for _ in range(times):
            for each, path in paths.items():
                found[each] += [1000 * seconds for seconds in seconds_of(each.visitor, path, 1)]
        self._line(what, {each.name: values for each, values in found.items()}, upside=False)

    @staticmethod
    def _line(what: str, found: dict[str, list[float]], *, upside: bool) -> None:
        mine, *_others = found.values()
        parts = []
        for name, values in found.items():
            text = f"{name} {statistics.median(values):.1f}"
            if values is not mine:
                ratio = statistics.median(a / b if upside else b / a for a, b in zip(mine, values, strict=True))
                text += f" ({ratio:.2f}x)"
            parts.append(text)
        print(f"{what}: {', '.join(parts)}", flush=True)

    def paging(self, large: int) -> None:
        """How long the first, a middle and the last page take, as far as the pager leads."""
        for each in self.chosen:
            path = each.pages.format("bench_large")
            pages = max(1, large // PAGE)
            addresses = {"first": path} | {name: f"{path}?{_page(each, number, pages)}" for name, number in (("middle", pages // 2), ("last", pages))}
            for address in addresses.values():
                seconds_of(each.visitor, address, 2)
            found: dict[str, list[float]] = {name: [] for name in addresses}
            for _ in range(20):
                for name, address in addresses.items():
                    found[name] += seconds_of(each.visitor, address, 1)
            first = p95(found["first"])
            shown = ", ".join(f"{name} {1000 * p95(values):.0f} ms ({p95(values) / first:.2f}x)" for name, values in found.items())
            print(f"pages of {large:,} rows, p95, {each.name}: {shown}", flush=True)


def _page(each: Contender, number: int, pages: int) -> str:
    """A page as the contender's own pager leads to it: by number, ours in a long list behind a record or from the end."""
    if each.name == "fab":
        return f"page_BenchLargeView={number - 1}"  # counts from nought, and calls it by the view
    if each.name == "django":
        return f"p={number}"
    return "last=1" if number == pages else f"after={(pages - number + 1) * PAGE + 1}"


if __name__ == "__main__":
    main()
