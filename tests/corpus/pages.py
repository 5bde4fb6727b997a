"""A sheet as the corpus describes it, before a writer gives it the bytes of a format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Failed:
    """A cell that shows an error."""

    text: str


NO_RESULT = Failed("=?")


@dataclass(frozen=True)
class Page:
    """A sheet; rows and columns count from 1."""

    grid: Sequence[Sequence[object]]
    name: str = "名录"
    merges: tuple[tuple[int, int, int, int], ...] = ()  # top, left, bottom, right
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    hidden: bool = False
    facts: dict[str, object] = field(default_factory=dict)


def letters(column: int) -> str:
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
