"""Accounts: Flask-AppBuilder's users with an office and regions; who a signed-in person is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Group, User
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String
from sqlalchemy.orm import Session, relationship

from app import registry
from app.database import db
from app.language import _
from app.roles import Role
from app.scopes import VISITOR, Actor


class Account(User):  # type: ignore[misc]
    """A user of the backoffice: whose 股室, and for supervisors which regions."""

    __tablename__ = "ab_user"

    org_unit_id = Column(Integer, ForeignKey("org_unit.id"))
    #: division codes with 、 between them; a code covers everything below it
    regions = Column(String(500))
    #: when its owner chose the password; empty: somebody else gave it, and it must be changed first
    password_changed_at = Column(DateTime(timezone=True))

    #: the hash that the password was compared with, while its owner signs in
    verified = ""

    org_unit = relationship(lambda: registry.need("org_unit"), lazy="select")

    def __repr__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """The name as Chinese people write it: family name first, no blank."""
        family, given = self.last_name or "", self.first_name or ""
        return f"{family}{given}" if not family.isascii() else f"{given} {family}".strip()

    def get_full_name(self) -> str:
        return self.full_name


# Flask-AppBuilder lets a class of ours be a member of a role but not of a group: saving one in a group fails
Group.users.comparator.prop.enable_typechecks = False


def actor_of(user: Any) -> Actor:
    """The actor that an account is; a visitor when nobody is signed in."""
    if user is None or not getattr(user, "is_authenticated", False) or not user.is_active:
        return VISITOR
    names = {role.name for role in (*user.roles, *(role for group in user.groups for role in group.roles))}
    return Actor(
        username=user.username,
        roles=frozenset(role for role in Role if role.value in names),
        org_unit_id=user.org_unit_id,
        regions=tuple(code for code in (user.regions or "").split("、") if code),
        full_name=user.full_name,
    )


def actor_named(username: str) -> Actor:
    """The actor of that account; LookupError when there is none or it is disabled."""
    user = db.session.scalar(sa.select(Account).where(Account.username == username))
    if user is None or not user.is_active:
        raise LookupError(_("没有账号“%(name)s”，或它已停用", name=username))
    return actor_of(user)


def by_name(session: Session, usernames: Iterable[str | None]) -> dict[str, Account]:
    """The accounts of these names, in one statement; what is no account is left out."""
    wanted = {name for name in usernames if name}
    return {row.username: row for row in session.scalars(sa.select(Account).where(Account.username.in_(wanted)))} if wanted else {}
