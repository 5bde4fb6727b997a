"""The way of a form: opened, sent, refused with what was typed, or saved. Records and children alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app.clock import local
from app.database import conflict_of
from app.fields import Field
from app.formats import FormatError
from app.language import Text, _, _l
from app.lookup import DatabaseLookup
from app.records import Draft, draft, save, void
from app.register import Child, Record, Register, field_map, values_of
from app.scopes import NotPermitted, scope_of
from views.forms import FormBuilder, Input, form_fields, sections, sent, stray_errors
from views.pages import people, render

Answer = Response | tuple[str, int] | str


@dataclass
class Editor:
    """One form for one person: of a new record (no row) or an existing one, of a child (with its parent)."""

    session: Session
    cls: type[Record]
    back: str
    row: Any = None
    parent: Any = None

    def __post_init__(self) -> None:
        self.lookup = DatabaseLookup(self.session)
        self.fields = self._open_fields()

    def _open_fields(self) -> list[Field]:
        """The fields to fill in; NotPermitted for those who may fill in none."""
        scope, cls = scope_of(self.session), self.cls
        for each in (self.row, self.parent):
            if each is not None and each.voided_at is not None:
                raise Conflict(_("这条记录已作废，不能再修改"))
        wanted = form_fields(scope, cls, self.row)
        if isinstance(self.parent, Record) and issubclass(cls, Child):
            reason = scope.refuses_child(cls, values_of(self.parent))
        elif self.row is None:
            reason = None if scope.may_add(cls) else _l("您的角色不能新增“%(title)s”", title=cls.__title__)
        else:
            values = values_of(self.row)
            reason = None if wanted else scope.refuses(cls, values, values, ()) or _l("您的角色不能修改这条记录")
        if reason is not None:
            raise NotPermitted(reason)
        return wanted

    @property
    def title(self) -> str:
        """What the page is about."""
        title = self.cls.__title__
        return _("新增%(title)s", title=title) if self.row is None else _("修改%(title)s", title=title)

    @property
    def subject(self) -> str:
        """The record that the form is about, or that the child belongs to."""
        record = self.parent if self.parent is not None else self.row
        return str(record) if record is not None else ""

    def open(self) -> Answer:
        """The form as it opens."""
        inputs = FormBuilder(self.session, self.cls, self.fields, self.lookup).fresh(self.session, self.row, self.parent)
        return self._page(inputs, [])

    def receive(self, form: MultiDict[str, str], saved: str) -> Answer:
        """Understand what was sent and save it, or give the form back with what is wrong.

        `saved` says in a sentence what happened; the page it leads to is `self.back` or the record.
        """
        if self.row is not None and form.get("row_version") != str(self.row.row_version):
            return self._outdated(form)
        result = self._draft(form)
        if result.errors:
            return self._refused(result)
        try:
            record = save(self.session, result, row=self.row, parent=self.parent)
            self.session.commit()
        except StaleDataError:
            return self._outdated(form)
        except IntegrityError as error:
            self.session.rollback()
            return self._collided(form, error)
        self._tell(result, saved)
        return redirect(self.back.replace("__id__", str(record.id)))

    def _draft(self, form: MultiDict[str, str]) -> Draft:
        return draft(self.session, self.cls, sent(form, self.fields), self.lookup, row=self.row, parent=self.parent)

    def _tell(self, result: Draft, saved: str) -> None:
        flash(saved, "success")
        known = field_map(self.cls)
        for key, doubts in result.doubts.items():
            for doubt in doubts:
                flash(_("请核对“%(label)s”：%(doubt)s", label=known[key].label, doubt=doubt), "warning")

    def _refused(self, result: Draft) -> Answer:
        builder = FormBuilder(self.session, self.cls, self.fields, self.lookup)
        inputs = builder.again(result)
        count = sum(len(found) for found in result.errors.values())
        notes: list[Text] = [_("有 %(count)s 处需要改正，还没有保存，您填写的内容都保留着。", count=count)]
        return self._page(inputs, notes + stray_errors(result.errors, inputs)), 422

    def _collided(self, form: MultiDict[str, str], error: IntegrityError) -> Answer:
        """Somebody registered the same key between our check and our write."""
        if not conflict_of(error):
            raise error
        result = self._draft(form)
        if not result.errors:
            key = self.cls.__keys__[0][0] if self.cls.__keys__ else ""
            result.refuse(key, _l("保存时别人刚刚登记了相同的记录，请核对后再保存"))
        return self._refused(result)

    def _outdated(self, form: MultiDict[str, str]) -> Answer:
        """The record has moved on since the form was opened: say who and when, keep what was typed."""
        self.session.rollback()
        self.session.refresh(self.row)
        result = self._draft(form)
        name = people(self.session, [self.row.changed_by]).get(self.row.changed_by or "", "") or _("其他人")
        when = f"{local(self.row.changed_at):%Y-%m-%d %H:%M}"
        note = _("这条记录在您打开之后被%(name)s于 %(when)s 修改过，您的修改还没有保存。请对照“现值”，确认后再保存一次。", name=name, when=when)
        builder = FormBuilder(self.session, self.cls, self.fields, self.lookup)
        return self._page(builder.again(result, self.row, changed=True), [note]), 409

    def _page(self, inputs: list[Input], notes: list[Text]) -> str:
        return render(
            "register/form.html",
            title=self.title,
            subject=self.subject,
            cls=self.cls,
            sections=sections(inputs),
            notes=notes,
            version=self.row.row_version if self.row is not None else None,
            back=self.back if "__id__" not in self.back else self.back.replace("show/__id__", "list/"),
            parent=self.parent,
        )


def void_one(session: Session, row: Record, back: str) -> Response:
    """Void a record or child with the reason that was sent; the reason is required."""
    if row.voided_at is not None:
        raise Conflict(_("这条记录已经作废"))
    try:
        void(session, row, request.form.get("reason", ""))
    except FormatError as error:
        flash(str(error.message), "danger")
        return redirect(back)
    session.commit()
    flash(_("已作废。记录和原因都保留着，编号可以重新登记。"), "success")
    return redirect(back)


def may_void(session: Session, cls: type[Register], row: Record) -> None:
    """Refuse those who may not void this record."""
    reason = scope_of(session).refuses_void(cls, values_of(row))
    if reason is not None:
        raise NotPermitted(reason)
