"""Bytes become sheets of cells. The content decides what a file is, never its name."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from app.language import _l
from imports import delimited, packages
from imports.cells import CellError, Merge
from imports.refusal import Refused

__all__ = ["LIMITS", "CellError", "Limits", "Merge", "Refused", "Sheet", "Workbook", "read"]


@dataclass(frozen=True)
class Limits:
    """How much of a file is taken; people are told the numbers when one is passed."""

    bytes: int = 30_000_000
    unpacked: int = 600_000_000
    rows: int = 200_000
    columns: int = 256


LIMITS = Limits()


@dataclass
class Sheet:
    """One sheet: rows of raw cells from A1 on, and what its layout says. Numbers count from 1."""

    name: str
    rows: list[list[object]]
    merges: list[Merge] = field(default_factory=list)
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    hidden: bool = False

    @cached_property
    def width(self) -> int:
        """The number of columns."""
        return max((len(row) for row in self.rows), default=0)

    @property
    def empty(self) -> bool:
        """Whether no cell says anything."""
        return not any(cell not in (None, "") for row in self.rows for cell in row)


@dataclass
class Workbook:
    """All sheets of a file, in its order; `kind` is what the content was."""

    kind: str
    sheets: list[Sheet]


_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read(data: bytes, limits: Limits = LIMITS) -> Workbook:
    """The workbook in these bytes; raises Refused with a sentence for the person."""
    if not data.strip():
        raise Refused("empty", _l("文件是空的，请检查后重新上传"))
    if len(data) > limits.bytes:
        raise Refused("too_big", _l("文件有 %(now)s MB，最多 %(most)s MB，请拆分后分次导入", now=len(data) // 1_000_000, most=limits.bytes // 1_000_000))
    if data[:2] == b"PK":
        book = _package(data, limits)
    elif data[:8] == _OLE:
        book = _ole(data, limits)
    else:
        book = _delimited(data, limits)
    if all(sheet.empty for sheet in book.sheets):
        raise Refused("empty", _l("工作簿里没有任何内容，请检查是否选错了文件"))
    return book


def _package(data: bytes, limits: Limits) -> Workbook:
    facts = packages.inspect(data, limits.unpacked, limits.rows, limits.columns)
    sheets = list(_sheets(data, limits))
    for sheet in sheets:
        layout = facts.get(sheet.name)
        if layout is None:
            continue
        sheet.hidden_rows, sheet.hidden_columns = frozenset(layout.hidden_rows), frozenset(layout.hidden_columns)
        for (row, column), error in layout.errors.items():
            _put(sheet.rows, row, column, error)
    return Workbook("xlsx", sheets)


def _put(rows: list[list[object]], row: int, column: int, value: object) -> None:
    while len(rows) < row:
        rows.append([])
    line = rows[row - 1]
    line.extend([None] * (column - len(line)))
    line[column - 1] = value


def _ole(data: bytes, limits: Limits) -> Workbook:
    if _ENCRYPTED in data:
        raise Refused("encrypted", _l("文件设有打开密码，请取消密码（另存为时不加密）后重新上传"))
    return Workbook("xls", list(_sheets(data, limits)))


def _sheets(data: bytes, limits: Limits) -> Iterator[Sheet]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for place, facts in enumerate(book.sheets_metadata):
            if facts.typ == SheetTypeEnum.WorkSheet:
                yield _sheet(book.get_sheet_by_index(place), facts.visible != SheetVisibleEnum.Visible, limits)
    except PasswordError:
        raise Refused("encrypted", _l("文件设有打开密码，请取消密码（另存为时不加密）后重新上传")) from None
    except (CalamineError, ValueError, OSError):
        raise Refused("damaged", _l("文件已损坏或不完整，无法打开。请用 Excel 或 WPS 打开后另存为 .xlsx 再上传")) from None


def _sheet(sheet: Any, hidden: bool, limits: Limits) -> Sheet:
    if sheet.end is None:
        return Sheet(sheet.name, [], hidden=hidden)
    _refuse_size(sheet.name, sheet.end[0] + 1, sheet.end[1] + 1, limits)
    rows = [[_plain(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    merges = [Merge(top + 1, left + 1, bottom + 1, right + 1) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()]
    return Sheet(sheet.name, rows, merges, hidden=hidden)


def _refuse_size(name: str, rows: int, columns: int, limits: Limits) -> None:
    if rows > limits.rows:
        raise Refused("too_big", _l("“%(name)s”有 %(now)s 行，最多 %(most)s 行，请拆分后分次导入", name=name, now=rows, most=limits.rows))
    if columns > limits.columns:
        raise Refused("too_big", _l("“%(name)s”有 %(now)s 列，最多 %(most)s 列，请删去多余的列", name=name, now=columns, most=limits.columns))


_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"})


def _plain(cell: object) -> object:
    """A cell as formats take it: blanks None, midnights dates, errors and pictures marked."""
    if isinstance(cell, str):
        if not cell:
            return None
        if cell[0] == "#" and cell in _ERRORS:
            return CellError(cell)
        return CellError("DISPIMG") if cell[0] == "=" and "DISPIMG(" in cell else cell
    if isinstance(cell, datetime):
        return cell.date() if cell.time() == time() else cell
    if isinstance(cell, (time, timedelta)) and not isinstance(cell, date):
        return str(cell)
    return cell


def _delimited(data: bytes, limits: Limits) -> Workbook:
    text = delimited.decode(data)
    if re.match(r"\s*(<\?xml|<!doctype html|<html|<table|<meta)", text[:500], re.IGNORECASE):
        raise Refused("web_page", _l("这是网页或 XML 改名成的表格，请用 Excel 或 WPS 打开后另存为 .xlsx 再上传"))
    rows: list[list[object]] = []
    for row in delimited.rows(text):
        rows.append([_plain(cell) for cell in row])
        _refuse_size("CSV", len(rows), len(row), limits)
    return Workbook("csv", [Sheet("CSV", rows)])
