"""`flask backup` and `flask restore`."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from app import backup
from app.backup_database import Refused
from app.cli import UNREADABLE, fail
from app.database import db
from app.language import _


@click.command("backup", help="备份：数据库和附件存成一个文件")
@click.argument("folder", required=False)
@with_appcontext
def backup_command(folder: str | None) -> None:
    """Write everything into one file."""
    try:
        made = backup.make(Path(folder or current_app.config["BACKUP_PATH"]))
    except Refused as error:
        fail(error.message, UNREADABLE)
    click.echo(_("备份已存为 %(file)s", file=str(made)))


@click.command("restore", help="从备份恢复；会先核对备份，再一次换完")
@click.argument("file")
@click.option("--replace", is_flag=True, help="替换现有的全部数据")
@click.option("--no-owner", is_flag=True, help="PostgreSQL：全部归当前用户所有，不恢复原来的所有者和授权")
@with_appcontext
def restore_command(file: str, replace: bool, no_owner: bool) -> None:
    """Put a backup in the place of what is there."""
    db.session.remove()
    db.engine.dispose()
    try:
        manifest = backup.restore(Path(file), replace=replace, owner=not no_owner)
    except Refused as error:
        fail(error.message, UNREADABLE)
    except OSError as error:
        fail(_("没有恢复完：%(why)s。请处理后再恢复一次", why=error.strerror or str(error)), UNREADABLE)
    files = len(manifest.parts) - 1
    click.echo(
        _(
            "已恢复 %(when)s 的备份：%(rows)s 行，%(files)s 个附件。请再运行 flask install",
            when=manifest.made_at[:16],
            rows=sum(manifest.rows.values()),
            files=files,
        )
    )
