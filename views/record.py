"""The page of one record: its fields by section, what is missing, its children, its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from app import masking
from app.attachments import SHOWABLE, TYPES, Attachment, empty_file, too_large, wrong_kind
from app.clock import local
from app.fields import Field
from app.formats import Link, StateOf
from app.language import Text, _, listed
from app.lookup import DatabaseLookup
from app.register import Child, Record, Register, Source, children, missing, values_of
from app.roles import Verb
from app.scopes import Scope, scope_of
from views.attachments import may_attach
from views.pages import link_to, link_to_record, need, people


@dataclass
class Shown:
    """A field as the page shows it."""

    key: str
    label: str
    text: str
    wide: bool = False
    link: str = ""
    outside: bool = False
    masked: bool = False
    #: whether it is a day or a number, which nobody wants in two lines
    tight: bool = False
    #: whether files are what the field holds
    takes_files: bool = False
    files: list[Attachment] = field(default_factory=list)

    @property
    def blank(self) -> bool:
        """Whether there is nothing to read."""
        return not self.text and not self.files


class Section(NamedTuple):
    """Fields that belong together, under a title; `id` is where the table of contents jumps."""

    id: str
    title: str
    items: list[Shown]

    @property
    def blank(self) -> bool:
        """Whether there is nothing to read in the whole section."""
        return all(shown.blank and not shown.takes_files for shown in self.items)


class Line(NamedTuple):
    """A child as a line of its table."""

    kind: str
    child: Any
    cells: list[Shown]
    writable: bool


@dataclass
class Kind:
    """A table of children."""

    key: str
    title: str
    columns: list[str]
    rows: list[Line]
    writable: bool


class Action(NamedTuple):
    """A button of the page's head that another part of the product put there."""

    label: Text
    url: str
    icon: str


#: what makes such buttons; each is asked with the page, and answers only with what the reader may open
ACTIONS: list[Callable[[RecordPage], Iterable[Action]]] = []


class RecordPage:
    """What one person sees of one record."""

    def __init__(self, session: Session, cls: type[Register], row: Any) -> None:
        self.session = session
        self.cls = cls
        self.row = row
        self.values = values_of(row)
        self.scope: Scope = scope_of(session)
        self.lookup = DatabaseLookup(session)
        self.inside = self.scope.may(cls, Verb.EXPORT)  # staff; visitors see what is published and no more
        self.kinds = [kind for kind in children(cls) if self.scope.readable(kind)]
        self.readable = self.scope.readable(cls)
        self.lookup.prepare([*self.readable, *(each for kind in self.kinds for each in self.scope.readable(kind))])
        self.files: list[Attachment] = self._files() if self.inside else []
        self.actions = [action for make in ACTIONS for action in make(self)]

    def _files(self) -> list[Attachment]:
        live = sa.select(Attachment).where(Attachment.register == self.cls.__key__, Attachment.record_id == self.row.id, Attachment.voided_at.is_(None))
        return list(self.session.scalars(live.order_by(Attachment.id)))

    @property
    def title(self) -> str:
        """What people call the record; masked where its label is sensitive."""
        label = next((each for each in self.readable if each.key == self.cls.__label__), None)
        text = masking.shown(self.scope, label, self.values[label.key], self.lookup) if label else ""
        return text or f"#{self.row.id}"

    # fields ---------------------------------------------------------------------------------

    def sections(self) -> list[Section]:
        """Every readable field under its section's title."""
        self.lookup.prepare_rows([self.row], self.readable)
        grouped: dict[str, list[Shown]] = {}
        for declared in self.readable:
            shown = self._shown(declared, self.values[declared.key])
            grouped.setdefault(str(declared.section or _("基本情况")), []).append(shown)
        return [Section(f"s-{place}", title, items) for place, (title, items) in enumerate(grouped.items(), start=1)]

    def states(self) -> list[tuple[str, str]]:
        """The states that the record is in, for the head of the page."""
        states = [each for each in self.readable if isinstance(each.format, StateOf) and self.values[each.key]]
        return [(str(each.label), masking.shown(self.scope, each, self.values[each.key], self.lookup)) for each in states]

    def _shown(self, declared: Field, value: Any) -> Shown:
        fmt = declared.format
        text = masking.shown(self.scope, declared, value, self.lookup)
        masked = bool(text) and not self.scope.clear(declared)
        unit = str(getattr(fmt, "spoken_unit", ""))
        text = f"{text} {unit}" if text and unit and not masked else text
        shown = Shown(declared.key, str(declared.label), text, fmt.widget == "textarea" or len(text) > 60, masked=masked, tight=fmt.ordered)
        if fmt.name == "file":
            shown.files, shown.text = [each for each in self.files if each.field == declared.key], ""
            shown.takes_files = self.inside
        elif isinstance(fmt, Link) and text and not masked:
            shown.link = link_to_record(self.scope, fmt.register, value)
        elif fmt.name == "url" and not masked and text.startswith(("http://", "https://")):
            shown.link, shown.outside = text, True
        return shown

    def gaps(self) -> list[tuple[str, str]]:
        """What is missing, by the step that needs it: 还缺：…（核验前需要）."""
        if not self.inside or self.row.voided_at is not None:
            return []
        uploaded = {each.field for each in self.files}
        grouped: dict[str, list[str]] = {}
        for declared in missing(self.cls, self.values):
            if declared.key not in uploaded:
                grouped.setdefault(declared.needed, []).append(str(declared.label))
        return [(listed(labels), str(need(step))) for step, labels in grouped.items()]

    def envelope(self) -> list[tuple[str, str]]:
        """Who brought the record in and who changed it last; nothing for visitors."""
        if not self.inside:
            return []
        names = people(self.session, [self.row.created_by, self.row.changed_by])
        made = f"{names.get(self.row.created_by or '', '') or _('系统')} {local(self.row.created_at):%Y-%m-%d %H:%M}"
        changed = f"{names.get(self.row.changed_by or '', '') or _('系统')} {local(self.row.changed_at):%Y-%m-%d %H:%M}"
        source = str(Source(self.row.source).label) if self.row.source else _("未知")
        return [(_("登记"), made), (_("最近修改"), changed), (_("来源"), source)]

    # rights ---------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the record can still be changed."""
        return self.row.voided_at is None

    @property
    def may_edit(self) -> bool:
        """Whether the reader may change some field."""
        return self.live and self.scope.may(self.cls, Verb.EDIT) and bool(self.scope.writable(self.cls, self.values))

    @property
    def may_void(self) -> bool:
        """Whether the reader may void the record."""
        return self.live and self.scope.may(self.cls, Verb.VOID) and self.scope.refuses_void(self.cls, self.values) is None

    @property
    def may_attach(self) -> bool:
        """Whether the reader may add files."""
        return self.live and may_attach(self.scope, self.cls, self.values)

    # files ----------------------------------------------------------------------------------

    #: kinds that the page shows in a dialog
    showable = SHOWABLE
    #: kinds that may be uploaded, as a file button takes them
    accepted = ",".join(f".{kind}" for kind in TYPES)
    kinds_of_files = listed(kind for kind in TYPES if kind != "jpeg")

    @property
    def refusals(self) -> dict[str, Text]:
        """Why the browser does not even send a file, in the server's words; {name} is put in there."""
        return {"kind": wrong_kind(), "empty": empty_file("{name}"), "size": too_large(current_app.config["UPLOAD_MEGABYTES"])}

    def file_fields(self) -> list[tuple[str, str]]:
        """The kinds of files that the register names."""
        return [(each.key, str(each.label)) for each in self.readable if each.format.name == "file"]

    # children -------------------------------------------------------------------------------

    def tables(self) -> list[Kind]:
        """The children, one table for each kind."""
        return [self._table(kind) for kind in self.kinds]

    def _table(self, kind: type[Child]) -> Kind:
        own: Any = kind
        rows: Sequence[Record] = self.session.scalars(sa.select(own).where(own.parent_id == self.row.id, own.voided_at.is_(None)).order_by(own.id)).all()
        listed = self._listed(kind)
        self.lookup.prepare_rows(rows, listed)
        lines = [self.line(row) for row in rows]
        return Kind(kind.__key__, str(kind.__title__), [str(each.label) for each in listed], lines, self._writable(kind))

    def line(self, child: Record) -> Line:
        """A child as a line of its table."""
        kind: Any = type(child)
        cells = [self._shown(each, getattr(child, each.attr)) for each in self._listed(kind)]
        return Line(kind.__key__, child, cells, self._writable(kind))

    def _listed(self, kind: type[Child]) -> list[Field]:
        readable = self.scope.readable(kind)
        return [each for each in readable if each.listed] or readable[:5]

    def _writable(self, kind: type[Child]) -> bool:
        return self.live and self.scope.may(self.cls, Verb.EDIT) and self.scope.refuses_child(kind, self.values) is None

    def address(self, page: str, **arguments: Any) -> str:
        """The address of another page of this record."""
        return link_to(self.cls, page, pk=self.row.id, **arguments)
