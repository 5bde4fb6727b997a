"""`flask trace evidence`, `check-evidence`, `looks`: what leaves the house as proof, and who looked at a record."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from app import audit, registry
from app.database import db
from app.history import anchors, evidence, evidence_check, evidence_live, looks, upkeep
from app.history.chain import Head
from app.history.commands import BENT, trace
from app.history.evidence import NothingFound
from app.history.evidence_check import Checked, Fault, Flaw
from app.history.search import Wanted
from app.language import Text, _, _l, listed
from app.register import Register
from app.scopes import SYSTEM, act_as

_WORDS: dict[Flaw, Text] = {
    Flaw.UNREADABLE: _l("打不开 %(name)s：不是压缩包，或已损坏"),
    Flaw.ABSENT: _l("缺少文件 %(name)s"),
    Flaw.EXTRA: _l("多出或重复的文件 %(name)s：不是出具时放进去的"),
    Flaw.FILE: _l("文件 %(name)s 被改动过"),
    Flaw.SIGNATURE: _l("manifest.json 的签名不对：目录、签名或公钥被改动过"),
    Flaw.OTHER_KEY: _l("这份证据不是用您给的公钥签名的：它不是那个系统出具的，或公钥给错了"),
    Flaw.MANIFEST: _l("manifest.json 读不懂：不是本系统出具的证据"),
    Flaw.LINE: _l("links.jsonl 第 %(name)s 行读不懂"),
    Flaw.CHANGED: _l("封存序号 %(position)s 的历史（第 %(entry)s 条）与它的摘要不符：被改动过"),
    Flaw.BROKEN: _l("封存序号 %(position)s 的历史（第 %(entry)s 条）接不上前一条：其中一条被改动过"),
    Flaw.TAKEN_OUT: _l("封存序号 %(position)s 至 %(last)s 的历史被拿掉了"),
    Flaw.PUT_IN: _l("封存序号 %(position)s 的历史（第 %(entry)s 条）是后来加进去的，或换了位置"),
    Flaw.HEAD: _l("封存序号 %(position)s 的历史（第 %(entry)s 条）与目录写明的链头不符"),
    Flaw.ANCHOR: _l("heads.jsonl 第 %(name)s 行的签名不对"),
    Flaw.REWRITTEN: _l("封存序号 %(position)s 的历史（第 %(entry)s 条）与当时签名的锚点不符：历史被改写过"),
    Flaw.LIVE_GONE: _l("封存序号 %(position)s 的历史（第 %(entry)s 条）在数据库里不见了"),
    Flaw.LIVE_OTHER: _l("封存序号 %(position)s 的历史（第 %(entry)s 条）与数据库里的不同"),
}
__all__ = ["trace"]
#: faults that are said one by one; the rest is counted
SAID = 100


def in_words(fault: Fault) -> str:
    """A fault as a sentence."""
    return str(_WORDS[fault.flaw]) % vars(fault)


def register_of(key: str) -> type[Register]:
    """The register of that key."""
    return registry.find(key) or _fail(
        _("没有名为“%(key)s”的登记表，现有：%(known)s", key=key, known="、".join(entry.register.__key__ for entry in registry.entries()))
    )


def _fail(message: str) -> Any:
    raise click.ClickException(message)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise click.ClickException(_("日期要写成 2026-11-28 这样")) from None


@trace.command("evidence", help="导出历史证据：一条记录，或一段日期，成为一个可离线核对的压缩包")
@click.option("--register", "key", default="", help="登记表")
@click.option("--row", type=int, default=None, help="记录编号（连同它的子表）")
@click.option("--from", "first", default="", metavar="DAY", help="从哪一天")
@click.option("--to", "last", default="", metavar="DAY", help="到哪一天（含）")
@click.option("--actor", default="", help="只要这个账号做的")
@click.option("--out", "file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="写到哪个文件")
@with_appcontext
def trace_evidence(key: str, row: int | None, first: str, last: str, actor: str, file: Path) -> None:
    """Write a file of evidence; status 1 when the trace itself does not fit."""
    if not (key and row is not None) and not (first and last):
        _fail(_("请写明 --register 和 --row，或 --from 和 --to"))
    cls = register_of(key) if key else None
    session = db.session()
    act_as(session, SYSTEM)
    wanted = Wanted(relation=cls.__tablename__ if cls is not None else "", row=row, actor=actor, first=_day(first), last=_day(last))
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w+b") as out:
            made = evidence.write(session, evidence.order(session, wanted, _("系统命令")), out)
        part.replace(file)
    except NothingFound:
        _fail(_("没有符合条件的历史，没有写文件"))
    finally:
        part.unlink(missing_ok=True)
    facts = {"register": key, "row": row, "count": made.entries, "bytes": file.stat().st_size}
    audit.note("export", subject=file.name, details={name: value for name, value in facts.items() if value not in ("", None)})
    click.echo(_("写好了 %(file)s：%(count)s 条历史，链头为封存序号 %(position)s", file=str(file), count=made.entries, position=made.head.position))
    if made.withheld:
        click.echo(_("其中 %(count)s 条的原文里有未加密的敏感信息，只附摘要", count=made.withheld))
    if made.broken:
        click.echo(_("注意：其中 %(count)s 条现在就与摘要不符，请运行 flask trace verify 查明", count=len(made.broken)))
        raise SystemExit(BENT)


@trace.command("check-evidence", help="核对历史证据：不需要数据库；在出具它的系统上还与数据库比对")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--public-key", "key", default="", help="公钥（flask trace key 显示的那一行），从证据以外的渠道得到")
@click.option("--anchors", "anchored", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="另存的锚点文件")
@click.option("--json", "as_json", is_flag=True, help="输出一个 JSON 对象")
@with_appcontext
def trace_check_evidence(file: Path, key: str, anchored: Path | None, as_json: bool) -> None:
    """Check a file of evidence; status 1 when anything does not fit."""
    found = evidence_check.check(file, _key(key), _heads(anchored, key))
    if found.manifest:
        _compare(file, found)
    if as_json:
        _say_json(found)
    else:
        _say(found)
    raise SystemExit(0 if found.sound else BENT)


def _key(text: str) -> Any:
    try:
        return anchors.public_key(text) if text else None
    except ValueError:
        raise click.ClickException(_("公钥写得不对：应是 flask trace key 显示的那一行")) from None


def _heads(file: Path | None, key: str) -> list[Head]:
    """Heads that were kept elsewhere."""
    if file is None:
        return []
    heads, wrong = anchors.read(file, _key(key) or upkeep.signer().public_key())
    if wrong:
        _fail(_("锚点文件里有 %(count)s 行的签名不对：请给出与它相配的 --public-key", count=len(wrong)))
    return heads


def _compare(file: Path, found: Checked) -> None:
    """Beside the database, where this is the installation that made the file."""
    if found.manifest.get("key") != anchors.public_text(upkeep.signer().public_key()):
        return
    try:
        with db.engine.connect() as connection:
            evidence_live.compare(connection, file, found)
    except sa.exc.SQLAlchemyError:
        found.compared = None


def _say(found: Checked) -> None:
    facts = found.manifest
    if facts:
        click.echo(f"{facts.get('bureau', '')} · {facts.get('title', '')}")
        click.echo(
            _(
                "共 %(count)s 条历史，出具于 %(at)s，链头为封存序号 %(position)s",
                count=found.entries,
                at=facts.get("at"),
                position=facts["head"].get("position"),
            )
        )
    for fault in found.faults[:SAID]:
        click.echo("  " + in_words(fault))
    declared = found.entries - found.anchored
    click.echo(_("%(anchored)s 条由封存当时签名的锚点证明，%(declared)s 条由出具时的签名声明", anchored=found.anchored, declared=declared))
    if found.withheld:
        click.echo(_("其中 %(count)s 条的原文里有未加密的敏感信息，只附摘要", count=found.withheld))
    if found.compared is None:
        click.echo(_("没有与数据库比对：这里不是出具证据的系统，或数据库连不上"))
    else:
        click.echo(_("与数据库里的历史逐条比对了 %(count)s 条", count=found.compared))
    if found.own_key:
        click.echo(_("注意：用的是证据自带的公钥 %(key)s，请与另外得到的公钥核对，或用 --public-key 给出", key=found.key))
    click.echo(_("没有发现改动") if found.sound else _("发现 %(count)s 处问题", count=len(found.faults)))


def _say_json(found: Checked) -> None:
    facts: dict[str, Any] = {name: getattr(found, name) for name in ("sound", "entries", "anchored", "withheld", "compared", "key")}
    faults = [{**{name: value for name, value in vars(each).items() if value not in (None, "")}, "message": in_words(each)} for each in found.faults]
    click.echo(json.dumps({**facts, "faults": faults}, ensure_ascii=False))


@trace.command("looks", help="谁看过一条记录的完整信息")
@click.argument("key")
@click.argument("row", type=int)
@with_appcontext
def trace_looks(key: str, row: int) -> None:
    """Who looked at a record."""
    cls, session = register_of(key), db.session()
    act_as(session, SYSTEM)
    if not looks.since(session, cls, row):
        _fail(_("历史里没有“%(title)s”的第 %(row)s 条记录", title=cls.__title__, row=row))
    found = looks.of_record(session, cls, row)
    for look in found.lines:
        what = _("整表导出，可能含这条记录") if look.export else listed(look.fields)
        click.echo("  ".join(part for part in (look.when, look.who, look.post, look.address, look.road, what, look.purpose) if part))
    click.echo(_("只列出最近 %(count)s 次", count=looks.MOST) if found.more else _("共 %(count)s 次", count=len(found.lines)))
