"""What holds a row back although nobody has edited it: others hang on it, refer to it, or have taken its key."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from app import registry
from app.attachments import Attachment
from app.formats import Link
from app.register import Child, Record, Register, fields
from imports import undo_keys
from imports.undo_plan import Kept, Share, UndoPlan, Why

#: as a reason names files, which are no register
FILES = "attachment"


def settle(connection: sa.Connection, plan: UndoPlan) -> None:
    """Let stay what is held back; and what hangs on that, until nothing more is."""
    while any([_held(connection, plan), _below(plan), _keys(connection, plan)]):
        pass


def _held(connection: sa.Connection, plan: UndoPlan) -> bool:
    """Records that the batch made and that something which stays needs."""
    own = plan.shares[0]
    if not own.voided:
        return False
    going = {share.cls: share for share in plan.shares}
    held: dict[int, tuple[str, int]] = {}
    for source, column in _sources(plan.cls):
        for row, target in connection.execute(_pointing(plan, source, column)):
            if target in own.voided and not (source in going and going[source].goes(row)):
                held.setdefault(target, (source.__tablename__, row))
    for row, target in connection.execute(_files(plan)):
        held.setdefault(target, (FILES, row))
    held = {row: other for row, other in held.items() if row in own.voided}
    for row, other in held.items():
        own.keep(Kept(plan.cls, row, Why.REFERRED, other=other))
    return bool(held)


def _sources(cls: type[Register]) -> Iterator[tuple[type[Record], str]]:
    """Every table and column that names records of this register."""
    for source in registry.tables():
        if issubclass(source, Child) and source.__parent__ is cls:
            yield source, "parent_id"
        for declared in fields(source):
            if isinstance(declared.format, Link) and declared.format.register == cls.__key__:
                yield source, declared.attr


def _made(plan: UndoPlan) -> sa.Select[tuple[int]]:
    """The records that no import has written since the batch, those that it made among them: one statement finds what points at them all."""
    table = plan.cls.__table__.alias("made")
    return sa.select(table.c.id).where(table.c.import_batch == plan.batch, table.c.voided_at.is_(None))


def _pointing(plan: UndoPlan, source: type[Record], column: str) -> sa.Select[tuple[int, int]]:
    table = source.__table__
    return sa.select(table.c.id, table.c[column]).where(table.c[column].in_(_made(plan)), table.c.voided_at.is_(None)).order_by(table.c.id)


def _files(plan: UndoPlan) -> sa.Select[tuple[int, int]]:
    """Files that somebody put to the records since."""
    tests = (Attachment.register == plan.cls.__tablename__, Attachment.record_id.in_(_made(plan)), Attachment.voided_at.is_(None))
    return sa.select(Attachment.id, Attachment.record_id).where(*tests).order_by(Attachment.id)


def _below(plan: UndoPlan) -> bool:
    """Children that came with a record which stays: it is not left without them."""
    own, *shares = plan.shares
    stay = own.made & own.kept.keys()
    found = [(share, row) for share in shares for row, parent in share.voided.items() if parent in stay]
    for share, row in found:
        share.keep(Kept(share.cls, row, Why.RECORD_STAYS))
    return bool(found)


def _keys(connection: sa.Connection, plan: UndoPlan) -> bool:
    """Rows whose former key somebody has taken since."""
    found: list[tuple[Share, int, int]] = []
    for share in plan.shares:
        keys = [each for each in share.keys if each.row in share.put_back]
        found += [(share, row, holder) for row, holder in undo_keys.taken(connection, share.cls, keys, share.voided.__contains__)]
    for share, row, holder in found:
        share.keep(Kept(share.cls, row, Why.KEY_TAKEN, other=(share.cls.__tablename__, holder)))
    return bool(found)
