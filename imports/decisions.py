"""What a person says of a file: which sheet, which header row, what the columns, words and names mean.

A value: it travels as JSON between the page, the batch and the planner. What it says wins over
everything that is guessed; what it cannot say is refused in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from app.formats import Choice, Link
from app.language import Text, _l
from app.register import Register
from imports.refusal import Refused
from imports.targets import targets

#: a word's answer: take it as a new word of an open list; leave the cell out
NEW, LEAVE = "new", "leave"
Answer = str | int
#: as many cells as a person may type anew, and rows as may be left out; whoever has more mends the file
MOST_CELLS = MOST_SKIPS = 500
#: what a cell of a spreadsheet holds at most
LONGEST = 32_767


def _frozen(pairs: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(pairs))


@dataclass(frozen=True)
class Decisions:
    """Everything that a person may decide about a file; the default decides nothing."""

    sheet: str | None = None
    #: as Excel counts
    header_row: int | None = None
    #: heading as the file has it (`Table.mapped`) to the field's name, or None: not imported
    columns: Mapping[str, str | None] = field(default_factory=lambda: _frozen({}))
    #: upsert, insert or update
    mode: str | None = None
    #: whether an empty cell clears what is stored
    clears: bool = False
    #: by field name and word: a code or word of the list, a record's number, NEW or LEAVE
    words: Mapping[str, Mapping[str, Answer]] = field(default_factory=lambda: _frozen({}))
    #: by the row whose name another record has: that record's number, or None: it is really new
    matches: Mapping[int, int | None] = field(default_factory=lambda: _frozen({}))
    #: by row: what a cell (by its heading, or the field's name where the file has no such column) says instead
    cells: Mapping[int, Mapping[str, str]] = field(default_factory=lambda: _frozen({}))
    #: the rows that are not imported
    skips: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _frozen(self.columns))
        object.__setattr__(self, "words", _frozen({name: _frozen(answers) for name, answers in self.words.items()}))
        object.__setattr__(self, "matches", _frozen(self.matches))
        object.__setattr__(self, "cells", _frozen({row: _frozen(texts) for row, texts in self.cells.items() if texts}))
        object.__setattr__(self, "skips", frozenset(self.skips))

    def to_json(self) -> dict[str, Any]:
        """As a batch keeps it; only what was decided."""
        whole = {
            "sheet": self.sheet,
            "header_row": self.header_row,
            "columns": dict(self.columns),
            "mode": self.mode,
            "empty": "clear" if self.clears else None,
            "words": {name: dict(answers) for name, answers in self.words.items()},
            "matches": {str(row): NEW if record is None else record for row, record in self.matches.items()},
            "cells": {str(row): dict(texts) for row, texts in self.cells.items()},
            "skips": sorted(self.skips),
        }
        return {key: value for key, value in whole.items() if value not in (None, {}, [])}

    @classmethod
    def from_json(cls, raw: object) -> Decisions:
        """The decisions in what `to_json` gave, or a page sent; raises Refused where it makes no sense."""
        if not isinstance(raw, dict) or raw.keys() - _KINDS.keys():
            raise _senseless()
        if any(not isinstance(raw[key], kind) or isinstance(raw[key], bool) for key, kind in _KINDS.items() if raw.get(key) is not None):
            raise _senseless()
        columns, words = raw.get("columns") or {}, raw.get("words") or {}
        fit = all(_plain(each, str, type(None)) for each in columns.values()) and all(isinstance(answers, dict) for answers in words.values())
        if not fit or not all(_plain(each, str, int) for answers in words.values() for each in answers.values()):
            raise _senseless()
        if raw.get("empty") not in {None, "keep", "clear"} or raw.get("mode") not in {None, "upsert", "insert", "update"}:
            raise _senseless()
        cells, skips = raw.get("cells") or {}, raw.get("skips") or []
        if not all(isinstance(texts, dict) and all(_plain(text, str) for text in texts.values()) for texts in cells.values()):
            raise _senseless()
        try:
            matches = {int(row): None if record == NEW else int(record) for row, record in (raw.get("matches") or {}).items()}
            mended, left = {int(row): texts for row, texts in cells.items()}, frozenset(int(row) for row in skips)
        except (TypeError, ValueError):
            raise _senseless() from None
        return cls(raw.get("sheet"), raw.get("header_row"), columns, raw.get("mode"), raw.get("empty") == "clear", words, matches, mended, left)

    def check(self, register: type[Register]) -> None:
        """Refuse what cannot hold for the register, whatever the file: unknown fields, a field for two columns, words where no list is."""
        known = {target.name: target for target in targets(register)}
        for heading, name in self.columns.items():
            if name is not None and name not in known:
                raise refused(_l("列“%(heading)s”不能对应到“%(field)s”：没有这个字段", heading=heading, field=name))
        for name, count in Counter(name for name in self.columns.values() if name is not None).items():
            if count > 1:
                both = [heading for heading, other in self.columns.items() if other == name]
                raise refused(_l("列“%(one)s”和“%(other)s”都对应到“%(label)s”，请只留一列", one=both[0], other=both[1], label=known[name].field.label))
        for name, answers in self.words.items():
            target = known.get(name)
            if target is None or not isinstance(target.field.format, (Choice, Link)):
                raise refused(_l("“%(field)s”不是字典或关联字段，不能逐词指定", field=target.field.label if target else name))
            numbers = [answer for answer in answers.values() if isinstance(answer, int)]
            if numbers and not isinstance(target.field.format, Link):
                raise refused(_l("“%(field)s”的词应指定为字典里的词", field=target.field.label))
        self._check_rows()

    def _check_rows(self) -> None:
        """Refuse more than a page is made for."""
        texts = [text for row in self.cells.values() for text in row.values()]
        if len(texts) > MOST_CELLS:
            raise refused(_l("在页面上最多更正 %(most)s 个单元格，其余的请取回原文件改好再上传", most=MOST_CELLS))
        if len(self.skips) > MOST_SKIPS:
            raise refused(_l("在页面上最多跳过 %(most)s 行，其余的请在文件里删去再上传", most=MOST_SKIPS))
        if any(len(text) > LONGEST for text in texts):
            raise refused(_l("一个单元格最多 %(most)s 个字", most=LONGEST))

    def check_columns(self, headings: Iterable[str]) -> None:
        """Refuse a column that the file does not have."""
        there = set(headings)
        for heading in self.columns:
            if heading not in there:
                raise refused(_l("表里没有“%(heading)s”这一列，请重新对列", heading=heading))


def _plain(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


_KINDS: dict[str, type] = {
    "sheet": str,
    "header_row": int,
    "columns": dict,
    "mode": str,
    "empty": str,
    "words": dict,
    "matches": dict,
    "cells": dict,
    "skips": list,
}


def refused(message: Text) -> Refused:
    """A decision that cannot hold."""
    return Refused("bad_decisions", message)


def _senseless() -> Refused:
    return refused(_l("对列的设置读不懂，请重新对列"))


NOTHING = Decisions()

__all__ = ["LEAVE", "LONGEST", "MOST_CELLS", "MOST_SKIPS", "NEW", "NOTHING", "Answer", "Decisions", "refused"]
