"""The queue by one setting: whatever tasks wait in, they are done once, found again after a kill, and nobody else's is run."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from huey.serializer import Serializer

import config
from app import health, jobs
from app.jobs import Jobs, QueueAway
from tests import queues

SECRET = "of a test"
#: a worker whose one task notes that it began, takes as long as it is told and notes that it is done; one call was left by a dead worker
WORKER = """
import sys, time
from pathlib import Path
from flask import Flask
from app import jobs
jobs.BEAT = jobs.PULSE = 0.2
notes, left = Path(sys.argv[2]), sys.argv[3:]
def note(word):
    with notes.open("a") as file:
        file.write(word + chr(10))
def work(name, seconds=0.0):
    note("began " + name)
    time.sleep(seconds)
    note("did " + name)
app = Flask("test")
app.config |= {"JOBS_PATH": sys.argv[1], "SECRET_KEY": "of a test"}
made = jobs.Jobs(app)
due = lambda: [(name,) for name in left if "did " + name not in notes.read_text()]
made.register("note", work, due)
made.repeat("note", due)
made.work()
"""


@pytest.fixture(params=queues.KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty queue of each kind."""
    made = queues.address_of(request.param, tmp_path)
    yield made
    queues.drop(made)


def jobs_at(address: str, secret: str = SECRET) -> Jobs:
    """The queue as the web server has it."""
    app = Flask("test")
    app.config |= {"JOBS_PATH": address, "SECRET_KEY": secret}
    made = Jobs(app)
    made.register("note", lambda *_arguments: None, list)
    return made


@pytest.fixture
def made(address: str) -> Iterator[Jobs]:
    found = jobs_at(address)
    yield found
    found._huey.storage.close()


Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """What the workers did, a line for each."""
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture
def begin(address: str, notes: Path) -> Iterator[Begin]:
    """Start a worker; those that still run are killed in the end."""
    running: list[subprocess.Popen[bytes]] = []
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ["PYTHONPATH"] = os.pathsep.join([str(config.ROOT), os.environ.get("PYTHONPATH", "")])

    def start(*left: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", WORKER, address, str(notes), *left], env=environ, cwd=config.ROOT)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait(10)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_a_word_is_kept_changed_and_taken_away(made: Jobs) -> None:
    assert made.said("import:1") is None
    made.say("import:1", {"done": 1})
    made.say("import:1", {"done": 2})
    made.say("import:2", True)
    assert (made.said("import:1"), made.said("import:1"), made.said("import:2")) == ({"done": 2}, {"done": 2}, True)
    made.hush("import:1", "import:3")
    assert (made.said("import:1"), made.said("import:2")) == (None, True)


def test_a_worker_that_never_ran_is_not_silent(made: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made.seconds_silent() is None
    made.pulse()
    assert made.seconds_silent() < 5  # type: ignore[operator]
    moment = time.time() + 100
    monkeypatch.setattr(jobs.time, "time", lambda: moment)
    assert 95 < made.seconds_silent() < 105  # type: ignore[operator]


def test_tasks_are_done_in_their_turn_by_a_worker_that_shows_itself(made: Jobs, begin: Begin, notes: Path) -> None:
    for name in ("one", "two"):
        made.put("note", name)
    assert made.waiting() == 2
    begin()
    until(lambda: "did two" in notes.read_text())
    assert notes.read_text().split("\n") == ["began one", "did one", "began two", "did two", ""]
    assert made.waiting() == 0
    until(lambda: made.seconds_silent() is not None)


def test_what_a_killed_worker_had_in_hand_is_done_by_the_next(made: Jobs, begin: Begin, notes: Path) -> None:
    killed = begin()
    made.put("note", "one", 60.0)
    until(lambda: "began one" in notes.read_text())
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(10)
    assert made.waiting() == 0, "the queue has forgotten it"
    begin("one")
    until(lambda: "did one" in notes.read_text())


def test_another_worker_that_lives_takes_it_over_and_only_then(made: Jobs, begin: Begin, notes: Path) -> None:
    first = begin("one")
    until(lambda: "did one" in notes.read_text())
    notes.write_text("", encoding="utf-8")  # as though it had never been done: it is due again
    until(lambda: "did one" in notes.read_text())
    os.kill(first.pid, signal.SIGKILL)
    first.wait(10)
    made.hush("hand:note:one")
    made.say("hand:note:one", (time.time(), "another machine", 1))
    notes.write_text("", encoding="utf-8")
    begin("one")
    time.sleep(2)
    assert notes.read_text() == "", "somebody else has it in hand"
    made.say("hand:note:one", (time.time() - jobs.LOST - 1, "another machine", 1))
    until(lambda: "did one" in notes.read_text())


def test_what_waits_is_not_put_twice(made: Jobs) -> None:
    made.repeat("note", lambda: [("one",), ("two",)])
    made.put("note", "one")
    for _beat in range(3):
        made.beat()
    assert made.waiting() == 2


def test_what_somebody_else_put_there_is_not_run(made: Jobs, begin: Begin, notes: Path, address: str) -> None:
    """Whoever can write to the queue's server cannot have the worker run anything: tasks are pickled, and signed with SECRET_KEY."""
    bad = f"import pathlib; pathlib.Path({str(notes)!r}).write_text('hurt')"

    class Hurt:
        def __reduce__(self) -> Any:
            return exec, (bad,)

    made._huey.storage.enqueue(pickle.dumps(Hurt()))
    made._huey.storage.put_data("word", Serializer().serialize(Hurt()))
    other = jobs_at(address, "another secret")
    other.put("note", "forged")
    made.put("note", "ours")
    assert made.said("word") is None
    begin()
    until(lambda: "did ours" in notes.read_text())
    assert notes.read_text() == "began ours\ndid ours\n"
    other._huey.storage.close()


# a server that is away, an address that is none -------------------------------------------------------

AWAY = ("postgresql://bureau:secret@127.0.0.1:9/queue", "redis://:secret@127.0.0.1:9/0")


@pytest.mark.parametrize("address", AWAY)
def test_a_queue_that_is_away_fails_nobodys_request(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = jobs_at(address)
    made.put("note", "one")
    made.say("word", 1)
    made.hush("word")
    made.pulse()
    made.repeat("note", lambda: [("one",)])
    made.beat()
    assert (made.said("word"), made.seconds_silent()) == (None, None)
    with pytest.raises(QueueAway, match="JOBS_PATH: the queue does not answer") as caught:
        made.work()
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)
    with made._app.app_context():
        assert [name for name, _words in health._background()] == ["queue"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("amqp://bureau:secret@host/1", "not amqp://"),
        ("redis://:secret@:6379/0", "the host is missing"),
        ("redis://:secret@host:port/0", "the port is not a number"),
        ("redis://:secret@host/jobs", "the database of Redis is a number"),
        ("postgresql://bureau:secret@host", "the database is missing"),
        ("postgresql:///jobs", "the host is missing"),
    ],
)
def test_an_address_that_makes_no_sense_stops_the_start_in_words(value: str, why: str) -> None:
    with pytest.raises(config.SettingError, match=why) as caught:
        config.read({"JOBS_PATH": value})
    assert str(caught.value).startswith("JOBS_PATH: a path (a SQLite file), postgresql://")
    assert ":secret@" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["/srv/jobs.db", "redis://host", "rediss://:p@host:6380/3", "postgresql://u:p@host/jobs", "postgresql+psycopg://u:p@host:5433/jobs"]
)
def test_an_address_of_each_kind_is_taken(value: str) -> None:
    assert config.read({"JOBS_PATH": value})["JOBS_PATH"] == value
