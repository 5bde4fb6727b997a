"""Taking a batch back: one transaction, statements for many rows at once, all or nothing. Never what people did since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from app import registry
from app.clock import local, now
from app.encryption.column import Encrypted
from app.encryption.envelope import key_of
from app.history import acts
from app.language import Text, _l
from app.measured import measure
from app.register import Record, Register
from app.scopes import scope_of
from app.search import keep
from app.search.record import searched
from imports import plan as planning
from imports import undo_judge
from imports.batch import BatchState, ImportBatch, hold
from imports.bulk import among
from imports.commit import MANY, refusal_of
from imports.existing import chunks
from imports.refusal import Refused
from imports.undo_plan import Fate, Share, UndoPlan
from imports.undo_rights import permitted
from imports.undo_trail import Trail
from imports.undo_words import Teller, reason

#: the states of a batch that stands in the registers
STANDING = (BatchState.DONE, BatchState.PARTLY, BatchState.UNDOING)


@dataclass
class Undone:
    """What became of it: the report as the command line gives it, and whether the search has still to read what was written."""

    report: dict[str, Any]
    unread: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing was kept."""
        return not self.report["kept"]


def found(session: Session, number: int) -> tuple[ImportBatch, type[Register]]:
    """A batch and its register; raises Refused when there is none."""
    batch = session.get(ImportBatch, number) if 0 < number < 2**31 else None
    cls = registry.find(batch.register) if batch is not None else None
    if batch is None or cls is None:
        raise Refused("no_batch", _l("没有批次 %(batch)s", batch=number))
    return batch, cls


def undo(session: Session, number: int, attempt: int | None = None) -> Undone:
    """Take a batch back and commit; raises Refused or NotPermitted with nothing written. Of one taken back before it only says so.

    `attempt` is the attempt at a batch of the queue: raises Superseded when it is not the last.
    """
    batch, cls = found(session, number)
    permitted(session, cls, batch.operator)
    try:
        result = _Undoing(session, batch, cls).run() if _claimed(session, batch, attempt) else _before(session, batch)
        session.commit()
    except sa.exc.IntegrityError:
        session.rollback()
        raise Refused("collision", _l("撤销时发现别人刚刚登记了相同的记录，本次没有改动任何数据，请再试一次")) from None
    except sa.exc.DBAPIError as error:
        session.rollback()
        raise refusal_of(error) from None
    except BaseException:
        session.rollback()
        raise
    return result


def _claimed(session: Session, batch: ImportBatch, attempt: int | None) -> bool:
    """Take the batch for this transaction: whoever comes at the same time waits here, and then finds it taken back."""
    if attempt is not None:
        hold(session, batch.id, attempt)
    table: Any = ImportBatch.__table__
    facts = {"state": BatchState.UNDONE.value, "undone_by": scope_of(session).actor.username, "undone_at": now()}
    statement = sa.update(table).where(table.c.id == batch.id, table.c.state.in_([state.value for state in STANDING])).values(facts)
    claimed = session.connection().execute(statement).rowcount == 1
    session.refresh(batch)
    return claimed


def _before(session: Session, batch: ImportBatch) -> Undone:
    """What is said of a batch that cannot be taken back now."""
    if batch.state != BatchState.UNDONE and batch.rounds:
        raise Refused("round_open", _l("这个批次改好的行还在检查或待确认，请先导入或放弃它们，再撤销"))
    if batch.state != BatchState.UNDONE:
        raise _not_written(batch.id)
    who = Teller(session).who(batch.undone_by or "")
    when = f"{local(batch.undone_at):%Y-%m-%d %H:%M}" if batch.undone_at else "—"
    said = _l("批次 %(batch)s 已由%(who)s于 %(when)s 撤销过，这次没有改动任何内容", batch=batch.id, who=who, when=when)
    return Undone(report(batch, nothing(), said))


class _Undoing:
    """Takes one batch back inside the session's transaction."""

    def __init__(self, session: Session, batch: ImportBatch, cls: type[Register]) -> None:
        self.session, self.batch, self.cls = session, batch, cls
        self.connection = session.connection()
        self.reason = str(reason(batch.id))
        self.stamp = {"changed_by": scope_of(session).actor.username, "changed_at": now()}
        self.unread = False

    def run(self) -> Undone:
        acts.describe(self.session, road="undo", batch=self.batch.id, reason=self.reason)
        plan = undo_judge.make(self.session, self.cls, self.batch.id, lock=True)
        if not plan.written:
            raise self._nothing(plan)
        for share in plan.shares:  # keys are free before rows get theirs back
            self._void(share.cls, list(share.voided))
        for share in plan.shares:
            self._put_back(share)
        if plan.written >= MANY:
            measure(self.connection, [share.cls.__tablename__ for share in plan.shares if share.voided or share.put_back])
        return self._close(plan)

    def _nothing(self, plan: UndoPlan) -> Refused:
        """Why the batch stands as it did: it is not taken back when everything stays."""
        kept = list(plan.kept)
        if not kept:
            return _not_written(self.batch.id)
        [first] = Teller(self.session).told(kept[:1])
        facts = {"count": len(kept), "name": first["name"], "why": first["message"]}
        return Refused("all_kept", _l("没有可以撤销的内容，%(count)s 条都要保留，例如“%(name)s”：%(why)s", **facts))

    def _void(self, cls: type[Record], rows: Sequence[int]) -> None:
        table: Any = cls.__table__
        facts = self.stamp | {"voided_at": self.stamp["changed_at"], "void_reason": self.reason, "row_version": table.c.row_version + 1}
        for chunk in chunks(rows):
            self.connection.execute(sa.update(table).where(among(self.connection, table.c.id, chunk)).values(facts))

    def _put_back(self, share: Share) -> None:
        """Rows of which the batch changed the same fields go together."""
        alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, values in share.put_back.items():
            alike[tuple(values)].append(row)
        for names, rows in alike.items():
            for chunk in chunks(rows):
                self._write(share.cls, names, [(row, [share.put_back[row][name] for name in names]) for row in chunk])
        self._keep(share.cls, [row for names, rows in alike.items() if keep.concerns(share.cls, names) for row in rows])

    def _write(self, cls: type[Record], names: Sequence[str], rows: Sequence[tuple[int, list[Any]]]) -> None:
        """Give rows the values of the trace as it keeps them: text, which the database reads as it reads its own."""
        table: Any = cls.__table__
        kinds = [table.c[name].type for name in names]
        given = [[row, *(self._sealed(kind, raw) for kind, raw in zip(kinds, values, strict=True))] for row, values in rows]
        common = self.stamp | {"row_version": table.c.row_version + 1}
        columns: dict[str, Any]
        if self.connection.dialect.name == "postgresql":
            bound: list[Any] = [sa.bindparam(None, [each[0] for each in given], type_=postgresql.ARRAY(sa.Integer))]
            bound += [sa.bindparam(None, [each[place] for each in given], type_=postgresql.ARRAY(sa.Text)) for place in range(1, len(names) + 1)]
            source = sa.func.unnest(*bound).table_valued("this_id", *names, name="given").render_derived()
            columns = {name: sa.cast(source.c[name], kind) for name, kind in zip(names, kinds, strict=True)}
            self.connection.execute(sa.update(table).where(table.c.id == source.c.this_id).values(columns | common))
        else:
            columns = {name: sa.bindparam(f"new_{name}", type_=sa.Text) for name in names}  # whatever is given goes in as it is
            statement = sa.update(table).where(table.c.id == sa.bindparam("this_id")).values(columns | common)
            keys = ("this_id", *(f"new_{name}" for name in names))
            self.connection.execute(statement, [dict(zip(keys, each, strict=True)) for each in given])

    def _sealed(self, kind: Any, raw: Any) -> Any:
        """What goes into the column: what the trace noted before there was encryption, is sealed now."""
        if isinstance(kind, Encrypted) and raw is not None and key_of(raw) is None:
            return kind.process_bind_param(kind.value(raw, None), self.connection.dialect)
        return None if raw is None else str(raw) if self.connection.dialect.name == "postgresql" else raw

    def _keep(self, cls: type[Record], rows: Sequence[int]) -> None:
        """What the search knows of these rows."""
        if len(rows) > keep.SOON:
            keep.mark(self.connection, cls, rows)
            self.unread = True
            return
        table = cls.__table__
        statement = sa.select(table.c.id, *(table.c[declared.attr] for declared in searched(cls)))
        for chunk in chunks(rows):
            written = self.connection.execute(statement.where(among(self.connection, table.c.id, chunk))).mappings()
            keep.put(self.connection, cls, [(row["id"], row) for row in written])

    def _close(self, plan: UndoPlan) -> Undone:
        counts = {**nothing(), **plan.counts(), "written": plan.written}
        said = _message(counts, sum(1 for _kept in plan.kept))
        teller = Teller(self.session)
        made = report(self.batch, counts, said, teller.told(list(plan.kept)), self._words(teller))
        self.batch.message, self.batch.undo = str(said), made
        self.session.flush()
        return Undone(made, self.unread)

    def _words(self, teller: Teller) -> list[str]:
        """The words that the batch brought to open lists: they stay with the lists' keeper."""
        code = registry.need("code")
        brought = [] if self.cls is code else [each.row for each in Trail(self.connection, self.batch.id).touched(code) if each.created]
        teller.prepare_rows(code, brought)
        return [teller.name(code, row) for row in brought]


def _not_written(batch: int) -> Refused:
    return Refused("nothing_written", _l("批次 %(batch)s 没有写入过内容，不需要撤销", batch=batch))


def nothing() -> dict[str, Any]:
    """The counts of an undo that wrote nothing, beside those that every report has."""
    imported = dict.fromkeys(("rows", "new", "changed", "same", "wrong", "doubtful", "written"), 0)
    return {**imported, **dict.fromkeys((fate.value for fate in Fate), 0), "children": {}}


def report(batch: ImportBatch, counts: dict[str, Any], message: Text, kept: Sequence[dict[str, Any]] = (), words: Sequence[str] = ()) -> dict[str, Any]:
    """The report of an undo, in the form of an import's."""
    return {
        "register": batch.register, "file": batch.file_name, "status": BatchState.UNDONE.value, "batch": batch.id, "message": str(message),
        "sheet": batch.sheet, "header_row": None, "columns": {}, "left_out": [], "counts": counts, "wrong": [], "doubtful": [], "seconds": 0.0,
        "kept": list(kept), "words_kept": list(words),
    }  # fmt: skip


def refused(batch: int, message: Text) -> dict[str, Any]:
    """The report of an undo that was refused."""
    return planning.refused("", "", message) | {"batch": batch, "counts": nothing(), "kept": [], "words_kept": []}


def _message(counts: dict[str, Any], kept: int) -> Text:
    below = counts["children"].values()
    numbers = {fate.value: counts[fate.value] + sum(each[fate.value] for each in below) for fate in (Fate.VOIDED, Fate.PUT_BACK)}
    if kept:
        return _l("作废 %(voided)s 条，恢复 %(put_back)s 条；%(kept)s 条保留不动，原因见清单", kept=kept, **numbers)
    return _l("作废 %(voided)s 条，恢复 %(put_back)s 条", **numbers)
