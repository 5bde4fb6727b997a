"""Zipped workbooks: what must be known before and beside reading their cells.

calamine gives values, but neither hidden rows nor failed formulas, and it lays a sheet out as a
full rectangle: a far-off cell is refused here, before it costs memory.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from app.archives import UNREADABLE
from app.language import _l
from imports.cells import CellError, number
from imports.refusal import Refused


@dataclass
class Layout:
    """What a sheet's XML says beside values; numbers count from 1."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    errors: dict[tuple[int, int], CellError] = field(default_factory=dict)


def inspect(data: bytes, unpacked: int, rows: int, columns: int) -> dict[str, Layout]:
    """The layout of every sheet by name (none for .xlsb and .ods); raises Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _guard(package, unpacked)
            return _layouts(package, rows, columns)
    except (*UNREADABLE, KeyError, ET.ParseError):  # KeyError: a part that another names and that is not there
        raise Refused("damaged", _l("文件已损坏或不完整，无法打开。请用 Excel 或 WPS 打开后另存为 .xlsx 再上传")) from None


def _guard(package: zipfile.ZipFile, unpacked: int) -> None:
    parts = package.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("encrypted", _l("文件设有打开密码，请取消密码（另存为时不加密）后重新上传"))
    if sum(part.file_size for part in parts) > unpacked or len(parts) > 5000:
        raise Refused("too_big", _l("文件解压后超过 %(most)s MB，请拆分后分次导入", most=unpacked // 1_000_000))
    for part in parts:
        if part.filename.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", part.filename) or ":" in part.filename:
            raise Refused("hostile", _l("文件内部结构异常，可能带有恶意内容，已拒绝"))
    names = {part.filename for part in parts}
    if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} or "word/document.xml" in names:
        raise Refused("not_workbook", _l("这不是表格文件。可以导入 .xlsx、.xls、.ods 和 .csv 文件"))
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with package.open(part) as stream:
                head = stream.read(4096)
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                raise Refused("hostile", _l("文件内部结构异常，可能带有恶意内容，已拒绝"))


_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def _layouts(package: zipfile.ZipFile, rows: int, columns: int) -> dict[str, Layout]:
    if "xl/workbook.xml" not in package.namelist():
        return {}
    relations = ET.fromstring(package.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - entities were refused before
    targets = {each.get("Id"): posixpath.normpath(posixpath.join("xl", each.get("Target", ""))) for each in relations}
    found = {}
    for element in ET.fromstring(package.read("xl/workbook.xml")).iter():  # noqa: S314 - entities were refused before
        if element.tag.rpartition("}")[2] == "sheet":
            part = targets.get(element.get(_REL) or _strict_id(element), "")
            part = part[1:] if part.startswith("/") else part.removeprefix("xl//")
            if part in package.namelist():
                found[element.get("name", "")] = _layout(element.get("name", ""), package.read(part), rows, columns)
    return found


def _strict_id(element: ET.Element) -> str | None:
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), None)


_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_COLUMNS = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
_CELL_REF = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{3,}|I[W-Z]|[J-Z][A-Z])\d')
_ERROR = re.compile(rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)</', re.DOTALL)
_EMPTY_FORMULA = re.compile(rb"<(?:\w+:)?c\b([^>]*)><(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>")
_PLACE = re.compile(rb'\br="([A-Z]+)(\d+)"')


def _layout(name: str, xml: bytes, rows: int, columns: int) -> Layout:
    """Searched, not parsed: a tree of a large sheet costs ten times its bytes."""
    layout = Layout()
    for attributes in _ROW.findall(xml):
        place = re.search(rb'\br="(\d+)"', attributes)
        if place and int(place.group(1)) > rows:
            raise Refused("too_big", _l("“%(name)s”超过 %(most)s 行，请拆分后分次导入", name=name, most=rows))
        if place and _HIDDEN.search(attributes):
            layout.hidden_rows.add(int(place.group(1)))
    if _CELL_REF.search(xml):
        raise Refused("too_big", _l("“%(name)s”超过 %(most)s 列，请删去多余的列", name=name, most=columns))
    for attributes in _COLUMNS.findall(xml):
        ends = re.search(rb'\bmin="(\d+)"', attributes), re.search(rb'\bmax="(\d+)"', attributes)
        if ends[0] and ends[1] and _HIDDEN.search(attributes):
            layout.hidden_columns.update(range(int(ends[0].group(1)), min(int(ends[1].group(1)), columns) + 1))
    if b't="e"' in xml:
        for attributes, text in _ERROR.findall(xml):
            _mark(layout, attributes, text.decode())
    if b"<f" in xml or b":f" in xml:
        for attributes in _EMPTY_FORMULA.findall(xml):
            _mark(layout, attributes, "=?")
    return layout


def _mark(layout: Layout, attributes: bytes, text: str) -> None:
    if place := _PLACE.search(attributes):
        layout.errors[int(place.group(2)), number(place.group(1).decode())] = CellError(text)
