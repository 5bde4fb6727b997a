"""The code lists (字典) by name: which exist, whether unknown words may come in.

The words themselves are rows that staff keep; what stands here is only what code depends on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.language import Text


@dataclass(frozen=True)
class Word:
    """A word that a list starts with."""

    code: str
    label: str
    aliases: tuple[str, ...] = ()
    #: the words of the field that narrows (`Field.narrowed_by`) with which it goes; none: with all
    under: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodeList:
    """A code list: closed (an unknown word is refused) or open (it waits for the keeper)."""

    key: str
    title: Text
    words: tuple[Word, ...] = ()
    open: bool = False
    #: where the words come from: law, standard, rule
    origin: str = ""


_lists: dict[str, CodeList] = {}


def announce(lists: Iterable[CodeList]) -> None:
    """Make code lists known."""
    _lists.update({each.key: each for each in lists})


def find(key: str) -> CodeList:
    """The list of that key; KeyError names it."""
    return _lists[key]


def every() -> list[CodeList]:
    """All code lists."""
    return list(_lists.values())
