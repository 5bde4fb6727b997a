"""Workbooks with everything in them that an answer must leave alone."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import xlsxwriter
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

SAMPLES = Path(__file__).parent / "workbooks"
HEADINGS = ["序号", "机构名称", "统一社会信用代码", "联系人", "登记日期"]
X14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
XM = "http://schemas.microsoft.com/office/excel/2006/main"
VALIDATIONS = (
    f'<ext xmlns:x14="{X14}" uri="{{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}}"><x14:dataValidations xmlns:xm="{XM}" count="1">'
    '<x14:dataValidation type="list" allowBlank="1"><x14:formula1><xm:f>字典!$A$1:$A$3</xm:f></x14:formula1><xm:sqref>D2:D500</xm:sqref>'
    "</x14:dataValidation></x14:dataValidations></ext>"
)


def png() -> bytes:
    """A picture of one dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = (1).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")


def repacked(data: bytes, edit: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """The same package with its parts edited; `a__b` stands for `a/b.xml` in what is added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            new.writestr(part, edit(part, old.read(part)))
        for part, content in more.items():
            new.writestr(part.replace("__", "/") + ".xml", content)
    return out.getvalue()


def rich() -> bytes:
    """Pictures, a chart, a box of text, a check box, sparklines, data bars, lists of both kinds, a comment, print set-up, a WPS picture in a cell."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet("名录")
    words = book.add_worksheet("字典")
    words.write_column(0, 0, ["甲", "乙", "丙"])
    bold, day = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1}), book.add_format({"num_format": "yyyy-mm-dd", "border": 1})
    sheet.merge_range("A1:E1", "中介机构名录", bold)
    sheet.write_row(1, 0, HEADINGS, bold)
    for row in range(2, 12):
        sheet.write_row(row, 0, [row - 1, f"机构{row}", f"91130828MA{row:08}", "王经办"])
        sheet.write_datetime(row, 4, date(2024, 5, row), day)
    sheet.write_formula("F3", "=LEN(B3)", None, 3)
    sheet.write_url("G3", "https://example.com/", None, "网址")
    sheet.write_comment("B3", "科里的批注")
    sheet.insert_image("H3", "一.png", {"image_data": io.BytesIO(png())})
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=名录!$A$3:$A$12"})
    sheet.insert_chart("J3", chart)
    sheet.insert_textbox("J20", "填表须知")
    sheet.insert_button("J30", {"caption": "按钮"})
    sheet.add_sparkline("I3", {"range": "名录!A3:A12"})
    sheet.conditional_format("A3:A12", {"type": "data_bar", "data_bar_2010": True})
    sheet.conditional_format("D3:D12", {"type": "blanks", "format": bold})
    sheet.data_validation("D3:D500", {"validate": "list", "source": ["王经办", "李经办"]})
    sheet.freeze_panes(2, 2)
    sheet.set_column("B:B", 30)
    sheet.set_column("C:XFD", 18)
    sheet.print_area("A1:E12")
    sheet.repeat_rows(1)
    sheet.set_landscape()
    sheet.set_header("&C名录&R&G", {"image_right": "二.png", "image_data_right": io.BytesIO(png())})
    sheet.autofilter("A2:E12")
    book.set_custom_property("密级", "内部")
    book.close()

    def edit(name: str, part: bytes) -> bytes:
        if name == "xl/worksheets/sheet1.xml":
            return part.replace(b"<extLst>", f"<extLst>{VALIDATIONS}".encode())
        if name == "[Content_Types].xml":
            kind = b"application/vnd.wps-officedocument.cellimage+xml"
            return part.replace(b"</Types>", b'<Override PartName="/xl/cellimages.xml" ContentType="%b"/></Types>' % kind)
        return part

    return repacked(out.getvalue(), edit, xl__cellimages=b'<etc:cellImages xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData"/>')


def made_by_openpyxl() -> bytes:
    """Two header rows, tall merges, rows and cells with styles, a list, rules, comments on two sheets."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "名录"
    sheet.append(["序号", "机构名称", "联系", None, "登记日期"])
    sheet.append([None, None, "联系人", "电话", None])
    for ref in ("A1:A2", "B1:B2", "C1:D1", "E1:E2"):
        sheet.merge_cells(ref)
    for row in range(3, 15):
        sheet.append([row - 2, f"机构 {row}", "李四", "0314-7512345", date(2023, 1, row)])
    for ref in ("B4:B6", "A4:A6", "B9:B10"):
        sheet.merge_cells(ref)
    sheet.append(["合计", "12 家"])
    sheet["C3"].fill = PatternFill("solid", fgColor="FFFFFF00")
    sheet["C3"].comment = Comment("核对过", "科长")
    rule = DataValidation(type="list", formula1='"李四,王五"', allow_blank=True)
    sheet.add_data_validation(rule)
    rule.add("C3:C100")
    sheet.conditional_formatting.add("D3:D20", CellIsRule(operator="equal", formula=['"x"'], fill=PatternFill("solid", bgColor="FFFF0000")))
    sheet.freeze_panes = "C3"
    sheet.row_dimensions[8].height = 40
    sheet.row_dimensions[13].hidden = True
    book.create_sheet("隐藏").sheet_state = "hidden"
    other = book.create_sheet("说明")
    other["A1"] = "填表说明"
    other["A1"].comment = Comment("见文件", "科长")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def raw(prefix: str = "") -> bytes:
    """As WPS and small programs write: a wrong extent, no numbers on rows and cells, strings in the cells, gaps, no styles, names with a prefix."""
    p = f"{prefix}:" if prefix else ""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"

    def row(cells: list[str], numbered: int = 0) -> str:
        inside = "".join(f'<{p}c t="inlineStr"><{p}is><{p}t>{text}</{p}t></{p}is></{p}c>' if text else f"<{p}c/>" for text in cells)
        number = f' r="{numbered}"' if numbered else ""
        return f"<{p}row{number}>{inside}</{p}row>" if cells else f"<{p}row/>"

    rows = [
        row(HEADINGS[1:4]),
        *(row([f"机构&lt;{count}&gt;", f"91130828MA{count:08}", ""]) for count in range(2, 8)),
        row([]),
        row(["机构末", "9113", "李"], 12),
    ]
    ns = f'xmlns{":" + prefix if prefix else ""}="{main}"'
    sheet = f'<?xml version="1.0" encoding="UTF-8"?><{p}worksheet {ns}><{p}dimension ref="A1"/><{p}sheetData>{"".join(rows)}</{p}sheetData></{p}worksheet>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="名录" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in parts.items():
            made.writestr(name, text)
    return out.getvalue()


def odd() -> bytes:
    """The first of these with comments, CDATA and single quotes in the sheet's XML."""

    def edit(name: str, part: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return part
        part = re.sub(rb'<row r="(\d+)"', rb"<!-- <row r='9'> --><row r='\1'", part)
        return part

    return repacked(rich(), edit)


#: name: (bytes, header row, rows of the header)
WORKBOOKS: dict[str, tuple[Callable[[], bytes], int, int]] = {
    "office": ((SAMPLES / "中介机构名录.xlsx").read_bytes, 3, 2),
    "rich": (rich, 2, 1),
    "odd": (odd, 2, 1),
    "openpyxl": (made_by_openpyxl, 1, 2),
    "raw": (raw, 1, 1),
    "prefixed": (lambda: raw("x"), 1, 1),
}
