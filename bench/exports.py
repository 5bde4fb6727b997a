"""An export of 100,000 rows of sixteen columns to .xlsx beside a floor and django-import-export, in one run; read the ratios.

.venv/bin/python -m bench.exports [--database sqlite|postgresql] [--rows 100000] [--rounds 3] [--folder instance/bench-exports]

floor    a minimal writer: one SELECT through the driver, XML by hand, no looks, no breadths, no number, no trace
writer   ours into a file: scope, masks, words of lists, looks, breadths, number
page     ours as a person has it: the answer that says it is being made (first), made by the worker, fetched
django   Django's admin with django-import-export;   library   django-import-export alone

Each runs in a process of its own, in turn; figures are medians. PostgreSQL is the one of DATABASE_URL, where databases
yingshang_bench_… are made and dropped. `beyond` is what the export adds to the memory of the process that makes it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

import python_calamine
import sqlalchemy as sa

from bench.contenders import ROOT, Contender, everybody
from bench.measured import peak, say

TABLE = "bench_middle"
PACKAGES = ("django==5.2.19", "django-import-export[xlsx]==4.4.3", f"psycopg[binary]=={version('psycopg')}")
RUNS = {
    "floor": "from bench.exports import floor; floor({})",
    "writer": "from bench.exports import writer; writer({})",
    "page": "from bench.exports import page; page({})",
    "django": "from bench.peers.django_export.run import admin; admin({})",
    "library": "from bench.peers.django_export.run import alone; alone({})",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("instance/bench-exports"))
    parser.add_argument("--only", default="", help="names of runs with commas between them")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    server = ""
    if asked.database == "postgresql":
        server = os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL names the PostgreSQL server")
    chosen = [name for name in RUNS if not asked.only or name in asked.only.split(",")]
    ours, django, _fab = everybody(asked.folder.resolve(), 0)
    django.packages = PACKAGES
    needed = [ours, *([django] if {"django", "library"} & {*chosen} else [])]
    try:
        for each in needed:
            print(f"preparing {each.name} …", file=sys.stderr, flush=True)
            each.install()
            os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.django_export.settings"
            each.finish = ""  # nobody searches here
            each.make_database(server, {TABLE: asked.rows})
        found: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
        for _round in range(asked.rounds):
            for name in chosen:
                found[name].append(_run(django if name in {"django", "library"} else ours, name, asked.rows))
        _print(asked.database, asked.rows, found)
    finally:
        for each in needed:
            each.stop()


def _run(contender: Contender, name: str, rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "out.xlsx")
        command = [contender.python, "-c", RUNS[name].format(repr(path))]
        done = subprocess.run(command, check=True, cwd=ROOT, env=contender.environment, stdout=subprocess.PIPE, text=True, timeout=1800)
        if len(python_calamine.load_workbook(path).get_sheet_by_index(0).to_python()) != rows + 1:
            raise RuntimeError(f"{name} lost rows")
        said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return said


def _print(database: str, rows: int, found: dict[str, list[dict[str, float]]]) -> None:
    middle = {name: {key: statistics.median(each[key] for each in runs) for key in runs[0]} for name, runs in found.items()}
    print(f"{database}, {rows:,} rows of sixteen columns to .xlsx, median of {len(next(iter(found.values())))}")
    for name, each in middle.items():
        ratio = f"{each['seconds'] / middle['floor']['seconds']:6.2f}x" if "floor" in middle else ""
        print(f"{name:<8}{each['seconds']:7.2f} s {ratio}  first byte {each['first']:6.2f} s  peak {each['peak']:4.0f} MB, {each['more']:4.0f} beyond")
    for name in {"writer", "page"} & middle.keys() if "django" in middle else ():
        told = middle[name], middle["django"]
        print(
            f"{name}: {told[1]['seconds'] / told[0]['seconds']:.1f}x faster than django, first byte at {100 * told[0]['first'] / told[1]['first']:.1f}% of its time"
        )


# what is measured, each in a process of its own ------------------------------------------------------


class _Watched:
    """A file that remembers when its first byte came."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.first = out, 0.0

    def write(self, data: bytes) -> int:
        self.first = self.first or time.perf_counter()
        return self._out.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def floor(path: str) -> None:
    """The least that makes a sheet of a table; the archive is pressed as lightly as ours."""
    from bench.rows import COLUMNS

    before, started = peak(), time.perf_counter()
    engine = sa.create_engine(os.environ["DATABASE_URL"], poolclass=sa.NullPool)
    with Path(path).open("wb") as file, zipfile.ZipFile(watched := _Watched(file), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:  # type: ignore[call-overload]
        for name, text in _PARTS.items():
            package.writestr(name, text)
        raw = engine.raw_connection()
        cursor = raw.cursor() if engine.dialect.name == "sqlite" else raw.driver_connection.cursor("floor")  # type: ignore[union-attr]
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY id")
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            sheet.write(_row(COLUMNS).encode())
            while rows := cursor.fetchmany(1000):
                sheet.write("".join(map(_row, rows)).encode())
            sheet.write(b"</sheetData></worksheet>")
        raw.close()
    say(started, watched.first - started, before)


def _row(values: Any) -> str:
    cells = (f"<c><v>{each}</v></c>" if isinstance(each, (int, float)) else f'<c t="inlineStr"><is><t>{escape(str(each))}</t></is></c>' for each in values)
    return f"<row>{''.join(cells)}</row>"


def writer(path: str) -> None:
    """What the worker does, into a file."""
    from app.accounts import actor_named
    from app.database import db
    from app.registry import need
    from app.scopes import act_as
    from bench.forty import USERNAME, app
    from imports import export

    with app.app_context(), Path(path).open("wb") as file:
        session = db.session()
        act_as(session, actor_named(USERNAME))
        before, started = peak(), time.perf_counter()
        watched = _Watched(file)
        export.write(session, need(TABLE), watched, "xlsx", stamp=export.Stamp("DC000000-BENCH2"))  # type: ignore[arg-type]
        file.flush()
    say(started, watched.first - started, before)


def page(path: str) -> None:
    """What a person has: the answer at once, the worker's file, the fetching."""
    from bench.forty import PASSWORD, USERNAME, app
    from tests.conftest import TOKEN
    from views import exports

    client = app.test_client()
    token = TOKEN.search(client.get("/login/").text)[1]  # type: ignore[index]
    client.post("/login/", data={"username": USERNAME, "password": PASSWORD, "csrf_token": token})
    before, started = peak(), time.perf_counter()
    answer = client.get(f"/{TABLE}/export.xlsx", buffered=True)
    first = time.perf_counter() - started
    if answer.status_code == 302:
        with app.app_context():
            for waiting in exports.unfinished():
                exports.make(*waiting)
        answer = client.get(f"{answer.headers['Location']}/file", buffered=True)
    if answer.status_code != 200:
        raise SystemExit(f"{answer.status_code}")
    Path(path).write_bytes(answer.data)
    say(started, first, before)


if __name__ == "__main__":
    main()
