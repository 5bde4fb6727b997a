"""What is wrong or doubtful in an uploaded file, cell by cell, as a workbook to hand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from app.language import _
from app.workbooks import workbook
from imports.plan import Plan

WIDTHS = (10, 16, 8, 22, 80)


def write(plan: Plan, out: BinaryIO) -> None:
    """Write the list: the kind, the sheet, the row as Excel counts it, the column, the sentence."""
    with workbook(out, in_memory=True) as book:
        sheet = book.add_worksheet(_("问题清单"))
        head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
        body = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        for place, width in enumerate(WIDTHS):
            sheet.set_column(place, place, width)
        sheet.write_row(0, 0, [_("类别"), _("工作表"), _("行"), _("列"), _("问题")], head)
        sheet.freeze_panes(1, 0)
        for number, line in enumerate(_lines(plan), 1):
            for place, value in enumerate(line):
                if isinstance(value, int):
                    sheet.write_number(number, place, value)
                else:
                    sheet.write_string(number, place, str(value or ""), body)


def _lines(plan: Plan) -> Iterator[tuple[object, ...]]:
    for doubts, label in ((False, _("有问题")), (True, _("请核对"))):
        for part in plan.each():
            for each in part.doubtful if doubts else part.wrong:
                yield label, each.sheet, each.row, each.column, each.message
