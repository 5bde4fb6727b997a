"""A plan becomes rows: one transaction, statements for many rows at once, all or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app import numbering, outage, words
from app.clock import now
from app.history import acts
from app.language import Text, _l
from app.measured import measure
from app.register import Child, Source, field_map, fields
from app.scopes import scope_of
from app.search import keep
from imports import bulk, existing
from imports.batch import BatchState, ImportBatch, hold
from imports.existing import chunks
from imports.outcome import Outcome, Planned, PlannedRecord
from imports.pause import without_collector
from imports.plan import Plan
from imports.refusal import Refused
from imports.targets import fed_children

MANY = 1000  # rows written from which a database's statistics are worth renewing
#: how often an import is tried when somebody else writes the same keys at the same moment
ATTEMPTS = 3


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
        return self.told(plan.to_json)

    def told(self, report: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        """A report of the plan, with what became of it."""
        found = report(str(self.state), self.batch, self.message, self.written)
        return found | {"stale": self.stale} if self.stale else found


def commit(
    session: Session,
    plan: Plan,
    content: bytes | None,
    bad_rows: BadRows = BadRows.STOP,
    batch: ImportBatch | None = None,
    attempt: int | None = None,
    progress: Callable[[int], None] = lambda _done: None,
) -> Result:
    """Write exactly this plan and commit; raises Refused, with nothing written, when the database objects.

    `progress` hears how many rows are done; what it raises ends the import with nothing written. `attempt` is the attempt at
    a batch of the queue: raises Superseded when it is not the last.
    """
    for time in range(1, ATTEMPTS + 1):
        try:
            if batch is not None and attempt is not None:
                hold(session, batch.id, attempt)
            with without_collector():
                result = Writer(session, plan, bad_rows, _opened(session, plan, content, bad_rows, batch), progress).run()
            session.commit()
        except (sa.exc.IntegrityError, StaleDataError):
            # somebody else's rows became visible as ours were written: seen anew, they are left and named
            session.rollback()
            if time == ATTEMPTS:
                raise Refused("collision", _l("保存时发现别人刚刚登记了相同的记录，本次没有写入任何数据，请重新导入")) from None
        except sa.exc.DBAPIError as error:
            session.rollback()
            raise refusal_of(error) from None
        except BaseException:
            session.rollback()
            raise
        else:
            return result
    raise AssertionError


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
    batch.bad_rows, batch.state, batch.digest = str(bad_rows), str(BatchState.RUNNING), plan.digest
    batch.operator = batch.operator or scope_of(session).actor.username
    session.flush()
    acts.describe(session, road="import", batch=batch.id)
    return batch


class Writer:
    """Writes one plan inside the session's transaction, part after part."""

    def __init__(self, session: Session, plan: Plan, bad_rows: BadRows, batch: ImportBatch, progress: Callable[[int], None]) -> None:
        self.session = session
        self.connection = session.connection()
        self.plan = plan
        self.bad_rows = bad_rows
        self.batch = batch
        self.progress = progress
        self.moment: datetime = now()
        self.actor = scope_of(session).actor.username
        #: whether the search knows the rows at once; many follow in the background
        self.soon = plan.most <= keep.SOON
        self._stamp = {"changed_by": self.actor, "changed_at": self.moment, "import_batch": batch.id}
        self._birth = {**self._stamp, "row_version": 1, "source": Source.IMPORT.value, "created_by": self.actor, "created_at": self.moment}

    def run(self) -> Result:
        """Write what may be written and close the batch."""
        if self.bad_rows is BadRows.STOP and self.plan.tally["wrong_rows"]:
            return self._close(BatchState.STOPPED, 0, [])
        stale: list[int] = []
        written = done = 0
        for part in self.plan.ahead():
            good = [record for record in part.records if record.outcome is not Outcome.WRONG]
            held = self._stale(good)
            stale += held
            written += self._write([record for record in good if held.isdisjoint(record.numbers)] if held else good)
            done += sum(len(record.numbers) for record in part.records)
            self.progress(done)
        if written >= MANY:
            measure(self.connection, [cls.__tablename__ for cls in (self.plan.cls, *fed_children(self.plan.cls))])
        return self._close(BatchState.PARTLY if self.plan.tally["wrong_rows"] or stale else BatchState.DONE, written, sorted(stale))

    def _stale(self, records: Sequence[PlannedRecord]) -> set[int]:
        """The file's rows whose record or child somebody changed since the plan, or has registered meanwhile."""
        rows: set[int] = set()
        every: list[Planned] = [*records, *(child for record in records for child in record.children)]
        for cls in dict.fromkeys(planned.cls for planned in every):
            wanted = {planned.id: planned for planned in every if planned.cls is cls and planned.id is not None and _is_touched(planned)}
            found: dict[int, int] = {}
            table = cls.__table__
            for chunk in chunks(sorted(key for key in wanted if key)):
                statement = sa.select(table.c.id, table.c.row_version).where(bulk.among(self.connection, table.c.id, chunk), table.c.voided_at.is_(None))
                statement = statement.with_for_update()
                found.update((row.id, row.row_version) for row in self.connection.execute(statement).all())
            for key, planned in wanted.items():
                if found.get(key or 0) != planned.version:
                    rows.update(planned.numbers)
        return rows | self._taken([record for record in records if record.outcome is Outcome.NEW])

    def _taken(self, fresh: Sequence[PlannedRecord]) -> set[int]:
        """The rows of new records whose key somebody else has given to a record since."""
        rows: set[int] = set()
        for place, key in enumerate(self.plan.cls.__keys__):
            wanted = {tuple(record.after[part] for part in key): record for record in fresh if all(record.after[part] is not None for part in key)}
            if place:  # a later key counts only where the first is empty
                wanted = {values: record for values, record in wanted.items() if any(record.after[part] is None for part in self.plan.cls.__keys__[0])}
            for values in existing.taken(self.connection, self.plan.cls, place, list(wanted)):
                rows.update(wanted[values].numbers)
        return rows

    def _write(self, records: Sequence[PlannedRecord]) -> int:
        self._new_words(records)
        numbering.give(self.connection, self.plan.cls, [record.after for record in records if record.outcome is Outcome.NEW], self.plan.given)
        written = self._write_level(records, {})
        children = [child for record in records for child in record.children if child.outcome is not Outcome.SAME]
        if children:
            parents = {id(child): record.id for record in records for child in record.children}
            for cls in dict.fromkeys(child.cls for child in children):
                written += self._write_level([child for child in children if child.cls is cls], parents)
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
        below = issubclass(cls, Child)
        values = itemgetter(*(declared.key for declared in fields(cls)))
        names = [*(declared.attr for declared in fields(cls)), *self._birth, *(("parent_id",) if below else ())]
        birth = tuple(self._birth.values())
        rows = [(*values(each.after), *birth, *((parents[id(each)],) if below else ())) for each in fresh]
        for each, new_id in zip(fresh, bulk.insert(self.connection, cls.__table__, names, rows), strict=True):
            each.id = new_id
        if self.soon:
            self._keep(fresh)

    def _update(self, altered: Sequence[Planned]) -> None:
        """What is kept encrypted is written only where it changed: the rest keeps what it has, to the byte."""
        cls = altered[0].cls
        known = field_map(cls)
        groups: dict[frozenset[str], list[Planned]] = defaultdict(list)
        for each in altered:
            groups[frozenset(key for key in each.changes if known[key].sensitive)].append(each)
        for sealed, group in groups.items():
            touched = [declared for declared in fields(cls) if declared.key in sealed or any(declared.key in each.changes for each in group)]
            rows = [(each.id, each.version, *(each.after[declared.key] for declared in touched)) for each in group]
            bulk.update(self.connection, cls.__table__, [declared.attr for declared in touched], rows, self._stamp)
            if keep.concerns(cls, [declared.attr for declared in touched]):
                if self.soon:
                    self._keep(group)
                else:
                    keep.mark(self.connection, cls, [each.id or 0 for each in group])

    def _keep(self, planned: Sequence[Planned]) -> None:
        """What the search knows of these rows."""
        cls = planned[0].cls
        keep.put(self.connection, cls, [(each.id or 0, {declared.attr: each.after[declared.key] for declared in fields(cls)}) for each in planned])

    def _new_words(self, records: Iterable[PlannedRecord]) -> None:
        """Unknown words of open lists wait for the lists' keeper."""
        brought = dict.fromkeys(word for record in records if record.outcome is not Outcome.SAME or record.children for word in record.words)
        words.await_keeper(self.connection, brought, self._birth)

    def _close(self, state: BatchState, written: int, stale: list[int]) -> Result:
        message = _message(state, written, self.plan, stale)
        result = Result(self.batch.id, state, written, message, stale, unread=not self.soon and written > 0)
        self.batch.state, self.batch.message, self.batch.finished_at = str(state), str(message), now()
        self.batch.report = result.told(self.plan.summary)
        self.batch.counts = self.batch.report["counts"]
        if written:  # what was written leaves a trace: its checks count no more
            self.batch.checks = 0
        self.session.flush()
        return result


def _is_touched(planned: Planned) -> bool:
    """Whether the import writes the row, or a child below it."""
    below = planned.children if isinstance(planned, PlannedRecord) else ()
    return planned.outcome is Outcome.CHANGED or any(child.outcome is not Outcome.SAME for child in below)


def _message(state: BatchState, written: int, plan: Plan, stale: list[int]) -> Text:
    wrong = plan.tally["wrong_rows"]
    if state is BatchState.STOPPED:
        return _l("有 %(wrong)s 行有问题，没有写入任何数据", wrong=wrong)
    if stale:
        moved = _l("检查之后有 %(count)s 行的记录被别人改过或登记过，没有覆盖", count=len(stale))
        return (
            _l("写入 %(written)s 条，有问题的 %(wrong)s 行没有导入；%(moved)s", written=written, wrong=wrong, moved=moved)
            if wrong
            else _l("写入 %(written)s 条；%(moved)s", written=written, moved=moved)
        )
    if state is BatchState.PARTLY:
        return _l("写入 %(written)s 条，有问题的 %(wrong)s 行没有导入", written=written, wrong=wrong)
    return _l("写入 %(written)s 条，全部正确", written=written)
