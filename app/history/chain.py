"""Sealing entries into a chain, and finding out whether anybody has bent it.

Each link holds the digest of the link before and of its entry, act and layout. Who changes or
removes an entry breaks the chain there; who reckons the whole chain anew disagrees with the anchors
that lie outside the database (`app.history.anchors`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.clock import now
from app.encryption import upkeep
from app.history import setup
from app.history.relations import Relation
from app.history.tables import trace

#: an entry should be in the chain this long after its commit
SOON = timedelta(seconds=60)


class Fault(StrEnum):
    """What can be wrong with a trace."""

    CHANGED = "changed"
    MISSING = "missing"
    CUT_OFF = "cut_off"
    REWRITTEN = "rewritten"
    ANCHOR = "anchor"
    UNSEALED = "unsealed"
    TRIGGER = "trigger"
    UNTRACED = "untraced"
    PLAIN = "plain"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the entry or the record it is about."""

    fault: Fault
    entry: int | None = None
    position: int | None = None
    relation: str = ""
    row: int | None = None
    #: what the database's own words add
    detail: str = ""


@dataclass(frozen=True)
class Head:
    """Where the chain ended at some moment."""

    position: int
    entry: int
    digest: str
    at: datetime


@dataclass
class Verdict:
    """What a verification found."""

    entries: int = 0
    sealed: int = 0
    unsealed: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def digest_of(before: bytes, line: str) -> bytes:
    """The digest of a link."""
    return hashlib.sha256(before + line.encode()).digest()


def plain(connection: sa.Connection) -> None:
    """Let values read as the trace wrote them, whatever this connection prefers."""
    if connection.dialect.name == "postgresql":
        for setting in ("timezone = 'UTC'", "datestyle = 'ISO, YMD'", "intervalstyle = 'iso_8601'", "extra_float_digits = 1"):
            connection.exec_driver_sql(f"SET LOCAL {setting}")


def seal(connection: sa.Connection) -> int:
    """Seal what has been committed since the last time; how many entries. The caller commits."""
    if connection.dialect.name == "postgresql":
        return int(connection.exec_driver_sql("SELECT trace.seal()").scalar_one())
    connection.exec_driver_sql("DELETE FROM trace_now WHERE id = 0")  # takes the write lock before anything is read
    t = trace("sqlite")
    last = connection.execute(sa.select(t.link.c.position, t.link.c.entry, t.link.c.digest).order_by(t.link.c.position.desc()).limit(1)).first()
    place, entry, before = (last.position, last.entry, last.digest) if last else (0, 0, b"")
    lines = connection.execute(sa.select(t.line.c.id, t.line.c.line).where(t.line.c.id > entry).order_by(t.line.c.id)).all()
    if not lines:
        return 0
    this = connection.exec_driver_sql("INSERT INTO trace_seal (seen) VALUES (?) RETURNING id", (lines[-1].id,)).scalar_one()
    links = []
    for number, line in enumerate(lines, place + 1):
        before = digest_of(before, line.line)
        links.append({"position": number, "entry": line.id, "seal": this, "digest": before})
    connection.execute(sa.insert(t.link), links)
    return len(links)


def head(connection: sa.Connection) -> Head | None:
    """Where the chain ends now; None before the first seal."""
    t = trace(connection.dialect.name)
    columns = (t.link.c.position, t.link.c.entry, t.link.c.digest)
    row = connection.execute(sa.select(*columns).order_by(t.link.c.position.desc()).limit(1)).first()
    return Head(row.position, row.entry, bytes(row.digest).hex(), now()) if row else None


def verify(connection: sa.Connection, anchors: Sequence[Head] = ()) -> Verdict:
    """Reckon the chain again, hold it to the anchors, look for what is not sealed and not traced."""
    plain(connection)
    verdict = Verdict()
    verdict.findings += _broken_links(connection, verdict, {anchor.position: anchor.digest for anchor in anchors})
    verdict.findings += _cut_off(verdict, anchors)
    verdict.findings += _unsealed(connection, verdict)
    verdict.findings += _silent_tables(connection)
    verdict.findings += _untraced_rows(connection)
    verdict.findings += [Finding(Fault.PLAIN, relation=place.table.name, row=row, detail=place.name) for place, row in upkeep.plain(connection)]
    verdict.findings += [Finding(Fault.UNREADABLE, relation=place.table.name, row=row, detail=place.name) for place, row in upkeep.unreadable(connection)]
    return verdict


def _broken_links(connection: sa.Connection, verdict: Verdict, anchored: dict[int, str]) -> Iterator[Finding]:
    t = trace(connection.dialect.name)
    statement = (
        sa.select(t.link.c.position, t.link.c.entry, t.link.c.digest, t.line.c.line)
        .select_from(t.link.outerjoin(t.line, t.line.c.id == t.link.c.entry))
        .order_by(t.link.c.position)
    )
    place, before = 0, b""
    for link in connection.execute(statement.execution_options(yield_per=2000)):
        place += 1
        for gone in range(place, link.position):
            yield Finding(Fault.MISSING, position=gone)
        follows, place = link.position == place, link.position
        verdict.sealed += 1
        if link.line is None:
            yield Finding(Fault.MISSING, link.entry, link.position)
        elif follows and digest_of(before, link.line) != bytes(link.digest):
            yield _named(connection, Finding(Fault.CHANGED, link.entry, link.position))
        before = bytes(link.digest)
        if anchored.get(link.position, before.hex()) != before.hex():
            yield Finding(Fault.REWRITTEN, link.entry, link.position)


def _named(connection: sa.Connection, finding: Finding) -> Finding:
    """The finding with the record that its entry is about."""
    t = trace(connection.dialect.name)
    statement = sa.select(t.layout.c.relation, t.entry.c.row_id).select_from(t.entry.outerjoin(t.layout, t.layout.c.id == t.entry.c.layout))
    with connection.engine.connect() as other:  # this one is in the middle of reading
        row = other.execute(statement.where(t.entry.c.id == finding.entry)).first()
    return Finding(finding.fault, finding.entry, finding.position, row.relation or "", row.row_id) if row else finding


def _cut_off(verdict: Verdict, anchors: Sequence[Head]) -> Iterator[Finding]:
    last = max(anchors, key=lambda anchor: anchor.position, default=None)
    if last is not None and last.position > verdict.sealed:
        yield Finding(Fault.CUT_OFF, last.entry, last.position, detail=str(last.position - verdict.sealed))


def _unsealed(connection: sa.Connection, verdict: Verdict) -> Iterator[Finding]:
    t = trace(connection.dialect.name)
    verdict.entries = connection.scalar(sa.select(sa.func.count()).select_from(t.entry)) or 0
    at = t.act.c.at if connection.dialect.name == "postgresql" else sa.func.coalesce(t.act.c.at, t.entry.c.at)
    verdict.unsealed = unsealed(connection)
    open_ones = (
        sa.select(t.entry.c.id, at.label("at"))
        .select_from(t.entry.outerjoin(t.link, t.link.c.entry == t.entry.c.id).outerjoin(t.act, t.act.c.id == t.entry.c.act))
        .where(t.link.c.entry.is_(None))
    ).subquery()
    late = sa.select(open_ones.c.id).where(sa.or_(open_ones.c.at.is_(None), open_ones.c.at < as_kept(connection, now() - SOON)))
    yield from (Finding(Fault.UNSEALED, entry) for entry in connection.scalars(late.order_by(open_ones.c.id).limit(20)))


def unsealed(connection: sa.Connection) -> int:
    """How many entries are not in the chain yet."""
    t = trace(connection.dialect.name)
    statement = sa.select(sa.func.count()).select_from(t.entry.outerjoin(t.link, t.link.c.entry == t.entry.c.id)).where(t.link.c.entry.is_(None))
    return connection.scalar(statement) or 0


def as_kept(connection: sa.Connection, moment: datetime) -> Any:
    """A moment as the trace of this database keeps it, for comparing."""
    return sa.literal(moment if connection.dialect.name == "postgresql" else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}")


def _silent_tables(connection: sa.Connection) -> Iterator[Finding]:
    """Tables whose triggers are missing, disabled or do something else."""
    standing, layouts = setup.triggers_of(connection), setup.layouts(connection)
    for relation in setup.present(connection):
        layout = layouts.get(relation.name)
        if layout is None:
            yield Finding(Fault.TRIGGER, relation=relation.name, detail="layout")
            continue
        for name, text in setup.expected(connection, relation, layout).items():
            if standing.get(name) != text:
                yield Finding(Fault.TRIGGER, relation=relation.name, detail=name.partition(".")[2])


def _untraced_rows(connection: sa.Connection) -> Iterator[Finding]:
    """Rows that are not what their last entry says, and rows that went without one."""
    for relation in setup.present(connection):
        yield from (Finding(Fault.UNTRACED, relation=relation.name, row=row) for row in _differing(connection, relation))


def _differing(connection: sa.Connection, relation: Relation) -> Iterable[int]:
    known = setup.all_layouts(connection, relation)
    if not known:
        return []
    postgresql = connection.dialect.name == "postgresql"
    entry = "trace.entry" if postgresql else "trace_entry"
    numbers = ", ".join(str(number) for number in known)
    images = " ".join(f"WHEN {number} THEN {setup.image(connection, relation, columns)}" for number, columns in known.items() if columns)
    last = f"SELECT max(e.id) FROM {entry} e WHERE e.row_id = r.id AND e.layout IN ({numbers}) AND e.kind IN ('base', 'insert', 'update', 'delete')"
    differs = f"CASE t.layout {images} ELSE t.image END" if images else "t.image"
    changed = f"""SELECT r.id FROM "{relation.name}" r LEFT JOIN {entry} t ON t.id = ({last})
        WHERE t.id IS NULL OR t.kind = 'delete' OR t.image <> {differs}"""
    gone = f"""SELECT DISTINCT e.row_id FROM {entry} e WHERE e.layout IN ({numbers}) AND e.kind IN ('base', 'insert')
        AND NOT EXISTS (SELECT 1 FROM "{relation.name}" r WHERE r.id = e.row_id)
        AND NOT EXISTS (SELECT 1 FROM {entry} d WHERE d.row_id = e.row_id AND d.layout IN ({numbers}) AND d.kind = 'delete' AND d.id > e.id)"""
    return [row[0] for statement in (changed, gone) for row in connection.exec_driver_sql(f"{statement} LIMIT 20")]
