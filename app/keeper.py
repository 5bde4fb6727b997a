"""The keeping of code lists: where a word is used, accepting it, merging it into another, retiring it.

A word stands in records of every register. Merging re-points them by set-based statements of the
system: what a record means stays as it is, only its word becomes the one that the list keeps. So
the keeper needs no right to those records, and learns from them no more than their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.clock import now
from app.fields import Field
from app.formats import Choice, Choices
from app.language import Text, _l
from app.queries import holds
from app.register import Child, Record, fields
from app.scopes import scope_of

CHUNK = 500
LONGEST_ALIASES = 500


class CannotKeep(ValueError):
    """What the keeper asked cannot be done; the message says why."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True)
class Place:
    """A field whose values are words of a list."""

    cls: type[Record]
    field: Field

    @property
    def several(self) -> bool:
        """Whether a record holds several words here."""
        return isinstance(self.field.format, Choices)

    def test(self, code: str) -> sa.ColumnElement[bool]:
        """Whether a row holds the word."""
        column = self.cls.__table__.c[self.field.attr]
        return holds(column, code) if self.several else column == code

    def uses(self, connection: sa.Connection, code: str) -> int:
        """How many live rows hold the word."""
        table = self.cls.__table__
        return connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.voided_at.is_(None), self.test(code))) or 0


@dataclass(frozen=True)
class Use:
    """How many rows of one place hold a word."""

    place: Place
    count: int


def places(code_list: str) -> Iterator[Place]:
    """Every field of every register and child that takes words of this list."""
    for cls in registry.tables():
        for declared in fields(cls):
            if isinstance(declared.format, Choice) and declared.format.code_list == code_list:
                yield Place(cls, declared)


def uses(session: Session, code_list: str, code: str) -> list[Use]:
    """Where a word is used, counted over all offices; places without it are left out."""
    connection = session.connection()
    found = [Use(place, place.uses(connection, code)) for place in places(code_list)]
    return [use for use in found if use.count]


def readable_rows(session: Session, place: Place, code: str, most: int = 5) -> list[tuple[type[Record], int, str]]:
    """Some records that hold a word, within the reader's scope and only where the field is read in clear."""
    scope = scope_of(session)
    cls: Any = place.cls
    if place.field not in scope.readable(cls) or not scope.clear(place.field):
        return []
    above = registry.owner(cls)
    column = getattr(cls, place.field.attr)
    test = holds(column, code) if place.several else column == code
    number = cls.parent_id if issubclass(cls, Child) else cls.id
    wanted = list(session.scalars(sa.select(number).where(cls.voided_at.is_(None), test).order_by(number).distinct().limit(most)))
    rows: list[Any] = list(session.scalars(sa.select(above).where(above.id.in_(wanted)).order_by(above.id))) if wanted else []
    return [(above, row.id, str(row)) for row in rows]


def accept(session: Session, entry: Any) -> None:
    """Take a pending word into its list. The caller commits."""
    entry.word_state = "accepted"
    session.flush()


def retire(session: Session, entry: Any, last_day: date) -> None:
    """Offer a word no longer after a day; what holds it keeps its meaning. The caller commits.

    A word that waited is decided by that too: known, but not offered.
    """
    if entry.effective_from is not None and last_day < entry.effective_from:
        raise CannotKeep(_l("停用日期早于启用日期，请核对"))
    entry.effective_to, entry.word_state = last_day, "accepted"
    session.flush()


def merge(session: Session, entry: Any, target: Any) -> int:
    """Let a word become an alias of another of its list, and every record hold that one instead.

    Returns how many rows were re-pointed. The caller commits.
    """
    if entry.id == target.id or entry.code_list != target.code_list:
        raise CannotKeep(_l("请选择同一个字典里的另一个词条"))
    if target.voided_at is not None or target.word_state != "accepted":
        raise CannotKeep(_l("“%(label)s”还没有采用，不能并入", label=target.label))
    spellings = [word for word in (target.aliases or "").split("、") if word]
    spellings += [
        word for word in (entry.label, entry.code, *(entry.aliases or "").split("、")) if word and word not in {*spellings, target.label, target.code}
    ]
    text = "、".join(dict.fromkeys(spellings))
    if len(text) > LONGEST_ALIASES:
        raise CannotKeep(_l("“%(label)s”的别名太多，放不下了。请先删去不用的别名", label=target.label))
    # first the word leaves the list: its spelling may not stand for two entries
    entry.voided_at, entry.void_reason = now(), str(_l("并入“%(label)s”", label=target.label))[:500]
    session.flush()
    target.aliases = text or None
    session.flush()
    actor = scope_of(session).actor.username
    return sum(_repoint(session.connection(), place, entry.code, target.code, actor) for place in places(entry.code_list))


def _repoint(connection: sa.Connection, place: Place, old: str, new: str, actor: str) -> int:
    """Put one word in the place of another, in voided rows too: they may be brought back."""
    table: Any = place.cls.__table__
    column = table.c[place.field.attr]
    stamp = {"changed_by": actor, "changed_at": now(), "row_version": table.c.row_version + 1}
    if not place.several:
        return connection.execute(sa.update(table).where(column == old).values({column: new, **stamp})).rowcount
    found = connection.execute(sa.select(table.c.id, column).where(place.test(old))).all()
    statement = sa.update(table).where(table.c.id == sa.bindparam("row")).values({column: sa.bindparam("words", type_=column.type), **stamp})
    for start in range(0, len(found), CHUNK):
        chunk = found[start : start + CHUNK]
        connection.execute(statement, [{"row": row.id, "words": list(dict.fromkeys(new if code == old else code for code in row[1]))} for row in chunk])
    return len(found)
