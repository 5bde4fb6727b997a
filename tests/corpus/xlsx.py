"""Writers of zipped workbooks, part by part, so that every oddity can be put in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime
from xml.sax.saxutils import escape

from tests.corpus.pages import NO_RESULT, Failed, Page, letters

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_STYLES = f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="49"/></cellXfs></styleSheet>'


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def serial(day: date, base: date) -> float:
    return float((date(day.year, day.month, day.day) - base).days) + ((day.hour * 60 + day.minute) / 1440 if isinstance(day, datetime) else 0)


def cell(place: str, value: object, base: date = date(1899, 12, 30), attributes: str = "") -> str:
    """A cell as Excel writes it, texts inline."""
    at = f'r="{place}"{attributes}'
    if value is NO_RESULT:
        return f"<c {at}><f>B1&amp;C1</f></c>"
    if isinstance(value, Failed):
        return f'<c {at} t="e"><f>NA()</f><v>{value.text}</v></c>'
    if isinstance(value, bool):
        return f'<c {at} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c {at} s="1"><v>{serial(value, base)}</v></c>'
    if isinstance(value, (int, float)):
        return f"<c {at}><v>{value!r}</v></c>"
    return f'<c {at} t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def sheet(page: Page, base: date = date(1899, 12, 30), cell: Callable[..., str] = cell) -> str:
    """The XML of a sheet; `facts` of the page may say dimension, before, inside (more cells by row), rows (more rows), prefix."""
    more: Mapping[int, str] = page.facts.get("inside", {})  # type: ignore[assignment]
    rows = []
    for number, line in enumerate(page.grid, 1):
        cells = "".join(cell(f"{letters(place)}{number}", value, base) for place, value in enumerate(line, 1) if value is not None)
        hidden = ' hidden="1"' if number in page.hidden_rows else ""
        rows.append(f'<row r="{number}"{hidden}>{cells}{more.get(number, "")}</row>')
    columns = "".join(f'<col min="{place}" max="{place}" width="9" hidden="1"/>' for place in page.hidden_columns)
    merges = "".join(f'<mergeCell ref="{letters(left)}{top}:{letters(right)}{bottom}"/>' for top, left, bottom, right in page.merges)
    dimension = page.facts.get("dimension", "")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}">'
        + (f'<dimension ref="{dimension}"/>' if dimension else "")
        + (f"<cols>{columns}</cols>" if columns else "")
        + f"<sheetData>{''.join(rows)}{page.facts.get('rows', '')}</sheetData>"
        + (f"<mergeCells>{merges}</mergeCells>" if merges else "")
        + "</worksheet>"
    )


def parts(*pages: Page, date1904: bool = False, **changes: str | bytes) -> dict[str, str | bytes]:
    base = date(1904, 1, 1) if date1904 else date(1899, 12, 30)
    listed = "".join(
        f'<sheet name="{page.name}" sheetId="{place}" r:id="rId{place}"{" state=" + chr(34) + "hidden" + chr(34) if page.hidden else ""}/>'
        for place, page in enumerate(pages, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{place}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{place}.xml"/>' for place in range(1, len(pages) + 1)
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{place}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for place in range(1, len(pages) + 1)
    )
    found: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr{" date1904=" + chr(34) + "1" + chr(34) if date1904 else ""}/><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}<Relationship Id="rId99" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }
    found.update({f"xl/worksheets/sheet{place}.xml": sheet(page, base) for place, page in enumerate(pages, 1)})
    return found | changes


def xlsx(*pages: Page, date1904: bool = False) -> bytes:
    return zipped(parts(*pages, date1904=date1904))


def shared(page: Page) -> bytes:
    """With shared strings, some of them rich text and with phonetic marks, and attributes in single quotes, as other producers write."""
    texts: list[str] = []

    def one(place: str, value: object, base: date) -> str:
        if not isinstance(value, str):
            return cell(place, value, base).replace('"', "'")
        half = len(value) // 2
        texts.append(
            f"<si><r><t xml:space='preserve'>{escape(value[:half])}</t></r><r><rPr><b/></rPr><t xml:space='preserve'>{escape(value[half:])}</t></r><rPh sb='0' eb='1'><t>ピン</t></rPh></si>"
        )
        return f"<c r='{place}' t='s'><v>{len(texts) - 1}</v></c>"

    made = parts(page)
    made["xl/worksheets/sheet1.xml"] = sheet(page, cell=one)
    made["xl/sharedStrings.xml"] = f"<sst xmlns='{MAIN}'>{''.join(texts)}</sst>"
    relations = str(made["xl/_rels/workbook.xml.rels"])
    made["xl/_rels/workbook.xml.rels"] = relations.replace(
        "</Relationships>", f'<Relationship Id="rId98" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    )
    return zipped(made)
