"""Rows of a table become values: read column by column, each distinct text once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.formats import Choice, Doubt, FormatError, Link, Reading, symbols
from app.formats.base import line
from app.language import Text, _l
from app.lookup import DatabaseLookup
from app.register import Child
from imports import ticks
from imports.answers import reading_with
from imports.cells import CellError, is_empty
from imports.columns import Cells, Found, broken, left_out, read_column, read_one
from imports.decisions import Answer
from imports.matching import State
from imports.table import Column, Table
from imports.targets import Target

_PIECES = re.compile(r"[、/／；;,，\n]+")


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong or doubtful at one cell, named as Excel shows it."""

    sheet: str
    row: int
    column: str
    field: str
    code: str
    message: Text

    def to_json(self) -> dict[str, object]:
        """As the command line reports it."""
        return {"sheet": self.sheet, "row": self.row, "column": self.column, "field": self.field, "code": self.code, "message": str(self.message)}


@dataclass(slots=True)
class ChildRow:
    """What a row says of one child."""

    cls: type[Child]
    number: int
    values: dict[str, Any]
    raws: dict[str, object]


@dataclass(slots=True)
class Row:
    """What a row says: the record's fields that are filled in, its children, what is wrong with it."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    raws: dict[str, object] = field(default_factory=dict)
    children: list[ChildRow] = field(default_factory=list)
    errors: list[Issue] = field(default_factory=list)
    doubts: list[Issue] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)


def read(table: Table, lookup: DatabaseLookup) -> list[Row]:
    """The rows of a table as values; nothing is asked of the database row by row."""
    return Reader(table, lookup).read()


@dataclass(frozen=True)
class _Feed:
    """A column that feeds a field."""

    column: Column
    target: Target

    def issue(self, sheet: str, row: Row, code: str, message: Text) -> Issue:
        return Issue(sheet, row.number, self.column.heading, self.target.name, code, message)


class Reader:
    """Reads one table."""

    def __init__(self, table: Table, lookup: DatabaseLookup) -> None:
        self.table = table
        self.lookup = lookup
        self.rows = [Row(number) for number in table.numbers]
        self.feeds = [_Feed(column, column.target) for column in table.columns if column.target and not column.hidden]
        #: for each kind of child, the children that each row makes
        self.answers: dict[str, dict[str, Answer]] = {}
        #: filled cells without a value (a word that somebody left out): they say nothing, and clear nothing either
        self.silent: list[tuple[type[Child] | None, int, str, object]] = []
        self.nests: dict[type[Child], list[list[ChildRow]]] = {feed.target.child: [[] for _ in self.rows] for feed in self.feeds if feed.target.child}

    def read(self) -> list[Row]:
        """Column by column; fields that make one child row each come last, since they copy what stands beside them."""
        self.lookup.prepare(feed.target.field for feed in self.feeds)
        asking = [feed.target for feed in self.feeds if isinstance(feed.target.field.format, (Choice, Link))]
        self.answers = {target.name: self.table.answers.of(target, self.lookup) for target in asking}
        spills: list[tuple[_Feed, Cells]] = []
        own: dict[str, list[Any]] = {}
        self._tick()
        columns = list(zip(*self.table.rows, strict=False))  # what stands beyond the header belongs to no column
        for feed in sorted((feed for feed in self.feeds if not feed.column.word), key=lambda feed: feed.target.field.one_row_each):
            raws = columns[feed.column.place] if columns else ()
            if feed.target.field.one_row_each and feed.target.child:
                self._split(feed, feed.target.child, raws)
                continue
            found = read_column(feed.target, raws, self.lookup, self.answers.get(feed.target.name, {}), self.table.known[feed.target.name])
            self._enter(feed, found, raws)
            if feed.target.child is None:
                own[feed.target.field.key] = found.values
            if feed.target.field.spill_key:
                spills.append((feed, found))
        self._put_together(own)
        for feed, found in spills:
            self._spill(feed, found)
        for child, place, key, raw in self.silent:
            for home in self.nests[child][place] if child else [self.rows[place]]:
                home.raws.setdefault(key, raw)
        for groups in self.nests.values():
            for row, group in zip(self.rows, groups, strict=True):
                row.children += group
        return self.rows

    def _put_together(self, own: Mapping[str, list[Any]]) -> None:
        """The record's values from its columns."""
        keys = tuple(own)
        for row, values in zip(self.rows, zip(*own.values(), strict=True), strict=True) if keys else ():
            said = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
            row.values = {**row.values, **said} if row.values else said

    def _enter(self, feed: _Feed, found: Cells, raws: Sequence[object]) -> None:
        """What the cells of a column say beside the values of the record itself."""
        key, child = feed.target.field.key, feed.target.child
        if child is not None:
            for place, value in enumerate(found.values):
                if value is not None:
                    self._home(child, place).values[key] = value
                elif place in found.odd:
                    self._home(child, place)
        if self.table.answers.decisions.clears:
            silent = ((place, raw) for place, raw in enumerate(raws) if found.values[place] is None and not is_empty(raw))
            self.silent += [(child, place, key, raw) for place, raw in silent]
        if feed.target.field.sensitive:  # it may be a mask that comes back
            for place, raw in enumerate(raws):
                if found.values[place] is not None or place in found.odd:
                    self._home(child, place).raws[key] = raw
        for place, reading in found.odd.items():
            if isinstance(reading, FormatError):
                self._refuse(feed, self.rows[place], reading)
            elif reading.doubts:
                self._doubts(feed, place, reading)

    def _refuse(self, feed: _Feed, row: Row, error: FormatError) -> None:
        """A cell that is wrong; a name that only comes near a stored one is asked about, like a word that nobody knows."""
        code, message, fmt = error.code, error.message, feed.target.field.format
        if code == "unknown_record" and isinstance(fmt, Link) and error.words:
            alike = self.table.questions.namesakes(self.lookup).called_alike(fmt.register, error.words[0])
            if alike:
                code = "confirm_match"
                message = _l("没有找到“%(text)s”，名称相近的有“%(names)s”，请确认是不是同一家，或改正名称", text=error.words[0][:60], names=alike)
        row.errors.append(feed.issue(self.table.sheet, row, code, message))
        self.table.questions.note(feed.target, feed.column.heading, row.number, code, error.words)

    def _tick(self) -> None:
        """Columns that tick the words of one list together make its value."""
        groups: dict[str, list[_Feed]] = {}
        for feed in self.feeds:
            if feed.column.word:
                groups.setdefault(feed.target.name, []).append(feed)
        for name, feeds in groups.items():
            lookup = reading_with(self.lookup, self.answers.get(name, {}))
            meant = [left_out(read_one(feed.target, feed.column.word, lookup)) for feed in feeds]
            for place, (cells, row) in enumerate(zip(self.table.rows, self.rows, strict=True)):
                self._ticked(feeds, meant, place, cells, row)

    def _ticked(self, feeds: Sequence[_Feed], meant: Sequence[Found], place: int, cells: Sequence[object], row: Row) -> None:
        values: list[Any] = []
        for feed, reading in zip(feeds, meant, strict=True):
            raw = cells[feed.column.place]
            try:
                if isinstance(raw, CellError):
                    raise broken(raw)
                if not ticks.ticked(raw, feed.column.word):
                    continue
            except FormatError as error:
                self._refuse(feed, row, error)
                continue
            if isinstance(reading, FormatError):
                self._refuse(feed, row, reading)
            elif reading is not None:
                values += reading.value or ()
                self._doubts(feed, place, reading)
        if values:
            first = feeds[0]
            self._home(first.target.child, place).values[first.target.field.key] = list(dict.fromkeys(values))

    def _home(self, child: type[Child] | None, place: int) -> Row | ChildRow:
        """Where a value belongs: the row's record, or its (first) child of that kind."""
        if child is None:
            return self.rows[place]
        group = self.nests[child][place]
        if not group:
            group.append(ChildRow(child, self.rows[place].number, {}, {}))
        return group[0]

    def _doubts(self, feed: _Feed, place: int, reading: Reading) -> None:
        row = self.rows[place]
        for doubt in reading.doubts:
            if not self._settled(feed, place, doubt):
                row.doubts.append(feed.issue(self.table.sheet, row, doubt.code, doubt.message))
                self.table.questions.note(feed.target, feed.column.heading, row.number, doubt.code, (doubt.word,) if doubt.word else ())
        if isinstance(feed.target.field.format, Choice):
            row.words += _new_words(feed.target, reading.value, self.lookup)

    def _settled(self, feed: _Feed, place: int, doubt: Doubt) -> bool:
        """Whether another cell of the row says what would settle the doubt."""
        others = (cell for spot, cell in enumerate(self.table.rows[place]) if spot != feed.column.place)
        return bool(doubt.unless) and any(isinstance(cell, str) and doubt.unless in symbols(cell) for cell in others)

    def _split(self, feed: _Feed, child: type[Child], raws: Sequence[object]) -> None:
        """文字、图解 in one cell makes two children, each with what else the row says of the child."""
        groups = self.nests[child]
        for place, (raw, row) in enumerate(zip(raws, self.rows, strict=True)):
            made = []
            base = groups[place][0] if groups[place] else ChildRow(child, row.number, {}, {})
            for piece in _pieces(feed.target, raw, self.lookup):
                reading = left_out(read_one(feed.target, piece, reading_with(self.lookup, self.answers.get(feed.target.name, {}))))
                if isinstance(reading, FormatError):
                    self._refuse(feed, row, reading)
                elif reading is not None:
                    key = feed.target.field.key
                    made.append(ChildRow(child, row.number, {**base.values, key: reading.value}, {**base.raws, key: piece}))
                    self._doubts(feed, place, reading)
            if made:
                groups[place] = made

    def _spill(self, feed: _Feed, found: Cells) -> None:
        """What else a cell held goes to the field that takes it, unless that has a value of its own."""
        child, key = feed.target.child, feed.target.field.spill_key
        for place, reading in found.odd.items():
            if isinstance(reading, Reading) and reading.rest is not None:
                homes: Sequence[Row | ChildRow] = self.nests[child][place] if child else [self.rows[place]]
                for home in homes:
                    home.values.setdefault(key, reading.rest)


def _pieces(target: Target, raw: object, lookup: DatabaseLookup) -> list[object]:
    """What a cell of several values holds; one word of the field's list stays whole."""
    if raw is None:
        return []
    fmt = target.field.format
    if not isinstance(raw, str) or (isinstance(fmt, Choice) and lookup.word(fmt.code_list, line(raw)) is not None):
        return [raw]
    return [piece for piece in _PIECES.split(raw) if not is_empty(piece)]


def heading_doubts(table: Table) -> list[Issue]:
    """The headings that only come near a field: tried, or left out until somebody says so; at the header's row."""
    doubts = []
    for column in table.columns:
        if column.state is not State.DOUBTFUL or column.proposal is None or column.hidden:
            continue
        label = column.proposal.field.label
        tried = _l("列名“%(heading)s”与“%(label)s”相近，已按“%(label)s”导入，请核对", heading=column.heading, label=label)
        asked = _l("列名“%(heading)s”与“%(label)s”相近，这一列没有导入。要导入请把列名改成“%(label)s”，或在对列时选定", heading=column.heading, label=label)
        doubts.append(Issue(table.sheet, table.header_row, column.heading, column.proposal.name, "near_heading", tried if column.target else asked))
    return doubts


def _new_words(target: Target, value: Any, lookup: DatabaseLookup) -> list[tuple[str, str]]:
    if not isinstance(target.field.format, Choice):
        return []
    name = target.field.format.code_list
    return [(name, word) for word in (value if isinstance(value, list) else [value]) if word and lookup.word(name, word) is None]
