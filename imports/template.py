"""The workbook that an office fills in: headings, drop-downs, text format, an example, 填表说明.

Filled with the actor's rows it is the export that comes back as "no change".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.packaging.custom import StringProperty
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy.orm import Session

from app import registry
from app.clock import today
from app.fields import Field
from app.formats import Choice, Choices, Link, StateOf, YesNo
from app.language import chinese
from app.lookup import DatabaseLookup
from app.register import Register
from app.scopes import Scope, scope_of
from imports import export
from imports.leaving import Heading

VERSION = "1"
EXAMPLE = "示例"
LAST_ROW = 1_048_576
LISTS = "选项"
GUIDE = "填表说明"
PICKED = 500  # as many records of another register as a drop-down may offer

_SAMPLES = {
    "credit_code": "91130828MA0000NH2A", "resident_id": "110101199003070011", "phone": "0314-7512345", "mobile": "13900000000",
    "date": "2026-03-15", "date_until": "长期", "document_number": "围应急〔2026〕12号", "certificate_number": "APJ-(冀)-602",
    "url": "https://www.example.gov.cn", "email": "name@example.com", "bank_card": "6222020200112233445", "person_name": "王小明",
    "number": "100", "count": "10", "yes_no": "是", "words": "甲、乙", "long_text": "……", "text": "……", "code": "001",
}  # fmt: skip

_HINTS = {
    "credit_code": "18 位，按营业执照填写，单元格须为文本格式", "resident_id": "18 位，末位可为 X，单元格须为文本格式",
    "phone": "座机写区号，如 0314-7512345；几个号码用顿号分开", "mobile": "11 位手机号，几个号码用顿号分开",
    "date": "写成 2026-03-15 或 2026年3月15日", "date_until": "写成 2026-03-15；长期有效写“长期”；起止日期写成 2026-03-15至2029-03-14",
    "document_number": "如 围应急〔2026〕12号", "certificate_number": "按证书填写", "yes_no": "填“是”或“否”",
    "code": "按原编号填写，单元格须为文本格式", "choice": "从下拉列表中选择", "choices": "可填几项，用分号分开", "link": "填编号或名称", "state": "从下拉列表中选择",
    "number": "只填数字", "count": "只填整数", "words": "几个词用顿号分开", "bank_card": "12 至 19 位数字，单元格须为文本格式",
}  # fmt: skip


def write(session: Session, cls: type[Register], out: BinaryIO, filled: bool = False, number: str = "") -> int:
    """Write the template; with `filled`, the actor's rows stand in it. The number of rows."""
    scope, lookup = scope_of(session), DatabaseLookup(session)
    if filled:
        export.permitted(session, cls)
    columns = columns_of(scope, cls, filled)
    book = Workbook()
    book.remove(book.worksheets[0])
    sheet = book.create_sheet(chinese(cls.__title__)[:31])
    _head(sheet, columns)
    rows = _fill(session, cls, sheet, columns) if filled else _example(sheet, columns, session, lookup)
    _drop_downs(book, sheet, columns, session, lookup)
    _guide(book, cls, columns)
    stamp: Any = book  # its types do not know the property
    if number:
        stamp.custom_doc_props.append(StringProperty(name="导出编号", value=number))
    stamp.custom_doc_props.append(StringProperty(name="yingshang-template", value=f"{cls.__key__}/{VERSION}"))
    book.save(out)
    return rows


def columns_of(scope: Scope, cls: type[Register], filled: bool) -> list[Heading]:
    """What the sheet asks for: all that the actor may write; filled, all that the actor may see."""
    columns = export.headings(scope, cls)
    if filled:
        return columns
    writable = {None: {declared.key for declared in scope.writable(cls)}}
    return [column for column in columns if column.child or column.field.key in writable[None] or column.field.required]


def _head(sheet: Worksheet, columns: Sequence[Heading]) -> None:
    sheet.append(["序号", *(column.text + ("*" if _required(column) else "") for column in columns)])
    for place, cell in enumerate(sheet[1]):
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DCE6F1")
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
        letter = get_column_letter(place + 1)
        sheet.column_dimensions[letter].width = 6 if place == 0 else min(40, max(12, 2 * len(columns[place - 1].text) + 4))
        if place and columns[place - 1].field.format.as_text:
            sheet.column_dimensions[letter].number_format = "@"
        if place and columns[place - 1].field.help:
            cell.comment = Comment(str(columns[place - 1].field.help), "yingshang")
    sheet.freeze_panes = "A2"


def _required(column: Heading) -> bool:
    return column.field.required and column.child is None


def _example(sheet: Worksheet, columns: Sequence[Heading], session: Session, lookup: DatabaseLookup) -> int:
    """One row that shows how; the importer leaves rows that begin with 示例 out."""
    sheet.append([EXAMPLE, *(_sample(column.field, session, lookup) for column in columns)])
    for cell in sheet[2]:
        cell.font = Font(italic=True, color="808080")
        cell.number_format = "@"
    return 0


def _sample(declared: Field, session: Session, lookup: DatabaseLookup) -> str:
    options = _options(declared, session, lookup)
    return options[0] if options else _SAMPLES.get(declared.format.name, "……")


def _fill(session: Session, cls: type[Register], sheet: Worksheet, columns: Sequence[Heading]) -> int:
    count = 0
    for count, line in enumerate(export.lines(session, cls, columns), 1):
        for place, value in enumerate([count, *line], 1):
            if value is None:
                continue
            cell = sheet.cell(count + 1, place)
            cell.value = value  # type: ignore[assignment]
            if isinstance(value, str):
                cell.data_type, cell.number_format = "s", "@"
            elif place > 1 and columns[place - 2].field.format.name.startswith("date"):
                cell.number_format = "yyyy-mm-dd"
    return count


def _options(declared: Field, session: Session, lookup: DatabaseLookup) -> list[str]:
    fmt = declared.format
    if isinstance(fmt, YesNo):
        return ["是", "否"]
    if isinstance(fmt, StateOf):
        return [chinese(state.label) for state in fmt.states]
    if isinstance(fmt, Choice):
        return [label for _, label in fmt.options(lookup)]
    return _linked(fmt.register, session, lookup) if isinstance(fmt, Link) else []


def _linked(register: str, session: Session, lookup: DatabaseLookup) -> list[str]:
    cls = registry.find(register)
    if cls is None:
        return []
    ids = [found.id for found in _some(export.records(session, cls, kinds=()), PICKED + 1)]
    lookup.prepare_ids(register, ids)
    return [lookup.handle(register, each) for each in ids] if len(ids) <= PICKED else []


def _some(items: Any, most: int) -> list[Any]:
    return [item for item, _ in zip(items, range(most), strict=False)]


def _drop_downs(book: Workbook, sheet: Worksheet, columns: Sequence[Heading], session: Session, lookup: DatabaseLookup) -> None:
    """Whole-column drop-downs from a hidden sheet; several words in a cell are allowed where a list takes several."""
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    for place, column in enumerate(columns, 2):
        options = _options(column.field, session, lookup)
        if not options:
            continue
        where = lists.max_column + 1 if lists.max_column > 1 or lists.cell(1, 1).value else 1
        for row, option in enumerate(options, 1):
            cell = lists.cell(row, where, option)
            cell.data_type = "s"
        letter, spot = get_column_letter(place), get_column_letter(where)
        rule = DataValidation("list", formula1=f"'{LISTS}'!${spot}$1:${spot}${len(options)}", allow_blank=True)
        open_end = _takes_more(column.field, lookup)
        rule.errorStyle = "warning" if open_end else "stop"
        rule.error, rule.errorTitle = "请从下拉列表中选择", column.text[:30]
        rule.showErrorMessage = not open_end
        rule.add(f"{letter}2:{letter}{LAST_ROW}")
        sheet.add_data_validation(rule)


def _takes_more(declared: Field, lookup: DatabaseLookup) -> bool:
    """Whether a cell may hold what the drop-down does not offer: several words, new words, a name."""
    fmt = declared.format
    return isinstance(fmt, (Choices, Link)) or declared.one_row_each or (isinstance(fmt, Choice) and lookup.is_open(fmt.code_list))


def _guide(book: Workbook, cls: type[Register], columns: Sequence[Heading]) -> None:
    guide = book.create_sheet(GUIDE)
    guide.append([f"{chinese(cls.__title__)} {GUIDE}"])
    guide["A1"].font = Font(bold=True, size=14)
    for line in (
        "一、请在第一张工作表里填写，带 * 的列必须填写；不要改动列名，列的次序可以调整。",
        "二、“示例”一行只作参考，导入时自动忽略。“序号”一列不导入。",
        "三、一条记录有几张证书（或几项明细）的，每张证书占一行，记录本身的内容逐行重复，或合并单元格，或只写在第一行。",
        "四、空单元格表示“不改动”，不会清除已有内容。",
    ):
        guide.append([line])
    guide.append([])
    guide.append(["列名", "是否必填", "填写要求", "也可写作"])
    for cell in guide[guide.max_row]:
        cell.font = Font(bold=True)
    for column in columns:
        declared = column.field
        hint = str(declared.help) or _HINTS.get(declared.format.name, "")
        guide.append([column.text, "必填" if _required(column) else "", hint, "、".join(declared.aliases)])
    guide.append([])
    guide.append([f"模板版本 {VERSION}（{today().isoformat()}）"])
    for letter, width in zip("ABCD", (30, 10, 60, 40), strict=True):
        guide.column_dimensions[letter].width = width


__all__ = ["EXAMPLE", "VERSION", "columns_of", "write"]
