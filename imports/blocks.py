"""What else may stand in a sheet: another table under the first, or a form with labels beside values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from app import registry
from app.language import chinese
from imports.cells import is_empty
from imports.headings import Names, bare, is_row_number
from imports.targets import targets
from imports.workbook import Sheet

#: how headings end that no register knows
_ENDS = re.compile(
    r"(名称|数量|单位|日期|时间|号码|编号|电话|地址|备注|姓名|性别|类别|类型|内容|情况|金额|面积|人数|职务|职称|部门|规格|型号|地点|位置|等级|级别|结果|意见|依据|事项)$"
)
_LOOKED_AT, _FORM_ROWS, _FORM_LABELS = 64, 60, 4


@cache
def _vocabulary() -> frozenset[str]:
    """Every name under which a field of any register stands in headings."""
    names: set[str] = set()
    for entry in registry.entries():
        for target in targets(entry.register):
            names.update(bare(name) for name in (chinese(target.field.label), *target.field.aliases))
    return frozenset(names)


def is_header(cells: Sequence[object], filled: Sequence[int]) -> bool:
    """Whether the row looks like the header of some table: short texts alone, most of them names of columns."""
    texts = [cells[place] for place in filled]
    if len(texts) < 2 or not all(isinstance(text, str) and len(text) <= 20 for text in texts):
        return False
    spelled = [bare(text) for text in texts]
    known = sum(text in _vocabulary() or is_row_number(text) or bool(_ENDS.search(text)) for text in spelled)
    return known >= 2 and known * 10 >= len(spelled) * 6 and len(set(spelled)) == len(spelled)


def is_form(sheet: Sheet, names: Names) -> bool:
    """Whether the sheet asks about one thing: labels stand in many rows, each beside its value, and no row is a header."""
    rows = [[(place, bare(cell)) for place, cell in enumerate(cells) if not is_empty(cell)] for cells in sheet.rows[:_LOOKED_AT]]
    rows = [row for row in rows if row]
    if not 3 <= len(rows) < _FORM_ROWS:
        return False
    labels = [[text for _place, text in row if text in names.exact] for row in rows]
    most = max(len(found) for found in labels)
    asked = [found for found in labels if found]
    distinct = {text for found in labels for text in found}
    beside = sum(row[0][1] in names.exact and len(found) * 2 <= len(row) + 1 for row, found in zip(rows, labels, strict=True) if found)
    return most <= 3 and len(asked) >= 3 and len(distinct) >= max(_FORM_LABELS, most + 2) and beside * 10 >= len(asked) * 7
