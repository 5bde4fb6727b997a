"""A writer of OpenDocument sheets as LibreOffice and WPS leave them."""

from __future__ import annotations

from datetime import date
from xml.sax.saxutils import escape

from tests.corpus.pages import NO_RESULT, Failed, Page
from tests.corpus.xlsx import zipped

_N = "urn:oasis:names:tc:opendocument:xmlns"
_HEAD = f'<office:document-content xmlns:office="{_N}:office:1.0" xmlns:table="{_N}:table:1.0" xmlns:text="{_N}:text:1.0" xmlns:style="{_N}:style:1.0" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0" office:version="1.2">'


def _cell(value: object, spans: str, repeated: int = 1) -> str:
    more = spans + (f' table:number-columns-repeated="{repeated}"' if repeated > 1 else "")
    if value is None:
        return f"<table:table-cell{more}/>"
    if value is NO_RESULT:
        return f'<table:table-cell{more} table:formula="of:=[.A1]"/>'
    if isinstance(value, Failed):
        return f'<table:table-cell{more} table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>{value.text}</text:p></table:table-cell>'
    if isinstance(value, bool):
        return f'<table:table-cell{more} office:value-type="boolean" office:boolean-value="{str(value).lower()}"><text:p>x</text:p></table:table-cell>'
    if isinstance(value, date):
        return f'<table:table-cell{more} office:value-type="date" office:date-value="{value.isoformat()}"><text:p>x</text:p></table:table-cell>'
    if isinstance(value, (int, float)):
        return f'<table:table-cell{more} office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(value).split("\n"))
    return f'<table:table-cell{more} office:value-type="string">{lines}</table:table-cell>'


def ods(*pages: Page) -> bytes:
    tables = []
    for page in pages:
        spans = {
            (top, left): f' table:number-rows-spanned="{bottom - top + 1}" table:number-columns-spanned="{right - left + 1}"'
            for top, left, bottom, right in page.merges
        }
        rows = []
        for number, line in enumerate(page.grid, 1):
            cells = "".join(_cell(value, spans.get((number, place), "")) for place, value in enumerate(line, 1))
            seen = ' table:visibility="collapse"' if number in page.hidden_rows else ""
            rows.append(f'<table:table-row{seen}>{cells}<table:table-cell table:number-columns-repeated="{16384 - len(line)}"/></table:table-row>')
        wide = max(len(line) for line in page.grid)
        columns = "".join(
            f"<table:table-column{' table:visibility=' + chr(34) + 'collapse' + chr(34) if place in page.hidden_columns else ''}/>"
            for place in range(1, wide + 1)
        )
        style = "hid" if page.hidden else "seen"
        tables.append(
            f'<table:table table:name="{page.name}" table:style-name="{style}">{columns}{"".join(rows)}'
            f'<table:table-row table:number-rows-repeated="{1048576 - len(page.grid)}"><table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>'
        )
    styles = '<office:automatic-styles><style:style style:name="seen" style:family="table"><style:table-properties table:display="true"/></style:style><style:style style:name="hid" style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    content = f'<?xml version="1.0" encoding="UTF-8"?>{_HEAD}{styles}<office:body><office:spreadsheet>{"".join(tables)}</office:spreadsheet></office:body></office:document-content>'
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content,
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{_N}:manifest:1.0"/>',
        }
    )
