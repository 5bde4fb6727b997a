"""Sessions: one row for each sign-in, by a browser or a program. A row that is ended opens nothing more, whoever holds its token.

The browser's signed cookie carries a random token of which only the hash is kept; a program's JWT carries the row's number.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import sqlalchemy as sa
from flask import current_app, has_request_context, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.clock import local, now
from app.database import db
from app.language import Text, _l
from app.register import Base

#: a page that is read does not write more often than this
SEEN_EVERY = timedelta(minutes=1)
#: how long a session that is over is still known, so that its owner is told why
REMEMBERED = timedelta(days=7)


class Kind(StrEnum):
    """Who holds the session."""

    BROWSER = "browser"
    PROGRAM = "program"


class Why(StrEnum):
    """What ended a session."""

    SIGNED_OUT = "signed_out"
    PASSWORD = "password"  # noqa: S105 - a reason
    ROLES = "roles"
    DISABLED = "disabled"
    TOO_MANY = "too_many"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"


#: what the owner of an ended session is told at the next click
WHY: dict[str, Text] = {
    Why.PASSWORD: _l("密码已修改，请用新密码登录。"),
    Why.ROLES: _l("您的角色有变动，请重新登录。"),
    Why.DISABLED: _l("您的账号已停用。需要的话，请联系安全管理员。"),
    Why.TOO_MANY: _l("您在别处登录的次数超过了上限，这里的登录已退出，请重新登录。"),
    Why.OWNER: _l("您在别处结束了这里的登录，请重新登录。"),
    Why.ADMINISTRATOR: _l("安全管理员结束了这次登录，请重新登录。"),
}


class AccountSession(Base):
    """One sign-in of one account."""

    __tablename__ = "account_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("ab_user.id", name="fk_account_session_account", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    seen_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    address: Mapped[str] = mapped_column(sa.String(45))
    agent: Mapped[str] = mapped_column(sa.String(300))
    ended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    ended_why: Mapped[str] = mapped_column(sa.String(20), default="")


TABLE = cast("sa.Table", AccountSession.__table__)


def hashed(token: str) -> str:
    """What is kept of a token: it has 256 bits, so that a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def idle_after() -> timedelta:
    """A session that nobody used for so long is over."""
    return timedelta(minutes=current_app.config["SESSION_IDLE_MINUTES"])


def over_after() -> timedelta:
    """A session is over so long after its beginning, used or not."""
    return timedelta(hours=current_app.config["SESSION_HOURS"])


#: the test of a session that lives; `limits` has its values
ALIVE = sa.and_(TABLE.c.ended_at.is_(None), TABLE.c.seen_at > sa.bindparam("seen_after"), TABLE.c.created_at > sa.bindparam("created_after"))


def limits() -> dict[str, datetime]:
    """The moments after which a living session was used, and began."""
    moment = now()
    return {"seen_after": moment - idle_after(), "created_after": moment - over_after()}


def address() -> str:
    """From where the request comes: the peer, or what a trusted proxy says (TRUSTED_PROXIES)."""
    return (request.remote_addr or "")[:45] if has_request_context() else ""


#: of an account what is asked here; the class itself stands above
ACCOUNT = sa.table("ab_user", sa.column("id"), sa.column("username"), sa.column("password"))


class Overtaken(Exception):
    """The password was changed while somebody signed in with the old one."""


def _one_after_the_other(session: Session, account_id: int) -> None:
    """Sign-ins and endings of an account wait for each other, and always in this order."""
    session.connection().execute(sa.select(ACCOUNT.c.id).where(ACCOUNT.c.id == account_id).with_for_update())


def begin(session: Session, account_id: int, kind: Kind, verified: str) -> tuple[str, int]:
    """A new session with a new token, and the number of its row; the oldest ones beyond the limit end. The caller commits.

    `verified` is the hash that the password was compared with; raises Overtaken when it is no longer the account's.
    """
    moment, token = now(), secrets.token_urlsafe(32)
    connection = session.connection()
    _one_after_the_other(session, account_id)
    agent = request.user_agent.string[:300] if has_request_context() else ""
    row = {"token_hash": hashed(token), "account_id": account_id, "kind": kind.value, "created_at": moment, "seen_at": moment}
    number = connection.execute(sa.insert(TABLE).values(**row, address=address(), agent=agent)).inserted_primary_key[0]  # type: ignore[index]
    if connection.scalar(sa.select(ACCOUNT.c.password).where(ACCOUNT.c.id == account_id)) != verified:
        raise Overtaken
    most = current_app.config["SESSIONS_PER_ACCOUNT"]
    beyond = (
        sa.select(TABLE.c.id).where(TABLE.c.account_id == account_id, TABLE.c.kind == kind.value, ALIVE).order_by(TABLE.c.created_at.desc(), TABLE.c.id.desc())
    )
    end(session, Why.TOO_MANY, numbers=connection.scalars(beyond.offset(most), limits()).all())
    clear(session)
    return token, int(number)


def end(session: Session, why: Why, *, account_id: int | None = None, numbers: Sequence[int] | None = None, but: int = 0) -> int:
    """End sessions of an account, or those of these numbers, all `but` one; how many. The caller commits."""
    tests: list[sa.ColumnElement[bool]] = [TABLE.c.ended_at.is_(None), TABLE.c.id != but]
    if account_id is not None:
        tests.append(TABLE.c.account_id == account_id)
    if numbers is not None:
        tests.append(TABLE.c.id.in_(numbers))
    if len(tests) == 2 or numbers == []:
        return 0
    if account_id is not None:
        _one_after_the_other(session, account_id)
    ended = session.connection().execute(sa.update(TABLE).where(*tests).values(ended_at=now(), ended_why=why.value)).rowcount
    if ended:
        audit.note("session_ended", subject=_name_of(session, account_id, numbers), details={"why": why.value, "count": ended})
    return int(ended)


def _name_of(session: Session, account_id: int | None, numbers: Iterable[int] | None) -> str:
    found = sa.select(ACCOUNT.c.username)
    if account_id is not None:
        return str(session.connection().scalar(found.where(ACCOUNT.c.id == account_id)) or "")
    return str(session.connection().scalar(found.join(TABLE, TABLE.c.account_id == ACCOUNT.c.id).where(TABLE.c.id.in_(list(numbers or ())))) or "")


def living(session: Session, account_id: int) -> Sequence[Any]:
    """The sessions of an account that are open, the latest used first."""
    statement = sa.select(TABLE).where(TABLE.c.account_id == account_id, ALIVE).order_by(TABLE.c.seen_at.desc(), TABLE.c.id.desc())
    return session.connection().execute(statement, limits()).all()


def why_over(session: Session, token: str) -> Text:
    """What the holder of a token that opens nothing any more is told; empty when there is nothing to say."""
    row = session.connection().execute(sa.select(TABLE.c.ended_why, TABLE.c.ended_at).where(TABLE.c.token_hash == hashed(token))).one_or_none()
    if row is None:
        return ""
    return WHY.get(row.ended_why, "") if row.ended_at else _l("太久没有操作，登录已自动退出，请重新登录。")


def seen(number: int, last: datetime) -> None:
    """Note that a session is used, once a minute at most, in a transaction of its own."""
    if now() - local(last) < SEEN_EVERY:
        return
    with db.engine.connect() as connection:
        embedded = connection.dialect.name == "sqlite"
        try:
            if embedded:  # a page that is read does not wait for somebody's import to end
                connection.exec_driver_sql("PRAGMA busy_timeout=0")
            connection.execute(sa.update(TABLE).where(TABLE.c.id == number).values(seen_at=now()))
            connection.commit()
        except OperationalError:
            connection.rollback()  # the next request notes it
        finally:
            if embedded:
                connection.exec_driver_sql("PRAGMA busy_timeout=30000")


def clear(session: Session) -> None:
    """Forget what has been over for a week. The caller commits."""
    session.connection().execute(sa.delete(TABLE).where(TABLE.c.created_at < now() - over_after() - REMEMBERED))


def clear_all() -> None:
    """The same as a task of the worker."""
    clear(db.session())
    db.session.commit()
