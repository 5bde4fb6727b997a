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


def looks_into(scope: Scope, cls: type[Record]) -> list[type[Record]]:
    """The register and its children, as far as the search looks into something of theirs that the reader may read."""
    every: Sequence[type[Record]] = (cls, *children(cls)) if issubclass(cls, Register) else (cls,)
    return [each for each in every if any(declared in searched(each) for declared in scope.readable(each))]


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
        below = [each for each in places if each is not cls]
        if not below:
            return self._within(cls, cls.__table__) if places else sa.false()
        parts = [self._parents(child) for child in below]
        if cls in places:
            table = cls.__table__.alias()
            parts.append(sa.select(table.c.id).where(self._within(cls, table)))
        return cls.id.in_(sa.union_all(*parts))

    def _parents(self, child: Any) -> sa.Select[Any]:
        visible = self.scope.rows(child)
        statement = sa.select(child.parent_id).where(child.voided_at.is_(None), self._within(child, child.__table__))
        return statement if visible is None else statement.where(visible)

    def _within(self, cls: type[Record], table: Any) -> sa.ColumnElement[bool]:
        closed = any(not declared.public for declared in searched(cls) if declared in self.scope.readable(cls))
        if len(self.grams[0]) == 1:  # a single gram is the word itself, or what begins with it
            return self._match(cls, table, self.grams + self.pinyin, closed)
        texts = [table.c.search_open, table.c.search_closed] if closed else [table.c.search_open]
        tests = [sa.and_(self._match(cls, table, self.grams, closed), sa.or_(*(text.contains(self.word, autoescape=True) for text in texts)))]
        return sa.or_(*tests, *([self._match(cls, table, self.pinyin, closed)] if self.pinyin else []))

    def _match(self, cls: type[Record], table: Any, ways: Sequence[Sequence[Token]], closed: bool) -> sa.ColumnElement[bool]:
        """Whether the index knows a row by one of these ways, each of them all its tokens."""
        marks = ("", CLOSED) if closed else ("",)
        every = [[(mark + token, begins) for token, begins in way] for mark in marks for way in ways]
        if self.postgresql:
            query = " | ".join("(" + " & ".join(f"'{token}'" + ":*" * begins for token, begins in way) + ")" for way in every)
            return table.c.search_grams.op("@@", is_comparison=True)(sa.cast(sa.literal(query, sa.Text), TSQUERY))  # type: ignore[no-any-return]
        query = " OR ".join("(" + " AND ".join(f'"{token}"' + " *" * begins for token, begins in way) + ")" for way in every)
        index = sa.table(index_of(cls.__tablename__), sa.column("rowid"))
        known = sa.literal_column(f'"{index.name}"').op("MATCH", is_comparison=True)(query)
        return table.c.id.in_(sa.select(index.c.rowid).where(known))  # type: ignore[no-any-return]
