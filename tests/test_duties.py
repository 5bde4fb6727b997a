"""Three administrators whose work is three people's (promise T42); accounts that nobody uses are named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask_appbuilder.security.sqla.models import Group
from flask_appbuilder.security.sqla.models import Role as RoleRow

from app import registry
from app.accounts import Account
from app.database import db
from app.install import ACCOUNT_VIEWS, DEMO, FRAME, add_account, permissions_of
from app.roles import Role, Verb
from app.scopes import SYSTEM, NotPermitted, Scope, act_as
from app.signin import duties
from models.reference import CodeEntry
from tests.conftest import Browser
from tests.people import AUDIT_ADMIN, CLERK, PASSWORD, PEOPLE, SECURITY_ADMIN, SYSADMIN, Persona

SignIn = Callable[[Persona], Browser]
PAIRS = list(combinations(sorted(duties.ADMINISTRATORS), 2))
TWO = pytest.mark.parametrize("pair", PAIRS, ids="+".join)


def rows(*names: str) -> list[RoleRow]:
    return list(db.session.scalars(sa.select(RoleRow).where(RoleRow.name.in_(names))))


def number(app: Flask, person: Persona) -> int:
    with app.app_context():
        return int(db.session.scalar(sa.select(Account.id).where(Account.username == person.username)))


# nobody holds two ---------------------------------------------------------------------------------


@TWO
def test_the_form_refuses_two_of_three(app: Flask, sign_in: SignIn, pair: tuple[Role, Role]) -> None:
    admin = sign_in(SECURITY_ADMIN)
    with app.app_context():
        ids = [str(row.id) for row in rows(*pair)]
    data: dict[str, Any] = {
        "username": "zwei", "last_name": "双", "first_name": "职", "email": "z@example.com", "active": "y", "roles": ids,
        "password": "Huangyan-7431", "conf_password": "Huangyan-7431",
    }  # fmt: skip
    answer = admin.post("/users/add", data)
    assert answer.status_code == 200
    page = BeautifulSoup(answer.data, "html.parser")
    assert "要由不同的人担任" in page.get_text()
    assert page.select_one("input[name=username]")["value"] == "zwei", "what was typed stays"  # type: ignore[index]
    with app.app_context():
        assert db.session.scalar(sa.select(Account.id).where(Account.username == "zwei")) is None
    assert admin.post("/users/add", data | {"roles": ids[:1]}).status_code == 302


@TWO
def test_the_command_refuses_two_of_three(app: Flask, pair: tuple[Role, Role]) -> None:
    result = app.test_cli_runner().invoke(args=["account", "add", "zwei", *(word for role in pair for word in ("--role", role.value))])
    assert result.exit_code == 1
    assert "要由不同的人担任" in result.output


@TWO
def test_no_road_around_it(app: Flask, pair: tuple[Role, Role]) -> None:
    """By the session, by a group, by a group that gets a role later."""
    with app.app_context():
        act_as(db.session(), SYSTEM)
        first, second = rows(pair[0])[0], rows(pair[1])[0]
        account = db.session.scalar(sa.select(Account).where(Account.username == CLERK.username))
        account.roles = [first, second]
        with pytest.raises(NotPermitted):
            db.session.flush()
        db.session.rollback()
        group = Group(name="g", label="", description="")
        db.session.add(group)
        group.roles = [first]
        db.session.commit()
        account = db.session.scalar(sa.select(Account).where(Account.username == CLERK.username))
        account.roles, account.groups = [rows(pair[1])[0]], [db.session.get(Group, group.id)]
        with pytest.raises(NotPermitted):
            db.session.flush()
        db.session.rollback()
        account = db.session.scalar(sa.select(Account).where(Account.username == CLERK.username))
        account.roles, account.groups = [], [db.session.get(Group, group.id)]
        db.session.commit()
        db.session.get(Group, group.id).roles = rows(*pair)
        with pytest.raises(NotPermitted):
            db.session.flush()
        db.session.rollback()


@pytest.mark.parametrize("role", sorted(duties.ADMINISTRATORS))
@pytest.mark.parametrize("other", [role for role in Role if role not in duties.ADMINISTRATORS])
def test_an_administrator_does_no_business(role: Role, other: Role) -> None:
    assert "管理员不办理业务" in str(duties.conflict({role.value, other.value}))
    assert duties.conflict({role.value}) is None


def test_others_may_have_several_roles() -> None:
    assert duties.conflict({Role.CLERK.value, Role.PRIVACY_VIEW.value}) is None
    assert duties.conflict(set()) is None
    assert all(duties.conflict(role.value for role in person.roles) is None for person in PEOPLE)
    assert all(duties.conflict(role.value for role in roles) is None for _name, roles, *_rest in DEMO)


def test_what_was_so_before_is_reported(app: Flask, sign_in: SignIn) -> None:
    """Accounts of before the rule, or of another program in the shared database."""
    with app.app_context():
        link = sa.table("ab_user_role", sa.column("user_id"), sa.column("role_id"))
        other = db.session.scalar(sa.select(RoleRow.id).where(RoleRow.name == Role.SYSADMIN.value))
        db.session.execute(sa.insert(link).values(user_id=number(app, AUDIT_ADMIN), role_id=other))
        db.session.commit()
    result = app.test_cli_runner().invoke(args=["install"])
    assert result.exit_code == 0, result.output
    assert f"账号“{AUDIT_ADMIN.username}”的角色不能由一个人担任" in result.output
    admin = sign_in(SECURITY_ADMIN)
    assert "1 个账号的角色不能由一个人担任" in admin.get("/users/list/").text
    assert AUDIT_ADMIN.name in admin.get("/account-security/").text


# nobody does another's work -----------------------------------------------------------------------


def test_their_permissions_do_not_overlap(app: Flask) -> None:
    """Beside what everybody has, no permission of one is another's, but to read the lists that everybody reads."""
    with app.app_context():
        held = {role: set(db.session.execute(_granted(role)).tuples()) for role in duties.ADMINISTRATORS}
    everybody = set(FRAME) | set.intersection(*(permissions_of(role) for role in (Role.CLERK, *duties.ADMINISTRATORS)))
    for one, other in PAIRS:
        assert not (held[one] & held[other]) - everybody, (one, other)
    assert not any(name not in {"can_read", "can_export", "menu_access"} for name, view in everybody if registry.find(view) is not None)


def _granted(role: Role) -> Any:
    from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu, assoc_permissionview_role

    link = assoc_permissionview_role
    return (
        sa.select(Permission.name, ViewMenu.name)
        .join(PermissionView, PermissionView.permission_id == Permission.id)
        .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
        .join(link, link.c.permission_view_id == PermissionView.id)
        .join(RoleRow, RoleRow.id == link.c.role_id)
        .where(RoleRow.name == role.value)
    )


@pytest.mark.parametrize("person", [SECURITY_ADMIN, AUDIT_ADMIN], ids=lambda person: person.username)
def test_only_the_system_administrator_keeps_lists(app: Flask, sign_in: SignIn, session_of: Any, person: Persona) -> None:
    scope: Scope = session_of(person).info["scope"]
    for entry in registry.entries():
        assert not any(scope.may(entry.register, verb) for verb in (Verb.ADD, Verb.EDIT, Verb.VOID, Verb.IMPORT)), entry.register.__key__
    browser = sign_in(person)
    for path in ("/code/add", "/org_unit/add", "/agency/add", "/agency/list/", "/words/", "/printed-forms/"):
        assert browser.get(path).status_code == 403, path
    assert session_of(SYSADMIN).info["scope"].may(CodeEntry, Verb.EDIT)


@pytest.mark.parametrize("person", [SYSADMIN, AUDIT_ADMIN], ids=lambda person: person.username)
def test_only_the_security_administrator_keeps_accounts(app: Flask, sign_in: SignIn, person: Persona) -> None:
    browser, clerk = sign_in(person), number(app, CLERK)
    views = [view for view in app.appbuilder.baseviews if view.class_permission_name in ACCOUNT_VIEWS]  # type: ignore[attr-defined]
    assert len(views) >= 5
    for path in (
        "/users/list/",
        "/users/add",
        f"/users/edit/{clerk}",
        f"/resetpassword/form?pk={clerk}",
        "/roles/list/",
        "/groups/list/",
        "/account-security/",
    ):
        assert browser.get(path).status_code == 403, path
    assert browser.post(f"/users/delete/{clerk}", token_from="/").status_code == 403


def test_nobody_changes_the_own_rights(app: Flask, sign_in: SignIn) -> None:
    admin = sign_in(SECURITY_ADMIN)
    path = f"/users/edit/{number(app, SECURITY_ADMIN)}"
    with app.app_context():
        clerk, own = (str(rows(role.value)[0].id) for role in (Role.CLERK, Role.SECURITY_ADMIN))
    data = {"username": SECURITY_ADMIN.username, "last_name": "蒋", "first_name": "安全", "email": "jiang@yingshang.invalid", "active": "y"}
    assert "不能修改自己的角色" in admin.post(path, data | {"roles": [clerk]}, token_from="/").text
    assert admin.post(path, data | {"roles": [own], "first_name": "保安"}, token_from="/").status_code == 302
    with app.app_context():
        account = db.session.get(Account, number(app, SECURITY_ADMIN))
        assert (account.first_name, [role.name for role in account.roles]) == ("保安", [Role.SECURITY_ADMIN.value])


# accounts that come with the product, and those that nobody uses ----------------------------------


def test_no_account_comes_with_the_product(app: Flask, tmp_path: Any) -> None:
    """`flask install` makes none; those of the demonstration have passwords of chance, which must be changed."""
    with app.app_context():
        assert set(db.session.scalars(sa.select(Account.username))) == {person.username for person in PEOPLE}
        app.test_cli_runner().invoke(args=["install"])
        assert set(db.session.scalars(sa.select(Account.username))) == {person.username for person in PEOPLE}
        act_as(db.session(), SYSTEM)
        made = [add_account(username, roles, office, name=name) for username, roles, office, name in DEMO]
        assert len(set(made)) == len(DEMO)
        assert all(len(each) >= 12 for each in made)
        assert all(
            account.password_changed_at is None for account in db.session.scalars(sa.select(Account).where(Account.username.in_([each[0] for each in DEMO])))
        )
    from app.accounts import actor_of

    with app.app_context():
        account = db.session.scalar(sa.select(Account).where(Account.username == "sysadmin"))
        assert actor_of(account).roles == {Role.SYSADMIN}


def test_idle_accounts_are_reported(app: Flask, sign_in: SignIn) -> None:
    long_ago = datetime.now() - timedelta(days=91)
    with app.app_context():
        for person, last in ((CLERK, long_ago), (SYSADMIN, datetime.now() - timedelta(days=89))):
            account = db.session.get(Account, number(app, person))
            account.last_login, account.created_on = last, long_ago
        db.session.get(Account, number(app, AUDIT_ADMIN)).created_on = long_ago  # never signed in
        db.session.commit()
        assert {account.username for account in duties.idle(db.session())} == {CLERK.username, AUDIT_ADMIN.username}
    admin = sign_in(SECURITY_ADMIN)
    assert "2 个账号 90 天没有登录" in admin.get("/users/list/").text
    page = admin.get("/account-security/").text
    assert CLERK.name in page
    assert AUDIT_ADMIN.name in page
    assert SYSADMIN.name not in page
    with app.app_context():
        db.session.get(Account, number(app, CLERK)).active = False
        db.session.commit()
    assert "1 个账号 90 天没有登录" in admin.get("/users/list/").text
    assert PASSWORD not in page
