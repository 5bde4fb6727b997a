"""Files of a record: up, down, void. A file is as visible as its record, and to staff only."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
import unicodedata
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from flask import abort, current_app, flash, redirect, request, send_file
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import Conflict, NotFound
from werkzeug.wrappers import Response

from app.attachments import Attachment
from app.clock import now
from app.language import Text, _, _l
from app.register import Record, Register, field_map, values_of
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from views.pages import current_session, find, link_to

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
_ZIPPED = {"docx": "word/", "xlsx": "xl/", "ofd": "OFD.xml", "zip": ""}
_STARTS = {"pdf": b"%PDF-", "jpg": b"\xff\xd8\xff", "jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "doc": b"\xd0\xcf\x11\xe0", "xls": b"\xd0\xcf\x11\xe0"}


class Unfit(ValueError):
    """A file that is not taken; the message says why."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message


def may_attach(scope: Scope, cls: type[Record], values: Mapping[str, Any]) -> bool:
    """Whether the reader may add files to a record: whoever may change some field of it."""
    return scope.may(cls, Verb.EDIT) and bool(scope.writable(cls, values))


def clean_name(raw: str) -> str:
    """The file's own name without its path, Chinese kept, controls and separators dropped."""
    name = PurePath(raw.replace("\\", "/")).name
    name = "".join(char for char in unicodedata.normalize("NFC", name) if unicodedata.category(char)[0] != "C")
    name = re.sub(r'[<>:"|?*]', "_", name).strip(". ")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:200]}{dot}{ending[:10]}" if dot else name[:200]


def kind_of(name: str, data: bytes) -> str:
    """The kind of a file by its ending, which its content must bear out; Unfit otherwise."""
    ending = name.rpartition(".")[2].lower()
    if ending not in TYPES:
        raise Unfit(_l("不能上传这种文件。可以上传：%(kinds)s", kinds="、".join(kind for kind in TYPES if kind != "jpeg")))
    if not data:
        raise Unfit(_l("“%(name)s”是空文件", name=name))
    if not _bears_out(ending, data):
        raise Unfit(_l("“%(name)s”的内容和扩展名不符，请检查文件是否损坏或改过名", name=name))
    return ending


def _bears_out(ending: str, data: bytes) -> bool:
    if ending in _STARTS:
        return _STARTS[ending] in data[:1024] if ending == "pdf" else data.startswith(_STARTS[ending])
    if ending in _ZIPPED:
        try:
            names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
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


class Attachments:
    """The pages of a register's files; mixed into its view."""

    cls: type[Register]

    @expose("/<int:pk>/files", methods=("POST",))
    @has_access
    @permission_name("edit")
    def upload(self, pk: int) -> Response:
        """Take a file for a record."""
        session = current_session()
        row = self._attachable(pk)
        sent = request.files.get("file")
        back = redirect(link_to(self.cls, "show", pk=pk) + "#files")
        if sent is None or not sent.filename:
            flash(_("请先选择要上传的文件"), "danger")
            return back
        try:
            attachment, data = self._take(row, sent)
        except Unfit as error:
            flash(str(error.message), "danger")
            return back
        session.add(attachment)
        session.flush()
        path = path_of(attachment)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        try:
            session.commit()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        flash(_("已上传“%(name)s”", name=attachment.original_name), "success")
        return back

    def _take(self, row: Any, sent: FileStorage) -> tuple[Attachment, bytes]:
        name = clean_name(sent.filename or "")
        data = sent.stream.read()
        kind = kind_of(name, data)
        wanted = request.form.get("field", "")
        known = {key for key, declared in field_map(self.cls).items() if declared.format.name == "file"}
        if wanted and wanted not in known:
            raise Unfit(_l("没有“%(key)s”这一项", key=wanted[:60]))
        attachment = Attachment(
            register=self.cls.__key__,
            record_id=row.id,
            field=wanted,
            original_name=name,
            stored_name=secrets.token_hex(20),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            content_type=TYPES[kind],
            uploaded_by=scope_of(current_session()).actor.username,
            uploaded_at=now(),
        )
        return attachment, data

    @expose("/<int:pk>/files/<int:file_id>", methods=("GET",))
    @has_access
    @permission_name("read")
    def download(self, pk: int, file_id: int) -> Response:
        """Give a file back under its own name."""
        find(current_session(), self.cls, pk)
        attachment = self._attachment(pk, file_id)
        path = path_of(attachment)
        if not path.is_file():
            raise NotFound(_("文件“%(name)s”在服务器上找不到了，请联系系统管理员", name=attachment.original_name))
        answer = send_file(path, mimetype=attachment.content_type, as_attachment=True, download_name=attachment.original_name, max_age=0)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    @expose("/<int:pk>/files/<int:file_id>/void", methods=("POST",))
    @has_access
    @permission_name("edit")
    def void_file(self, pk: int, file_id: int) -> Response:
        """Take a file off the page; it stays on disk."""
        session = current_session()
        self._attachable(pk)
        attachment = self._attachment(pk, file_id)
        attachment.voided_at, attachment.voided_by = now(), scope_of(session).actor.username
        session.commit()
        flash(_("已作废附件“%(name)s”", name=attachment.original_name), "success")
        return redirect(link_to(self.cls, "show", pk=pk) + "#files")

    def _attachable(self, pk: int) -> Any:
        """The record, if the reader may add files to it."""
        session = current_session()
        row = find(session, self.cls, pk)
        if row.voided_at is not None:
            raise Conflict(_("这条记录已作废，不能再修改"))
        scope, values = scope_of(session), values_of(row)
        if not may_attach(scope, self.cls, values):
            raise NotPermitted(scope.refuses(self.cls, values, values, ()) or _l("您的角色不能修改这条记录"))
        return row

    def _attachment(self, pk: int, file_id: int) -> Attachment:
        session = current_session()
        attachment = session.get(Attachment, file_id) if 0 < file_id < 2**31 else None
        staff = scope_of(session).may(self.cls, Verb.EXPORT)
        if attachment is None or not staff or attachment.voided_at is not None or (attachment.register, attachment.record_id) != (self.cls.__key__, pk):
            abort(404)
        return attachment
