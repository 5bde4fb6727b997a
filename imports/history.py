"""What imports did: a person's own, and the bureau's by month. The files and reports stay in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.clock import midnight
from app.figures import Month, slot
from app.register import Register
from imports.batch import BatchState, ImportBatch

WRITTEN = (BatchState.DONE, BatchState.PARTLY)
_NOT_WRITTEN = (BatchState.STOPPED, BatchState.REFUSED, BatchState.FAILED)


@dataclass(frozen=True)
class Brief:
    """A batch without its file and report."""

    id: int
    register: str
    file_name: str
    state: BatchState
    counts: dict[str, Any]
    created_at: Any

    @property
    def wrong(self) -> int:
        """How many rows have an error."""
        return int(self.counts.get("wrong", 0))

    @property
    def waits(self) -> bool:
        """Whether its person has something left to do."""
        return self.state in {BatchState.PLANNED, *_NOT_WRITTEN} or (self.state is BatchState.PARTLY and self.wrong > 0)


def of_person(session: Session, username: str, most: int = 30) -> list[Brief]:
    """The person's last batches, newest first."""
    columns = (ImportBatch.id, ImportBatch.register, ImportBatch.file_name, ImportBatch.state, ImportBatch.counts, ImportBatch.created_at)
    statement = sa.select(*columns).where(ImportBatch.operator == username).order_by(ImportBatch.id.desc()).limit(most)
    return [Brief(row.id, row.register, row.file_name, BatchState(row.state), row.counts or {}, row.created_at) for row in session.execute(statement)]


def unfinished(batches: Sequence[Brief]) -> list[Brief]:
    """The last batch of each register, where something is left to do: a later one takes an earlier one's place."""
    last = {batch.register: batch for batch in reversed(batches)}
    return [batch for batch in batches if last[batch.register] is batch and batch.waits]


@dataclass
class Monthly:
    """The imports of one month."""

    batches: int = 0
    rows: int = 0
    wrong: int = 0


def by_month(session: Session, registers: Sequence[type[Register]], during: Sequence[Month]) -> list[Monthly]:
    """Batches that were confirmed, with their rows and wrong rows, month by month; one statement."""
    starts = [midnight(month.first) for month in during]
    counts = (ImportBatch.counts["rows"].as_integer(), ImportBatch.counts["wrong"].as_integer())
    inner = (
        sa.select(slot(ImportBatch.created_at, starts).label("slot"), counts[0].label("rows"), counts[1].label("wrong"))
        .where(ImportBatch.register.in_([cls.__key__ for cls in registers]), ImportBatch.created_at >= starts[0])
        .where(ImportBatch.created_at < midnight(during[-1].after), ImportBatch.state.in_([*WRITTEN, *_NOT_WRITTEN]))
        .subquery()
    )
    columns = inner.c
    statement = sa.select(columns.slot, sa.func.count(), sa.func.sum(columns.rows), sa.func.sum(columns.wrong)).group_by(columns.slot)
    found = [Monthly() for _month in during]
    for place, batches, rows, wrong in session.execute(statement):
        found[place - 1] = Monthly(int(batches), int(rows or 0), int(wrong or 0))
    return found
