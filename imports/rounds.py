"""Wrong rows that come back mended go on in the same batch: each time that something was written is a round.

The reports of earlier rounds stand with the batch; the trace names the batch in each round's act, so that taking it back
reaches all of them (docs/decisions/0020-mended-rows-go-on-in-the-same-batch.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.language import _, _l
from app.register import Child, Record, Register
from imports.batch import BatchState, ImportBatch
from imports.bulk import among
from imports.drafts import Draft
from imports.existing import Existing, Stored, chunks
from imports.outcome import Outcome, PlannedRecord
from imports.rows import Issue
from imports.table import Table

#: the states of a batch that a mended file continues
MENDABLE = [each.value for each in (BatchState.PLANNED, BatchState.REFUSED, BatchState.STOPPED, BatchState.FAILED, BatchState.PARTLY)]


#: what a round keeps beside its report: the fingerprint of its file, and when it was checked, confirmed and written
_BESIDE = ("sha256", "checked", "confirmed", "at")


@dataclass(frozen=True)
class Earlier:
    """The rounds of a batch that are written, as a further one has to know them."""

    batch: int
    operator: str
    begun: datetime
    #: when each was checked, confirmed and written: the oldest first
    moments: tuple[tuple[datetime, datetime, datetime], ...]


def begun(batch: ImportBatch) -> dict[str, Any]:
    """What changes in a batch when a further round begins; nothing while nothing of it is written."""
    return {"rounds": [*(batch.rounds or []), _told(batch)]} if batch.state == BatchState.PARTLY else {}


def _told(batch: ImportBatch) -> dict[str, Any]:
    """The round that a batch has just written, as it is kept."""
    at, outline = batch.finished_at.isoformat() if batch.finished_at else "", batch.outline or {}
    confirmed = outline.get("confirmed") or (batch.touched_at.isoformat() if batch.touched_at else at)
    moments = {"checked": outline.get("checked") or at, "confirmed": confirmed, "at": at}
    return {**(batch.report or {}), "sha256": batch.sha256, **moments}


def given_up(batch: ImportBatch, why: str = "") -> dict[str, Any]:
    """What changes in a batch whose further round is given up: it stands as the round before left it, and nothing of the discarded file stays."""
    *earlier, last = batch.rounds or [{}]
    at = datetime.fromisoformat(last["at"]) if last.get("at") else None
    facts = {"state": BatchState.PARTLY.value, "counts": last.get("counts"), "finished_at": at, "rounds": earlier or None}
    file = {"sha256": last.get("sha256", batch.sha256), "file_name": last.get("file", batch.file_name)[:255], "sheet": last.get("sheet")}
    # the checks of a day are counted by `touched_at`, which therefore stays: the moments of the round are kept apart
    moments = {key: last[key] for key in ("checked", "confirmed") if key in last}
    facts |= file | {"content": None, "notes": None, "digest": None, "outline": moments or None}
    report = {key: value for key, value in last.items() if key not in _BESIDE}
    return facts | {"report": report, "message": _("%(why)s；之前写入的照旧", why=why) if why else last.get("message")}


def last_written(batch: ImportBatch) -> Earlier | None:
    """What was written of the batch before a further round; None when nothing is."""
    told = [*(batch.rounds or []), *([_told(batch)] if batch.state == BatchState.PARTLY else [])]
    moments = tuple(_moments(each) for each in told if each.get("at"))
    return Earlier(batch.id, batch.operator, batch.created_at, moments) if moments else None


def _moments(told: Mapping[str, Any]) -> tuple[datetime, datetime, datetime]:
    checked = told.get("checked") or told["at"]
    found = [datetime.fromisoformat(each) for each in (checked, told.get("confirmed") or checked, told["at"])]
    return found[0], found[1], found[2]


def written(batch: ImportBatch) -> int:
    """How many records and children all rounds of a batch wrote."""
    reports = [*(batch.rounds or []), batch.report or {}]
    return sum(int((each.get("counts") or {}).get("written", 0)) for each in reports)


# what people did in between -----------------------------------------------------------------------


@dataclass(frozen=True)
class Between:
    """What became of the records of a file since the earlier rounds of its batch."""

    #: records that somebody has changed, they or their children
    changed: frozenset[int] = frozenset()
    #: records that the batch itself created
    own: frozenset[int] = frozenset()
    #: drafts without a key that would stand beside what the batch created of the same name
    twice: frozenset[Draft] = frozenset()

    def concerns(self, draft: Draft, record: PlannedRecord) -> bool:
        """Whether the record is somebody else's by now, as far as one can tell."""
        return record.id in self.changed or (record.outcome is Outcome.NEW and draft in self.twice)


def between(existing: Existing, below: Sequence[type[Child]], earlier: Earlier, matches: dict[Draft, list[Stored]], claimed: Mapping[int, int]) -> Between:
    """What became of the records that these drafts mean; a draft without a key that repeats what the batch created is given that record."""
    lost = [draft for draft, found in matches.items() if not found and not draft.key]
    label = existing.cls.__label__
    brought = existing.brought(earlier.batch, earlier.begun, [draft.values.get(label) for draft in lost])
    spoken = {stored.id for found in matches.values() for stored in found} | claimed.keys()
    for draft in lost:
        of_name = brought.get(draft.values.get(label), ())
        matches[draft] = [stored for stored in of_name if stored.id not in spoken and stored.repeated_by(draft)][:1]
        spoken |= {stored.id for stored in matches[draft]}
    twice = {draft for draft in lost if not matches[draft] and any(stored.id not in spoken for stored in brought.get(draft.values.get(label), ()))}
    ids = sorted({stored.id for found in matches.values() for stored in found if stored.visible})
    return Between(frozenset(_changed(existing.session, existing.cls, below, ids, earlier)), frozenset(_own(existing, ids, earlier)), frozenset(twice))


def _own(existing: Existing, ids: Sequence[int], earlier: Earlier) -> Iterator[int]:
    """Which of these records the batch created."""
    table, connection = existing.cls.__table__, existing.session.connection()
    created = sa.and_(table.c.import_batch == earlier.batch, table.c.created_at >= earlier.begun)
    for chunk in chunks(ids):
        yield from connection.scalars(sa.select(table.c.id).where(among(connection, table.c.id, chunk), created))


def _changed(session: Session, cls: type[Register], below: Sequence[type[Child]], ids: Sequence[int], earlier: Earlier) -> Iterator[int]:
    """Which of these records, or of their children, somebody has changed since the first check; what the rounds wrote themselves is no such change.

    What a later round named and left is not overwritten by the one after it either, hence the first.
    """
    connection = session.connection()
    for kind in (cls, *below):
        table, number = kind.__table__, _record_of(kind)
        written = sa.or_(*(table.c.changed_at.between(confirmed, at) for _checked, confirmed, at in earlier.moments))
        ours = sa.and_(sa.func.coalesce(table.c.import_batch, 0) == earlier.batch, table.c.changed_by.is_not_distinct_from(earlier.operator), written)
        for chunk in chunks(ids):
            later = sa.and_(table.c.changed_at > earlier.moments[0][0], sa.not_(ours))
            yield from connection.scalars(sa.select(number).where(among(connection, number, chunk), later))


def _record_of(kind: type[Record]) -> Any:
    table = kind.__table__
    return table.c.parent_id if issubclass(kind, Child) else table.c.id


def left_alone(table: Table, cls: type[Register], draft: Draft, record: PlannedRecord) -> PlannedRecord:
    """A record that would change or stand twice, though somebody changed it after an earlier round: named, not written."""
    same = record.outcome is Outcome.SAME and all(child.outcome is Outcome.SAME for child in record.children)
    if same or record.outcome is Outcome.WRONG:
        return record
    message = _l("上一轮导入之后有人改过这条记录，没有覆盖。请先看它现在的内容，仍要改动的，在记录页上修改，或另外导入")
    heading = table.heading(cls.__label__) or ""
    for row in draft.rows:
        row.errors.append(Issue(table.sheet, row.number, heading, cls.__label__, "edited", message))
    issues = [issue for row in draft.rows for issue in row.errors]
    return PlannedRecord(cls, Outcome.WRONG, [row.number for row in draft.rows], dict(draft.values), issues=issues)


__all__ = ["MENDABLE", "Between", "Earlier", "begun", "between", "given_up", "last_written", "left_alone", "written"]
