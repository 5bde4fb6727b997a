"""`flask trace`: seal, verify, report. The worker seals by itself; `verify` is for whoever wants to know."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext

from app import registry
from app.clock import today
from app.database import db
from app.database_roles import bendable
from app.history import anchors, upkeep
from app.history.chain import Fault, Finding
from app.language import Text, _, _l

BENT = 1

_WORDS: dict[Fault, Text] = {
    Fault.CHANGED: _l("第 %(entry)s 条历史被改动过（%(subject)s）"),
    Fault.MISSING: _l("封存序号 %(position)s 的历史不见了（第 %(entry)s 条）"),
    Fault.CUT_OFF: _l("封存序号 %(position)s 以前的最后 %(detail)s 条历史被截掉了"),
    Fault.REWRITTEN: _l("封存序号 %(position)s 以前的历史被整体改写过：与库外锚点不符（第 %(entry)s 条）"),
    Fault.ANCHOR: _l("锚点文件第 %(detail)s 行的签名不对：文件被改动过，或不是本系统的"),
    Fault.UNSEALED: _l("第 %(entry)s 条历史一分钟以上没有封存：请检查后台任务（flask worker）是否在运行"),
    Fault.TRIGGER: _l("表 %(relation)s 的历史记录被关闭或改动（%(detail)s）：请用 flask install 恢复，并查明原因"),
    Fault.PLAIN: _l("%(subject)s的 %(detail)s 是明文：有人绕开系统写入，请运行 flask keys encrypt"),
    Fault.UNREADABLE: _l("%(subject)s的 %(detail)s 读不出来：它的数据密钥不在了"),
    Fault.UNTRACED: _l("%(subject)s的内容与它的历史不符：有人绕开系统改过"),
}


def in_words(finding: Finding) -> str:
    """A finding as a sentence."""
    facts = {"entry": finding.entry or "?", "position": finding.position, "relation": finding.relation, "detail": finding.detail}
    return str(_WORDS[finding.fault]) % {**facts, "subject": subject(finding.relation, finding.row)}


def subject(relation: str, row: int | None) -> str:
    """What people call a row of a traced table."""
    title = next((str(cls.__title__) for cls in registry.tables() if cls.__tablename__ == relation), relation or _("系统"))
    return f"{title} #{row}" if row is not None else title


trace = AppGroup("trace", help="历史记录：封存、核验、日报")


@trace.command("seal", help="封存新的历史，并在库外留下锚点（后台任务每 20 秒自动做一次）")
@with_appcontext
def trace_seal() -> None:
    """Seal now."""
    click.echo(_("封存了 %(count)s 条历史", count=upkeep.seal()))


@trace.command("verify", help="核验历史：有没有被改动、删除、截断或绕开")
@click.option("--anchors", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="另存的锚点文件")
@click.option("--key", default="", help="公钥（flask trace key 显示的那一行）")
@click.option("--json", "as_json", is_flag=True, help="输出一个 JSON 对象")
@with_appcontext
def trace_verify(file: Path | None, key: str, as_json: bool) -> None:
    """Verify the chain, the anchors, the triggers and the rows."""
    own = file is None and not key
    found = upkeep.verify("command") if own else upkeep.verdict(file, anchors.public_key(key) if key else None)
    with db.engine.connect() as connection:
        open_to_us = bendable(connection)
    if as_json:
        facts = {"sound": found.sound, "entries": found.entries, "sealed": found.sealed, "unsealed": found.unsealed, "bendable": open_to_us}
        click.echo(json.dumps({**facts, "findings": [_as_json(each) for each in found.findings]}, ensure_ascii=False))
    else:
        click.echo(_("共 %(entries)s 条历史，已封存 %(sealed)s 条，待封存 %(open)s 条", entries=found.entries, sealed=found.sealed, open=found.unsealed))
        for each in found.findings:
            click.echo("  " + in_words(each))
        click.echo(_("没有发现改动") if found.sound else _("发现 %(count)s 处问题", count=len(found.findings)))
        if open_to_us:
            click.echo(_("注意：现在连接数据库的账号有能力改动历史，只能事后发现，不能事先阻止"))
    raise SystemExit(0 if found.sound else BENT)


def _as_json(finding: Finding) -> dict[str, Any]:
    return {**{key: value for key, value in vars(finding).items() if value not in (None, "")}, "fault": str(finding.fault), "message": in_words(finding)}


@trace.command("key", help="显示核验锚点用的公钥")
@with_appcontext
def trace_key() -> None:
    """Show the public key."""
    click.echo(anchors.public_text(upkeep.signer().public_key()))


@trace.command("report", help="某一天的历史日报，带签名（默认今天）")
@click.argument("day", required=False)
@with_appcontext
def trace_report(day: str | None) -> None:
    """Print the report of a day."""
    try:
        text = upkeep.report(date.fromisoformat(day) if day else today())
    except ValueError:
        raise click.ClickException(_("日期要写成 2026-11-28 这样")) from None
    click.echo(text)
