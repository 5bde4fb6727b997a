"""`flask install`: from an empty database to a product that people can sign in to. Idempotent."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    ViewMenu,
    assoc_permissionview_role,
)
from flask_appbuilder.security.sqla.models import (
    Role as RoleRow,
)
from flask_migrate import upgrade
from sqlalchemy.orm import Session

import config
from app import documents, registry
from app.accounts import Account
from app.clock import now
from app.database import db, open_session, owner_engine
from app.database_roles import separate
from app.encryption.commands import wrong_keys
from app.encryption.envelope import Unreadable
from app.encryption.upkeep import encrypt_plain
from app.history import acts
from app.language import _, chinese
from app.roles import ROLE_LABELS, Role, Verb
from app.scopes import SYSTEM, NotPermitted, act_as
from app.search.keep import refill
from app.signin import duties, guessing, passwords
from app.unmigrated import reconcile
from models.seed import seed

Pair = tuple[str, str]

#: what everybody who signs in may do with the frame itself
FRAME = frozenset(
    {
        ("can_read", "help"),
        ("can_userinfo", "UserDBModelView"),
        ("resetmypassword", "UserDBModelView"),
        ("can_this_form_get", "ResetMyPasswordView"),
        ("can_this_form_post", "ResetMyPasswordView"),
        ("can_read", "signins"),
        ("can_read", "exports"),
        ("can_get", "MenuApi"),
        ("can_get", "OpenApi"),
        ("can_show", "SwaggerView"),
        ("can_search", "SearchView"),
        ("can_read", "desk"),
        ("can_export", "desk"),
    }
)
#: the roles that get less of it: visitors look for what is published, the right to clear text is nothing by itself
FRAME_OF = {Role.PUBLIC: frozenset({("can_search", "SearchView")}), Role.PRIVACY_VIEW: frozenset()}
#: what those may do beside it who look over all offices
OVERSIGHT = frozenset({("can_read", "overview"), ("can_export", "overview")})
OVERSEERS = frozenset({Role.LEADER, Role.SUPERVISOR, Role.LEGAL})
#: who asks to see what is masked, and who decides on it
DISCLOSERS = frozenset({Role.PRIVACY_VIEW, Role.SECTION_HEAD, Role.LEADER})
#: views of accounts and roles: the security administrator's, and nobody else's
ACCOUNT_VIEWS = frozenset(
    {"UserDBModelView", "account_security", "RoleModelView", "UserGroupModelView", "ResetPasswordView", "List Users", "List Roles", "List Groups", "Security"}
)


def permissions_of(role: Role) -> set[Pair]:
    """All permissions of a role, from the one role table."""
    pairs = set(FRAME_OF.get(role, FRAME)) | (OVERSIGHT if role in OVERSEERS else frozenset())
    for entry in registry.entries():
        grant = entry.rights.get(role)
        if grant is not None and grant.verbs:
            key = entry.register.__key__
            pairs |= {(f"can_{verb.value}", key) for verb in grant.verbs}
            pairs |= {("menu_access", key), ("menu_access", chinese(entry.area))}
            pairs |= {("can_read", "imports")} if Verb.IMPORT in grant.verbs else set()
    if role in DISCLOSERS:
        pairs.add(("can_read", "disclosures"))
    if role is Role.AUDIT_ADMIN:
        pairs.add(("can_read", "audit"))
    if any(role in form.keepers for form in documents.forms().values()):
        pairs.add(("can_keep", "printed_forms"))
    return pairs


def sync_permissions() -> None:
    """Make Flask-AppBuilder's tables say what the role table and the views say, no more, no less."""
    session = db.session()
    known = _views_of(current_app.extensions["appbuilder"])
    wanted = {role: permissions_of(role) for role in Role}
    wanted[Role.SECURITY_ADMIN] |= {pair for pair in known if pair[1] in ACCOUNT_VIEWS}
    everything = known.union(*wanted.values())
    roles = _ensure(session, RoleRow, {role.value for role in Role})
    permissions = _ensure(session, Permission, {name for name, _view in everything})
    menus = _ensure(session, ViewMenu, {view for _name, view in everything})
    pairs = _ensure_pairs(session, everything, permissions, menus)
    for role, granted in wanted.items():
        _set_role(session, roles[role.value], {pairs[pair] for pair in granted})
    session.commit()


def _views_of(appbuilder: Any) -> set[Pair]:
    pairs = {(permission, view.class_permission_name) for view in appbuilder.baseviews for permission in view.base_permissions or ()}
    return pairs | {("menu_access", name) for name in appbuilder.menu.get_flat_name_list()}


def _ensure(session: Session, model: Any, names: set[str]) -> dict[str, int]:
    have = _names(session, model)
    new = sorted(names - have.keys())
    if new:
        session.execute(sa.insert(model), [{"name": name} for name in new])
    return _names(session, model) if new else have


def _names(session: Session, model: Any) -> dict[str, int]:
    table = model.__table__
    return dict(session.execute(sa.select(table.c.name, table.c.id)).tuples().all())


def _ensure_pairs(session: Session, pairs: set[Pair], permissions: dict[str, int], menus: dict[str, int]) -> dict[Pair, int]:
    wanted = {pair: (permissions[pair[0]], menus[pair[1]]) for pair in pairs}
    have = _pairs(session)
    new = sorted(set(wanted.values()) - have.keys())
    if new:
        session.execute(sa.insert(PermissionView), [{"permission_id": p, "view_menu_id": v} for p, v in new])
        have = _pairs(session)
    return {pair: have[ids] for pair, ids in wanted.items()}


def _pairs(session: Session) -> dict[tuple[int, int], int]:
    table = PermissionView.__table__
    return {(p, v): row_id for p, v, row_id in session.execute(sa.select(table.c.permission_id, table.c.view_menu_id, table.c.id))}


def _set_role(session: Session, role_id: int, wanted: set[int]) -> None:
    table = assoc_permissionview_role
    have = set(session.scalars(sa.select(table.c.permission_view_id).where(table.c.role_id == role_id)))
    if have - wanted:
        session.execute(sa.delete(table).where(table.c.role_id == role_id, table.c.permission_view_id.in_(have - wanted)))
    if wanted - have:
        session.execute(sa.insert(table), [{"permission_view_id": each, "role_id": role_id} for each in sorted(wanted - have)])


def add_account(username: str, roles: list[Role], org_unit: str = "", regions: str = "", name: str = "", password: str = "", *, chosen: bool = False) -> str:
    """Add an account and return its password; an existing account stays as it is and returns "".

    Its owner must change the password at the first sign-in, unless it is one that the owner has chosen. NotPermitted when the roles
    cannot be one person's.
    """
    session = db.session()
    if session.scalar(sa.select(Account.id).where(Account.username == username)):
        return ""
    password = password or secrets.token_urlsafe(9)
    rows = session.scalars(sa.select(RoleRow).where(RoleRow.name.in_([role.value for role in roles]))).all()
    account = Account(
        username=username,
        first_name=(name or username)[1:] or username,
        last_name=(name or username)[:1],
        email=f"{username}@yingshang.invalid",
        active=True,
        password=passwords.hash_of(password),
        password_changed_at=now() if chosen else None,
        roles=list(rows),
        regions=regions,
        org_unit_id=_org_unit_id(session, org_unit),
    )
    session.add(account)
    session.commit()
    return password


def _org_unit_id(session: Session, name: str) -> int | None:
    if not name:
        return None
    table = registry.need("org_unit").__table__
    found = session.connection().scalar(sa.select(table.c.id).where(table.c.name == name, table.c.voided_at.is_(None)))
    if found is None:
        raise click.ClickException(_("没有名为“%(name)s”的股室", name=name))
    return int(found)


#: username, roles, office, name: one account per role, made for trying the product
DEMO = (
    ("clerk", [Role.CLERK], "基础股", "王经办"),
    ("officer", [Role.OFFICER], "执法队", "李执法"),
    ("section_head", [Role.SECTION_HEAD], "基础股", "张股长"),
    ("legal", [Role.LEGAL], "政策法规股", "赵法制"),
    ("leader", [Role.LEADER], "办公室", "孙局长"),
    ("supervisor", [Role.SUPERVISOR], "", "周监督"),
    ("expert_admin", [Role.EXPERT_ADMIN], "综合股", "吴专管"),
    ("privacy_view", [Role.CLERK, Role.PRIVACY_VIEW], "基础股", "郑敏感"),
    ("sysadmin", [Role.SYSADMIN], "", "冯系统"),
    ("security_admin", [Role.SECURITY_ADMIN], "", "陈安全"),
    ("audit_admin", [Role.AUDIT_ADMIN], "", "褚审计"),
)
#: which sample workbook feeds which register, and the office that keeps it
SAMPLES = (
    ("agency", "中介机构名录.xlsx", "clerk"),
    ("expert", "专家库名单.csv", "expert_admin"),
    ("policy", "涉企政策台账.xlsx", "clerk"),
    ("review", "公平竞争审查台账.xlsx", "clerk"),
)


def _demo() -> None:
    made = [(username, roles, add_account(username, roles, office, name=name)) for username, roles, office, name in DEMO]
    if any(password for *_rest, password in made):
        click.echo(_("演示账号（密码只显示这一次，请记下；第一次登录时要换成自己的密码）："))
        for username, roles, password in made:
            if password:
                labels = "、".join(str(ROLE_LABELS[role]) for role in roles)
                click.echo(f"  {username:<16} {password:<16} {labels}")
    _samples()
    _request()


def _request() -> None:
    """A request that waits for the head of the office, so that granting can be tried at once."""
    from app import disclosure
    from app.accounts import actor_named

    with open_session() as session:
        act_as(session, actor_named("privacy_view"))
        if session.scalar(sa.select(disclosure.Disclosure.id).limit(1)) is None:
            disclosure.ask(session, disclosure.Kind.EXPORT, disclosure.Purpose.HANDLE, "核对全县中介机构的联系人", register="agency")
            session.commit()


def _samples() -> None:
    """Import the sample workbooks with the real importer, as the clerks who would."""
    from app.accounts import actor_named
    from imports.run import run

    folder = config.ROOT / "tests" / "workbooks"
    for key, name, username in SAMPLES:
        register = registry.need(key)
        with open_session() as session:
            act_as(session, actor_named(username))
            path = Path(folder / name)
            _result, report = run(session, register, path.read_bytes(), path.name)
            counts = report["counts"]
            click.echo(
                _("  %(name)s：新增 %(new)s，无变化 %(same)s，有问题 %(wrong)s", name=name, new=counts["new"], same=counts["same"], wrong=counts["wrong"])
            )


def _own() -> None:
    """What stands beside the migrations; on PostgreSQL with an owner, who may do what to all of it."""
    settings = current_app.config
    with owner_engine().begin() as connection:
        reconcile(connection)
        if settings["OWNER_DATABASE_URL"]:
            separate(connection, sa.make_url(settings["DATABASE_URL"]))


@click.command("install")
@click.option("--demo", is_flag=True, help="Accounts for every role and the sample workbooks.")
@with_appcontext
def install(demo: bool) -> None:
    """Migrate; roles, code lists, regions, the search. Running it again changes nothing."""
    upgrade()
    session = db.session()
    act_as(session, SYSTEM)
    _own()
    try:
        encrypt_plain(db.engine, acts.INSTALLATION)
    except Unreadable as error:
        raise click.ClickException(wrong_keys(error)) from None
    added = seed(session)
    session.commit()
    refill(session, [entry.register.__key__ for entry in registry.entries()])
    sync_permissions()
    click.echo(_("数据库已就绪，新增：") + ("、".join(f"{name} {count}" for name, count in added.items() if count) or _("无")))
    for each in duties.overlaps(session):
        click.echo(_("账号“%(name)s”的角色不能由一个人担任：%(why)s", name=each.username, why=str(duties.conflict(duties.names_of(each)))), err=True)
    if demo:
        _demo()


account = AppGroup("account", help="Accounts of the backoffice.")


@account.command("add")
@click.argument("username")
@click.option("--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]), required=True)
@click.option("--org-unit", default="", help="Name of the 股室.")
@click.option("--regions", default="", help="Division codes with 、 between them (supervisors).")
@click.option("--name", default="", help="The person's name.")
def account_add(username: str, roles: tuple[str, ...], org_unit: str, regions: str, name: str) -> None:
    """Add an account and print its password once."""
    act_as(db.session(), SYSTEM)
    try:
        password = add_account(username, [Role(role) for role in roles], org_unit, regions, name)
    except NotPermitted as error:
        raise click.ClickException(str(error)) from None
    if not password:
        raise click.ClickException(_("账号“%(name)s”已经存在", name=username))
    click.echo(f"{username} {password}")


@account.command("password")
@click.argument("username")
def account_password(username: str) -> None:
    """Give an account a new password and print it once; its owner must change it at the next sign-in."""
    session = db.session()
    act_as(session, SYSTEM)
    found = _account_named(session, username)
    password = secrets.token_urlsafe(9)
    passwords.change(session, found, password, by_owner=False)
    session.commit()
    click.echo(f"{username} {password}")


@account.command("unlock")
@click.argument("username")
def account_unlock(username: str) -> None:
    """Let an account sign in again that wrong passwords have locked."""
    session = db.session()
    act_as(session, SYSTEM)
    found = _account_named(session, username)
    locked = [row.id for row in guessing.locks(session) if row.kind == "account" and row.subject == found.username.casefold()]
    for number in locked:
        guessing.unlock(session, number, "system")
    session.commit()
    click.echo(_("账号“%(name)s”已解锁", name=username) if locked else _("账号“%(name)s”没有锁定", name=username))


def _account_named(session: Session, username: str) -> Account:
    found = session.scalar(sa.select(Account).where(Account.username == username))
    if found is None:
        raise click.ClickException(_("没有账号“%(name)s”", name=username))
    return found


def register_install(app: Flask) -> None:
    """Add the commands to the application."""
    app.cli.add_command(install)
    app.cli.add_command(account)
