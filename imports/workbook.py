"""Bytes become sheets of cells. The content decides what a file is, never its name."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from app.language import _l
from imports import delimited, markup, ole, packages, records
from imports.cells import CellError, Layout, Merge, is_empty, plain
from imports.grid import refuse_size
from imports.refusal import Refused, damaged, encrypted, other_kind

__all__ = ["CHUNK", "LIMITS", "CellError", "Limits", "Merge", "Refused", "Sheet", "Source", "Workbook", "read", "sources"]

CHUNK = 2000  # rows that are handed on at once


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
    """One sheet: rows of raw cells from A1 on, and what its layout says. Numbers count from 1.

    A sheet that is still being read (`imports.reading.opened`) has its first rows in `rows`, enough to
    find a header, and gives all of them by `chunks` alone.
    """

    name: str
    rows: list[list[object]]
    merges: list[Merge] = field(default_factory=list)
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    hidden: bool = False
    source: Callable[[], Iterator[list[list[object]]]] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def width(self) -> int:
        """The number of columns (of the first rows, while the sheet is still being read)."""
        return max((len(row) for row in self.rows), default=0)

    @property
    def empty(self) -> bool:
        """Whether no cell says anything."""
        return not any(cell not in (None, "") for row in self.rows for cell in row)

    def chunks(self) -> Iterator[list[list[object]]]:
        """All rows from the first on, some thousand at a time."""
        if self.source:
            yield from self.source()
        else:
            yield from (self.rows[start : start + CHUNK] for start in range(0, len(self.rows), CHUNK))


@dataclass
class Workbook:
    """All sheets of a file, in its order; `kind` is what the content was."""

    kind: str
    sheets: list[Sheet]


@dataclass
class Source:
    """A sheet whose rows have not been taken yet; they may be taken more than once."""

    name: str
    layout: Layout
    rows: Callable[[], Iterator[list[object]]]

    def sheet(self, most: int | None = None) -> Sheet:
        """The sheet with all its rows, or the first so many."""
        layout = self.layout
        rows = list(islice(self.rows(), most))
        return Sheet(self.name, rows, layout.merges, frozenset(layout.hidden_rows), frozenset(layout.hidden_columns), layout.hidden)

    def empty(self) -> bool:
        """Whether no cell says anything."""
        return all(is_empty(cell) for row in self.rows() for cell in row)


def read(data: bytes, limits: Limits = LIMITS) -> Workbook:
    """The workbook in these bytes; raises Refused with a sentence for the person."""
    kind, found = sources(data, limits)
    return Workbook(kind, [source.sheet() for source in found])


def sources(data: bytes, limits: Limits = LIMITS) -> tuple[str, list[Source]]:
    """What the content is, and its sheets; raises Refused with a sentence for the person."""
    if not data.strip():
        raise Refused("empty", _l("文件是空的，请检查后重新上传"))
    if len(data) > limits.bytes:
        raise Refused("too_big", _l("文件有 %(now)s MB，最多 %(most)s MB，请拆分后分次导入", now=len(data) // 1_000_000, most=limits.bytes // 1_000_000))
    if data[:2] == b"PK":
        kind, layouts, values = packages.inspect(data, limits.unpacked, limits.rows, limits.columns)
        found = list(_calamine(values, layouts, limits))
    elif data[:8] == ole.MAGIC:
        kind, found = "xls", list(_calamine(data, _old(data), limits))
    else:
        kind, found = _text(data, limits)
    if all(source.empty() for source in found):
        raise Refused("empty", _l("工作簿里没有任何内容，请检查是否选错了文件"))
    return kind, found


_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def _old(data: bytes) -> list[Layout | None]:
    """The layouts of an .xls; raises Refused for whatever else old Office programs, or encryption, put into the same container."""
    try:
        compound = ole.Compound(data)
        names = compound.entries.keys()
        if "EncryptedPackage" in names:
            raise encrypted()
        for stream, kind in (("WordDocument", "document"), ("PowerPoint Document", "slides")):
            if stream in names:
                raise other_kind(kind)
        home = next((name for name in ("Workbook", "WORKBOOK", "Book", "BOOK") if name in names), None)
        if home is None:
            raise other_kind("not_workbook")
        stream_ = compound.stream(home)
        if records.locked(stream_):
            raise encrypted()
        return list(records.layouts(stream_))
    except (ole.Broken, *records.CUT_OFF):
        raise (encrypted() if _ENCRYPTED in data else damaged()) from None


def _calamine(data: bytes, layouts: list[Layout | None], limits: Limits) -> Iterator[Source]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for place, facts in enumerate(book.sheets_metadata):
            if facts.typ == SheetTypeEnum.WorkSheet:
                layout = (layouts[place] if place < len(layouts) else None) or Layout()
                layout.hidden = layout.hidden or facts.visible != SheetVisibleEnum.Visible
                yield _source(book.get_sheet_by_index(place), layout, limits)
    except PasswordError:
        raise encrypted() from None
    except (CalamineError, ValueError, OSError):
        raise damaged() from None


def _source(sheet: Any, layout: Layout, limits: Limits) -> Source:
    if sheet.merged_cell_ranges:
        layout.merges = [Merge(top + 1, left + 1, bottom + 1, right + 1) for (top, left), (bottom, right) in sheet.merged_cell_ranges]
    if sheet.end is None:
        return Source(sheet.name, layout, lambda: layout.marked(iter(())))
    refuse_size(sheet.name, sheet.end[0] + 1, sheet.end[1] + 1, limits.rows, limits.columns)
    return Source(sheet.name, layout, lambda: layout.marked(plain(sheet.iter_rows(), sheet.start[1], pictures=layout.pictures)))


_KINDS = (
    (b"%PDF-", "pdf"), (b"\x89PNG", "picture"), (b"\xff\xd8\xff", "picture"), (b"GIF8", "picture"), (b"BM", "picture"), (b"II*\0", "picture"), (b"MM\0*", "picture"),
    (b"{\\rtf", "document"), (b"Rar!", "archive"), (b"7z\xbc\xaf", "archive"), (b"\x1f\x8b", "archive"), (b"BZh", "archive"), (b"\xfd7zXZ", "archive"),
)  # fmt: skip


def _text(data: bytes, limits: Limits) -> tuple[str, list[Source]]:
    text = markup.unpacked(data)
    try:
        text = text if text is not None else delimited.decode(data)
    except Refused:
        kind = next((kind for magic, kind in _KINDS if data.startswith(magic) or (kind == "pdf" and magic in data[:1000])), None)
        kind = "picture" if data[8:12] == b"WEBP" or data[4:12] in {b"ftypheic", b"ftypmif1", b"ftypavif"} else kind
        raise other_kind(kind or ("not_workbook" if delimited.is_binary(data) else "encoding")) from None
    if text.startswith(("%PDF-", "{\\rtf")):
        raise other_kind("pdf" if text[0] == "%" else "document")
    if markup.is_markup(text):
        kind, grids = markup.read(text, limits.rows, limits.columns)
        return kind, [Source(grid.name, grid.layout, lambda grid=grid: plain(grid.cells)) for grid in grids]  # type: ignore[misc]
    rows: list[list[str]] = []
    for row in delimited.rows(text):
        rows.append(row)
        if wide := next((place for place in range(len(row), 0, -1) if row[place - 1]), 0):
            refuse_size("CSV", len(rows), wide, limits.rows, limits.columns)
            del row[wide:]
    return "csv", [Source("CSV", Layout(), lambda: plain(rows))]
