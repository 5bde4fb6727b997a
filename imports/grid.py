"""A sheet that is put together cell by cell, within limits."""

from __future__ import annotations

from app.language import _l
from imports.cells import Layout
from imports.refusal import Refused


class Grid:
    """A sheet being read: its cells, and what its layout says."""

    def __init__(self, name: str, rows: int, columns: int) -> None:
        self.name = name
        self.limits = rows, columns
        self.layout = Layout()
        self.cells: list[list[object]] = []

    def put(self, row: int, column: int, value: object) -> None:
        """Fill a cell, counted from 1; blanks take no room. Raises Refused where it lies too far."""
        if value in {None, ""} if isinstance(value, (str, type(None))) else False:
            return
        refuse_size(self.name, row, column, *self.limits)
        while len(self.cells) < row:
            self.cells.append([])
        line = self.cells[row - 1]
        line.extend([None] * (column - len(line)))
        line[column - 1] = value


def refuse_size(name: str, rows: int, columns: int, most_rows: int, most_columns: int) -> None:
    """Raise Refused when a sheet is larger than what is taken."""
    if rows > most_rows:
        raise Refused("too_big", _l("“%(name)s”有 %(now)s 行，最多 %(most)s 行，请拆分后分次导入", name=name, now=rows, most=most_rows))
    if columns > most_columns:
        raise Refused("too_big", _l("“%(name)s”有 %(now)s 列，最多 %(most)s 列，请删去多余的列", name=name, now=columns, most=most_columns))
