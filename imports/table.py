"""A sheet becomes a table: where its header is, which column means what, which rows are data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.language import _l, chinese
from app.register import Register
from imports import headings
from imports.blocks import is_form, is_header
from imports.cells import Merge, is_empty
from imports.headings import Names
from imports.leftovers import Leftovers, above
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
    body: Body | None = field(default=None, repr=False, compare=False)

    def pieces(self) -> Iterator[tuple[list[int], list[list[object]]]]:
        """Numbers and rows that are data, some thousand at a time; what is left out is complete behind the last."""
        if self.body is None:
            yield self.numbers, self.rows
            return
        yield from self.body.pieces()
        self.left_out += self.body.left_out
        self.left_out.sort(key=lambda left: (left.row is None, left.row))

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
    """The table of a register in a workbook, with all its rows; raises Refused when no sheet has its header."""
    table = begin(book, cls, sheet)
    for numbers, rows in table.pieces():
        table.numbers += numbers
        table.rows += rows
    table.body = None
    return table


def begin(book: Workbook, cls: type[Register], sheet: str | None = None) -> Table:
    """The table of a register in a workbook, its rows still to be taken by `pieces`; raises Refused when no sheet has its header."""
    names = headings.names_of(cls)
    chosen = [each for each in book.sheets if each.name == sheet] if sheet else _candidates(book)
    if not chosen:
        raise Refused("no_sheet", _l("没有名为“%(name)s”的工作表", name=sheet or ""))
    forms = [each for each in chosen if is_form(each, names)]
    found = [(header, each) for each in chosen if each not in forms and (header := header_of(each, names))]
    if not found and forms:
        raise Refused("form", _l("“%(name)s”是一张单独的登记表（栏目旁边填内容），不是名单。请把内容填到模板里，一条记录一行", name=forms[0].name))
    if not found:
        raise Refused("no_header", _l("前 %(rows)s 行里没有找到表头。表头应写有“%(labels)s”等列名，可先下载模板对照", rows=SEARCHED, labels=_examples(cls)))
    header, best = max(found, key=lambda pair: pair[0].score)
    table = _opened(best, header)
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
    table = _opened(sheet, header)
    for numbers, rows in table.pieces():
        table.numbers += numbers
        table.rows += rows
    table.body = None
    return table


def _opened(sheet: Sheet, header: Header) -> Table:
    columns = [
        Column(place, title, target, place + 1 in sheet.hidden_columns)
        for place, (title, target) in enumerate(zip(headings.titles(header.paths), header.targets, strict=True))
    ]
    return Table(sheet.name, header.top + 1, columns, body=Body(sheet, header, columns))


class Body:
    """What stands under a header, taken in one pass."""

    def __init__(self, sheet: Sheet, header: Header, columns: Sequence[Column]) -> None:
        self.sheet, self.columns = sheet, columns
        self.first = header.top + header.depth + 1
        self.header = header
        self.leftovers = Leftovers(sheet, columns)
        self.left_out: list[LeftOut] = []
        self.number = 0  # the row at hand
        self.last = 0  # the last row of data
        self.near = True  # whether the row above is none of ours
        self.alone = False  # whether the row at hand is a text under such a row
        self.held: list[object] | None = None  # the row above, when it was alone
        self.began = 0  # where another table began
        self.elsewhere = False  # whether the rows belong to another table
        self.blanks: list[int] = []
        self.tall: dict[int, list[Merge]] = {}
        for merge in sheet.merges:
            if merge.tall and merge.left <= len(columns) and columns[merge.left - 1].target:
                self.tall.setdefault(merge.top, []).append(merge)
        self.hanging: list[tuple[Merge, object]] = []

    def pieces(self) -> Iterator[tuple[list[int], list[list[object]]]]:
        """The rows of data, chunk by chunk."""
        for chunk in self.sheet.chunks():
            numbers: list[int] = []
            rows: list[list[object]] = []
            for cells in chunk:
                self.number += 1
                data = self._is_data(cells)
                if self.held:
                    self._settle_held(numbers, rows)
                if data:
                    whole = self._filled_down(cells + [None] * (len(self.columns) - len(cells)))
                    if self.alone:
                        self.held = whole
                        continue
                    numbers.append(self.number)
                    rows.append(whole)
            if rows:
                yield numbers, rows
        if self.held:
            yield [self.number], [self.held]
        for left in self.left_out:
            if left.reason == "section" and (left.row or 0) > self.last:
                left.reason = "note"

    def _settle_held(self, numbers: list[int], rows: list[list[object]]) -> None:
        """A text that stands alone under a blank row is the title of another table, if that table's header follows."""
        if self.began == self.number:
            self.left_out.append(LeftOut("other_table", self.number - 1))
        else:
            numbers.append(self.number - 1)
            rows.append(self.held or [])
        self.held = None

    def _is_data(self, cells: Sequence[object]) -> bool:
        filled = [place for place, cell in enumerate(cells) if cell is not None and not is_empty(cell)]
        if self.number < self.first:
            if filled and self.number <= self.header.top:
                self.left_out.append(LeftOut(above(cells), self.number))
            return False
        reason = self.leftovers.reason(self.number, cells, filled)
        if reason == "blank":
            self.blanks.append(self.number)
            self.near = True
            return False
        self.left_out += [LeftOut("blank", number) for number in self.blanks]
        self.blanks.clear()
        reason = self._of_which_table(reason, cells, filled)
        if reason:
            self.left_out.append(LeftOut(reason, self.number))
            self.near = True
            return False
        self.alone = self.near and len(filled) == 1
        self.last, self.near = self.number, self.alone
        return True

    def _of_which_table(self, reason: str | None, cells: Sequence[object], filled: Sequence[int]) -> str | None:
        """Another header begins another table, which ends where our header comes again."""
        if reason == "header":
            self.elsewhere = False
        elif reason in {None, "header"} and (self.near or self.elsewhere) and self.number > self.first and is_header(cells, filled):
            self.elsewhere, self.began = True, self.number
        return "other_table" if self.elsewhere and reason in {None, "total", "example"} else reason

    def _filled_down(self, cells: list[object]) -> list[object]:
        """What a tall merged cell holds, in each of its rows."""
        if self.hanging:
            self.hanging = [(merge, value) for merge, value in self.hanging if merge.bottom >= self.number]
            for merge, value in self.hanging:
                cells[merge.left - 1] = value
        self.hanging += [(merge, cells[merge.left - 1]) for merge in self.tall.get(self.number, ())]
        return cells
