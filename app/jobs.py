"""Work behind the page: a queue in a file of its own, one worker, tasks named by the factory.

The queue only carries the message "batch 118 wants doing"; the truth about a job is the row that it
works on. A task that a kill takes with it is found again by the sweeper at the worker's start.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from huey import MemoryHuey, SqliteHuey

log = logging.getLogger(__name__)
#: how often a worker shows that it lives and looks for what is due, in seconds
BEAT = 20
#: runs every task at once, in the caller: for tests and for one-off commands
IMMEDIATE = ":immediate:"


class Jobs:
    """The tasks of an application and the queue that they wait in."""

    def __init__(self, app: Flask) -> None:
        path = app.config["JOBS_PATH"]
        self._app = app
        self._huey = MemoryHuey("yingshang", immediate=True) if path == IMMEDIATE else SqliteHuey("yingshang", filename=path)
        #: touched by a living worker
        self._heart = None if path == IMMEDIATE else Path(f"{path}.alive")
        self._tasks: dict[str, Callable[..., Any]] = {}
        self._sweepers: list[Callable[[], list[tuple[Any, ...]]]] = []
        self._routines: list[Callable[[], object]] = []
        self._repeated: list[Callable[[], list[tuple[Any, ...]]]] = []
        app.extensions["jobs"] = self

    def register(self, name: str, work: Callable[..., None], sweep: Callable[[], list[tuple[Any, ...]]]) -> None:
        """Name a task; `sweep` says at the worker's start which calls were cut off or forgotten."""

        def task(*arguments: Any) -> None:
            with self._app.app_context():
                work(*arguments)

        self._tasks[name] = self._huey.task(name=name)(task)
        self._sweepers.append(lambda: [(name, *arguments) for arguments in sweep()])

    def repeat(self, name: str, due: Callable[[], list[tuple[Any, ...]]]) -> None:
        """Ask every few seconds which calls of a task are due. Each worker asks: `due` sees to it that only one gets a call."""
        self._repeated.append(lambda: [(name, *arguments) for arguments in due()])

    def waiting(self) -> int:
        """How many tasks wait."""
        return int(self._huey.pending_count())

    def beat(self) -> None:
        """Show that the worker lives, and queue what is due."""
        if self._heart is not None:
            self._heart.touch()
        with self._app.app_context():
            routines: list[Callable[[], object]] = [*self._routines, *(partial(self._put_due, due) for due in self._repeated)]
            for routine in routines:
                try:
                    routine()
                except Exception:  # one failure (the database is away) must not end all that follow
                    log.exception("a routine of the worker failed; it is tried again in %s s", BEAT)

    def _put_due(self, due: Callable[[], list[tuple[Any, ...]]]) -> None:
        for name, *arguments in due():
            self.put(name, *arguments)

    def routine(self, work: Callable[[], object]) -> None:
        """Have it done at every beat, beside whatever task the worker has in hand."""
        self._routines.append(work)

    # what a task says while its transaction is open: it lies with the queue, since a writer locks all of SQLite

    def say(self, name: str, what: Any) -> None:
        """Leave word under a name, for whoever asks."""
        self._huey.put(name, what)

    def said(self, name: str) -> Any:
        """The word under a name; None when there is none."""
        return self._huey.get(name, peek=True)

    def hush(self, *names: str) -> None:
        """Take words away again."""
        for name in names:
            self._huey.delete(name)

    def seconds_silent(self) -> float | None:
        """How long ago a worker last showed that it lives; None: none ever did."""
        if self._heart is None or not self._heart.exists():
            return None
        return max(0.0, time.time() - self._heart.stat().st_mtime)

    def put(self, name: str, *arguments: Any) -> None:
        """Queue a task."""
        self._tasks[name](*arguments)

    def work(self) -> None:
        """Run until told to stop: first what a dead worker left, then what comes."""
        with self._app.app_context():
            for sweep in self._sweepers:
                for name, *arguments in sweep():
                    self.put(name, *arguments)
        over = threading.Event()
        threading.Thread(target=self._beat_until, args=(over,), daemon=True).start()
        try:
            self._huey.create_consumer(workers=1, periodic=False).run()
        finally:
            over.set()

    def _beat_until(self, over: threading.Event) -> None:
        """A thread of its own: a long task must not look like a dead worker."""
        self.beat()
        while not over.wait(BEAT):
            self.beat()


def put(name: str, *arguments: Any) -> None:
    """Queue a task of the current application."""
    current_app.extensions["jobs"].put(name, *arguments)


def say(name: str, what: Any) -> None:
    """Leave word for whoever asks, of a task that works for the current application."""
    current_app.extensions["jobs"].say(name, what)


def said(name: str) -> Any:
    """What a task of the current application has to say; None when nothing."""
    return current_app.extensions["jobs"].said(name)


def hush(*names: str) -> None:
    """Take words away again."""
    current_app.extensions["jobs"].hush(*names)


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Do the background work until stopped."""
    current_app.extensions["jobs"].work()
