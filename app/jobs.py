"""Work behind the page: a queue in a file of its own, one worker, tasks named by the factory.

The queue only carries the message "batch 118 wants doing"; the truth about a job is the row that it
works on. A task that a kill takes with it is found again by the sweeper at the worker's start.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from huey import MemoryHuey, SqliteHuey

log = logging.getLogger(__name__)

#: runs every task at once, in the caller: for tests and for one-off commands
IMMEDIATE = ":immediate:"


class Jobs:
    """The tasks of an application and the queue that they wait in."""

    def __init__(self, app: Flask) -> None:
        path = app.config["JOBS_PATH"]
        self._app = app
        self._huey = MemoryHuey("yingshang", immediate=True) if path == IMMEDIATE else SqliteHuey("yingshang", filename=path)
        self._tasks: dict[str, Callable[..., Any]] = {}
        self._sweepers: list[Callable[[], list[tuple[Any, ...]]]] = []
        self._routines: list[tuple[float, Callable[[], None]]] = []
        app.extensions["jobs"] = self

    def register(self, name: str, work: Callable[..., None], sweep: Callable[[], list[tuple[Any, ...]]]) -> None:
        """Name a task; `sweep` says at the worker's start which calls were cut off or forgotten."""

        def task(*arguments: Any) -> None:
            with self._app.app_context():
                work(*arguments)

        self._tasks[name] = self._huey.task(name=name)(task)
        self._sweepers.append(lambda: [(name, *arguments) for arguments in sweep()])

    def put(self, name: str, *arguments: Any) -> None:
        """Queue a task."""
        self._tasks[name](*arguments)

    def work(self) -> None:
        """Run until told to stop: first what a dead worker left, then what comes."""
        with self._app.app_context():
            for sweep in self._sweepers:
                for name, *arguments in sweep():
                    self.put(name, *arguments)
        for seconds, routine in self._routines:
            threading.Thread(target=self._again_and_again, args=(seconds, routine), daemon=True).start()
        self._huey.create_consumer(workers=1, periodic=False).run()

    def every(self, seconds: float, routine: Callable[[], None]) -> None:
        """Have the worker do something again and again, beside its tasks."""
        self._routines.append((seconds, routine))

    def _again_and_again(self, seconds: float, routine: Callable[[], None]) -> None:
        while True:
            try:
                with self._app.app_context():
                    routine()
            except Exception:  # one failure (the database is away) must not end all that follow
                log.exception("%s failed; it is tried again in %s s", routine.__qualname__, seconds)
            time.sleep(seconds)


def put(name: str, *arguments: Any) -> None:
    """Queue a task of the current application."""
    current_app.extensions["jobs"].put(name, *arguments)


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Do the background work until stopped."""
    current_app.extensions["jobs"].work()
