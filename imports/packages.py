"""Zipped workbooks: what must be known before and beside reading their cells.

calamine gives values, but neither hidden rows nor failed formulas (it gives those as blank), and it
lays a sheet out as a full rectangle: a far-off cell is refused here, before it costs memory.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from xml.etree import ElementTree as ET

from app.archives import UNREADABLE
from app.language import _l
from imports import opendocument, records, sheet_xml
from imports.cells import Layout
from imports.refusal import Refused, damaged, encrypted, hostile, other_kind

_RULED = 5000  # parts a workbook may have


def inspect(data: bytes, unpacked: int, rows: int, columns: int) -> tuple[str, list[Layout | None], bytes]:
    """What kind of workbook it is, the layout of each sheet in the file's order, and the bytes to read values from; raises Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = _guard(package, unpacked)
            if "xl/workbook.xml" in names:
                layouts, odd = _sheets(package, names, rows, columns)
                return "xlsx", layouts, _mended(package, odd) if odd else data
            if "xl/workbook.bin" in names:
                parts = records.parts(package.read("xl/workbook.bin"), _relations(package, "xl/_rels/workbook.bin.rels"))
                return "xlsb", [records.package_layout(package.read(part)) if part in names else None for part in parts], data
            return "ods", list(opendocument.layouts(package, rows, columns)), data
    except zipfile.BadZipFile:
        if data.rfind(b"PK\x05\x06") < 0:
            raise Refused("truncated", _l("文件不完整，可能没有传完或没有存完。请重新发送，或用 Excel、WPS 打开后另存为 .xlsx 再上传")) from None
        raise damaged() from None
    except (*UNREADABLE, *records.CUT_OFF, KeyError, ET.ParseError):  # KeyError: a part that another names and that is not there
        raise damaged() from None


def _guard(package: zipfile.ZipFile, unpacked: int) -> set[str]:
    """The names of the parts, when none of them does harm and together they are a workbook."""
    parts = package.infolist()
    names = {part.filename for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise encrypted()
    if any(name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name for name in names):
        raise hostile()
    _refuse_other_kinds(package, names)
    if sum(part.file_size for part in parts) > unpacked or len(parts) > _RULED:
        raise Refused("too_big", _l("文件解压后超过 %(most)s MB，请拆分后分次导入", most=unpacked // 1_000_000))
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with package.open(part) as stream:
                head = stream.read(4096)
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                raise hostile()
    return names


def _refuse_other_kinds(package: zipfile.ZipFile, names: set[str]) -> None:
    if names & {"xl/workbook.xml", "xl/workbook.bin"}:
        return
    if any(name.startswith("word/") for name in names):
        raise other_kind("document")
    if any(name.startswith("ppt/") for name in names):
        raise other_kind("slides")
    if "content.xml" not in names:
        raise other_kind("archive")
    kind = package.read("mimetype")[:100] if "mimetype" in names and package.getinfo("mimetype").file_size < 1000 else b""
    if b"opendocument.text" in kind:
        raise other_kind("document")
    if b"opendocument.presentation" in kind or b"opendocument.graphics" in kind:
        raise other_kind("slides")
    if "META-INF/manifest.xml" in names and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise encrypted()


class _NoDocumentType(ET.TreeBuilder):
    """Builds a tree; a document type, where entities are declared, is refused before anything of it happens."""

    def doctype(self, *_declared: object) -> None:
        raise hostile()


def _tree(xml: bytes) -> ET.Element:
    return ET.fromstring(xml, ET.XMLParser(target=_NoDocumentType()))  # noqa: S314 - entities are refused


_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def _relations(package: zipfile.ZipFile, part: str) -> dict[str, str]:
    """The parts that a part names, by its own names for them."""
    found = {}
    for each in _tree(package.read(part)):
        target = posixpath.normpath(posixpath.join("/xl", each.get("Target", "")))
        found[each.get("Id", "")] = target.lstrip("/")
    return found


def _sheets(package: zipfile.ZipFile, names: set[str], rows: int, columns: int) -> tuple[list[Layout | None], dict[str, Callable[[bytes], bytes]]]:
    """The layout of each sheet (None where it has no cells), and the parts to put right before calamine reads them."""
    targets = _relations(package, "xl/_rels/workbook.xml.rels")
    found: list[Layout | None] = []
    odd: dict[str, Callable[[bytes], bytes]] = {}
    pictures = any(b"DISPIMG(" in piece for piece in _pieces(package, names, "xl/sharedStrings.xml"))
    for element in _tree(package.read("xl/workbook.xml")).iter():
        if element.tag.rpartition("}")[2] != "sheet":
            continue
        part = targets.get(element.get(_REL) or _strict_id(element) or "", "")
        if part not in names:
            found.append(None)
            continue
        with package.open(part) as stream:
            layout, unknown = sheet_xml.layout(stream, element.get("name", ""), rows, columns)
        found.append(layout)
        layout.pictures |= pictures
        if unknown:
            odd[part] = sheet_xml.without_unknown_errors
    return found, odd


def _pieces(package: zipfile.ZipFile, names: set[str], part: str) -> Iterator[bytes]:
    if part in names:
        with package.open(part) as stream:
            while piece := stream.read(1 << 20):
                yield piece


def _strict_id(element: ET.Element) -> str | None:
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), None)


def _mended(package: zipfile.ZipFile, odd: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """The package again with some parts put right."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as mended:
        for name in _read_by_calamine(package.namelist()):
            data = package.read(name)
            mended.writestr(name, odd[name](data) if name in odd else data)
    return out.getvalue()


def _read_by_calamine(names: Iterable[str]) -> list[str]:
    """Pictures and the like need not be copied."""
    return [name for name in names if name.endswith((".xml", ".rels", ".vml"))]
