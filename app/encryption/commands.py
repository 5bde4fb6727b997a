"""`flask keys`: what is encrypted by which key; a new master key; what other programs wrote in plain text."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from app.database import db
from app.encryption import data_keys, upkeep
from app.encryption.envelope import Unreadable, envelope
from app.history import acts
from app.history.commands import subject
from app.language import _

WRONG = 1


def wrong_keys(error: Unreadable) -> str:
    """Which setting to look at."""
    return str(_("密钥不是这个数据库的：%(why)s。请检查 MASTER_KEY、FORMER_MASTER_KEYS、INDEX_KEY", why=error))


keys = AppGroup("keys", help="敏感信息的密钥：检查、更换、补加密")


@keys.command("check", help="检查：密钥对不对，有没有明文，有没有读不出来的")
@with_appcontext
def keys_check() -> None:
    """Say what is wrong; status 1 when something is."""
    with db.engine.connect() as connection:
        try:
            data_keys.prove(connection, envelope())
        except Unreadable as error:
            click.echo(wrong_keys(error))
            raise SystemExit(WRONG) from None
        for master, count in upkeep.by_master(connection).items():
            text = (
                _("主密钥 %(name)s（现用）：%(count)s 个数据密钥")
                if master == envelope().master
                else _("主密钥 %(name)s（旧）：%(count)s 个数据密钥，请运行 flask keys rotate")
            )
            click.echo(text % {"name": master, "count": count})
        plain, lost = list(upkeep.plain(connection)), list(upkeep.unreadable(connection))
    for place, row in plain:
        click.echo(_("%(subject)s的 %(column)s 是明文：有人绕开系统写入，请运行 flask keys encrypt", subject=subject(place.table.name, row), column=place.name))
    for place, row in lost:
        click.echo(_("%(subject)s的 %(column)s 读不出来：它的数据密钥不在了", subject=subject(place.table.name, row), column=place.name))
    if not plain and not lost:
        click.echo(_("没有发现明文，也没有读不出来的"))
    raise SystemExit(WRONG if plain or lost else 0)


@keys.command("encrypt", help="把其他程序写入的明文加密")
@with_appcontext
def keys_encrypt() -> None:
    """Encrypt what stands in plain text."""
    click.echo(_("加密了 %(count)s 处明文", count=upkeep.encrypt_plain(db.engine, acts.Errand(road="command", reason=_("补加密")))))


@keys.command("rotate", help="用现在的主密钥重新包裹所有数据密钥（记录和历史都不改动）")
@with_appcontext
def keys_rotate() -> None:
    """Wrap all data keys anew."""
    try:
        click.echo(_("重新包裹了 %(count)s 个数据密钥；现在可以去掉 FORMER_MASTER_KEYS", count=upkeep.rotate(db.engine)))
    except Unreadable as error:
        raise click.ClickException(wrong_keys(error)) from None
