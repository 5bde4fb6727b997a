"""Organisations that are called alike: a new record whose name another has is not written before somebody said which is meant.

The numbers and names of a register are read once for a file and compared as `imports/names.py` has
them; nothing is asked row by row. What the actor may not see answers only that it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.formats import Match
from app.lookup import DatabaseLookup
from app.register import Register, field_map
from app.scopes import scope_of
from imports import near
from imports.names import Normaliser, spellings_of

#: as many names of a register as are compared letter by letter to propose one
MOST_COMPARED = 5000


@dataclass(frozen=True, slots=True)
class Named:
    """A stored record by what it is called; `visible`: whether the actor may know; `coded`: whether it has its first key."""

    id: int
    name: str
    visible: bool
    coded: bool


def is_organisation(cls: type[Register]) -> bool:
    """Whether the register's records are organisations, which people write in many ways."""
    return field_map(cls)[cls.__label__].organisation


def has_code(cls: type[Register]) -> bool:
    """Whether the first key of a register's records is a code of their own, so that two codes are two organisations."""
    return bool(cls.__keys__) and cls.__label__ not in cls.__keys__[0]


@dataclass
class Namesakes:
    """The names of registers, read when first asked for."""

    lookup: DatabaseLookup
    _names: dict[str, list[Named]] = field(default_factory=dict)
    _alike: dict[str, dict[str, list[Named]]] = field(default_factory=dict)
    #: normalised name to the first row of the file that brings it as new, and whether that has its first key
    seen: dict[str, tuple[int, bool]] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The session of the actor."""
        return self.lookup.session

    @cached_property
    def normaliser(self) -> Normaliser:
        """Compares names without the places above the townships that the region table has."""
        return Normaliser(spellings_of(_places(self.session.connection())))

    def names(self, register: str) -> list[Named]:
        """Every live record of a register."""
        if register not in self._names:
            cls = registry.need(register)
            table, within = cls.__table__, scope_of(self.session).rows(cls)
            label = table.c[field_map(cls)[cls.__label__].attr]
            visible = (sa.true() if within is None else within).label("in_scope")
            code = [table.c[field_map(cls)[part].attr].is_not(None) for part in cls.__keys__[0]] if has_code(cls) else [sa.false()]
            statement = sa.select(table.c.id, label, visible, sa.and_(*code).label("coded")).where(table.c.voided_at.is_(None), label.is_not(None))
            self._names[register] = [Named(*row) for row in self.session.connection().execute(statement)]
        return self._names[register]

    def normal(self, name: str) -> str:
        """A name as it is compared."""
        return self.normaliser.normal(name)

    def alike(self, register: str, normal: str) -> list[Named]:
        """The records whose names are this one, as names are compared."""
        if register not in self._alike:
            found = self._alike[register] = {}
            for each in self.names(register):
                found.setdefault(self.normal(each.name), []).append(each)
        return self._alike[register].get(normal, [])

    def called_alike(self, register: str, text: str) -> str:
        """The names of the organisations in reach that a text may mean; empty when none is called alike."""
        if not is_organisation(registry.need(register)):
            return ""
        found = [each.id for each in self.alike(register, self.normal(text)) if each.visible][:3]
        self.lookup.prepare_ids(register, found)
        return "、".join(self.lookup.handle(register, each) for each in found)

    def proposals(self, register: str, text: str) -> list[Match]:
        """The records in reach that somebody may mean by a text: those called alike, else those called nearly so."""
        cls = registry.need(register)
        found = [each for each in self.alike(register, self.normal(text)) if each.visible]
        if not found and len(self.names(register)) <= MOST_COMPARED:
            by_name = {each.name: each for each in self.names(register) if each.visible}
            found = [by_name[name] for name in near.proposals(text, by_name)]
        self.lookup.prepare_ids(register, [each.id for each in found[:3]])
        return [Match(each.id, self.lookup.handle(cls.__key__, each.id)) for each in found[:3]]


def _places(connection: Any) -> list[str]:
    """The names of the county that the townships of the region table belong to, and of the places above it."""
    regions = registry.find("region")
    if regions is None:
        return []
    table = regions.__table__.c
    codes = connection.scalars(sa.select(sa.func.substr(table.code, 1, 6)).where(sa.func.length(table.code) > 6).distinct()).all()
    above = {code for county in codes for code in (county, county[:4] + "00", county[:2] + "0000")}
    found: list[str] = []
    for row in connection.execute(sa.select(table.name, table.full_name, table.aliases).where(table.code.in_(sorted(above)), table.voided_at.is_(None))):
        found += [row.name, row.full_name, *(row.aliases or "").split("、")]
    return [name for name in found if name]


__all__ = ["Named", "Namesakes", "is_organisation"]
