"""Sign-in and permissions: Flask-AppBuilder's manager, asked once per request instead of once per button.

Who acts is what a session says that has not ended (app/signin/sessions.py), by cookie or token.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_appbuilder.security.sqla.models import (
    Group,
    Permission,
    PermissionView,
    ViewMenu,
    assoc_permissionview_role,
)
from flask_appbuilder.security.sqla.models import (
    Role as RoleRow,
)
from flask_jwt_extended import current_user as jwt_user
from flask_jwt_extended import verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_login import current_user, login_user
from jwt.exceptions import InvalidTokenError
from sqlalchemy.orm import joinedload

from app import audit
from app.accounts import Account, actor_of
from app.database import db
from app.scopes import act_as
from app.signin import guessing, passwords, sessions
from app.signin.sessions import AccountSession, Kind

Permissions = frozenset[tuple[str, str]]
#: how long a running server goes on with the permissions from before a `flask install`
SECONDS_REMEMBERED = 30


class SecurityManager(FabSecurityManager):  # type: ignore[misc]
    """FAB asks the database for each menu entry and button; this reads the whole set once."""

    user_model = Account

    def __init__(self, appbuilder: Any) -> None:
        self.remembered: dict[frozenset[str], tuple[float, Permissions]] = {}
        super().__init__(appbuilder)

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return (permission_name, view_name) in self.permissions()

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return (permission_name, view_name) in self._of_roles(frozenset({self.auth_role_public}))

    def get_user_by_id(self, pk: int) -> Any:
        """The account with its roles, its groups and theirs: every request asks for them all, so one statement brings them."""
        return self.session.scalars(_account(), {"pk": pk}).unique().one_or_none()

    def load_user(self, pk: str) -> Any:
        """The account whose living session has this token; Flask-Login keeps the token where it usually keeps the number."""
        return self._signed_in(AccountSession.token_hash, sessions.hashed(str(pk)))

    def load_user_jwt(self, _jwt_header: Any, jwt_data: dict[str, Any]) -> Any:
        """The account whose living session a program's token names."""
        number = jwt_data.get("sid")
        account = self._signed_in(AccountSession.id, number) if isinstance(number, int) else None
        if account is not None:
            g.user = account
        return account

    def _signed_in(self, column: Any, value: Any) -> Any:
        row = self.session.execute(_session_by(column), {"wanted": value} | sessions.limits()).unique().one_or_none()
        if row is None or not row.Account.is_active:
            return None
        g.session_number = row.id
        sessions.seen(row.id, row.seen_at)
        return row.Account

    def auth_user_db(self, username: str, password: str) -> Any:
        """The account of that name and password; raises Locked after too many failures.

        The caller says by `admit` that the person is in: until then the attempt counts as failed.
        """
        typed = _storable(username)
        found, by_address = self.find_user(username=typed), self.find_user(email=typed)
        known = found or by_address
        name = str(known.username) if known else typed  # counted under the account, whether its name or its address was typed
        verified = known.password if known else ""
        guessing.attempt(name, sessions.address())
        account = super().auth_user_db(typed, password if _storable(password) == password else "\x00")
        if account is None:
            guessing.failed(name, sessions.address())
        else:
            account.verified = verified
        return account

    def admit(self, account: Any, kind: Kind) -> int:
        """Begin a session for whoever has proved to be the account; its number, 0 when its password has just been changed."""
        try:
            token, number = sessions.begin(self.session, account.id, kind, account.verified)
        except sessions.Overtaken:
            self.session.rollback()
            return 0
        self.session.commit()
        guessing.succeeded(account.username, sessions.address())
        if kind is Kind.BROWSER:
            kept = {name: session[name] for name in ("locale",) if name in session}
            session.clear()  # nothing that somebody planted before the sign-in outlives it
            session.update(kept)
            login_user(account, remember=False)
            session["_user_id"] = token
        g.session_number = number
        audit.note("sign_in", subject=account.username, details={"by": kind.value}, actor=account.username)
        return number

    def reset_password(self, userid: int, password: str) -> None:
        """A new password, from its owner or from somebody else, after which it must be changed."""
        account = self.get_user_by_id(userid)
        passwords.change(self.session, account, password, by_owner=has_request_context() and getattr(g.user, "id", None) == account.id)
        self.session.commit()

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        wanted = set(menu_names or ())
        return {view for permission, view in self.permissions() if permission == "menu_access" and (not wanted or view in wanted)}

    def permissions(self) -> Permissions:
        """The permissions of whoever acts in this request."""
        user = self.acting_user()
        names = {self.auth_role_public} if user is None else {role.name for role in self.get_user_roles(user)}
        return self._of_roles(frozenset(names))

    def acting_user(self) -> Any:
        """The signed-in account, by token or cookie; None for a visitor."""
        if brings_token():
            return jwt_user if jwt_user and jwt_user.is_active else None
        return current_user if current_user and current_user.is_authenticated and current_user.is_active else None

    def _of_roles(self, names: frozenset[str]) -> Permissions:
        """What these roles may do. Only `flask install` changes that, so it is remembered for a while."""
        read, permissions = self.remembered.get(names, (0.0, frozenset()))
        if not permissions or time.monotonic() - read > SECONDS_REMEMBERED:
            permissions = _read_permissions(names)
            self.remembered[names] = (time.monotonic(), permissions)
        return permissions


@cache
def _account() -> sa.Select[tuple[Account]]:
    along = (joinedload(Account.roles), joinedload(Account.groups).joinedload(Group.roles))
    return sa.select(Account).where(Account.id == sa.bindparam("pk")).options(*along)


def _storable(text: str) -> str:
    """The text without what no database keeps: NUL and halves of characters."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


@cache
def _session_by(column: Any) -> sa.Select[Any]:
    along = (joinedload(Account.roles), joinedload(Account.groups).joinedload(Group.roles))
    found = sa.select(Account, AccountSession.id, AccountSession.seen_at).join(AccountSession, AccountSession.account_id == Account.id)
    return found.where(column == sa.bindparam("wanted"), sessions.ALIVE).options(*along)


def _read_permissions(names: frozenset[str]) -> Permissions:
    statement = (
        sa.select(Permission.name, ViewMenu.name)
        .join(PermissionView, PermissionView.permission_id == Permission.id)
        .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.permission_view_id == PermissionView.id)
        .join(RoleRow, RoleRow.id == assoc_permissionview_role.c.role_id)
        .where(RoleRow.name.in_(sorted(names)))
    )
    return frozenset((permission, view) for permission, view in db.session.execute(statement))


def enter_scope() -> None:
    """Before each request: the session acts for the person who is signed in, by cookie or token."""
    act_as(db.session(), actor_of(_person()))


def brings_token() -> bool:
    """Whether the request carries a token of its own: then its cookie counts for nothing.

    A page of another site can make a browser send our cookie, but never a token: so a request
    with a token needs no CSRF check, provided that the cookie does not act beside it.
    """
    return has_request_context() and request.headers.get("Authorization", "").lower().startswith("bearer")


def _person() -> Any:
    if not has_request_context():
        return None
    if not brings_token():
        return current_user._get_current_object() if current_user and current_user.is_authenticated else None  # noqa: SLF001 - werkzeug names it so
    try:
        verify_jwt_in_request(optional=True)
    except (JWTExtendedException, InvalidTokenError):
        return None  # the view's own guard answers 401 with the reason
    return jwt_user._get_current_object() if jwt_user else None  # noqa: SLF001 - werkzeug names it so
