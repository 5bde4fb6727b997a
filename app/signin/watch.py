"""Whoever changes an account, on whatever road: sessions end when its password, roles or standing change, and duties stay apart."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Group, User
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import audit
from app.scopes import NotPermitted
from app.signin import duties, sessions
from app.signin.sessions import Why

#: what ends the sessions of an account when it changes
_REASONS = {"password": Why.PASSWORD, "roles": Why.ROLES, "groups": Why.ROLES, "active": Why.DISABLED}
_KINDS = {"password": "password_changed", "roles": "roles_changed", "groups": "roles_changed", "active": "account_switched"}


def _look(session: Session, _context: Any, _instances: Any) -> None:
    for each in list(session.new):
        if isinstance(each, User):
            _keep_apart(each)
            audit.note("account_added", subject=each.username, details={"roles": sorted(duties.names_of(each))})
        elif isinstance(each, Group):
            _group(session, each)
    for each in list(session.dirty):
        if isinstance(each, User):
            _account(session, each)
        elif isinstance(each, Group):
            _group(session, each)


def _account(session: Session, account: Any) -> None:
    changed = {name for name in _REASONS if sa.inspect(account).attrs[name].load_history().has_changes()}
    if changed & {"roles", "groups"}:
        _keep_apart(account)
    for kind in sorted({_KINDS[name] for name in changed}):
        audit.note(kind, subject=account.username, details=_details(account, kind))
    for name in sorted(changed):
        sessions.end(session, _REASONS[name], account_id=account.id)


def _details(account: Any, kind: str) -> dict[str, Any]:
    if kind == "account_switched":
        return {"active": bool(account.active)}
    if kind != "roles_changed":
        return {}
    before = sa.inspect(account).attrs.roles.load_history()
    return {"before": sorted(role.name for role in (*before.unchanged, *before.deleted)), "after": sorted(duties.names_of(account))}


def _group(session: Session, group: Group) -> None:
    facts = sa.inspect(group).attrs
    roles, users = facts.roles.load_history(), facts.users.load_history()
    if not (roles.has_changes() or users.has_changes()):
        return
    audit.note("roles_changed", subject=str(group.name), details={"group": True, "after": sorted(role.name for role in group.roles)})
    for account in {*group.users, *users.deleted}:
        _keep_apart(account)
        sessions.end(session, Why.ROLES, account_id=account.id)


def _keep_apart(account: Any) -> None:
    reason = duties.conflict(duties.names_of(account))
    if reason is not None:
        raise NotPermitted(reason)


def install(sessions_of_app: Any) -> None:
    """Look at every flush of the application's sessions."""
    if not getattr(sessions_of_app, "watched", False):  # event.contains() knows a class by id(), which a later one may get
        event.listen(sessions_of_app, "before_flush", _look)
        sessions_of_app.watched = True
