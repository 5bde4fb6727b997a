"""One question to many registers: how many records answer in each, and the best few of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.lookup import DatabaseLookup
from app.register import Record, Register, field_map
from app.scopes import scope_of
from app.search.find import found_in, looks_into, readable
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
    """The registers that have something, with their best few records: one statement for all, then one for each."""
    scope, typed = scope_of(session), words(text)
    asked = [cls for cls in registers if looks_into(scope, cls)]
    if not asked or not typed:
        return []
    tests = found_in(session, asked, text)
    ranked = sa.union_all(*(_ranked(session, cls, [each.test for each in tests[cls]], text, most) for cls in asked))
    answers: dict[str, list[Any]] = {}
    for row in session.connection().execute(ranked):
        answers.setdefault(row.register, []).append(row)
    known = [(cls, sorted(answers[cls.__key__], key=lambda row: row.place)) for cls in asked if cls.__key__ in answers]
    return [Group(cls, min(found[0].number, CAP), found[0].number > CAP, _hits(session, cls, [row.id for row in found], typed)) for cls, found in known]


def _ranked(session: Session, cls: type[Register], found: Sequence[sa.ColumnElement[bool]], text: str, most: int) -> sa.Select[Any]:
    """Ids and number of what answers; labels that begin with the words first, short ones before long ones."""
    table = cls.__table__
    label = sa.cast(table.c[field_map(cls)[cls.__label__].attr], sa.Text).label("called")
    tests = [table.c.voided_at.is_(None), *found, *_visible(session, cls)]
    known = sa.select(table.c.id, label).where(*tests).order_by(table.c.id.desc()).limit(CAP + 1).subquery()
    begins = sa.case((known.c.called.startswith(text, autoescape=True), 0), else_=1)
    place = sa.func.row_number().over(order_by=[begins, sa.func.length(known.c.called), known.c.id.desc()])
    every = sa.select(sa.literal(cls.__key__).label("register"), known.c.id, sa.func.count().over().label("number"), place.label("place")).subquery()
    return sa.select(every).where(every.c.place <= most)


def _visible(session: Session, cls: type[Record]) -> list[sa.ColumnElement[bool]]:
    visible = scope_of(session).rows(cls)
    return [] if visible is None else [visible]


def _hits(session: Session, cls: type[Register], ids: Sequence[int], typed: Sequence[str]) -> list[Hit]:
    label = field_map(cls)[cls.__label__].attr
    rows = {row["id"]: row for row in _read(session, cls, cls.__table__.c.id, ids, label)}
    hits = [_hit(session, cls, rows[each], marked(str(rows[each][label] or f"#{each}"), typed), typed) for each in ids if each in rows]
    _look_below(session, cls, hits, typed)
    return hits


def _read(session: Session, cls: type[Record], column: Any, ids: Iterable[int], *more: str) -> Sequence[Any]:
    """Rows in scope with the fields that the search looks into."""
    table: Any = cls.__table__
    attrs = dict.fromkeys(["id", column.name, *more, *(declared.attr for declared in readable(scope_of(session), cls))])
    statement = sa.select(*(table.c[attr] for attr in attrs)).where(column.in_(ids), table.c.voided_at.is_(None), *_visible(session, cls))
    return session.connection().execute(statement.order_by(table.c.id.desc())).mappings().all()


def _hit(session: Session, cls: type[Record], row: Any, label: list[Part], typed: Sequence[str]) -> Hit:
    places = [] if any(mark for _text, mark in label) else _elsewhere(session, cls, row, typed)
    return Hit(row["id"], label, *places[0]) if places else Hit(row["id"], label)


def _elsewhere(session: Session, cls: type[Record], row: Any, typed: Sequence[str]) -> list[tuple[str, list[Part]]]:
    """The fields that hold a word, as the reader reads them."""
    scope, lookup = scope_of(session), DatabaseLookup(session)
    shown = [(str(declared.label), masking.shown(scope, declared, row[declared.attr], lookup)) for declared in readable(scope, cls)]
    parts = [(label, marked(text, typed)) for label, text in shown if text]
    return [(label, shortened(found)) for label, found in parts if any(mark for _text, mark in found)]


def _look_below(session: Session, cls: type[Register], hits: list[Hit], typed: Sequence[str]) -> None:
    """For records that show no word themselves: the child that does."""
    bare = {hit.id: at for at, hit in enumerate(hits) if not hit.text and not any(mark for _text, mark in hit.label)}
    for child in _below(session, cls) if bare else ():
        for row in _read(session, child, child.__table__.c.parent_id, list(bare)):
            places = _elsewhere(session, child, row, typed)
            if places and row["parent_id"] in bare:
                at = bare.pop(row["parent_id"])
                hits[at] = Hit(hits[at].id, hits[at].label, *places[0])


def _below(session: Session, cls: type[Register]) -> list[type[Record]]:
    return [each for each in looks_into(scope_of(session), cls) if each is not cls]
