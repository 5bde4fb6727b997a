"""OpenDocument (.ods): which cells failed, which rows, columns and sheets are hidden, what is merged.

calamine reads the values; what else must be known is read here from the events of the same XML.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from xml.parsers import expat

from app.language import _l
from imports.cells import NO_RESULT, CellError, Layout, Merge
from imports.refusal import Refused, damaged, hostile

_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0 "
_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
_HIDDEN = frozenset({"collapse", "filter"})


def layouts(package: zipfile.ZipFile, rows: int, columns: int) -> list[Layout]:
    """The layout of each sheet in the file's order; raises Refused."""
    found = _Content(rows, columns)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = found.start, found.end, found.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        with package.open("content.xml") as stream:
            parser.ParseFile(stream)
    except (expat.ExpatError, LookupError, ValueError):
        raise damaged() from None
    return found.layouts


def _refuse(*_declared: object) -> None:
    raise hostile()


def _times(attributes: Mapping[str, str], name: str) -> int:
    said = attributes.get(_TABLE + name, "1")
    return max(1, int(said)) if said.isdecimal() else 1


class _Content:
    """What the events have told so far."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.layouts: list[Layout] = []
        self.unseen: set[str] = set()  # styles whose tables are hidden
        self.style = self.name = ""
        self.row = self.rows_now = 0
        self.column = self.definition = 0
        self.failed: tuple[int, int, int] | None = None
        self.certain = False
        self.said: list[str] | None = None
        self.depth = 0  # of tables inside tables

    @property
    def layout(self) -> Layout:
        return self.layouts[-1]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if tag == _STYLE + "style":
            self.style = attributes.get(_STYLE + "name", "")
        elif tag == _STYLE + "table-properties" and attributes.get(_TABLE + "display") == "false":
            self.unseen.add(self.style)
        elif tag == _TABLE + "table":
            self.depth += 1
            if self.depth == 1:
                self.name = attributes.get(_TABLE + "name", "")
                self.layouts.append(Layout(hidden=attributes.get(_TABLE + "style-name") in self.unseen))
                self.row = self.rows_now = self.definition = 0
        elif self.depth == 1:
            self._inside(tag, attributes)

    def _inside(self, tag: str, attributes: dict[str, str]) -> None:
        hidden = attributes.get(_TABLE + "visibility") in _HIDDEN
        if tag == _TABLE + "table-column":
            width = _times(attributes, "number-columns-repeated")
            if hidden:
                self.layout.hidden_columns.update(range(self.definition + 1, min(self.definition + width, self.columns) + 1))
            self.definition += width
        elif tag == _TABLE + "table-row":
            self.rows_now, self.column = _times(attributes, "number-rows-repeated"), 0
            if hidden:
                self.layout.hidden_rows.update(range(self.row + 1, min(self.row + self.rows_now, self.rows) + 1))
        elif tag in {_TABLE + "table-cell", _TABLE + "covered-table-cell"}:
            self._cell(attributes, _times(attributes, "number-columns-repeated"))
        elif tag == _TEXT + "p" and self.failed and self.said is None:
            self.said = []

    def _cell(self, attributes: dict[str, str], width: int) -> None:
        tall, wide = _times(attributes, "number-rows-spanned"), _times(attributes, "number-columns-spanned")
        if tall > 1 or wide > 1:
            self.layout.merges.append(Merge(self.row + 1, self.column + 1, self.row + tall, self.column + wide))
        if _OFFICE + "value-type" in attributes:
            self._refuse_far(width)
        self.failed = self.said = None
        if attributes.get(_CALC + "value-type") == "error" or (
            _TABLE + "formula" in attributes and attributes.get(_OFFICE + "value-type") in {None, "string", "float"}
        ):
            self.failed = (self.row + 1, self.column + 1, width)
            self.certain = attributes.get(_CALC + "value-type") == "error" or _OFFICE + "value-type" not in attributes
        self.column += width

    def _refuse_far(self, width: int) -> None:
        if self.row + self.rows_now > self.rows:
            raise Refused("too_big", _l("“%(name)s”超过 %(most)s 行，请拆分后分次导入", name=self.name, most=self.rows))
        if self.column + width > self.columns:
            raise Refused("too_big", _l("“%(name)s”超过 %(most)s 列，请删去多余的列", name=self.name, most=self.columns))

    def text(self, said: str) -> None:
        """Characters of a cell that may have failed."""
        if self.said is not None:
            self.said.append(said)

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag == _TABLE + "table":
            self.depth -= 1
        elif self.depth == 1 and tag == _TABLE + "table-row":
            self.row += self.rows_now
        elif tag == _TABLE + "table-cell" and self.failed:
            self._judge("".join(self.said or ()).strip())

    def _judge(self, said: str) -> None:
        """A formula's text tells a failure where the producer does not say it: #N/A, Err:508."""
        row, column, width = self.failed or (0, 0, 0)
        self.failed = self.said = None
        if self.certain or (said.startswith(("#", "Err:")) and " " not in said and len(said) < 16):
            error = CellError(said) if said else NO_RESULT
            self.layout.errors.update({(row, each): error for each in range(column, min(column + width, self.columns + 1))})
