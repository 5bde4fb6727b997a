"""What a batch did, as the trace tells: which rows it wrote, what they were before, who has written them since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.history import images
from app.history.read import STATES
from app.history.tables import Trace, trace
from app.register import Record
from imports.bulk import among
from imports.existing import chunks

#: the roads of an import and of its undo, which names the same batch
IMPORT, UNDO = "import", "undo"


class Touched(NamedTuple):
    """A row that the batch wrote: its first and last entry of the batch, and whether the batch made it."""

    row: int
    parent: int | None
    first: int
    last: int
    created: bool


@dataclass(frozen=True, slots=True)
class Around:
    """The entry of a row before the batch wrote it, and the last one after; None where there is none.

    An import that was itself taken back does not count: the row is what it was.
    """

    before: int | None
    later: int | None


class Author(NamedTuple):
    """Whose act an entry is, and when it was."""

    actor: str
    at: datetime | None


class Trail:
    """One batch in the trace, read over a connection."""

    def __init__(self, connection: sa.Connection, batch: int) -> None:
        self.connection = connection
        self._trace: Trace = trace(connection.dialect.name)
        act = self._trace.act.c
        self._acts = list(connection.scalars(sa.select(act.id).where(act.batch == batch, act.road == IMPORT)))
        undone = sa.select(act.batch).where(act.road == UNDO)
        statement = sa.select(act.id, act.batch, act.road).where(act.batch.in_(undone), act.road.in_((IMPORT, UNDO)))
        #: acts of batches that were taken back
        self._undone = {number: (of, road) for number, of, road in connection.execute(statement)}
        self._columns: dict[int, tuple[str, ...]] = {}

    def touched(self, cls: type[Record]) -> list[Touched]:
        """Every row of a table that the batch wrote, by number."""
        entry, layouts = self._trace.entry.c, self._layouts(cls)
        made = sa.func.max(sa.case((entry.kind == "insert", 1), else_=0))
        statement = sa.select(entry.row_id, sa.func.max(entry.parent_id), sa.func.min(entry.id), sa.func.max(entry.id), made)
        statement = statement.where(entry.act.in_(self._acts), entry.layout.in_(layouts), entry.kind.in_(("insert", "update")))
        rows = self.connection.execute(statement.group_by(entry.row_id).order_by(entry.row_id)).all()
        return [Touched(row, parent, first, last, bool(made)) for row, parent, first, last, made in rows]

    def around(self, cls: type[Record], rows: Sequence[Touched]) -> dict[int, Around]:
        """What stands in the trace before and after the batch, by row."""
        entry, place, own = self._trace.entry.c, {touched.row: touched for touched in rows}, set(self._acts)
        before: dict[int, int] = {}
        later: dict[int, dict[int, int | None]] = defaultdict(dict)
        statement = sa.select(entry.row_id, entry.id, entry.act).where(entry.layout.in_(self._layouts(cls)), entry.kind.in_(STATES))
        for row, number, act in self.connection.execute(statement.where(among(self.connection, entry.row_id, list(place)))).all():
            if number < place[row].first:
                before[row] = max(before.get(row, 0), number)
            elif number > place[row].first and act not in own:  # also between two rounds of the batch
                later[row][number] = act
        return {row: Around(before.get(row), self._last(later[row]) if row in later else None) for row in place}

    def _last(self, later: Mapping[int, int | None]) -> int | None:
        """The last of some entries, with their acts, of one row: without what a batch did to it and took back."""
        known = {self._undone[act] for act in later.values() if act in self._undone}
        gone = {batch for batch, _road in known if {(batch, IMPORT), (batch, UNDO)} <= known}
        return max((number for number, act in later.items() if self._undone.get(act or 0, (None, ""))[0] not in gone), default=None)

    def images(self, entries: Sequence[int]) -> dict[int, dict[str, Any]]:
        """What these entries hold, by column, as the trace keeps it."""
        entry = self._trace.entry.c
        statement = sa.select(entry.id, entry.layout, entry.image).where(among(self.connection, entry.id, entries))
        return {number: images.unpacked(self._columns[layout], image) for number, layout, image in self.connection.execute(statement).all()}

    def authors(self, entries: Iterable[int]) -> dict[int, Author]:
        """Whose acts these entries are."""
        entry, act = self._trace.entry, self._trace.act
        at = act.c.at if self.connection.dialect.name == "postgresql" else sa.func.coalesce(act.c.at, entry.c.at, type_=sa.DateTime(timezone=True))
        statement = sa.select(entry.c.id, act.c.actor, at.label("at")).select_from(entry.outerjoin(act, act.c.id == entry.c.act))
        found: dict[int, Author] = {}
        for chunk in chunks(sorted(entries)):
            for number, actor, moment in self.connection.execute(statement.where(among(self.connection, entry.c.id, chunk))):
                known = moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
                found[number] = Author(actor or "database:unknown", known)
        return found

    def _layouts(self, cls: type[Record]) -> list[int]:
        layout = self._trace.layout.c
        rows: Mapping[int, str] = dict(self.connection.execute(sa.select(layout.id, layout.columns).where(layout.relation == cls.__tablename__)).tuples().all())
        self._columns |= {number: images.columns(columns) for number, columns in rows.items()}
        return list(rows)


__all__ = ["Around", "Author", "Touched", "Trail"]
