"""Names of organisations as they are compared: what offices write differently for one and the same is gone.

Pure. Width, case, blanks, brackets and punctuation go; so do the names of the places above the office's
own townships where they stand in front, and the legal form behind (有限公司, 有限责任公司, 股份有限公司).
Two names alike are never taken for one: somebody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from app.search.text import normal

#: a name is never shortened to less
SHORTEST = 2
_FORM = re.compile(r"(?:有限责任公司|股份有限公司|有限公司|股份公司|公司)$")
_FORM_INSIDE = re.compile(r"(?:有限责任公司|股份有限公司|有限公司|股份公司)(?=.)")
_KIND = re.compile(r"(?:省|市|县|区|旗|自治州|自治县|自治区|地区|盟)$")
#: 承德 before 县 is another place
_OTHER = "镇乡县市区旗"


class _Compared(dict[int, str]):
    """What `normal` makes of each character, in one table."""

    def __missing__(self, code: int) -> str:
        self[code] = found = normal(chr(code))
        return found


_COMPARED = _Compared()


@dataclass(frozen=True)
class Normaliser:
    """Compares names written in one place: `places` are the names of that place and of those above it."""

    places: tuple[str, ...] = ()

    @cached_property
    def _front(self) -> re.Pattern[str] | None:
        spellings = sorted({normal(place) for place in self.places if len(normal(place)) >= SHORTEST}, key=len, reverse=True)
        each = "|".join(re.escape(place) + ("" if _KIND.search(place) else f"(?![{_OTHER}])") for place in spellings)
        return re.compile(f"(?:{each})+(?=.{{{SHORTEST}}})") if each else None

    def normal(self, name: str) -> str:
        """What two ways to write one organisation's name have in common; the same again for what it gives."""
        text = name.translate(_COMPARED)
        while (shorter := self._shorter(text)) != text:
            text = shorter
        return text

    def _shorter(self, text: str) -> str:
        if self._front and (found := self._front.match(text)):
            text = text[found.end() :]
        if "公司" in text:
            text = _FORM_INSIDE.sub("公司", text)
            found = _FORM.search(text)
            if found and found.start() >= SHORTEST:
                text = text[: found.start()]
        return text


def spellings_of(names: Iterable[str]) -> tuple[str, ...]:
    """The names of places with their short forms: 承德市 is 承德 too, 河北省 河北."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        short = _KIND.sub("", name)
        if short != name and len(short) >= SHORTEST:
            found[short] = None
    return tuple(found)


__all__ = ["Normaliser", "spellings_of"]
