"""A part of the trace as one file that is checked on another machine, without the database.

Entries as they were sealed, each with the digest before and its own; heads that were signed when
they were sealed; a list to read, masked; a manifest over all of it with this installation's
signature. What that proves and what not: docs/decisions/0016-evidence.md.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from string import Template
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app
from flask_babel import force_locale
from sqlalchemy.orm import Session

from app.accounts import by_name
from app.clock import local, now
from app.database import db
from app.history import anchors, chain, images, search, upkeep
from app.history.chain import Head, digest_of
from app.history.evidence_list import EvidenceList
from app.history.search import Link, Wanted
from app.history.telling import NOBODY, Teller, class_of
from app.history.words import kind_label, road_label, titles
from app.language import _
from app.register import Register, children, fields

FORMAT = "yingshang-evidence 1"
README, MANIFEST, SIGNATURE, KEY, LINKS, HEADS, LIST = (
    "说明.txt", "manifest.json", "manifest.sig", "public-key.pem", "links.jsonl", "heads.jsonl", "历史清单.xlsx",
)  # fmt: skip
#: what the manifest vouches for
VOUCHED = (README, KEY, LINKS, HEADS, LIST)


class NothingFound(LookupError):
    """No sealed entry answers."""


@dataclass
class Made:
    """What a file of evidence holds."""

    head: Head
    entries: int = 0
    #: entries whose line is left out, since it holds in clear what a mask hides
    withheld: int = 0
    #: positions whose digest was not right even here
    broken: list[int] = field(default_factory=list)
    #: the positions, as first and last of each run
    runs: list[list[int]] = field(default_factory=list)

    def take(self, position: int) -> None:
        """Count an entry; they come in the order of the chain."""
        self.entries += 1
        if self.runs and self.runs[-1][1] == position - 1:
            self.runs[-1][1] = position
        else:
            self.runs.append([position, position])

    def holds(self, position: object) -> bool:
        """Whether the entry at a position is in it."""
        return isinstance(position, int) and within(self.runs, position)


def within(runs: list[list[int]], position: int) -> bool:
    """Whether a position lies in one of the runs."""
    place = bisect_right(runs, position, key=lambda run: run[0]) - 1
    return place >= 0 and position <= runs[place][1]


@dataclass(frozen=True)
class Order:
    """What somebody wants evidence of."""

    wanted: Wanted
    #: in words, as the file's own pages say it
    title: str
    #: who makes the file
    maker: str


def order(session: Session, wanted: Wanted, maker: str) -> Order:
    """The order for evidence of what is wanted: of a record, with its children."""
    cls = class_of(wanted.relation)
    if cls is not None and issubclass(cls, Register) and wanted.row is not None:
        wanted = replace(wanted, children=tuple(kind.__tablename__ for kind in children(cls)))
    with force_locale("zh_Hans"):
        return Order(wanted, _title(session, wanted), maker)


def _title(session: Session, wanted: Wanted) -> str:
    name = str(titles().get(wanted.relation, wanted.relation))
    of_row = f"{name} #{wanted.row}" if wanted.row is not None else name
    days = _("%(first)s 至 %(last)s", first=wanted.first or "…", last=wanted.last or "…") if wanted.first or wanted.last else ""
    accounts = by_name(session, [wanted.actor])
    person = accounts[wanted.actor].full_name if wanted.actor in accounts else wanted.actor
    by = _("账号 %(name)s（%(person)s）", name=wanted.actor, person=person) if wanted.actor else ""
    narrower = [kind_label(wanted.kind) if wanted.kind else "", road_label(wanted.road) if wanted.road else ""]
    batch = _("导入批次 %(batch)s", batch=wanted.batch) if wanted.batch is not None else ""
    return "，".join(part for part in (of_row, days, by, *narrower, batch) if part)


def write(session: Session, order: Order, out: BinaryIO) -> Made:
    """Seal what waits, then write the evidence; raises NothingFound."""
    upkeep.seal()
    with db.engine.connect() as connection, force_locale("zh_Hans"), tempfile.TemporaryFile() as sheet:
        chain.plain(connection)
        head = chain.head(connection)
        if head is None:
            raise NothingFound
        made, at = Made(head), now()
        with ZipFile(out, "w", ZIP_DEFLATED) as archive:
            files = _Files(archive)
            with EvidenceList(sheet, Teller(session, NOBODY)) as rows:
                files.add(LINKS, _links(connection, order.wanted, made, rows))
            if not made.entries:
                raise NothingFound
            sheet.seek(0)
            files.add(LIST, iter(lambda: sheet.read(1 << 20), b""))
            files.add(HEADS, _heads(made))
            files.add(KEY, [upkeep.signer().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)])
            files.add(README, [_readme(order, made, at).encode()])
            manifest = json.dumps(_manifest(connection, order, made, at, files.sums), ensure_ascii=False, indent=1).encode()
            archive.writestr(MANIFEST, manifest)
            archive.writestr(SIGNATURE, upkeep.signer().sign(manifest))
    return made


class _Files:
    """Writes the members of the archive and keeps their sums."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self.sums: dict[str, dict[str, Any]] = {}

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        """One member."""
        total, size = hashlib.sha256(), 0
        with self._archive.open(name, "w", force_zip64=True) as member:
            for part in parts:
                member.write(part)
                total.update(part)
                size += len(part)
        self.sums[name] = {"sha256": total.hexdigest(), "bytes": size}


def _links(connection: sa.Connection, wanted: Wanted, made: Made, rows: EvidenceList) -> Iterator[bytes]:
    """The entries as lines of JSON; each goes into the list, too."""
    found = search.links(connection, wanted, made.head.position)
    while batch := list(islice(found, search.BATCH)):
        rows.prepare([link.entry for link in batch])
        for link in batch:
            yield _line(link, made)
            rows.add(link.entry)


def _line(link: Link, made: Made) -> bytes:
    entry, clear = link.entry, in_clear(link)
    position = entry.position or 0
    made.take(position)
    made.withheld += clear
    if digest_of(link.before, link.line).hex() != entry.digest:
        made.broken.append(position)
    facts = {"position": position, "entry": entry.id, "before": link.before.hex(), "digest": entry.digest, "line": None if clear else link.line}
    return json.dumps(facts, ensure_ascii=False).encode() + b"\n"


def in_clear(link: Link) -> bool:
    """Whether an entry holds a sensitive value as it is: one of before values were encrypted, or another program's."""
    hidden = _hidden(link.entry.relation)
    if not hidden or not link.entry.values:
        return False
    kept = images.split(link.entry.image) if link.entry.image.startswith("(") else json.loads(link.entry.image)
    raw = zip(link.entry.values.items(), kept, strict=False)
    return any(name in hidden and value is not None and str(value) == str(stored) for (name, value), stored in raw)


@cache
def _hidden(relation: str) -> frozenset[str]:
    """The columns of a table that are sensitive."""
    cls = class_of(relation)
    return frozenset(declared.attr for declared in fields(cls) if declared.sensitive) if cls is not None else frozenset()


def _heads(made: Made) -> Iterator[bytes]:
    """The anchors' lines about positions that the evidence holds, and the newest: signed when they were sealed."""
    file, last = upkeep.folder() / anchors.NAME, b""
    for line in _lines(file):
        last = line
        if made.holds(_position(line)):
            last = b""
            yield line + b"\n"
    if last:
        yield last + b"\n"


def _lines(file: Path) -> Iterator[bytes]:
    if file.exists():
        with file.open("rb") as lines:
            yield from (line.rstrip(b"\n") for line in lines)


def _position(line: bytes) -> object:
    try:
        return json.loads(line)["position"]
    except (ValueError, KeyError, TypeError):
        return None  # `flask trace verify` names it


def _manifest(connection: sa.Connection, order: Order, made: Made, at: datetime, sums: dict[str, dict[str, Any]]) -> dict[str, Any]:
    head, wanted = made.head, {key: value for key, value in vars(order.wanted).items() if value not in ("", None, ())}
    return {
        "format": FORMAT,
        "statement": "出具本证据的系统声明：links.jsonl 所列各条历史，在出具之时处于以 head 为链头的历史链中所写的位置上。",
        "bureau": current_app.config["BUREAU_NAME"],
        "title": order.title,
        "wanted": {key: value if isinstance(value, int) else list(value) if isinstance(value, tuple) else str(value) for key, value in wanted.items()},
        "maker": order.maker,
        "at": at.isoformat(),
        "database": connection.dialect.name,
        "head": {"position": head.position, "entry": head.entry, "digest": head.digest},
        "entries": made.entries,
        "withheld": made.withheld,
        "broken": made.broken,
        "positions": made.runs,
        "key": anchors.public_text(upkeep.signer().public_key()),
        "files": sums,
    }


def _readme(order: Order, made: Made, at: datetime) -> str:
    text = (Path(__file__).parent / "evidence_readme.txt").read_text(encoding="utf-8")
    return Template(text).substitute(
        bureau=current_app.config["BUREAU_NAME"],
        title=order.title,
        maker=order.maker,
        at=f"{local(at):%Y-%m-%d %H:%M:%S}",
        entries=made.entries,
        first=made.runs[0][0],
        last=made.runs[-1][1],
        withheld=made.withheld,
        broken=len(made.broken),
        position=made.head.position,
        digest=made.head.digest,
        key=anchors.public_text(upkeep.signer().public_key()),
    )
