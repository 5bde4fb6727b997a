"""The commands: registers, import, template, export. Other systems rely on their words and exit codes.

0 nothing wrong · 1 some rows are wrong · 2 the file cannot be read or is refused · 3 not permitted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from app import audit, jobs, registry
from app.accounts import actor_named
from app.database import db
from app.fields import Field
from app.language import Text, _, chinese
from app.register import Register, children, fields
from app.scopes import SYSTEM, NotPermitted, act_as, scope_of
from app.search import later
from app.search.keep import refill
from app.search.kept import reconcile
from imports import export, plan, template, undo
from imports.commit import BadRows
from imports.decisions import NOTHING, Decisions
from imports.outcome import Mode
from imports.refusal import Refused
from imports.run import run as run_import

WRONG, UNREADABLE, FORBIDDEN = 1, 2, 3

_as = click.option("--as", "username", default=None, metavar="USER", help="以谁的身份执行；不写则为系统本身")
_json = click.option("--json", "as_json", is_flag=True, help="输出一个 JSON 对象")
_sheet = click.option("--sheet", default=None, help="工作表名")
_decisions = click.option("--decisions", default=None, metavar="FILE.json", help="对列、逐词和更正的设置，见 docs/import.md")
_mode = click.option("--mode", type=click.Choice(["upsert", "insert", "update"]), default="upsert", help="新增并更新、只新增、只更新")


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


def _no_database() -> Text:
    return _("数据库不可用或还没有安装，没有写入任何数据。请检查 DATABASE_URL，并先运行 flask install")


# registers --------------------------------------------------------------------------------------


@click.group("registers", cls=AppGroup, invoke_without_command=True, help="有哪些登记表")
@_json
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
@_json
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


# import -----------------------------------------------------------------------------------------


@click.group("import", cls=AppGroup, help="导入工作簿")
def imports_group() -> None:
    """Bring workbooks in."""


def _reporting(command: Callable[..., tuple[dict[str, Any], int]]) -> Callable[..., None]:
    """Turn refusals into the same report, print it, end with its status."""

    @wraps(command)
    def run(key: str, file: str, as_json: bool, **options: Any) -> None:

        started = time.perf_counter()
        try:
            report, status = command(register_named(key), Path(file), **options)
        except Refused as error:
            report, status = plan.refused(key, Path(file).name, error.message), UNREADABLE
        except NotPermitted as error:
            report, status = plan.refused(key, Path(file).name, error.message), FORBIDDEN
        except (OperationalError, ProgrammingError):
            report, status = plan.refused(key, Path(file).name, _no_database()), UNREADABLE
        report["seconds"] = round(time.perf_counter() - started, 2)
        say(report) if as_json else _print_report(report)
        db.session.remove()
        raise SystemExit(status)

    return run


def _bytes(file: Path) -> bytes:

    try:
        return file.read_bytes()
    except OSError:
        raise Refused("no_file", _("打不开文件“%(file)s”，请检查路径", file=str(file))) from None


def _decided(file: str | None) -> Decisions:
    """The decisions in a file of JSON; raises Refused when it makes no sense."""
    if file is None:
        return NOTHING
    try:
        return Decisions.from_json(json.loads(_bytes(Path(file))))
    except ValueError:
        raise Refused("bad_decisions", _("“%(file)s”不是 JSON 文件，请检查", file=file)) from None


@imports_group.command("plan", help="读表、对列、检查，不写入任何数据")
@click.argument("key")
@click.argument("file")
@_sheet
@_mode
@_decisions
@_as
@_json
@with_appcontext
@_reporting
def import_plan(cls: type[Register], file: Path, *, sheet: str | None, mode: str, decisions: str | None, username: str | None) -> tuple[dict[str, Any], int]:
    """What an import would do."""

    found = plan.make(session_as(username), cls, _bytes(file), file.name, sheet=sheet, mode=Mode(mode), decisions=_decided(decisions))
    return found.to_json(), WRONG if found.wrong else 0


@imports_group.command("run", help="导入")
@click.argument("key")
@click.argument("file")
@_sheet
@_mode
@click.option("--bad-rows", type=click.Choice(["stop", "skip"]), default="stop", help="有问题的行：全部不导入，或跳过它们")
@_decisions
@_as
@_json
@with_appcontext
@_reporting
def import_run(
    cls: type[Register], file: Path, *, sheet: str | None, mode: str, bad_rows: str, decisions: str | None, username: str | None
) -> tuple[dict[str, Any], int]:
    """Import a file: all or nothing, or the good rows only."""

    facts: dict[str, Any] = {"sheet": sheet, "mode": Mode(mode), "bad_rows": BadRows(bad_rows), "decisions": _decided(decisions)}
    result, report = run_import(session_as(username), cls, _bytes(file), file.name, **facts)
    if result.unread:
        jobs.put(later.JOB, cls.__key__)
    return report, 0 if report["status"] == "done" else WRONG


@imports_group.command("undo", help="撤销一次导入：新增的作废，更新的恢复，之后有人改过的保留并列出")
@click.argument("batch", type=int)
@_as
@_json
@with_appcontext
def import_undo(batch: int, username: str | None, as_json: bool) -> None:
    """Take a batch back."""
    started = time.perf_counter()
    try:
        result = undo.undo(session_as(username), batch)
        report, status = result.report, 0 if result.whole else WRONG
        if result.unread:
            jobs.put(later.JOB, report["register"])
    except (Refused, NotPermitted) as error:
        report, status = undo.refused(batch, error.message), UNREADABLE if isinstance(error, Refused) else FORBIDDEN
    except (OperationalError, ProgrammingError):
        report, status = undo.refused(batch, _no_database()), UNREADABLE
    report["seconds"] = round(time.perf_counter() - started, 2)
    say(report) if as_json else _print_undone(report)
    db.session.remove()
    raise SystemExit(status)


def _print_undone(report: dict[str, Any]) -> None:
    click.echo(f"{_STATUS[report['status']]} {report['message']}")
    for each in report["kept"]:
        click.echo(f"  保留 {each['title']}“{each['name']}”：{each['message']}")
    for word in report["words_kept"]:
        click.echo(f"  新词“{word}”留在字典里，由字典管理员处理")


_STATUS = {"planned": "检查完毕", "done": "完成", "partly": "部分完成", "stopped": "已停止", "refused": "已拒绝", "undone": "已撤销"}
_REASONS = {
    "title": "标题", "note": "说明", "section": "分段", "header": "重复的表头", "total": "合计", "blank": "空行", "hidden": "隐藏行", "example": "示例",
    "skipped": "按设置跳过",
    "other_sheet": "其他工作表",
    "other_table": "另一张表格",
}  # fmt: skip


def _print_report(report: dict[str, Any]) -> None:
    counts = report["counts"]
    click.echo(f"{_STATUS.get(report['status'], report['status'])} {report['message']}".strip())
    if report["status"] == "refused":
        return
    click.echo(f"工作表“{report['sheet']}”，表头在第 {report['header_row']} 行，共 {counts['rows']} 行")
    click.echo(
        f"新增 {counts['new']} · 更新 {counts['changed']} · 无变化 {counts['same']} · 有问题 {counts['wrong']} 行 · "
        f"请核对 {counts['doubtful']} 行 · 写入 {counts['written']}"
    )
    for title, issues in (("有问题", report["wrong"]), ("请核对", report["doubtful"])):
        for issue in issues:
            click.echo(f"  {title} 第 {issue['row']} 行“{issue['column']}”：{issue['message']}")
    for each in report["left_out"]:
        place = f"工作表“{each['sheet']}”" if each["reason"] == "other_sheet" else f"第 {each['row']} 行"
        click.echo(f"  未导入 {place}：{_REASONS[each['reason']]}")


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
            fail(_no_database(), UNREADABLE)
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
@_as
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
@_as
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
        fail(_no_database(), UNREADABLE)
    click.echo(_("已整理 %(count)s 条记录", count=count))


def register_commands(app: Flask) -> None:
    """Put the commands on the application."""
    for command in (registers, imports_group, template_command, export_command, search):
        app.cli.add_command(command)
