"""The import pages: upload, preview, confirm, result, the list of errors as a file, the template.

Nothing is written before the person confirms, and then exactly the plan that the preview showed.
Only the person who uploaded a file sees its batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import abort, current_app, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app import jobs
from app.attachments import clean_name
from app.audit import export_number
from app.clock import local, midnight, now, today
from app.language import _, chinese
from app.register import Register
from app.roles import Verb
from app.scopes import scope_of
from imports import answer, answering, remembered, stored, template
from imports import plan as planning
from imports.batch import BatchState, ImportBatch
from imports.commit import BadRows
from imports.decisions import Decisions
from imports.outcome import Mode
from imports.refusal import Refused
from views import error_list, import_jobs
from views.downloads import held, made
from views.editing import Answer
from views.pages import current_session, link_to, render
from views.preview import Preview, reason_of

WAITING = {BatchState.CHECKING, BatchState.QUEUED, BatchState.RUNNING}
#: files up to so many bytes are checked while the person waits, larger ones by the worker
AT_ONCE = 300_000
RECENT = 10
#: previews of a day that were never confirmed: each says whether what was typed into a masked field is what stands there (the
#: same file again must change nothing), so that whoever guesses gets no further
MOST_PREVIEWS = 100


@dataclass(frozen=True)
class Progress:
    """How far an import is: rows done, of how many, and how long it will still take."""

    done: int
    total: int
    seconds_left: int | None

    @classmethod
    def of(cls, batch_id: int) -> Progress | None:
        """What the worker last said; None while it has not begun."""
        word = jobs.said(import_jobs.name_of(batch_id))
        if word is None:
            return None
        passed = (now() - datetime.fromisoformat(word["since"])).total_seconds()
        left = round(passed * (word["total"] - word["done"]) / word["done"]) if word["done"] else None
        return cls(word["done"], word["total"], left)

    @property
    def percent(self) -> int:
        """For the bar."""
        return 100 * self.done // max(1, self.total)


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
        batch = self._answered(session, data) or ImportBatch(register=self.cls.__key__, bad_rows=BadRows.STOP.value, operator=scope_of(session).actor.username)
        facts: dict[str, Any] = {"file_name": name, "sha256": hashlib.sha256(data).hexdigest(), "content": data, "sheet": sheet or batch.sheet, "mode": mode}
        facts |= {"state": BatchState.CHECKING.value, "message": None, "touched_at": now()}
        if len(data) > AT_ONCE:
            self._put(session, batch, facts)
            session.commit()
            jobs.put(import_jobs.CHECK, batch.id)
            return redirect(link_to(self.cls, "preview", batch_id=batch.id))
        decisions = Decisions.from_json((batch.outline or {}).get("decisions", {}))
        try:
            plan = planning.make(session, self.cls, data, name, sheet=facts["sheet"], mode=Mode(mode), decisions=decisions)
        except Refused as error:
            return self._form(session, str(error.message), 422)
        self._put(session, batch, facts)
        import_jobs.ready(session, batch, plan)
        return redirect(link_to(self.cls, "preview", batch_id=batch.id))

    @staticmethod
    def _put(session: Session, batch: ImportBatch, facts: dict[str, Any]) -> None:
        for key, value in facts.items():
            setattr(batch, key, value)
        session.add(batch)

    def _answered(self, session: Session, data: bytes) -> ImportBatch | None:
        """The batch that this file was given back for, to be mended; only while nothing of it is written and by the same person."""
        number = answer.batch_of(answer.mark_of(data), _secret())
        mine = (ImportBatch.register == self.cls.__key__, ImportBatch.operator == scope_of(session).actor.username)
        return session.scalar(sa.select(ImportBatch).where(ImportBatch.id == number, ImportBatch.state == BatchState.PLANNED.value, *mine)) if number else None

    @expose("/import/<int:batch_id>", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def preview(self, batch_id: int) -> Answer:
        """The preview of a file; once confirmed, what became of it."""
        session = current_session()
        batch = self._mine(session, batch_id)
        if request.method == "POST":
            return self._decide(session, batch)
        if batch.state == BatchState.PLANNED:
            return self._preview(session, batch)
        progress = Progress.of(batch.id) if batch.state in {BatchState.RUNNING, BatchState.QUEUED} else None
        plan = stored.load(session, batch, self.cls) if batch.state not in WAITING else None
        return render(
            "imports/result.html",
            cls=self.cls, batch=batch, plan=plan, waiting=batch.state in WAITING, progress=progress, states=batch_states(), local=local, reason_of=reason_of,
        )  # fmt: skip

    def _preview(self, session: Session, batch: ImportBatch, notes: tuple[str, ...] = (), status: int = 200) -> Answer:
        plan = stored.load(session, batch, self.cls)
        twin = self._done_before(session, batch)
        page = Preview(session, plan, request.args)
        notes += (batch.message,) if batch.message else ()
        notes += (
            (_("同样的文件在 %(when)s 已经导入过一次（批次 %(batch)s）。", when=f"{local(twin.created_at):%Y-%m-%d %H:%M}", batch=twin.id),) if twin else ()
        )
        return render("imports/preview.html", cls=self.cls, batch=batch, plan=plan, page=page, notes=notes, modes=_modes(), local=local), status

    def _decide(self, session: Session, batch: ImportBatch) -> Answer:
        """What the person wants with a batch: import it, have it checked again, or stop."""
        wish = request.form.get("wish", "confirm")
        if wish == "stop":
            return self._stop(session, batch)
        if batch.state != BatchState.PLANNED:
            raise Conflict(_("这个批次已经提交过了"))
        return self._again(session, batch) if wish == "again" else self._confirm(session, batch)

    def _again(self, session: Session, batch: ImportBatch) -> Answer:
        """Check the file against what is registered by now."""
        batch.state, batch.message, batch.touched_at = BatchState.CHECKING.value, None, now()
        session.commit()
        jobs.put(import_jobs.CHECK, batch.id)
        return redirect(link_to(self.cls, "preview", batch_id=batch.id))

    def _stop(self, session: Session, batch: ImportBatch) -> Answer:
        """An import that waits goes back to its preview; one that runs is told, and stops before its next part with nothing written."""
        back = sa.update(ImportBatch).where(ImportBatch.id == batch.id, ImportBatch.state == BatchState.QUEUED.value)
        back = back.values(state=BatchState.PLANNED.value, message=_("已按您的要求停止，没有写入任何内容")).returning(ImportBatch.id)
        waited = session.execute(back, execution_options={"synchronize_session": False}).scalar()
        session.commit()
        if waited is None:
            jobs.say(import_jobs.wish_of(batch.id), True)
        return redirect(link_to(self.cls, "preview", batch_id=batch.id))

    def _confirm(self, session: Session, batch: ImportBatch) -> Answer:
        """Queue the import of exactly the plan that the person saw; whoever clicks twice queues it once."""
        choice = request.form.get("bad_rows", "")
        if choice not in set(BadRows):
            abort(400)
        if batch.digest != request.form.get("digest"):
            return self._preview(session, batch, (_("这个文件重新检查过，还没有写入任何内容。请看过新的检查结果再确认。"),), 409)
        wrong = (batch.counts or {}).get("wrong", 0)
        if wrong and choice == BadRows.STOP:
            return self._preview(
                session, batch, (_("有 %(count)s 行有问题，没有写入任何内容。请改好文件再上传，或选择“只导入没有问题的行”。", count=wrong),), 422
            )
        queue = sa.update(ImportBatch).where(ImportBatch.id == batch.id, ImportBatch.state == BatchState.PLANNED.value, ImportBatch.digest == batch.digest)
        queue = queue.values(bad_rows=choice, state=BatchState.QUEUED.value, message=None, touched_at=now()).returning(ImportBatch.id)
        queued = session.execute(queue, execution_options={"synchronize_session": False}).scalar()
        if queued is not None:
            table = stored.load(session, batch, self.cls).table
            remembered.remember(session, scope_of(session), self.cls, table, table.answers.decisions)
        session.commit()
        jobs.hush(import_jobs.wish_of(batch.id))
        if queued is not None:
            jobs.put(import_jobs.WRITE, batch.id)
        return redirect(link_to(self.cls, "preview", batch_id=batch.id))

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
        session = current_session()
        batch = self._mine(session, batch_id)
        plan = stored.load(session, batch, self.cls)
        name = _("%(name)s 问题清单", name=batch.file_name.rpartition(".")[0] or batch.file_name)
        return made(lambda out: error_list.write(plan, out), name, "xlsx")

    @expose("/import/<int:batch_id>/answer.xlsx", methods=("GET",))
    @has_access
    @permission_name("import")
    def answer(self, batch_id: int) -> Response:
        """The person's own file with the wrong cells marked; with `only=wrong`, only the rows that are wrong."""
        session = current_session()
        batch = self._mine(session, batch_id)
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


def _secret() -> bytes:
    """What marks are signed with."""
    key = current_app.secret_key or ""
    return key if isinstance(key, bytes) else key.encode()


def _modes() -> list[tuple[str, str]]:
    return [(Mode.UPSERT.value, _("新增和更新")), (Mode.INSERT.value, _("只新增")), (Mode.UPDATE.value, _("只更新"))]


def batch_states() -> dict[str, str]:
    """How far an import has come, in words."""
    return {
        "checking": _("检查中"),
        "planned": _("待确认"),
        "queued": _("排队中"),
        "running": _("正在写入"),
        "done": _("已完成"),
        "partly": _("部分完成"),
        "stopped": _("已停止"),
        "refused": _("未导入"),
        "failed": _("出错"),
        "undoing": _("正在撤销"),
        "undone": _("已撤销"),
    }


def _previewed_today(session: Session) -> int:
    """How many files this person has had read today and not imported."""
    mine = (ImportBatch.operator == scope_of(session).actor.username, ImportBatch.state == BatchState.PLANNED.value)
    return session.scalar(sa.select(sa.func.count(ImportBatch.id)).where(*mine, ImportBatch.created_at >= midnight(today()))) or 0
