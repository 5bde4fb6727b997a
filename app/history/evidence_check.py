"""Is a file of evidence what it was when it was made? Whatever does not fit is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.archives import UNREADABLE
from app.history import anchors
from app.history.chain import Head, digest_of
from app.history.evidence import FORMAT, HEADS, KEY, LINKS, LIST, MANIFEST, README, SIGNATURE, VOUCHED, within

#: a manifest of more is none of ours
_MANIFEST_BYTES = 64 << 20
_MOST = 10_000_000


class Flaw(StrEnum):
    """What can be wrong with evidence."""

    UNREADABLE = "unreadable"
    ABSENT = "absent"
    EXTRA = "extra"
    FILE = "file"
    SIGNATURE = "signature"
    OTHER_KEY = "other_key"
    MANIFEST = "manifest"
    LINE = "line"
    CHANGED = "changed"
    BROKEN = "broken"
    TAKEN_OUT = "taken_out"
    PUT_IN = "put_in"
    HEAD = "head"
    ANCHOR = "anchor"
    REWRITTEN = "rewritten"
    LIVE_GONE = "live_gone"
    LIVE_OTHER = "live_other"


@dataclass(frozen=True)
class Fault:
    """One thing that does not fit."""

    flaw: Flaw
    #: a file's name, or the number of a line
    name: str = ""
    position: int | None = None
    #: the last of several positions
    last: int | None = None
    entry: int | None = None


@dataclass
class Checked:
    """What a check found."""

    manifest: dict[str, Any] = field(default_factory=dict)
    #: the key that the signature was held to, and whether it came from elsewhere
    key: str = ""
    own_key: bool = False
    entries: int = 0
    #: entries that a head proves which was signed when it was sealed
    anchored: int = 0
    withheld: int = 0
    #: entries that were compared with the database; None: there was none to compare with
    compared: int | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether everything fits."""
        return not self.faults


@dataclass(frozen=True)
class LinkSaid:
    """A link of the chain as the evidence says it was."""

    position: int
    entry: int
    before: str
    digest: str
    line: str | None


def check(file: Path, key: Ed25519PublicKey | None = None, heads: Sequence[Head] = ()) -> Checked:
    """Check a file by itself: with the key given or, failing that, its own; and with anchors that were kept elsewhere."""
    found = Checked(own_key=key is None)
    try:
        with ZipFile(file) as archive:
            _Checking(archive, found, key).run(heads)
    except UNREADABLE:
        found.faults.append(Fault(Flaw.UNREADABLE, file.name))
    return found


class _Checking:
    """One check, member by member."""

    def __init__(self, archive: ZipFile, found: Checked, key: Ed25519PublicKey | None) -> None:
        self.archive, self.found = archive, found
        self.names = archive.namelist()
        self.key = key

    def fault(self, flaw: Flaw, name: str = "", **facts: int | None) -> None:
        self.found.faults.append(Fault(flaw, name, **facts))

    def run(self, heads: Sequence[Head]) -> None:
        for name in (*VOUCHED, MANIFEST, SIGNATURE):
            if name not in self.names:
                self.fault(Flaw.ABSENT, name)
        for name in dict.fromkeys(self.names):
            if name not in {*VOUCHED, MANIFEST, SIGNATURE} or self.names.count(name) > 1:
                self.fault(Flaw.EXTRA, name)
        self._manifest()
        for name in (README, KEY, LIST):
            self._sum(name)
        self._links([*self._heads(), *heads])

    # the manifest -------------------------------------------------------------------------------

    def _whole(self, name: str, most: int = _MANIFEST_BYTES) -> bytes:
        """A small member as a whole; empty when it is not there or not to be read."""
        if name not in self.names:
            return b""
        try:
            with self.archive.open(name) as member:
                content = member.read(most + 1)
        except UNREADABLE:
            content = b""
        return content if len(content) <= most else b""

    def _manifest(self) -> None:
        content, signature = self._whole(MANIFEST), self._whole(SIGNATURE, 1000)
        own = self._own_key()
        key = self.key or own
        if key is not None:
            self.found.key = anchors.public_text(key)
        if key is None or not _signed(key, signature, content):
            by_its_own = own is not None and key is not None and _signed(own, signature, content)
            self.fault(Flaw.OTHER_KEY if by_its_own else Flaw.SIGNATURE, MANIFEST)
            self.key = own if by_its_own else key
        else:
            self.key = key
        try:
            facts = json.loads(content)
            well = facts["format"] == FORMAT and isinstance(facts["files"], dict) and isinstance(facts["head"], dict)
            well = well and sum(last - first + 1 for first, last in facts["positions"]) == facts["entries"] <= _MOST
        except (ValueError, KeyError, TypeError, RecursionError):
            well = False
        if well:
            self.found.manifest = facts
        elif content:
            self.fault(Flaw.MANIFEST, MANIFEST)

    def _own_key(self) -> Ed25519PublicKey | None:
        try:
            key = load_pem_public_key(self._whole(KEY, 10_000))
        except (ValueError, UnsupportedAlgorithm):
            return None
        return key if isinstance(key, Ed25519PublicKey) else None

    # the other members --------------------------------------------------------------------------

    @contextmanager
    def _summed(self, name: str) -> Iterator[Iterator[bytes]]:
        """The lines of a member, which is summed up while they are read; a fault when the sum is another."""
        total, intact = hashlib.sha256(), name in self.names

        def lines() -> Iterator[bytes]:
            nonlocal intact
            try:
                with self.archive.open(name) as member:
                    while line := member.readline(1 << 24):
                        total.update(line)
                        yield line
            except UNREADABLE:
                intact = False

        yield lines() if intact else iter(())
        kept = self.found.manifest.get("files", {}).get(name)
        wanted = kept.get("sha256") if isinstance(kept, dict) else None
        if name in self.names and (not intact or (self.found.manifest and total.hexdigest() != wanted)):
            self.fault(Flaw.FILE, name)

    def _sum(self, name: str) -> None:
        with self._summed(name) as lines:
            for _line in lines:
                pass

    def _heads(self) -> list[Head]:
        heads = []
        with self._summed(HEADS) as lines:
            for number, line in enumerate(lines, 1):
                try:
                    facts = anchors.opened(self.key, line.decode()) if self.key is not None else {}
                    heads.append(Head(int(facts["position"]), int(facts["entry"]), str(facts["digest"]), datetime.fromisoformat(facts["at"])))
                except (InvalidSignature, ValueError, KeyError, TypeError, RecursionError):
                    self.fault(Flaw.ANCHOR, str(number))
        return heads

    def _links(self, heads: Sequence[Head]) -> None:
        runs = self.found.manifest.get("positions", [])
        walk = _Walk(self.found, runs, heads)
        with self._summed(LINKS) as lines:
            for number, line in enumerate(lines, 1):
                link = link_of(line)
                if link is None:
                    self.fault(Flaw.LINE, str(number))
                else:
                    walk.take(link)
        walk.end()


class _Walk:
    """Goes along the links: each digest, each neighbour, each position that should be there."""

    def __init__(self, found: Checked, runs: list[list[int]], heads: Sequence[Head]) -> None:
        self.found, self.runs = found, runs
        self.heads: dict[int, set[str]] = {}
        for head in heads:
            self.heads.setdefault(head.position, set()).add(head.digest)
        self.last: LinkSaid | None = None
        #: entries in a row that the next head would prove
        self.pending = 0
        self._expected = (position for first, last in runs for position in range(first, last + 1))
        self._next = next(self._expected, None)
        self.head = found.manifest.get("head", {})

    def fault(self, flaw: Flaw, position: int, entry: int | None = None, last: int | None = None) -> None:
        self.found.faults.append(Fault(flaw, position=position, entry=entry, last=last))

    def take(self, link: LinkSaid) -> None:
        if self.runs:
            self._missing_before(link.position)
            if not within(self.runs, link.position) or (self.last is not None and link.position <= self.last.position):
                self.fault(Flaw.PUT_IN, link.position, link.entry)
        self.found.entries += 1
        self.found.withheld += link.line is None
        good = self._fits(link)
        adjoining = self.last is not None and self.last.position == link.position - 1
        if adjoining and self.last is not None and self.last.digest != link.before:
            self.fault(Flaw.BROKEN, link.position, link.entry)
            adjoining = False
        self.pending = (self.pending if adjoining else 0) + 1 if good and link.line is not None else 0
        self._anchored(link)
        self.last = link

    def _fits(self, link: LinkSaid) -> bool:
        """Whether the digest follows; where the line was left out, nobody can say."""
        if link.line is None:
            return True
        good = digest_of(bytes.fromhex(link.before), link.line).hex() == link.digest and _number_in(link.line) == link.entry
        if not good:
            self.fault(Flaw.CHANGED, link.position, link.entry)
        return good

    def _anchored(self, link: LinkSaid) -> None:
        if link.position == self.head.get("position") and link.digest != self.head.get("digest"):
            self.fault(Flaw.HEAD, link.position, link.entry)
        known = self.heads.get(link.position)
        if known == {link.digest}:
            self.found.anchored += self.pending
            self.pending = 0
        elif known:
            self.fault(Flaw.REWRITTEN, link.position, link.entry)

    def _missing_before(self, position: int | None) -> None:
        """Name what should have come before a position; None: everything that is left."""
        first = last = None
        while self._next is not None and (position is None or self._next < position):
            if last is not None and self._next != last + 1:
                self.fault(Flaw.TAKEN_OUT, first or 0, last=last)
                first = None
            first, last = first or self._next, self._next
            self._next = next(self._expected, None)
        if first is not None:
            self.fault(Flaw.TAKEN_OUT, first, last=last)
        if self._next == position:
            self._next = next(self._expected, None)

    def end(self) -> None:
        self._missing_before(None)


def _signed(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def link_of(line: bytes) -> LinkSaid | None:
    """The link that a line holds; None when it holds none."""
    try:
        facts = json.loads(line)
        bytes.fromhex(facts["before"])
        link = LinkSaid(facts["position"], facts["entry"], facts["before"], facts["digest"], facts["line"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    well = isinstance(link.position, int) and isinstance(link.entry, int) and isinstance(link.digest, str) and isinstance(link.line, str | None)
    return link if well else None


def _number_in(line: str) -> int | None:
    """The entry's number, with which its line begins on either database."""
    digits = line[1:].partition(",")[0].strip()
    return int(digits) if digits.isascii() and digits.isdecimal() else None
