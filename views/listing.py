"""The list of a register: columns, chips, rows, totals, views. Everything out of the declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import abort
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from app.fields import Field
from app.formats import Choices, Number
from app.language import _, listed
from app.lookup import DatabaseLookup
from app.paging import Slice, Tally, reachable, read_slice, tally
from app.queries import PAGE_SIZES, Listing, filterable, read_listing
from app.register import Register
from app.saved_views import Arguments, View, kept, opened, read_views, written
from app.scopes import Scope, scope_of
from views.cell_edit import CellRights
from views.cells import Painter, heading, openings, style_of
from views.chips import saying, sent_as
from views.filters import Filters
from views.pager import Pager
from views.pages import link_to

_LINK = Markup('<a href="%s%s">%s</a>')
_VOIDED = Markup(' <span class="badge bg-secondary-lt">{}</span>')
_NUMBER = Markup("#%s")
_PLAIN = Markup('<td class="ys-first">')


@dataclass(frozen=True)
class Chip:
    """A filter in force: what it says, and the list without it."""

    text: str
    without: str


@dataclass(frozen=True)
class Column:
    """A column's head."""

    key: str
    label: str
    style: str
    #: the list ordered by this column; empty where that makes no sense
    order: str = ""
    sorted: str = ""  # ascending, descending


@dataclass(frozen=True)
class Line:
    """A row of the list."""

    id: int
    version: int
    name: str
    voided: bool
    #: all of them, with their tags: pieces of a page have their price, and these are most of them
    cells: Markup


class ListPage:
    """What one person sees of a register's list with these arguments."""

    def __init__(self, session: Session, cls: type[Register], arguments: Arguments) -> None:
        self.session = session
        self.cls = cls
        self.scope: Scope = scope_of(session)
        self.lookup = DatabaseLookup(session)
        self.home = link_to(cls, "list")
        self.views = read_views(session, cls)
        self.notes: list[str] = []
        self.view: View | None = None
        self.arguments = self._arguments(arguments)
        place: Arguments = {name: arguments[name] for name in ("page", "after", "before", "last") if name in arguments}
        self.listing: Listing = read_listing(session, cls, self.arguments | place, self.lookup)
        self.asked = filterable(self.scope, cls)
        self.fields = self._fields()
        self.filters = Filters(cls, self.scope, self.lookup, self.asked.values(), self.arguments)
        self.lookup.prepare([*self.fields, *self.filters.sight, *(each.field for each in self.listing.filters)])
        self.rights = CellRights(self.scope, cls, self.fields[1:], self.lookup)

    def _arguments(self, asked: Arguments) -> Arguments:
        """What was asked for, or what the view in force keeps; a view without rights to it is said, not shown."""
        number = (asked.get("view") or asked.get("of") or [""])[0]
        if not asked and self.views.opens:
            number = str(self.views.opens) if self.views.find(self.views.opens) else ""
        self.view = self.views.find(int(number)) if number.isdecimal() and len(number) < 10 else None
        if "view" in asked and self.view is None and number != "0":
            abort(404, _("没有这个视图，或者它没有共享给您的股室。"))
        self.derived = self.view is None or ("view" not in asked and bool(asked))
        if self.view is None or self.derived:
            return kept(asked)
        arguments, lost = opened(self.session, self.cls, self.view, self.lookup)
        if lost:
            self.notes.append(_("视图里有些条件对您不适用，已略去：%(labels)s", labels=listed(dict.fromkeys(lost))))
        return arguments

    def _fields(self) -> list[Field]:
        readable = self.scope.readable(self.cls)
        known = {declared.key: declared for declared in readable}
        chosen = (self.view.columns if self.view else ()) or self.views.columns
        if self.view and set(self.view.columns) - known.keys():
            self.notes.append(_("视图里有些列您无权查看，已略去"))
        found = [known[key] for key in chosen if key in known]
        return found or standard(readable)

    # addresses ------------------------------------------------------------------------------

    def _tail(self) -> list[tuple[str, Any]]:
        """What keeps an address from opening something else: the view it comes from."""
        return [("of", self.view.id)] if self.view else []

    def address(self, change: Arguments | None = None, **place: int) -> str:
        """The list with some arguments changed, at some page."""
        arguments = kept({**self.arguments, **(change or {})})
        pairs: list[tuple[str, Any]] = [(name, value) for name, values in arguments.items() for value in values]
        pairs += [*self._tail(), *place.items()]
        if not pairs and self.views.opens:
            pairs = [("view", 0)]
        return f"{self.home}?{urlencode(pairs)}" if pairs else self.home

    @cached_property
    def here(self) -> str:
        """The address of what is shown."""
        place = {name: value for name in ("after", "before") if (value := getattr(self.listing, name))}
        if self.listing.last:
            place["last"] = 1
        if self.listing.page > 1:
            place["page"] = self.listing.page
        return self.address(None, **place)

    @property
    def tail(self) -> str:
        """The arguments of what is shown, as they stand in its address."""
        return self.here.partition("?")[2]

    def tool(self, name: str) -> str:
        """The address of a page beside the list that takes the same arguments."""
        tail = self.tail
        return self.home.removesuffix("list/") + name + (f"?{tail}" if tail else "")

    @property
    def saved(self) -> str:
        """The arguments in force, as a view keeps them."""
        return written(self.arguments)

    @property
    def plain(self) -> str:
        """The list without any condition."""
        return f"{self.home}?view=0" if self.views.opens else self.home

    def query(self) -> str:
        """The arguments in force, for the export of the same list."""
        return written({name: values for name, values in self.arguments.items() if name != "size"})

    @property
    def hidden(self) -> list[tuple[str, Any]]:
        """What the filter form must carry along beside the filters."""
        own = [(name, self.arguments[name][0]) for name in ("sort", "size") if name in self.arguments]
        return own + (self._tail() or ([("of", 0)] if self.views.opens else []))

    # parts ----------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        """Whether the list is no longer what the view in force keeps."""
        return self.view is not None and self.derived and written(self.arguments) != self.view.query

    @property
    def keys(self) -> str:
        """The keys of the columns, as views keep them."""
        return ",".join(declared.key for declared in self.fields)

    def columns(self) -> list[Column]:
        """The heads of the columns."""
        pairs = [(name, value) for name, values in self.arguments.items() if name != "sort" for value in values] + self._tail()
        base = f"{self.home}?{urlencode(pairs)}{'&' if pairs else ''}sort="
        return [self._head(declared, base) for declared in self.fields]

    def _head(self, declared: Field, base: str) -> Column:
        facts = (declared.key, heading(declared), style_of(declared.format))
        if declared.key not in self.asked or isinstance(declared.format, Choices):
            return Column(*facts)
        mine = self.listing.order == declared.key
        state = ("descending" if self.listing.descending else "ascending") if mine else ""
        return Column(*facts, f"{base}{'-' if state == 'ascending' else ''}{declared.key}", state)

    @cached_property
    def found(self) -> Slice:
        """The rows of the page; the names behind links are read in bulk."""
        if not self.reached:
            return Slice(())
        found = read_slice(self.session, self.listing, [*self.fields, *self.rights.beside])
        self.lookup.prepare_rows(found.rows, self.fields)
        return found

    @property
    def reached(self) -> bool:
        """Whether the page asked for by number lies within what is counted."""
        return reachable(self.listing)

    @cached_property
    def tally(self) -> Tally:
        """How many records match; read only where the page does not show it."""
        whole = not (self.found.earlier or self.found.later) and self.listing.page == 1
        summed = self._summed() if self.found.rows else []
        return Tally(len(self.found.rows)) if whole and not summed else tally(self.session, self.listing, summed)

    def _summed(self) -> list[Field]:
        return [declared for declared in self.fields if isinstance(declared.format, Number) and declared.format.adds_up and declared.key in self.asked]

    @cached_property
    def count(self) -> str:
        """How many records match, in words."""
        return _("共 %(count)s+ 条", count=self.tally.most) if self.tally.capped else _("共 %(count)s 条", count=self.tally.count)

    @cached_property
    def pager(self) -> Pager:
        """The way to other pages."""
        return Pager(self.listing, self.found, self.tally, lambda **place: self.address(None, **place))

    def lines(self) -> list[Line]:
        """The rows of the page."""
        painters = [(each, *tags, Painter(self.scope, each, self.lookup)) for each, tags in zip(self.fields, self._tags, strict=True)]
        base, voided = self.home.removesuffix("list/") + "show/", _VOIDED.format(_("已作废"))
        return [self._line(row, painters, base, voided) for row in self.found.rows]

    def _line(self, row: Any, painters: Sequence[tuple[Field, Markup, Markup, Painter]], base: str, voided: Markup) -> Line:
        values = row._mapping  # noqa: SLF001 - SQLAlchemy's name
        gone = values["voided_at"] is not None
        mine = self.rights.keys(values)
        cells = [paint(values[each.attr]) for each, _tag, _open, paint in painters] or [_NUMBER % row.id]
        name = cells[0].striptags()
        cells[0] = _LINK % (base, row.id, cells[0]) + (voided if gone else "")
        tags = [open_tag if each.key in mine else tag for each, tag, open_tag, _paint in painters] or [_PLAIN]
        return Line(row.id, row.row_version, name, gone, _row(tags, cells))

    @cached_property
    def _tags(self) -> list[tuple[Markup, Markup]]:
        return [openings(declared, first=not place) for place, declared in enumerate(self.fields)]

    def totals(self) -> Markup:
        """The row under the table: sums over all matching records, where that means something."""
        sums = self.tally.sums
        if not sums or len(self.found.rows) + (self.listing.page > 1) < 2:
            return Markup()
        first, *others = [self._sum(declared, sums.get(declared.key)) for declared in self.fields]
        return _row([tag for tag, _editable in self._tags], [escape(_("合计 %(sum)s", sum=first) if first else _("合计")), *map(escape, others)])

    @staticmethod
    def _sum(declared: Field, value: Any) -> str:
        return "" if value is None or not isinstance(declared.format, Number) else declared.format.show(value)

    # chips ----------------------------------------------------------------------------------

    def chips(self) -> list[Chip]:
        """The filters in force."""
        found = [Chip(saying(each, self.lookup), self.address({name: [] for name in sent_as(each)})) for each in self.listing.filters]
        if self.listing.search:
            found.insert(0, Chip(_("含“%(text)s”", text=self.listing.search), self.address({"q": []})))
        if self.listing.voided:
            found.append(Chip(_("包括已作废"), self.address({"voided": []})))
        return found

    def sizes(self) -> Sequence[tuple[int, str]]:
        """The page sizes on offer."""
        return [(size, self.address({"size": [str(size)]})) for size in PAGE_SIZES]

    @property
    def searched(self) -> str:
        """What the search box looks into."""
        return listed(declared.label for declared in self.listing.searched)


def _row(tags: Sequence[Markup], cells: Sequence[Markup]) -> Markup:
    return Markup("".join(f"{tag}{cell}</td>" for tag, cell in zip(tags, cells, strict=True)))  # noqa: S704 - all are markup already; escaping them once more takes longer than the rest


def standard(readable: Sequence[Field]) -> list[Field]:
    """The register's own columns, of those that the reader may see."""
    return [declared for declared in readable if declared.listed] or list(readable[:4])
