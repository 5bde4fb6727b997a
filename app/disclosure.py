"""Asking to see more of what is masked: to look more often in a day, or one file in clear. A colleague who answers for the office decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import masking, registry
from app.clock import local, midnight, now, today
from app.formats.base import line
from app.history import events
from app.language import Text, _l
from app.logs import scrub
from app.register import Base, Register
from app.roles import Role, Verb
from app.scopes import NotPermitted, Scope, scope_of

#: how often more a person may look in a day with consent
MOST_MORE = 200
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
    return [cls for cls in registers if may_ask(scope) and scope.may(cls, Verb.EXPORT) and masking.hides(scope, cls)]


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
    until = (midnight(today() + timedelta(days=1)) if found.kind == Kind.REVEAL else moment + timedelta(hours=EXPORT_HOURS)) if grant else None
    state = State.GRANTED.value if grant else State.REFUSED.value
    values = {"state": state, "decided_by": scope.actor.username, "decided_at": moment, "words": scrub(text), "until": until}
    change = sa.update(Disclosure).where(Disclosure.id == number, Disclosure.state == State.WAITING.value).values(values)
    if session.execute(change.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        raise Decided
    session.refresh(found)
    return found


# what a consent is good for: looking more often ---------------------------------------------------


def granted_today(session: Session, username: str) -> int:
    """How often more somebody may look today."""
    granted = sa.select(sa.func.sum(Disclosure.amount)).where(
        Disclosure.kind == Kind.REVEAL.value, Disclosure.asker == username, Disclosure.state == State.GRANTED.value, Disclosure.until > now()
    )
    return min(session.scalar(granted) or 0, MOST_MORE)


# or one file in clear ------------------------------------------------------------------------------


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
