"""Forms out of declarations: one input per field, what was typed stays, errors stand at their field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.fields import Field
from app.formats import Choice, Choices, Format, Link, StateOf, YesNo, is_blank
from app.language import Text, _
from app.lookup import DatabaseLookup
from app.records import Draft, draft
from app.register import Child, Record, Register, children, field_map, values_of
from app.registry import find as find_register
from app.roles import Verb
from app.scopes import Scope, scope_of
from views.inputs import Input, Option, print_of
from views.pages import link_to

#: as many options as a picker carries in the page; longer lists are searched on the server
MOST_OPTIONS = 50
#: as many options as lie open to be clicked, and how long they may be all together
MOST_CHIPS, LONGEST_CHIPS = 7, 60

_TEXT_WIDGETS = {"date": "date", "date_until": "date", "datetime": "moment", "number": "number", "count": "number"}


def form_fields(scope: Scope, cls: type[Record], row: Record | None = None) -> list[Field]:
    """The fields that the actor fills in: files are uploaded on the record's page."""
    writable = scope.writable(cls, values_of(row) if row is not None else None)
    return [declared for declared in writable if declared.form and declared.format.widget != "file"]


def child_kinds(scope: Scope, cls: type[Record]) -> list[type[Child]]:
    """The children that the actor may write together with a new record."""
    return [kind for kind in children(cls) if kind.__sheet__ and scope.may_add(kind) and scope.readable(kind)]


# what the browser sent ------------------------------------------------------------------------------


def sent(form: MultiDict[str, str], wanted: Sequence[Field], prefix: str = "") -> dict[str, object]:
    """What the browser sent, by field key; a field that was not in the form is not touched."""
    raw: dict[str, object] = {}
    for declared in wanted:
        name = prefix + declared.key
        there = name in form or f"{name}.shown" in form  # no box ticked sends nothing
        if there and form.get(f"{name}.use") != "theirs":
            raw[declared.key] = _sent_value(form, name, declared)
    return raw


def _sent_value(form: MultiDict[str, str], name: str, declared: Field) -> object:
    values = [value.replace("\x00", "") for value in form.getlist(name)]
    if isinstance(declared.format, Choices):
        return [value for value in values if value.strip()]
    text = values[0] if values else ""
    if isinstance(declared.format, Link) and text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    return text


def untouched(form: MultiDict[str, str], key: str) -> bool:
    """Whether a field came back as the form showed it."""
    was = form.get(f"{key}.was")
    return was is not None and was == print_of(form.getlist(key))


def sent_rows(form: MultiDict[str, str], kind: type[Child], wanted: Sequence[Field]) -> dict[int, dict[str, object]]:
    """The children of one kind that were filled in, by their place in the form."""
    pattern = re.compile(rf"{re.escape(kind.__key__)}-(\d{{1,4}})\.")
    places = sorted({int(match.group(1)) for name in form if (match := pattern.match(name))})
    rows = {place: sent(form, wanted, prefix_of(kind, place)) for place in places}
    return {place: raw for place, raw in rows.items() if not _empty(raw, field_map(kind))}


def _empty(raw: Mapping[str, object], known: Mapping[str, Field]) -> bool:
    """Whether nobody filled in anything: what stands there is nothing, or what a new row starts with."""
    return all(is_blank(value) or value == [] or str(value) == str(known[key].default) for key, value in raw.items())


def prefix_of(kind: type[Child], place: object) -> str:
    """What stands before the names of a child's inputs."""
    return f"{kind.__key__}-{place}."


# inputs ---------------------------------------------------------------------------------------------


class FormBuilder:
    """Builds the inputs of one form for one person."""

    def __init__(self, session: Session, cls: type[Record], fields: Sequence[Field], lookup: DatabaseLookup, prefix: str = "", new: bool = False) -> None:
        self.scope = scope_of(session)
        self.session = session
        self.cls = cls
        self.fields = fields
        self.lookup = lookup
        self.prefix = prefix
        #: whether all that stands in the form was typed by this very person, so that nothing needs a mask
        self.new = new
        lookup.prepare(fields)

    def fresh(self, row: Record | None = None, parent: Record | None = None) -> list[Input]:
        """The inputs of a form just opened: what is kept, or what a new record starts with."""
        values = values_of(row) if row is not None else draft(self.session, self.cls, {}, self.lookup, parent=parent).values
        return self._kept(values)

    def _kept(self, values: Mapping[str, Any]) -> list[Input]:
        self.lookup.prepare_rows([dict(values)], self.fields)
        return [self.kept(declared, values.get(declared.key)) for declared in self.fields]

    def kept(self, declared: Field, value: Any) -> Input:
        """The input of a field that nobody has touched."""
        made = self.input(declared, self._written(declared, value), value)
        made.was = print_of(made.chosen)
        return made

    def again(self, result: Draft, row: Record | None = None) -> list[Input]:
        """The inputs as typed, with the errors."""
        kept = values_of(row) if row is not None else {}
        inputs = []
        for declared in self.fields:
            stored = kept.get(declared.key, result.values.get(declared.key))
            typed = result.raw[declared.key] if declared.key in result.raw else self._written(declared, stored)
            each = self.input(declared, typed, stored)
            each.errors = list(result.errors.get(declared.key, []))
            each.was = self.kept(declared, kept.get(declared.key)).was
            if result.twin and result.twin[0] == declared.key:
                each.twin = self.twin(result.twin[1])
            inputs.append(each)
        return inputs

    def twin(self, record_id: int) -> str:
        """The address of the record that holds the same key; empty unless the reader may know whose it is."""
        cls = self.cls
        secret = any(not self.scope.clear(field_map(cls)[part]) for key in cls.__keys__ for part in key)
        if not issubclass(cls, Register) or secret or not self.scope.may(cls, Verb.READ) or not self.lookup.has(cls.__key__, record_id):
            return ""
        return link_to(cls, "show", pk=record_id)

    def clear(self, declared: Field) -> bool:
        """Whether the person may read what stands in a field."""
        return self.new or self.scope.clear(declared)

    def _written(self, declared: Field, value: Any) -> object:
        """A kept value as the form writes it: codes and ids for pickers, text for people."""
        if not self.clear(declared):
            return declared.format.mask(value)
        if value is None:
            return [] if isinstance(declared.format, Choices) else ""
        if isinstance(declared.format, (Link, Choice, StateOf)):
            return value
        if isinstance(declared.format, YesNo):
            return declared.format.write(value)
        return declared.format.show(value, self.lookup)

    def input(self, declared: Field, typed: object, stored: Any = None) -> Input:
        """The input of a field with what stands in it; `stored` is what is kept."""
        made = Input(declared, prefix=self.prefix)
        made.chosen = [str(value) for value in typed] if isinstance(typed, list) else [str(typed)] if typed not in (None, "") else []
        made.masked = bool(made.chosen) and not self.clear(declared) and made.text == declared.format.mask(stored)
        if made.masked:
            return made
        fmt = declared.format
        if isinstance(fmt, Link):
            return self._remote(made, fmt)
        if isinstance(fmt, (Choice, StateOf, YesNo)):
            return self._choice(made, fmt)
        made.widget = _TEXT_WIDGETS.get(fmt.name, "textarea" if fmt.widget == "textarea" else "text")
        return made

    def _remote(self, made: Input, fmt: Link) -> Input:
        target = find_register(fmt.register)
        made.widget = "remote"
        if target is not None:
            made.source = link_to(target, "lookup")
            made.adding = link_to(target, "add") if self.scope.may(target, Verb.ADD) and self.scope.may_add(target) else ""
        for value in made.chosen:
            known = value.isdecimal() and len(value) < 10 and self.lookup.has(fmt.register, int(value))
            made.options.append(Option(value, self.lookup.handle(fmt.register, int(value)) if known else value))
        return made

    def _choice(self, made: Input, fmt: Choice | StateOf | YesNo) -> Input:
        many = isinstance(fmt, Choices)
        made.open = isinstance(fmt, Choice) and self.lookup.is_open(fmt.code_list)
        options = self._options(fmt)
        short = len(options) <= MOST_CHIPS and sum(len(option.label) for option in options) <= LONGEST_CHIPS
        if len(options) > MOST_OPTIONS:
            made.widget, made.source = "remote_many" if many else "remote", self._words_source(made.field)
            options = [option for option in options if option.value in made.chosen]
        elif short and not made.open:
            made.widget = "boxes" if many else "chips"
        else:
            made.widget = "many" if many else "select"
        known = {option.value for option in options}
        made.options = options + [Option(value, self._label(fmt, value)) for value in made.chosen if value not in known]
        return made

    def _options(self, fmt: Format) -> list[Option]:
        if isinstance(fmt, YesNo):
            return [Option("是", _("是")), Option("否", _("否"))]
        found = fmt.options() if isinstance(fmt, StateOf) else fmt.options(self.lookup) if isinstance(fmt, Choice) else []
        return [Option(value, label) for value, label in found]

    def _label(self, fmt: Format, value: str) -> str:
        return self.lookup.label(fmt.code_list, value) if isinstance(fmt, Choice) else value

    def _words_source(self, declared: Field) -> str:
        owner = self.cls if issubclass(self.cls, Register) else self.cls.__parent__  # type: ignore[attr-defined]
        path = declared.key if issubclass(self.cls, Register) else f"{self.cls.__key__}.{declared.key}"
        return link_to(owner, "words", field=path)


class Section(NamedTuple):
    """Inputs that belong together, under a title; `id` is where the table of contents jumps."""

    id: str
    title: str
    inputs: list[Input]

    @property
    def wrong(self) -> bool:
        """Whether something in it is to be corrected."""
        return any(each.errors for each in self.inputs)


def sections(inputs: Sequence[Input]) -> list[Section]:
    """The inputs under their sections' titles, in the order declared."""
    grouped: dict[str, list[Input]] = {}
    for each in inputs:
        grouped.setdefault(str(each.field.section or _("基本情况")), []).append(each)
    return [Section(f"s-{place}", title, found) for place, (title, found) in enumerate(grouped.items(), start=1)]


def stray_errors(errors: Mapping[str, list[Text]], inputs: Sequence[Input]) -> list[Text]:
    """Errors of the record as a whole, or of fields that this form does not hold."""
    shown = {each.field.key for each in inputs}
    return [message for key, found in errors.items() if key not in shown for message in found]
