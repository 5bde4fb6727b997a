"""What formats ask of the database: words of code lists, records behind links. Read in bulk, once.

One lookup belongs to one request or one import: what it has read it does not read again.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.clock import today
from app.code_lists import find as code_list
from app.fields import Field
from app.formats import Choice, Link, Match, symbols
from app.register import Record, Register, field_map
from app.scopes import scope_of

CHUNK = 400
TEXTS = 60  # each has several spellings; SQLite takes an OR of at most 1,000


def plain_word(text: str) -> str:
    """A word without what people write differently: width, case, blanks, punctuation."""
    return re.sub(r"[\s,，、。.;；:：“”\"'‘’《》()（）\-—/]", "", symbols(text)).lower()


@dataclass
class _Words:
    rows: list[Any] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    options: list[tuple[str, str]] = field(default_factory=list)

    @cached_property
    def codes(self) -> dict[str, str]:
        """What each spelling means: nobody's alias takes another's label, nor a code."""
        spellings = [(row.code, row.label) for row in self.rows] + [(row.code, row.code) for row in self.rows]
        spellings += [(row.code, alias) for row in self.rows for alias in (row.aliases or "").split("、")]
        found: dict[str, str] = {}
        for code, word in spellings:
            if plain_word(word):
                found.setdefault(plain_word(word), code)
        return found


class DatabaseLookup:
    """The lookup of formats, over one session (and so within its scope)."""

    def __init__(self, session: Session, day: date | None = None) -> None:
        self.session = session
        self.today = day or today()
        self._words: dict[str, _Words] = {}
        self._found: dict[tuple[str, str], list[Match]] = {}
        self._names: dict[tuple[str, int], tuple[str, str] | None] = {}

    # code lists -----------------------------------------------------------------------------

    def prepare(self, declared: Iterable[Field]) -> None:
        """Read every code list that these fields use, in one statement."""
        lists = {each.format.code_list for each in declared if isinstance(each.format, Choice)} - self._words.keys()
        if lists:
            self._read_words(lists)

    def _read_words(self, lists: Iterable[str]) -> None:
        table = registry.need("code").__table__.c
        self._words.update({name: _Words() for name in lists})
        statement = sa.select(table.code_list, table.code, table.label, table.aliases, table.effective_from, table.effective_to, table.word_state)
        statement = statement.where(table.code_list.in_(sorted(lists)), table.voided_at.is_(None)).order_by(table.sort, table.id)
        for row in self.session.connection().execute(statement):
            words = self._words[row.code_list]
            words.rows.append(row)
            words.labels[row.code] = row.label
            begun = row.effective_from is None or row.effective_from <= self.today
            if row.word_state == "accepted" and begun and (row.effective_to is None or row.effective_to >= self.today):
                words.options.append((row.code, row.label))

    def _list(self, name: str) -> _Words:
        if name not in self._words:
            self._read_words([name])
        return self._words[name]

    def word(self, code_list: str, text: str) -> str | None:
        return self._list(code_list).codes.get(plain_word(text))

    def label(self, code_list: str, code: str) -> str:
        return self._list(code_list).labels.get(code, code)

    def nearest(self, code_list: str, text: str) -> list[str]:
        labels = [label for _, label in self._list(code_list).options]
        near = difflib.get_close_matches(text, labels, n=3, cutoff=0.3)
        return near or [label for label in labels if set(label) & set(text)][:3] or labels[:3]

    def options(self, code_list: str) -> list[tuple[str, str]]:
        return self._list(code_list).options

    def is_open(self, code_list: str) -> bool:
        return _is_open(code_list)

    # links ----------------------------------------------------------------------------------

    def prepare_texts(self, register: str, texts: Iterable[str]) -> None:
        """Find what many texts mean, in one statement per chunk."""
        wanted = [text for text in dict.fromkeys(texts) if (register, text) not in self._found]
        for start in range(0, len(wanted), TEXTS):
            self._find_many(register, wanted[start : start + TEXTS])

    def prepare_ids(self, register: str, ids: Iterable[int]) -> None:
        """Read the names of many records, in one statement per chunk."""
        wanted = [each for each in dict.fromkeys(ids) if (register, each) not in self._names]
        cls = registry.need(register)
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            self._names.update({(register, each): None for each in chunk})
            for record in self._rows(cls, cls.__table__.c.id.in_(chunk)):
                self._names[register, record.id] = (_called(cls, record), _handle(cls, record))

    def prepare_rows(self, rows: Sequence[Any], declared: Iterable[Field]) -> None:
        """Read the names behind every link of these records (objects or mappings by key)."""
        for each in declared:
            if isinstance(each.format, Link):
                ids = [row.get(each.key) if isinstance(row, dict) else getattr(row, each.attr) for row in rows]
                self.prepare_ids(each.format.register, [value for value in ids if isinstance(value, int)])

    def find(self, register: str, text: str) -> list[Match]:
        if (register, text) not in self._found:
            self._find_many(register, [text])
        return self._found[register, text]

    def has(self, register: str, record_id: int) -> bool:
        self.prepare_ids(register, [record_id])
        return self._names[register, record_id] is not None

    def name(self, register: str, record_id: int) -> str:
        return self._called(register, record_id)[0]

    def handle(self, register: str, record_id: int) -> str:
        return self._called(register, record_id)[1]

    def _called(self, register: str, record_id: int) -> tuple[str, str]:
        if (register, record_id) not in self._names:
            self.prepare_ids(register, [record_id])
        return self._names[register, record_id] or ("", "")

    def _find_many(self, register: str, texts: list[str]) -> None:
        cls = registry.need(register)
        spellings = {text: _spellings(text) for text in texts}
        every = sorted({spelling for group in spellings.values() for spelling in group})
        known = field_map(cls)
        exact = [known[key] for key in _finding_keys(cls)]
        listed = [known[key] for key in cls.__names__ if known[key].format.name == "words"]
        tests = [getattr(cls, each.attr).in_(every) for each in exact]
        tests += [getattr(cls, each.attr).contains(spelling, autoescape=True) for each in listed for spelling in every]
        by_text: dict[str, dict[int, tuple[int, Match]]] = defaultdict(dict)
        for record in self._rows(cls, sa.or_(*tests), cls.voided_at.is_(None)):
            match = Match(record.id, _handle(cls, record))
            for rank, each in enumerate(exact):
                self._note(by_text, getattr(record, each.attr), rank, match)
            for each in listed:
                for word in (getattr(record, each.attr) or "").split("、"):
                    self._note(by_text, word, len(exact), match)
        for text, group in spellings.items():
            self._found[register, text] = _best([by_text.get(spelling, {}) for spelling in group])

    @staticmethod
    def _note(by_text: dict[str, dict[int, tuple[int, Match]]], word: str | None, rank: int, match: Match) -> None:
        if word:
            known = by_text[word].get(match.id)
            if known is None or known[0] > rank:
                by_text[word][match.id] = (rank, match)

    def _rows(self, cls: type[Register], *tests: sa.ColumnElement[bool]) -> Sequence[Any]:
        """The records within the reader's scope; as plain rows, for every list and every answer asks for some."""
        within = scope_of(self.session).rows(cls)
        statement = _naming(cls).where(*tests, *(() if within is None else (within,)))
        return self.session.connection().execute(statement).all()


@cache
def _naming(cls: type[Register]) -> sa.Select[Any]:
    """What names the records of a register, and what they are found by."""
    keys = {known.attr for known in field_map(cls).values() if known.key in {cls.__label__, *_finding_keys(cls), *cls.__names__}}
    columns = cls.__table__.c
    return sa.select(columns.id, *(columns[attr] for attr in sorted(keys)))


def _best(found: list[dict[int, tuple[int, Match]]]) -> list[Match]:
    """The matches of the best rank of the first spelling that found any: a key beats a name."""
    for group in found:
        if group:
            best = min(rank for rank, _ in group.values())
            return [match for rank, match in group.values() if rank == best]
    return []


def _spellings(text: str) -> list[str]:
    """The text itself, with the other kind of brackets, its bare symbols, and a key in brackets at its end."""
    spellings = [text, text.replace("(", "（").replace(")", "）"), text.replace("（", "(").replace("）", ")"), symbols(text).upper()]
    if match := re.fullmatch(r".+[（(]([^（）()]+)[)）]", text):
        spellings.insert(1, match.group(1))
    return [spelling for spelling in dict.fromkeys(spellings) if spelling]


def _finding_keys(cls: type[Record]) -> list[str]:
    """Fields whose whole value finds a record: its one-field keys first, then its names."""
    single = [key[0] for key in cls.__keys__ if len(key) == 1 and not field_map(cls)[key[0]].sensitive]
    names = [key for key in (cls.__label__, *cls.__names__) if field_map(cls)[key].format.name != "words"]
    return list(dict.fromkeys(single + names))


def _called(cls: type[Record], record: Any) -> str:
    return str(getattr(record, field_map(cls)[cls.__label__].attr) or f"#{record.id}")


def _handle(cls: type[Record], record: Any) -> str:
    """The label where it is a key by itself, else the label with the key behind it in brackets."""
    label = _called(cls, record)
    if (cls.__label__,) in cls.__keys__ or cls.__label_unique__:
        return label
    open_keys = [field_map(cls)[key[0]] for key in cls.__keys__ if len(key) == 1]
    keys = [getattr(record, declared.attr) for declared in open_keys if not declared.sensitive]
    key = next((value for value in keys if value), None)
    return f"{label}（{key}）" if key and key != label else label


def _is_open(name: str) -> bool:
    return code_list(name).open
