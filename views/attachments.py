"""Files of a record: up, down, void. A file is as visible as its record, and to staff only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, jsonify, make_response, redirect, request, send_file
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from werkzeug.exceptions import Conflict, NotFound
from werkzeug.wrappers import Response

from app.attachments import SHOWABLE, Attachment, Unfit, keep, path_of
from app.clock import now
from app.language import _, _l
from app.register import Record, Register, field_map, values_of
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from views.in_place import asked_for_json
from views.pages import current_session, find, link_to

#: a file is shown as what it is, by pages of ours alone, and may do nothing; the browsers' PDF viewers do not open in a sandbox
PICTURE = "default-src 'none'; img-src 'self'; sandbox; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
DOCUMENT = "default-src 'none'; style-src 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"


def may_attach(scope: Scope, cls: type[Record], values: Mapping[str, Any]) -> bool:
    """Whether the reader may add files to a record: whoever may change some field of it."""
    return scope.may(cls, Verb.EDIT) and bool(scope.writable(cls, values))


class Attachments:
    """The pages of a register's files; mixed into its view."""

    cls: type[Register]

    @expose("/<int:pk>/files", methods=("POST",))
    @has_access
    @permission_name("edit")
    def file_add(self, pk: int) -> Response:
        """Take a file for a record."""
        session = current_session()
        row = self._attachable(pk)
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            return self._told(pk, _("请先选择要上传的文件"), 422)
        try:
            attachment = keep(session, row, sent.filename, sent.stream.read(), self._purpose())
        except Unfit as error:
            return self._told(pk, str(error.message), 422)
        try:
            session.commit()
        except BaseException:
            path_of(attachment).unlink(missing_ok=True)
            raise
        return self._told(pk, _("已上传“%(name)s”", name=attachment.original_name), 201)

    def _told(self, pk: int, sentence: str, status: int) -> Response:
        """The sentence, for the script that sent the file or else on the record's page."""
        if asked_for_json():
            return make_response(jsonify(message=sentence), status)
        flash(sentence, "success" if status < 400 else "danger")
        return redirect(link_to(self.cls, "show", pk=pk) + "#files")

    def _purpose(self) -> str:
        """The field that the file is for; empty for a file of the record as a whole."""
        wanted = request.form.get("field", "")
        known = {key for key, declared in field_map(self.cls).items() if declared.format.name == "file"}
        if wanted and wanted not in known:
            raise Unfit(_l("没有“%(key)s”这一项", key=wanted[:60]))
        return wanted

    @expose("/<int:pk>/files/<int:file_id>", methods=("GET",))
    @has_access
    @permission_name("read")
    def file(self, pk: int, file_id: int) -> Response:
        """Give a file back under its own name; `?inline=1` lets the browser show a picture or a PDF."""
        find(current_session(), self.cls, pk)
        attachment = self._attachment(pk, file_id)
        path = path_of(attachment)
        if not path.is_file():
            raise NotFound(_("文件“%(name)s”在服务器上找不到了，请联系系统管理员", name=attachment.original_name))
        inline = "inline" in request.args and attachment.content_type in SHOWABLE
        answer = send_file(path, mimetype=attachment.content_type, as_attachment=not inline, download_name=attachment.original_name, max_age=0)
        answer.headers["Content-Security-Policy"] = PICTURE if attachment.content_type != "application/pdf" else DOCUMENT
        return answer

    @expose("/<int:pk>/files/<int:file_id>/void", methods=("POST",))
    @has_access
    @permission_name("edit")
    def file_void(self, pk: int, file_id: int) -> Response:
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
