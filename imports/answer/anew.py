"""The answer to a file that is no zipped workbook of Excel's kind: a new one with the same cells."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app.workbooks import workbook
from imports.answer.faults import AUTHOR, COMMENTS, EXPLANATION, RED, WIDTH, Cell, Request
from imports.answer.mark import PROPERTY
from imports.cells import Merge
from imports.workbook import Sheet, Workbook

#: cells under merged ranges: each is written
_MERGED = 200_000
_BAD = dict.fromkeys(map(ord, "[]:*?/\\'"), "_")


def made(book: Workbook, request: Request) -> bytes:
    """The bytes of a workbook (.xlsx) with every sheet's cells, merged ranges and hidden rows, one sheet answered."""
    out = io.BytesIO()
    with workbook(out) as new:
        new.set_custom_property(PROPERTY, request.mark, "text")
        pens = _Pens(new)
        for place, sheet in enumerate(book.sheets, 1):
            page = new.add_worksheet(_name(sheet.name, place))
            page.set_comments_author(AUTHOR)
            _copy(page, sheet, pens, request if sheet.name == request.sheet else None)
    return out.getvalue()


def _name(name: str, place: int) -> str:
    """A name that Excel takes: it may be cut, and then two may be alike."""
    fit = name.translate(_BAD)[:31]
    return fit if fit == name and fit else f"{fit[:26]} {place}"


class _Pens:
    """The formats: plain or red, for days, moments and anything else."""

    def __init__(self, book: Any) -> None:
        kinds = {"day": {"num_format": "yyyy-mm-dd"}, "moment": {"num_format": "yyyy-mm-dd hh:mm"}, "other": {"num_format": "General"}}
        red = {"bg_color": f"#{RED[2:]}"}
        self._pens = {(kind, wrong): book.add_format(facts | (red if wrong else {})) for kind, facts in kinds.items() for wrong in (False, True)}
        self.head = book.add_format({"bold": True, "text_wrap": True})
        self.sentence = book.add_format({"text_wrap": True, "valign": "vcenter"})

    def of(self, value: object, wrong: bool) -> Any:
        kind = "moment" if isinstance(value, datetime) else "day" if isinstance(value, date) else "other"
        return self._pens[kind, wrong]


def _copy(page: Any, sheet: Sheet, pens: _Pens, request: Request | None) -> None:
    wrong = request.cells(sheet.merges) if request else {}
    dropped = request.dropped([(merge.top, merge.bottom) for merge in sheet.merges if merge.tall]) if request else frozenset()
    covered = _merge(page, [merge for merge in sheet.merges if merge.top not in dropped], pens, wrong)
    for count, cells in enumerate(sheet.rows, 1):
        if count in dropped or count in sheet.hidden_rows:
            page.set_row(count - 1, None, None, {"hidden": True})
        if count not in dropped:
            for place, value in enumerate(cells):
                if (count, place) not in covered:
                    _put(page, count - 1, place, value, pens.of(value, (count, place) in wrong))
    for count, ((row, place), sentence) in enumerate(wrong.items()):
        if row > len(sheet.rows) or place >= len(sheet.rows[row - 1]):
            page.write_blank(row - 1, place, None, pens.of(None, wrong=True))
        if count < COMMENTS:
            page.write_comment(row - 1, place, sentence)
    if request:
        _explain(page, sheet, pens, request)


def _merge(page: Any, merges: list[Merge], pens: _Pens, wrong: Mapping[Cell, str]) -> set[Cell]:
    """Merge as the sheet does, within reason; the cells that are covered by it."""
    covered: set[Cell] = set()
    for merge in merges:
        cells = (
            {(row, place) for row in range(merge.top, merge.bottom + 1) for place in range(merge.left - 1, merge.right)} if _area(merge) <= _MERGED else set()
        )
        if 1 < len(cells) <= _MERGED - len(covered) and covered.isdisjoint(cells):
            page.merge_range(merge.top - 1, merge.left - 1, merge.bottom - 1, merge.right - 1, "", pens.of(None, wrong=(merge.top, merge.left - 1) in wrong))
            covered |= cells
    return covered - {(merge.top, merge.left - 1) for merge in merges}


def _area(merge: Merge) -> int:
    return (merge.bottom - merge.top + 1) * merge.wide


def _explain(page: Any, sheet: Sheet, pens: _Pens, request: Request) -> None:
    head = sheet.rows[request.header_row - 1] if request.header_row <= len(sheet.rows) else []
    place = head.index(EXPLANATION) if EXPLANATION in head else sheet.width
    if EXPLANATION in head:
        for count in range(request.header_row, len(sheet.rows)):
            page.write_blank(count, place, None, pens.sentence)
    page.set_column(place, place, WIDTH)
    page.write_string(request.header_row - 1, place, EXPLANATION, pens.head)
    for row, sentence in request.sentences.items():
        page.write_string(row - 1, place, sentence, pens.sentence)


def _put(page: Any, row: int, place: int, value: object, pen: Any) -> None:
    """A cell as it was read; a text stays a text, whatever it looks like."""
    if value is None:
        page.write_blank(row, place, None, pen)
    elif isinstance(value, bool):
        page.write_boolean(row, place, value, pen)
    elif isinstance(value, (int, float)):
        page.write_number(row, place, value, pen)
    elif isinstance(value, date) and value.year >= 1900:
        page.write_datetime(row, place, value, pen)
    else:
        page.write_string(row, place, str(value)[:32_767], pen)


__all__ = ["made"]
