"""A sheet of a package with its wrong rows marked: its rows as bytes, what stands around them as a tree."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy

from lxml import etree

from imports.answer.faults import EXPLANATION, WIDTH, Request
from imports.answer.rows import Changes, Rows
from imports.answer.styles import Styles
from imports.answer.xml import child, local, namespace, parsed, serialised
from imports.cells import Merge, letters, number

_BEGIN = re.compile(rb"<((?:\w+:)?)sheetData\b[^>]*?(/?)>")
_REF = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?(\d+))?")
_LAST = 16_384
#: what Excel insists on: the order of a sheet's children
_ORDER = (
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios",
    "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations",
    "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches",
    "ignoredErrors", "smartTags", "drawing", "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "AlternateContent",
    "controls", "webPublishItems", "tableParts", "extLst",
)  # fmt: skip


class Sheet:
    """One worksheet part. `is_heading` says of a cell's XML whether it reads 错误说明."""

    def __init__(self, part: bytes, styles: Styles, request: Request, is_heading: Callable[[bytes, bytes], bool]) -> None:
        begin = _BEGIN.search(part) if _is_plain(part) else None
        if begin is None:
            part = serialised(parsed(part))
            begin = _BEGIN.search(part)
        if begin is None:
            raise KeyError("sheetData")
        prefix = begin[1]
        end = begin.end() if begin[2] else part.rindex(b"</%bsheetData>" % prefix)
        after = begin.end() if begin[2] else end + len(prefix) + 12
        self.root = parsed(part[: begin.start()] + b"<%bsheetData/>" % prefix + part[after:])
        self.ns = namespace(self.root)
        self.request = request
        self.styles = styles
        self.prefix = prefix
        self.rows = Rows(part[begin.end() : end], prefix, styles)
        self.merges = [merge for element in self._list("mergeCells") if (merge := _merge(element.get("ref", "")))]
        self.dropped = request.dropped([(merge.top, merge.bottom) for merge in self.merges if merge.tall])
        #: the wrong cells with their sentences
        self.wrong = request.cells(self.merges)
        self.place, self.again = self._place(is_heading)

    def _list(self, name: str) -> list[etree._Element]:
        found = child(self.root, name)
        return [] if found is None else list(found)

    def _place(self, is_heading: Callable[[bytes, bytes], bool]) -> tuple[int, bool]:
        """Where 错误说明 stands: behind the last used column, or where an earlier answer put it."""
        for row in self.rows.each():
            if row.line > self.request.header_row:
                break
            if row.line == self.request.header_row:
                for place, cell in self.rows.cells(row.body).items():
                    if cell.body and is_heading(cell.attributes, cell.body):
                        return place, True
        widest = max((merge.right for merge in self.merges if merge.top < self.request.first), default=0)
        place = max(self.rows.used() + 1, widest, *(place + 1 for _row, place in self.wrong), 0)
        if place >= _LAST:
            raise KeyError("no column is left")
        return place, False

    def bytes(self, relation: str) -> bytes:
        """The part; `relation` is the id of the comments' boxes, if there are any."""
        red: dict[int, list[int]] = defaultdict(list)
        for row, place in self.wrong:
            red[row].append(place)
        header = range(self.request.header_row, self.request.first)
        changes = Changes(red, self.request.sentences, self.dropped, header, self.place, EXPLANATION, self._column_styles(), self.again)
        if not self.again:
            self._widen()
            self._merge_heading()
        self._forget_links()
        if relation:
            self._show_comments(relation)
        frame = serialised(self.root)
        begin = _BEGIN.search(frame)
        assert begin is not None  # noqa: S101 - it was put in above
        head, tail = b"%b<%bsheetData>" % (frame[: begin.start()], self.prefix), b"</%bsheetData>%b" % (self.prefix, frame[begin.end() :])
        return b"".join((head, *self.rows.changed(changes), tail))

    def _column_styles(self) -> dict[int, int]:
        styles: dict[int, int] = {}
        for element in self._list("cols"):
            if element.get("style"):
                first, last = int(element.get("min", "1")), min(int(element.get("max", "1")), self.place + 1)
                styles.update(dict.fromkeys(range(first - 1, last), int(element.get("style", "0"))))
        return styles

    def _widen(self) -> None:
        """A width for the new column, taken out of the range of columns that it lies in; the sheet's extent."""
        cols = child(self.root, "cols")
        if cols is None:
            cols = self._put(etree.Element(f"{self.ns}cols"))
        new = self.place + 1
        for element in list(cols):
            first, last = int(element.get("min", "1")), int(element.get("max", "1"))
            if first <= new <= last:
                for low, high in ((first, new - 1), (new + 1, last)):
                    if low <= high:
                        part = deepcopy(element)
                        part.set("min", str(low))
                        part.set("max", str(high))
                        element.addprevious(part)
                cols.remove(element)
        made = etree.Element(f"{self.ns}col", min=str(new), max=str(new), width=str(WIDTH), customWidth="1")
        behind = next((each for each in cols if int(each.get("min", "1")) > new), None)
        cols.append(made) if behind is None else behind.addprevious(made)
        dimension = child(self.root, "dimension")
        extent = _merge(dimension.get("ref", "")) if dimension is not None else None
        if dimension is not None and extent and extent.right < new:
            dimension.set("ref", f"{letters(extent.left)}{extent.top}:{letters(new)}{extent.bottom}")

    def _merge_heading(self) -> None:
        """Over several header rows the heading is one cell, as those beside it."""
        if self.request.depth < 2:
            return
        merges = child(self.root, "mergeCells")
        if merges is None:
            merges = self._put(etree.Element(f"{self.ns}mergeCells"))
        column = letters(self.place + 1)
        etree.SubElement(merges, f"{self.ns}mergeCell", ref=f"{column}{self.request.header_row}:{column}{self.request.first - 1}")
        merges.set("count", str(len(merges)))

    def _forget_links(self) -> None:
        links = child(self.root, "hyperlinks")
        for link in list(links) if links is not None else ():
            at = _merge(link.get("ref", ""))
            if at and at.top == at.bottom and at.top in self.dropped:
                links.remove(link)  # type: ignore[union-attr]
        if links is not None and not len(links):
            self.root.remove(links)

    def boxes(self) -> str:
        """The relation under which the sheet names its boxes so far."""
        found = child(self.root, "legacyDrawing")
        return "" if found is None else next((value for name, value in found.attrib.items() if name.endswith("}id")), "")

    def _show_comments(self, relation: str) -> None:
        if child(self.root, "legacyDrawing") is None:
            self._put(etree.Element(f"{self.ns}legacyDrawing", {f"{{{_relations(self.ns)}}}id": relation}))

    def _put(self, element: etree._Element) -> etree._Element:
        """A child where Excel expects it."""
        rank = _ORDER.index(local(element))
        behind = next((each for each in self.root if local(each) in _ORDER and _ORDER.index(local(each)) > rank), None)
        self.root.append(element) if behind is None else behind.addprevious(element)
        return element


def _is_plain(part: bytes) -> bool:
    """Whether the part can be searched as bytes: UTF-8, double quotes, nothing but elements and text."""
    head = part[:200]
    encoded = re.search(rb"""encoding=["']([\w-]+)""", head)
    return (
        head[:2] not in (b"\xff\xfe", b"\xfe\xff")
        and (encoded is None or encoded[1].lower() == b"utf-8")
        and b"<!" not in part
        and b"='" not in part[part.find(b"<", 60) :]
    )


def _relations(ns: str) -> str:
    strict = "purl.oclc.org" in ns
    return "http://purl.oclc.org/ooxml/officeDocument/relationships" if strict else "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _merge(ref: str) -> Merge | None:
    found = _REF.fullmatch(ref)
    if not found:
        return None
    return Merge(int(found[2]), number(found[1]), int(found[4] or found[2]), number(found[3] or found[1]))
