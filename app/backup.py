"""One file that holds everything: the database as of one moment, the attachments, and a manifest that proves both.

The database comes first: files are written before the row that names them is committed, so every
row of the copy finds its file. A backup is put in place whole or not at all, and restored the same way.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app import backup_database
from app.backup_database import Damaged, Refused
from app.clock import SHANGHAI, local, now
from app.history.upkeep import seal
from app.language import _l

log = logging.getLogger(__name__)

PRODUCT, FORMAT = "yingshang", 1
MANIFEST, DATABASE = "manifest.json", "database"
_NAME = re.compile(r"yingshang-(\d{8}-\d{6})\.tar")
_FILE = re.compile(r"files/[0-9a-f]{2}/[0-9a-f]{40}")
_CHUNK = 1024 * 1024
#: a machine that was off at night makes it up in the morning, not while people work
MAKE_UP = timedelta(hours=6)


@dataclass
class Manifest:
    """What is in a backup, and of what it was taken."""

    made_at: str
    database: str
    migration: str
    rows: dict[str, int]
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    product: str = PRODUCT
    format: int = FORMAT

    def dump(self) -> bytes:
        """The manifest as it stands in the file."""
        return json.dumps(self.__dict__, ensure_ascii=False, indent=1, sort_keys=True).encode()


# making -------------------------------------------------------------------------------------------


def make(folder: Path) -> Path:
    """Write a backup into a folder; its path. Refused says why there is none."""
    private(folder)
    _seal()
    target = folder / f"yingshang-{local(now()):%Y%m%d-%H%M%S}.tar"
    part = folder / f".{target.name}.part"
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as scratch:
            copy = Path(scratch) / DATABASE
            kind, migration, rows = backup_database.copy(_url(), copy)
            manifest = Manifest(now().isoformat(), kind, migration, rows)
            _pack(part, manifest, copy)
        part.replace(target)
    except OSError as error:
        raise Refused(_l("备份没有写成：%(why)s。请检查备份文件夹的权限和磁盘空间", why=error.strerror or str(error))) from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _seal() -> None:
    """Put into the chain what has been committed, so that the copy proves itself. A backup without that is better than none."""
    try:
        seal()
    except (SQLAlchemyError, OSError):
        log.exception("the trace could not be sealed before the backup")


def private(folder: Path) -> None:
    """Make a folder that only we may look into."""
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        return
    folder.chmod(0o700)


def _pack(part: Path, manifest: Manifest, copy: Path) -> None:
    members = {DATABASE: copy} | {f"files/{path.parent.name}/{path.name}": path for path in stored()}
    for name, path in members.items():
        manifest.parts[name] = {"size": path.stat().st_size, "sha256": digest(path)}
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, MANIFEST, io.BytesIO(manifest.dump()), len(manifest.dump()))
            for name, path in members.items():
                with path.open("rb") as content:
                    _add(archive, name, content, manifest.parts[name]["size"])
        out.flush()
        os.fsync(out.fileno())


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, content)


def stored() -> list[Path]:
    """The attachments on the disk; none that is still being written."""
    folder = Path(current_app.config["FILES_PATH"])
    return sorted(path for path in folder.glob("??/*") if _FILE.fullmatch(f"files/{path.parent.name}/{path.name}"))


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _url() -> str:
    return str(current_app.config["BACKUP_DATABASE_URL"] or current_app.config["OWNER_DATABASE_URL"] or current_app.config["DATABASE_URL"])


# restoring ----------------------------------------------------------------------------------------


def verify(file: Path) -> Manifest:
    """The manifest of a backup whose every part is as it was written; Refused or Damaged otherwise."""
    with _opened(file) as archive:
        manifest = _manifest(archive)
        missing = dict(manifest.parts)
        for member in archive:
            if member.name != MANIFEST:
                told = missing.pop(member.name, None)
                content = archive.extractfile(member) if member.isfile() else None
                if told is None or content is None or hashlib.file_digest(content, "sha256").hexdigest() != told["sha256"]:  # type: ignore[arg-type]
                    raise Damaged(_l("备份文件已损坏（%(part)s 与清单不符），没有恢复任何内容。请换一份备份", part=member.name[:80]))
        if missing:
            raise Damaged(_l("备份文件不完整（缺少 %(part)s），没有恢复任何内容。请换一份备份", part=min(missing)))
    return manifest


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:") as archive:
            yield archive
    except (tarfile.ReadError, EOFError) as error:
        empty = file.stat().st_size < 512 or not tarfile.is_tarfile(file)
        foreign = _l("“%(file)s”不是本系统的备份文件", file=file.name)
        raise Refused(foreign) if empty else Damaged(_l("备份文件不完整，没有恢复任何内容。请换一份备份")) from error
    except OSError as error:
        raise Refused(_l("打不开文件“%(file)s”，请检查路径", file=str(file))) from error


def _manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    content = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
    try:
        told = json.loads(content.read()) if content else {}
        manifest = Manifest(**told)
    except (ValueError, TypeError):
        raise Refused(_l("“%(file)s”不是本系统的备份文件", file=Path(str(archive.name)).name)) from None
    if manifest.product != PRODUCT or not all(name == DATABASE or _FILE.fullmatch(name) for name in manifest.parts) or DATABASE not in manifest.parts:
        raise Refused(_l("“%(file)s”不是本系统的备份文件", file=Path(str(archive.name)).name))
    if manifest.format > FORMAT or manifest.migration not in known_migrations():
        raise Refused(_l("这份备份来自更新的版本，请先升级程序再恢复"))
    return manifest


def known_migrations() -> set[str]:
    """The states of the database that this program knows; "" for one that was never migrated."""
    script = ScriptDirectory(str(current_app.extensions["migrate"].directory))
    return {revision.revision for revision in script.walk_revisions()} | {""}


def restore(file: Path, *, replace: bool = False, owner: bool = True) -> Manifest:
    """Put a backup in the place of what is there; with `replace` even where something is.

    Files first: their names are made up and their content never changes, so added ones disturb
    nobody. Then the database, in one transaction; then what the backup does not have goes.
    """
    manifest = verify(file)
    kind = "sqlite" if _url().startswith("sqlite") else "postgresql"
    if manifest.database != kind:
        raise Refused(_l("备份来自 %(theirs)s，这里用的是 %(ours)s，不能恢复", theirs=manifest.database, ours=kind))
    if not replace and (backup_database.occupied(_url()) or stored()):
        raise Refused(_l("这里已经有数据，没有恢复任何内容。确定要用备份替换现有的全部数据时，请加上 --replace"))
    folder = Path(current_app.config["FILES_PATH"])
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".restoring-*"):  # by one that was killed: a whole database in clear
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".restoring-") as scratch, _opened(file) as archive:
        for member in archive:
            if member.name in manifest.parts:
                _extract(archive, member, Path(scratch) / DATABASE if member.name == DATABASE else folder / member.name.removeprefix("files/"))
        backup_database.put_back(_url(), Path(scratch) / DATABASE, owner=owner)
    kept = {name.removeprefix("files/") for name in manifest.parts}
    for path in stored():
        if f"{path.parent.name}/{path.name}" not in kept:
            path.unlink()
    found = backup_database.counted(_url())
    wrong = [name for name, count in manifest.rows.items() if found.get(name) != count]
    if wrong:
        raise Damaged(_l("恢复之后“%(table)s”的行数与清单不符，请换一份备份再恢复", table=wrong[0]))
    return manifest


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = archive.extractfile(member)
    if content is None:
        raise Damaged(_l("备份文件不完整，没有恢复任何内容。请换一份备份"))
    target.parent.mkdir(exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as out:
        shutil.copyfileobj(content, out, _CHUNK)
    part.replace(target)


# every night --------------------------------------------------------------------------------------


def made_at(path: Path) -> datetime | None:
    """When a backup was made, by its name; None for any other file."""
    match = _NAME.fullmatch(path.name)
    return datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=SHANGHAI) if match else None


def newest(folder: Path) -> datetime | None:
    """When the newest backup of a folder was made."""
    return max((moment for path in folder.glob("yingshang-*.tar") if (moment := made_at(path))), default=None)


def rotate(folder: Path, days: int, moment: datetime) -> list[Path]:
    """Take away backups older than so many days, and what a killed one left; never the newest backup."""
    last = newest(folder)
    old = [path for path in folder.glob("yingshang-*.tar") if (made := made_at(path)) and made != last and moment - made > timedelta(days=days)]
    left = [path for pattern in (".making-*", ".*.part", ".claim-*") for path in folder.glob(pattern) if moment.timestamp() - path.stat().st_mtime > 172_800]
    for path in old + left:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return old


def due(at: str, moment: datetime) -> str:
    """The night whose backup should be made at this moment; "" when none should."""
    if at == "no":
        return ""
    here = local(moment)
    slot = here.replace(hour=int(at[:2]), minute=int(at[3:]), second=0, microsecond=0)
    slot = slot if slot <= here else slot - timedelta(days=1)
    return f"{slot:%Y%m%d}" if here - slot < MAKE_UP else ""


def claim(folder: Path, night: str) -> bool:
    """Whether this worker is the one that makes a night's backup: the first that asks."""
    private(folder)
    try:
        os.close(os.open(_claimed(folder, night), os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True


def _claimed(folder: Path, night: str) -> Path:
    return folder / f".claim-{night}"


def nightly() -> list[tuple[Any, ...]]:
    """What the worker asks all the time: the night whose backup nobody has begun. It is claimed as it begins: a queue may lose the task before."""
    night = due(current_app.config["BACKUP_AT"], now())
    return [(night,)] if night and not _claimed(Path(current_app.config["BACKUP_PATH"]), night).exists() else []


def make_nightly(night: str) -> None:
    """Make a backup, unless another worker does, and take the old ones away."""
    folder = Path(current_app.config["BACKUP_PATH"])
    if not claim(folder, night):
        return
    make(folder)
    rotate(folder, current_app.config["BACKUP_KEEP"], now())
