"""A register leaves as a workbook that comes back as "no change": in scope, masked, identifiers as text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.fields import Field
from app.formats import Choices, FormatError, Link
from app.language import _l, chinese
from app.lookup import DatabaseLookup
from app.register import Record, Register, children, fields
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from imports import spreadsheet
from imports.leaving import Heading, Row, chunks, headings, prepare, records
from imports.refusal import Refused

KINDS = ("xlsx", "csv", "json")


@dataclass(frozen=True)
class Stamp:
    """What a file says of itself: its number; where sensitive values stand in clear, also who took it and when."""

    number: str = ""
    #: the words across a file in clear; empty where it is masked
    words: str = ""

    def marks(self) -> spreadsheet.Marks:
        """The number among the workbook's properties; over the cells and each printed page of a file in clear, whose it is."""
        if not self.number:
            return spreadsheet.Marks({}, words=self.words)
        return spreadsheet.Marks({NUMBER: self.number}, f"{NUMBER} {self.number} {self.words}".strip(), self.words)


PLAIN = Stamp()
#: what the number of a file is called among its properties
NUMBER = "导出编号"


def silent(_records: int) -> None:
    """Nobody waits to hear how far it has come."""


#: hears, again and again, how many records more are on their way
Tell = Callable[[int], None]


def permitted(session: Session, cls: type[Register]) -> Scope:
    """The session's scope when its actor may export the register; raises NotPermitted."""
    scope = scope_of(session)
    if not scope.may(cls, Verb.EXPORT):
        raise NotPermitted(_l("您的角色不能导出“%(title)s”", title=cls.__title__))
    return scope


def conditions(session: Session, cls: type[Register], wishes: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """FIELD=VALUE wishes as conditions; a field that the person may not read in clear filters nothing."""
    scope, lookup = scope_of(session), DatabaseLookup(session)
    return [_condition(cls, scope, lookup, wish) for wish in wishes]


def _condition(cls: type[Register], scope: Scope, lookup: DatabaseLookup, wish: str) -> sa.ColumnElement[bool]:
    key, _, text = wish.partition("=")
    readable = {declared.key: declared for declared in scope.readable(cls)}
    declared = readable.get(key.strip())
    if declared is None:
        raise Refused("unknown_field", _l("没有“%(key)s”这一项，不能按它筛选", key=key[:60]))
    if not scope.clear(declared):
        raise NotPermitted(_l("您无权查看“%(label)s”的内容，不能按它筛选", label=declared.label))
    column: Any = cls.__table__.c[declared.attr]
    try:
        value = declared.format.read(text, lookup).value
    except FormatError as error:
        raise Refused(error.code, error.message) from None
    if value is None:
        return sa.and_(column.is_(None))
    if isinstance(declared.format, Choices):
        return sa.and_(*(sa.cast(column, sa.Text).contains(json.dumps(each, ensure_ascii=False), autoescape=True) for each in value))
    return sa.and_(column == value)


def lines(
    session: Session, cls: type[Register], columns: Sequence[Heading], where: Sequence[sa.ColumnElement[bool]] = (), tell: Tell = silent
) -> Iterator[Sequence[object]]:
    """The sheet's rows, masked."""
    for grid in grids(session, cls, columns, where, tell=tell):
        yield from zip(*grid, strict=True)


def grids(
    session: Session, cls: type[Register], columns: Sequence[Heading], where: Sequence[sa.ColumnElement[bool]] = (), *, clear: bool = False, tell: Tell = silent
) -> Iterator[list[Sequence[object]]]:
    """The sheet by columns, many rows at a time; masked unless `clear`. The record's own columns come first, then kind by kind.

    A record takes one row for each child, its own cells repeated, several kinds side by side. `tell` hears how many records more
    are on their way.
    """
    scope, lookup = scope_of(session), DatabaseLookup(session)
    scope = scope.in_clear() if clear else scope
    lookup.prepare(column.field for column in columns)
    cells = [masking.to_cell(scope, column.field, lookup) for column in columns]
    read: dict[type[Record], list[Field]] = {cls: []}
    for column in columns:
        read.setdefault(column.child or cls, []).append(column.field)
    for rows, nested in chunks(session, cls, where, read):
        spread = list(zip(*_spread(rows, [(nested[child], len(read[child])) for child in nested]), strict=True))
        for column, values in zip(columns, spread, strict=True):
            if isinstance(column.field.format, Link):
                lookup.prepare_ids(column.field.format.register, {value for value in values if value is not None})
        tell(len(rows))
        yield [values if cell is None else [*map(cell, values)] for cell, values in zip(cells, spread, strict=True)]


def _spread(rows: Sequence[Row], kinds: Sequence[tuple[Mapping[int, Sequence[Row]], int]]) -> Iterator[Row]:
    """Records and their children as rows: of each kind the children by record, and how many columns they have."""
    if not kinds:
        yield from (row[1:] for row in rows)
        return
    for row in rows:
        beside = [(nested.get(row[0], ()), width) for nested, width in kinds]
        for step in range(max((len(some) for some, _width in beside), default=0) or 1):
            line = list(row[1:])
            for some, width in beside:
                line += some[step][1:] if step < len(some) else [None] * width
            yield line


def write(
    session: Session,
    cls: type[Register],
    out: BinaryIO,
    kind: str,
    where: Sequence[sa.ColumnElement[bool]] = (),
    stamp: Stamp = PLAIN,
    tell: Tell = silent,
) -> int:
    """Write the register as a file of this kind; the number of rows. Only a workbook can say something of itself."""
    if kind == "xlsx":
        return to_xlsx(session, cls, out, where, stamp, tell)
    if stamp.words:
        raise ValueError("only a workbook carries sensitive values in clear: it says so on every page")
    return {"csv": to_csv, "json": to_json}[kind](session, cls, out, where, tell=tell)


def to_xlsx(
    session: Session, cls: type[Register], out: BinaryIO, where: Sequence[sa.ColumnElement[bool]] = (), stamp: Stamp = PLAIN, tell: Tell = silent
) -> int:
    """Write the register as .xlsx; the number of rows."""
    columns = headings(permitted(session, cls), cls)
    looks = [spreadsheet.Column(column.text, min(40, max(12, 2 * len(column.text) + 4)), column.field.format.as_text) for column in columns]
    found = grids(session, cls, columns, where, clear=bool(stamp.words), tell=tell)
    return spreadsheet.write(out, chinese(cls.__title__)[:31], looks, found, stamp.marks())


_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guarded(value: object) -> str:
    """A cell of a CSV file: text that a spreadsheet program would run gets an apostrophe in front."""
    if isinstance(value, float):
        return f"{value:.15g}"
    text = "" if value is None else str(value)
    return "'" + text if isinstance(value, str) and _FORMULA.match(text) else text


def to_csv(session: Session, cls: type[Register], out: BinaryIO, where: Sequence[sa.ColumnElement[bool]] = (), tell: Tell = silent) -> int:
    """Write the register as UTF-8 CSV with the mark that Excel wants; the number of rows."""
    columns = headings(permitted(session, cls), cls)
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(column.text for column in columns)
    count = 0
    for line in lines(session, cls, columns, where, tell):
        writer.writerow([guarded(value) for value in line])
        count += 1
    text.flush()
    text.detach()
    return count


def objects(session: Session, cls: type[Register], where: Sequence[sa.ColumnElement[bool]] = ()) -> Iterator[dict[str, Any]]:
    """The records as JSON objects: values as stored, masked, children under their name."""
    scope = permitted(session, cls)
    own = [declared for declared in fields(cls) if declared.key in {each.key for each in scope.readable(cls)}]
    kinds = list(children(cls))
    for found in records(session, cls, where, kinds):
        item = {declared.key: masking.dumped(scope, declared, found.values[declared.key]) for declared in own}
        for kind in kinds:
            allowed = scope.readable(kind)
            item[kind.__key__] = [{declared.key: masking.dumped(scope, declared, row[declared.key]) for declared in allowed} for row in found.children[kind]]
        yield item


def to_json(session: Session, cls: type[Register], out: BinaryIO, where: Sequence[sa.ColumnElement[bool]] = (), tell: Tell = silent) -> int:
    """Write the register as a list of objects; the number of records."""
    count = 0
    for count, item in enumerate(objects(session, cls, where), 1):
        tell(1)
        out.write(b"[" if count == 1 else b",")
        out.write(b"\n" + json.dumps(item, ensure_ascii=False, indent=1).encode())
    out.write(b"\n]" if count else b"[]")
    return count


__all__ = [
    "KINDS",
    "PLAIN",
    "Heading",
    "Stamp",
    "conditions",
    "guarded",
    "headings",
    "lines",
    "objects",
    "permitted",
    "prepare",
    "records",
    "to_csv",
    "to_json",
    "to_xlsx",
    "write",
]
