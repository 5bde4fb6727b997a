"""Who looked at the sensitive values of a record: each reveal, and each file in which they may have left in clear."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.accounts import by_name
from app.clock import local
from app.history import read, search
from app.history.read import Version
from app.history.search import Entry
from app.history.tables import trace
from app.history.telling import NOBODY, Teller, facts_of, labels
from app.history.telling import purpose as purpose_in_words
from app.language import _, listed
from app.lookup import DatabaseLookup
from app.register import Register, children, field_map

#: lines that a sheet holds
MOST = 1000


@dataclass(frozen=True)
class Look:
    """One time that somebody looked, in words."""

    entry: int
    when: str
    who: str
    #: office and roles
    post: str
    address: str
    road: str
    purpose: str
    #: the labels of what was seen
    fields: tuple[str, ...]
    #: whether it was a file of the register, in which the record may have been
    export: bool = False


@dataclass(frozen=True)
class Looks:
    """Who looked at a record, the newest first."""

    lines: list[Look]
    #: whether there are more than a sheet holds
    more: bool


def of_record(session: Session, cls: type[Register], row: int) -> Looks:
    """Who looked at a record and its children. Whether the reader may know, the caller has asked."""
    found = [*_reveals(session, cls, row), *_exports(session, cls, read.of_rows(session, cls, [row]))]
    found.sort(key=attrgetter("id"), reverse=True)
    return Looks(_in_words(session, found[:MOST]), len(found) > MOST)


def _reveals(session: Session, cls: type[Register], row: int) -> list[Entry]:
    connection = session.connection()
    t = trace(connection.dialect.name)
    found = search.chosen(connection, t.entry.c.kind == "reveal", t.layout.c.relation == cls.__tablename__, t.entry.c.row_id == row, most=MOST + 1)
    for kind in children(cls):
        child, layout = t.entry.alias("child"), t.layout.alias("child_layout")
        numbers = sa.select(child.c.row_id).join_from(child, layout, layout.c.id == child.c.layout)
        numbers = numbers.where(layout.c.relation == kind.__tablename__, child.c.parent_id == row)
        tests = (t.entry.c.kind == "reveal", t.layout.c.relation == kind.__tablename__, t.entry.c.row_id.in_(numbers))
        found += search.chosen(connection, *tests, most=MOST + 1)
    return found


def _exports(session: Session, cls: type[Register], versions: Sequence[Version]) -> list[Entry]:
    """Files of the whole register that left in clear while the record was in force: what they were narrowed by, the trace does not hold."""
    connection = session.connection()
    entry = trace(connection.dialect.name).entry
    tests = (entry.c.row_id.is_(None), entry.c.kind == "export", entry.c.image.contains('"clear"'), entry.c.image.contains(f'"{cls.__key__}"'))
    found = search.chosen(connection, *tests, most=10 * MOST)
    known = [version for version in versions if version.at is not None]
    return [each for each in found if _is_of(facts_of(each), cls) and each.at is not None and _in_force(known, each.at)]


def _is_of(facts: dict[str, Any] | None, cls: type[Register]) -> bool:
    return facts is not None and facts.get("clear") is True and facts.get("register") == cls.__key__


def _in_force(versions: Sequence[Version], moment: datetime) -> bool:
    place = bisect_right(versions, moment, key=lambda version: version.at or moment) - 1
    return place >= 0 and versions[place].kind != "delete" and not versions[place].voided


def _in_words(session: Session, entries: Sequence[Entry]) -> list[Look]:
    teller, lookup = Teller(session, NOBODY), DatabaseLookup(session)
    teller.prepare(entries)
    accounts = by_name(session, {entry.actor for entry in entries})
    offices: dict[str, Any] = {name: account.org_unit_id for name, account in accounts.items() if account.org_unit_id is not None}
    lookup.prepare_ids("org_unit", offices.values())
    found = []
    for entry in entries:
        facts = facts_of(entry) or {}
        office = lookup.name("org_unit", offices[entry.actor]) if entry.actor in offices else ""
        post = " · ".join(part for part in (office, teller.roles(entry.roles)) if part)
        purpose = "；".join(part for part in (purpose_in_words(str(facts.get("purpose") or "")), str(facts.get("note") or "")) if part)
        kept: Any = facts.get("fields")
        seen = labels(entry.relation, kept) if isinstance(kept, list) else []
        export = entry.kind == "export"
        if export:
            purpose = "；".join(part for part in (purpose, _file(facts)) if part)
        found.append(Look(entry.id, teller.when(entry), teller.who(entry), post, entry.address, teller.road(entry.road), purpose, tuple(seen), export))
    return found


def _file(facts: dict[str, Any]) -> str:
    """Which file it was."""
    parts = [_("编号 %(number)s", number=facts["number"])] if facts.get("number") else []
    return listed([*parts, *([_("共 %(count)s 条记录", count=facts["count"])] if facts.get("count") is not None else [])])


def since(session: Session, cls: type[Register], row: int) -> str:
    """Since which day the trace knows the record; empty when it does not."""
    first = next((version.at for version in read.of_rows(session, cls, [row]) if version.at is not None), None)
    return f"{local(first):%Y-%m-%d}" if first else ""


def label(session: Session, cls: type[Register], row: int) -> str:
    """What people called the record last; masked where that is sensitive."""
    versions = read.of_rows(session, cls, [row])
    declared = field_map(cls)[cls.__label__]
    value = versions[-1].values.get(declared.attr) if versions else None
    return masking.shown(NOBODY, declared, value, DatabaseLookup(session)) or f"#{row}"
