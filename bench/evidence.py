"""What evidence of a period costs: half of the entries new agencies, half changes of them; made, and checked without the database.

.venv/bin/python -m bench.evidence [entries]         SQLite, in a temporary folder
DATABASE_URL=postgresql+psycopg://… .venv/bin/python -m bench.evidence [entries]     a database of its own, dropped afterwards

Memory is the most that the process held meanwhile (Linux), time that of the clock and of the process.
"""

from __future__ import annotations

import gc
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import current_app

from app.clock import today
from app.database import db
from app.history import evidence, evidence_check, upkeep
from app.history.search import Wanted
from app.scopes import SYSTEM, act_as

ENTRIES = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
sys.argv[1:] = [str(ENTRIES // 2)]

from bench.trace import _NUMBERS, INSERT, UPDATE, _database  # noqa: E402 - it reads how many rows out of the arguments


def measured(name: str, work: Callable[[], Any]) -> Any:
    """Do it, and say how long it took and what it held."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak
    before, begun, worked = held("VmRSS"), time.perf_counter(), time.process_time()
    result = work()
    spent = f"{time.perf_counter() - begun:.1f} s ({time.process_time() - worked:.1f} s of the processor)"
    print(f"{name}: {spent}, {held('VmHWM') - before} MB more than before", flush=True)
    return result


def held(what: str) -> int:
    """What the process holds, or the most it held, in MB."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) // 1024


def run() -> None:
    """Fill, seal, make, check, compare."""
    with tempfile.TemporaryDirectory() as folder, _database(folder) as engine:
        current_app.config["TRACE_ANCHORS"] = folder
        with engine.begin() as connection:
            connection.exec_driver_sql(INSERT + _NUMBERS[engine.dialect.name])
            connection.exec_driver_sql(UPDATE)
        measured("sealed", upkeep.seal)
        file = Path(folder) / "evidence.zip"
        act_as(db.session(), SYSTEM)
        order = evidence.order(db.session(), Wanted(relation="agency", first=today(), last=today()), "bench")

        def write() -> evidence.Made:
            with file.open("w+b") as out:
                return evidence.write(db.session(), order, out)

        made = measured("made", write)
        print(f"{made.entries} entries, {file.stat().st_size / 1e6:.0f} MB")
        found = measured("checked", lambda: evidence_check.check(file, upkeep.signer().public_key()))

        def compare() -> None:
            with engine.connect() as connection:
                evidence_check.compare(connection, file, found)

        measured("compared", compare)
        assert found.faults == [], found.faults[:3]
        db.session.remove()


if __name__ == "__main__":
    run()
