"""Wrong rows that come back mended go on in the same batch: each time that something was written is a round.

The reports of earlier rounds stand with the batch; the trace names the batch in each round's act, so that taking it back
reaches all of them (docs/decisions/0020-mended-rows-go-on-in-the-same-batch.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.language import _, _l
from app.register import Child, Record, Register
from imports.batch import BatchState, ImportBatch
from imports.bulk import among
from imports.drafts import Draft
from imports.existing import chunks
from imports.outcome import Outcome, PlannedRecord
from imports.rows import Issue
from imports.table import Table

#: the states of a batch that a mended file continues
MENDABLE = [each.value for each in (BatchState.PLANNED, BatchState.REFUSED, BatchState.STOPPED, BatchState.FAILED, BatchState.PARTLY)]


def begun(batch: ImportBatch) -> dict[str, Any]:
    """What changes in a batch when a further round begins; nothing while nothing of it is written."""
    if batch.state != BatchState.PARTLY:
        return {}
    at = batch.finished_at.isoformat() if batch.finished_at else ""
    return {"rounds": [*(batch.rounds or []), {**(batch.report or {}), "sha256": batch.sha256, "at": at}]}


def given_up(batch: ImportBatch, why: str = "") -> dict[str, Any]:
    """What changes in a batch whose further round is given up: it stands as the round before left it."""
    *earlier, last = batch.rounds or [{}]
    at = datetime.fromisoformat(last["at"]) if last.get("at") else None
    facts = {"state": BatchState.PARTLY.value, "counts": last.get("counts"), "finished_at": at, "rounds": earlier or None}
    report = {key: value for key, value in last.items() if key not in {"sha256", "at"}}
    return facts | {"report": report, "message": _("%(why)s；之前写入的照旧", why=why) if why else last.get("message")}


def last_written(batch: ImportBatch) -> datetime | None:
    """When something of the batch was written last; None when nothing is."""
    if batch.state == BatchState.PARTLY:
        return batch.finished_at
    return datetime.fromisoformat(batch.rounds[-1]["at"]) if batch.rounds and batch.rounds[-1].get("at") else None


def written(batch: ImportBatch) -> int:
    """How many records and children all rounds of a batch wrote."""
    reports = [*(batch.rounds or []), batch.report or {}]
    return sum(int((each.get("counts") or {}).get("written", 0)) for each in reports)


# what people did in between -----------------------------------------------------------------------


def changed_since(session: Session, cls: type[Register], below: Sequence[type[Child]], ids: Sequence[int], since: datetime) -> set[int]:
    """Which of these records, or of their children, somebody has changed since."""
    found: set[int] = set()
    for kind in (cls, *below):
        table, number = kind.__table__, _record_of(kind)
        for chunk in chunks(sorted(set(ids))):
            statement = sa.select(number).where(among(session.connection(), number, chunk), table.c.changed_at > since)
            found.update(session.connection().scalars(statement))
    return found


def _record_of(kind: type[Record]) -> Any:
    table = kind.__table__
    return table.c.parent_id if issubclass(kind, Child) else table.c.id


def left_alone(table: Table, cls: type[Register], draft: Draft, record: PlannedRecord) -> PlannedRecord:
    """A record that would change, though somebody changed it after an earlier round: named, not overwritten."""
    if record.outcome is not Outcome.CHANGED and all(child.outcome is Outcome.SAME for child in record.children):
        return record
    message = _l("上一轮导入之后有人改过这条记录，没有覆盖。请先看它现在的内容，仍要改动的，在记录页上修改，或另外导入")
    heading = table.heading(cls.__label__) or ""
    for row in draft.rows:
        row.errors.append(Issue(table.sheet, row.number, heading, cls.__label__, "edited", message))
    issues = [issue for row in draft.rows for issue in row.errors]
    return PlannedRecord(cls, Outcome.WRONG, [row.number for row in draft.rows], dict(draft.values), issues=issues)


__all__ = ["MENDABLE", "begun", "changed_since", "given_up", "last_written", "left_alone", "written"]
