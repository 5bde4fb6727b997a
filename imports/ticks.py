"""Columns to tick: under one merged heading each names a word of a list, and √ says that the word holds."""

from __future__ import annotations

from collections.abc import Iterable

from app.formats import FormatError, YesNo, symbols
from app.formats.base import line
from app.language import _l
from imports.cells import CellError, is_empty

_TICKED = frozenset({"■", "▇", "▪", "◆", "★", "☒", "√√", "⬛", "✅", "具备"})
_NOT = frozenset({"□", "▢", "○", "◇", "❌", "不具备", "/", "-", "—", "——"})
_READER = YesNo()


def ticked(raw: object, word: str) -> bool | None:
    """Whether a cell ticks its column's word; None for a blank. Raises FormatError for what is no tick."""
    if is_empty(raw) or isinstance(raw, CellError):
        return None
    text = symbols(raw) if isinstance(raw, str) else ""
    if text in _TICKED or (text and text == symbols(word)):
        return True
    if text in _NOT:
        return False
    try:
        value = _READER.read(raw).value
        return None if value is None else bool(value)
    except FormatError:
        message = _l("“%(raw)s”不是勾选：“%(word)s”一列应打“√”或留空", raw=line(raw)[:20] if isinstance(raw, str) else raw, word=line(word))
        raise FormatError("bad_tick", message) from None


def mostly(cells: Iterable[tuple[object, str]]) -> bool:
    """Whether columns are there to be ticked: at least half of what stands in them (each cell with its word) ticks or denies."""
    said = [pair for pair in cells if not is_empty(pair[0])]
    return 2 * sum(_is_tick(*pair) for pair in said) >= len(said)


def _is_tick(raw: object, word: str) -> bool:
    try:
        return ticked(raw, word) is not None
    except FormatError:
        return False


__all__ = ["mostly", "ticked"]
