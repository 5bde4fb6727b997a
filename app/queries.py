"""What a list asks: filters, search, order and page out of untrusted arguments.

Pages, REST, export and bulk actions read the same arguments here, so that they mean the same and
none of them filters or orders by what the reader may not see: a mask would be worth nothing if one
could sort by the value behind it.

    f.kind=安全评价&f.kind=检测检验     any of these
    f.valid_to.from=2026-01-01&f.valid_to.to=2026-12-31
    f.staff.over=10&f.staff.under=50    without the bounds themselves
    f.name.like=承德                     part of a text
    f.website.empty=1                   nothing written (0: something written)
    f.valid_to.within=next90            a stretch of time that moves with the day
    q=承德&sort=-name&page=2&size=25&voided=1
    after=812 | before=812 | last=1     the rows behind, in front of a record; the end of the list
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fields import Field
from app.formats import Choices, Day, FormatError, Lookup, Moment, line
from app.language import Text, _l
from app.periods import PERIODS, moment
from app.register import Record, field_map
from app.scopes import Scope, scope_of
from app.search.find import Find, found

PAGE_SIZES = (10, 25, 50, 100)
MOST_IDS = 1000


class QueryError(ValueError):
    """An argument that makes no sense; the message says which."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True)
class Filter:
    """One filter in force: for the condition, and for the chip that shows it."""

    field: Field
    kind: str  # any, from, to, over, under, like, within, empty
    values: tuple[Any, ...]
    raw: tuple[str, ...]


@dataclass
class Listing:
    """What somebody wants to see of a register."""

    cls: type[Record]
    filters: list[Filter] = field(default_factory=list)
    search: str = ""
    order: str = ""
    descending: bool = False
    page: int = 1
    #: instead of a page's number: the record behind or in front of which the page lies, or the end
    after: int = 0
    before: int = 0
    last: bool = False
    size: int = 25
    voided: bool = False
    #: the fields that the search looks into: those the reader sees in clear
    searched: tuple[Field, ...] = ()
    #: what the search asks of a record, one for each word
    finds: list[Find] = field(default_factory=list)

    def conditions(self, *, some: bool = False) -> list[sa.ColumnElement[bool]]:
        """The tests on the register's columns; the session adds the reader's scope. `some`: of words with many hits only some."""
        tests: list[sa.ColumnElement[bool]] = [] if self.voided else [self.cls.voided_at.is_(None)]
        tests += [_condition(self.cls, each) for each in self.filters]
        return tests + [each.test if each.some is None or not some else each.some for each in self.finds]

    def statement(self) -> sa.Select[Any]:
        """Every matching record, in order."""
        return sa.select(self.cls).where(*self.conditions()).order_by(*self.ordering())

    def ordering(self) -> list[Any]:
        """The order asked for, then newest first, so that pages never overlap."""
        by = []
        if self.order:
            column = getattr(self.cls, field_map(self.cls)[self.order].attr)
            by = [column.desc().nulls_last() if self.descending else column.asc().nulls_last()]
        return [*by, self.cls.id.desc()]

    def count(self, session: Session) -> int:
        """How many records match, within the reader's scope."""
        return session.scalar(sa.select(sa.func.count(self.cls.id)).where(*self.conditions())) or 0

    def rows(self, session: Session) -> Sequence[Any]:
        """The records of the page."""
        return session.scalars(self.statement().limit(self.size).offset((self.page - 1) * self.size)).all()


def filterable(scope: Scope, cls: type[Record]) -> dict[str, Field]:
    """The fields that the reader may filter and order by: those read in clear."""
    return {declared.key: declared for declared in scope.readable(cls) if scope.clear(declared) and not declared.sensitive}


def read_listing(session: Session, cls: type[Record], args: Mapping[str, Sequence[str]], lookup: Lookup) -> Listing:
    """Understand the arguments of a list; QueryError names the one that makes no sense."""
    allowed = filterable(scope_of(session), cls)
    listing = Listing(cls, searched=tuple(each for each in allowed.values() if each.search))
    for name, raw in args.items():
        if name.startswith("f."):
            each = read_filter(cls, allowed, name, [text for text in raw if text != ""], lookup)
            if each:
                listing.filters.append(each)
    listing.search = line(_one(args, "q"))[:100]
    listing.finds = found(session, cls, listing.search)
    order = _one(args, "sort")
    if order:
        listing.order, listing.descending = order.removeprefix("-"), order.startswith("-")
        if listing.order not in allowed or isinstance(allowed[listing.order].format, Choices):
            raise QueryError(_l("不能按“%(name)s”排序", name=listing.order[:40]))
    listing.page = _whole(args, "page", 1, 1_000_000)
    listing.after, listing.before = (_whole(args, name, 0, 999_999_999) for name in ("after", "before"))
    listing.last = _one(args, "last") == "1"
    listing.size = _whole(args, "size", 25, 100)
    listing.voided = _one(args, "voided") == "1"
    return listing


def _one(args: Mapping[str, Sequence[str]], name: str) -> str:
    values = args.get(name) or [""]
    return values[0].replace("\x00", "")


def _whole(args: Mapping[str, Sequence[str]], name: str, default: int, most: int) -> int:
    text = _one(args, name)
    if not text:
        return default
    if not text.isdecimal() or not text.isascii() or len(text) > 9 or not 1 <= int(text) <= most:
        raise QueryError(_l("“%(name)s”应为 1 到 %(most)s 的整数", name=name, most=most))
    return int(text)


def read_ids(raw: Sequence[str]) -> list[int]:
    """The numbers of ticked records, each once; QueryError when one of them is no number."""
    if len(raw) > MOST_IDS or not all(re.fullmatch(r"[0-9]{1,9}", text) for text in raw):
        raise QueryError(_l("勾选的记录编号不对"))
    return [int(text) for text in dict.fromkeys(raw)]


#: kinds of filter beside "any of these", and whether they need an order
_KINDS = {"any": False, "from": True, "to": True, "over": True, "under": True, "within": True, "empty": False, "like": False}


def read_filter(cls: type[Record], allowed: Mapping[str, Field], name: str, raw: Sequence[Any], lookup: Lookup) -> Filter | None:
    """Understand one filter, `f.key` or `f.key.kind`; None when nothing was written."""
    if not raw:
        return None
    key, _dot, kind = name.removeprefix("f.").partition(".")
    kind = kind or "any"
    declared = allowed.get(key)
    if declared is None or not _fits(cls, declared, kind):
        raise QueryError(_l("没有“%(name)s”这个筛选条件", name=name[:60]))
    if kind == "empty":
        return Filter(declared, kind, (raw[0] != "0",), tuple(raw))
    if kind == "within":
        return _within(declared, str(raw[0]), lookup)
    try:
        values = [line(text) if kind == "like" else declared.format.parse(text, lookup) for text in raw]
    except FormatError as error:
        raise QueryError(_l("筛选条件“%(label)s”：%(why)s", label=declared.label, why=error.message)) from None
    flat = [part for value in values for part in (value if isinstance(value, list) else [value])]
    known = tuple(value for value in flat if value is not None)
    return Filter(declared, kind, known, tuple(raw)) if known or kind == "any" else None


def _within(declared: Field, name: str, lookup: Lookup) -> Filter:
    """A stretch of time as its bounds, seen from the day of the lookup."""
    if name not in PERIODS:
        raise QueryError(_l("“%(label)s”的时间段不对，可选：%(all)s", label=declared.label, all="、".join(str(each.label) for each in PERIODS.values())))
    start, end = PERIODS[name].bounds(lookup.today)
    if isinstance(declared.format, Moment):
        return Filter(declared, "within", (start and moment(start), end and moment(end, end=True)), (name,))
    return Filter(declared, "within", (start, end), (name,))


def _fits(cls: type[Record], declared: Field, kind: str) -> bool:
    """Whether a field can be asked this way: an order for ranges, letters for parts of a text, days for stretches of time."""
    if kind == "like":
        return isinstance(getattr(cls, declared.attr).type, sa.String)
    if kind == "within":
        return isinstance(declared.format, (Day, Moment))
    return kind in _KINDS and (declared.format.ordered or not _KINDS[kind])


def _condition(cls: type[Record], each: Filter) -> sa.ColumnElement[bool]:
    test: sa.ColumnElement[bool] = _test(getattr(cls, each.field.attr), each)
    return test


def _test(column: Any, each: Filter) -> Any:
    if each.kind == "empty":
        return column.is_(None) if each.values[0] else column.is_not(None)
    if each.kind == "within":
        start, end = each.values
        return sa.and_(*([column >= start] if start else []), *([column <= end] if end else []))
    if each.kind == "from":
        return column >= each.values[0]
    if each.kind == "to":
        return column <= each.values[0]
    if each.kind == "over":
        return column > each.values[0]
    if each.kind == "under":
        return column < each.values[0]
    if each.kind == "like":
        return sa.or_(*(column.icontains(text, autoescape=True) for text in each.values))
    if isinstance(each.field.format, Choices):
        return sa.or_(sa.false(), *(holds(column, code) for code in each.values))
    return column.in_(each.values)


def holds(column: sa.ColumnElement[Any], code: str) -> sa.ColumnElement[bool]:
    """Whether a column of several codes holds one of them; the quotes of JSON mark where a code ends."""
    return sa.cast(column, sa.Text).contains(json.dumps(code, ensure_ascii=False), autoescape=True)
