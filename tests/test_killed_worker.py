"""A real worker is killed while it checks, writes and takes back: all or nothing, and the next worker does it (promise T20).

`KILLS=200` for a long run, `QUEUE=redis` for another queue; it prints what came of it with `-s`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import config
from app.database import db
from app.jobs import Jobs
from imports import plan as planning
from imports.batch import BatchState, ImportBatch
from imports.stored import ImportPart
from models.agency import Agency
from tests import queues
from tests.databases import POSTGRESQL, Databases
from tests.people import CLERK
from tests.test_import_jobs import batch, batch_of, count, rows
from views import import_jobs

#: of the worker while it writes, at least; some while it checks and while it takes back
KILLS = int(os.environ.get("KILLS", "20"))
SIZE, PART = 400, 100
#: one batch is not cut off more often than this
IN_A_ROW = 3
#: when a worker is there again, so long at most until the batch is done
SECONDS = 60.0
SECRET = "a key of the tests, long enough for tokens"
#: starts workers as `flask worker` does, without starting Python anew for each, and says how they ended
STARTER = """
import os, sys
from app.factory import create_app
from imports import plan as planning
app = create_app({"DATABASE_URL": sys.argv[1], "JOBS_PATH": sys.argv[2], "SECRET_KEY": sys.argv[3], "BACKUP_AT": "no", "TRACE_ANCHORS": sys.argv[4]})
print("ready", flush=True)
planning.ROWS = int(sys.argv[5])
for line in sys.stdin:
    if line.strip() != "begin":
        print(os.waitstatus_to_exitcode(os.waitpid(int(line), 0)[1]), flush=True)
        continue
    child = os.fork()
    if not child:
        app.extensions["jobs"].work()
        os._exit(0)
    print(child, flush=True)
"""


@dataclass
class Office:
    """The queue as the pages have it, and one worker."""

    process: subprocess.Popen[str]
    jobs: Jobs
    worker: int = 0
    reach: float = 1.0
    chance: random.Random = field(default_factory=lambda: random.Random(20))
    seconds: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def ask(self, line: str) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def begin(self) -> None:
        """A worker, when there is none."""
        self.worker = self.worker or self.ask("begin")

    def kill(self) -> None:
        os.kill(self.worker, signal.SIGKILL)
        assert self.ask(str(self.worker)) == -signal.SIGKILL, "it had ended by itself"
        self.worker = 0

    def finish(self, number: int, wanted: str, attempt: int | None = None) -> float:
        """Wait until a batch is as it should be; how many seconds that took, from when it was taken in hand after that attempt."""
        self.begin()
        begun = time.monotonic()
        while batch(number).state != wanted:
            assert time.monotonic() - begun < SECONDS, f"{batch(number).state} after {SECONDS} s: {batch(number).message}"
            if batch(number).attempt == attempt:
                begun = time.monotonic()
            time.sleep(0.002)
        return time.monotonic() - begun

    def cut(self, number: int, whole: float, waiting: set[str]) -> bool:
        """Kill the worker at some moment after it has taken the batch in hand; whether the batch is still to be done."""
        before = batch(number).attempt
        self.begin()
        begun = time.monotonic()
        while batch(number).attempt == before and batch(number).state in waiting:
            assert time.monotonic() - begun < SECONDS, "no worker took it in hand"
            time.sleep(0.002)
        self.seconds.append(time.monotonic() - begun)
        time.sleep(self.chance.uniform(0, whole * self.reach))
        self.kill()
        left = batch(number).state in waiting
        self.reach *= 1.2 if left else 0.7  # whatever the machine is at beside: about half of the kills come before the end
        self.outcomes["cut off" if left else "had done it"] += 1
        return left

    def enough(self, kills: int) -> bool:
        """Whether so many workers were killed, a good part of them in the middle of it."""
        assert self.outcomes.total() < 10 * kills, f"none of them in time: {self.outcomes}"
        return self.outcomes.total() >= kills and self.outcomes["cut off"] >= kills / 4

    def killed_again_and_again(self, number: int, task: str, whole: float, waiting: set[str], done: str) -> Iterator[bool]:
        """Queue a batch and kill workers at it; yields each time whether it is to be done, and at last False when a worker has done it."""
        self.jobs.put(task, number)
        for _time in range(IN_A_ROW):
            left = self.cut(number, whole, waiting)
            yield left
            if not left:
                return
        self.seconds.append(self.finish(number, done))
        yield False


@pytest.fixture
def office(app: Flask, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(planning, "ROWS", PART)
    address = queues.address_of(os.environ.get("QUEUE") or (queues.POSTGRESQL if POSTGRESQL else queues.FILE), tmp_path)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ |= {"INSTANCE_DIR": str(tmp_path), "PYTHONPATH": str(config.ROOT)}
    ours = Flask("test")
    ours.config |= {"JOBS_PATH": address, "SECRET_KEY": SECRET}
    jobs = Jobs(ours)
    for task in (import_jobs.CHECK, import_jobs.WRITE, import_jobs.UNDO):
        jobs.register(task, lambda _number: None, list)
    command = [sys.executable, "-c", STARTER, databases.work, address, SECRET, str(tmp_path / "anchors"), str(PART)]
    log = tmp_path / "worker.log"
    with app.app_context(), log.open("w") as out:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": out, "text": True}
        process = subprocess.Popen(command, env=environ, cwd=config.ROOT, **pipes)
        assert process.stdout.readline().strip() == "ready", log.read_text()
        made = Office(process, jobs)
        yield made
        if made.worker:
            made.kill()
        process.communicate(timeout=30)
    jobs._huey.storage.close()
    queues.drop(address)
    if made.seconds:
        print(f"\n{dict(made.outcomes)}; in hand again or done {max(made.seconds):.2f} s at most after a worker was there")  # noqa: T201 - figures of a long run


def written(contact: str) -> int:
    return count(Agency.__table__.c.contact == contact, Agency.__table__.c.voided_at.is_(None))


def change(number: int, **values: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(sa.update(ImportBatch.__table__).where(ImportBatch.__table__.c.id == number).values(values))


def whole_of(office: Office, number: int, task: str, done: str) -> float:
    """How long a worker that nobody kills is at it."""
    before = batch(number).attempt
    office.jobs.put(task, number)
    return office.finish(number, done, before)


def test_killed_while_it_writes(office: Office) -> None:
    """Records and the batch's own word change together, however often a worker dies over it."""
    waiting = {BatchState.QUEUED.value, BatchState.RUNNING.value}
    whole = whole_of(office, batch_of(rows(SIZE)), import_jobs.WRITE, "done")
    assert count() == SIZE
    turn = 0
    while not office.enough(KILLS):
        turn += 1
        number, contact = batch_of(rows(SIZE, contact=f"第{turn}次")), f"第{turn}次"
        for left in office.killed_again_and_again(number, import_jobs.WRITE, whole, waiting, "done"):
            assert written(contact) == (0 if left else SIZE), "all or nothing, and the batch says which"
        assert (count(), batch(number).counts["written"]) == (SIZE, SIZE)


def test_killed_while_it_checks(office: Office) -> None:
    """A plan is kept whole or not at all."""
    waiting, parts = {BatchState.CHECKING.value}, sa.select(sa.func.count()).select_from(ImportPart.__table__)
    number = batch_of(rows(SIZE), BatchState.CHECKING)
    whole = whole_of(office, number, import_jobs.CHECK, "planned")
    while not office.enough(KILLS // 4):
        with db.engine.begin() as connection:
            connection.execute(sa.delete(ImportPart.__table__))
        change(number, state="checking", digest=None)
        for left in office.killed_again_and_again(number, import_jobs.CHECK, whole, waiting, "planned"):
            with db.engine.connect() as connection:
                assert (connection.scalar(parts), batch(number).digest is None) == ((0, True) if left else (SIZE // PART, False))
    assert count() == 0


def test_killed_while_it_takes_back(office: Office) -> None:
    waiting, whole = {BatchState.UNDOING.value}, 0.0
    whole_of(office, batch_of(rows(SIZE // 2, contact="旧")), import_jobs.WRITE, "done")
    while not whole or not office.enough(KILLS // 4):
        number = batch_of(rows(SIZE, contact="新"))
        whole_of(office, number, import_jobs.WRITE, "done")
        assert (written("旧"), written("新")) == (0, SIZE)
        change(number, state="undoing", undone_by=CLERK.username)
        if not whole:
            whole = whole_of(office, number, import_jobs.UNDO, "undone")
            continue
        for left in office.killed_again_and_again(number, import_jobs.UNDO, whole, waiting, "undone"):
            assert (written("旧"), written("新")) == ((0, SIZE) if left else (SIZE // 2, 0))
