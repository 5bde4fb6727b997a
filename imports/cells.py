"""What a cell can be besides a value, and where merged cells lie."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell whose formula failed (`#N/A`), has no result, or is a picture: reported, never blank."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged range, both ends inclusive, counted from 1."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def tall(self) -> bool:
        """Whether it spans several rows."""
        return self.bottom > self.top

    @property
    def wide(self) -> int:
        """How many columns it spans."""
        return self.right - self.left + 1


def letters(column: int) -> str:
    """The column as Excel names it: 1 is A, 28 is AB."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def number(name: str) -> int:
    """The column's number: A is 1, AB is 28."""
    total = 0
    for char in name:
        total = total * 26 + ord(char) - 64
    return total


def is_empty(raw: object) -> bool:
    """Whether nothing, or only blanks, stands in the cell."""
    return raw is None or (isinstance(raw, str) and not raw.strip(" \t\r\n\u3000\xa0\u200b\ufeff"))
