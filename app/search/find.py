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

#: as many hits as are handed over by number: some more than a list counts, since not all of them need be shown
FEW = 1500
#: what PostgreSQL looks through first: a word that stands in one of twenty is read from the newest record on
NEWEST, OFTEN = 2000, 100


@dataclass(frozen=True)
class Find:
    """What a word asks of a record."""

    test: sa.ColumnElement[bool]
    #: the same of some hits alone, where there are more than FEW: enough to say "1000+"
    some: sa.ColumnElement[bool] | None = None
    #: whether those are the newest, enough for a list's first page
    newest: bool = False
    #: whether a page and a count are quickest read from the newest record on
    often: bool = False


def found(session: Session, cls: type[Record], text: str) -> list[Find]:
    """One for each word; none when nothing was typed. What is typed without a letter or digit finds nothing."""
    return found_in(session, [cls], text)[cls]


def found_in(session: Session, registers: Sequence[type[Record]], text: str) -> dict[type[Record], list[Find]]:
    """The same for several registers: the hits of each word are counted first, all in one statement.

    Few are handed over by their numbers. PostgreSQL's planner takes an unknown gram for one row in
    two hundred and would look for the newest hits from the end, through the whole register when
    there are none; SQLite would ask its index once for the count and once for the page. What stands
    in many records takes PostgreSQL's index longer to gather than it takes to meet a page's worth.
    """
    typed = words(text)
    if text.strip() and not typed:
        return {cls: [Find(sa.false())] for cls in registers}
    asked_for = [(cls, parts) for cls in registers for word in typed for parts in [_Word(session, word).parts(cls)]]
    first = _first(session, [parts for _cls, parts in asked_for])
    finds = [(cls, _find(cls, parts, hits)) for (cls, parts), hits in zip(asked_for, first, strict=True)]
    return {cls: [each for owner, each in finds if owner is cls] for cls in registers}


def _find(cls: type[Record], parts: Sequence[_Part], hits: _First | None) -> Find:
    if not parts or hits is None:
        return Find(sa.false())
    if hits.often:
        return Find(parts[0].test, often=True)
    some = cls.id.in_(hits.numbers) if isinstance(hits.numbers, sa.Select) else cls.id == hits.numbers
    if hits.all:
        return Find(some)
    return Find(parts[0].test if len(parts) == 1 else sa.or_(*(part.test for part in parts)), some, hits.newest)


@dataclass(frozen=True)
class _First:
    """The first hits of a word, as what an id is compared with."""

    numbers: Any = None
    all: bool = False
    newest: bool = False
    often: bool = False


def _first(session: Session, every: Sequence[Sequence[_Part]]) -> list[_First | None]:
    """The first hits of each word; None for a word that nobody may look for."""
    postgresql = session.get_bind().dialect.name == "postgresql"
    answers: list[_First | None] = [None] * len(every)
    for place in _often(session, every) if postgresql else ():
        answers[place] = _First(often=True)
    statements = [_gathered(place, parts, postgresql) for place, parts in enumerate(every) if parts and answers[place] is None]
    for place, numbers, count in session.connection().execute(sa.union_all(*statements)) if statements else ():
        if postgresql:
            compared: Any = sa.any_(sa.bindparam(None, numbers or [], type_=ARRAY(sa.Integer)))
        else:
            compared = sa.select(sa.func.json_each(numbers).table_valued("value").c.value)
        answers[place] = _First(compared, count <= FEW, not postgresql and len(every[place]) == 1)
    return answers


def _often(session: Session, every: Sequence[Sequence[_Part]]) -> list[int]:
    """The places of words that many of the newest records have."""
    counts = [
        sa.select(sa.literal(place).label("place"), sa.func.count().label("hits")).select_from(parts[0].newest.subquery())
        for place, parts in enumerate(every)
        if len(parts) == 1 and parts[0].newest is not None
    ]
    return [place for place, hits in session.connection().execute(sa.union_all(*counts)) if hits >= OFTEN] if counts else []


def _gathered(place: int, parts: Sequence[_Part], postgresql: bool) -> sa.Select[Any]:
    """Up to FEW numbers and one more, in a row with how many they are."""
    numbers = [part.numbers for part in parts]
    hits: Any = numbers[0] if len(numbers) == 1 else sa.union_all(*numbers)
    gather: Any = sa.func.array_agg if postgresql else sa.func.json_group_array
    # MATERIALIZED makes PostgreSQL use the index of grams, whatever the limit; SQLite's index gives the newest first at no price
    hits = hits.cte(f"hits_{place}").prefix_with("MATERIALIZED") if postgresql else hits.subquery()
    number = next(iter(hits.c)).label("number")
    some = sa.select(number).limit(FEW + 1)
    if not postgresql and len(parts) == 1:
        some = some.order_by(number.desc())
    few = some.subquery()
    return sa.select(sa.literal(place), gather(few.c.number), sa.func.count()).select_from(few)


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
    #: those of the newest records alone
    newest: sa.Select[Any] | None = None


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
        if len(self.grams[0]) == 1:  # a single gram is the word itself, or what begins with it
            return [self._part(cls, self.grams + self.pinyin)]
        return [self._part(cls, self.grams, compared=True)] + ([self._part(cls, self.pinyin)] if self.pinyin else [])

    def _part(self, cls: type[Record], ways: Sequence[Sequence[Token]], *, compared: bool = False) -> _Part:
        """What the index says of these ways; `compared` with the text where the grams alone do not tell."""
        kept, closed = table_of(cls), not all(declared.public for declared in readable(self.scope, cls))
        match = self._match(kept, ways, closed)
        numbers = match.where(self._holds(kept, closed)) if compared else match
        if self.postgresql:
            recent = sa.select(*kept.c).order_by(kept.c.rowid.desc()).limit(NEWEST).subquery()
            newest = self._match(recent, ways, closed)
            return _Part(numbers, cls.id.in_(numbers), newest.where(self._holds(recent, closed)) if compared else newest)
        if not compared:
            return _Part(numbers, cls.id.in_(numbers))
        # SQLite reads the whole of a list before it looks for the first row: so the texts apart, row by row
        row = sa.select(sa.literal(1)).select_from(kept).where(kept.c.rowid == cls.id, self._holds(kept, closed))
        return _Part(numbers, sa.and_(cls.id.in_(match), row.correlate(cls.__table__).exists()))

    def _holds(self, kept: Any, closed: bool) -> sa.ColumnElement[bool]:
        texts = [kept.c.open, kept.c.closed] if closed else [kept.c.open]
        return sa.or_(*(text.contains(self.word, autoescape=True) for text in texts))

    def _match(self, kept: Any, ways: Sequence[Sequence[Token]], closed: bool) -> sa.Select[Any]:
        """The rows that the index knows by one of these ways, each of them all its tokens."""
        marks = ("", CLOSED) if closed else ("",)
        every = [[(mark + token, begins) for token, begins in way] for mark in marks for way in ways]
        if self.postgresql:
            query = " | ".join("(" + " & ".join(f"'{token}'" + ":*" * begins for token, begins in way) + ")" for way in every)
            return sa.select(kept.c.rowid).where(kept.c.grams.op("@@", is_comparison=True)(sa.cast(sa.literal(query, sa.Text), TSQUERY)))
        query = " OR ".join("(" + " AND ".join(f'"{token}"' + " *" * begins for token, begins in way) + ")" for way in every)
        return sa.select(kept.c.rowid).where(sa.literal_column(f'"{kept.name}"').op("MATCH", is_comparison=True)(query))
