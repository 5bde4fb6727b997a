"""A sheet becomes a table: where its header is, which column means what, which rows are data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.language import _l, chinese
from app.register import Register
from imports import headings
from imports.cells import Merge, is_empty
from imports.headings import Names
from imports.leftovers import Leftovers
from imports.refusal import Refused
from imports.targets import Target, targets
from imports.workbook import Sheet, Workbook

SEARCHED = 15  # rows in which a header may stand
LEVELS = 3


@dataclass(frozen=True)
class Column:
    """A column of the sheet: its place (from 0), its heading as the file has it, what it feeds."""

    place: int
    heading: str
    target: Target | None
    hidden: bool = False


@dataclass
class LeftOut:
    """A row (or a whole sheet) that is no data, and why."""

    reason: str
    row: int | None = None
    sheet: str = ""

    def to_json(self) -> dict[str, object]:
        """As the command line reports it."""
        where: dict[str, object] = {"sheet": self.sheet} if self.reason == "other_sheet" else {}
        return {"row": self.row, "reason": self.reason, **where}


@dataclass
class Table:
    """The data of one sheet: rows of cells in the columns' order, with the numbers Excel shows."""

    sheet: str
    header_row: int
    columns: list[Column]
    numbers: list[int] = field(default_factory=list)
    rows: list[list[object]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def some(self, start: int, stop: int) -> Table:
        """The same table with these of its rows, counted from 0."""
        return Table(self.sheet, self.header_row, self.columns, self.numbers[start:stop], self.rows[start:stop])

    def mapped(self) -> dict[str, str | None]:
        """Heading to field, in the sheet's order."""
        return {column.heading: column.target.name if column.target and not column.hidden else None for column in self.columns if column.heading}

    def heading(self, name: str) -> str | None:
        """The heading of the column that feeds a field."""
        return next((column.heading for column in self.columns if column.target and column.target.name == name), None)


@dataclass(frozen=True)
class Header:
    """A place where the header may be, and how well it fits."""

    top: int  # index of its first row
    depth: int
    paths: tuple[tuple[str, ...], ...]
    targets: tuple[Target | None, ...]

    @property
    def score(self) -> int:
        """How many fields it names; the key counts double, so that a list of notes never wins."""
        return sum(2 if target.field.required else 1 for target in self.targets if target)

    @property
    def matched(self) -> int:
        """How many fields it names."""
        return sum(target is not None for target in self.targets)


def find(book: Workbook, cls: type[Register], sheet: str | None = None) -> Table:
    """The table of a register in a workbook; raises Refused when no sheet has its header."""
    names = headings.names_of(cls)
    chosen = [each for each in book.sheets if each.name == sheet] if sheet else _candidates(book)
    if not chosen:
        raise Refused("no_sheet", _l("没有名为“%(name)s”的工作表", name=sheet or ""))
    found = [(header, each) for each in chosen if (header := header_of(each, names))]
    if not found:
        raise Refused("no_header", _l("前 %(rows)s 行里没有找到表头。表头应写有“%(labels)s”等列名，可先下载模板对照", rows=SEARCHED, labels=_examples(cls)))
    header, best = max(found, key=lambda pair: pair[0].score)
    table = body(best, header)
    table.left_out += [LeftOut("other_sheet", sheet=each.name) for each in book.sheets if each is not best]
    return table


def _candidates(book: Workbook) -> list[Sheet]:
    return [each for each in book.sheets if not each.hidden] or book.sheets


def _examples(cls: type[Register]) -> str:
    required = [target for target in targets(cls) if target.field.required and not target.child]
    return "、".join(chinese(target.field.label) for target in required[:3])


def header_of(sheet: Sheet, names: Names) -> Header | None:
    """The best header among the first rows; None when nothing names two fields."""
    best: Header | None = None
    for top in range(min(SEARCHED, len(sheet.rows))):
        if not _may_begin(sheet, top):
            continue
        for depth in range(1, LEVELS + 1):
            if top + depth > len(sheet.rows):
                break
            header = _header(sheet, top, depth, names)
            if header and (best is None or header.score > best.score):
                best = header
    return best


def _may_begin(sheet: Sheet, top: int) -> bool:
    """A row with a single text is a title or note over the header, unless the sheet has one column."""
    texts = {str(cell) for cell in sheet.rows[top] if not is_empty(cell)}
    return len(texts) > 1 or (bool(texts) and sheet.width <= 2)


def _header(sheet: Sheet, top: int, depth: int, names: Names) -> Header | None:
    paths = _paths(sheet, top, depth)
    header = Header(top, depth, tuple(paths), tuple(headings.assign(names, paths)))
    filled = sum(bool(path) for path in paths)
    return header if header.matched >= 2 or (header.matched == 1 and filled <= 2) else None


def _paths(sheet: Sheet, top: int, depth: int) -> list[tuple[str, ...]]:
    """The levels over each column. Without merges a blank upper level continues the one on its left."""
    near = [merge for merge in sheet.merges if merge.top <= top + depth and merge.bottom > top]
    merged = {(row, column): merge for merge in near for row in range(merge.top, merge.bottom + 1) for column in range(merge.left, merge.right + 1)}
    grid: list[list[str]] = []
    for row in range(top, top + depth):
        cells = []
        for column in range(sheet.width):
            merge = merged.get((row + 1, column + 1))
            cells.append(_text(sheet, merge.top - 1, merge.left - 1) if merge else _text(sheet, row, column))
        grid.append(cells)
    for level, cells in enumerate(grid[:-1]):
        for column in range(1, sheet.width):
            if not cells[column] and grid[level + 1][column] and (level + top + 1, column + 1) not in merged:
                cells[column] = cells[column - 1]
    return [tuple(dict.fromkeys(cells[column] for cells in grid if cells[column])) for column in range(sheet.width)]


def _text(sheet: Sheet, row: int, column: int) -> str:
    cells = sheet.rows[row] if row < len(sheet.rows) else []
    raw = cells[column] if column < len(cells) else None
    return "" if is_empty(raw) or len(str(raw)) > 100 else str(raw)


def body(sheet: Sheet, header: Header) -> Table:
    """The rows under the header, merged cells filled down inside their range, the rest left out."""
    columns = [
        Column(place, title, target, place + 1 in sheet.hidden_columns)
        for place, (title, target) in enumerate(zip(headings.titles(header.paths), header.targets, strict=True))
    ]
    table = Table(sheet.name, header.top + 1, columns)
    first = header.top + header.depth
    sorter = Leftovers(sheet, first, columns)
    table.left_out += [LeftOut(sorter.above(row), row + 1) for row in range(header.top) if not _blank(sheet.rows[row])]
    last = max((row for row in range(first, len(sheet.rows)) if not _blank(sheet.rows[row])), default=first - 1)
    for row in range(first, last + 1):
        reason = sorter.reason(row)
        if reason:
            table.left_out.append(LeftOut(reason, row + 1))
        else:
            table.numbers.append(row + 1)
            cells = sheet.rows[row]
            table.rows.append(cells + [None] * (len(columns) - len(cells)))
    _fill_down(table, sheet.merges, columns)
    return table


def _blank(cells: Sequence[object]) -> bool:
    return all(is_empty(cell) for cell in cells)


def _fill_down(table: Table, merges: Sequence[Merge], columns: Sequence[Column]) -> None:
    places = {number: index for index, number in enumerate(table.numbers)}
    for merge in merges:
        if not merge.tall or merge.top not in places or not columns[merge.left - 1].target:
            continue
        value = table.rows[places[merge.top]][merge.left - 1]
        for number in range(merge.top + 1, merge.bottom + 1):
            if number in places:
                row = table.rows[places[number]] = list(table.rows[places[number]])
                row[merge.left - 1] = value
