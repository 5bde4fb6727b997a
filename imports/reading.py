"""Reading what somebody sent, in a process of its own: it may take too long, too much memory, or abort, and nobody else notices.

The libraries that read workbooks are quick because they are written in other languages; a file made
for the purpose makes them hang or end the whole process. The processes come from a server that has
read in what they need and holds nothing of ours beside it: no connection, no session.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.language import _l
from imports import workbook
from imports.refusal import Refused
from imports.workbook import LIMITS, Limits, Workbook

#: how long the processor may work at one file, and how much memory that may take beside what an idle process has
SECONDS, MEGABYTES = 30, 400
#: on a busy machine a file that needs that long takes longer
PATIENCE = 4

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", "imports.reading", "imports.answer.package"])
#: instead of an answer: it took too long
_SLOW = "slow"
log = logging.getLogger(__name__)


def read(data: bytes, limits: Limits = LIMITS, *, seconds: int = SECONDS, megabytes: int = MEGABYTES) -> Workbook:
    """The workbook in these bytes; raises Refused with a sentence for the person, also when reading it does not come to an end."""
    answer: Any
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_read, args=(theirs, data, limits, seconds, megabytes), daemon=True)
    process.start()
    theirs.close()
    try:
        answer = ours.recv() if ours.poll(PATIENCE * seconds) else _SLOW
    except (EOFError, OSError):
        process.join(5)
        log.warning("a file ended the process that read it: %s", process.exitcode)
        answer = _SLOW if process.exitcode == -signal.SIGXCPU else None
    finally:
        ours.close()
        process.kill()
        process.join(5)
        process.close()
    if answer == _SLOW:
        raise Refused("too_big", _l("读这个文件用了 %(most)s 秒还没有读完，已停止。请删去多余的行、列和格式，或拆分后分次导入", most=seconds))
    if isinstance(answer, Workbook):
        return answer
    if answer is None:
        sentence = _l(
            "这个文件打不开：文件已损坏，或读它要用的内存超过 %(most)s MB。请用 Excel 或 WPS 打开，删去多余的内容后另存为 .xlsx 再上传", most=megabytes
        )
        raise Refused("damaged", sentence)
    code, said, facts = answer
    raise Refused(code, _l(said, **facts))


def _read(answer: Connection, data: bytes, limits: Limits, seconds: int, megabytes: int) -> None:
    """In the process of its own: answer with the workbook, with why it is refused, or with None where the memory was not enough."""
    _confine(seconds, megabytes)
    found: Any
    try:
        found = workbook.read(data, limits)
    except Refused as error:
        lazy: Any = error.message
        found = (error.code, lazy, {}) if isinstance(lazy, str) else (error.code, lazy._args[0], dict(lazy._kwargs))  # noqa: SLF001 - sentences are put into words by who asked
    except (MemoryError, RecursionError):
        found = None
    with suppress(BrokenPipeError):
        answer.send(found)


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


__all__ = ["MEGABYTES", "SECONDS", "read"]
