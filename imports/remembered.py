"""What an office decided about its files before: the next file with the same headings needs no second asking.

Kept for each office and register under the fingerprint of the headings; a file whose headings are only
similar takes over what was said of each heading that it shares. Answers about words hold for the
office and the register, whatever the headings.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.clock import now
from app.fields import _JSON
from app.register import Base, Register
from app.scopes import Scope, scope_of
from imports.decisions import LEAVE, NEW, Answer, Decisions
from imports.headings import plain
from imports.past import Past, fingerprint, words_of
from imports.table import Table
from imports.targets import targets

#: as many files' headings as are looked at, and words as are kept, for an office and a register
MOST_FILES, MOST_WORDS = 50, 1000


class ImportMapping(Base):
    """What an office decided about one kind of file: heading (plain) to field, answers by list and word."""

    __tablename__ = "import_mapping"
    __table_args__ = (sa.UniqueConstraint("org_unit_id", "register", "fingerprint", name="uq_import_mapping"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    org_unit_id: Mapped[int] = mapped_column(sa.ForeignKey("org_unit.id", name="fk_import_mapping_org_unit"))
    register: Mapped[str] = mapped_column(sa.String(64))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    mapping: Mapped[dict[str, Any]] = mapped_column(_JSON)
    words: Mapped[dict[str, Any]] = mapped_column(_JSON)
    changed_by: Mapped[str] = mapped_column(sa.String(64))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)


_TABLE: Any = ImportMapping.__table__


def recall(session: Session, register: type[Register]) -> Past:
    """What the actor's office decided about files of the register; nothing for whoever has no office."""
    office = scope_of(session).actor.org_unit_id
    if office is None:
        return Past()
    mine = (ImportMapping.org_unit_id == office, ImportMapping.register == register.__key__)
    rows = session.scalars(sa.select(ImportMapping).where(*mine).order_by(ImportMapping.changed_at.desc(), ImportMapping.id.desc()).limit(MOST_FILES)).all()
    words: dict[str, dict[str, Answer]] = {}
    for row in reversed(rows):
        for name, answers in row.words.items():
            words.setdefault(name, {}).update(answers)
    return Past([row.mapping for row in rows], {row.fingerprint: row.mapping for row in rows}, words)


def remember(session: Session, scope: Scope, register: type[Register], table: Table, decisions: Decisions) -> None:
    """Keep, after an import that a person confirmed, which field each heading fed and how words were answered.

    Writes into the session; the caller commits. Nothing for whoever has no office.
    """
    office = scope.actor.org_unit_id
    if office is None:
        return
    mapping: dict[str, str | None] = {plain(heading): None for heading, name in decisions.columns.items() if name is None}
    mapping |= {plain(column.heading): column.target.name for column in table.columns if column.heading and column.target and not column.word}
    known = {target.name: target for target in targets(register)}
    answers: dict[str, dict[str, Answer]] = {}
    for name, said in decisions.words.items():
        kept = {word: answer for word, answer in said.items() if answer not in {NEW, LEAVE}}
        if name in known and kept:
            answers.setdefault(words_of(known[name]), {}).update(kept)
    _put(session, office, register, fingerprint(column.heading for column in table.columns), mapping, answers, scope.actor.username)


def _put(
    session: Session, office: int, register: type[Register], mark: str, mapping: dict[str, str | None], answers: dict[str, dict[str, Answer]], by: str
) -> None:
    """One row for the headings, whoever else confirms such a file at the same moment."""
    connection = session.connection()
    mine = {"org_unit_id": office, "register": register.__key__, "fingerprint": mark}
    wanted = (_TABLE.c[name] == value for name, value in mine.items())
    before = connection.scalar(sa.select(_TABLE.c.words).where(*wanted)) or {}
    words = {name: _latest({**before.get(name, {}), **answers.get(name, {})}) for name in {*before, *answers}}
    facts = {"mapping": mapping, "words": words, "changed_by": by, "changed_at": now()}
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(_TABLE).values(**mine, **facts)
    connection.execute(insert.on_conflict_do_update(index_elements=list(mine), set_=facts))


def _latest(answers: dict[str, Answer]) -> dict[str, Answer]:
    return dict(list(answers.items())[-MOST_WORDS:])


__all__ = ["ImportMapping", "recall", "remember"]
