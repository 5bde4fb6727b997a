"""Files that belong to records: kept under a made-up name, shown under their own."""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path, PurePath

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.archives import UNREADABLE
from app.clock import now
from app.language import Text, _l
from app.register import Base, Record
from app.scopes import scope_of

TYPES = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ofd": "application/ofd",
    "zip": "application/zip",
    "txt": "text/plain",
}
#: what a browser may show by itself; everything else is only ever saved
SHOWABLE = frozenset({"application/pdf", "image/jpeg", "image/png"})
_ZIPPED = {"docx": "word/", "xlsx": "xl/", "ofd": "OFD.xml", "zip": ""}
_STARTS = {
    "pdf": b"%PDF-",
    "jpg": b"\xff\xd8\xff",
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG\r\n\x1a\n",
    "doc": b"\xd0\xcf\x11\xe0",
    "xls": b"\xd0\xcf\x11\xe0",
}


class Attachment(Base):
    """One file of one record. Who may see the record may see its files; nobody else."""

    __tablename__ = "attachment"
    __table_args__ = (sa.Index("ix_attachment_record", "register", "record_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    register: Mapped[str] = mapped_column(sa.String(64))
    record_id: Mapped[int] = mapped_column()
    #: the field that the file is for; empty for files of the record as a whole
    field: Mapped[str] = mapped_column(sa.String(64), default="")
    original_name: Mapped[str] = mapped_column(sa.String(255))
    stored_name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    size: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content_type: Mapped[str] = mapped_column(sa.String(100))
    uploaded_by: Mapped[str] = mapped_column(sa.String(64))
    uploaded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    voided_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    voided_by: Mapped[str | None] = mapped_column(sa.String(64))


class Unfit(ValueError):
    """A file that is not taken; the message says why."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message


def clean_name(raw: str) -> str:
    """The file's own name without its path, Chinese kept, controls and separators dropped."""
    name = PurePath(raw.replace("\\", "/")).name
    name = "".join(char for char in unicodedata.normalize("NFC", name) if unicodedata.category(char)[0] != "C")
    name = re.sub(r'[<>:"|?*]', "_", name).strip(". ")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:200]}{dot}{ending[:10]}" if dot else name[:200]


def wrong_kind() -> Text:
    """Why a file of some other kind is not taken."""
    return _l("不能上传这种文件。可以上传：%(kinds)s", kinds="、".join(kind for kind in TYPES if kind != "jpeg"))


def empty_file(name: str) -> Text:
    """Why an empty file is not taken."""
    return _l("“%(name)s”是空文件", name=name)


def too_large(megabytes: int) -> Text:
    """Why a large file is not taken."""
    return _l("一次最多提交 %(size)s MB。请缩小文件或分几次提交。", size=megabytes)


def kind_of(name: str, data: bytes) -> str:
    """The kind of a file by its ending, which its content must bear out; Unfit otherwise."""
    ending = name.rpartition(".")[2].lower()
    if ending not in TYPES:
        raise Unfit(wrong_kind())
    if not data:
        raise Unfit(empty_file(name))
    if not _bears_out(ending, data):
        raise Unfit(_l("“%(name)s”的内容和扩展名不符，请检查文件是否损坏或改过名", name=name))
    return ending


def _bears_out(ending: str, data: bytes) -> bool:
    if ending in _STARTS:
        return _STARTS[ending] in data[:1024] if ending == "pdf" else data.startswith(_STARTS[ending])
    if ending in _ZIPPED:
        try:
            names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        except UNREADABLE:
            return False
        return any(name.startswith(_ZIPPED[ending]) for name in names)
    return b"\x00" not in data and _is_text(data)


def _is_text(data: bytes) -> bool:
    for encoding in ("utf-8", "gb18030"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def path_of(attachment: Attachment) -> Path:
    """Where the file lies."""
    return Path(current_app.config["FILES_PATH"]) / attachment.stored_name[:2] / attachment.stored_name


def keep(session: Session, record: Record, raw_name: str, data: bytes, field: str = "") -> Attachment:
    """Store a file for a record and flush its row; the caller commits. Unfit says why a file is not taken.

    The file is written only after the database has taken the row: a refused row leaves no file.
    """
    name = clean_name(raw_name)
    attachment = Attachment(
        register=record.__key__,
        record_id=record.id,
        field=field,
        original_name=name,
        stored_name=secrets.token_hex(20),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content_type=TYPES[kind_of(name, data)],
        uploaded_by=scope_of(session).actor.username,
        uploaded_at=now(),
    )
    session.add(attachment)
    session.flush()
    put(path_of(attachment), data)
    return attachment


def put(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all: a full disk leaves no half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
