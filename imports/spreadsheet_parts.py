"""The parts of a workbook beside its rows (ECMA-376): types, relations, looks, properties, words across the sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

#: the looks of cells, by their place in the list of looks
PLAIN, TEXT, DAY, HEAD = range(4)

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
#: the kind of custom properties that users may name
_CUSTOM = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
#: breadth and height of the words across, in thousandths of a millimetre times 36; the column they begin in
_BOX, _FROM = (7_239_000, 419_100), 1

_STYLES = f"""{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>\
<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font><font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>\
<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>\
<fill><patternFill patternType="solid"><fgColor rgb="FFDCE6F1"/><bgColor indexed="64"/></patternFill></fill></fills>\
<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border><border><left style="thin"/><right style="thin"/><top style="thin"/>\
<bottom style="thin"/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="2" borderId="1" xfId="0" \
applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1"><alignment wrapText="1"/></xf></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""


def before(title: str, properties: dict[str, str], description: str, *, drawn: bool) -> Iterator[tuple[str, str]]:
    """The parts that stand before the sheet, by name."""
    yield "[Content_Types].xml", _types(drawn=drawn)
    yield (
        "_rels/.rels",
        _relations(("officeDocument", "xl/workbook.xml"), ("extended-properties", "docProps/app.xml"), ("custom-properties", "docProps/custom.xml"), core=True),
    )
    yield "docProps/app.xml", f'{_XML}<Properties xmlns="{_OFFICE}/extended-properties"><Application>Microsoft Excel</Application></Properties>'
    yield (
        "docProps/core.xml",
        (
            f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:description>{escape(description)}</dc:description></cp:coreProperties>"
        ),
    )
    yield "docProps/custom.xml", _custom(properties)
    yield (
        "xl/workbook.xml",
        (
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}/relationships"><sheets><sheet name={quoteattr(title)} sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
    )
    yield "xl/_rels/workbook.xml.rels", _relations(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"))
    yield "xl/styles.xml", _STYLES
    if drawn:
        yield "xl/worksheets/_rels/sheet1.xml.rels", _relations(("drawing", "../drawings/drawing1.xml"))


def _types(*, drawn: bool) -> str:
    overrides = {
        "/xl/workbook.xml": f"{_OPEN_XML}.spreadsheetml.sheet.main+xml",
        "/xl/worksheets/sheet1.xml": f"{_OPEN_XML}.spreadsheetml.worksheet+xml",
        "/xl/styles.xml": f"{_OPEN_XML}.spreadsheetml.styles+xml",
        "/docProps/app.xml": f"{_OPEN_XML}.extended-properties+xml",
        "/docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        "/docProps/custom.xml": f"{_OPEN_XML}.custom-properties+xml",
    } | ({"/xl/drawings/drawing1.xml": f"{_OPEN_XML}.drawing+xml"} if drawn else {})
    named = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in overrides.items())
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{named}</Types>'
    )


def _relations(*targets: tuple[str, str], core: bool = False) -> str:
    found = [(f"{_OFFICE}/relationships/{kind}", target) for kind, target in targets]
    found += [(f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml")] if core else []
    named = "".join(f'<Relationship Id="rId{place}" Type="{kind}" Target="{target}"/>' for place, (kind, target) in enumerate(found, 1))
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{named}</Relationships>'


def _custom(properties: dict[str, str]) -> str:
    named = "".join(
        f'<property fmtid="{_CUSTOM}" pid="{place}" name={quoteattr(name)}><vt:lpwstr>{escape(value)}</vt:lpwstr></property>'
        for place, (name, value) in enumerate(properties.items(), 2)
    )
    return f'{_XML}<Properties xmlns="{_OFFICE}/custom-properties" xmlns:vt="{_OFFICE}/docPropsVTypes">{named}</Properties>'


def sheet_head(columns: Sequence[tuple[float, bool]], *, marked: bool) -> str:
    """The sheet up to its rows: breadth and look of whole columns, the first row held in sight, a red tab where values stand in clear."""
    red = '<sheetPr><tabColor rgb="FFC00000"/></sheetPr>' if marked else ""
    cols = "".join(
        f'<col min="{place}" max="{place}" width="{width:.5g}" style="{TEXT if as_text else PLAIN}" customWidth="1"/>'
        for place, (width, as_text) in enumerate(columns, 1)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}/relationships">{red}<sheetViews><sheetView workbookViewId="0">'
        f'<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>{f"<cols>{cols}</cols>" if cols else ""}<sheetData>'
    )


def sheet_foot(words: str) -> str:
    """The sheet after its rows; `words` stand over and under each printed page."""
    if not words:
        return "</sheetData></worksheet>"
    said = escape(words.replace("&", "&&")[:200])
    return (
        f"</sheetData><headerFooter><oddHeader>&amp;C&amp;12{said}</oddHeader><oddFooter>&amp;L{said}&amp;R&amp;P / &amp;N</oddFooter></headerFooter>"
        '<drawing r:id="rId1"/></worksheet>'
    )


def drawing(words: str, rows: Iterable[int]) -> Iterator[tuple[str, str]]:
    """Words that float over the cells, so that whoever looks at the sheet or photographs it has them too; the import reads cells alone."""
    boxes = "".join(_box(place, row, words) for place, row in enumerate(rows, 1))
    yield "xl/drawings/drawing1.xml", f'{_XML}<xdr:wsDr xmlns:xdr="{_DRAWING}/spreadsheetDrawing" xmlns:a="{_DRAWING}/main">{boxes}</xdr:wsDr>'


def _box(place: int, row: int, words: str) -> str:
    breadth, height = _BOX
    return (
        f"<xdr:oneCellAnchor><xdr:from><xdr:col>{_FROM}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{row}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from>"
        f'<xdr:ext cx="{breadth}" cy="{height}"/><xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="{place + 1}" name="TextBox {place}" descr={quoteattr(words)}/>'
        f'<xdr:cNvSpPr txBox="1"/></xdr:nvSpPr><xdr:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{breadth}" cy="{height}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:noFill/><a:ln><a:noFill/></a:ln></xdr:spPr>'
        '<xdr:txBody><a:bodyPr vertOverflow="clip" wrap="square" rtlCol="0" anchor="t"/><a:lstStyle/><a:p><a:r><a:rPr lang="zh-CN" sz="1500" b="1">'
        f'<a:solidFill><a:srgbClr val="B04040"/></a:solidFill></a:rPr><a:t>{escape(words)}</a:t></a:r></a:p></xdr:txBody></xdr:sp><xdr:clientData/></xdr:oneCellAnchor>'
    )


__all__ = ["DAY", "HEAD", "PLAIN", "TEXT", "before", "drawing", "sheet_foot", "sheet_head"]
