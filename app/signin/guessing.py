"""Guessing passwords is stopped: per account and per address, counted in the database that all web processes share.

An attempt is noted before its password is looked at, so that many at once get no further than one after the other.
GB/T 22239-2019 8.1.4.1 b.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.accounts import Account
from app.clock import local, now
from app.database import open_session
from app.language import Text, _l
from app.register import Base

WINDOW = timedelta(minutes=15)
#: failures in the window after which nobody gets in; an office shares one address
MOST = {"account": 5, "address": 50}


class Failure(Base):
    """An attempt to sign in that has not led to a session."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (sa.Index("ix_sign_in_failure_account", "account", "at"), sa.Index("ix_sign_in_failure_address", "address", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(64))
    address: Mapped[str] = mapped_column(sa.String(45))
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class Lock(Base):
    """An account name (there may be no such account) or an address that may not sign in for a while."""

    __tablename__ = "sign_in_lock"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(8))
    subject: Mapped[str] = mapped_column(sa.String(64), index=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    until: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    lifted_by: Mapped[str | None] = mapped_column(sa.String(64))


FAILURES = cast("sa.Table", Failure.__table__)
LOCKS = cast("sa.Table", Lock.__table__)
_SAID: dict[str, Text] = {
    "account": _l("这个账号连续多次登录失败，%(until)s 以前不能登录。请到时再试；着急的话，请联系安全管理员解锁。"),
    "address": _l("从您所在的地址登录失败的次数太多，%(until)s 以前不能登录。请到时再试；着急的话，请联系安全管理员解锁。"),
}


class Locked(Exception):
    """Nobody gets in under this name or from this address for a while, with whatever password."""

    def __init__(self, kind: str, until: datetime) -> None:
        super().__init__()
        self.kind = kind
        self.seconds = max(1, int((local(until) - now()).total_seconds()) + 1)
        self.until = local(until)

    def __str__(self) -> str:
        return str(_SAID[self.kind]) % {"until": f"{self.until:%H:%M}"}


def subject_of(name: str, address: str) -> dict[str, str]:
    """Under what an attempt is counted: the name whatever its case; of an IPv6 address the network, which one machine has to itself."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return {"account": name.casefold()[:64], "address": address[:45]}
    network = str(known) if known.version == 4 else str(ipaddress.ip_network((known, 64), strict=False))
    return {"account": name.casefold()[:64], "address": network}


def attempt(name: str, address: str) -> None:
    """Note an attempt; raises Locked when there were too many."""
    subject = subject_of(name, address)
    with open_session() as session:
        connection = session.connection()
        _raise_if_locked(connection, subject)
        number = connection.execute(sa.insert(FAILURES).values(**subject, at=now())).inserted_primary_key[0]  # type: ignore[index]
        connection.execute(sa.delete(FAILURES).where(FAILURES.c.at < now() - WINDOW - WINDOW))
        session.commit()
        connection = session.connection()
        for kind, most in MOST.items():
            if _count(connection, kind, subject[kind]) > most:  # others are being looked at this very moment
                connection.execute(sa.delete(FAILURES).where(FAILURES.c.id == number))
                session.commit()
                raise Locked(kind, now() + WINDOW)


def failed(name: str, address: str) -> None:
    """The attempt failed: lock what has failed too often."""
    subject = subject_of(name, address)
    with open_session() as session:
        connection = session.connection()
        known = connection.scalar(sa.select(Account.username).where(sa.func.lower(Account.username) == subject["account"]))
        audit.note("sign_in_failed", subject=known or "?", actor="")  # what is no account may be a password in the wrong box
        for kind, most in MOST.items():
            if _count(connection, kind, subject[kind]) >= most and not _locks(connection, {kind: subject[kind]}):
                connection.execute(sa.insert(LOCKS).values(kind=kind, subject=subject[kind], at=now(), until=now() + WINDOW))
                audit.note("locked", subject=subject[kind] if kind == "address" else known or "?", details={"of": kind}, actor="")
        session.commit()


def succeeded(name: str, address: str) -> None:
    """The right password (and code): the failures under this name are forgotten, those of others from the address are not."""
    with open_session() as session:
        session.connection().execute(sa.delete(FAILURES).where(FAILURES.c.account == subject_of(name, address)["account"]))
        session.commit()


def _raise_if_locked(connection: sa.Connection, subject: dict[str, str]) -> None:
    for row in _locks(connection, subject):
        raise Locked(row.kind, row.until)


def _locks(connection: sa.Connection, subject: dict[str, str]) -> Sequence[Any]:
    named = sa.or_(*(sa.and_(LOCKS.c.kind == kind, LOCKS.c.subject == value) for kind, value in subject.items()))
    return connection.execute(sa.select(LOCKS).where(named, LOCKS.c.until > now(), LOCKS.c.lifted_by.is_(None)).order_by(LOCKS.c.kind)).all()


def _count(connection: sa.Connection, kind: str, value: str) -> int:
    return connection.scalar(sa.select(sa.func.count()).where(FAILURES.c[kind] == value, FAILURES.c.at > now() - WINDOW)) or 0


# the security administrator -------------------------------------------------------------------


def locks(session: Session) -> Sequence[Any]:
    """What is locked now, the latest first."""
    statement = sa.select(LOCKS).where(LOCKS.c.until > now(), LOCKS.c.lifted_by.is_(None)).order_by(LOCKS.c.at.desc())
    return session.connection().execute(statement).all()


def unlock(session: Session, number: int, by: str) -> str:
    """Lift a lock and forget the failures behind it; what was locked, empty when there is no such lock. The caller commits."""
    connection = session.connection()
    row = connection.execute(sa.select(LOCKS).where(LOCKS.c.id == number, LOCKS.c.until > now(), LOCKS.c.lifted_by.is_(None))).one_or_none()
    if row is None:
        return ""
    connection.execute(sa.update(LOCKS).where(LOCKS.c.id == number).values(lifted_by=by))
    connection.execute(sa.delete(FAILURES).where(FAILURES.c[row.kind] == row.subject))
    audit.note("unlocked", subject=row.subject, details={"of": row.kind}, actor=by)
    return str(row.subject)
