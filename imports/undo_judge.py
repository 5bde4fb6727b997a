"""Each row that a batch wrote, by itself: may it go, and back to what?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.encryption import data_keys
from app.encryption.column import Encrypted
from app.encryption.envelope import DESTROYED, DataKey, key_of
from app.history import images
from app.register import Record, Register, children, fields
from imports import undo_keys, undo_ties
from imports.existing import chunks
from imports.undo_plan import BATCH, Kept, Share, UndoPlan, Why
from imports.undo_rights import Rights, Values
from imports.undo_trail import Around, Author, Touched, Trail


def make(session: Session, cls: type[Register], batch: int, *, lock: bool = False) -> UndoPlan:
    """Plan the undo of a batch as the session's actor may do it; `lock` keeps the rows as they are until the transaction ends."""
    trail, rights = Trail(session.connection(), batch), Rights(session, lock)
    plan = UndoPlan(cls, batch, [_Judge(trail, rights, kind).share() for kind in (cls, *children(cls))])
    undo_ties.settle(session.connection(), plan)
    return plan


@dataclass
class _Judge:
    """Judges the rows of one table, each by itself."""

    trail: Trail
    rights: Rights
    cls: type[Record]

    def share(self) -> Share:
        share = Share(self.cls)
        for chunk in chunks(self.trail.touched(self.cls)):
            self._judge(share, chunk)
        return share

    def _judge(self, share: Share, chunk: Sequence[Touched]) -> None:
        now = self.rights.rows(self.cls, [each.row for each in chunk])  # what is locked now, nobody writes after the trace is read
        above = self.rights.parents(self.cls, [each.parent for each in chunk])
        around = self.trail.around(self.cls, chunk)
        authors = self.trail.authors(each.later for each in around.values() if each.later is not None)
        changes = self._changes([each for each in chunk if not each.created], around)
        for each in chunk:
            if each.created:
                share.made.add(each.row)
            kept = self._stays(each, now.get(each.row), above.get(each.parent or 0), around[each.row], authors, changes.get(each.row))
            if kept is not None:
                share.keep(kept)
            elif each.created:
                share.voided[each.row] = each.parent
            else:
                share.put_back[each.row] = changes[each.row].raw
                share.keys += changes[each.row].keys

    def _changes(self, rows: Sequence[Touched], around: Mapping[int, Around]) -> dict[int, _Change]:
        """What the batch changed, of the rows that nobody has written since and whose former values the trace has."""
        wanted = [(each, before) for each in rows if (before := around[each.row].before) is not None and around[each.row].later is None]
        held = self.trail.images([number for each, before in wanted for number in (before, each.last)])
        columns = _Columns(self.cls)
        found = {each.row: _Change(columns, each, held[before], held[each.last]) for each, before in wanted}
        keys = data_keys.find(self.trail.connection, {name for change in found.values() for name in change.names()})
        for change in found.values():
            change.read(keys)
        return found

    def _stays(
        self, each: Touched, now: Values | None, above: Values | None, around: Around, authors: Mapping[int, Author], change: _Change | None
    ) -> Kept | None:
        """Why a row stays as it is; None when it may go."""
        if now is None and not self.rights.scope.actor.system:
            return Kept(self.cls, each.row, Why.NOT_PERMITTED)
        if around.later is not None:
            return Kept(self.cls, each.row, Why.EDITED, authors[around.later])
        if each.created:
            reason = self.rights.refuses_void(self.cls, now or {}, above)
        elif change is None:
            return Kept(self.cls, each.row, Why.NOT_KNOWN)
        elif change.destroyed:
            return Kept(self.cls, each.row, Why.DESTROYED)
        else:
            reason = self.rights.refuses_back(self.cls, now or {}, change.then, change.then, above)
        return Kept(self.cls, each.row, Why.NOT_PERMITTED, said=reason) if reason else None


class _Columns:
    """What the changes of a table's rows are told by: its fields by column, those that are encrypted, those of its keys."""

    def __init__(self, cls: type[Record]) -> None:
        self.cls = cls
        self.fields = {each.attr: each for each in fields(cls)}
        self.kinds = {attr: cls.__table__.c[attr].type for attr in self.fields}
        self.encrypted = frozenset(attr for attr, kind in self.kinds.items() if isinstance(kind, Encrypted))


class _Change:
    """What a batch changed in one row: `raw` by column as the trace keeps it, `then` by field key as far as rights ask."""

    def __init__(self, columns: _Columns, touched: Touched, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self._columns, self._touched, self._before, self._after = columns, touched, before, after
        # a column that came later was not changed
        self.raw = {attr: value for attr, value in before.items() if attr in columns.fields and value != after.get(attr, value)}
        self.then: dict[str, Any] = {}
        self.destroyed = False
        self.keys: list[undo_keys.Wanted] = []

    def names(self) -> Iterator[str]:
        """The data keys that it takes to read what was encrypted."""
        for attr in self.raw.keys() & self._columns.encrypted:
            for text in (self._before[attr], self._after[attr]):
                if text and (name := key_of(text)):
                    yield name

    def read(self, keys: Mapping[str, DataKey]) -> None:
        """Tell what was changed from what an import only sealed anew."""
        for attr in self.raw:
            kind, declared = self._columns.kinds[attr], self._columns.fields[attr]
            before, after = (images.value_of(kind, text[attr], keys) for text in (self._before, self._after))
            self.destroyed = self.destroyed or before is DESTROYED
            if before != after:
                self.then[declared.key] = (before is not None or None) if declared.sensitive else before
        changed = [attr for attr in self.raw if self._columns.fields[attr].key in self.then]
        whole = {**self._after, **self._before}
        self.keys = undo_keys.wanted(self._columns.cls, self._touched.row, self._touched.parent, whole, self._after, changed)
        self.raw[BATCH] = self._before.get(BATCH)
        self._before = self._after = {}
