"""The answer workbook of a plan.

Apart from `imports/answer`, which a process of its own loads: what is asked of sessions and registers would take it a second more to begin.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.orm import Session

from imports import answer, reading, remembered, table
from imports.answer import Fault
from imports.plan import Plan
from imports.rows import Issue
from imports.table import Table


def faults(table: Table, issues: Iterable[Issue]) -> list[Fault]:
    """The issues of a plan, each with the place of its column (from 0) instead of its heading; None where the file has no such column."""
    places = {column.heading: column.place for column in table.columns if column.heading and not column.typed}
    return [Fault(issue.row, places.get(issue.column), str(issue.message)) for issue in issues]


def of_plan(session: Session, plan: Plan, data: bytes, *, only_wrong: bool, mark: str) -> bytes:
    """The answer to a file whose plan is kept; raises Refused like `write`."""
    with reading.opened(data) as book:
        found = table.begin(book, plan.cls, plan.table.sheet, plan.table.answers.decisions, remembered.recall(session, plan.cls))
        numbers = [number for some, _cells in found.pieces() for number in some]
        numbers += plan.table.answers.decisions.skips  # rows of data all the same
        kind, depth = book.kind, found.body.first - found.header_row if found.body else 1
    return answer.write(data, kind, found.sheet, found.header_row, depth, faults(found, plan.wrong), only_wrong=only_wrong, mark=mark, numbers=numbers)


__all__ = ["faults", "of_plan"]
