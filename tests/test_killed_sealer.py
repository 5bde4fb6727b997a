"""The worker is killed while it seals, again and again: every entry is sealed once all the same, and the chain holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

import config
from app.database import db
from app.history import commands
from app.history.tables import trace
from models.reference import CodeEntry
from tests.databases import Databases

KILLS = 10
#: one process that seals for each line, in a child of its own, which can be killed without starting Python anew
SEALER = """
import os, sys
from app.database import db
from app.factory import create_app
from app.history import commands
app = create_app({"DATABASE_URL": sys.argv[1], "TRACE_ANCHORS": sys.argv[2], "TRACE_KEY": sys.argv[3], "SECRET_KEY": "of a test", "JOBS_PATH": ":immediate:"})
with app.app_context():
    print("ready", flush=True)
    for _line in sys.stdin:
        child = os.fork()
        if not child:
            print(os.getpid(), flush=True)
            commands.seal()
            os._exit(0)
        print("killed" if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9 else "sealed", flush=True)
"""


class Sealer:
    """The process, asked by lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def seal(self, seconds: float | None = None) -> str:
        """Let it seal, and kill it after so many seconds; how it ended."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        number = int(self.said())
        if seconds is not None:
            time.sleep(seconds)
            with suppress(ProcessLookupError):  # it was faster
                os.kill(number, signal.SIGKILL)
        return self.said()

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def sealer(app: Flask, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sealer]:
    monkeypatch.setitem(app.config, "TRACE_ANCHORS", str(tmp_path))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")} | {
        "INSTANCE_DIR": str(tmp_path),
        "PYTHONPATH": str(config.ROOT),
    }
    command = [sys.executable, "-c", SEALER, databases.work, str(tmp_path), app.config["TRACE_KEY"]]
    with subprocess.Popen(command, env=environ, cwd=config.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        made = Sealer(process)
        assert made.said() == "ready"
        yield made
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def test_every_entry_is_sealed_once_however_often_the_worker_is_killed(app: Flask, sealer: Sealer) -> None:
    chance = random.Random(4)  # the same moments each time, as far as the machine lets them be
    with app.app_context():
        started = time.monotonic()
        assert sealer.seal() == "sealed"
        whole = time.monotonic() - started
        cut = 0
        for turn in range(KILLS):
            with db.engine.begin() as connection:
                connection.execute(sa.update(CodeEntry.__table__).values(remark=f"第{turn}次"))
            sealer.seal(chance.uniform(0, whole))
            cut += commands.verdict().unsealed > 0
        assert cut > KILLS / 3, "most of them were in the middle of it"
        assert sealer.seal() == "sealed"
        found = commands.verdict()
        assert found.findings == []
        assert found.unsealed == 0
        link = trace(db.engine.dialect.name).link
        with db.engine.connect() as connection:
            sealed, entries = connection.execute(sa.select(sa.func.count(link.c.entry), sa.func.count(link.c.entry.distinct()))).one()
        assert sealed == entries == found.entries > KILLS * 500
        db.session.remove()
