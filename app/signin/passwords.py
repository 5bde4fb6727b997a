"""Which passwords are good enough, whose must be changed, and how one is changed.

ASVS 5 6.2.1-6.2.12 and GB/T 22239-2019 8.1.4.1 a disagree on complexity and renewal: SECURITY_PROFILE says which holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash

from app.clock import local, now
from app.language import Text, _l
from app.register import Base

MOST_CHARACTERS = 200
#: how passwords are hashed: 32 MB and a tenth of a second for each guess (OWASP Password Storage)
METHOD = "scrypt:32768:8:1"
#: common-passwords.txt.gz of Django 5.2.19 (BSD, LICENSE.django), by Royce Williams
COMMON = Path(__file__).parent / "data" / "common_passwords.txt"
#: the bureau, the county, the product: what a stranger would try first (ASVS 5 6.2.11)
OURS = ("weichang", "weixian", "yingshang", "yingji", "anjian", "taizhang", "xiaofang", "chengde", "hebei")
#: what must be left of a password beside such words and the account name
MOST_BESIDE = 6
_KINDS = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")


@dataclass(frozen=True)
class Rules:
    """What a profile demands."""

    shortest: int
    kinds: int = 0
    renew_after: timedelta | None = None
    not_the_last: int = 0


PROFILES = {
    "mlps": Rules(shortest=8, kinds=3, renew_after=timedelta(days=90), not_the_last=5),
    "asvs": Rules(shortest=12),
}


class FormerPassword(Base):
    """The hash of a password that an account had."""

    __tablename__ = "former_password"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("ab_user.id", name="fk_former_password_account", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(sa.String(256))
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


TABLE = cast("sa.Table", FormerPassword.__table__)


def rules() -> Rules:
    """The rules of this installation."""
    return PROFILES[current_app.config["SECURITY_PROFILE"]]


def said() -> Text:
    """The rules in a sentence, for the form."""
    if rules().kinds:
        return _l("至少 8 个字符，大写字母、小写字母、数字、符号中至少有三种；不能是常见密码，不能带账号名。每 90 天要换一次。")
    return _l("至少 12 个字符，可以是一句话；不能是常见密码，不能带账号名。")


@cache
def common() -> frozenset[str]:
    """Passwords that everybody tries first."""
    return frozenset(COMMON.read_text(encoding="utf-8").split())


def faults(password: str, username: str = "") -> list[Text]:
    """Why a password is not good enough, as sentences; empty when it is."""
    wanted = rules()
    found: list[Text] = []
    if len(password) < wanted.shortest:
        found.append(_l("密码太短，至少要 %(count)s 个字符。", count=wanted.shortest))
    if len(password) > MOST_CHARACTERS:
        found.append(_l("密码太长，最多 %(count)s 个字符。", count=MOST_CHARACTERS))
    if sum(bool(re.search(kind, password)) for kind in _KINDS) < wanted.kinds:
        found.append(_l("密码太简单，大写字母、小写字母、数字、符号中至少要有三种。"))
    if _is_common(password):
        found.append(_l("这个密码太常见，别人很容易猜到，请换一个。"))
    if _about_us(password, username):
        found.append(_l("密码不能是账号名、单位名或地名加几个数字，请换一个。"))
    return found


def _is_common(password: str) -> bool:
    folded = password.casefold()
    stem = re.sub(r"[\W\d_]+$", "", folded)  # Password1! is password
    return folded in common() or stem in common() or len(set(folded)) < 4


def _about_us(password: str, username: str) -> bool:
    rest = password.casefold()
    for word in (username.casefold(), *OURS):
        if len(word) > 1:
            rest = rest.replace(word, "")
    return len(rest) < min(MOST_BESIDE, len(password))


def must_change(account: Any) -> bool:
    """Whether the account may do nothing before it has a new password: somebody else gave it this one, or it is too old."""
    if account.password_changed_at is None:
        return True
    renew = rules().renew_after
    return renew is not None and now() - local(account.password_changed_at) > renew


def used_before(session: Session, account: Any, password: str) -> bool:
    """Whether it is the present password or, where the profile forbids that, one of the last."""
    hashes = [account.password]
    if rules().not_the_last > 1:
        last = sa.select(TABLE.c.hash).where(TABLE.c.account_id == account.id).order_by(TABLE.c.at.desc(), TABLE.c.id.desc())
        hashes += session.connection().scalars(last.limit(rules().not_the_last - 1))
    return any(each and check_password_hash(each, password) for each in hashes)


def hash_of(password: str) -> str:
    """The hash as accounts keep it."""
    return generate_password_hash(password, method=METHOD)


def change(session: Session, account: Any, password: str, *, by_owner: bool) -> None:
    """Give an account a new password, by which all its sessions end; one from somebody else must be changed at the next sign-in. The caller commits."""
    connection = session.connection()
    if account.password:
        connection.execute(sa.insert(TABLE).values(account_id=account.id, hash=account.password, at=now()))
        kept = (
            sa.select(TABLE.c.id)
            .where(TABLE.c.account_id == account.id)
            .order_by(TABLE.c.at.desc(), TABLE.c.id.desc())
            .limit(max(each.not_the_last for each in PROFILES.values()))
        )
        connection.execute(sa.delete(TABLE).where(TABLE.c.account_id == account.id, TABLE.c.id.not_in(connection.scalars(kept).all())))
    account.password = hash_of(password)
    account.password_changed_at = now() if by_owner else None
    session.flush()
