"""The commands of the import: plan, run, undo. Their reports and exit codes are those of `app/cli.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import jobs
from app.cli import FORBIDDEN, UNREADABLE, WRONG, acting_as, in_json, no_database, register_named, say, session_as
from app.database import db
from app.language import _
from app.register import Register
from app.scopes import NotPermitted
from app.search import later
from imports import plan, undo
from imports.commit import BadRows
from imports.decisions import NOTHING, Decisions
from imports.outcome import Mode
from imports.refusal import Refused
from imports.run import run as run_import

_sheet = click.option("--sheet", default=None, help="工作表名")
_decisions = click.option("--decisions", default=None, metavar="FILE.json", help="对列、逐词和更正的设置，见 docs/import.md")
_mode = click.option("--mode", type=click.Choice(["upsert", "insert", "update"]), default="upsert", help="新增并更新、只新增、只更新")


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
            report, status = plan.refused(key, Path(file).name, no_database()), UNREADABLE
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
@acting_as
@in_json
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
@acting_as
@in_json
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
@acting_as
@in_json
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
        report, status = undo.refused(batch, no_database()), UNREADABLE
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
