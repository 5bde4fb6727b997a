"""System, security and audit administrators are three people: nobody does another's work (GB/T 22239-2019 8.1.4.2 d, 三权分立).

An administrator's account has no other role either: who gives out rights keeps no register.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.accounts import Account
from app.language import Text, _l, listed
from app.roles import ROLE_LABELS, Role

ADMINISTRATORS = frozenset({Role.SYSADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
#: an account that nobody used for so long is named to the security administrator
IDLE = timedelta(days=90)


def names_of(account: Any) -> set[str]:
    """The roles of an account, by itself and through its groups."""
    return {role.name for role in (*account.roles, *(role for group in account.groups for role in group.roles))}


def conflict(names: Iterable[str]) -> Text | None:
    """Why these roles cannot be one person's; None when they can."""
    held = {Role(name) for name in names if name in set(Role)}
    duties = held & ADMINISTRATORS
    if not duties or len(held) == 1:
        return None
    if len(duties) > 1:
        return _l(
            "“%(roles)s”不能是同一个账号：系统、安全、审计三种管理员要由不同的人担任。请给每个人分别建账号。",
            roles=listed(ROLE_LABELS[role] for role in Role if role in duties),
        )
    role = ROLE_LABELS[next(iter(duties))]
    return _l("“%(role)s”的账号不能再有别的角色：管理员不办理业务。请给这个人另建一个办业务的账号。", role=role)


def overlaps(session: Session) -> Sequence[Account]:
    """Accounts that hold what one person may not, from before the rule or by another program."""
    return [account for account in _all(session) if account.is_active and conflict(names_of(account))]


def idle(session: Session) -> Sequence[Account]:
    """Accounts in use on paper only: enabled, and nobody has signed in for 90 days."""
    since = datetime.now() - IDLE  # noqa: DTZ005 - Flask-AppBuilder notes sign-ins so
    return [account for account in _all(session) if account.is_active and (account.last_login or account.created_on or since) < since]


def _all(session: Session) -> Sequence[Account]:
    return session.scalars(sa.select(Account).options(selectinload(Account.roles), selectinload(Account.groups)).order_by(Account.username)).all()
