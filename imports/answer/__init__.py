"""The answer workbook: the sender's own file with the wrong rows marked, to be mended and sent back.

A zipped workbook (.xlsx, .xlsm) is edited part by part, so that everything in it stays as it was
(docs/decisions/0018-the-answer-workbook.md); of any other file a new workbook with the same cells is
made. Wrong cells are red and carry a comment; behind the last column stands 错误说明.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from multiprocessing.connection import Connection

from sqlalchemy.orm import Session

from imports import reading, remembered, table
from imports.answer import anew, package
from imports.answer.faults import EXPLANATION, Fault, Request
from imports.answer.mark import batch_of, mark_of, signed
from imports.plan import Plan
from imports.reading import _confine, _context
from imports.rows import Issue
from imports.table import Table

#: how long the processor may work at one file, how much memory it may take beside what an idle process has
SECONDS, MEGABYTES = 30, 700
log = logging.getLogger(__name__)


def faults(table: Table, issues: Iterable[Issue]) -> list[Fault]:
    """The issues of a plan, each with the place of its column (from 0) instead of its heading; None where the file has no such column."""
    places = {column.heading: column.place for column in table.columns if column.heading and not column.typed}
    return [Fault(issue.row, places.get(issue.column), str(issue.message)) for issue in issues]


def write(
    data: bytes, kind: str, sheet: str, header_row: int, depth: int, errors: Sequence[Fault],
    *, only_wrong: bool, mark: str, numbers: Collection[int] = (),
) -> bytes:  # fmt: skip
    """The answer to a file as the bytes of a workbook; raises Refused when the file cannot even be read.

    `sheet`, `header_row` (the first of `depth` rows, from 1) and `numbers` (the data rows) are those of its Table. With `only_wrong`
    the other data rows are emptied and hidden: what is left keeps its row numbers, which the sentences name. `mark` is what mark_of()
    finds again when the file comes back.
    """
    request = Request(sheet, header_row, depth, tuple(errors), only_wrong, mark, frozenset(numbers))
    edited = _edited(data, request) if kind == "xlsx" else None
    return edited if edited is not None else anew.made(reading.read(data), request)


def of_plan(session: Session, plan: Plan, data: bytes, *, only_wrong: bool, mark: str) -> bytes:
    """The answer to a file whose plan is kept; raises Refused like `write`."""
    with reading.opened(data) as book:
        found = table.begin(book, plan.cls, plan.table.sheet, plan.table.answers.decisions, remembered.recall(session, plan.cls))
        numbers = [number for some, _cells in found.pieces() for number in some]
        numbers += plan.table.answers.decisions.skips  # rows of data all the same
        kind, depth = book.kind, found.body.first - found.header_row if found.body else 1
    return write(data, kind, found.sheet, found.header_row, depth, faults(found, plan.wrong), only_wrong=only_wrong, mark=mark, numbers=numbers)


def _edited(data: bytes, request: Request) -> bytes | None:
    """The package edited in a process of its own; None when it is no such package, or its inside is too odd to be edited."""
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_edit, args=(theirs, data, request, SECONDS, MEGABYTES), daemon=True)
    process.start()
    theirs.close()
    try:
        return ours.recv_bytes() or None if ours.poll(reading.PATIENCE * SECONDS) else None
    except (EOFError, OSError):
        log.warning("a file ended the process that answered it")
        return None
    finally:
        ours.close()
        process.kill()
        process.join(5)
        process.close()


def _edit(answer: Connection, data: bytes, request: Request, seconds: int, megabytes: int) -> None:
    """In the process of its own: the edited package, or nothing."""
    _confine(seconds, megabytes)
    try:
        made = package.edited(data, request)
    except package.TOO_ODD:
        made = b""
    answer.send_bytes(made)


__all__ = ["EXPLANATION", "Fault", "batch_of", "faults", "mark_of", "of_plan", "signed", "write"]
