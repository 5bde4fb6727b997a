"""The condition that a row answers what somebody typed: word by word, in what the reader may read.

Tokens of public fields and of the others are told apart in the index itself, and what a word of
several grams finds is compared with the same texts; so a visitor's hits say nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.orm import Session

from app.fields import Field
from app.register import Record, Register, children
from app.scopes import Scope, scope_of
from app.search.kept import table_of
from app.search.pinyin import spelled
from app.search.record import CLOSED, searched
from app.search.text import Token, asked, words

#: as many hits as are handed over by number
FEW = 2000


def found(session: Session, cls: type[Record], text: str) -> list[sa.ColumnElement[bool]]:
    """One test per word; none when nothing was typed. What is typed without a letter or digit finds nothing."""
    return found_in(session, [cls], text)[cls]


def found_in(session: Session, registers: Sequence[type[Record]], text: str) -> dict[type[Record], list[sa.ColumnElement[bool]]]:
    """The same for several registers at once."""
    typed = words(text)
    if text.strip() and not typed:
        return {cls: [sa.false()] for cls in registers}
    asked_for = {(cls, word): _Word(session, word).records(cls) for cls in registers for word in typed}
    few = _few(session, list(asked_for.values()))
    tests = [_test(cls, statement, numbers) for (cls, _word), statement, numbers in zip(asked_for, asked_for.values(), few, strict=True)]
    return {cls: [test for (owner, _word), test in zip(asked_for, tests, strict=True) if owner is cls] for cls in registers}


def _test(cls: type[Record], statement: sa.Select[Any] | sa.CompoundSelect[Any] | None, numbers: Sequence[int] | None) -> sa.ColumnElement[bool]:
    if statement is None or numbers == []:
        return sa.false()
    if numbers is not None:
        return cls.id == sa.any_(sa.bindparam(None, numbers, type_=ARRAY(sa.Integer)))
    return cls.id.in_(statement)


def _few(session: Session, statements: Sequence[Any]) -> list[Sequence[int] | None]:
    """The numbers that few rows answer to, on PostgreSQL; None: many, or not asked.

    Its planner takes an unknown gram for one in two hundred rows and would look for the newest of
    them from the end: through the whole register when there is none. MATERIALIZED makes it use the
    index of grams, whatever the limit.
    """
    asked_for = [(place, statement) for place, statement in enumerate(statements) if statement is not None]
    numbers: list[Sequence[int] | None] = [None] * len(statements)
    if session.get_bind().dialect.name != "postgresql" or not asked_for:
        return numbers
    parts = []
    for place, statement in asked_for:
        hits = statement.cte(f"hits_{place}").prefix_with("MATERIALIZED")
        some = sa.select(next(iter(hits.c)).label("number")).limit(FEW + 1).subquery()
        parts.append(sa.select(sa.literal(place), sa.func.array_agg(some.c.number)))
    for place, found_numbers in session.connection().execute(sa.union_all(*parts)):
        numbers[place] = None if found_numbers and len(found_numbers) > FEW else found_numbers or []
    return numbers


def readable(scope: Scope, cls: type[Record]) -> list[Field]:
    """The fields that the search looks into and the reader may read."""
    allowed = {declared.key for declared in scope.readable(cls)}
    return [declared for declared in searched(cls) if declared.key in allowed]


def looks_into(scope: Scope, cls: type[Record]) -> list[type[Record]]:
    """The register and its children, as far as the search looks into something of theirs that the reader may read."""
    every: Sequence[type[Record]] = (cls, *children(cls)) if issubclass(cls, Register) else (cls,)
    return [each for each in every if readable(scope, each)]


class _Word:
    """One normal word as tests on the tables."""

    def __init__(self, session: Session, word: str) -> None:
        self.scope = scope_of(session)
        self.postgresql = session.get_bind().dialect.name == "postgresql"
        self.word = word
        self.grams, self.pinyin = [asked(word)], spelled(word)

    def records(self, cls: type[Record]) -> Any:
        """A statement of the numbers of the records that have the word, themselves or in a live child; None when there is nothing to look into."""
        parts = [part for place in looks_into(self.scope, cls) for part in self._records(cls, place)]
        return None if not parts else parts[0] if len(parts) == 1 else sa.union_all(*parts)

    def _records(self, cls: type[Record], place: Any) -> list[sa.Select[Any]]:
        if place is cls:
            return self._numbers(place)
        visible = self.scope.rows(place)
        tests = [place.voided_at.is_(None)] + ([] if visible is None else [visible])
        return [sa.select(place.parent_id).where(place.id.in_(numbers), *tests).correlate(None) for numbers in self._numbers(place)]

    def _numbers(self, cls: type[Record]) -> list[sa.Select[Any]]:
        """The numbers of rows with the word, as written and in pinyin."""
        kept = table_of(cls)
        closed = not all(declared.public for declared in readable(self.scope, cls))
        if len(self.grams[0]) == 1:  # a single gram is the word itself, or what begins with it
            return [self._match(kept, self.grams + self.pinyin, closed)]
        texts = [kept.c.open, kept.c.closed] if closed else [kept.c.open]
        written = self._match(kept, self.grams, closed).where(sa.or_(*(text.contains(self.word, autoescape=True) for text in texts)))
        return [written] + ([self._match(kept, self.pinyin, closed)] if self.pinyin else [])

    def _match(self, kept: Any, ways: Sequence[Sequence[Token]], closed: bool) -> sa.Select[Any]:
        """The rows that the index knows by one of these ways, each of them all its tokens."""
        marks = ("", CLOSED) if closed else ("",)
        every = [[(mark + token, begins) for token, begins in way] for mark in marks for way in ways]
        if self.postgresql:
            query = " | ".join("(" + " & ".join(f"'{token}'" + ":*" * begins for token, begins in way) + ")" for way in every)
            return sa.select(kept.c.rowid).where(kept.c.grams.op("@@", is_comparison=True)(sa.cast(sa.literal(query, sa.Text), TSQUERY)))
        query = " OR ".join("(" + " AND ".join(f'"{token}"' + " *" * begins for token, begins in way) + ")" for way in every)
        return sa.select(kept.c.rowid).where(sa.literal_column(f'"{kept.name}"').op("MATCH", is_comparison=True)(query))
