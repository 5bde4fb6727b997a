"""The list of a file of evidence, for people: a line for each field that an entry changed, masked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import BinaryIO, Self

from app.history.search import Entry
from app.history.telling import Teller
from app.language import _
from app.workbooks import workbook

#: rows that a sheet takes (Excel has 1,048,576), and characters that a cell takes
ROWS, CELL = 1_000_000, 32_000
_WIDTHS = (10, 10, 20, 14, 14, 18, 18, 10, 16, 20, 14, 28, 18, 40, 40)


class EvidenceList:
    """A workbook that is written line by line, in constant memory."""

    def __init__(self, out: BinaryIO, teller: Teller) -> None:
        self._out, self._teller = out, teller
        self._stack = ExitStack()
        self._row = self._sheets = 0
        self._whole = _("全部栏目")

    def __enter__(self) -> Self:
        self._book = self._stack.enter_context(workbook(self._out, constant_memory=True))
        self._head = self._book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True})
        self._new_sheet()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _new_sheet(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(_("历史清单") + ("" if self._sheets == 1 else f" {self._sheets}"))
        for place, width in enumerate(_WIDTHS):
            self._sheet.set_column(place, place, width)
        heads = (
            _("封存序号"), _("历史编号"), _("时间"), _("谁"), _("账号"), _("当时的角色"), _("数据库账号"), _("途径"), _("地址"), _("原因"),
            _("做了什么"), _("对象"), _("栏目"), _("原来"), _("改为"),
        )  # fmt: skip
        self._sheet.write_row(0, 0, heads, self._head)
        self._sheet.freeze_panes(1, 0)
        self._row = 0

    def prepare(self, entries: Sequence[Entry]) -> None:
        """Ask for the names behind many entries at once."""
        self._teller.prepare(entries)

    def _changes(self, entry: Entry) -> list[tuple[str, str, str]]:
        """A line for each field of a change; a record that came or went has one line for all."""
        changes = self._teller.changes(entry)
        if entry.kind == "update":
            return [(change.label, change.old, change.new) for change in changes]
        old, new = (
            "\n".join(f"{change.label}：{text}" for change, text in texts if text)
            for texts in (((change, change.old) for change in changes), ((change, change.new) for change in changes))
        )
        return [(self._whole, old, new)]

    def add(self, entry: Entry) -> None:
        """One entry: as many lines as it changed fields, one at least."""
        told = self._teller
        facts = (
            told.when(entry), told.who(entry), entry.actor, told.roles(entry.roles), entry.role, told.road(entry.road), entry.address, entry.reason,
            told.act(entry.kind), told.subject(entry),
        )  # fmt: skip
        lines = self._changes(entry) if entry.values else [(label, "", text) for label, text in told.details(entry)]
        for line in lines or [("", "", "")]:
            if self._row == ROWS:
                self._new_sheet()
            self._row += 1
            self._sheet.write_number(self._row, 0, entry.position or 0)
            self._sheet.write_number(self._row, 1, entry.id)
            for place, text in enumerate((*facts, *line), 2):
                if text:
                    self._sheet.write_string(self._row, place, text[:CELL])
