"""A sheet becomes a table: where its header is, which column means what, which rows are data."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.fields import Gate
from app.language import _l, chinese
from app.register import Record, Register
from imports import headings, ticks
from imports.answers import Answers, Questions
from imports.blocks import is_form
from imports.body import Body, LeftOut
from imports.cells import is_empty, letters
from imports.columns import Known
from imports.decisions import NOTHING, Decisions, refused
from imports.matching import IGNORED, Matcher, Meaning, State
from imports.mending import mending_of
from imports.past import Past
from imports.refusal import Refused
from imports.targets import Target, targets
from imports.workbook import Sheet, Workbook

SEARCHED = 15  # rows in which a header may stand
#: what stands in no heading: a telephone number, an ID number, a credit code. Headings are kept in clear
_DATA = re.compile(r"\d{11}|[0-9A-Z]{18}")
LEVELS = 3


@dataclass(frozen=True)
class Column:
    """A column of the sheet: its place (from 0), its heading as the file has it, what it feeds."""

    place: int
    heading: str
    target: Target | None
    hidden: bool = False
    state: State = State.MATCHED
    #: what the heading is near to, taken (then it is the target too) or only proposed
    proposal: Target | None = None
    #: the word of the target's list that the cells tick
    word: str = ""
    #: the file has no such column: it holds what somebody typed on the page
    typed: bool = False


@dataclass
class Table:
    """The data of one sheet: rows of cells in the columns' order, with the numbers Excel shows."""

    sheet: str
    header_row: int
    columns: list[Column]
    numbers: list[int] = field(default_factory=list)
    rows: list[list[object]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    #: what a person decided, and what the office answered before
    answers: Answers = field(default_factory=Answers)
    #: the words that nobody knows, gathered while rows are read
    questions: Questions = field(default_factory=Questions)
    #: by field, what its cells said so far
    known: dict[str, Known] = field(default_factory=lambda: defaultdict(Known), repr=False, compare=False)
    #: the rows that are still to be taken
    body: Body | None = field(default=None, repr=False, compare=False)

    def pieces(self) -> Iterator[tuple[list[int], list[list[object]]]]:
        """Numbers and rows that are data, some thousand at a time; what is left out is complete behind the last."""
        if self.body is None:
            yield self.numbers, self.rows
            return
        yield from self.body.pieces()
        self.left_out += self.body.left_out
        self.left_out.sort(key=lambda left: (left.row is None, left.row))

    def with_rows(self, numbers: list[int], rows: list[list[object]]) -> Table:
        """The same table with these rows."""
        return replace(self, numbers=numbers, rows=rows)

    def clearable(self, cls: type[Record]) -> Sequence[str]:
        """The fields of a record or child of this kind that an empty cell clears, if somebody decided so: never a key, nor what stands by default."""
        if not self.answers.decisions.clears:
            return ()
        keys = {part for key in cls.__keys__ for part in key} | {cls.__label__}
        fed = [column.target for column in self.columns if column.target and not column.hidden and not column.typed]
        own = [target.field for target in fed if target.child is cls or (target.child is None and issubclass(cls, Register))]
        return [each.key for each in own if not each.required and each.default is None and each.gate is Gate.ORDINARY and each.key not in keys]

    def meanings(self) -> list[dict[str, object]]:
        """Every column with a heading: what it feeds, how sure that is, what it is near to; for the page that puts columns and fields together."""
        return [
            {
                "column": letters(column.place + 1),
                "heading": column.heading,
                "field": column.target.name if column.target and not column.hidden else None,
                "state": str(State.IGNORED if column.hidden else column.state),
                "proposal": column.proposal.name if column.proposal else None,
                "word": column.word or None,
            }
            for column in self.columns
            if column.heading and not column.typed
        ]

    def mapped(self) -> dict[str, str | None]:
        """Heading to field, in the sheet's order."""
        return {
            column.heading: column.target.name if column.target and not column.hidden else None
            for column in self.columns
            if column.heading and not column.typed
        }

    def heading(self, name: str) -> str | None:
        """The heading of the column that feeds a field."""
        return next((column.heading for column in self.columns if column.target and column.target.name == name), None)


@dataclass(frozen=True)
class Header:
    """A place where the header may be, and how well it fits."""

    top: int  # index of its first row
    depth: int
    paths: tuple[tuple[str, ...], ...]
    meanings: tuple[Meaning, ...]

    @property
    def targets(self) -> tuple[Target | None, ...]:
        """What each column feeds."""
        return tuple(meaning.target for meaning in self.meanings)

    @property
    def score(self) -> int:
        """How many fields it names; the key counts double, so that a list of notes never wins."""
        return sum(2 if target.field.required else 1 for target in self.targets if target)

    @property
    def matched(self) -> int:
        """How many fields it names."""
        return sum(target is not None for target in self.targets)


def find(book: Workbook, cls: type[Register], sheet: str | None = None, decisions: Decisions = NOTHING, past: Past | None = None) -> Table:
    """The table of a register in a workbook, with all its rows; raises Refused like `begin`."""
    table = begin(book, cls, sheet, decisions, past)
    for numbers, rows in table.pieces():
        table.numbers += numbers
        table.rows += rows
    table.body = None
    return table


def begin(book: Workbook, cls: type[Register], sheet: str | None = None, decisions: Decisions = NOTHING, past: Past | None = None) -> Table:
    """The table of a register in a workbook, its rows still to be taken by `pieces`.

    Raises Refused when no sheet has its header, or a decision cannot hold. `decisions` are a person's, `past` what the
    person's office decided before.
    """
    decisions.check(cls)
    matcher = Matcher(cls, decisions, past or Past())
    sheet = decisions.sheet or sheet
    chosen = [each for each in book.sheets if each.name == sheet] if sheet else _candidates(book)
    if not chosen:
        raise Refused("no_sheet", _l("没有名为“%(name)s”的工作表", name=sheet or ""))
    row, names = decisions.header_row, headings.names_of(cls)
    if row is not None and not any(1 <= row <= len(each.rows) for each in chosen):
        raise refused(_l("表里没有第 %(row)s 行，请重新选择表头", row=row))
    forms = [each for each in chosen if row is None and is_form(each, names)]
    found = [(header, each) for each in chosen if each not in forms and (header := header_of(each, matcher))]
    if not found and forms:
        raise Refused("form", _l("“%(name)s”是一张单独的登记表（栏目旁边填内容），不是名单。请把内容填到模板里，一条记录一行", name=forms[0].name))
    if not found:
        raise Refused("no_header", _l("前 %(rows)s 行里没有找到表头。表头应写有“%(labels)s”等列名，可先下载模板对照", rows=SEARCHED, labels=_examples(cls)))
    header, best = max(found, key=lambda pair: pair[0].score)
    if row is not None and any(_DATA.search(text) for path in header.paths for text in path):
        raise refused(_l("第 %(row)s 行写的是数据，不是列名。请选写着列名的那一行；文件没有列名的，请在最上面加一行列名再上传", row=row))
    table = _opened(cls, best, header, Answers(decisions, matcher.past))
    decisions.check_columns(column.heading for column in table.columns)
    table.left_out += [LeftOut("other_sheet", sheet=each.name) for each in book.sheets if each is not best]
    return table


def _candidates(book: Workbook) -> list[Sheet]:
    return [each for each in book.sheets if not each.hidden] or book.sheets


def _examples(cls: type[Register]) -> str:
    required = [target for target in targets(cls) if target.field.required and not target.child]
    return "、".join(chinese(target.field.label) for target in required[:3])


def header_of(sheet: Sheet, matcher: Matcher) -> Header | None:
    """The best header among the first rows; None when nothing names two fields. Names that are only near count where no others are."""
    best = _best_header(sheet, matcher, near_too=False)
    if best is None:
        return _best_header(sheet, matcher, near_too=True)
    return replace(best, meanings=tuple(matcher.match(best.paths)))


def _best_header(sheet: Sheet, matcher: Matcher, *, near_too: bool) -> Header | None:
    best: Header | None = None
    told = matcher.decisions.header_row
    for top in range(min(SEARCHED, len(sheet.rows))) if told is None else range(max(0, told - 1), told):
        if told is None and not _may_begin(sheet, top):
            continue
        for depth in range(1, LEVELS + 1):
            if top + depth > len(sheet.rows):
                break
            paths = tuple(_paths(sheet, top, depth))
            header = Header(top, depth, paths, tuple(matcher.match(paths, near_too=near_too)))
            filled = sum(bool(path) for path in paths)
            enough = header.matched >= 2 or (header.matched == 1 and filled <= 2)
            if (enough or _fit(header, matcher)[0] or (told is not None and near_too)) and (best is None or _fit(header, matcher) > _fit(best, matcher)):
                best = header
    return best


def _fit(header: Header, matcher: Matcher) -> tuple[int, int]:
    """How well a header fits: the one whose headings somebody has decided about is the one that somebody saw."""
    told = matcher.decisions.columns
    return sum(title in told for title in headings.titles(header.paths)) if told else 0, header.score


def _may_begin(sheet: Sheet, top: int) -> bool:
    """A row with a single text is a title or note over the header, unless the sheet has one column."""
    texts = {str(cell) for cell in sheet.rows[top] if not is_empty(cell)}
    return len(texts) > 1 or (bool(texts) and sheet.width <= 2)


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


def _opened(cls: type[Register], sheet: Sheet, header: Header, answers: Answers) -> Table:
    told = answers.decisions.columns
    columns = [
        Column(place, title, meaning.target, place + 1 in sheet.hidden_columns and not told.get(title), meaning.state, meaning.proposal, meaning.word)
        for place, (title, meaning) in enumerate(zip(headings.titles(header.paths), header.meanings, strict=True))
    ]
    _settle_ticks(columns, sheet.rows[header.top + header.depth :])
    mending, missing = mending_of(answers.decisions, columns, cls)
    columns += [Column(place, chinese(target.field.label), target, typed=True) for place, target in enumerate(missing, len(columns))]
    return Table(sheet.name, header.top + 1, columns, answers=answers, body=Body(sheet, header.top, header.depth, columns, mending))


def _settle_ticks(columns: list[Column], rows: Sequence[Sequence[object]]) -> None:
    """Columns under one heading whose first rows hold words, not ticks, are no columns to tick: the first feeds the field."""
    groups: dict[str, list[Column]] = {}
    for column in columns:
        if column.word and column.target:
            groups.setdefault(column.target.name, []).append(column)
    for group in groups.values():
        if not ticks.mostly((row[column.place], column.word) for row in rows for column in group if column.place < len(row)):
            for column in group:
                plain = replace(column, word="") if column is group[0] else replace(column, word="", target=None, state=IGNORED.state)
                columns[column.place] = plain
