"""Words that nobody knows: asked once, with how often they stand and where; the answers hold for every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.formats import Choice, Link, Lookup, Match
from app.formats.base import line
from app.language import _l
from app.lookup import DatabaseLookup, plain_word
from imports import near
from imports.decisions import LEAVE, NEW, NOTHING, Answer, Decisions, refused
from imports.namesakes import Namesakes
from imports.past import Past, words_of
from imports.targets import Target

#: as many of a word's rows as are named, and as many words as are asked about
MOST_ROWS, MOST_WORDS = 20, 500
#: what a word is read as that somebody leaves out
LEFT = "\x00left"


@dataclass(frozen=True)
class Answers:
    """What is said of words: by a person about this file, else by the office before."""

    decisions: Decisions = NOTHING
    past: Past = field(default_factory=Past)

    def of(self, target: Target, lookup: DatabaseLookup) -> dict[str, Answer]:
        """Plain word to answer, for one field; raises Refused for an answer that cannot hold. What the list has lost since is forgotten."""
        said = self.decisions.words.get(target.name, {})
        remembered = {word: answer for word, answer in self.past.words.get(words_of(target), {}).items() if _fault(target, answer, lookup) is None}
        for word, answer in said.items():
            fault = _fault(target, answer, lookup)
            if fault is not None:
                raise refused(_l("“%(label)s”的“%(word)s”不能这样指定：%(why)s", label=target.field.label, word=word, why=fault))
        return {plain_word(word): answer for word, answer in {**remembered, **said}.items() if plain_word(word)}


def _fault(target: Target, answer: Answer, lookup: DatabaseLookup) -> object:
    """Why an answer cannot hold; None when it can."""
    fmt = target.field.format
    if answer == LEAVE:
        return None
    if isinstance(fmt, Link):
        if answer == NEW:
            return _l("关联的记录要先登记")
        found = lookup.has(fmt.register, answer) if isinstance(answer, int) else len(lookup.find(fmt.register, answer)) == 1
        return None if found else _l("没有“%(answer)s”这条记录，或您无权使用它", answer=answer)
    name = words_of(target)
    if answer == NEW:
        return None if lookup.is_open(name) else _l("这个字典不接受新词")
    return None if lookup.word(name, str(answer)) is not None else _l("字典里没有“%(answer)s”", answer=answer)


@dataclass
class Answered:
    """A lookup that knows what somebody said of single words; words that a list knows are never asked about."""

    base: DatabaseLookup
    answers: Mapping[str, Answer]
    today: date

    def word(self, code_list: str, text: str) -> str | None:
        known = self.base.word(code_list, text)
        answer = self.answers.get(plain_word(text)) if known is None else None
        if answer is None:
            return known
        if answer == LEAVE:
            return LEFT
        return text if answer == NEW else self.base.word(code_list, str(answer))

    def find(self, register: str, text: str) -> list[Match]:
        found = self.base.find(register, text)
        answer = self.answers.get(plain_word(text)) if len(found) != 1 else None
        if answer is None or answer == LEAVE:
            return found
        return [Match(answer, text)] if isinstance(answer, int) else self.base.find(register, answer)

    def label(self, code_list: str, code: str) -> str:
        return self.base.label(code_list, code)

    def nearest(self, code_list: str, text: str) -> list[str]:
        return self.base.nearest(code_list, text)

    def options(self, code_list: str) -> list[tuple[str, str]]:
        return self.base.options(code_list)

    def is_open(self, code_list: str) -> bool:
        return self.base.is_open(code_list)

    def has(self, register: str, record_id: int) -> bool:
        return self.base.has(register, record_id)

    def name(self, register: str, record_id: int) -> str:
        return self.base.name(register, record_id)

    def handle(self, register: str, record_id: int) -> str:
        return self.base.handle(register, record_id)


def leaves_out(answers: Mapping[str, Answer], raw: object) -> bool:
    """Whether somebody said that a cell of a link is left out."""
    return isinstance(raw, str) and answers.get(plain_word(raw)) == LEAVE


@dataclass
class Question:
    """One word that a field does not know: how often it stands, and in which rows (the first of them)."""

    target: Target
    heading: str
    word: str
    code: str
    count: int = 0
    rows: list[int] = field(default_factory=list)


@dataclass
class Questions:
    """The unknown words of a file, gathered while its rows are read."""

    asked: dict[tuple[str, str], Question] = field(default_factory=dict)
    #: new records that may be there already, each by its row: `imports/confirm.py`
    matches: list[dict[str, object]] = field(default_factory=list)
    _namesakes: Namesakes | None = None

    def namesakes(self, lookup: DatabaseLookup) -> Namesakes:
        """The names of registers, read once for the file."""
        if self._namesakes is None:
            self._namesakes = Namesakes(lookup)
        return self._namesakes

    def note(self, target: Target, heading: str, row: int, code: str, words: Sequence[str]) -> None:
        """Words of one cell that the field does not know."""
        for word in words:
            question = self.asked.setdefault((target.name, plain_word(word)), Question(target, heading, word, code))
            question.count += 1
            if len(question.rows) < MOST_ROWS:
                question.rows.append(row)

    def ask(self, heading: str, row: int, name: str, proposals: Sequence[Match]) -> None:
        """Which record a new one means, whose name others have."""
        if len(self.matches) < MOST_WORDS:
            self.matches.append({"row": row, "column": heading, "name": name, "proposals": [{"answer": each.id, "label": each.label} for each in proposals]})

    def to_json(self, lookup: DatabaseLookup) -> list[dict[str, object]]:
        """The questions, the most frequent first, each with the words that may be meant; for the page that asks them."""
        frequent = sorted(self.asked.values(), key=lambda each: -each.count)[:MOST_WORDS]
        return [
            {
                "field": each.target.name,
                "column": each.heading,
                "word": each.word,
                "code": each.code,
                "count": each.count,
                "rows": each.rows,
                "new": isinstance(each.target.field.format, Choice) and lookup.is_open(each.target.field.format.code_list),
                "proposals": _proposals(each, lookup, self.namesakes(lookup)),
            }
            for each in frequent
        ]


def _proposals(question: Question, lookup: DatabaseLookup, namesakes: Namesakes) -> list[dict[str, Answer]]:
    """What may be meant: words with their codes, records with their numbers."""
    fmt = question.target.field.format
    if isinstance(fmt, Link):
        return [{"answer": each.id, "label": each.label} for each in namesakes.proposals(fmt.register, question.word)]
    by_label = {label: code for code, label in lookup.options(words_of(question.target))}
    return [{"answer": by_label[label], "label": label} for label in near.proposals(line(question.word), by_label)]


def reading_with(lookup: DatabaseLookup, answers: Mapping[str, Answer]) -> Lookup:
    """The lookup by which a field's cells are read."""
    return Answered(lookup, answers, lookup.today) if answers else lookup


__all__ = ["LEFT", "Answered", "Answers", "Question", "Questions", "leaves_out", "reading_with"]
