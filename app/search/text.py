"""Text as the search compares it: one character after another, so that a part of a text folds to a part of what it folds to.

Width, case, accents, brackets, punctuation and blanks go; 繁體 becomes 简体. Nothing here looks at a
character's neighbours: that is what makes every part of a value findable.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
#: how many characters make a gram: two of Chinese tell as much as three of Latin letters or digits
WIDE, NARROW = 2, 3

#: a token and whether it stands for all that begin with it
Token = tuple[str, bool]


@cache
def table(name: str) -> list[str]:
    """The lines of one of our tables, without the note on its source."""
    return [row for row in (DATA / name).read_text(encoding="utf-8").splitlines() if not row.startswith("#")]


class _Plain(dict[int, str]):
    """A character without width, case, accents; nothing for what is no letter and no digit."""

    def __missing__(self, code: int) -> str:
        letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(code)).casefold())
        self[code] = found = "".join(letter for letter in letters if letter.isalnum())
        return found


_PLAIN = _Plain()


@cache
def _simpler() -> dict[int, int]:
    traditional, simplified = table("simplified.txt")
    return {ord(old): ord(new) for old, new in zip(traditional, simplified, strict=True)}


def plain(text: str) -> str:
    """Letters and digits only, of one width and case."""
    return text.translate(_PLAIN)


def normal(text: str) -> str:
    """What two texts have in common that people take for the same."""
    return text.translate(_PLAIN).translate(_simpler())


def grams(text: str) -> set[str]:
    """The pieces of a normal text by which the index finds it, one from each character on."""
    return {text[at : at + (WIDE if letter > "\x7f" else NARROW)] for at, letter in enumerate(text)}


def asked(word: str) -> list[Token]:
    """The grams that every text with this normal word has; a word shorter than a gram begins one."""
    pieces = [word[at : at + (WIDE if letter > "\x7f" else NARROW)] for at, letter in enumerate(word)]
    whole = [piece for piece in pieces if len(piece) == (WIDE if piece[0] > "\x7f" else NARROW)]
    return [(piece, False) for piece in dict.fromkeys(whole)] or [(word, True)]


def words(text: str) -> list[str]:
    """The normal words of what somebody typed; a word without a letter or digit says nothing."""
    return list(dict.fromkeys(word for word in (normal(part) for part in text.split()) if word))
