"""Writers of workbooks that are text: web pages, XML of Excel 2003, CSV."""

from __future__ import annotations

import csv
import io
from datetime import date
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from xml.sax.saxutils import escape

from tests.corpus.pages import NO_RESULT, Failed, Page


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Failed):
        return value.text
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value.strftime("%Y/%m/%d") if isinstance(value, date) else str(value)


def table(page: Page) -> str:
    covered = {
        (row, column)
        for top, left, bottom, right in page.merges
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
        if (row, column) != (top, left)
    }
    spans = {(top, left): f" rowspan={bottom - top + 1} colspan={right - left + 1}" for top, left, bottom, right in page.merges}
    rows = []
    for number, line in enumerate(page.grid, 1):
        cells = "".join(
            f"<td class=xl65{spans.get((number, place), '')}>{escape(_shown(value)).replace(chr(10), '<br>')}</td>"
            for place, value in enumerate(line, 1)
            if (number, place) not in covered
        )
        rows.append(f"<tr{' style=' + chr(39) + 'display:none' + chr(39) if number in page.hidden_rows else ''}>{cells}</tr>")
    columns = "".join(
        f"<col{' style=' + chr(34) + 'display:none' + chr(34) if place in page.hidden_columns else ''}>" for place in range(1, len(page.grid[0]) + 1)
    )
    return f"<table border=1>{columns}{''.join(rows)}</table>"


def html(*pages: Page, charset: str = "gb2312", encoding: str = "gb18030") -> bytes:
    """What Excel and province systems write: no closing slash, a style sheet, the charset in a meta."""
    body = "".join(table(page) for page in pages)
    text = f'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta http-equiv=Content-Type content="text/html; charset={charset}"><style>td{{mso-number-format:"\\@"}}</style><title>名录</title></head><body>{body}</body></html>'
    return text.encode(encoding)


def mht(page: Page) -> bytes:
    archive = MIMEMultipart("related")
    archive.attach(MIMEText(html(page, charset="utf-8", encoding="utf-8").decode(), "html", "utf-8"))
    return archive.as_bytes().replace(b"Content-Type: multipart", b"MIME-Version: 1.0\nContent-Type: multipart", 1)


def xml(*pages: Page, encoding: str = "utf-8") -> bytes:
    """XML of Excel 2003, as WPS saves it, rows and cells with gaps numbered."""
    sheets = []
    for page in pages:
        covered = {
            (row, column)
            for top, left, bottom, right in page.merges
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
            if (row, column) != (top, left)
        }
        spans = {(top, left): f' ss:MergeDown="{bottom - top}" ss:MergeAcross="{right - left}"' for top, left, bottom, right in page.merges}
        columns = "".join(f'<Column ss:Index="{place}" ss:Hidden="1"/>' for place in page.hidden_columns)
        rows = []
        for number, line in enumerate(page.grid, 1):
            cells = "".join(
                f'<Cell ss:Index="{place}"{spans.get((number, place), "")}{" ss:Formula=" + chr(34) + "=A1" + chr(34) if isinstance(value, Failed) else ""}>{_data(value)}</Cell>'
                for place, value in enumerate(line, 1)
                if value is not None and (number, place) not in covered
            )
            rows.append(f'<Row ss:Index="{number}"{" ss:Hidden=" + chr(34) + "1" + chr(34) if number in page.hidden_rows else ""}>{cells}</Row>')
        seen = "<x:Visible>SheetHidden</x:Visible>" if page.hidden else ""
        sheets.append(f'<Worksheet ss:Name="{page.name}"><Table>{columns}{"".join(rows)}</Table><x:WorksheetOptions>{seen}</x:WorksheetOptions></Worksheet>')
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns:html="http://www.w3.org/TR/REC-html40">'
        f"{''.join(sheets)}</Workbook>"
    ).encode(encoding)


def _data(value: object) -> str:
    if value is NO_RESULT:
        return ""
    if isinstance(value, Failed):
        return f'<Data ss:Type="Error">{value.text}</Data>'
    if isinstance(value, bool):
        return f'<Data ss:Type="Boolean">{int(value)}</Data>'
    if isinstance(value, date):
        return f'<Data ss:Type="DateTime">{value.isoformat()}T00:00:00.000</Data>'
    if isinstance(value, (int, float)):
        return f'<Data ss:Type="Number">{value}</Data>'
    text = escape(str(value)).replace("\n", "&#10;")
    half = len(text) // 2 if "&" not in text else 0
    return f'<ss:Data ss:Type="String"><html:B>{text[:half]}</html:B>{text[half:]}</ss:Data>' if half else f'<Data ss:Type="String">{text}</Data>'


def separated(page: Page, encoding: str = "gb18030", mark: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows([[_shown(value) for value in line] for line in page.grid])
    return out.getvalue().encode(encoding)
