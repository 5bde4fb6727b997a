"""The commands: registers, import, template, export. Other systems rely on their words and exit codes.

0 nothing wrong · 1 some rows are wrong · 2 the file cannot be read or is refused · 3 not permitted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from app import audit, registry
from app.accounts import actor_named
from app.database import db
from app.fields import Field
from app.language import Text, _, chinese
from app.register import Register, children, fields
from app.scopes import SYSTEM, NotPermitted, act_as, scope_of
from app.search.keep import refill
from app.search.kept import reconcile
from imports import export, template
from imports.refusal import Refused

WRONG, UNREADABLE, FORBIDDEN = 1, 2, 3

acting_as = click.option("--as", "username", default=None, metavar="USER", help="以谁的身份执行；不写则为系统本身")
in_json = click.option("--json", "as_json", is_flag=True, help="输出一个 JSON 对象")


def say(value: Any) -> None:
    """One JSON object on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))


def fail(message: Text, status: int) -> NoReturn:
    """A sentence for the person on standard error, and the exit status."""
    click.echo(str(message), err=True)
    raise SystemExit(status)


def register_named(key: str) -> type[Register]:
    """The register of that key; raises Refused when there is none."""
    cls = registry.find(key)
    if cls is None:
        known = "、".join(entry.register.__key__ for entry in registry.entries())
        raise Refused("unknown_register", _("没有名为“%(key)s”的登记表，现有：%(known)s", key=key, known=known))
    return cls


def session_as(username: str | None) -> Session:
    """The session of this command, acting for a person or for the system itself; raises NotPermitted."""
    session: Session = db.session()
    try:
        actor = actor_named(username) if username else SYSTEM
    except LookupError as error:
        raise NotPermitted(str(error.args[0])) from None
    act_as(session, actor)
    return session


def no_database() -> Text:
    """What to say where there is no database, or nothing in it."""
    return _("数据库不可用或还没有安装，没有写入任何数据。请检查 DATABASE_URL，并先运行 flask install")


# registers --------------------------------------------------------------------------------------


@click.group("registers", cls=AppGroup, invoke_without_command=True, help="有哪些登记表")
@in_json
@click.pass_context
def registers(context: click.Context, as_json: bool) -> None:
    """Every register: key, title, number of fields."""
    if context.invoked_subcommand is None:
        found = [{"key": entry.register.__key__, "title": str(entry.register.__title__), "fields": len(fields(entry.register))} for entry in registry.entries()]
        if as_json:
            say(found)
        for each in [] if as_json else found:
            click.echo(f"{each['key']:<16}{each['title']}（{each['fields']} 项）")


@registers.command("show", help="一张登记表的各项")
@click.argument("key")
@in_json
@with_appcontext
def registers_show(key: str, as_json: bool) -> None:
    """The fields of a register, with the children that a sheet feeds."""
    try:
        cls = register_named(key)
    except Refused as error:
        fail(error.message, UNREADABLE)
    described = _described(cls)
    if as_json:
        say({"key": key, "title": str(cls.__title__), "fields": described})
        return
    click.echo(f"{key} {cls.__title__}")
    _print_fields(described)


def _described(cls: type[Register]) -> list[dict[str, Any]]:
    own = [_field(declared) for declared in fields(cls)]
    nested = [
        {"key": child.__key__, "label": chinese(child.__title__), "fields": [_field(declared) for declared in fields(child)]}
        for child in children(cls)
        if child.__sheet__
    ]
    return own + nested


def _field(declared: Field) -> dict[str, Any]:
    return {
        "key": declared.key, "label": chinese(declared.label), "format": declared.format.name, "required": declared.required,
        "unique": declared.unique, "sensitive": declared.sensitive, "aliases": list(declared.aliases), "places": declared.places,
    }  # fmt: skip


def _print_fields(found: list[dict[str, Any]], indent: str = "  ") -> None:
    for each in found:
        if "fields" in each:
            click.echo(f"{indent}{each['key']} {each['label']}：")
            _print_fields(each["fields"], indent + "  ")
        else:
            marks = [word for flag, word in (("required", "必填"), ("unique", "唯一"), ("sensitive", "敏感")) if each[flag]]
            click.echo(f"{indent}{each['key']:<22}{each['label']} [{each['format']}] {' '.join(marks)}")


# template, export -------------------------------------------------------------------------------


def _writing(command: Callable[..., None]) -> Callable[..., None]:
    """Write a file beside its name and put it there when it is whole; refusals end with their status."""

    @wraps(command)
    def run(key: str, file: str, **options: Any) -> None:

        target = Path(file)
        part = target.with_name(f".{target.name}.part")
        try:
            command(register_named(key), target, part, **options)
            part.replace(target)
        except NotPermitted as error:
            fail(error.message, FORBIDDEN)
        except Refused as error:
            fail(error.message, UNREADABLE)
        except (OperationalError, ProgrammingError):
            fail(no_database(), UNREADABLE)
        except OSError:
            fail(_("文件“%(file)s”无法写入，请检查文件夹和权限", file=file), UNREADABLE)
        finally:
            part.unlink(missing_ok=True)
            db.session.remove()

    return run


@click.command("template", help="下载模板")
@click.argument("key")
@click.argument("file")
@click.option("--filled", is_flag=True, help="带上现有数据")
@acting_as
@with_appcontext
@_writing
def template_command(cls: type[Register], target: Path, part: Path, filled: bool, username: str | None) -> None:
    """Write the template of a register."""

    if target.suffix.lower() != ".xlsx":
        raise Refused("bad_kind", _("模板只能存为 .xlsx 文件"))
    session = session_as(username)
    number = audit.export_number() if filled else ""
    with part.open("wb") as out:
        count = template.write(session, cls, out, filled, number)
    if filled:
        facts = {"number": number, "register": cls.__key__, "count": count, "clear": scope_of(session).actor.system}
        audit.note("export", subject=target.name, details=facts)
    click.echo(_("模板已存为 %(file)s", file=str(target)))


@click.command("export", help="导出为 .xlsx、.csv 或 .json")
@click.argument("key")
@click.argument("file")
@click.option("--where", multiple=True, metavar="FIELD=VALUE", help="只导出符合条件的")
@acting_as
@with_appcontext
@_writing
def export_command(cls: type[Register], target: Path, part: Path, where: tuple[str, ...], username: str | None) -> None:
    """Write a register as a file."""

    kind = target.suffix.lower().lstrip(".")
    if kind not in export.KINDS:
        raise Refused("bad_kind", _("只能导出为 .xlsx、.csv 或 .json 文件"))
    session = session_as(username)
    export.permitted(session, cls)
    tests = export.conditions(session, cls, where)
    number = audit.export_number()
    with part.open("wb") as out:
        count = export.write(session, cls, out, kind, tests, export.Stamp(number))
    facts = {"number": number, "register": cls.__key__, "count": count, "filters": sorted(each.partition("=")[0] for each in where)}
    audit.note("export", subject=target.name, details=facts | {"clear": scope_of(session).actor.system})
    click.echo(_("导出 %(count)s 行到 %(file)s（导出编号 %(number)s）", count=count, file=str(target), number=number))


# search -----------------------------------------------------------------------------------------


@click.group("search", cls=AppGroup, help="查找用的索引")
def search() -> None:
    """What the search looks into."""


@search.command("reindex", help="重新整理查找用的内容：别的程序直接写过数据库以后用")
@click.argument("key", required=False)
@with_appcontext
def search_reindex(key: str | None) -> None:
    """Read one register, or all, again for the search: other programs may have written them."""
    try:
        keys = [register_named(key).__key__] if key else [entry.register.__key__ for entry in registry.entries()]
        session = session_as(None)
        reconcile(session.connection())
        count = refill(session, keys, everything=True)
    except Refused as error:
        fail(error.message, UNREADABLE)
    except (OperationalError, ProgrammingError):
        fail(no_database(), UNREADABLE)
    click.echo(_("已整理 %(count)s 条记录", count=count))


def register_commands(app: Flask) -> None:
    """Put the commands on the application."""
    for command in (registers, template_command, export_command, search):
        app.cli.add_command(command)
