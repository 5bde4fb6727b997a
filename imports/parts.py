"""A plan in parts, packed: some thousand records each, so that no more than one part stands unpacked in memory.

A part is JSON in zlib: values as the formats keep them, days and amounts as text. What does not
change is kept by its number and its name alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from app.encryption.column import Encrypted
from app.language import put_together, taken_apart
from app.register import Child, Record, Register, fields
from imports.outcome import Outcome, Planned, PlannedChild, PlannedRecord
from imports.rows import Issue
from imports.targets import fed_children

#: rows of a sheet that are planned together
ROWS = 2000

_OUTCOMES = tuple(Outcome)


@dataclass
class Part:
    """Some records of a plan in the file's order, with what is wrong and doubtful at their rows."""

    records: list[PlannedRecord] = field(default_factory=list)
    wrong: list[Issue] = field(default_factory=list)
    doubtful: list[Issue] = field(default_factory=list)

    def tally(self) -> dict[str, int]:
        """How many records of each outcome, how many problems and doubts."""
        outcomes = [record.outcome for record in self.records]
        return {str(outcome): outcomes.count(outcome) for outcome in _OUTCOMES} | {"issues": len(self.wrong), "doubts": len(self.doubtful)}


class Parts(Protocol):
    """The packed parts of a plan, wherever they lie: in memory or in the database."""

    def __len__(self) -> int: ...

    def tally(self, place: int) -> dict[str, int]:
        """How many of each outcome a part holds, without unpacking it."""

    def packed(self, place: int) -> bytes:
        """The bytes of a part."""


@dataclass
class Held:
    """Parts in memory."""

    tallies: list[dict[str, int]] = field(default_factory=list)
    contents: list[Future[bytes]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.contents)

    def tally(self, place: int) -> dict[str, int]:
        return self.tallies[place]

    def packed(self, place: int) -> bytes:
        return self.contents[place].result()

    def add(self, part: Part, content: Future[bytes]) -> None:
        """Put a further part behind the others, packed or still being packed."""
        self.tallies.append(part.tally())
        self.contents.append(content)


# packing ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shape:
    """The fields of a kind of record, and what turns a value into JSON and back (None: it goes as it is)."""

    keys: tuple[str, ...]
    label: int
    out: tuple[tuple[int, Callable[[Any], Any]], ...]
    back: tuple[tuple[int, Callable[[Any], Any]], ...]

    @property
    def label_converts(self) -> bool:
        """Whether the record's name is a day or an amount."""
        return any(place == self.label for place, _convert in self.out)


@cache
def _shape(cls: type[Record]) -> _Shape:
    keys = tuple(declared.key for declared in fields(cls))
    types = [cls.__table__.c[declared.attr].type for declared in fields(cls)]
    kinds = [kind.kind if isinstance(kind, Encrypted) else kind.python_type for kind in types]
    both = [(place, pair) for place, kind in enumerate(kinds) if (pair := _converters(kind))]
    return _Shape(keys, keys.index(cls.__label__), tuple((at, pair[0]) for at, pair in both), tuple((at, pair[1]) for at, pair in both))


def _converters(kind: type) -> tuple[Callable[[Any], Any], Callable[[Any], Any]] | None:
    if issubclass(kind, datetime):
        return datetime.isoformat, datetime.fromisoformat
    if issubclass(kind, date):
        return date.isoformat, date.fromisoformat
    return (str, Decimal) if issubclass(kind, Decimal) else None


def spelled(cls: type[Register], part: Part) -> bytes:
    """A part as JSON, to be packed."""
    kinds = {child: place for place, child in enumerate(fed_children(cls))}
    records = [
        [*_planned(record), [[kinds[child.cls], *_planned(child)] for child in record.children], _issues(record.issues), record.words]  # type: ignore[index]
        for record in part.records
    ]
    whole = [records, _issues(part.wrong), _issues(part.doubtful)]
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def packed(whole: bytes) -> bytes:
    """What is kept of a part."""
    return zlib.compress(whole, 1)


def _planned(planned: Planned) -> list[Any]:
    shape = _shape(planned.cls)
    head = [_OUTCOMES.index(planned.outcome), planned.numbers, planned.id, planned.version]
    if planned.outcome is Outcome.SAME:
        name = planned.after.get(shape.keys[shape.label])
        return [*head, [] if name is None else _out(shape, {shape.keys[shape.label]: name}) if shape.label_converts else [*[None] * shape.label, name], None]
    before = [(key, old) for key, (old, _new) in planned.changes.items()] if planned.outcome is Outcome.CHANGED else []
    return [*head, _out(shape, planned.after), _out(shape, dict(before)) if before else None, [key for key, _old in before]]


def _out(shape: _Shape, values: dict[str, Any]) -> list[Any]:
    found = list(map(values.get, shape.keys))
    for place, convert in shape.out:
        if found[place] is not None:
            found[place] = convert(found[place])
    while found and found[-1] is None:
        found.pop()
    return found


def _issues(issues: Iterable[Issue]) -> list[list[Any]]:
    return [[each.sheet, each.row, each.column, each.field, each.code, taken_apart(each.message)] for each in issues]


def _issue(packed: list[Any]) -> Issue:
    sheet, row, column, name, code, message = packed
    return Issue(sheet, row, column, name, code, put_together(message))


def unpack(cls: type[Register], content: bytes) -> Part:
    """The part that was packed."""
    records, wrong, doubtful = json.loads(zlib.decompress(content))
    kinds = fed_children(cls)
    return Part([_record(cls, kinds, record) for record in records], [_issue(each) for each in wrong], [_issue(each) for each in doubtful])


def _record(cls: type[Register], kinds: Sequence[type[Child]], packed: list[Any]) -> PlannedRecord:
    *own, children, issues, words = packed
    outcome, numbers, after, changes, id_, version = _back(cls, own)
    below = []
    for kind, *planned in children:
        child = kinds[kind]
        state, rows, values, moved, child_id, seen = _back(child, planned)
        below.append(PlannedChild(child, state, rows, values, moved, child_id, seen))
    return PlannedRecord(cls, outcome, numbers, after, changes, id_, version, below, [_issue(each) for each in issues], [(name, word) for name, word in words])


def _back(cls: type[Record], packed: list[Any]) -> tuple[Outcome, list[int], dict[str, Any], dict[str, tuple[Any, Any]], int | None, int]:
    shape = _shape(cls)
    outcome, numbers, id_, version, after, before, *keys = packed
    values = _in(shape, after)
    changes = {}
    if before is not None:
        old = _in(shape, before)
        changes = {key: (old[key], values[key]) for key in keys[0]}
    elif keys and _OUTCOMES[outcome] is Outcome.CHANGED:
        changes = {key: (None, values[key]) for key in keys[0]}
    return _OUTCOMES[outcome], numbers, values, changes, id_, version


def _in(shape: _Shape, packed: list[Any]) -> dict[str, Any]:
    packed += [None] * (len(shape.keys) - len(packed))
    for place, convert in shape.back:
        if packed[place] is not None:
            packed[place] = convert(packed[place])
    return dict(zip(shape.keys, packed, strict=True))
