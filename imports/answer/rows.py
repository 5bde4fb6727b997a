"""The rows of a sheet as bytes: only those that change are taken apart, the others pass as they are.

A tree of a large sheet costs ten times its bytes; a row that is not touched must not change by a byte.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from imports.answer.styles import Styles
from imports.cells import letters, number


@dataclass(slots=True)
class Cell:
    """A cell: its attributes as written, and what is in it (None where it has no content)."""

    attributes: bytes
    body: bytes | None = None

    @property
    def style(self) -> int | None:
        """Its format."""
        found = _STYLE.search(self.attributes)
        return int(found[1]) if found else None

    def restyle(self, style: int) -> None:
        """Give it another format."""
        self.attributes = _STYLE.sub(b"", self.attributes) + b' s="%d"' % style


@dataclass
class Changes:
    """What becomes of a sheet's rows: places of cells count from 0, rows from 1."""

    #: for each row the places of its wrong cells
    red: Mapping[int, Collection[int]]
    sentences: Mapping[int, str]
    dropped: frozenset[int]
    header: range
    #: the column of sentences, and its heading
    place: int
    heading: str
    #: the formats of columns
    columns: Mapping[int, int] = field(default_factory=dict)
    #: whether the column was there before
    again: bool = False


_STYLE = re.compile(rb'\s+s="(\d+)"')
_NUMBER = re.compile(rb'\br="(\d+)"')
_PLACE = re.compile(rb'\br="([A-Z]+)\d+"')
_SPANS = re.compile(rb'\s+spans="[^"]*"')
_ANY_STYLE = re.compile(rb'\bs="(\d+)"')
_SHARED = re.compile(rb'\bsi="(\d+)"')


class Row(NamedTuple):
    """A row: its number, all of it, its attributes, what is in it."""

    line: int
    whole: bytes
    attributes: bytes
    body: bytes


class Rows:
    """The content of sheetData, with the prefix that its names have."""

    def __init__(self, xml: bytes, prefix: bytes, styles: Styles) -> None:
        self.xml = xml
        self.prefix = prefix
        self.styles = styles
        self._cell = re.compile(rb"<%bc\b([^>]*?)(?:/>|>(.*?)</%bc>)" % (prefix, prefix), re.DOTALL)
        self._formula = re.compile(rb"<%bf\b([^>]*?)(?:/>|>[^<]*</%bf>)" % (prefix, prefix))

    def each(self) -> Iterator[Row]:
        """The rows in their order."""
        begin, end = b"<%brow" % self.prefix, b"</%brow>" % self.prefix
        count, start = 0, self.xml.find(begin)
        while start >= 0:
            head = self.xml.index(b">", start)
            attributes = self.xml[start + len(begin) : head].removesuffix(b"/")
            close = head if self.xml[head - 1 : head] == b"/" else self.xml.index(end, head)
            found = _NUMBER.search(attributes)
            count = int(found[1]) if found else count + 1
            after = head + 1 if close == head else close + len(end)
            yield Row(count, self.xml[start:after], attributes, self.xml[head + 1 : close])
            start = self.xml.find(begin, after)

    def cells(self, body: bytes) -> dict[int, Cell]:
        """The cells of a row by place."""
        found: dict[int, Cell] = {}
        place = -1
        for match in self._cell.finditer(body):
            named = _PLACE.search(match[1])
            place = number(named[1].decode()) - 1 if named else place + 1
            found[place] = Cell(match[1], match[2])
        return found

    def used(self) -> int:
        """The last place whose cell holds something; -1 when none does."""
        named = re.compile(rb'<%bc\b[^>]*?\br="([A-Z]+)\d+"[^>]*(?<!/)>(?!</)' % self.prefix)
        columns = {match[1] for match in named.finditer(self.xml)}
        if columns:
            return max(number(column.decode()) for column in columns) - 1
        return max((place for row in self.each() for place, cell in self.cells(row.body).items() if cell.body), default=-1)

    def changed(self, changes: Changes) -> Iterator[bytes]:
        """The rows as they become, in pieces."""
        orphans = self._orphans(changes.dropped)
        touched = {*changes.red, *changes.sentences, *changes.header}
        missing = sorted(touched, reverse=True)
        for row in self.each():
            while missing and missing[-1] <= row.line:
                if (absent := missing.pop()) < row.line:
                    yield self._written(absent, b' r="%d"' % absent, {}, changes)
            if row.line in changes.dropped:
                yield b'<%brow r="%d" hidden="1"/>' % (self.prefix, row.line)
            elif row.line in touched or changes.again or self._formerly_red(row.whole) or (orphans and b"<%bf" % self.prefix in row.body):
                yield self._written(row.line, row.attributes, self.cells(self._alone(row.body, orphans)), changes)
            else:
                yield row.whole
        for absent in reversed(missing):
            yield self._written(absent, b' r="%d"' % absent, {}, changes)

    def _orphans(self, dropped: frozenset[int]) -> set[bytes]:
        """The shared formulas that stand written out only in rows that go."""
        if not dropped or b't="shared"' not in self.xml:
            return set()
        formulas = (formula[1] for row in self.each() if row.line in dropped for formula in self._formula.finditer(row.body) if b' ref="' in formula[1])
        return {shared[1] for formula in formulas if (shared := _SHARED.search(formula))}

    def _alone(self, body: bytes, orphans: set[bytes]) -> bytes:
        """A row whose formulas lost what they share keeps their values."""
        if not orphans:
            return body
        return self._formula.sub(lambda match: b"" if (shared := _SHARED.search(match[1])) and shared[1] in orphans else match[0], body)

    def _formerly_red(self, row: bytes) -> bool:
        return bool(self.styles.formerly) and any(int(style) in self.styles.formerly for style in _ANY_STYLE.findall(row))

    def _written(self, count: int, attributes: bytes, cells: dict[int, Cell], changes: Changes) -> bytes:
        """A row taken apart and put together again."""
        row_style = int(found[1]) if b"customFormat" in attributes and (found := _ANY_STYLE.search(attributes)) else None
        if changes.again:
            cells.pop(changes.place, None)
        for cell in cells.values():
            if cell.style in self.styles.formerly:
                cell.restyle(self.styles.without_red(cell.style or 0))
        for place in changes.red.get(count, ()):
            cell = cells.setdefault(place, Cell(b' r="%b%d"' % (letters(place + 1).encode(), count)))
            style = cell.style
            cell.restyle(self.styles.red(style if style is not None else row_style or changes.columns.get(place, 0)))
        self._explain(count, cells, changes, row_style)
        body = b"".join(self._cell_written(place, cells[place], count) for place in sorted(cells))
        return b"<%brow%b>%b</%brow>" % (self.prefix, _SPANS.sub(b"", attributes), body, self.prefix)

    def _explain(self, count: int, cells: dict[int, Cell], changes: Changes, row_style: int | None) -> None:
        """The cell of the sentence, or of its heading; it looks like its neighbour."""
        text = changes.sentences.get(count, changes.heading if count == changes.header.start else "")
        if not text and count not in changes.header:
            return
        near = next((cells[place] for place in sorted(cells, reverse=True) if place < changes.place), None)
        style = near.style if near is not None and near.style is not None else row_style or 0
        if style in self.styles.formerly:
            style = self.styles.without_red(style)
        cell = Cell(b' r="%b%d"' % (letters(changes.place + 1).encode(), count))
        cell.restyle(style if count in changes.header else self.styles.sentence(style))
        if text:
            cell.attributes += b' t="inlineStr"'
            cell.body = b'<%bis><%bt xml:space="preserve">%b</%bt></%bis>' % (
                self.prefix, self.prefix, escape(text, quote=False).encode(), self.prefix, self.prefix,
            )  # fmt: skip
        cells[changes.place] = cell

    def _cell_written(self, place: int, cell: Cell, count: int) -> bytes:
        named = cell.attributes if _PLACE.search(cell.attributes) else b' r="%b%d"' % (letters(place + 1).encode(), count) + cell.attributes
        if cell.body is None:
            return b"<%bc%b/>" % (self.prefix, named)
        return b"<%bc%b>%b</%bc>" % (self.prefix, named, cell.body, self.prefix)
