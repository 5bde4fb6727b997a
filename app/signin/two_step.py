"""The second step of signing in, for who wants it: a code of the telephone (TOTP, RFC 6238), or one of ten recovery codes."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime
from typing import cast

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.clock import now
from app.register import Base
from app.signin.sealed import Unreadable, seal, unseal

PURPOSE = "two-step"
STEP = 30
CODES = 10
#: without what is easily misread
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class TwoStep(Base):
    """An account's second step: it is on as long as the row is there."""

    __tablename__ = "two_step"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("ab_user.id", name="fk_two_step_account", ondelete="CASCADE"), primary_key=True)
    #: sealed with a key that is not in the database
    secret: Mapped[str] = mapped_column(sa.String(300))
    #: the period of the last code that was taken: none is taken twice
    last: Mapped[int] = mapped_column(sa.BigInteger)
    #: hashes of the recovery codes that are left, with blanks between them
    codes: Mapped[str] = mapped_column(sa.Text)
    since: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


TABLE = cast("sa.Table", TwoStep.__table__)


def is_on(session: Session, account_id: int) -> bool:
    """Whether the account has a second step."""
    return session.connection().scalar(sa.select(TABLE.c.account_id).where(TABLE.c.account_id == account_id)) is not None


def left(session: Session, account_id: int) -> int:
    """How many recovery codes are left."""
    return len((session.connection().scalar(sa.select(TABLE.c.codes).where(TABLE.c.account_id == account_id)) or "").split())


def new_secret() -> str:
    """A secret for the telephone, not kept yet."""
    return pyotp.random_base32()


def address(secret: str, username: str, issuer: str) -> str:
    """What the QR code says to the telephone."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def turn_on(session: Session, account_id: int, secret: str, code: str) -> list[str]:
    """Switch it on by a code that the secret gives; the recovery codes, or none when the code is wrong. The caller commits."""
    period = _period(secret, code)
    if period is None or is_on(session, account_id):
        return []
    plain = ["-".join("".join(secrets.choice(_LETTERS) for _place in range(5)) for _part in range(3)) for _code in range(CODES)]
    kept = " ".join(_hashed(each) for each in plain)
    session.connection().execute(sa.insert(TABLE).values(account_id=account_id, secret=seal(secret, PURPOSE), last=period, codes=kept, since=now()))
    return plain


def turn_off(session: Session, account_id: int) -> bool:
    """Switch it off; whether it was on. The caller commits."""
    return bool(session.connection().execute(sa.delete(TABLE).where(TABLE.c.account_id == account_id)).rowcount)


def accepts(session: Session, account_id: int, code: str) -> bool:
    """Whether the code is right, of the telephone or for recovery; each is taken once. Commits."""
    row = session.connection().execute(sa.select(TABLE).where(TABLE.c.account_id == account_id).with_for_update()).one_or_none()
    if row is None:
        return False
    try:
        period = _period(unseal(row.secret, PURPOSE), code)
    except Unreadable:
        period = None
    change: sa.Update | None = None
    if period is not None:
        change = sa.update(TABLE).where(TABLE.c.account_id == account_id, TABLE.c.last < period).values(last=period)
    elif _hashed(code) in row.codes.split():
        rest = " ".join(each for each in row.codes.split() if each != _hashed(code))
        change = sa.update(TABLE).where(TABLE.c.account_id == account_id, TABLE.c.codes == row.codes).values(codes=rest)
    taken = change is not None and session.connection().execute(change).rowcount == 1
    session.commit()
    return taken


def _period(secret: str, code: str) -> int | None:
    """The period of 30 seconds that a code belongs to, this one or a neighbour; None when it is wrong."""
    digits = re.sub(r"\s", "", code)
    at = int(now().timestamp()) // STEP
    known = pyotp.TOTP(secret)
    return next((period for period in (at, at - 1, at + 1) if secrets.compare_digest(known.at(period * STEP).encode(), digits.encode())), None)


def _hashed(code: str) -> str:
    """A recovery code has 74 bits: a plain hash cannot be guessed back."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode()).hexdigest()
