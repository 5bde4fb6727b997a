"""One question to many registers: how many records answer in each, and the best few of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.lookup import DatabaseLookup
from app.register import Child, Record, Register, field_map
from app.scopes import scope_of
from app.search.columns import searched
from app.search.find import found, looks_into
from app.search.hits import Part, marked, shortened
from app.search.text import words

CAP = 1000  # counted, and put in order, no further


@dataclass(frozen=True)
class Hit:
    """A record that answers: what people call it, and where else the words stand."""

    id: int
    label: list[Part]
    where: str = ""
    text: list[Part] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The label without its marks."""
        return "".join(text for text, _mark in self.label)


@dataclass(frozen=True)
class Group:
    """What one register has."""

    cls: type[Register]
    count: int
    #: whether there are more than were counted
    more: bool
    hits: list[Hit]


def everywhere(session: Session, registers: Iterable[type[Register]], text: str, most: int) -> list[Group]:
    """The registers that have something, with their best few records; two statements for each at most, and one for all."""
    scope = scope_of(session)
    asked = [cls for cls in registers if looks_into(scope, cls)]
    if not asked or not words(text):
        return []
    ranked = sa.union_all(*(_ranked(session, cls, text, most) for cls in asked))
    answers: dict[str, list[Any]] = {}
    for row in session.execute(ranked).all():
        answers.setdefault(row.register, []).append(row)
    return [_group(session, cls, text, sorted(answers[cls.__key__], key=lambda row: row.place)) for cls in asked if cls.__key__ in answers]


def _ranked(session: Session, cls: type[Register], text: str, most: int) -> sa.Select[Any]:
    """Ids and number of what answers; labels that begin with the words first, short ones before long ones."""
    label = sa.cast(getattr(cls, field_map(cls)[cls.__label__].attr), sa.Text)
    some = sa.select(cls.id, label.label("called")).where(cls.voided_at.is_(None), *found(session, cls, text))
    known = some.order_by(cls.id.desc()).limit(CAP + 1).subquery()
    begins = sa.case((known.c.called.startswith(text, autoescape=True), 0), else_=1)
    place = sa.func.row_number().over(order_by=[begins, sa.func.length(known.c.called), known.c.id.desc()])
    every = sa.select(sa.literal(cls.__key__).label("register"), known.c.id, sa.func.count().over().label("number"), place.label("place")).subquery()
    return sa.select(every).where(every.c.place <= most)


def _group(session: Session, cls: type[Register], text: str, answers: Sequence[Any]) -> Group:
    typed = words(text)
    rows = {row.id: row for row in session.scalars(sa.select(cls).where(cls.id.in_([answer.id for answer in answers])))}
    hits = [_hit(session, rows[answer.id], typed) for answer in answers if answer.id in rows]
    _look_below(session, cls, hits, typed)
    return Group(cls, min(answers[0].number, CAP), answers[0].number > CAP, hits)


def _hit(session: Session, row: Record, typed: Sequence[str]) -> Hit:
    label = marked(str(row), typed)
    places = [] if any(mark for _text, mark in label) else _elsewhere(session, row, typed)
    return Hit(row.id, label, *places[0]) if places else Hit(row.id, label)


def _elsewhere(session: Session, row: Record, typed: Sequence[str]) -> list[tuple[str, list[Part]]]:
    """The fields that hold a word, as the reader reads them."""
    scope, lookup = scope_of(session), DatabaseLookup(session)
    shown = [(str(declared.label), masking.shown(scope, declared, getattr(row, declared.attr), lookup)) for declared in _open(session, type(row))]
    parts = [(label, marked(text, typed)) for label, text in shown if text]
    return [(label, shortened(found)) for label, found in parts if any(mark for _text, mark in found)]


def _open(session: Session, cls: type[Record]) -> list[Any]:
    return [declared for declared in scope_of(session).readable(cls) if declared in searched(cls)]


def _look_below(session: Session, cls: type[Register], hits: list[Hit], typed: Sequence[str]) -> None:
    """For records that show no word themselves: the child that does."""
    bare = {hit.id: place for place, hit in enumerate(hits) if not hit.text and not any(mark for _text, mark in hit.label)}
    for child in looks_into(scope_of(session), cls):
        if issubclass(child, Child) and bare:
            for row in session.scalars(sa.select(child).where(child.parent_id.in_(bare), child.voided_at.is_(None)).order_by(child.id.desc())):
                places = _elsewhere(session, row, typed)
                if places and row.parent_id in bare:
                    at = bare.pop(row.parent_id)
                    hits[at] = Hit(hits[at].id, hits[at].label, *places[0])
