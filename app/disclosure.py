"""Showing what is masked: an act with a purpose, noted before anything is shown, counted by the day.

More of it in a day, and a file with everything in clear, need the consent of a colleague who answers for the office.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import registry
from app.clock import SHANGHAI, local, now, today
from app.fields import Field
from app.formats.base import line
from app.history import acts, events
from app.history.chain import as_kept
from app.history.tables import trace
from app.language import Text, _l
from app.logs import scrub
from app.register import Base, Child, Record, Register, children
from app.roles import Role, Verb
from app.scopes import NotPermitted, Scope, scope_of

#: how often a person looks in a day without asking, and how often more with consent
PER_DAY, MOST_MORE = 50, 200
#: how long the consent to a file holds
EXPORT_HOURS = 24
LONGEST = 200
#: as many requests as may wait of one person
MOST_WAITING = 5


class Kind(StrEnum):
    """What is asked for."""

    REVEAL = "reveal"  # to look more often today
    EXPORT = "export"  # one file of one register in clear


class State(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"


class Purpose(StrEnum):
    """What somebody needs the full values for."""

    VERIFY = "verify"
    CONTACT = "contact"
    PAY = "pay"
    HANDLE = "handle"
    OTHER = "other"


PURPOSES: dict[str, Text] = {
    Purpose.VERIFY: _l("核对身份"),
    Purpose.CONTACT: _l("联系本人"),
    Purpose.PAY: _l("发放劳务费"),
    Purpose.HANDLE: _l("办理业务"),
    Purpose.OTHER: _l("其他"),
}


class Disclosure(Base):
    """One request, and what became of it."""

    __tablename__ = "disclosure"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    #: of a file: the register's key
    register: Mapped[str] = mapped_column(sa.String(64), default="")
    #: how often more
    amount: Mapped[int] = mapped_column(default=0)
    purpose: Mapped[str] = mapped_column(sa.String(10))
    note: Mapped[str] = mapped_column(sa.String(LONGEST), default="")
    asker: Mapped[str] = mapped_column(sa.String(64), index=True)
    #: whose head may consent
    org_unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("org_unit.id", name="fk_disclosure_org_unit"))
    asked_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    state: Mapped[str] = mapped_column(sa.String(10), default=State.WAITING.value, index=True)
    decided_by: Mapped[str | None] = mapped_column(sa.String(64))
    decided_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    words: Mapped[str] = mapped_column(sa.String(LONGEST), default="")
    #: until when the consent holds
    until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: when the file was made, and its number
    used_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    number: Mapped[str] = mapped_column(sa.String(20), default="")


class Unsaid(ValueError):
    """Something that must be said before anything is shown or asked; the message says what, `field` where."""

    def __init__(self, name: str, message: Text) -> None:
        super().__init__()
        self.field, self.message = name, message

    def __str__(self) -> str:
        return str(self.message)


class TooMany(Exception):
    """The person has looked as often today as he may."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.message: Text = _l("您今天已经查看 %(most)s 次，到了上限，没有显示。确有需要的，请在“脱敏授权”里申请增加今天的次数；零点以后重新计数。", most=most)

    def __str__(self) -> str:
        return str(self.message)


def why(purpose: object, note: object) -> tuple[str, str]:
    """Purpose and note as they are kept; numbers of persons in a note are cut. Raises Unsaid."""
    if not isinstance(purpose, str) or purpose not in set(Purpose):
        raise Unsaid("purpose", _l("请选择查看的用途"))
    text = line(note) if isinstance(note, str) else ""
    if len(text) > LONGEST:
        raise Unsaid("note", _l("说明最多 %(most)s 个字", most=LONGEST))
    if purpose == Purpose.OTHER and not text:
        raise Unsaid("note", _l("用途选“其他”时，请写明具体用途"))
    return purpose, scrub(text)


# looking at one record --------------------------------------------------------------------------


def holds_secrets(scope: Scope, cls: type[Register]) -> bool:
    """Whether the register or its children have fields that this person reads only masked."""
    return any(declared.sensitive for kind in (cls, *children(cls)) for declared in scope.readable(kind))


def may_reveal(scope: Scope, cls: type[Register]) -> bool:
    """Whether the person may ask to see such values in clear, of rows that he reads anyway."""
    return Role.PRIVACY_VIEW in scope.actor.roles and scope.may(cls, Verb.READ) and holds_secrets(scope, cls)


@dataclass(frozen=True)
class Part:
    """The sensitive values of the record or of one of its children."""

    record: Record
    values: Sequence[tuple[Field, Any]] = field(repr=False)


@dataclass(frozen=True)
class Seen:
    """What somebody has looked at: the entry of the trace, and how often more today."""

    entry: int
    at: datetime
    left: int
    parts: Sequence[Part]


def secrets_of(session: Session, row: Register) -> list[Part]:
    """The sensitive values that a record and its children hold, within the reader's scope."""
    rows: list[Record] = [row]
    for kind in children(type(row)):
        if _secret_fields(session, kind):
            own: Any = kind
            rows += session.scalars(sa.select(own).where(own.parent_id == row.id, own.voided_at.is_(None)).order_by(own.id)).all()
    parts = [Part(each, _secrets(session, each)) for each in rows]
    return [part for part in parts if part.values]


def _secret_fields(session: Session, cls: type[Record]) -> list[Field]:
    return [declared for declared in scope_of(session).readable(cls) if declared.sensitive]


def _secrets(session: Session, row: Record) -> list[tuple[Field, Any]]:
    found = ((declared, getattr(row, declared.attr)) for declared in _secret_fields(session, type(row)))
    return [(declared, value) for declared, value in found if value not in (None, "", [])]


def reveal(session: Session, row: Register, purpose: object, note: object) -> Seen:
    """Note that somebody looks at a record in clear, and commit; only then the values.

    Raises NotPermitted, Unsaid, TooMany; then nothing is noted, and nothing may be shown.
    """
    cls, scope = type(row), scope_of(session)
    if not may_reveal(scope, cls):
        raise NotPermitted(_l("您没有“敏感信息查看”的角色，不能查看完整信息"))
    chosen, text = why(purpose, note)
    connection = session.connection()
    most = _count_alone(session, connection)
    done = looked_today(connection, scope.actor.username)
    if done >= most:
        session.rollback()
        raise TooMany(most)
    parts = secrets_of(session, row)
    named = [
        f"{type(part.record).__key__}.{declared.key}" if isinstance(part.record, Child) else declared.key for part in parts for declared, _value in part.values
    ]
    entry = events.note(connection, "reveal", {"purpose": chosen, "note": text, "fields": list(dict.fromkeys(named))}, of=cls, row=row.id)
    at = now()
    session.commit()
    return Seen(entry, at, most - done - 1, parts)


def _count_alone(session: Session, connection: sa.Connection) -> int:
    """How often this person may look today; from here on nobody else counts for him until the transaction ends."""
    username = scope_of(session).actor.username
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("disclosure"), sa.func.hashtext(username))))
    acts.ensure(connection)  # on SQLite the first row that is written shuts out every other writer
    return allowed_today(session, username)


def _midnight(days: int = 0) -> datetime:
    return datetime.combine(today() + timedelta(days=days), time.min, SHANGHAI).astimezone(UTC)  # SQLite keeps no zone


def looked_today(connection: sa.Connection, username: str) -> int:
    """How often somebody has looked since midnight, as the trace has it."""
    t = trace(connection.dialect.name)
    counted = sa.select(sa.func.count()).select_from(t.entry.join(t.act, t.act.c.id == t.entry.c.act))
    tests = (t.entry.c.kind == "reveal", t.act.c.actor == username, t.act.c.at >= as_kept(connection, _midnight()))
    return connection.scalar(counted.where(*tests)) or 0


def allowed_today(session: Session, username: str) -> int:
    """How often somebody may look today, with what was granted on top."""
    granted = sa.select(sa.func.sum(Disclosure.amount)).where(
        Disclosure.kind == Kind.REVEAL.value, Disclosure.asker == username, Disclosure.state == State.GRANTED.value, Disclosure.until > now()
    )
    return PER_DAY + min(session.scalar(granted) or 0, MOST_MORE)


# asking and deciding ----------------------------------------------------------------------------


def may_ask(scope: Scope) -> bool:
    """Whether somebody may ask for more, or for a file."""
    return Role.PRIVACY_VIEW in scope.actor.roles


def may_decide(scope: Scope) -> bool:
    """Whether somebody decides on requests at all."""
    return bool(scope.actor.roles & {Role.SECTION_HEAD, Role.LEADER})


def exportable(scope: Scope) -> list[type[Register]]:
    """The registers of which this person may ask for a file in clear."""
    registers = [entry.register for entry in registry.entries()]
    return [cls for cls in registers if may_ask(scope) and scope.may(cls, Verb.EXPORT) and holds_secrets(scope, cls)]


def ask(session: Session, kind: str, purpose: object, note: object, *, register: str = "", amount: object = 0) -> Disclosure:
    """Put a request; the caller commits. Raises NotPermitted and Unsaid."""
    scope = scope_of(session)
    if not may_ask(scope):
        raise NotPermitted(_l("只有“敏感信息查看”的角色可以提出申请"))
    chosen, text = why(purpose, note)
    if kind == Kind.EXPORT:
        if register not in {cls.__key__ for cls in exportable(scope)}:
            raise Unsaid("register", _l("请选择要导出的登记表"))
        amount = 0
    elif kind == Kind.REVEAL:
        register, amount = "", _amount(amount)
    else:
        raise Unsaid("kind", _l("请选择要申请什么"))
    mine = sa.select(Disclosure).where(Disclosure.asker == scope.actor.username, Disclosure.state == State.WAITING.value)
    waiting_now = session.scalars(mine).all()
    if len(waiting_now) >= MOST_WAITING or any((each.kind, each.register) == (kind, register) for each in waiting_now):
        raise Unsaid("kind", _l("您已有同样的申请在等待处理，请等处理以后再提"))
    facts = {"kind": str(kind), "register": register, "amount": amount, "purpose": chosen, "note": text, "asker": scope.actor.username}
    made = Disclosure(**facts, org_unit_id=scope.actor.org_unit_id)
    session.add(made)
    session.flush()
    return made


def _amount(raw: object) -> int:
    text = str(raw).strip()
    if isinstance(raw, bool) or not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MOST_MORE):
        raise Unsaid("amount", _l("次数应为 1 到 %(most)s 的整数", most=MOST_MORE))
    return int(text)


def decidable(scope: Scope) -> sa.ColumnElement[bool]:
    """The requests on which this person decides: a leader on all, a head on those of the own office; nobody on the own."""
    actor = scope.actor
    if Role.LEADER in actor.roles:
        reach: sa.ColumnElement[bool] = sa.true()
    elif Role.SECTION_HEAD in actor.roles and actor.org_unit_id is not None:
        reach = Disclosure.org_unit_id == actor.org_unit_id
    else:
        reach = sa.false()
    return sa.and_(reach, Disclosure.asker != actor.username)


def waiting(session: Session) -> Sequence[Disclosure]:
    """The requests that wait for this person, the oldest first."""
    found = sa.select(Disclosure).where(Disclosure.state == State.WAITING.value, decidable(scope_of(session)))
    return session.scalars(found.order_by(Disclosure.id)).all()


def waiting_count(session: Session) -> int:
    """How many requests wait for this person."""
    found = sa.select(sa.func.count(Disclosure.id)).where(Disclosure.state == State.WAITING.value, decidable(scope_of(session)))
    return session.scalar(found) or 0


def lately(session: Session, most: int = 50) -> Sequence[Disclosure]:
    """The requests that this person made or could decide on, decided ones, the newest first."""
    mine = Disclosure.asker == scope_of(session).actor.username
    found = sa.select(Disclosure).where(sa.or_(mine, decidable(scope_of(session))), Disclosure.state != State.WAITING.value)
    return session.scalars(found.order_by(Disclosure.decided_at.desc(), Disclosure.id.desc()).limit(most)).all()


def own(session: Session) -> Sequence[Disclosure]:
    """This person's requests that still wait."""
    mine = sa.select(Disclosure).where(Disclosure.asker == scope_of(session).actor.username, Disclosure.state == State.WAITING.value)
    return session.scalars(mine.order_by(Disclosure.id)).all()


class Decided(Exception):
    """Somebody else has decided already, or the request is none of this person's."""


def decide(session: Session, number: int, *, grant: bool, words: str = "") -> Disclosure:
    """Grant or refuse a request that waits; the caller commits. Raises NotPermitted, LookupError, Decided, Unsaid."""
    scope = scope_of(session)
    if not may_decide(scope):
        raise NotPermitted(_l("只有股室负责人和局领导可以处理申请"))
    text = line(words)
    if len(text) > LONGEST:
        raise Unsaid("words", _l("说明最多 %(most)s 个字", most=LONGEST))
    found = session.scalar(sa.select(Disclosure).where(Disclosure.id == number, decidable(scope)))
    if found is None:
        raise LookupError
    moment = now()
    until = (_midnight(1) if found.kind == Kind.REVEAL else moment + timedelta(hours=EXPORT_HOURS)) if grant else None
    state = State.GRANTED.value if grant else State.REFUSED.value
    values = {"state": state, "decided_by": scope.actor.username, "decided_at": moment, "words": scrub(text), "until": until}
    change = sa.update(Disclosure).where(Disclosure.id == number, Disclosure.state == State.WAITING.value).values(values)
    if session.execute(change.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        raise Decided
    session.refresh(found)
    return found


# one file in clear ------------------------------------------------------------------------------


def usable(session: Session, cls: type[Register] | None = None) -> Sequence[Disclosure]:
    """The consents to a file that this person has not used yet: of one register, or of all."""
    scope = scope_of(session)
    if not may_ask(scope):
        return ()
    tests = [Disclosure.asker == scope.actor.username, *_good()]
    if cls is not None:
        tests.append(Disclosure.register == cls.__key__)
    return session.scalars(sa.select(Disclosure).where(*tests).order_by(Disclosure.until)).all()


def _good() -> list[sa.ColumnElement[bool]]:
    return [Disclosure.kind == Kind.EXPORT.value, Disclosure.state == State.GRANTED.value, Disclosure.used_at.is_(None), Disclosure.until > now()]


def is_good(grant: Disclosure) -> bool:
    """Whether a consent to a file can still be used."""
    fresh = grant.until is not None and local(grant.until) > local(now())
    return grant.kind == Kind.EXPORT and grant.state == State.GRANTED and grant.used_at is None and fresh


def hand_out(session: Session, grant: Disclosure, number: str, facts: Mapping[str, Any]) -> None:
    """Use a consent up and note the file that it is for, then commit; NotPermitted when it was used or has run out meanwhile.

    The file may leave only after this.
    """
    scope = scope_of(session)
    chosen = {"purpose": grant.purpose, "note": grant.note, "grant": grant.id, "clear": True}
    tests = (Disclosure.id == grant.id, Disclosure.asker == scope.actor.username, *_good())
    change = sa.update(Disclosure).where(*tests).values(used_at=now(), number=number)
    if not may_ask(scope) or session.execute(change.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        session.rollback()
        raise NotPermitted(_l("这次授权已经用过或已过期，没有导出。请重新申请。"))
    events.note(session.connection(), "export", {**facts, "number": number, **chosen})
    session.commit()
