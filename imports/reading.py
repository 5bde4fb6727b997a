"""Reading what somebody sent, in a process of its own: it may take too long, too much memory, or abort, and nobody else notices.

The libraries that read workbooks are quick because they are written in other languages; a file made
for the purpose makes them hang or end the whole process. The processes come from a server that has
read in what they need and holds nothing of ours beside it: no connection, no session.

What was read comes over in pieces of some thousand rows, and only for sheets that somebody asks for, so that
neither side holds a sheet twice.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.language import _l
from imports import workbook
from imports.refusal import Refused
from imports.workbook import CHUNK, LIMITS, Limits, Source, Workbook

#: how long the processor may work at one file, and how much memory that may take beside what an idle process has
SECONDS, MEGABYTES = 30, 400
#: on a busy machine a file that needs that long takes longer
PATIENCE = 4
#: the rows of each sheet that come at once: enough to find a header
HEAD = 64

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", "imports.reading", "imports.answer.package"])
log = logging.getLogger(__name__)


def read(data: bytes, limits: Limits = LIMITS, *, seconds: int = SECONDS, megabytes: int = MEGABYTES) -> Workbook:
    """The workbook in these bytes, with all its rows; raises Refused with a sentence for the person, also when reading it does not come to an end."""
    with opened(data, limits, seconds=seconds, megabytes=megabytes) as book:
        for sheet in book.sheets:
            if sheet.source:
                sheet.rows = [row for chunk in sheet.chunks() for row in chunk]
                sheet.source = None
        return book


@contextmanager
def opened(data: bytes, limits: Limits = LIMITS, *, seconds: int = SECONDS, megabytes: int = MEGABYTES) -> Iterator[Workbook]:
    """The workbook in these bytes, each sheet with its first rows; `Sheet.chunks` gives all rows of a sheet while this is open. Raises Refused."""
    ours, theirs = _context.Pipe()
    process = _context.Process(target=_serve, args=(theirs, data, limits, seconds, megabytes), daemon=True)
    process.start()
    theirs.close()
    reader = _Reader(ours, process, seconds, megabytes)
    try:
        yield reader.workbook()
    finally:
        ours.close()
        process.kill()
        process.join(5)
        process.close()


class _Reader:
    """The near end of the pipe."""

    def __init__(self, pipe: Connection, process: Any, seconds: int, megabytes: int) -> None:
        self.pipe, self.process, self.seconds, self.megabytes = pipe, process, seconds, megabytes

    def workbook(self) -> Workbook:
        """What the process says first: the sheets with their first rows, or why the file is refused."""
        book, more = self._next()
        for place, sheet in enumerate(book.sheets):
            if more[place]:
                sheet.source = partial(self.rows, place)
        return book  # type: ignore[no-any-return]

    def rows(self, place: int) -> Iterator[list[list[object]]]:
        """The rows of a sheet in chunks."""
        self.pipe.send_bytes(b"%d" % place)
        while chunk := self._next():
            yield chunk

    def _next(self) -> Any:
        try:
            answer = pickle.loads(self.pipe.recv_bytes()) if self.pipe.poll(PATIENCE * self.seconds) else _SLOW  # noqa: S301 - from our own process
        except (EOFError, OSError):
            self.process.join(5)
            log.warning("a file ended the process that read it: %s", self.process.exitcode)
            answer = _SLOW if self.process.exitcode == -signal.SIGXCPU else None
        if isinstance(answer, str):
            raise Refused("too_big", _l("读这个文件用了 %(most)s 秒还没有读完，已停止。请删去多余的行、列和格式，或拆分后分次导入", most=self.seconds))
        if answer is None:
            sentence = _l(
                "这个文件打不开：文件已损坏，或读它要用的内存超过 %(most)s MB。请用 Excel 或 WPS 打开，删去多余的内容后另存为 .xlsx 再上传", most=self.megabytes
            )
            raise Refused("damaged", sentence)
        if isinstance(answer, _Why):
            raise Refused(answer.code, _l(answer.said, **answer.facts))
        return answer


#: instead of an answer: it took too long
_SLOW = "slow"


class _Why:
    """Why a file is refused, to be put into words by who asked."""

    def __init__(self, error: Refused) -> None:
        lazy: Any = error.message
        self.code = error.code
        self.said: str = lazy if isinstance(lazy, str) else lazy._args[0]  # noqa: SLF001 - the words before they are put into a language
        self.facts: dict[str, Any] = {} if isinstance(lazy, str) else dict(lazy._kwargs)  # noqa: SLF001


def _serve(pipe: Connection, data: bytes, limits: Limits, seconds: int, megabytes: int) -> None:
    """In the process of its own: answer with the workbook, with why it is refused, or with None where the memory was not enough; then with rows."""
    _confine(seconds, megabytes)
    with suppress(BrokenPipeError, EOFError, ConnectionResetError):
        try:
            kind, sources = workbook.sources(data, limits)
            del data
            sheets = [source.sheet(HEAD) for source in sources]
            _send(pipe, (Workbook(kind, sheets), [len(sheet.rows) == HEAD for sheet in sheets]))
            while True:
                _send_rows(pipe, sources[int(pipe.recv_bytes())])
        except Refused as error:
            _send(pipe, _Why(error))
        except (MemoryError, RecursionError):
            _send(pipe, None)


def _send_rows(pipe: Connection, source: Source) -> None:
    rows = source.rows()
    while chunk := list(islice(rows, CHUNK)):
        _send(pipe, chunk)
    _send(pipe, [])


def _send(pipe: Connection, answer: object) -> None:
    pipe.send_bytes(pickle.dumps(answer, 5))


def _confine(seconds: int, megabytes: int) -> None:
    """No more time and memory than a file may take; no file is written; what the libraries say as they abort goes nowhere."""
    idle = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    most = idle + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


__all__ = ["MEGABYTES", "SECONDS", "opened", "read"]
