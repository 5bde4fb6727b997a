"""Values out of a set: yes or no, states, words of the code lists that staff keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from app.formats.base import EMPTY, Doubt, Format, FormatError, Json, Lookup, Reading, is_blank, line, prose, symbols
from app.language import Text, _l, chinese

_YES = frozenset({"是", "有", "√", "✓", "✔", "☑", "1", "y", "yes", "true", "t", "对", "已", "on", "●", "v"})
_NO = frozenset({"否", "无", "没有", "×", "✗", "✘", "☐", "0", "n", "no", "false", "f", "不", "未", "不是", "off", "x"})


@dataclass(frozen=True)
class YesNo(Format):
    """是 or 否; blank is neither."""

    name: ClassVar[str] = "yes_no"
    widget: ClassVar[str] = "select"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if isinstance(raw, bool):
            return Reading(raw)
        word = symbols(raw).lower()
        if word in _YES:
            return Reading(True)
        if word in _NO:
            return Reading(False)
        if is_blank(raw):
            return EMPTY
        raise FormatError("bad_yes_no", _l("“%(raw)s”应填“是”或“否”", raw=line(raw)[:20]))

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return "" if value is None else str(_l("是") if value else _l("否"))

    def write(self, value: Any, lookup: Lookup | None = None) -> str:
        return "" if value is None else "是" if value else "否"

    def mask(self, value: Any) -> str:
        return "" if value is None else "****"

    def schema(self) -> Json:
        return {"type": "boolean"}


class State(StrEnum):
    """A state that code depends on; each member is written `NAME = "value", _l("中文")`."""

    label: Text

    def __new__(cls, value: str, label: Text = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


@dataclass(frozen=True)
class StateOf(Format):
    """One of the members of a State; kept as its value, read and shown as its label."""

    states: type[State]
    name: ClassVar[str] = "state"
    widget: ClassVar[str] = "select"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        word = line(raw)
        for state in self.states:
            # the workbook carries Chinese, whatever language the reader's pages have
            if word in {state.value, str(state.label), chinese(state.label)}:
                return Reading(state.value)
        labels = "、".join(str(state.label) for state in self.states)
        raise FormatError("bad_state", _l("“%(word)s”应为：%(labels)s", word=word[:20], labels=labels))

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return str(self.states(value).label) if value else ""

    def write(self, value: Any, lookup: Lookup | None = None) -> str:
        return chinese(self.states(value).label) if value else ""

    def mask(self, value: Any) -> str:
        return "****" if value else ""

    def options(self) -> list[tuple[str, str]]:
        """Value and label of every state."""
        return [(state.value, str(state.label)) for state in self.states]

    def schema(self) -> Json:
        return {"type": "string", "enum": [state.value for state in self.states]}


@dataclass(frozen=True)
class Choice(Format):
    """A word of a code list, kept as its code."""

    code_list: str
    name: ClassVar[str] = "choice"
    widget: ClassVar[str] = "select"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        word = line(raw)
        if _is_wordless(word):
            return EMPTY
        code, doubt = self._word(word, _need(lookup))
        return Reading(code, (doubt,) if doubt else ())

    def _word(self, word: str, lookup: Lookup) -> tuple[str, Doubt | None]:
        code = lookup.word(self.code_list, word)
        if code is not None:
            return code, None
        if len(word) > 100:
            raise FormatError("too_long", _l("最多 %(most)s 个字，现有 %(now)s 个字，请缩短", most=100, now=len(word)))
        near = "、".join(lookup.nearest(self.code_list, word))
        if lookup.is_open(self.code_list):
            doubt = Doubt("new_word", _l("“%(word)s”是新词，已登记为待确认的字典条目", word=word), word=word)
            return word, doubt
        raise FormatError(
            "unknown_word",
            _l("“%(word)s”不在字典里，相近的有：%(near)s", word=word, near=near) if near else _l("“%(word)s”不在字典里，请从下拉列表中选择", word=word),
            (word,),
        )

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return _need(lookup).label(self.code_list, value) if value else ""

    def mask(self, value: Any) -> str:
        return "****" if value else ""

    def options(self, lookup: Lookup) -> list[tuple[str, str]]:
        """Code and label of every entry in force."""
        return lookup.options(self.code_list)


_NUMBERING = re.compile(r"^\s*[一二三四五六七八九十]{1,3}、|(?:^|[\s，,。、])\s*\d{1,2}[．.、)）](?!\d)\s*|[①-⑳]|[（(](?:\d{1,2}|[一二三四五六七八九十]+)[)）]")


@dataclass(frozen=True)
class Choices(Choice):
    """Several words of a code list, kept as a list of codes in the order written."""

    name: ClassVar[str] = "choices"
    widget: ClassVar[str] = "multiselect"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        cells = raw if isinstance(raw, (list, tuple)) else [raw]
        words = [word for cell in cells for word in self._split(cell, _need(lookup))]
        found, unknown = [], []
        for word in words:
            try:
                found.append(self._word(word, _need(lookup)))
            except FormatError as error:
                unknown.append(error)
        if unknown:  # the first is told, all are asked about
            raise FormatError(unknown[0].code, unknown[0].message, tuple(word for error in unknown for word in error.words))
        codes = list(dict.fromkeys(code for code, _ in found))
        return Reading(codes or None, tuple(doubt for _, doubt in found if doubt))

    def _split(self, raw: object, lookup: Lookup) -> list[str]:
        """Cut at numbering, breaks, ；and 、 — but a word of the list that holds 、 stays whole."""
        text = prose(raw)
        if _is_wordless(text):
            return []
        if lookup.word(self.code_list, line(text)) is not None:
            return [line(text)]
        words: list[str] = []
        for part in re.split(r"[；;\n]+", text):
            pieces = [part] if lookup.word(self.code_list, line(part)) is not None else _NUMBERING.split(part)
            words.extend(word for piece in pieces for word in self._cut(line(piece).strip("。，,、 "), lookup))
        return words if words == [line(text)] else [word for part in words for word in self._split(part, lookup)]

    def _cut(self, part: str, lookup: Lookup) -> list[str]:
        if _is_wordless(part):
            return []
        if lookup.word(self.code_list, part) is not None:
            return [part]
        pieces = [piece for piece in re.split(r"[、，,/]|\s+", part) if piece]
        known = [piece for piece in pieces if lookup.word(self.code_list, piece) is not None]
        return pieces if len(known) == len(pieces) or (known and not lookup.is_open(self.code_list)) else [part]

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return "；".join(_need(lookup).label(self.code_list, code) for code in value or ())

    def schema(self) -> Json:
        return {"type": "array", "items": {"type": "string"}}


def _is_wordless(text: str) -> bool:
    """Whether a text says nothing, or nothing but punctuation."""
    return is_blank(text) or not re.search(r"\w", text)


def _need(lookup: Lookup | None) -> Lookup:
    if lookup is None:
        raise TypeError("code lists can only be read with a lookup")
    return lookup
