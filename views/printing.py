"""One record as a printed form: the Word document filled with what the reader may see."""

from __future__ import annotations

from collections.abc import Iterable

from flask import abort
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict

from app import documents, masking, placeholders, word
from app.clock import today
from app.documents import PrintedForm
from app.language import _, chinese
from app.lookup import DatabaseLookup
from app.register import Register, field_map
from app.scopes import scope_of
from views.downloads import made
from views.editing import Answer
from views.pages import find
from views.record import Action, RecordPage


def printed(session: Session, cls: type[Register], pk: int, name: str, office: str) -> Answer:
    """The document of a record; 404 when the register prints no such form."""
    row = find(session, cls, pk)
    form = documents.find(cls, name) or abort(404)
    try:
        content = word.fill(documents.template_of(session, form), placeholders.filled(session, form, row, office))
    except word.BadTemplate as error:
        raise Conflict(_("现在用的模板打印不了这条记录：%(why)s。请让保管模板的同事换一份", why=error.message)) from None
    return made(lambda out: out.write(content), _file_name(session, form, row), "docx")


def _file_name(session: Session, form: PrintedForm, row: object) -> str:
    label = field_map(form.register)[form.register.__label__]
    text = masking.shown(scope_of(session), label, getattr(row, label.attr), DatabaseLookup(session))
    return f"{chinese(form.title)}_{text[:40] or today().isoformat()}"


def printing(page: RecordPage) -> Iterable[Action]:
    """The documents that a record prints, for readers who may take it out."""
    if page.inside:
        for form in documents.forms_of(page.cls):
            yield Action(_("%(title)s（Word）", title=form.title), page.address("form_docx", name=form.name), "ti-file-text")
