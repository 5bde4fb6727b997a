"""Whether this installation can do its work: the database, its migrations, room on the disks, the worker, the backups.

Asked by machines every few seconds, so it says only what somebody must do something about, and
nothing about persons.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app import backup
from app.clock import now
from app.database import db
from app.encryption import data_keys
from app.encryption.envelope import Unreadable, envelope
from app.jobs import QueueAway
from app.language import Text, _l

Problem = tuple[str, Text]
#: a worker shows that it lives three times a minute
SILENT_SECONDS = 180


def problems() -> list[Problem]:
    """What keeps the product from its work: a name for machines, a sentence for people."""
    return [*_database(), *_disks(), *_background()]


def _database() -> Iterator[Problem]:
    wanted = set(ScriptDirectory(str(current_app.extensions["migrate"].directory)).get_heads())
    try:
        with db.engine.connect() as connection:
            found = set(MigrationContext.configure(connection).get_current_heads())
            if found == wanted:
                data_keys.prove(connection, envelope())
    except Unreadable:
        yield "keys", _l("密钥不是这个数据库的：请检查 MASTER_KEY、FORMER_MASTER_KEYS 和 INDEX_KEY")
        return
    except SQLAlchemyError:
        yield "database", _l("数据库连不上")
        return
    if found != wanted:
        yield "migrations", _l("数据库的结构不是这个版本的，请运行 flask install")


def folders() -> dict[str, Path]:
    """The folders that the product writes to, by what they are for."""
    settings = current_app.config
    found = {"files": Path(settings["FILES_PATH"]), "temporary": Path(tempfile.gettempdir())}
    if settings["DATABASE_URL"].startswith("sqlite:///"):
        found["database"] = Path(settings["DATABASE_URL"].removeprefix("sqlite:///")).parent
    return found


def free_megabytes() -> dict[str, float]:
    """The room on the disk of each folder; 0 where there is no such folder."""
    return {name: shutil.disk_usage(path).free / 1024**2 if path.is_dir() else 0.0 for name, path in folders().items()}


def _disks() -> Iterator[Problem]:
    least = current_app.config["DISK_MEGABYTES"]
    for name, free in free_megabytes().items():
        if free < least:
            yield f"disk_{name}", _l("磁盘空间不足：%(folder)s 所在的磁盘只剩 %(free)s MB", folder=str(folders()[name]), free=int(free))


def _background() -> Iterator[Problem]:
    jobs = current_app.extensions["jobs"]
    try:
        jobs.waiting()
    except QueueAway:
        yield "queue", _l("后台任务队列连不上，导入和备份在等它（JOBS_PATH）")
        return
    silent = jobs.seconds_silent()
    if silent is not None and silent > SILENT_SECONDS:
        yield "worker", _l("后台程序没有运行（flask worker），导入和备份在等它")


def numbers() -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """What is so at this moment, for /metrics."""
    batches = _batches()
    yield "yingshang_database_up", "Whether the database answers", {"": float(batches is not None)}
    if batches:
        yield "yingshang_imports", "Imports by state", batches
    yield "yingshang_disk_free_megabytes", "Room on the disk of each folder", free_megabytes()
    jobs = current_app.extensions["jobs"]
    try:
        waiting, silent = jobs.waiting(), jobs.seconds_silent()
    except QueueAway:
        waiting, silent = None, None
    yield "yingshang_queue_up", "Whether the queue of background work answers", {"": float(waiting is not None)}
    if waiting is not None:
        yield "yingshang_jobs_waiting", "Tasks that wait for the worker", {"": float(waiting)}
    if silent is not None:
        yield "yingshang_worker_silent_seconds", "Seconds since a worker showed that it lives", {"": silent}
    last = backup.newest(Path(current_app.config["BACKUP_PATH"]))
    if last is not None:
        yield "yingshang_backup_age_seconds", "Seconds since the newest backup", {"": (now() - last).total_seconds()}


def _batches() -> dict[str, float] | None:
    table = sa.table("import_batch", sa.column("state"))
    try:
        with db.engine.connect() as connection:
            return {state: float(count) for state, count in connection.execute(sa.select(table.c.state, sa.func.count()).group_by(table.c.state))}
    except SQLAlchemyError:
        return None
