"""The workbooks that every contender imports: the rows of bench/rows.py under the headings of bench/ledger.py."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import xlsxwriter

from bench import rows

YES, NO = "是", "否"
WORDS = {"evaluation": "安全评价", "testing": "检测检验", "training": "安全培训", "first": "一级", "second": "二级"}
#: what the headings say, as bench/ledger.py labels its fields; the peers cannot import that
HEADINGS = (
    "机构名称",
    "编号",
    "机构类别",
    "等级",
    "法定代表人",
    "联系人",
    "办公电话",
    "地址",
    "业务范围",
    "人数",
    "面积",
    "成立日期",
    "核验日期",
    "有效期至",
    "在用",
    "核验情况",
)
DAYS = ("founded", "checked", "valid_to")
#: what an update changes, in every row that it concerns
CHANGED_NOTE = "，本年已复查"


def make(path: Path, count: int, *, first: int = 1, changed: int = 0) -> None:
    """A workbook of rows number `first` on; the first `changed` of them say something else in one column."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("名录")
    sheet.write_row(0, 0, HEADINGS)
    for number, row in enumerate(_rows(first, count), 1):
        if number <= changed:
            row[-1] += CHANGED_NOTE
        for place, value in enumerate(row):
            sheet.write_datetime(number, place, value, day) if isinstance(value, date) else sheet.write(number, place, value)
    book.close()


def _rows(first: int, count: int) -> Iterator[list[Any]]:
    """The rows as an office writes them: words instead of codes, days, numbers."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/rows.db"
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE rows ({', '.join(rows.COLUMNS)})")
        rows.fill(url, "rows", first + count - 1)
        with engine.connect() as connection:
            for row in connection.execute(sa.text(f"SELECT * FROM rows LIMIT {count} OFFSET {first - 1}")).mappings():
                yield [_written(name, value) for name, value in row.items()]


def _written(name: str, value: Any) -> Any:
    if name in DAYS:
        return date.fromisoformat(value)
    if name == "active":
        return YES if value else NO
    return WORDS.get(value, value)


def samples(count: int, first: int, changed: int) -> dict[str, tuple[str, int, str]]:
    """The first, a middle and the last row of such a file: what its code, name, number and note must be once stored."""
    wanted = {1, changed, changed + 1, count // 3, count} - {0, count + 1}
    places = [rows.COLUMNS.index(name) for name in ("code", "name", "staff", "note")]
    found = {}
    for number, row in enumerate(_rows(first, count), 1):
        if number in wanted:
            code, name, staff, note = (row[place] for place in places)
            found[code] = (name, staff, note + CHANGED_NOTE if number <= changed else note)
    return found
