"""One input of a form: which kind it is, what stands in it, what is said about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as made
from typing import NamedTuple

from app.fields import Field
from app.language import Text, _, _l
from views.pages import need

_PLACEHOLDERS = {
    "date": "2026-03-15",
    "date_until": _l("2026-03-15 / 长期"),
    "datetime": "2026-03-15 09:30",
    "url": "https://",
    "document_number": "围应急〔2026〕12号",
}
_KEYBOARDS = {"number": "decimal", "count": "numeric", "mobile": "tel", "phone": "tel", "email": "email", "url": "url"}
#: widgets whose controls send several values, or none at all when nothing is chosen
MANY = frozenset({"boxes", "many", "remote_many"})
#: widgets that are a group of controls, so that no label points at one of them
GROUPS = frozenset({"boxes", "chips"})


class Option(NamedTuple):
    """What may be chosen, and how it is called."""

    value: str
    label: str


@dataclass
class Input:
    """One input of a form."""

    field: Field
    widget: str = "text"
    #: what stands before the field's key in the names that the browser sends, for the rows of children
    prefix: str = ""
    #: what tells this form's elements from those of another form in the same page
    mark: str = ""
    chosen: list[str] = made(default_factory=list)
    options: list[Option] = made(default_factory=list)
    errors: list[Text] = made(default_factory=list)
    #: where a long list is searched
    source: str = ""
    #: whether words that the list does not know may be typed
    open: bool = False
    #: what is shown is the mask of what is kept
    masked: bool = False
    #: where a linked record that is not there yet may be added
    adding: str = ""
    #: the record that holds the same key already, for those who may open it
    twin: str = ""
    #: what is kept now, where somebody else changed the record meanwhile
    kept: str = ""
    #: the print of what the form shows when nobody has typed anything
    was: str = ""

    @property
    def name(self) -> str:
        """The name under which the browser sends it."""
        return self.prefix + self.field.key

    @property
    def id(self) -> str:
        """What the ids of its elements end with."""
        return self.mark + self.name

    @property
    def text(self) -> str:
        """What stands in a box for text."""
        return "、".join(self.chosen)

    @property
    def shown(self) -> str:
        """What was typed or chosen, as people read it."""
        labels = dict(self.options)
        return "；".join(labels.get(value, value) for value in self.chosen) or _("空")

    @property
    def group(self) -> bool:
        """Whether it is a group of controls."""
        return self.widget in GROUPS

    @property
    def many(self) -> bool:
        """Whether it sends several values."""
        return self.widget in MANY

    @property
    def wide(self) -> bool:
        """Whether it takes the whole width of the form."""
        return self.widget in {"textarea", "many", "remote_many", "boxes"}

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
        if self.masked:
            parts.append(_("敏感信息，已遮盖：不改就原样保留，要改就整个重填"))
        return "；".join(parts)

    @property
    def placeholder(self) -> str:
        """How such a value is written."""
        return str(_PLACEHOLDERS.get(self.field.format.name, ""))

    @property
    def keyboard(self) -> str:
        """The keyboard that a phone opens."""
        return _KEYBOARDS.get(self.field.format.name, "")

    @property
    def length(self) -> int | None:
        """As many characters as fit."""
        return getattr(self.field.format, "length", None)


def print_of(values: Iterable[str]) -> str:
    """A short print of what a control sends, by which a form knows whether it was touched."""
    plain = [value.replace("\r\n", "\n").strip() for value in values]
    return hashlib.sha256("\x1f".join(value for value in plain if value).encode()).hexdigest()[:10]
