"""The children within the form of a new record, and the errors of the whole form in one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.fields import Field
from app.language import Text
from app.register import Child
from views.forms import FormBuilder, Section
from views.inputs import Input


class ChildForm(NamedTuple):
    """The inputs of one child within the form of a new record."""

    place: object
    inputs: list[Input]
    errors: Sequence[Text] = ()


@dataclass
class ChildForms:
    """The children of one kind within the form of a new record."""

    kind: type[Child]
    fields: list[Field]
    builder: Callable[[type[Child], Sequence[Field], object], FormBuilder]
    forms: list[ChildForm] = field(default_factory=list)

    @property
    def key(self) -> str:
        """By which the kind goes."""
        return self.kind.__key__

    @property
    def title(self) -> str:
        """What such children are called."""
        return str(self.kind.__title__)

    def blank(self) -> ChildForm:
        """A row to be filled in; the browser puts its place in."""
        return ChildForm("__place__", self.builder(self.kind, self.fields, "__place__").fresh())

    @property
    def wrong(self) -> bool:
        """Whether something in it is to be corrected."""
        return any(form.errors or any(each.errors for each in form.inputs) for form in self.forms)


class Problem(NamedTuple):
    """An error as the top of the form lists it, the name of its input and the element that it leads to."""

    name: str
    target: str
    label: str
    message: Text


def problems_of(grouped: Sequence[Section], kinds: Sequence[ChildForms]) -> list[Problem]:
    """Every error of the form, in the order of its fields."""
    found = [Problem(each.name, f"f-{each.id}", str(each.field.label), text) for section in grouped for each in section.inputs for text in each.errors]
    for below in kinds:
        for number, form in enumerate(below.forms, start=1):
            label = f"{below.title} {number}"
            found += [Problem("", f"row-{below.key}-{form.place}", label, text) for text in form.errors]
            found += [Problem(each.name, f"f-{each.id}", f"{label} · {each.field.label}", text) for each in form.inputs for text in each.errors]
    return found
