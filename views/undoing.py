"""Taking an import back: a page that says what would be voided, put back and kept, a button that repeats the numbers, the outcome."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from flask import abort, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict

from app import jobs
from app.accounts import actor_named
from app.clock import local, now
from app.database import db
from app.language import _
from app.register import Register
from app.scopes import NotPermitted, act_as, scope_of
from app.search import later
from imports import plan as planning
from imports import undo as undo_work
from imports import undo_judge
from imports.batch import BatchState, ImportBatch, Superseded
from imports.refusal import Refused
from imports.undo_rights import may_undo
from imports.undo_words import Teller
from views import import_jobs
from views.editing import Answer
from views.pages import current_session, link_to, render
from views.undo_preview import UndoPreview

log = logging.getLogger(__name__)
#: what can be taken back, is being taken back, has been
OPEN = {BatchState.DONE, BatchState.PARTLY}


class Undoing:
    """The undo of a register's imports; mixed into its view."""

    cls: type[Register]

    @expose("/import/<int:batch_id>/undo", methods=("GET", "POST"))
    @has_access
    @permission_name("import")
    def undo(self, batch_id: int) -> Answer:
        """What taking the batch back would do; once confirmed, what became of it."""
        session = current_session()
        batch = self._standing(session, batch_id)
        if batch.state not in OPEN:
            return self._outcome(session, batch)
        plan = undo_judge.make(session, self.cls, batch.id)
        if request.method == "POST" and plan.digest() == request.form.get("digest"):
            return self._ask(session, batch)
        again = request.method == "POST"
        notes = (_("预览之后数据有变化，还没有撤销任何内容。请看过新的预览再确认。"),) if again else ()
        page = UndoPreview(session, plan, request.args)
        return render("imports/undo.html", cls=self.cls, batch=batch, page=page, digest=plan.digest(), notes=notes, local=local), 409 if again else 200

    def _ask(self, session: Session, batch: ImportBatch) -> Answer:
        """Queue the undo: what somebody edits until it is done is kept and listed."""
        ask = sa.update(ImportBatch).where(ImportBatch.id == batch.id, ImportBatch.state.in_([each.value for each in OPEN]))
        ask = ask.values(state=BatchState.UNDOING.value, undone_by=scope_of(session).actor.username).returning(ImportBatch.id)
        claimed = session.execute(ask, execution_options={"synchronize_session": False}).scalar()
        session.commit()
        if claimed is not None:  # else somebody else asked a moment ago
            jobs.put(import_jobs.UNDO, batch.id)
        return redirect(link_to(self.cls, "undo", batch_id=batch.id))

    def _outcome(self, session: Session, batch: ImportBatch) -> Answer:
        if request.method == "POST":
            raise Conflict(_("这个批次已经撤销过，或正在撤销，没有再改动任何内容"))
        teller = Teller(session)
        facts = {"who": teller.who(batch.undone_by or ""), "report": batch.undo or {}, "waiting": batch.state == BatchState.UNDOING}
        return render("imports/undone.html", cls=self.cls, batch=batch, local=local, **facts)

    def _standing(self, session: Session, batch_id: int) -> ImportBatch:
        """The batch, if its register is this one, it has written something, and the reader may take it back; 404 otherwise."""
        planning.permitted(session, self.cls)
        batch = session.get(ImportBatch, batch_id) if 0 < batch_id < 2**31 else None
        states = {*OPEN, BatchState.UNDOING, BatchState.UNDONE}
        if batch is None or batch.register != self.cls.__key__ or batch.state not in states or not may_undo(session, self.cls, batch):
            abort(404)
        return batch


# background ---------------------------------------------------------------------------------------


def undo_batch(batch_id: int) -> None:
    """Take a batch back in the name of the person who asked for it."""
    session = db.session()
    attempt = import_jobs.claim(session, batch_id, import_jobs.UNDO)
    if attempt is None:
        return
    try:
        batch = session.get_one(ImportBatch, batch_id)
        act_as(session, actor_named(batch.undone_by or ""))
        result = undo_work.undo(session, batch_id, attempt)
    except Superseded:
        session.rollback()
    except (Refused, NotPermitted) as error:
        _stands(session, batch_id, attempt, str(error.message))
    except LookupError as error:
        _stands(session, batch_id, attempt, str(error.args[0]))
    except Exception:
        log.exception("the undo of import batch %s failed", batch_id)
        _stands(session, batch_id, attempt, _("撤销时出错，没有改动任何内容。请联系系统管理员，并告知批次号 %(batch)s", batch=batch_id))
    else:
        if result.unread:
            jobs.put(later.JOB, result.report["register"])


def _stands(session: Session, batch_id: int, attempt: int, message: str) -> None:
    """The batch stands as it did, and says why."""
    session.rollback()
    batch = session.get(ImportBatch, batch_id, populate_existing=True)
    if batch is not None and (batch.state, batch.attempt) == (BatchState.UNDOING, attempt):
        batch.state, batch.message = (batch.report or {}).get("status", BatchState.DONE.value), message
        batch.undone_by = None
        batch.finished_at = batch.finished_at or now()
        session.commit()
