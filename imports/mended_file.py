"""Another file of a batch: what was decided about rows holds as far as the rows are the same."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from app.register import Register
from imports import reading, remembered, table
from imports.decisions import Decisions
from imports.excerpt import Excerpt
from imports.mending import still
from imports.refusal import Refused


def still_decided(session: Session, cls: type[Register], data: bytes, sheet: str | None, decisions: Decisions, before: Excerpt) -> Decisions:
    """The decisions that hold for another file too; what was said of columns only where it has them. Raises Refused for a file that cannot be read."""
    if not (decisions.cells or decisions.skips or decisions.matches or decisions.columns):
        return decisions
    with reading.opened(data) as book:
        try:
            found = table.begin(book, cls, sheet, decisions, remembered.recall(session, cls))
        except Refused:
            return replace(decisions, sheet=None, header_row=None, columns={}, cells={}, skips=frozenset(), matches={})
        for _rows in found.pieces():
            pass
        now = found.body.mending.was if found.body else {}
    return still(decisions, before.was, now)


__all__ = ["still_decided"]
