"""Step 3 of an import: rows with a problem, their cells to be typed anew, rows to be left out; read from the page as decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.formats import Choice
from app.language import Text, _l
from app.lookup import DatabaseLookup
from app.register import Register
from imports.decisions import Decisions, refused
from imports.mending import identity
from imports.parts import unpack
from imports.plan import Plan
from imports.rows import Issue
from imports.targets import targets

#: words of a list that are offered while one types
OFFERED = 300
#: decisions about rows that the page lists
WINDOW = 50
_PREFIX = "cell|"


@dataclass
class Cell:
    """A cell with a problem: its sentences, and what it says now; `name` is empty where nothing can be typed."""

    column: str
    name: str
    text: str
    said: list[Text] = field(default_factory=list)
    options: str = ""


@dataclass
class Troubled:
    """A row with a problem."""

    number: int
    called: str
    cells: list[Cell]

    @property
    def data(self) -> bool:
        """Whether it is a row that can be left out, and not the header's."""
        return any(cell.name or not cell.column for cell in self.cells)


class Fixes:
    """What the page shows of the rows of a plan that have a problem; `form`: what was typed, when it comes back."""

    def __init__(self, cls: type[Register], plan: Plan, lookup: DatabaseLookup, form: Mapping[str, str] | None = None) -> None:
        self.cls, self.plan, self.lookup, self.form = cls, plan, lookup, form or {}
        self.decisions = plan.table.answers.decisions
        self.headings = {column.heading for column in plan.table.columns if column.heading}
        self.targets = {target.name: target for target in targets(cls)}
        self.used: dict[str, list[str]] = {}

    def rows(self, issues: Sequence[Issue]) -> list[Troubled]:
        """These problems, row by row, cell by cell."""
        found: dict[int, Troubled] = {}
        for issue in issues:
            row = found.setdefault(issue.row, Troubled(issue.row, self._called(issue.row), []))
            cell = next((each for each in row.cells if each.column == issue.column), None)
            if cell is None:
                cell = self._cell(issue)
                row.cells.append(cell)
            cell.said.append(issue.message)
        return list(found.values())

    def _called(self, row: int) -> str:
        texts = self.plan.excerpt.rows.get(row, {})
        return next((text for key in identity(self.cls) if (text := texts.get(self.plan.table.heading(key) or ""))), "")

    def _cell(self, issue: Issue) -> Cell:
        name = issue.column if issue.column in self.headings else issue.field if issue.field in self.targets else ""
        name = "" if issue.code == "near_heading" else name  # the header's row is step 2's
        return Cell(
            issue.column, f"{_PREFIX}{issue.row}|{name}" if name else "", self._now(issue.row, name), options=self._options(issue.field) if name else ""
        )

    def _now(self, row: int, name: str) -> str:
        """What a cell says: as it was typed just now, as it was typed before, as the file has it."""
        typed = self.form.get(f"{_PREFIX}{row}|{name}", self.decisions.cells.get(row, {}).get(name))
        return typed if typed is not None else self.plan.excerpt.rows.get(row, {}).get(name, "")

    def _options(self, name: str) -> str:
        """Under which name the words of a field's list stand on the page; empty for other fields."""
        target = self.targets.get(name)
        if target is None or not isinstance(target.field.format, Choice):
            return ""
        words = [label for _code, label in self.lookup.options(target.field.format.code_list)]
        if not 0 < len(words) <= OFFERED:
            return ""
        self.used[name] = words
        return name

    def mended(self) -> list[tuple[int, str, str, str]]:
        """What was typed on the page: row, column, text, and how the page names the place."""
        found = [(row, self._label(name), text, f"{row}|{name}") for row, texts in sorted(self.decisions.cells.items()) for name, text in texts.items()]
        return found[:WINDOW]

    def _label(self, name: str) -> str:
        return name if name in self.headings or name not in self.targets else str(self.targets[name].field.label)

    def skipped(self) -> list[int]:
        """The rows that were left out on the page."""
        return sorted(self.decisions.skips)[:WINDOW]


def typed(page: Fixes, form: Mapping[str, str]) -> Decisions:
    """The decisions with the cells that were typed anew; a cell that says again what the file says is decided no more."""
    cells = {row: dict(texts) for row, texts in page.decisions.cells.items()}
    for key, text in form.items():
        row, name = _place(key)
        if row and text.strip() != _one_line(page.decisions.cells.get(row, {}).get(name, page.plan.excerpt.rows.get(row, {}).get(name, ""))):
            cells.setdefault(row, {})[name] = text.strip()
    return replace(page.decisions, cells=cells)


def _place(key: str) -> tuple[int, str]:
    """Row and column of an input; no row for other inputs."""
    parts = key.split("|", 2)
    fits = key.startswith(_PREFIX) and len(parts) == 3 and parts[1].isascii() and parts[1].isdecimal() and len(parts[1]) < 8
    return (int(parts[1]), parts[2]) if fits else (0, "")


def _one_line(text: str) -> str:
    """A text as an input of one line gives it back."""
    return text.replace("\r", "").replace("\n", "").strip()


def without(decisions: Decisions, place: str) -> Decisions:
    """The decisions without what was typed into a cell (`row|column`)."""
    row, _bar, name = place.partition("|")
    number = int(row) if row.isascii() and row.isdecimal() and len(row) < 8 else 0
    cells = {each: {key: text for key, text in texts.items() if (each, key) != (number, name)} for each, texts in decisions.cells.items()}
    return replace(decisions, cells=cells)


def skipping(plan: Plan, decisions: Decisions, row: int) -> Decisions:
    """The decisions that also leave out the record that a row speaks of, with all its rows; raises Refused where there is none."""
    for place in range(len(plan.parts)):
        if not plan.parts.tally(place)["issues"] + plan.parts.tally(place)["doubts"]:
            continue
        rows = _rows_of(plan, place, row)
        if rows:
            return replace(decisions, skips=decisions.skips | set(rows))
    raise refused(_l("没有第 %(row)s 行的数据，请重新打开这一页", row=row))


def _rows_of(plan: Plan, place: int, row: int) -> list[int]:
    for record in unpack(plan.cls, plan.parts.packed(place)).records:
        rows = {*record.numbers, *(issue.row for issue in record.issues), *(number for child in record.children for number in child.numbers)}
        if row in rows:
            return sorted(rows)
    return []


__all__ = ["Fixes", "skipping", "typed", "without"]
