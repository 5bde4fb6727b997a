"""Web pages: each table becomes a sheet. What systems of the province export as .xls is often one of these."""

from __future__ import annotations

import re

from lxml import etree

from imports.cells import Merge
from imports.grid import Grid
from imports.refusal import damaged, hostile

_BREAKS = frozenset({"br", "p", "div", "li", "tr"})
_UNSEEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_SHORTENED = re.compile(r"[\d.]+[Ee]\+\d+|#+")
_SILENT = frozenset({"script", "style", "head", "title"})
_DEEPEST = 20


def grids(text: str, rows: int, columns: int) -> list[Grid]:
    """The tables of the page that hold something, in its order; raises Refused."""
    page = _Page(rows, columns)
    parser = etree.HTMLParser(target=page, encoding="utf-8", no_network=True, huge_tree=False)
    try:
        parser.feed(re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1).encode("utf-8", "replace"))
        parser.close()
    except etree.LxmlError:
        raise damaged() from None
    return [grid for grid in page.grids if grid.cells]


class _Table:
    """A table being read, and which cells its spans have taken."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.row = self.column = self.definition = 0
        self.taken: dict[int, int] = {}  # column: the last row of the cell that hangs down there
        self.said: list[str] | None = None
        self.wide = 1
        self.number = ""

    def next_row(self, hidden: bool) -> None:
        self.end_cell()
        self.row, self.column = self.row + 1, 0
        if hidden:
            self.grid.layout.hidden_rows.add(self.row)

    def begin_cell(self, tall: int, wide: int, number: str) -> None:
        self.end_cell()
        self.row = self.row or 1
        self.column += 1
        while self.taken.get(self.column, 0) >= self.row:
            self.column += 1
        wide = min(wide, 2 * self.grid.limits[1])
        if tall > 1 or wide > 1:
            self.grid.layout.merges.append(Merge(self.row, self.column, self.row + tall - 1, self.column + wide - 1))
        if tall > 1:
            self.taken.update(dict.fromkeys(range(self.column, self.column + wide), self.row + tall - 1))
        self.wide, self.said, self.number = wide, [], number

    def end_cell(self) -> None:
        if self.said is None:
            return
        text = re.sub(r"[ \t\r]*\n[ \t\r\n]*", "\n", "".join(self.said)).strip(" \n")
        exact = _SHORTENED.fullmatch(text) and re.fullmatch(r"-?\d+(\.\d+)?([Ee]\+?\d+)?", self.number)
        self.grid.put(self.row, self.column, float(self.number) if exact else text)
        self.column += self.wide - 1
        self.said = None

    def column_width(self, width: int, hidden: bool) -> None:
        if hidden:
            self.grid.layout.hidden_columns.update(range(self.definition + 1, self.definition + min(width, self.grid.limits[1]) + 1))
        self.definition += width


def _span(attributes: dict[str, str], name: str) -> int:
    said = attributes.get(name, "").strip()
    return max(1, min(int(said), 100_000)) if said.isdecimal() and len(said) < 9 else 1


class _Page:
    """Takes the parser's events; a table inside a table is a sheet of its own."""

    def __init__(self, rows: int, columns: int) -> None:
        self.limits = rows, columns
        self.grids: list[Grid] = []
        self.open: list[_Table] = []
        self.silent = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        hidden = bool(_UNSEEN.search(attributes.get("style", "")))
        if tag in _SILENT:
            self.silent += 1
        elif tag == "table":
            if len(self.open) >= _DEEPEST:
                raise hostile()
            self.grids.append(Grid(f"表{len(self.grids) + 1}", *self.limits))
            self.open.append(_Table(self.grids[-1]))
        elif not self.open:
            return
        elif tag == "tr":
            self.open[-1].next_row(hidden)
        elif tag in {"td", "th"}:
            self.open[-1].begin_cell(_span(attributes, "rowspan"), _span(attributes, "colspan"), attributes.get("x:num", attributes.get("num", "")))
        elif tag == "col":
            self.open[-1].column_width(_span(attributes, "span"), hidden)
        elif tag in _BREAKS and (said := self.open[-1].said):
            said.append("\n")

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag in _SILENT:
            self.silent -= 1
        elif self.open and tag in {"td", "th", "tr"}:
            self.open[-1].end_cell()
        elif self.open and tag == "table":
            self.open.pop().end_cell()

    def data(self, text: str) -> None:
        """Characters; breaks in the page's own text are blanks."""
        if self.open and not self.silent and self.open[-1].said is not None:
            self.open[-1].said.append(re.sub(r"\s*[\r\n]\s*", " ", text))

    def close(self) -> None:
        """The page ends, whatever is still open."""
        for table in self.open:
            table.end_cell()
