"""The workbook that an office fills in: headings, drop-downs, text format, an example, 填表说明.

Filled with the rows that the actor keeps it goes round for 收表, and comes back as "no change".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, BinaryIO

import sqlalchemy as sa
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.packaging.custom import StringProperty
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from sqlalchemy.orm import Session

from app.clock import today
from app.language import Text, _l, chinese
from app.register import Register
from app.roles import Rows
from app.scopes import Scope, scope_of
from imports import export, versions
from imports.drop_downs import SHEET, Lists, Offers
from imports.leaving import Heading, count, headings
from imports.refusal import Refused

EXAMPLE = "示例"
LAST_ROW = 1_048_576
GUIDE = "填表说明"
_LINES = (
    "一、请在第一张工作表里填写，带 * 的列必须填写；不要改动列名，列的次序可以调整。",
    "二、“示例”一行只作参考，导入时自动忽略。“序号”一列不导入。",
    "三、一条记录有几张证书（或几项明细）的，每张证书占一行，记录本身的内容逐行重复，或合并单元格，或只写在第一行。",
    "四、空单元格表示“不改动”，不会清除已有内容。带星号（*）的内容是遮盖后的，照原样留着就是不改动。",
)

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


#: records beyond which nobody fills in a workbook by hand
MOST_FILLED = 20_000


def write(session: Session, cls: type[Register], out: BinaryIO, filled: bool = False, number: str = "") -> int:
    """Write the template; with `filled`, the rows that the actor keeps stand in it. The number of rows. Raises NotPermitted, and Refused where they are too many."""
    scope = scope_of(session)
    if filled:
        export.permitted(session, cls)
        if count(session, cls, own(scope, cls), MOST_FILLED + 1) > MOST_FILLED:
            raise Refused("too_many", _l("超过 %(most)s 条，太多了，不适合逐行填写。请用“导出”，先筛选再导出", most=MOST_FILLED))
    columns, version = columns_of(scope, cls, filled), versions.current(cls)
    offers, lists = Offers(session, cls, columns), Lists()
    book = Workbook(write_only=True)
    sheet = book.create_sheet(chinese(cls.__title__)[:31])
    _whole_columns(sheet, columns)
    _drop_downs(sheet, columns, offers, lists)
    sheet.append(_head(sheet, columns))
    rows = _fill(session, cls, sheet, columns) if filled else _example(sheet, columns, offers)
    _hidden(book, lists)
    _guide(book, cls, columns, offers, versions.spoken(version, today()))
    properties = ({export.NUMBER: number} if number else {}) | versions.properties(version)
    for name, value in properties.items():
        book.custom_doc_props.append(StringProperty(name=name, value=value))  # type: ignore[attr-defined]
    book.save(out)
    return rows


def own(scope: Scope, cls: type[Register]) -> list[sa.ColumnElement[bool]]:
    """The tests of the rows that a filled template holds: those of the own office, where somebody may write no others."""
    writes = {grant.write for grant in scope.grants(cls)} - {Rows.NONE}
    return [cls.__table__.c.org_unit_id == scope.actor.org_unit_id] if writes == {Rows.OWN} and not scope.actor.system else []


def columns_of(scope: Scope, cls: type[Register], filled: bool) -> list[Heading]:
    """What the sheet asks for: all that the actor may write; filled, all that the actor may see."""
    columns = headings(scope, cls)
    if filled:
        return columns
    writable = {declared.key for declared in scope.writable(cls)}
    return [column for column in columns if column.child or column.field.key in writable or column.field.required]


def news(session: Session, cls: type[Register], version: versions.Version | None, present: Collection[str]) -> Text:
    """What to say of the template that a file was filled in on (`versions.read`): another register's, or older than today's. Empty: nothing.

    `present` are the names of the columns that the file fills (`Target.name`).
    """
    return versions.news(version, cls, columns_of(scope_of(session), cls, filled=False), present)


def _cell(sheet: Any, value: Any, *, font: Font | None = None, as_text: bool = False) -> Any:
    """A cell whose text stays text."""
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"
    if as_text:
        cell.number_format = "@"
    if font is not None:
        cell.font = font
    return cell


def _whole_columns(sheet: Any, columns: Sequence[Heading]) -> None:
    """Breadths, and text as the look of whole columns: a pasted identifier keeps its digits in rows that nobody has written yet."""
    sheet.column_dimensions["A"].width = 6
    for place, column in enumerate(columns, 2):
        dimension = sheet.column_dimensions[get_column_letter(place)]
        dimension.width = min(40, max(12, 2 * len(column.text) + 4))
        if column.field.format.as_text:
            dimension.number_format = "@"
    sheet.freeze_panes = "A2"


def _head(sheet: Any, columns: Sequence[Heading]) -> list[Any]:
    cells = []
    for place, text in enumerate(["序号", *(column.text + ("*" if _required(column) else "") for column in columns)]):
        cell = _cell(sheet, text, font=Font(bold=True))
        cell.fill = PatternFill("solid", fgColor="DCE6F1")
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
        if place and columns[place - 1].field.help:
            cell.comment = Comment(str(columns[place - 1].field.help), "yingshang")
        cells.append(cell)
    return cells


def _required(column: Heading) -> bool:
    return column.field.required and column.child is None


def _example(sheet: Any, columns: Sequence[Heading], offers: Offers) -> int:
    """One row that shows how; the importer leaves rows that begin with 示例 out."""
    samples = [next(iter(offers.of(column).words), "") or _SAMPLES.get(column.field.format.name, "……") for column in columns]
    sheet.append([_cell(sheet, text, font=Font(italic=True, color="808080"), as_text=True) for text in (EXAMPLE, *samples)])
    return 0


def _fill(session: Session, cls: type[Register], sheet: Any, columns: Sequence[Heading]) -> int:
    number = 0
    for number, line in enumerate(export.lines(session, cls, columns, own(scope_of(session), cls)), 1):
        sheet.append([number, *(_value(sheet, value) for value in line)])
    return number


def _value(sheet: Any, value: object) -> Any:
    if isinstance(value, str):
        return _cell(sheet, value, as_text=True)
    if isinstance(value, date):
        cell = _cell(sheet, value)
        cell.number_format = "yyyy-mm-dd"
        return cell
    return value


def _drop_downs(sheet: Any, columns: Sequence[Heading], offers: Offers, lists: Lists) -> None:
    """Drop-downs for whole columns. Nothing is locked: whatever somebody pastes stays, and the import says what is wrong with it."""
    places = {column: get_column_letter(place) for place, column in enumerate(columns, 2)}
    for column, letter in places.items():
        offer = offers.of(column)
        if not offer.words:
            continue
        deciding = f"${places[offer.by]}2" if offer.by else ""
        rule = DataValidation("list", formula1=lists.rule(offer, f"${letter}2", deciding), allow_blank=True)
        rule.errorStyle = "warning"
        rule.error, rule.errorTitle = "请从下拉列表中选择", column.text[:30]
        rule.showErrorMessage = not offers.takes_more(column) and not offer.groups
        rule.add(f"{letter}2:{letter}{LAST_ROW}")
        sheet.data_validations.append(rule)


def _hidden(book: Workbook, lists: Lists) -> None:
    sheet = book.create_sheet(SHEET)
    sheet.sheet_state = "hidden"
    for row in lists.rows():
        sheet.append([None if word is None else _cell(sheet, word) for word in row])


def _guide(book: Workbook, cls: type[Register], columns: Sequence[Heading], offers: Offers, version: str) -> None:
    guide: Any = book.create_sheet(GUIDE)
    for letter, width in zip("ABCD", (30, 10, 60, 40), strict=True):
        guide.column_dimensions[letter].width = width
    guide.append([_cell(guide, f"{chinese(cls.__title__)} {GUIDE}", font=Font(bold=True, size=14))])
    for line in _LINES:
        guide.append([line])
    guide.append([])
    guide.append([_cell(guide, text, font=Font(bold=True)) for text in ("列名", "是否必填", "填写要求", "也可写作")])
    for column in columns:
        wanted = [_cell(guide, text) for text in (column.text, "必填" if _required(column) else "", _hint(column, offers), "、".join(column.field.aliases))]
        guide.append(wanted)
    guide.append([])
    guide.append([version])


def _hint(column: Heading, offers: Offers) -> str:
    """What to write into the column, and what its list depends on."""
    offer = offers.of(column)
    hint = str(column.field.help) or _HINTS.get(column.field.format.name, "")
    if offer.by is not None and offer.groups:
        return f"{hint}；下拉列表随“{offer.by.text}”变化"
    return f"{hint}；先写开头几个字再点开下拉列表，只列出以它开头的；选了上一级再点开，列出它的下一级" if offer.sought else hint


__all__ = ["EXAMPLE", "columns_of", "news", "own", "write"]
