"""What is wrong or doubtful in an uploaded file, cell by cell, as a workbook to hand on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from app.language import _
from app.workbooks import workbook

WIDTHS = (10, 16, 8, 22, 80)


def write(report: Mapping[str, Any], out: BinaryIO) -> None:
    """Write the list: the kind, the sheet, the row as Excel counts it, the column, the sentence."""
    with workbook(out, in_memory=True) as book:
        sheet = book.add_worksheet(_("问题清单"))
        head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
        body = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        for place, width in enumerate(WIDTHS):
            sheet.set_column(place, place, width)
        sheet.write_row(0, 0, [_("类别"), _("工作表"), _("行"), _("列"), _("问题")], head)
        sheet.freeze_panes(1, 0)
        for number, line in enumerate(_lines(report), 1):
            for place, value in enumerate(line):
                if isinstance(value, int):
                    sheet.write_number(number, place, value)
                else:
                    sheet.write_string(number, place, str(value or ""), body)


def _lines(report: Mapping[str, Any]) -> list[tuple[object, ...]]:
    kinds = (("wrong", _("有问题")), ("doubtful", _("请核对")))
    return [(label, each["sheet"], each["row"], each["column"], each["message"]) for kind, label in kinds for each in report.get(kind, [])]
