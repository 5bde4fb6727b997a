"""Workbooks written as text: XML of Excel 2003, and web pages whose tables Excel and WPS open as sheets."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import datetime
from xml.parsers import expat

from app.language import _l
from imports import delimited
from imports.cells import NO_RESULT, CellError, Layout, Merge
from imports.grid import Grid
from imports.refusal import Refused, damaged, hostile, other_kind
from imports.web_page import grids

_BEGINS = re.compile(r"\s*<(\?xml|!doctype|!--|html|head|meta|body|table|style|div|center|script|workbook|\w+:workbook)\b", re.IGNORECASE)
_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
_SS = _SPREADSHEET + " "
_VISIBLE = "urn:schemas-microsoft-com:office:excel Visible"
_DECLARED = re.compile(r"^\s*<\?xml[^>]*\?>")


def is_markup(text: str) -> bool:
    """Whether the text is XML or a web page."""
    return bool(_BEGINS.match(text[:2000]))


def unpacked(data: bytes) -> str | None:
    """The pages in a web archive (.mht), one behind the other; None when the bytes are none."""
    if not data[:200].lstrip().lower().startswith(b"mime-version:"):
        return None
    pages = []
    for part in email.message_from_bytes(data, policy=email.policy.compat32).walk():
        payload = part.get_payload(decode=True) if part.get_content_type() == "text/html" else None
        if isinstance(payload, bytes):
            pages.append(_decoded(payload, str(part.get_content_charset() or "")))
    return "<html>" + "\n".join(pages)


def _decoded(page: bytes, charset: str) -> str:
    try:
        return delimited.decode(page)
    except Refused:
        return page.decode(charset if charset in {"windows-1252", "iso-8859-1", "big5"} else "windows-1252", "replace")


def read(text: str, rows: int, columns: int) -> tuple[str, list[Grid]]:
    """The kind (`xml`, `html`) and the sheets; raises Refused."""
    start = text[:5000]
    if _SPREADSHEET in start and re.search(r"<(\w+:)?workbook\b", start, re.IGNORECASE) and not re.search(r"<html[\s>]", start, re.IGNORECASE):
        return "xml", _Workbook(rows, columns).read(text)
    if "schemas.microsoft.com/office/word/2003" in start:
        raise other_kind("document")
    if re.search(r"<!ENTITY|<!DOCTYPE[^>]*\[", start):
        raise hostile()
    found = grids(text, rows, columns)
    if not found:
        raise Refused("web_page", _l("这是网页或 XML，里面没有表格。请用 Excel 或 WPS 打开原来的表格，另存为 .xlsx 再上传"))
    return "html", found


def _int(attributes: dict[str, str], name: str, default: int = 0) -> int:
    said = attributes.get(_SS + name, "")
    return int(said) if said.isdecimal() and len(said) < 9 else default


class _Workbook:
    """Reads the XML of Excel 2003 event by event; entities are refused."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.grids: list[Grid] = []
        self.path: list[str] = []
        self.row = self.column = self.definition = 0
        self.skip = 0  # columns that the cell spans beside its own
        self.kind = ""
        self.said: list[str] = []

    def read(self, text: str) -> list[Grid]:
        """The sheets of a workbook."""
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = self.start, self.end, self.text
        parser.StartDoctypeDeclHandler = _refuse
        try:
            parser.Parse(_DECLARED.sub("", text, count=1).encode("utf-8", "replace"), True)
        except expat.ExpatError:
            raise damaged() from None
        return self.grids

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.path.append(tag)
        if len(self.path) > 100:
            raise hostile()
        if tag == _SS + "Worksheet":
            self.grids.append(Grid(attributes.get(_SS + "Name", ""), self.rows, self.columns))
            self.row = self.definition = 0
        elif tag == _SS + "Column" and self.grids:
            self._widths(attributes, self.grids[-1].layout)
        elif tag == _SS + "Row" and self.grids:
            self._begin_row(attributes, self.grids[-1].layout)
        elif tag == _SS + "Cell" and self.grids:
            self._begin_cell(attributes, self.grids[-1])
        elif tag == _SS + "Data" and self.path[-2] == _SS + "Cell":
            self.kind, self.said = attributes.get(_SS + "Type", "String"), []
        elif tag == _VISIBLE:
            self.said = []

    def _widths(self, attributes: dict[str, str], layout: Layout) -> None:
        first = _int(attributes, "Index", self.definition + 1)
        self.definition = first + _int(attributes, "Span")
        if attributes.get(_SS + "Hidden") == "1":
            layout.hidden_columns.update(range(first, min(self.definition, self.columns) + 1))

    def _begin_row(self, attributes: dict[str, str], layout: Layout) -> None:
        first = _int(attributes, "Index", self.row + 1)
        self.row, self.column = first + _int(attributes, "Span"), 0
        if attributes.get(_SS + "Hidden") == "1":
            layout.hidden_rows.update(range(first, min(self.row, self.rows) + 1))
        self.row = first if not _int(attributes, "Span") else self.row

    def _begin_cell(self, attributes: dict[str, str], grid: Grid) -> None:
        self.column = _int(attributes, "Index", self.column + 1)
        across, down = _int(attributes, "MergeAcross"), _int(attributes, "MergeDown")
        if across or down:
            grid.layout.merges.append(Merge(self.row, self.column, self.row + down, self.column + across))
        self.skip, self.kind = across, ""
        self.formula = _SS + "Formula" in attributes

    def text(self, said: str) -> None:
        """Characters, also of rich text."""
        self.said.append(said)

    def end(self, tag: str) -> None:
        """An element ends."""
        self.path.pop()
        if not self.grids:
            return
        if tag == _SS + "Data" and self.path and self.path[-1] == _SS + "Cell":
            self.grids[-1].put(self.row, self.column, _value(self.kind, "".join(self.said)))
        elif tag == _SS + "Cell":
            if self.formula and not self.kind:
                self.grids[-1].put(self.row, self.column, NO_RESULT)
            self.column += self.skip
        elif tag == _VISIBLE:
            self.grids[-1].layout.hidden = "".join(self.said).strip() in {"SheetHidden", "SheetVeryHidden"}


def _refuse(*_declared: object) -> None:
    raise hostile()


def _value(kind: str, said: str) -> object:
    try:
        if kind == "Number":
            return float(said)
        if kind == "DateTime":
            return datetime.fromisoformat(said.strip())
    except ValueError:
        return said
    if kind == "Boolean":
        return said.strip() == "1"
    return CellError(said.strip() or "=?") if kind == "Error" else said
