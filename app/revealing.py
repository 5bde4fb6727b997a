"""Looking at what is masked: an act with a purpose, noted before anything is shown, counted by the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.clock import midnight, now, today
from app.disclosure import granted_today, why
from app.fields import Field
from app.history import acts, events
from app.history.chain import as_kept
from app.history.tables import trace
from app.language import Text, _l
from app.register import Child, Record, Register, children
from app.roles import Role, Verb
from app.scopes import NotPermitted, Scope, scope_of

#: how often a person looks in a day without asking
PER_DAY = 50


class TooMany(Exception):
    """The person has looked as often today as he may."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.message: Text = _l("您今天已经查看 %(most)s 次，到了上限，没有显示。确有需要的，请在“脱敏授权”里申请增加今天的次数；零点以后重新计数。", most=most)

    def __str__(self) -> str:
        return str(self.message)


def may_reveal(scope: Scope, cls: type[Register]) -> bool:
    """Whether the person may ask to see such values in clear, of rows that he reads anyway."""
    return Role.PRIVACY_VIEW in scope.actor.roles and scope.may(cls, Verb.READ) and masking.hides(scope, cls)


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


def looked_today(connection: sa.Connection, username: str) -> int:
    """How often somebody has looked since midnight, as the trace has it."""
    t = trace(connection.dialect.name)
    counted = sa.select(sa.func.count()).select_from(t.entry.join(t.act, t.act.c.id == t.entry.c.act))
    tests = (t.entry.c.kind == "reveal", t.act.c.actor == username, t.act.c.at >= as_kept(connection, midnight(today())))
    return connection.scalar(counted.where(*tests)) or 0


def allowed_today(session: Session, username: str) -> int:
    """How often somebody may look today, with what was granted on top."""
    return PER_DAY + granted_today(session, username)
