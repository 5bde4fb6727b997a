"""The way of a form: opened, checked while one types, sent, refused with what was typed, or saved.

Records, children, and new records together with their children.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import flash, redirect, request
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app import families, masking, outage
from app.clock import local
from app.database import conflict_of
from app.families import Family, Row
from app.fields import Field
from app.language import Text, _, _l
from app.lookup import DatabaseLookup
from app.records import Draft, draft, save
from app.register import Child, Record, Register, field_map, values_of
from app.scopes import NotPermitted, scope_of
from views.child_forms import ChildForm, ChildForms, problems_of
from views.forms import FormBuilder, child_kinds, form_fields, prefix_of, sections, sent, sent_rows, stray_errors, untouched
from views.in_place import said_in_place
from views.inputs import Input
from views.pages import people, render

Answer = Response | tuple[str, int] | str
#: the cookie by which the browser learns which of its unsaved drafts is saved now
SAVED = "saved_form"


class Difference(NamedTuple):
    """A field that two people changed at once."""

    input: Input
    mine: str
    theirs: str


@dataclass
class Editor:
    """One form for one person: of a new record (no row) or an existing one, of a child (with its parent)."""

    session: Session
    cls: type[Record]
    back: str
    row: Any = None
    parent: Any = None
    #: shows the saved row, where the form stands in a row of the record's page
    in_place: Callable[[Record], str] | None = None

    def __post_init__(self) -> None:
        self.lookup = DatabaseLookup(self.session)
        self.fields = self._open_fields()
        self.kinds = [self._child_forms(kind) for kind in child_kinds(scope_of(self.session), self.cls)] if self.new_record else []

    @property
    def new_record(self) -> bool:
        """Whether it is about a record of a register that is not there yet."""
        return self.row is None and self.parent is None

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

    def _child_forms(self, kind: type[Child]) -> ChildForms:
        return ChildForms(kind, form_fields(scope_of(self.session), kind), self._child_builder)

    def _child_builder(self, kind: type[Child], fields: Sequence[Field], place: object) -> FormBuilder:
        return FormBuilder(self.session, kind, fields, self.lookup, prefix_of(kind, place), new=True)

    @property
    def builder(self) -> FormBuilder:
        """What makes the inputs of the record itself."""
        return FormBuilder(self.session, self.cls, self.fields, self.lookup, new=self.new_record)

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

    # the way of a form ------------------------------------------------------------------------

    def open(self) -> Answer:
        """The form as it opens."""
        return self._page(self.builder.fresh(self.row, self.parent))

    def understand(self, form: MultiDict[str, str]) -> Family:
        """What was sent, and what is wrong with it; nothing is written."""
        if self.new_record and issubclass(self.cls, Register):
            return families.understand(self.session, self.cls, sent(form, self.fields), self._below(form), self.lookup)
        return Family(self._draft(form), self.row)

    def receive(self, form: MultiDict[str, str], saved: str) -> Answer:
        """Understand what was sent and save it, or give the form back with what is wrong.

        `saved` says in a sentence what happened; the page it leads to is `self.back` or the record.
        """
        if self.row is not None and form.get("row_version") != str(self.row.row_version):
            return self._outdated(form)
        try:
            family = self._write(form)
            if family.errors:
                return self._refused(family)
            self.session.commit()
        except StaleDataError:
            return self._outdated(form)
        except IntegrityError as error:
            self.session.rollback()
            return self._collided(form, error)
        except DBAPIError as error:
            if outage.of(error) is not outage.Outage.BUSY:
                raise
            return self._busy(form)
        return self._saved(family, saved, form.get("form_id", ""))

    def _write(self, form: MultiDict[str, str]) -> Family:
        if self.new_record and issubclass(self.cls, Register):
            return families.register(self.session, self.cls, sent(form, self.fields), self._below(form), self.lookup, "form")
        result = self._draft(form)
        return Family(result, self.row if result.errors else save(self.session, result, row=self.row, parent=self.parent))

    def _below(self, form: MultiDict[str, str]) -> list[Row]:
        return [Row(each.kind, place, raw) for each in self.kinds for place, raw in sent_rows(form, each.kind, each.fields).items()]

    def _draft(self, form: MultiDict[str, str]) -> Draft:
        return draft(self.session, self.cls, sent(form, self.fields), self.lookup, row=self.row, parent=self.parent)

    def _saved(self, family: Family, saved: str, form_id: str) -> Response | str:
        said = [("success", saved), *(("warning", text) for text in doubts_in_words(family))]
        if self.in_place:
            return said_in_place(self.in_place(family.record), said)
        for category, text in said:
            flash(text, category)
        answer = redirect(self.back.replace("__id__", str(family.record.id)))
        if re.fullmatch(r"[0-9a-z]{1,40}", form_id):
            answer.set_cookie(SAVED, form_id, max_age=60, samesite="Lax", secure=request.is_secure)
        return answer

    # what is wrong ----------------------------------------------------------------------------

    def _refused(self, family: Family, note: Text = "", status: int = 422) -> Answer:
        self.session.rollback()
        inputs = self.builder.again(family.own, self.row)
        for row, result in family.children:
            below = next(each for each in self.kinds if each.kind is row.kind)
            made = self._child_builder(below.kind, below.fields, row.place).again(result)
            below.forms.append(ChildForm(row.place, made, stray_errors(result.errors, made)))
        count = sum(len(found) for found in family.errors.values())
        notes = [note or _l("有 %(count)s 项需要改正，还没有保存，您填写的内容都保留着。", count=count)]
        return self._page(inputs, notes + stray_errors(family.own.errors, inputs)), status

    def _busy(self, form: MultiDict[str, str]) -> Answer:
        """Others have written all the while (on SQLite an import locks out everybody else): nothing of what was typed is lost."""
        self.session.rollback()
        if self.row is not None and form.get("row_version") != str(self.row.row_version):
            return self._outdated(form)
        note = _l("数据库正忙（例如别人正在导入），您的内容还没有保存，但都保留着。请过一会儿再按“保存”。")
        return self._refused(self.understand(form), note, 503)

    def _collided(self, form: MultiDict[str, str], error: IntegrityError) -> Answer:
        """Somebody registered the same key between our check and our write."""
        if not conflict_of(error):
            raise error
        family = self.understand(form)
        if not family.errors:
            key = self.cls.__keys__[0][0] if self.cls.__keys__ else ""
            family.own.refuse(key, _l("保存时别人刚刚登记了相同的记录，请核对后再保存"))
        return self._refused(family)

    def _outdated(self, form: MultiDict[str, str]) -> Answer:
        """The record has moved on since the form was opened: say who and when, keep what was typed."""
        self.session.rollback()
        self.session.refresh(self.row)
        mine = sent(form, [each for each in self.fields if not untouched(form, each.key)])
        result = draft(self.session, self.cls, mine, self.lookup, row=self.row, parent=self.parent)
        name = people(self.session, [self.row.changed_by]).get(self.row.changed_by or "", "") or _("其他人")
        when = f"{local(self.row.changed_at):%Y-%m-%d %H:%M}"
        note = _("这条记录在您打开之后被%(name)s于 %(when)s 修改过，您的修改还没有保存。请对照“现值”，确认后再保存一次。", name=name, when=when)
        inputs = self.builder.again(result, self.row)
        return self._page(inputs, [note], self._differences(form, result, inputs)), 409

    def _differences(self, form: MultiDict[str, str], result: Draft, inputs: list[Input]) -> list[Difference]:
        """The fields that both changed."""
        now, scope = values_of(self.row), scope_of(self.session)
        found = []
        for each in inputs:
            key = each.field.key
            moved = form.get(f"{key}.was") != each.was
            hidden = key in result.written and not scope.clear(each.field)  # a guess that is right must not look different
            if key in result.raw and moved and (hidden or key in result.errors or result.values.get(key) != now.get(key)):
                each.kept = masking.shown(scope, each.field, now.get(key), self.lookup) or _("空")
                found.append(Difference(each, each.shown, each.kept))
        return found

    def _page(self, inputs: list[Input], notes: Sequence[Text] = (), differences: Sequence[Difference] = ()) -> str:
        if self.in_place:
            mark = secrets.token_hex(3)
            for each in inputs:
                each.mark = f"{mark}-"
        grouped = sections(inputs)
        return render(
            "register/form_row.html" if self.in_place else "register/form.html",
            title=self.title,
            subject=self.subject,
            cls=self.cls,
            sections=grouped,
            kinds=self.kinds,
            notes=notes,
            problems=problems_of(grouped, self.kinds),
            differences=differences,
            version=self.row.row_version if self.row is not None else None,
            back=self.back if "__id__" not in self.back else self.back.replace("show/__id__", "list/"),
            row=self.row,
            parent=self.parent,
            owner=scope_of(self.session).actor.username,
        )


def doubts_in_words(family: Family) -> list[str]:
    """What somebody should look at, though it is saved."""
    drafts = [family.own, *(result for _row, result in family.children)]
    return [
        _("请核对“%(label)s”：%(doubt)s", label=field_map(result.cls)[key].label, doubt=doubt)
        for result in drafts
        for key, doubts in result.doubts.items()
        for doubt in doubts
    ]
