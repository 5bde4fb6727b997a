"""作废 from a page: of a record or of one of its children, for a reason."""

from __future__ import annotations

from flask import flash, redirect, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app.formats import FormatError
from app.language import _
from app.records import void
from app.register import Record, Register, values_of
from app.scopes import NotPermitted, scope_of
from views.in_place import asked_in_place, said_in_place


def void_one(session: Session, row: Record, back: str) -> Response:
    """Void a record or child with the reason that was sent; the reason is required."""
    if row.voided_at is not None:
        raise Conflict(_("这条记录已经作废"))
    try:
        void(session, row, request.form.get("reason", ""))
    except FormatError as error:
        return _answer(back, "danger", str(error.message), 422)
    session.commit()
    return _answer(back, "success", _("已作废。记录和原因都保留着，编号可以重新登记。"), 200)


def _answer(back: str, category: str, text: str, status: int) -> Response:
    """The sentence: on the page that comes next, or on the page that asked, whose row then goes away."""
    if asked_in_place():
        return said_in_place("", [(category, text)], status)
    flash(text, category)
    return redirect(back)


def may_void(session: Session, cls: type[Register], row: Record) -> None:
    """Refuse those who may not void this record."""
    reason = scope_of(session).refuses_void(cls, values_of(row))
    if reason is not None:
        raise NotPermitted(reason)
