"""The steps of an import behind the upload: where the table is, what its columns mean, what is wrong, the confirmation, what became of it.

Whatever a person decides on the way is kept with the batch, and the file is checked anew with it. Nothing is written before
the person confirms, and then exactly the plan that the page showed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import abort, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict

from app import jobs
from app.clock import local, now
from app.language import Text, _
from app.lookup import DatabaseLookup
from app.register import Register
from app.scopes import scope_of
from imports import remembered, rounds, stored
from imports.batch import BatchState, ImportBatch
from imports.commit import BadRows
from imports.decisions import Decisions
from imports.plan import Plan
from imports.refusal import Refused
from views import import_checks, import_columns, import_fixes, import_jobs, uploads
from views.editing import Answer
from views.import_batches import WAITING, Progress, batch_states, mine
from views.import_columns import Columns
from views.import_fixes import Fixes
from views.import_report import Report
from views.pages import current_session, link_to, render
from views.preview import Preview, reason_of

#: the states of a batch whose decisions may still be changed
OPEN = {BatchState.PLANNED, BatchState.REFUSED}


class ImportSteps:
    """The steps of a register's imports; mixed into its view."""

    cls: type[Register]

    # 1 ----------------------------------------------------------------------------------------

    @expose("/import/<int:batch_id>/reading", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def reading(self, batch_id: int) -> Answer:
        """Which sheet, which row has the headings, what is no data; another choice reads the file anew."""
        session = current_session()
        batch = mine(session, self.cls, batch_id)
        if request.method == "POST":
            return self._read_anew(session, self._still_open(batch))
        return self._reading(session, batch) if batch.state in OPEN else redirect(link_to(self.cls, "preview", batch_id=batch.id))

    def _reading(self, session: Session, batch: ImportBatch, message: Text = "", status: int = 200) -> Answer:
        plan = stored.load(session, batch, self.cls)
        heads = plan.excerpt.heads
        wanted = request.values.get("sheet") or plan.table.sheet
        head = next((each for each in heads if each.name == wanted), heads[0] if heads else None)
        read = batch.state == BatchState.PLANNED
        message = message or ("" if read else batch.message or "")
        return self._step("reading", batch, plan, head=head, heads=heads, read=read, message=message, reason_of=reason_of), status

    def _read_anew(self, session: Session, batch: ImportBatch) -> Answer:
        """With another sheet or header row; what was said of the columns and rows of the one before holds no more."""
        decisions, _excerpt = stored.notes_of(batch)
        sheet, row = request.form.get("sheet") or None, request.form.get("header_row", "")
        if not (row.isascii() and row.isdecimal() and len(row) < 7):
            abort(400)
        decisions = replace(decisions, sheet=sheet, header_row=int(row), columns={}, words={}, cells={}, skips=frozenset(), matches={})
        refusal = self._checked(session, batch, decisions)
        return self._reading(session, batch, refusal, 422) if refusal else redirect(import_columns.next_step(session, self.cls, batch))

    # 2 ----------------------------------------------------------------------------------------

    @expose("/import/<int:batch_id>/columns", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def mapping(self, batch_id: int) -> Answer:
        """What each column, unknown word and doubtful name means; what is said here checks the file anew."""
        session = current_session()
        batch = mine(session, self.cls, batch_id)
        if request.method == "POST":
            return self._said(session, self._still_open(batch))
        if batch.state == BatchState.PLANNED:
            return self._columns(session, batch)
        return redirect(link_to(self.cls, "reading" if batch.state == BatchState.REFUSED else "preview", batch_id=batch.id))

    def _columns(self, session: Session, batch: ImportBatch, message: Text = "", status: int = 200) -> Answer:
        plan = stored.load(session, batch, self.cls)
        page = Columns(session, self.cls, plan, request.form)
        return self._step("columns", batch, plan, page=page, message=message, modes=uploads.modes()), status

    def _said(self, session: Session, batch: ImportBatch) -> Answer:
        page, form = Columns(session, self.cls, stored.load(session, batch, self.cls)), request.form
        try:
            decisions = import_columns.decided(page, form, form.getlist("forget"), form.getlist("apart"))
        except Refused as error:
            return self._columns(session, batch, error.message, 422)
        refusal = self._checked(session, batch, decisions)
        return self._columns(session, batch, refusal, 422) if refusal else redirect(import_columns.next_step(session, self.cls, batch))

    # 3, 4, 5 ----------------------------------------------------------------------------------

    @expose("/import/<int:batch_id>", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def preview(self, batch_id: int) -> Answer:
        """What a file would do; once confirmed, how far it is and what became of it."""
        session = current_session()
        batch = mine(session, self.cls, batch_id)
        if request.method == "POST":
            return self._decide(session, batch)
        if batch.state == BatchState.PLANNED:
            return self._preview(session, batch)
        progress = Progress.of(batch.id) if batch.state in {BatchState.RUNNING, BatchState.QUEUED} else None
        plan = stored.load(session, batch, self.cls) if batch.state not in WAITING else None
        report = Report(session, self.cls, batch, plan)
        return self._step("result", batch, plan, waiting=batch.state in WAITING, progress=progress, report=report, reason_of=reason_of)

    def _preview(self, session: Session, batch: ImportBatch, notes: tuple[Text, ...] = (), status: int = 200, form: Mapping[str, str] | None = None) -> Answer:
        plan = stored.load(session, batch, self.cls)
        twin = self._done_before(session, batch)
        page, fixes = Preview(session, plan, request.args), Fixes(self.cls, plan, DatabaseLookup(session), request.form if form is None else form)
        notes += (batch.message,) if batch.message else ()
        notes += (
            (_("同样的文件在 %(when)s 已经导入过一次（批次 %(batch)s）。", when=f"{local(twin.created_at):%Y-%m-%d %H:%M}", batch=twin.id),) if twin else ()
        )
        columns = Columns(session, self.cls, plan)
        return self._step("preview", batch, plan, page=page, fixes=fixes, columns=columns, notes=notes), status

    def _decide(self, session: Session, batch: ImportBatch) -> Answer:
        """What the person wants with a batch: cells typed anew, a row left out or taken back, import it, check it again, give it up, or stop."""
        wish = request.form.get("wish", "confirm")
        if wish == "stop":
            return self._stop(session, batch)
        batch = self._still_open(batch)
        if wish == "cancel":
            return self._cancel(session, batch)
        if batch.state != BatchState.PLANNED:
            raise Conflict(_("这个文件还没有读出表格，请先选择工作表和表头"))
        if wish == "mend":
            return self._mend(session, batch)
        return self._again(session, batch) if wish == "again" else self._confirm(session, batch)

    def _mend(self, session: Session, batch: ImportBatch) -> Answer:
        """Rows with a problem, corrected or left out on the page, are checked anew with all others."""
        plan, form = stored.load(session, batch, self.cls), request.form
        if form.get("digest") != batch.digest:  # another file, sheet or window: its cells are not those of the page that was open
            return self._preview(session, batch, (_("这个文件重新检查过，请看过新的检查结果再更正。"),), 409, form={})
        decisions = plan.table.answers.decisions
        try:
            if "skip" in form:
                decisions = import_fixes.skipping(plan, decisions, form.get("skip", 0, type=int))
            elif "restore" in form:
                decisions = replace(decisions, skips=decisions.skips - {form.get("restore", 0, type=int)})
            elif "undo" in form:
                decisions = import_fixes.without(decisions, form["undo"])
            else:
                decisions = import_fixes.typed(Fixes(self.cls, plan, DatabaseLookup(session)), form)
        except Refused as error:
            return self._preview(session, batch, (error.message,), 422)
        refusal = self._checked(session, batch, decisions)
        if refusal:
            return self._preview(session, batch, (refusal,), 422)
        left = (batch.counts or {}).get(request.args.get("outcome", ""), 1)  # where nothing of it is left, on to the next
        here = {name: request.args[name] for name in ("outcome", "page") if name in request.args and left}
        return redirect(link_to(self.cls, "preview", batch_id=batch.id) + (f"?{urlencode(here)}" if here else ""))

    def _again(self, session: Session, batch: ImportBatch) -> Answer:
        """Check the file against what is registered by now."""
        again = sa.update(ImportBatch).where(ImportBatch.id == batch.id, ImportBatch.state == BatchState.PLANNED.value)
        again = again.values(state=BatchState.CHECKING.value, message=None, touched_at=now()).returning(ImportBatch.id)
        claimed = session.execute(again, execution_options={"synchronize_session": False}).scalar()
        session.commit()
        if claimed is not None:
            jobs.put(import_jobs.CHECK, batch.id)
        return redirect(link_to(self.cls, "preview", batch_id=batch.id))

    def _cancel(self, session: Session, batch: ImportBatch) -> Answer:
        """Give up what is not written, and forget the file; what an earlier round wrote stands."""
        facts: dict[str, Any] = {"state": BatchState.CANCELLED.value, "message": _("您没有导入这个文件，没有写入任何内容"), "finished_at": now()}
        facts = rounds.given_up(batch) if batch.rounds else facts | {"content": None, "notes": None, "outline": None}
        change = sa.update(ImportBatch).where(ImportBatch.id == batch.id, ImportBatch.state.in_([each.value for each in OPEN]))
        change = change.values(facts).returning(ImportBatch.id)
        if session.execute(change, execution_options={"synchronize_session": False}).scalar() is not None:
            session.execute(sa.delete(stored.ImportPart).where(stored.ImportPart.batch_id == batch.id))
        session.commit()
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

    def _done_before(self, session: Session, batch: ImportBatch) -> ImportBatch | None:
        done = sa.select(ImportBatch).where(
            ImportBatch.register == batch.register,
            ImportBatch.sha256 == batch.sha256,
            ImportBatch.id != batch.id,
            ImportBatch.state.in_([BatchState.DONE.value, BatchState.PARTLY.value]),
        )
        return session.scalar(done.order_by(ImportBatch.id.desc()).limit(1))

    # what the steps share ---------------------------------------------------------------------

    def _still_open(self, batch: ImportBatch) -> ImportBatch:
        if batch.state not in OPEN:
            raise Conflict(_("这个批次已经提交过了"))
        return batch

    def _checked(self, session: Session, batch: ImportBatch, decisions: Decisions) -> Text:
        """Check the file with these decisions; why they do not hold, empty when they do."""
        refusal = import_checks.too_many(session)
        if refusal:
            return refusal
        try:
            import_checks.check(session, self.cls, batch, decisions, {}, at_once=uploads.AT_ONCE)
        except Refused as error:
            session.rollback()
            return error.message
        return ""

    def _step(self, name: str, batch: ImportBatch, plan: Plan | None, **facts: Any) -> str:
        return render(f"imports/{name}.html", cls=self.cls, batch=batch, plan=plan, local=local, states=batch_states(), large=_is_large(batch), **facts)


def _is_large(batch: ImportBatch) -> bool:
    """Whether the worker checks the file, so that a page does not wait for it."""
    size = current_session().scalar(sa.select(sa.func.length(ImportBatch.content)).where(ImportBatch.id == batch.id))
    return (size or 0) > uploads.AT_ONCE
