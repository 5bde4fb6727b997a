"""Many records changed at once: first what would happen to each, then exactly that.

Each record goes the way of its own form (draft, rules, guard). What a person chose and saw is kept
here between preview and confirmation, so that the page carries no more than its number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.clock import now
from app.database import dumps
from app.fields import _JSON, Field, Gate
from app.formats import Choices, Lookup
from app.history import acts
from app.language import _l
from app.lookup import DatabaseLookup
from app.queries import read_listing
from app.records import Draft, draft, reason_of, save_all, void_all
from app.register import Base, Register, field_map, fields, values_of
from app.scopes import Scope, scope_of

#: as many records as are changed in one go, and as many fields of each
MOST = 5000
MOST_FIELDS = 5


class Mode(StrEnum):
    """What is done to a field."""

    SET = "set"
    ADD = "add"
    REMOVE = "remove"
    CLEAR = "clear"


class Outcome(StrEnum):
    """What becomes of a record."""

    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


class BulkChange(Base):
    """One change of many records: who chose which records and what, what the preview promised, when it was done."""

    __tablename__ = "bulk_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    register: Mapped[str] = mapped_column(sa.String(64))
    operator: Mapped[str] = mapped_column(sa.String(64), index=True)
    #: why records are voided; empty where fields are changed
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    #: field, mode and value as written, for each field
    changes: Mapped[list[list[Any]]] = mapped_column(_JSON)
    #: the arguments by which the records were chosen
    chosen: Mapped[dict[str, list[str]]] = mapped_column(_JSON)
    #: number, version and outcome of every record, as previewed
    promised: Mapped[list[list[Any]]] = mapped_column(_JSON, deferred=True)
    digest: Mapped[str] = mapped_column(sa.String(64))
    counts: Mapped[dict[str, int]] = mapped_column(_JSON)
    #: why records were refused, and how many for each reason
    reasons: Mapped[list[list[Any]]] = mapped_column(_JSON)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    finished_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class TooMany(ValueError):
    """More records than are changed in one go."""


@dataclass(frozen=True)
class Selection:
    """The records that somebody chose: ticked ones by number, or all that match a list's arguments."""

    ids: tuple[int, ...] = ()
    arguments: Mapping[str, list[str]] | None = None

    def rows(self, session: Session, cls: type[Register]) -> Sequence[Any]:
        """The records, as far as they lie within the reader's scope; TooMany above the limit."""
        found = session.scalars(self._statement(session, cls).limit(MOST + 1)).all()
        if len(found) > MOST:
            raise TooMany
        return found

    def _statement(self, session: Session, cls: type[Register]) -> sa.Select[Any]:
        if self.arguments is not None:
            return read_listing(session, cls, self.arguments, DatabaseLookup(session)).statement()
        return sa.select(cls).where(cls.id.in_(self.ids)).order_by(cls.id.desc())


@dataclass(frozen=True)
class Change:
    """What is done to one field of every record; `raw` is what its form would send."""

    key: str
    mode: Mode
    raw: Any

    def sent(self, declared: Field, values: Mapping[str, Any], lookup: Lookup) -> object:
        """What the form of this very record would send."""
        many = isinstance(declared.format, Choices)
        if self.mode is Mode.CLEAR:
            return [] if many else ""
        if self.mode is Mode.SET:
            return self.raw
        given, old = declared.format.parse(self.raw, lookup) or [], values.get(self.key) or []
        return [*old, *(code for code in given if code not in old)] if self.mode is Mode.ADD else [code for code in old if code not in given]


def identifying(cls: type[Register]) -> set[str]:
    """The keys of the fields by which records are told apart."""
    return {part for key in cls.__keys__ for part in key} | {cls.__label__, cls.__number__[0]}


def changeable(scope: Scope, cls: type[Register]) -> list[Field]:
    """The fields that the actor may change in many records at once.

    Not those by which records are told apart, and none that the actor sees masked: whether a
    record "stays the same" would tell its value.
    """
    apart, gates = identifying(cls), scope.gates(cls)
    return [
        declared
        for declared in fields(cls)
        if declared.form
        and declared.key not in apart
        and not declared.derived
        and declared.format.widget != "file"
        and scope.clear(declared)
        and (declared.gate in gates or (declared.drafted and Gate.ORDINARY in gates))
    ]


def modes(declared: Field) -> list[Mode]:
    """What may be done to a field."""
    found = [Mode.SET, Mode.ADD, Mode.REMOVE] if isinstance(declared.format, Choices) else [Mode.SET]
    return found if declared.required else [*found, Mode.CLEAR]


@dataclass
class Judged:
    """What would become of a record: the draft to write, or why not."""

    row: Any
    outcome: Outcome
    reasons: list[str] = field(default_factory=list)
    draft: Draft | None = None

    def differences(self) -> list[tuple[Field, Any, Any]]:
        """Field, old and new value of everything that changes, what follows from others included."""
        if self.draft is None:
            return []
        new = self.draft.values
        return [(each, old, new.get(each.key)) for each in fields(self.draft.cls) if _differ(each, old := getattr(self.row, each.attr), new.get(each.key))]


class Edit:
    """Fields of many records changed."""

    def __init__(self, session: Session, cls: type[Register], changes: Sequence[Change]) -> None:
        self.session, self.cls, self.changes = session, cls, changes
        self.scope = scope_of(session)
        self.lookup = DatabaseLookup(session)
        open_keys = {declared.key for declared in changeable(self.scope, cls)}
        self.declared = [field_map(cls)[change.key] for change in changes if change.key in open_keys]

    def prepare(self, rows: Sequence[Any]) -> None:
        """Read in bulk what the drafts of these records will ask for."""
        self.lookup.prepare(self.declared)
        for declared in fields(self.cls):
            unlinked = [row for row in rows if getattr(row, declared.attr) is None] if declared.named_by else []
            texts = [text for row in unlinked for key in declared.named_by if (text := getattr(row, field_map(self.cls)[key].attr))]
            if texts:
                self.lookup.prepare_texts(declared.format.register, texts)  # type: ignore[attr-defined]

    def judge(self, row: Any) -> Judged:
        """What would become of this record."""
        values = values_of(row)
        reason = _l("这条记录已经作废，不能再修改") if row.voided_at is not None else self.scope.refuses(self.cls, values, values, ())
        if reason is not None:
            return Judged(row, Outcome.REFUSED, [str(reason)])
        open_changes = zip(self.changes, self.declared, strict=True)
        result = draft(self.session, self.cls, {each.key: change.sent(each, values, self.lookup) for change, each in open_changes}, self.lookup, row=row)
        if result.errors:
            return Judged(row, Outcome.REFUSED, self._sentences(result))
        if not any(_differ(each, values[each.key], result.values[each.key]) for each in self.declared):
            return Judged(row, Outcome.SAME)
        return Judged(row, Outcome.CHANGED, draft=result)

    def _sentences(self, result: Draft) -> list[str]:
        known = field_map(self.cls)
        found = []
        for key, messages in result.errors.items():
            label = str(known[key].label) if key in known else ""
            found += [text if not label or label in text else str(_l("“%(label)s”：%(why)s", label=label, why=text)) for text in map(str, messages)]
        return found

    def write(self, judged: Sequence[Judged]) -> None:
        """Write what was found to change, in one flush."""
        save_all(self.session, [(each.row, each.draft) for each in judged if each.draft is not None])


class Void:
    """Many records voided for one reason."""

    def __init__(self, session: Session, cls: type[Register], reason: str) -> None:
        self.session, self.cls, self.reason = session, cls, reason_of(reason)
        self.scope = scope_of(session)
        self.lookup = DatabaseLookup(session)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Nothing to read beforehand."""

    def judge(self, row: Any) -> Judged:
        """What would become of this record."""
        reason = self.scope.refuses_void(self.cls, values_of(row))
        if reason is not None:
            return Judged(row, Outcome.REFUSED, [str(reason)])
        return Judged(row, Outcome.SAME if row.voided_at is not None else Outcome.CHANGED)

    def write(self, judged: Sequence[Judged]) -> None:
        """Void what was found to be live."""
        void_all(self.session, [each.row for each in judged], self.reason)


Work = Edit | Void


def _differ(declared: Field, old: Any, new: Any) -> bool:
    """Whether two values are two; SQLite gives moments back without their zone."""
    return bool(old != new and (old is None or new is None or declared.format.dump(old) != declared.format.dump(new)))


def judge_all(work: Work, rows: Sequence[Any]) -> list[Judged]:
    """What would become of each record."""
    work.prepare(rows)
    return [work.judge(row) for row in rows]


def promise(session: Session, work: Work, chosen: Mapping[str, list[str]], rows: Sequence[Any]) -> BulkChange:
    """Keep what would become of the records until the person confirms it; the caller commits."""
    judged = judge_all(work, rows)
    promised = [[each.row.id, each.row.row_version, each.outcome.value] for each in judged]
    changes = [[change.key, change.mode.value, change.raw] for change in work.changes] if isinstance(work, Edit) else []
    reason = work.reason if isinstance(work, Void) else ""
    counts = Counter(each.outcome.value for each in judged)
    kept = BulkChange(
        register=work.cls.__key__,
        operator=work.scope.actor.username,
        reason=reason,
        changes=changes,
        chosen={name: list(values) for name, values in chosen.items()},
        promised=promised,
        digest=hashlib.sha256(dumps([changes, reason, promised]).encode()).hexdigest(),
        counts={outcome.value: counts[outcome.value] for outcome in Outcome},
        reasons=[list(pair) for pair in Counter(reason for each in judged for reason in each.reasons).most_common()],
    )
    session.add(kept)
    return kept


@dataclass(frozen=True)
class Done:
    """How many records were changed, and which were left alone since somebody else was there first."""

    changed: int
    left: list[int]


def carry_out(session: Session, work: Work, change: BulkChange) -> Done | None:
    """Do what was promised, in the transaction that the caller commits; None when it was done already.

    Records that have moved on since the preview are left alone. Raises StaleDataError when one
    moves on just now: then nothing is written, and the caller may try again.
    """
    claim = sa.update(BulkChange).where(BulkChange.id == change.id, BulkChange.finished_at.is_(None)).values(finished_at=now())
    if session.execute(claim).rowcount != 1:  # type: ignore[attr-defined]
        return None
    wanted = {number: version for number, version, outcome in change.promised if outcome == Outcome.CHANGED}
    rows = session.scalars(sa.select(work.cls).where(work.cls.id.in_(wanted))).all()
    same = [row for row in rows if row.row_version == wanted[row.id]]
    kept = [each for each in judge_all(work, same) if each.outcome is Outcome.CHANGED]
    acts.describe(session, road="bulk", reason=change.reason)
    work.write(kept)
    done = {each.row.id for each in kept}
    return Done(len(done), [number for number in wanted if number not in done])
