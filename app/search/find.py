"""The condition that a row answers what somebody typed: word by word, in what the reader may read.

Tokens of public fields and of the others are told apart in the index itself, and what a word of
several grams finds is compared with the same texts; so a visitor's hits say nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """The same for several registers: the hits of each word are counted first, all in one statement.

    Few are handed over by their numbers. PostgreSQL's planner takes an unknown gram for one row in
    two hundred and would look for the newest hits from the end, through the whole register when
    there are none; SQLite would ask its index once for the count and once for the page.
    """
    typed = words(text)
    if text.strip() and not typed:
        return {cls: [sa.false()] for cls in registers}
    asked_for = [(cls, parts) for cls in registers for word in typed for parts in [_Word(session, word).parts(cls)]]
    tests = [(cls, _test(cls, parts, few)) for (cls, parts), few in zip(asked_for, _few(session, [parts for _cls, parts in asked_for]), strict=True)]
    return {cls: [test for owner, test in tests if owner is cls] for cls in registers}


def _test(cls: type[Record], parts: Sequence[_Part], few: sa.ColumnElement[Any] | None) -> sa.ColumnElement[bool]:
    if not parts:
        return sa.false()
    if few is not None:
        return cls.id.in_(few) if isinstance(few, sa.Select) else cls.id == few
    return parts[0].test if len(parts) == 1 else sa.or_(*(part.test for part in parts))


def _few(session: Session, every: Sequence[Sequence[_Part]]) -> list[Any]:
    """For each word the numbers of its hits, as what an id is compared with; None when there are many."""
    postgresql = session.get_bind().dialect.name == "postgresql"
    gather: Any = sa.func.array_agg if postgresql else sa.func.json_group_array
    statements: list[sa.Select[Any]] = []
    answers: list[Any] = [None] * len(every)
    for place, parts in enumerate(every):
        if parts:
            numbers = [part.numbers for part in parts]
            hits: Any = numbers[0] if len(numbers) == 1 else sa.union_all(*numbers)
            # MATERIALIZED makes PostgreSQL use the index of grams, whatever the limit
            hits = hits.cte(f"hits_{place}").prefix_with("MATERIALIZED") if postgresql else hits.subquery()
            some = sa.select(next(iter(hits.c)).label("number")).limit(FEW + 1).subquery()
            statements.append(sa.select(sa.literal(place), gather(some.c.number), sa.func.count()).select_from(some))
    for place, numbers, count in session.connection().execute(sa.union_all(*statements)) if statements else ():
        if count <= FEW and postgresql:
            answers[place] = sa.any_(sa.bindparam(None, numbers or [], type_=ARRAY(sa.Integer)))
        elif count <= FEW:
            answers[place] = sa.select(sa.func.json_each(numbers).table_valued("value").c.value)
    return answers


def readable(scope: Scope, cls: type[Record]) -> list[Field]:
    """The fields that the search looks into and the reader may read."""
    allowed = {declared.key for declared in scope.readable(cls)}
    return [declared for declared in searched(cls) if declared.key in allowed]


def looks_into(scope: Scope, cls: type[Record]) -> list[type[Record]]:
    """The register and its children, as far as the search looks into something of theirs that the reader may read."""
    every: Sequence[type[Record]] = (cls, *children(cls)) if issubclass(cls, Register) else (cls,)
    return [each for each in every if readable(scope, each)]


@dataclass(frozen=True)
class _Part:
    """One place where a record may have a word: the numbers of such records, and the same as a test on the register."""

    numbers: sa.Select[Any]
    test: sa.ColumnElement[bool]


class _Word:
    """One normal word as statements on what the search keeps."""

    def __init__(self, session: Session, word: str) -> None:
        self.scope = scope_of(session)
        self.postgresql = session.get_bind().dialect.name == "postgresql"
        self.word = word
        self.grams, self.pinyin = [asked(word)], spelled(word)

    def parts(self, cls: type[Record]) -> list[_Part]:
        """Where the register's records may have the word: in their own text, in that of a live child; as written, in pinyin."""
        return [part for place in looks_into(self.scope, cls) for part in (self._own(cls) if place is cls else self._below(cls, place))]

    def _below(self, cls: type[Record], child: Any) -> list[_Part]:
        visible = self.scope.rows(child)
        tests = [child.voided_at.is_(None)] + ([] if visible is None else [visible])
        parents = [sa.select(child.parent_id).where(part.test, *tests).correlate(None) for part in self._own(child)]
        return [_Part(numbers, cls.id.in_(numbers)) for numbers in parents]

    def _own(self, cls: type[Record]) -> list[_Part]:
        kept = table_of(cls)
        closed = not all(declared.public for declared in readable(self.scope, cls))
        if len(self.grams[0]) == 1:  # a single gram is the word itself, or what begins with it
            return [self._part(cls, self._match(kept, self.grams + self.pinyin, closed))]
        texts = [kept.c.open, kept.c.closed] if closed else [kept.c.open]
        holds = sa.or_(*(text.contains(self.word, autoescape=True) for text in texts))
        written = self._part(cls, self._match(kept, self.grams, closed), holds)
        return [written] + ([self._part(cls, self._match(kept, self.pinyin, closed))] if self.pinyin else [])

    def _part(self, cls: type[Record], match: sa.Select[Any], holds: sa.ColumnElement[bool] | None = None) -> _Part:
        """What the index says, compared with the text where the grams alone do not tell."""
        if holds is None or self.postgresql:
            numbers = match if holds is None else match.where(holds)
            return _Part(numbers, cls.id.in_(numbers))
        # SQLite reads the whole of a list before it looks for the first row: so the texts apart, row by row
        kept = table_of(cls)
        compared = sa.select(sa.literal(1)).select_from(kept).where(kept.c.rowid == cls.id, holds).correlate(cls.__table__).exists()
        return _Part(match.where(holds), sa.and_(cls.id.in_(match), compared))

    def _match(self, kept: Any, ways: Sequence[Sequence[Token]], closed: bool) -> sa.Select[Any]:
        """The rows that the index knows by one of these ways, each of them all its tokens."""
        marks = ("", CLOSED) if closed else ("",)
        every = [[(mark + token, begins) for token, begins in way] for mark in marks for way in ways]
        if self.postgresql:
            query = " | ".join("(" + " & ".join(f"'{token}'" + ":*" * begins for token, begins in way) + ")" for way in every)
            return sa.select(kept.c.rowid).where(kept.c.grams.op("@@", is_comparison=True)(sa.cast(sa.literal(query, sa.Text), TSQUERY)))
        query = " OR ".join("(" + " AND ".join(f'"{token}"' + " *" * begins for token, begins in way) + ")" for way in every)
        return sa.select(kept.c.rowid).where(sa.literal_column(f'"{kept.name}"').op("MATCH", is_comparison=True)(query))
