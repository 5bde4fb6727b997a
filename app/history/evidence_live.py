"""Does the database still say what a file of evidence says?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from zipfile import ZipFile

import sqlalchemy as sa

from app.archives import UNREADABLE
from app.history import chain
from app.history.chain import digest_of
from app.history.evidence import LINKS
from app.history.evidence_check import Checked, Fault, Flaw, LinkSaid, link_of
from app.history.tables import trace

BATCH = 500


def compare(connection: sa.Connection, file: Path, found: Checked) -> None:
    """Hold the links of a file to the chain that they came from."""
    chain.plain(connection)
    found.compared = 0
    try:
        with ZipFile(file) as archive, archive.open(LINKS) as lines:
            links = (link for line in lines if (link := link_of(line)) is not None)
            while batch := list(islice(links, BATCH)):
                found.faults += _other_than_live(connection, batch)
                found.compared += len(batch)
    except (*UNREADABLE, KeyError):
        return  # named already


def _other_than_live(connection: sa.Connection, links: Sequence[LinkSaid]) -> Iterator[Fault]:
    t = trace(connection.dialect.name)
    kept = sa.select(t.link.c.position, t.link.c.entry, t.link.c.digest).where(t.link.c.position.in_([link.position for link in links]))
    live = {row.position: row for row in connection.execute(kept)}
    # a statement of its own: SQLite would read the whole view for a join to it
    lines = dict(connection.execute(sa.select(t.line.c.id, t.line.c.line).where(t.line.c.id.in_([row.entry for row in live.values()]))).tuples().all())
    for link in links:
        row = live.get(link.position)
        line = lines.get(row.entry) if row is not None else None
        if row is None or line is None:
            yield Fault(Flaw.LIVE_GONE, position=link.position, entry=link.entry)
        elif bytes(row.digest).hex() != link.digest or digest_of(bytes.fromhex(link.before), line).hex() != link.digest:
            yield Fault(Flaw.LIVE_OTHER, position=link.position, entry=link.entry)
