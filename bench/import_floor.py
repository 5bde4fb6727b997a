"""The floor of the import benchmark: calamine's list, simple validation, COPY into a staging table, INSERT … ON CONFLICT; executemany on SQLite.

python -m bench.import_floor prepare | run FILE          the database is DATABASE_URL
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from python_calamine import CalamineWorkbook

TABLE = "bench_import"
TEXTS = ("name", "code", "kind", "level", "legal_rep", "contact", "phone", "address", "scope")
COLUMNS = (*TEXTS, "staff", "area", "founded", "checked", "valid_to", "active", "note")
CODES = {"安全评价": "evaluation", "检测检验": "testing", "安全培训": "training", "一级": "first", "二级": "second"}
_PHONE = re.compile(r"0\d{2,3}-\d{7,8}")


def _text(most: int) -> Callable[[Any], str]:
    def read(raw: Any) -> str:
        text = str(raw).strip()
        if not text or len(text) > most:
            raise ValueError(text)
        return text

    return read


def _phone(raw: Any) -> str:
    if not _PHONE.fullmatch(raw):
        raise ValueError(raw)
    return str(raw)


def _count(raw: Any) -> int:
    if raw < 0 or raw != int(raw):
        raise ValueError(raw)
    return int(raw)


def _day(raw: Any) -> date:
    if not isinstance(raw, date):
        raise TypeError(raw)
    return raw


def _area(raw: Any) -> Decimal:
    return Decimal(str(raw)).quantize(Decimal("0.01"))


READ = (
    _text(200), _text(64), CODES.__getitem__, CODES.__getitem__, _text(60), _text(60), _phone, _text(500), _text(500),
    _count, _area, _day, _day, _day, {"是": True, "否": False}.__getitem__, _text(10_000),
)  # fmt: skip


def rows(path: str) -> Iterator[list[Any]]:
    """The checked rows of a file."""
    for cells in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]:
        yield [read(raw) for read, raw in zip(READ, cells, strict=True)]


def ddl(postgresql: bool) -> str:
    """The sixteen columns; the code is the key."""
    kinds = {"staff": "integer", "area": "numeric(14, 2)", "founded": "date", "checked": "date", "valid_to": "date", "active": "boolean"}
    columns = ", ".join(f"{name} {kinds.get(name, 'text')}" for name in COLUMNS)
    number = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY" if postgresql else "INTEGER PRIMARY KEY"
    return f"CREATE TABLE {TABLE} (id {number}, {columns}, UNIQUE (code))"


def upsert(source: str) -> str:
    """Insert, or update by the key."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "code")
    return f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) {source} ON CONFLICT (code) DO UPDATE SET {changed}"


def run_postgresql(url: str, path: str | None) -> int:
    """Prepare, or import a file; the number of its rows."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        if path is None:
            connection.execute(ddl(postgresql=True))
            return 0
        connection.execute(f"CREATE TEMP TABLE staging ON COMMIT DROP AS SELECT {', '.join(COLUMNS)} FROM {TABLE} WITH NO DATA")
        found = list(rows(path))
        with connection.cursor() as cursor, cursor.copy(f"COPY staging ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for row in found:
                copy.write_row(row)
        connection.execute(upsert(f"SELECT {', '.join(COLUMNS)} FROM staging"))
    return len(found)


def run_sqlite(url: str, path: str | None) -> int:
    """The same on SQLite."""
    connection = sqlite3.connect(urlsplit(url).path.removeprefix("/"))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    with connection:
        if path is None:
            connection.execute(ddl(postgresql=False))
            return 0
        found = [[*row[:10], float(row[10]), *(day.isoformat() for day in row[11:14]), *row[14:]] for row in rows(path)]
        connection.executemany(upsert(f"VALUES ({', '.join('?' * len(COLUMNS))})"), found)
    return len(found)


if __name__ == "__main__":
    address = os.environ["DATABASE_URL"]
    work = run_sqlite if address.startswith("sqlite") else run_postgresql
    count = work(address, sys.argv[2] if sys.argv[1] == "run" else None)
    print(json.dumps({"finished": time.monotonic(), "counts": {"rows": count}}))
