"""Forms out of declarations: one input per field, what was typed stays, errors stand at their field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import masking
from app.fields import Field
from app.formats import Choice, Choices, Format, Link, StateOf, YesNo
from app.language import Text, _, _l
from app.lookup import DatabaseLookup
from app.records import Draft, draft
from app.register import Record, Register, values_of
from app.registry import find as find_register
from app.scopes import Scope, scope_of
from views.pages import link_to, need

#: as many options as a picker carries in the page; longer lists are searched on the server
MOST_OPTIONS = 50

_PLACEHOLDERS = {
    "date": "2026-03-15",
    "date_until": _l("2026-03-15 / 长期"),
    "datetime": "2026-03-15 09:30",
    "url": "https://",
    "document_number": "围应急〔2026〕12号",
}


@dataclass
class Input:
    """One input of a form."""

    field: Field
    widget: str
    text: str = ""
    chosen: list[str] = made(default_factory=list)
    options: list[tuple[str, str]] = made(default_factory=list)
    errors: list[Text] = made(default_factory=list)
    #: where a long list is searched
    source: str = ""
    #: whether words that the list does not know may be typed
    open: bool = False
    #: what is kept now, where somebody else changed the record meanwhile
    kept: str = ""

    @property
    def key(self) -> str:
        """The name under which the browser sends it."""
        return self.field.key

    @property
    def unit(self) -> str:
        """What a number counts."""
        return str(getattr(self.field.format, "spoken_unit", ""))

    @property
    def hint(self) -> str:
        """What helps to fill it in."""
        parts = [str(self.field.help)] if self.field.help else []
        if self.field.needed:
            parts.append(str(need(self.field.needed)))
        return "；".join(parts)

    @property
    def placeholder(self) -> str:
        """How such a value is written."""
        return str(_PLACEHOLDERS.get(self.field.format.name, ""))

    @property
    def length(self) -> int | None:
        """As many characters as fit."""
        return getattr(self.field.format, "length", None)


def form_fields(scope: Scope, cls: type[Record], row: Record | None = None) -> list[Field]:
    """The fields that the actor fills in: files are uploaded on the record's page."""
    writable = scope.writable(cls, values_of(row) if row is not None else None)
    return [declared for declared in writable if declared.form and declared.format.widget != "file"]


def sent(form: MultiDict[str, str], wanted: Sequence[Field]) -> dict[str, object]:
    """What the browser sent, by field key; a field that was not in the form is not touched."""
    raw: dict[str, object] = {}
    for declared in wanted:
        if declared.key in form or f"{declared.key}.shown" in form:  # no box ticked sends nothing
            raw[declared.key] = _sent_value(form, declared)
    return raw


def _sent_value(form: MultiDict[str, str], declared: Field) -> object:
    values = [value.replace("\x00", "") for value in form.getlist(declared.key)]
    other = form.get(f"{declared.key}.other", "").replace("\x00", "").strip()
    if isinstance(declared.format, Choices):
        return [value for value in (*values, other) if value.strip()]
    text = other or (values[0] if values else "")
    if isinstance(declared.format, Link) and text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    return text


class FormBuilder:
    """Builds the inputs of one form for one person."""

    def __init__(self, session: Session, cls: type[Record], fields: Sequence[Field], lookup: DatabaseLookup) -> None:
        self.scope = scope_of(session)
        self.cls = cls
        self.fields = fields
        self.lookup = lookup
        lookup.prepare(fields)

    def fresh(self, session: Session, row: Record | None, parent: Record | None = None) -> list[Input]:
        """The inputs of a form just opened: what is kept, or what a new record starts with."""
        values = values_of(row) if row is not None else draft(session, self.cls, {}, self.lookup, parent=parent).values
        self.lookup.prepare_rows([values], self.fields)
        return [self._input(declared, self._written(declared, values.get(declared.key))) for declared in self.fields]

    def again(self, result: Draft, row: Record | None = None, changed: bool = False) -> list[Input]:
        """The inputs as typed, with the errors; `changed`: say what is kept now where it differs."""
        kept = values_of(row) if row is not None else {}
        inputs = []
        for declared in self.fields:
            stored = kept.get(declared.key, result.values.get(declared.key))
            typed = result.raw[declared.key] if declared.key in result.raw else self._written(declared, stored)
            each = self._input(declared, typed)
            each.errors = list(result.errors.get(declared.key, []))
            if changed and result.values.get(declared.key) != kept.get(declared.key):
                each.kept = masking.shown(self.scope, declared, kept.get(declared.key), self.lookup) or _("空")
            inputs.append(each)
        return inputs

    def _written(self, declared: Field, value: Any) -> object:
        """A kept value as the form writes it: codes and ids for pickers, text for people."""
        if not self.scope.clear(declared):
            return declared.format.mask(value)
        if value is None:
            return [] if isinstance(declared.format, Choices) else ""
        if isinstance(declared.format, (Link, Choice, StateOf)):
            return value
        if isinstance(declared.format, YesNo):
            return declared.format.write(value)
        return declared.format.show(value, self.lookup)

    def _input(self, declared: Field, typed: object) -> Input:
        fmt = declared.format
        made = Input(declared, fmt.widget)
        made.chosen = [str(value) for value in typed] if isinstance(typed, list) else [str(typed)] if typed not in (None, "") else []
        made.text = "、".join(made.chosen)
        if not self.scope.clear(declared) or fmt.widget not in {"select", "multiselect", "lookup"}:
            made.widget = "textarea" if fmt.widget == "textarea" and self.scope.clear(declared) else "text"
            return made
        if isinstance(fmt, Link):
            return self._remote(made, fmt)
        made.open = isinstance(fmt, Choice) and self.lookup.is_open(fmt.code_list)
        options = self._options(fmt)
        if len(options) > MOST_OPTIONS:
            made.widget = "remote_many" if isinstance(fmt, Choices) else "remote"
            made.source = self._words_source(declared)
            options = [option for option in options if option[0] in made.chosen]
        known = {value for value, _label in options}
        made.options = options + [(value, self._label(fmt, value)) for value in made.chosen if value not in known]
        return made

    def _remote(self, made: Input, fmt: Link) -> Input:
        target = find_register(fmt.register)
        made.widget = "remote"
        made.source = link_to(target, "lookup") if target is not None else ""
        for value in made.chosen:
            known = value.isdecimal() and len(value) < 10 and self.lookup.has(fmt.register, int(value))
            made.options.append((value, self.lookup.handle(fmt.register, int(value)) if known else value))
        return made

    def _options(self, fmt: Format) -> list[tuple[str, str]]:
        if isinstance(fmt, YesNo):
            return [("是", _("是")), ("否", _("否"))]
        return fmt.options() if isinstance(fmt, StateOf) else fmt.options(self.lookup) if isinstance(fmt, Choice) else []

    def _label(self, fmt: Format, value: str) -> str:
        return self.lookup.label(fmt.code_list, value) if isinstance(fmt, Choice) else value

    def _words_source(self, declared: Field) -> str:
        owner = self.cls if issubclass(self.cls, Register) else self.cls.__parent__  # type: ignore[attr-defined]
        path = declared.key if issubclass(self.cls, Register) else f"{self.cls.__key__}.{declared.key}"
        return link_to(owner, "words", field=path)


def sections(inputs: Sequence[Input]) -> list[tuple[str, list[Input]]]:
    """The inputs under their sections' titles, in the order declared."""
    grouped: dict[str, list[Input]] = {}
    for each in inputs:
        grouped.setdefault(str(each.field.section or _("基本情况")), []).append(each)
    return list(grouped.items())


def stray_errors(errors: Mapping[str, list[Text]], inputs: Sequence[Input]) -> list[Text]:
    """Errors of the record as a whole, or of fields that this form does not hold."""
    shown = {each.key for each in inputs}
    return [message for key, found in errors.items() if key not in shown for message in found]
