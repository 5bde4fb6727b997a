"""The list of a register: columns, filters with their chips, order, pages. Everything out of the declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app import masking
from app.fields import Field
from app.formats import Choice, Choices, Link, StateOf, YesNo
from app.language import _
from app.lookup import DatabaseLookup
from app.queries import PAGE_SIZES, Filter, Listing, filterable, read_listing
from app.register import Register, field_map
from app.registry import find as find_register
from app.roles import Verb
from app.scopes import Scope, scope_of
from views.cells import CellRights
from views.forms import MOST_OPTIONS
from views.pages import link_to

Arguments = dict[str, list[str]]


@dataclass
class Control:
    """One control of the filter bar."""

    name: str
    label: str
    kind: str  # select, remote, range, text
    options: list[tuple[str, str]] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    source: str = ""
    start: str = ""
    end: str = ""


@dataclass(frozen=True)
class Chip:
    """A filter in force: what it says, and the list without it."""

    text: str
    without: str


@dataclass(frozen=True)
class Column:
    """A column's head."""

    field: Field
    #: the list ordered by this column; empty where that makes no sense
    order: str = ""
    sorted: str = ""  # ascending, descending


@dataclass
class Line:
    """A row of the list."""

    id: int
    link: str
    cells: list[str]
    voided: bool
    version: int = 0
    #: the fields whose cells the reader may change
    editable: frozenset[str] = frozenset()


class ListPage:
    """What one person sees of a register's list with these arguments."""

    def __init__(self, session: Session, cls: type[Register], arguments: Arguments) -> None:
        self.session = session
        self.cls = cls
        self.arguments = {name: values for name, values in arguments.items() if name != "page"}
        self.scope: Scope = scope_of(session)
        self.lookup = DatabaseLookup(session)
        self.listing: Listing = read_listing(session, cls, arguments, self.lookup)
        self.asked = filterable(self.scope, cls)
        self.fields = self._columns()
        self.lookup.prepare([*self.fields, *self._filtered()])
        self.count = self.listing.count(session)
        self.rights = CellRights(self.scope, cls, self.fields, self.lookup)

    def _columns(self) -> list[Field]:
        readable = self.scope.readable(self.cls)
        listed = [declared for declared in readable if declared.listed]
        return listed or readable[:4]

    def _filtered(self) -> list[Field]:
        return [declared for declared in self.asked.values() if declared.filtered]

    # addresses ------------------------------------------------------------------------------

    def _address(self, change: Arguments) -> str:
        kept = {name: values for name, values in {**self.arguments, **change}.items() if any(values)}
        query = urlencode([(name, value) for name, values in kept.items() for value in values if value])
        return link_to(self.cls, "list") + (f"?{query}" if query else "")

    def query(self) -> str:
        """The arguments in force, for the export of the same list."""
        return urlencode([(name, value) for name, values in self.arguments.items() for value in values if value and name != "size"])

    # parts ----------------------------------------------------------------------------------

    def columns(self) -> list[Column]:
        """The heads of the columns."""
        heads = []
        for declared in self.fields:
            if declared.key not in self.asked or isinstance(declared.format, Choices):
                heads.append(Column(declared))
                continue
            mine = self.listing.order == declared.key
            back = mine and not self.listing.descending
            state = ("descending" if self.listing.descending else "ascending") if mine else ""
            heads.append(Column(declared, self._address({"sort": [f"-{declared.key}" if back else declared.key]}), state))
        return heads

    def lines(self) -> list[Line]:
        """The rows of the page; the names behind links are read in bulk."""
        rows = self.listing.rows(self.session)
        self.lookup.prepare_rows(rows, self.fields)
        return [self._line(row) for row in rows]

    def _line(self, row: Any) -> Line:
        cells = [masking.shown(self.scope, declared, getattr(row, declared.attr), self.lookup) for declared in self.fields]
        return Line(row.id, link_to(self.cls, "show", pk=row.id), cells, row.voided_at is not None, row.row_version, self.rights.keys(row))

    def chips(self) -> list[Chip]:
        """The filters in force."""
        found = [self._chip(each) for each in self.listing.filters]
        if self.listing.search:
            found.insert(0, Chip(_("含“%(text)s”", text=self.listing.search), self._address({"q": []})))
        if self.listing.voided:
            found.append(Chip(_("包括已作废"), self._address({"voided": []})))
        return found

    def _chip(self, each: Filter) -> Chip:
        label, fmt = str(each.field.label), each.field.format
        if each.kind == "empty":
            text = _("%(label)s：未填", label=label) if each.values[0] else _("%(label)s：已填", label=label)
        elif each.kind == "like":
            text = _("%(label)s含“%(text)s”", label=label, text="、".join(each.raw))
        else:
            values = "、".join(fmt.show([value] if isinstance(fmt, Choices) else value, self.lookup) for value in each.values)
            sign = {"from": "≥ ", "to": "≤ ", "over": "> ", "under": "< "}.get(each.kind, "")
            text = _("%(label)s：%(value)s", label=label, value=sign + (values or _("未填")))
        name = f"f.{each.field.key}"
        names = (name, f"{name}.any") if each.kind == "any" else (f"{name}.{each.kind}",)
        return Chip(text, self._address({name: [] for name in names}))

    def controls(self) -> list[Control]:
        """The filter bar."""
        return [self._control(declared) for declared in self._filtered()]

    def _control(self, declared: Field) -> Control:
        name, label, fmt = f"f.{declared.key}", str(declared.label), declared.format
        chosen = self.arguments.get(name, [])
        if isinstance(fmt, Link):
            target = find_register(fmt.register)
            source = link_to(target, "lookup") if target and self.scope.may(target, Verb.READ) and self.scope.actor.username else ""
            return Control(name, label, "remote" if source else "text", [(text, text) for text in chosen], chosen, source)
        options = self._options(declared)
        if options and len(options) <= MOST_OPTIONS:
            known = {value for value, _label in options}
            return Control(name, label, "select", options + [(text, text) for text in chosen if text not in known], chosen)
        if options:
            source = link_to(self.cls, "words", field=declared.key)
            return Control(name, label, "remote", [(text, text) for text in chosen], chosen, source)
        if fmt.ordered:
            return Control(name, label, "range", start=self._one(f"{name}.from"), end=self._one(f"{name}.to"))
        return Control(f"{name}.like", label, "text", chosen=self.arguments.get(f"{name}.like", []))

    def _options(self, declared: Field) -> list[tuple[str, str]]:
        fmt = declared.format
        if isinstance(fmt, StateOf):
            return fmt.options()
        if isinstance(fmt, YesNo):
            return [("是", _("是")), ("否", _("否"))]
        return fmt.options(self.lookup) if isinstance(fmt, Choice) else []

    def _one(self, name: str) -> str:
        return (self.arguments.get(name) or [""])[0]

    # pages ----------------------------------------------------------------------------------

    @property
    def pages(self) -> int:
        """How many pages there are, one at least."""
        return max(1, -(-self.count // self.listing.size))

    def pager(self) -> list[tuple[str, str]]:
        """Numbers of pages with their addresses: the first, the last, those near; "" stands for a gap."""
        here = min(self.listing.page, self.pages)
        near = sorted({1, self.pages, *range(max(1, here - 2), min(self.pages, here + 2) + 1)})
        found: list[tuple[str, str]] = []
        for before, number in zip([0, *near], near, strict=False):
            if number - before > 1:
                found.append(("", ""))
            found.append((str(number), self._address({"page": [str(number)]})))
        return found

    def step(self, by: int) -> str:
        """The address of the page before or after; empty at the ends."""
        number = min(self.listing.page, self.pages) + by
        return self._address({"page": [str(number)]}) if 1 <= number <= self.pages else ""

    def sizes(self) -> Sequence[tuple[int, str]]:
        """The page sizes on offer."""
        return [(size, self._address({"size": [str(size)]})) for size in PAGE_SIZES]

    @property
    def searched(self) -> str:
        """What the search box looks into."""
        return "、".join(str(declared.label) for declared in self.listing.searched)

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Arguments that the filter form must carry along."""
        shown = {control.name for control in self.controls()} | {"q", "voided"}
        shown |= {f"{control.name}{tail}" for control in self.controls() if control.kind == "range" for tail in (".from", ".to")}
        return [(name, value) for name, values in self.arguments.items() if name not in shown for value in values if value]


def label_of(cls: type[Register], row: Any) -> str:
    """What people call a record."""
    declared = field_map(cls)[cls.__label__]
    return str(getattr(row, declared.attr) or f"#{row.id}")
