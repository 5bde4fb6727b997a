"""The import pages: upload, preview, confirm, result, the list of errors as a file, the template.

Nothing is written before the person confirms, and then only if the file, planned again, promises
exactly what the preview showed. Only the person who uploaded a file sees its batch.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from flask import abort, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app import jobs, registry
from app.accounts import actor_named
from app.attachments import clean_name
from app.audit import export_number
from app.clock import local, midnight, now, today
from app.database import db
from app.language import _, chinese
from app.register import Register
from app.roles import Verb
from app.scopes import NotPermitted, act_as, scope_of
from app.search import later
from imports import plan as planning
from imports import template
from imports.batch import BatchState, ImportBatch
from imports.commit import BadRows, commit
from imports.outcome import Mode
from imports.plan import Plan
from imports.refusal import Refused
from views import error_list
from views.downloads import made
from views.editing import Answer
from views.pages import current_session, link_to, render
from views.preview import Preview, reason_of

log = logging.getLogger(__name__)
WAITING = {BatchState.QUEUED, BatchState.RUNNING}
RECENT = 10
#: previews of a day that were never confirmed: each says whether what was typed into a masked field is what stands there (the
#: same file again must change nothing), so that whoever guesses gets no further
MOST_PREVIEWS = 100


class Uploads:
    """The import pages of a register; mixed into its view."""

    cls: type[Register]

    @expose("/import", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def upload(self) -> Answer:
        """Choose a file; reading it leads to the preview."""
        session = current_session()
        planning.permitted(session, self.cls)
        return self._receive(session) if request.method == "POST" else self._form(session)

    def _form(self, session: Session, message: str = "", status: int = 200) -> Answer:
        mine = sa.select(ImportBatch).where(ImportBatch.register == self.cls.__key__, ImportBatch.operator == scope_of(session).actor.username)
        recent = session.scalars(mine.order_by(ImportBatch.id.desc()).limit(RECENT)).all()
        typed = {name: request.form.get(name, "") for name in ("sheet", "mode")}
        fills = scope_of(session).may(self.cls, Verb.EXPORT)
        return render(
            "imports/upload.html", cls=self.cls, fills=fills, recent=recent, message=message, typed=typed, local=local, modes=_modes(), states=batch_states()
        ), status

    def _receive(self, session: Session) -> Answer:
        sent = request.files.get("file")
        mode = request.form.get("mode") or Mode.UPSERT.value
        if sent is None or not sent.filename:
            return self._form(session, _("请先选择要导入的文件（.xlsx、.xls 或 .csv）"), 422)
        if mode not in set(Mode):
            abort(400)
        if _previewed_today(session) >= MOST_PREVIEWS:
            return self._form(session, _("您今天已有 %(most)s 次预览没有导入，请先确认其中要导入的，或明天再上传", most=MOST_PREVIEWS), 429)
        name, data, sheet = clean_name(sent.filename), sent.stream.read(), request.form.get("sheet", "").strip() or None
        try:
            plan = planning.make(session, self.cls, data, name, sheet=sheet, mode=Mode(mode))
        except Refused as error:
            return self._form(session, str(error.message), 422)
        batch = ImportBatch(
            register=self.cls.__key__,
            file_name=name,
            sha256=plan.sha256,
            content=data,
            sheet=sheet,
            mode=mode,
            bad_rows=BadRows.STOP.value,
            state=BatchState.PLANNED.value,
            digest=plan.digest(),
            counts=plan.counts(),
            report=plan.to_json(),
            operator=scope_of(session).actor.username,
        )
        session.add(batch)
        session.commit()
        return redirect(link_to(self.cls, "preview", batch_id=batch.id))

    @expose("/import/<int:batch_id>", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def preview(self, batch_id: int) -> Answer:
        """The preview of a file; once confirmed, what became of it."""
        session = current_session()
        batch = self._mine(session, batch_id)
        if request.method == "POST":
            return self._confirm(session, batch)
        if batch.state != BatchState.PLANNED:
            return render(
                "imports/result.html", cls=self.cls, batch=batch, waiting=batch.state in WAITING, states=batch_states(), local=local, reason_of=reason_of
            )
        return self._preview(session, batch, self._plan(session, batch))

    def _preview(self, session: Session, batch: ImportBatch, plan: Plan, notes: tuple[str, ...] = (), status: int = 200) -> Answer:
        again = plan.digest() != batch.digest
        twin = self._done_before(session, batch)
        page = Preview(session, plan, request.args)
        notes += (_("上传之后有人改动过数据，下面是按现在的数据重新检查的结果。"),) if again and not notes else ()
        notes += (
            (_("同样的文件在 %(when)s 已经导入过一次（批次 %(batch)s）。", when=f"{local(twin.created_at):%Y-%m-%d %H:%M}", batch=twin.id),) if twin else ()
        )
        return render("imports/preview.html", cls=self.cls, batch=batch, plan=plan, page=page, notes=notes, modes=_modes()), status

    def _confirm(self, session: Session, batch: ImportBatch) -> Answer:
        """Queue the import if the file still promises what the person saw."""
        if batch.state != BatchState.PLANNED:
            raise Conflict(_("这个批次已经提交过了"))
        choice = request.form.get("bad_rows", "")
        if choice not in set(BadRows):
            abort(400)
        plan = self._plan(session, batch)
        if plan.digest() != request.form.get("digest"):
            return self._preview(session, batch, plan, (_("预览之后数据有变化，还没有写入任何内容。请看过新的预览再确认。"),), 409)
        if plan.wrong and choice == BadRows.STOP:
            return self._preview(
                session, batch, plan, (_("有 %(count)s 处问题，没有写入任何内容。请改好文件再上传，或选择“只导入没有问题的行”。", count=len(plan.wrong)),), 422
            )
        batch.digest, batch.bad_rows, batch.state = plan.digest(), choice, BatchState.QUEUED.value
        session.commit()
        jobs.put("import", batch.id)
        return redirect(link_to(self.cls, "preview", batch_id=batch.id))

    def _plan(self, session: Session, batch: ImportBatch) -> Plan:
        try:
            return planning.make(session, self.cls, batch.content or b"", batch.file_name, sheet=batch.sheet, mode=Mode(batch.mode))
        except Refused as error:
            raise Conflict(str(error.message)) from None

    def _mine(self, session: Session, batch_id: int) -> ImportBatch:
        planning.permitted(session, self.cls)
        batch = session.get(ImportBatch, batch_id) if 0 < batch_id < 2**31 else None
        if batch is None or batch.register != self.cls.__key__ or batch.operator != scope_of(session).actor.username:
            abort(404)
        return batch

    def _done_before(self, session: Session, batch: ImportBatch) -> ImportBatch | None:
        done = sa.select(ImportBatch).where(
            ImportBatch.register == batch.register,
            ImportBatch.sha256 == batch.sha256,
            ImportBatch.id != batch.id,
            ImportBatch.state.in_([BatchState.DONE.value, BatchState.PARTLY.value]),
        )
        return session.scalar(done.order_by(ImportBatch.id.desc()).limit(1))

    @expose("/import/<int:batch_id>/errors.xlsx", methods=("GET",))
    @has_access
    @permission_name("import")
    def errors(self, batch_id: int) -> Response:
        """What is wrong or doubtful, cell by cell, as a workbook."""
        batch = self._mine(current_session(), batch_id)
        report = batch.report or {}
        name = _("%(name)s 问题清单", name=batch.file_name.rpartition(".")[0] or batch.file_name)
        return made(lambda out: error_list.write(report, out), name, "xlsx")

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


def _modes() -> list[tuple[str, str]]:
    return [(Mode.UPSERT.value, _("新增和更新")), (Mode.INSERT.value, _("只新增")), (Mode.UPDATE.value, _("只更新"))]


def batch_states() -> dict[str, str]:
    """How far an import has come, in words."""
    return {
        "planned": _("待确认"),
        "queued": _("排队中"),
        "running": _("正在写入"),
        "done": _("已完成"),
        "partly": _("部分完成"),
        "stopped": _("已停止"),
        "refused": _("未导入"),
        "failed": _("出错"),
    }


# background ---------------------------------------------------------------------------------------


def unfinished() -> list[tuple[Any, ...]]:
    """The batches that a dead worker left: confirmed, but not written."""
    waiting = sa.select(ImportBatch.id).where(ImportBatch.state.in_([state.value for state in WAITING]))
    return [(batch_id,) for batch_id in db.session.scalars(waiting)]


def commit_batch(batch_id: int) -> None:
    """Write a confirmed batch in the name of the person who confirmed it."""
    session = db.session()
    batch = session.get(ImportBatch, batch_id)
    cls = registry.find(batch.register) if batch is not None else None
    if batch is None or cls is None or batch.state not in WAITING:
        return
    try:
        act_as(session, actor_named(batch.operator))
        plan = planning.make(session, cls, batch.content or b"", batch.file_name, sheet=batch.sheet, mode=Mode(batch.mode))
        if plan.digest() != batch.digest:
            _close(session, batch_id, BatchState.STOPPED, _("确认之后数据有变化，没有写入任何内容，请重新上传检查"))
            return
        if commit(session, plan, None, BadRows(batch.bad_rows), batch).unread:
            jobs.put(later.JOB, cls.__key__)
    except (Refused, NotPermitted) as error:
        _close(session, batch_id, BatchState.REFUSED, str(error.message))
    except LookupError as error:
        _close(session, batch_id, BatchState.REFUSED, str(error.args[0]))
    except Exception:
        log.exception("import batch %s failed", batch_id)
        _close(session, batch_id, BatchState.FAILED, _("写入时出错，没有写入任何内容。请联系系统管理员，并告知批次号 %(batch)s", batch=batch_id))


def _close(session: Session, batch_id: int, state: BatchState, message: str) -> None:
    """Note how a batch ended that wrote nothing."""
    session.rollback()
    change = {"state": state.value, "message": message, "finished_at": now()}
    session.connection().execute(sa.update(ImportBatch.__table__).where(ImportBatch.id == batch_id).values(change))  # type: ignore[arg-type]
    session.commit()


def _previewed_today(session: Session) -> int:
    """How many files this person has had read today and not imported."""
    mine = (ImportBatch.operator == scope_of(session).actor.username, ImportBatch.state == BatchState.PLANNED.value)
    return session.scalar(sa.select(sa.func.count(ImportBatch.id)).where(*mine, ImportBatch.created_at >= midnight(today()))) or 0
