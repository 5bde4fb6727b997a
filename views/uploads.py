"""The first of the import pages: choose a file; the template; the files that a batch gives back.

Nothing is written before the person confirms, and then exactly the plan that the preview showed (`views/import_steps.py`).
Only the person who uploaded a file sees its batch.
"""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from flask import abort, current_app, flash, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app.attachments import clean_name
from app.audit import export_number
from app.clock import local
from app.language import _, chinese
from app.register import Register
from app.roles import Verb
from app.scopes import scope_of
from imports import answer, answering, rounds, stored, template
from imports import plan as planning
from imports.batch import ImportBatch
from imports.commit import BadRows
from imports.outcome import Mode
from imports.refusal import Refused
from views import error_list, import_checks
from views.downloads import held, made
from views.editing import Answer
from views.import_batches import batch_states, mine
from views.import_columns import next_step
from views.pages import current_session, link_to, render

#: files up to so many bytes are checked while the person waits, larger ones by the worker
AT_ONCE = 300_000
RECENT = 10


class Uploads:
    """The import pages of a register; mixed into its view."""

    cls: type[Register]

    @expose("/import", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def upload(self) -> Answer:
        """Choose a file; reading it leads to the step that needs its person."""
        session = current_session()
        planning.permitted(session, self.cls)
        return self._receive(session) if request.method == "POST" else self._form(session)

    def _form(self, session: Session, message: str = "", status: int = 200) -> Answer:
        own = sa.select(ImportBatch).where(ImportBatch.register == self.cls.__key__, ImportBatch.operator == scope_of(session).actor.username)
        recent = session.scalars(own.order_by(ImportBatch.id.desc()).limit(RECENT)).all()
        typed = {name: request.form.get(name, "") for name in ("sheet", "mode")}
        fills = scope_of(session).may(self.cls, Verb.EXPORT)
        return render(
            "imports/upload.html", cls=self.cls, fills=fills, recent=recent, message=message, typed=typed, local=local, modes=modes(), states=batch_states()
        ), status

    def _receive(self, session: Session) -> Answer:
        sent = request.files.get("file")
        mode = request.form.get("mode") or Mode.UPSERT.value
        if sent is None or not sent.filename:
            return self._form(session, _("请先选择要导入的文件（.xlsx、.xls 或 .csv）"), 422)
        if mode not in set(Mode):
            abort(400)
        refusal = import_checks.too_many(session)
        if refusal:
            return self._form(session, refusal, 429)
        name, data, sheet = clean_name(sent.filename), sent.stream.read(), request.form.get("sheet", "").strip() or None
        batch = self._answered(session, data)
        if batch is None:
            facts = {"mode": mode, "bad_rows": BadRows.STOP.value, "operator": scope_of(session).actor.username, "sheet": sheet}
            batch = ImportBatch(register=self.cls.__key__, **facts)
        return self._check(session, batch, {"file_name": name, "sha256": hashlib.sha256(data).hexdigest(), "content": data})

    def _check(self, session: Session, batch: ImportBatch, file: dict[str, Any]) -> Answer:
        decisions, goes_on = stored.notes_of(batch)[0], batch.id is not None
        try:
            import_checks.check(session, self.cls, batch, decisions, file, at_once=AT_ONCE)
        except Refused as error:
            if batch.id is not None or not import_checks.unread(session, batch, file, error):
                session.rollback()
                return self._form(session, str(error.message), 422)
            return redirect(link_to(self.cls, "reading", batch_id=batch.id))
        if goes_on:
            flash(_("这是批次 %(batch)s 取回去改的文件，接着那个批次检查", batch=batch.id), "info")
        return redirect(next_step(session, self.cls, batch))

    def _answered(self, session: Session, data: bytes) -> ImportBatch | None:
        """The batch that this file was given back for, to be mended, while something of it is left to do; the same person's."""
        number = answer.batch_of(answer.mark_of(data), _secret())
        own = (ImportBatch.register == self.cls.__key__, ImportBatch.operator == scope_of(session).actor.username)
        return session.scalar(sa.select(ImportBatch).where(ImportBatch.id == number, ImportBatch.state.in_(rounds.MENDABLE), *own)) if number else None

    @expose("/import/<int:batch_id>/errors.xlsx", methods=("GET",))
    @has_access
    @permission_name("import")
    def errors(self, batch_id: int) -> Response:
        """What is wrong or doubtful, cell by cell, as a workbook."""
        session = current_session()
        batch = mine(session, self.cls, batch_id)
        plan = stored.load(session, batch, self.cls)
        name = _("%(name)s 问题清单", name=batch.file_name.rpartition(".")[0] or batch.file_name)
        return made(lambda out: error_list.write(plan, out), name, "xlsx")

    @expose("/import/<int:batch_id>/answer.xlsx", methods=("GET",))
    @has_access
    @permission_name("import")
    def answer(self, batch_id: int) -> Response:
        """The person's own file with the wrong cells marked; with `only=wrong`, only the rows that are wrong."""
        session = current_session()
        batch = mine(session, self.cls, batch_id)
        data, plan = batch.content, stored.load(session, batch, self.cls)
        if data is None or not plan.tally["issues"]:
            abort(404)
        try:
            made_anew = answering.of_plan(session, plan, data, only_wrong=request.args.get("only") == "wrong", mark=answer.signed(batch.id, _secret()))
        except Refused as error:
            raise Conflict(str(error.message)) from None
        name = _("%(name)s 待改", name=batch.file_name.rpartition(".")[0] or batch.file_name)
        return held(made_anew, name, "xlsx")

    @expose("/template.xlsx", methods=("GET",))
    @has_access
    @permission_name("import")
    def template(self) -> Response:
        """The workbook to fill in; `filled=1`: with the rows that the person keeps, to be looked through and sent back."""
        session, cls = current_session(), self.cls
        planning.permitted(session, cls)
        title = chinese(cls.__title__)
        if request.args.get("filled") != "1":
            return made(lambda out: template.write(session, cls, out), f"{title}模板", "xlsx")
        number = export_number()
        try:
            return made(lambda out: template.write(session, cls, out, True, number), f"{title}填报表", "xlsx", number=number, register=cls.__key__)
        except Refused as error:
            raise Conflict(str(error.message)) from None


def modes() -> list[tuple[str, str]]:
    """What may become of records, in words."""
    return [(Mode.UPSERT.value, _("新增和更新")), (Mode.INSERT.value, _("只新增")), (Mode.UPDATE.value, _("只更新"))]


def _secret() -> bytes:
    """What marks are signed with."""
    key = current_app.secret_key or ""
    return key if isinstance(key, bytes) else key.encode()
