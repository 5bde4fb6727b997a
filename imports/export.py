"""A register leaves as a workbook that comes back as "no change": in scope, masked, identifiers as text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.fields import Field
from app.formats import Choices, FormatError
from app.language import _l, chinese
from app.lookup import DatabaseLookup
from app.register import Child, Record, Register, children, fields
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from app.workbooks import workbook
from imports.bulk import among
from imports.existing import chunks
from imports.refusal import Refused
from imports.targets import fed_children, sheet_fields

KINDS = ("xlsx", "csv", "json")


@dataclass(frozen=True, eq=False)
class Heading:
    """A column of the sheet: the field, the child it belongs to, the text over it."""

    field: Field
    child: type[Child] | None
    text: str


@dataclass(frozen=True)
class Stamp:
    """What a file says of itself: its number; where sensitive values stand in clear, also who took it and when."""

    number: str = ""
    #: the words across a file in clear; empty where it is masked
    words: str = ""


PLAIN = Stamp()
#: how far apart the words across a sheet stand, and how many of them at most
_EVERY, _MOST = 25, 400


@dataclass
class Found:
    """A record with its children, values by field key."""

    id: int
    values: dict[str, Any]
    children: dict[type[Child], list[dict[str, Any]]]


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


def headings(scope: Scope, cls: type[Register]) -> list[Heading]:
    """The columns of the register's sheet that the actor may see; a child's label that is not unique carries its title."""
    own = _readable(scope, cls)
    nested = [(child, declared) for child in fed_children(cls) for declared in _readable(scope, child)]
    labels = [chinese(declared.label) for declared in own] + [chinese(declared.label) for _, declared in nested]
    found = [Heading(declared, None, chinese(declared.label)) for declared in own]
    for child, declared in nested:
        label = chinese(declared.label)
        found.append(Heading(declared, child, f"{chinese(child.__title__)}/{label}" if labels.count(label) > 1 or _is_alias(own, label) else label))
    return found


def _is_alias(own: Sequence[Field], label: str) -> bool:
    return any(label in declared.aliases for declared in own)


def _readable(scope: Scope, cls: type[Record]) -> list[Field]:
    allowed = {declared.key for declared in scope.readable(cls)}
    return [declared for declared in sheet_fields(cls) if declared.key in allowed]


def records(
    session: Session,
    cls: type[Register],
    where: Sequence[sa.ColumnElement[bool]] = (),
    kinds: Sequence[type[Child]] | None = None,
    order: Sequence[Any] = (),
    most: int | None = None,
) -> Iterator[Found]:
    """The live rows in scope with their children, in the order of their ids unless told otherwise, a chunk at a time."""
    scope = scope_of(session)
    table = cls.__table__
    visible = scope.rows(cls)
    tests = [table.c.voided_at.is_(None), *where] + ([] if visible is None else [visible])
    ids = list(session.connection().scalars(sa.select(table.c.id).where(*tests).order_by(*order, table.c.id).limit(most)))
    for chunk in chunks(ids):
        nested = {child: _children(session, child, chunk) for child in (fed_children(cls) if kinds is None else kinds)}
        statement = sa.select(table).where(among(session.connection(), table.c.id, chunk))
        rows = {row["id"]: row for row in session.connection().execute(statement).mappings()}
        for record_id in chunk:
            if record_id in rows:
                yield Found(record_id, _values(cls, rows[record_id]), {child: found.get(record_id, []) for child, found in nested.items()})


def _children(session: Session, child: type[Child], parents: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    table = child.__table__
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    visible = scope_of(session).rows(child)
    tests = [among(session.connection(), table.c.parent_id, parents), table.c.voided_at.is_(None)] + ([] if visible is None else [visible])
    statement = sa.select(table).where(*tests).order_by(table.c.id)
    for row in session.connection().execute(statement).mappings():
        found[row["parent_id"]].append(_values(child, row))
    return found


def _values(cls: type[Record], row: Any) -> dict[str, Any]:
    return {declared.key: row[declared.attr] for declared in fields(cls)}


def lines(
    session: Session, cls: type[Register], columns: Sequence[Heading], where: Sequence[sa.ColumnElement[bool]] = (), *, clear: bool = False
) -> Iterator[list[object]]:
    """The sheet's rows: one for each child, the record's cells repeated, several kinds side by side; masked unless `clear`."""
    scope, lookup = scope_of(session), DatabaseLookup(session)
    scope = scope.in_clear() if clear else scope
    lookup.prepare(column.field for column in columns)
    for group in _batches(records(session, cls, where)):
        prepare(lookup, cls, columns, group)
        for found in group:
            yield from _lines(scope, lookup, columns, found)


def prepare(lookup: DatabaseLookup, cls: type[Register], columns: Sequence[Heading], group: Sequence[Found]) -> None:
    """Read the names behind the links of these records and their children, in bulk."""
    for kind in (None, *fed_children(cls)):
        rows = [found.values for found in group] if kind is None else [row for found in group for row in found.children.get(kind, ())]
        lookup.prepare_rows(rows, [column.field for column in columns if column.child is kind])


def _batches(items: Iterator[Found], size: int = 1000) -> Iterator[list[Found]]:
    batch: list[Found] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(scope: Scope, lookup: DatabaseLookup, columns: Sequence[Heading], found: Found) -> Iterator[list[object]]:
    own = {column: masking.cell(scope, column.field, found.values.get(column.field.key), lookup) for column in columns if column.child is None}
    kinds = list(found.children)
    for group in list(zip_longest(*(found.children[kind] for kind in kinds))) or [()]:
        beside = dict(zip(kinds, group, strict=False))
        yield [own[column] if column.child is None else _nested(scope, lookup, column, beside.get(column.child)) for column in columns]


def _nested(scope: Scope, lookup: DatabaseLookup, column: Heading, values: dict[str, Any] | None) -> object:
    return masking.cell(scope, column.field, values.get(column.field.key), lookup) if values else None


def write(session: Session, cls: type[Register], out: BinaryIO, kind: str, where: Sequence[sa.ColumnElement[bool]] = (), stamp: Stamp = PLAIN) -> int:
    """Write the register as a file of this kind; the number of rows. Only a workbook can say something of itself."""
    if kind == "xlsx":
        return to_xlsx(session, cls, out, where, stamp)
    if stamp.words:
        raise ValueError("only a workbook carries sensitive values in clear: it says so on every page")
    return {"csv": to_csv, "json": to_json}[kind](session, cls, out, where)


def to_xlsx(session: Session, cls: type[Register], out: BinaryIO, where: Sequence[sa.ColumnElement[bool]] = (), stamp: Stamp = PLAIN) -> int:
    """Write the register as .xlsx; the number of rows."""
    columns = headings(permitted(session, cls), cls)
    with workbook(out, constant_memory=True, default_date_format="yyyy-mm-dd") as book:
        sheet = book.add_worksheet(chinese(cls.__title__)[:31])
        head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True})
        text = book.add_format({"num_format": "@"})
        for place, column in enumerate(columns):
            sheet.set_column(place, place, min(40, max(12, 2 * len(column.text) + 4)), text if column.field.format.as_text else None)
        sheet.write_row(0, 0, [column.text for column in columns], head)
        sheet.freeze_panes(1, 0)
        count = 0
        _stamp(book, sheet, stamp)
        for line in lines(session, cls, columns, where, clear=bool(stamp.words)):
            if stamp.words and count % _EVERY == 0 and count < _EVERY * _MOST:
                _across(sheet, count + 2, stamp.words)
            count += 1
            for place, value in enumerate(line):
                if isinstance(value, str):
                    sheet.write_string(count, place, value, text)
                elif value is not None:
                    sheet.write(count, place, value)
    return count


def _stamp(book: Any, sheet: Any, stamp: Stamp) -> None:
    """The number among the workbook's properties; over and under each printed page of a file in clear, whose it is."""
    if stamp.number:
        book.set_properties({"comments": f"导出编号 {stamp.number} {stamp.words}".strip()})
        book.set_custom_property("导出编号", stamp.number)
    if stamp.words:
        said = stamp.words.replace("&", "&&")[:200]
        sheet.set_header(f"&C&12{said}")
        sheet.set_footer(f"&L{said}&R&P / &N")
        sheet.set_tab_color("#C00000")


def _across(sheet: Any, row: int, words: str) -> None:
    """Words that float over the cells, so that whoever looks at the sheet or photographs it has them too; the import reads cells alone."""
    plain = {"fill": {"none": True}, "line": {"none": True}, "object_position": 3, "width": 760, "height": 44}
    sheet.insert_textbox(row, 1, words, plain | {"font": {"color": "#B04040", "size": 15, "bold": True}, "description": words})


_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guarded(value: object) -> str:
    """A cell of a CSV file: text that a spreadsheet program would run gets an apostrophe in front."""
    if isinstance(value, float):
        return f"{value:.15g}"
    text = "" if value is None else str(value)
    return "'" + text if isinstance(value, str) and _FORMULA.match(text) else text


def to_csv(session: Session, cls: type[Register], out: BinaryIO, where: Sequence[sa.ColumnElement[bool]] = ()) -> int:
    """Write the register as UTF-8 CSV with the mark that Excel wants; the number of rows."""
    columns = headings(permitted(session, cls), cls)
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(column.text for column in columns)
    count = 0
    for line in lines(session, cls, columns, where):
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


def to_json(session: Session, cls: type[Register], out: BinaryIO, where: Sequence[sa.ColumnElement[bool]] = ()) -> int:
    """Write the register as a list of objects; the number of records."""
    found = list(objects(session, cls, where))
    out.write(json.dumps(found, ensure_ascii=False, indent=1).encode())
    return len(found)


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
