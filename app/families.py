"""A new record with its children: understood together, kept in one transaction or not at all.

What the form of a new record and REST share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.formats import Lookup
from app.language import Text
from app.records import Draft, draft, save
from app.register import Child, Record, Register, fields


class Row(NamedTuple):
    """What was sent for one child, and the place by which the sender knows it."""

    kind: type[Child]
    place: int
    raw: Mapping[str, object]


@dataclass
class Family:
    """What somebody wants a new record and its children to be."""

    own: Draft
    record: Record
    children: list[tuple[Row, Draft]] = field(default_factory=list)

    @property
    def errors(self) -> dict[str, list[Text]]:
        """Every error, a child's under `kind[place].field`."""
        return self._all("errors")

    @property
    def doubts(self) -> dict[str, list[Text]]:
        """Every doubt, a child's under `kind[place].field`."""
        return self._all("doubts")

    def _all(self, what: str) -> dict[str, list[Text]]:
        found: dict[str, list[Text]] = dict(getattr(self.own, what))
        for row, each in self.children:
            found |= {f"{row.kind.__key__}[{row.place}].{key}".rstrip("."): texts for key, texts in getattr(each, what).items()}
        return found


def understand(session: Session, cls: type[Register], raw: Mapping[str, object], rows: Iterable[Row], lookup: Lookup) -> Family:
    """What was sent for a new record and its children; nothing is written."""
    own = draft(session, cls, raw, lookup)
    family = Family(own, _unsaved(own))
    for row in rows:
        family.children.append((row, draft(session, row.kind, row.raw, lookup, parent=family.record)))
    return family


def register(session: Session, cls: type[Register], raw: Mapping[str, object], rows: Iterable[Row], lookup: Lookup, source: str) -> Family:
    """Write a new record, then each child as long as nothing is wrong.

    The caller commits when there are no errors, and rolls back otherwise: by then something may be written.
    """
    own = draft(session, cls, raw, lookup)
    family = Family(own, _unsaved(own) if own.errors else save(session, own, source=source))
    for row in rows:
        each = draft(session, row.kind, row.raw, lookup, parent=family.record)
        family.children.append((row, each))
        if not family.errors:
            save(session, each, parent=family.record, source=source)
    return family


def _unsaved(own: Draft) -> Record:
    """A record that is not going to be saved, so that its children can be checked against it."""
    return own.cls(**{declared.attr: own.values.get(declared.key) for declared in fields(own.cls)})
