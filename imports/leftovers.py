"""Rows of a sheet that are no data: titles, notes, sections, totals, examples, repeated headers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Protocol

from imports.cells import is_empty
from imports.headings import plain
from imports.workbook import Sheet

_NOTE = re.compile(
    r"(注|备注|说明|附注|填表说明|填表人|填报人|制表人?|审核人?|复核人?|负责人|单位负责人|统计人|经办人|联系人|填报单位|填表单位|单位|"
    r"填报时间|填报日期|填表时间|填表日期|统计时间|统计日期|截止时间|制表时间|制表日期)([(（][^)）]*[)）])?\d*[:：;；]|统计时间截?止|截止\d{4}年|此表|本表"
)
_TOTAL = re.compile(r"(合计|小计|总计|共计|累计|本页合计)($|[:(\d共]|[一二三四五六七八九十])")
_SECTION = re.compile(r"([一二三四五六七八九十]+[、.．]|[(（][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十]+[章节部类])")
_COUNTED = re.compile(r"[(（]共?\d+(家|个|人|项|条|所|户|件|名)[)）]$")
_EXAMPLE = re.compile(r"(示例|样例|例:|填写示例)")
#: how notes, totals and examples begin, as they are typed: most rows begin otherwise and need no closer look
_BEGINNINGS = frozenset("注备说附填制审复负单统经联截此本合小总共累示样例")


class Heads(Protocol):
    """What a column of the table is asked for."""

    @property
    def place(self) -> int: ...
    @property
    def heading(self) -> str: ...
    @property
    def target(self) -> object: ...


def squeezed(raw: object) -> str:
    """A cell's text without blanks, half width: what the patterns here expect."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(raw)))


def above(cells: Sequence[object]) -> str:
    """Why a row over the header is no data."""
    text = squeezed("".join(str(cell) for cell in cells if not is_empty(cell)))
    return "note" if _NOTE.match(text) or re.search(r"单位:|统计时间|填报时间", text) else "title"


class Leftovers:
    """Says of each row whether it is data, and if not, why."""

    def __init__(self, sheet: Sheet, columns: Sequence[Heads]) -> None:
        self.hidden = sheet.hidden_rows
        self.fed = {column.place for column in columns if column.target}
        self.wide = {merge.top: merge.wide for merge in sheet.merges if merge.wide >= max(3, len(columns) // 2)}
        self.heads = {column.place: self._spellings(plain(column.heading)) for column in columns if column.heading}
        heads = [{spelling[0] for spelling in self.heads.get(place, ()) if spelling} for place in (0, 1)]
        #: how the first two cells of a row must not begin to be data at one look
        self.initials = (heads[0] | _BEGINNINGS, heads[1])

    def plainly_data(self, number: int, cells: Sequence[object]) -> bool:
        """Whether a row is data at one look: its first two cells say something, and begin neither like a heading nor like a note or total."""
        if len(cells) < 2 or number in self.hidden:
            return False
        first, second = cells[0], cells[1]
        if second is None or (type(second) is str and not self._begins_plainly(second, 1)):
            return False
        return first is not None and (type(first) is not str or self._begins_plainly(first, 0))

    def _begins_plainly(self, text: str, place: int) -> bool:
        letter = text[:1].lower()
        return ("\u4e00" <= letter <= "\u9fff" or "0" <= letter <= "9" or "a" <= letter <= "z") and letter not in self.initials[place]

    def reason(self, number: int, cells: Sequence[object], filled: Sequence[int]) -> str | None:
        """Why the row, whose `filled` cells say something, is no data; None for data. A note may be taken for a section: what follows tells."""
        if not filled:
            return "blank"
        if number in self.hidden:
            return "hidden"
        first = cells[filled[0]]
        if not isinstance(first, str) and len(filled) > 1:
            return None
        text = squeezed(first)
        if text[:1] in _BEGINNINGS and (said := self._said(text, filled)):
            return said
        if self._repeats_header(cells, filled):
            return "header"
        return self._alone(number, filled, text)

    @staticmethod
    def _said(text: str, filled: Sequence[int]) -> str | None:
        if _EXAMPLE.match(text):
            return "example"
        if _TOTAL.match(text):
            return "total"
        return "note" if _NOTE.match(text) and len(filled) <= 3 else None

    def _alone(self, number: int, filled: Sequence[int], text: str) -> str | None:
        """A single filled cell is a section, unless it looks like data."""
        if len(filled) > 1:
            return None
        spans = number in self.wide
        return "section" if spans or filled[0] not in self.fed or _SECTION.match(text) or _COUNTED.search(text) else None

    def _repeats_header(self, cells: Sequence[object], filled: Sequence[int]) -> bool:
        """Whether the row says the headings again (files glued together, a header on each page)."""
        if not any(self._says_heading(place, cells[place]) for place in filled[:2]):
            return False
        same = sum(self._says_heading(place, cells[place]) for place in filled)
        return same >= 2 and same * 10 >= len(filled) * 6

    def _says_heading(self, place: int, cell: object) -> bool:
        return isinstance(cell, str) and len(cell) <= 100 and plain(cell) in self.heads.get(place, ())

    @staticmethod
    def _spellings(heading: str) -> set[str]:
        """The whole heading, and each of its levels."""
        return {heading, *(level for level in heading.split("/") if level and not level.isdigit())}
