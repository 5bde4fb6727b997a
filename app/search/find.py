"""The condition that a row answers what somebody typed: word by word, in what the reader may read.

Tokens of public fields and of the others are told apart in the index itself, and what a word of
several grams finds is compared with the same texts; so a visitor's hits say nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from app.fields import Field
from app.register import Record, Register, children
from app.scopes import Scope, scope_of
from app.search.columns import CLOSED, searched
from app.search.index import index_of
from app.search.pinyin import spelled
from app.search.text import Token, asked, words


def found(session: Session, cls: type[Record], text: str) -> list[sa.ColumnElement[bool]]:
    """One test per word; none when nothing was typed. What is typed without a letter or digit finds nothing."""
    typed = words(text)
    if text.strip() and not typed:
        return [sa.false()]
    return [_Word(session, word).test(cls) for word in typed]


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

    def test(self, cls: type[Record]) -> sa.ColumnElement[bool]:
        """Whether a record of the register, or one of its live children, has the word."""
        places = looks_into(self.scope, cls)
        if not places:
            return sa.false()
        if places == [cls]:
            return self._within(cls)
        return cls.id.in_(sa.union_all(*(self._records(cls, place) for place in places)))

    def _records(self, cls: type[Record], place: Any) -> sa.Select[Any]:
        """The ids of the register's records that the word is in, or in a live child within the reader's scope."""
        if place is cls:
            return sa.select(cls.__table__.c.id).where(self._within(cls)).correlate(None)
        visible = self.scope.rows(place)
        tests = [place.voided_at.is_(None), self._within(place)] + ([] if visible is None else [visible])
        return sa.select(place.parent_id).where(*tests).correlate(None)

    def _within(self, cls: type[Record]) -> sa.ColumnElement[bool]:
        closed = not all(declared.public for declared in readable(self.scope, cls))
        if len(self.grams[0]) == 1:  # a single gram is the word itself, or what begins with it
            return self._match(cls, self.grams + self.pinyin, closed)
        columns = cls.__table__.c
        texts = [columns.search_open, columns.search_closed] if closed else [columns.search_open]
        tests = [sa.and_(self._match(cls, self.grams, closed), sa.or_(*(text.contains(self.word, autoescape=True) for text in texts)))]
        return sa.or_(*tests, *([self._match(cls, self.pinyin, closed)] if self.pinyin else []))

    def _match(self, cls: type[Record], ways: Sequence[Sequence[Token]], closed: bool) -> sa.ColumnElement[bool]:
        """Whether the index knows a row by one of these ways, each of them all its tokens."""
        marks = ("", CLOSED) if closed else ("",)
        every = [[(mark + token, begins) for token, begins in way] for mark in marks for way in ways]
        columns: Any = cls.__table__.c
        if self.postgresql:
            query = " | ".join("(" + " & ".join(f"'{token}'" + ":*" * begins for token, begins in way) + ")" for way in every)
            return columns.search_grams.op("@@", is_comparison=True)(sa.cast(sa.literal(query, sa.Text), TSQUERY))  # type: ignore[no-any-return]
        query = " OR ".join("(" + " AND ".join(f'"{token}"' + " *" * begins for token, begins in way) + ")" for way in every)
        index = sa.table(index_of(cls.__tablename__), sa.column("rowid"))
        known = sa.literal_column(f'"{index.name}"').op("MATCH", is_comparison=True)(query)
        return columns.id.in_(sa.select(index.c.rowid).where(known))  # type: ignore[no-any-return]
