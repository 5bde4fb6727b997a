"""The page on which one chooses what to change in many records: a field, what to do to it, the new value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import bulk, masking
from app.bulk import Change, Mode, modes
from app.fields import Field
from app.formats import FormatError, is_blank
from app.language import Text, _, _l, listed
from app.lookup import DatabaseLookup
from app.records import Draft
from app.register import Register, field_map
from app.roles import Verb
from app.scopes import NotPermitted, scope_of
from views.editing import Answer
from views.forms import FormBuilder, sent
from views.inputs import Input
from views.pages import render

MODE_WORDS: dict[Mode, Text] = {Mode.SET: _l("改为"), Mode.ADD: _l("追加"), Mode.REMOVE: _l("去掉"), Mode.CLEAR: _l("清空")}
#: for fields of several values, where "change to" could be read as "add"
LIST_WORDS: dict[Mode, Text] = {**MODE_WORDS, Mode.SET: _l("替换为")}


def word_of(declared: Field, mode: Mode) -> Text:
    """What is done to a field, in words."""
    return (LIST_WORDS if Mode.ADD in modes(declared) else MODE_WORDS)[mode]


@dataclass
class Row:
    """One field on the page."""

    input: Input
    mode: Mode
    modes: list[tuple[Mode, Text]]


class BulkForm:
    """What one person may change in these records, and what was chosen so far."""

    def __init__(self, session: Session, cls: type[Register], records: Sequence[Any], back: str) -> None:
        self.session, self.cls, self.records, self.back = session, cls, records, back
        self.scope, self.lookup = scope_of(session), DatabaseLookup(session)
        self.open = {declared.key: declared for declared in bulk.changeable(self.scope, cls)} if self.scope.may(cls, Verb.EDIT) else {}
        if not self.open:
            raise NotPermitted(_l("您的角色不能修改“%(title)s”", title=cls.__title__))
        self.keys: list[str] = []
        self.modes: dict[str, Mode] = {}
        self.raw: dict[str, Any] = {}
        self.errors: dict[str, list[Text]] = {}

    def opened(self, changes: Sequence[Sequence[Any]]) -> Answer:
        """The page as it opens: empty, or with what was chosen before."""
        for key, mode, raw in changes:
            if key in self.open:
                self.keys.append(key)
                self.modes[key], self.raw[key] = Mode(mode), raw
        return self.page()

    def receive(self, form: MultiDict[str, str]) -> list[Change] | None:
        """The changes that were chosen; None where the page has to come again."""
        self.keys = [key for key in dict.fromkeys(form.getlist("fields")) if key in self.open and key != form.get("drop")]
        self.raw = dict(sent(form, [self.open[key] for key in self.keys]))
        self.modes = {key: self._mode(self.open[key], form.get(f"{key}.mode", "")) for key in self.keys}
        added = form.get("field", "")
        fresh = added in self.open and added not in self.keys and len(self.keys) < bulk.MOST_FIELDS
        if fresh:
            self.keys.append(added)
        if fresh or "add" in form or "drop" in form or not self.keys:
            return None
        for key in self.keys:
            self._check(self.open[key])
        return None if self.errors else [Change(key, self.modes[key], self.raw.get(key, "")) for key in self.keys]

    @staticmethod
    def _mode(declared: Field, text: str) -> Mode:
        return next((mode for mode in modes(declared) if mode.value == text), Mode.SET)

    def _check(self, declared: Field) -> None:
        """Refuse a value that no record can take, before any record is asked."""
        mode, raw = self.modes[declared.key], self.raw.get(declared.key)
        if mode is Mode.CLEAR:
            return
        try:
            value = None if is_blank(raw) else declared.format.parse(raw, self.lookup)
        except FormatError as error:
            self.errors[declared.key] = [error.message]
            return
        if value in (None, []):
            clear = Mode.CLEAR in modes(declared)
            self.errors[declared.key] = [_("请填写新的值；要清空这一项，请选“清空”") if clear else _("请填写新的值")]

    # the page -------------------------------------------------------------------------------

    def page(self) -> Answer:
        """The page with what was chosen so far."""
        facts = {"cls": self.cls, "page": self, "back": self.back, "most": bulk.MOST_FIELDS}
        return render("register/bulk.html", **facts), 422 if self.errors else 200

    def rows(self) -> list[Row]:
        """The fields chosen, each with its input."""
        chosen = [self.open[key] for key in self.keys]
        inputs = FormBuilder(self.session, self.cls, chosen, self.lookup, new=True).again(Draft(self.cls, raw=self.raw, errors=self.errors))
        return [Row(each, self.modes.get(each.field.key, Mode.SET), [(mode, word_of(each.field, mode)) for mode in modes(each.field)]) for each in inputs]

    def choices(self) -> list[tuple[str, list[Field]]]:
        """The fields that can still be chosen, under their sections' titles."""
        grouped: dict[str, list[Field]] = {}
        if len(self.keys) < bulk.MOST_FIELDS:
            for declared in self.open.values():
                if declared.key not in self.keys:
                    grouped.setdefault(str(declared.section or _("基本情况")), []).append(declared)
        return list(grouped.items())

    @property
    def names(self) -> str:
        """What the first records are called."""
        label = field_map(self.cls)[self.cls.__label__]
        if label not in self.scope.readable(self.cls):
            return ""
        first = [masking.shown(self.scope, label, getattr(row, label.attr), self.lookup) or f"#{row.id}" for row in self.records[:3]]
        return listed(first)
