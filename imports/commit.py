"""A plan becomes rows: one transaction, statements for many rows at once, all or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import numbering, outage, words
from app.clock import now
from app.history import acts
from app.language import Text, _l
from app.measured import measure
from app.register import Child, Record, Source, field_map, fields
from app.scopes import scope_of
from app.search import keep
from imports import bulk
from imports.batch import BatchState, ImportBatch
from imports.existing import chunks
from imports.outcome import Outcome, Planned, PlannedRecord
from imports.plan import Plan
from imports.refusal import Refused

MANY = 1000  # rows written from which a database's statistics are worth renewing


class BadRows(StrEnum):
    """What becomes of a file with wrong rows."""

    STOP = "stop"
    SKIP = "skip"


@dataclass
class Result:
    """What an import did: the batch, how it ended, how many records and children it wrote."""

    batch: int
    state: BatchState
    written: int = 0
    message: Text = ""
    stale: list[int] = field(default_factory=list)
    #: whether the search has still to read what was written
    unread: bool = False

    def report(self, plan: Plan) -> dict[str, Any]:
        """The report of the whole import."""
        report = plan.to_json(str(self.state), self.batch, self.message, self.written)
        return report | {"stale": self.stale} if self.stale else report


def commit(session: Session, plan: Plan, content: bytes | None, bad_rows: BadRows = BadRows.STOP, batch: ImportBatch | None = None) -> Result:
    """Write exactly this plan and commit; raises Refused, with nothing written, when the database objects."""
    try:
        result = Writer(session, plan, bad_rows, _opened(session, plan, content, bad_rows, batch)).run()
        session.commit()
    except sa.exc.IntegrityError:
        session.rollback()
        raise Refused("collision", _l("保存时发现别人刚刚登记了相同的记录，本次没有写入任何数据，请重新导入")) from None
    except sa.exc.DBAPIError as error:
        session.rollback()
        raise refusal_of(error) from None
    except BaseException:
        session.rollback()
        raise
    return result


def refusal_of(error: sa.exc.DBAPIError) -> Exception:
    """Why nothing was written, when the database is busy or has no room; any other error as it is."""
    found = outage.of(error)
    if found is outage.Outage.BUSY:
        return Refused("busy", _l("数据库正忙（别人正在写入），本次没有写入任何数据，请稍后再试"))
    if found is None or found is outage.Outage.AWAY:
        return error
    return Refused(found.name.lower(), _l("%(what)s，本次没有写入任何数据。请联系系统管理员处理后再导入", what=found.value.what))


def _opened(session: Session, plan: Plan, content: bytes | None, bad_rows: BadRows, batch: ImportBatch | None) -> ImportBatch:
    """The batch row, written first: on SQLite that takes the write lock before anything is compared."""
    if batch is None:
        batch = ImportBatch(register=plan.cls.__key__, file_name=plan.file[:255], content=content, created_at=now())
        session.add(batch)
    batch.sha256, batch.sheet, batch.mode = plan.sha256, plan.table.sheet[:255], str(plan.mode)
    batch.bad_rows, batch.state, batch.digest = str(bad_rows), str(BatchState.RUNNING), plan.digest()
    batch.operator = batch.operator or scope_of(session).actor.username
    session.flush()
    acts.describe(session, road="import", batch=batch.id)
    return batch


class Writer:
    """Writes one plan inside the session's transaction."""

    def __init__(self, session: Session, plan: Plan, bad_rows: BadRows, batch: ImportBatch) -> None:
        self.session = session
        self.connection = session.connection()
        self.plan = plan
        self.bad_rows = bad_rows
        self.batch = batch
        self.moment: datetime = now()
        self.actor = scope_of(session).actor.username
        #: whether the search knows the rows at once; many follow in the background
        self.soon = True

    def run(self) -> Result:
        """Write what may be written and close the batch."""
        good = [record for record in self.plan.records if record.outcome is not Outcome.WRONG]
        stale = self._stale(good)
        if self.bad_rows is BadRows.STOP and (self.plan.wrong or stale):
            return self._close(BatchState.STOPPED, 0, stale)
        held = set(stale)
        written = self._write([record for record in good if not held.intersection(record.numbers)])
        return self._close(BatchState.PARTLY if self.plan.wrong or stale else BatchState.DONE, written, stale)

    def _stale(self, records: Sequence[PlannedRecord]) -> list[int]:
        """The file's rows whose record or child somebody changed since the plan."""
        rows: list[int] = []
        every: list[Planned] = [*records, *(child for record in records for child in record.children)]
        for cls in dict.fromkeys(planned.cls for planned in every):
            wanted = {planned.id: planned for planned in every if planned.cls is cls and planned.id is not None}
            found: dict[int, int] = {}
            table = cls.__table__
            for chunk in chunks(sorted(key for key in wanted if key)):
                statement = sa.select(table.c.id, table.c.row_version).where(bulk.among(self.connection, table.c.id, chunk), table.c.voided_at.is_(None))
                statement = statement.with_for_update()
                found.update({row.id: row.row_version for row in self.connection.execute(statement)})
            rows += [number for key, planned in wanted.items() if found.get(key or 0) != planned.version for number in planned.numbers]
        return sorted(set(rows))

    def _write(self, records: Sequence[PlannedRecord]) -> int:
        self.soon = sum(1 + len(record.children) for record in records) <= keep.SOON
        self._new_words(records)
        numbering.give(self.connection, self.plan.cls, [record.after for record in records if record.outcome is Outcome.NEW])
        written = self._write_level(records, {})
        parents = {id(child): record.id for record in records for child in record.children}
        children = [child for record in records for child in record.children]
        kinds = list(dict.fromkeys(child.cls for child in children))
        for cls in kinds:
            written += self._write_level([child for child in children if child.cls is cls], parents)
        if written >= MANY:
            measure(self.connection, [cls.__tablename__ for cls in (self.plan.cls, *kinds)])
        return written

    def _write_level(self, planned: Sequence[Planned], parents: dict[int, int | None]) -> int:
        fresh = [each for each in planned if each.outcome is Outcome.NEW]
        altered = [each for each in planned if each.outcome is Outcome.CHANGED]
        if fresh:
            self._insert(fresh, parents)
        if altered:
            self._update(altered)
        return len(fresh) + len(altered)

    def _insert(self, fresh: Sequence[Planned], parents: dict[int, int | None]) -> None:
        cls = fresh[0].cls
        table: Any = cls.__table__
        rows = [self._columns(cls, each.after) | self._birth() | ({"parent_id": parents[id(each)]} if issubclass(cls, Child) else {}) for each in fresh]
        for each, new_id in zip(fresh, bulk.insert(self.connection, table, rows), strict=True):
            each.id = new_id
        if self.soon:
            self._keep(fresh)

    def _update(self, altered: Sequence[Planned]) -> None:
        cls = altered[0].cls
        table: Any = cls.__table__
        known = field_map(cls)
        touched = [known[key].attr for key in dict.fromkeys(key for each in altered for key in each.changes) if key in known]
        statement = sa.update(table).where(table.c.id == sa.bindparam("this_id"), table.c.row_version == sa.bindparam("seen_version"))
        statement = statement.values({name: sa.bindparam(f"new_{name}") for name in touched} | {
            "changed_by": self.actor, "changed_at": self.moment, "import_batch": self.batch.id, "row_version": table.c.row_version + 1,
        })  # fmt: skip
        rows = []
        for each in altered:
            columns = self._columns(cls, each.after)
            rows.append({"this_id": each.id, "seen_version": each.version} | {f"new_{name}": columns[name] for name in touched})
        self.connection.execute(statement, rows)
        if self.soon and keep.concerns(cls, touched):
            self._keep(altered)
        elif keep.concerns(cls, touched):
            keep.mark(self.connection, cls, [each.id or 0 for each in altered])

    def _keep(self, planned: Sequence[Planned]) -> None:
        """What the search knows of these rows."""
        cls = planned[0].cls
        keep.put(self.connection, cls, [(each.id or 0, self._columns(cls, each.after)) for each in planned])

    def _columns(self, cls: type[Record], values: dict[str, Any]) -> dict[str, Any]:
        return {declared.attr: values.get(declared.key) for declared in fields(cls)}

    def _birth(self) -> dict[str, Any]:
        return {
            "row_version": 1, "source": Source.IMPORT.value, "import_batch": self.batch.id,
            "created_by": self.actor, "created_at": self.moment, "changed_by": self.actor, "changed_at": self.moment,
        }  # fmt: skip

    def _new_words(self, records: Iterable[PlannedRecord]) -> None:
        """Unknown words of open lists wait for the lists' keeper."""
        brought = Counter(word for record in records if record.outcome is not Outcome.SAME or record.children for word in record.words)
        words.await_keeper(self.connection, brought, self._birth())

    def _close(self, state: BatchState, written: int, stale: list[int]) -> Result:
        message = _message(state, written, self.plan, stale)
        result = Result(self.batch.id, state, written, message, stale, unread=not self.soon and written > 0)
        self.batch.state, self.batch.message, self.batch.finished_at = str(state), str(message), now()
        self.batch.report = result.report(self.plan)
        self.batch.counts = self.batch.report["counts"]
        self.session.flush()
        return result


def _message(state: BatchState, written: int, plan: Plan, stale: list[int]) -> Text:
    wrong = len({issue.row for issue in plan.wrong})
    if stale and state is BatchState.STOPPED and not wrong:
        return _l("检查之后有 %(count)s 行的记录被别人改过，没有写入任何数据，请重新检查", count=len(stale))
    if state is BatchState.STOPPED:
        return _l("有 %(wrong)s 行有问题，没有写入任何数据", wrong=wrong)
    if state is BatchState.PARTLY:
        return _l("写入 %(written)s 条，有问题的 %(wrong)s 行没有导入", written=written, wrong=wrong + len(stale))
    return _l("写入 %(written)s 条，全部正确", written=written)
