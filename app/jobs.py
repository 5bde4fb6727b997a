"""Work behind the page: a queue, one worker or several, tasks named by the factory.

The queue only carries the message "batch 118 wants doing"; the truth about a job is the row that it
works on. A task that a kill takes with it, or that never reached a queue that was away, is found
again by whoever sweeps: each worker, at its start and at every beat.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.queues import IMMEDIATE, TROUBLE, queue_of, told

log = logging.getLogger(__name__)
Call = tuple[Any, ...]
#: how often a worker looks for what is due, and shows that it and what it has in hand live, in seconds
BEAT, PULSE = 20, 10
#: what a worker had in hand is another's when it was silent for so long (at once, when it ran on the same machine), in seconds
LOST = 30
#: how long an idle worker sleeps at most before it looks into a file again, in seconds
_NAP = 0.25
_ALIVE = "alive"


class QueueAway(Exception):
    """The queue does not answer."""


class Jobs:
    """The tasks of an application and the queue that they wait in."""

    def __init__(self, app: Flask) -> None:
        self._app, self._where = app, app.config["JOBS_PATH"]
        self._huey = queue_of(self._where, app.config["SECRET_KEY"])
        self._in_hand: set[str] = set()
        self._tasks: dict[str, Callable[..., Any]] = {}
        self._sweepers: list[Callable[[], list[Call]]] = []
        self._routines: list[Callable[[], object]] = []
        self._repeated: list[Callable[[], list[Call]]] = []
        app.extensions["jobs"] = self

    def register(self, name: str, work: Callable[..., None], sweep: Callable[[], list[Call]]) -> None:
        """Name a task; `sweep` says at the worker's start which calls were cut off or forgotten."""

        def task(*arguments: Any) -> None:
            with self._held(_hand(name, arguments)), self._app.app_context():
                work(*arguments)

        self._tasks[name] = self._huey.task(name=name)(task)
        self._sweepers.append(lambda: [(name, *arguments) for arguments in sweep()])

    def repeat(self, name: str, due: Callable[[], list[Call]], every: float = 0) -> None:
        """Ask at each beat, or every so many seconds, which calls of a task are due; those that wait or that a living worker has in hand are not put twice."""
        asked: list[float] = []

        def calls() -> list[Call]:
            if asked and time.monotonic() - asked[-1] < every:
                return []
            asked[:] = [time.monotonic()]
            return [(name, *arguments) for arguments in due()]

        self._repeated.append(calls)

    def routine(self, work: Callable[[], object]) -> None:
        """Have it done at every beat, beside whatever task the worker has in hand."""
        self._routines.append(work)

    def put(self, name: str, *arguments: Any) -> None:
        """Queue a task. One that a queue does not take is found by the sweeper later: nobody's request fails for it."""
        try:
            self._tasks[name](*arguments)
        except TROUBLE:
            log.exception("the queue does not take %s; a worker will find it", name)

    def waiting(self) -> int:
        """How many tasks wait; raises QueueAway."""
        try:
            return int(self._huey.pending_count())
        except TROUBLE as error:
            raise QueueAway(f"JOBS_PATH: the queue does not answer ({told(self._where)}): {str(error).strip()}") from error

    # what a task says while its transaction is open: it lies with the queue, since a writer locks all of SQLite

    def say(self, name: str, what: Any) -> None:
        """Leave word under a name, for whoever asks. It is lost where the queue is away."""
        try:
            self._huey.put(name, what)
        except TROUBLE as error:
            log.warning("the queue does not keep a word: %s", error)

    def said(self, name: str) -> Any:
        """The word under a name; None when there is none."""
        try:
            return self._huey.get(name, peek=True)
        except TROUBLE as error:
            log.warning("the queue does not give a word: %s", error)
            return None

    def hush(self, *names: str) -> None:
        """Take words away again."""
        for name in names:
            try:
                self._huey.delete(name)
            except TROUBLE as error:
                log.warning("the queue does not drop a word: %s", error)

    # who lives ------------------------------------------------------------------------------------

    def seconds_silent(self) -> float | None:
        """How long ago a worker last showed that it lives; None: none ever did."""
        word = self.said(_ALIVE)
        return None if word is None else max(0.0, time.time() - word[0])

    def pulse(self) -> None:
        """Show that the worker and what it has in hand live."""
        for name in (_ALIVE, *tuple(self._in_hand)):
            self.say(name, _sign_of_life())

    @contextmanager
    def _held(self, hand: str) -> Iterator[None]:
        """Have a call in hand: no other worker takes it up while this one lives."""
        self.say(hand, _sign_of_life())
        self._in_hand.add(hand)
        try:
            yield
        finally:
            self._in_hand.discard(hand)
            word = self.said(hand)
            if word is not None and tuple(word[1:]) == _sign_of_life()[1:]:  # else another worker has it in hand by now
                self.hush(hand)

    def _lost(self, name: str, arguments: Call) -> bool:
        """Whether no living worker has the call in hand."""
        word = self.said(_hand(name, arguments))
        if word is None:
            return True
        moment, machine, process = word
        return time.time() - moment > LOST or (machine == socket.gethostname() and not _runs(process))

    # the worker -----------------------------------------------------------------------------------

    def beat(self) -> None:
        """Queue what is due, and do what is done at every beat."""
        with self._app.app_context():
            routines: list[Callable[[], object]] = [*self._routines, *(partial(self._put_due, due) for due in self._repeated)]
            for routine in routines:
                try:
                    routine()
                except Exception:  # one failure (the database is away) must not end all that follow
                    log.exception("a routine of the worker failed; it is tried again in %s s", BEAT)

    def _put_due(self, due: Callable[[], list[Call]]) -> None:
        calls = due()
        queued = {(task.name, *task.args) for task in self._huey.pending()} if calls else set()
        for call in calls:
            if call not in queued and self._lost(call[0], call[1:]):
                self.put(*call)

    def work(self) -> None:
        """Run until told to stop: first what a dead worker left, then what comes; raises QueueAway when there is no queue at the start."""
        self.waiting()
        with self._app.app_context():
            for sweep in self._sweepers:
                self._put_due(sweep)
        over = threading.Event()
        # each in a thread of its own: neither a long task nor a routine that waits for a locked database looks like a dead worker
        for seconds, work in ((PULSE, self.pulse), (BEAT, self.beat)):
            threading.Thread(target=_again_until, args=(over, seconds, work), daemon=True).start()
        try:
            self._huey.create_consumer(workers=1, periodic=False, max_delay=_NAP).run()
        finally:
            over.set()


def _hand(name: str, arguments: Call) -> str:
    """By which it is known that a worker has a call in hand."""
    return ":".join(("hand", name, *map(str, arguments)))


def _sign_of_life() -> tuple[float, str, int]:
    return time.time(), socket.gethostname(), os.getpid()


def _runs(process: int) -> bool:
    """Whether there is such a process on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _again_until(over: threading.Event, seconds: float, work: Callable[[], None]) -> None:
    work()
    while not over.wait(seconds):
        work()


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
    try:
        current_app.extensions["jobs"].work()
    except QueueAway as error:
        raise click.ClickException(str(error)) from error


__all__ = ["IMMEDIATE", "Jobs", "QueueAway", "hush", "put", "said", "say", "worker"]
