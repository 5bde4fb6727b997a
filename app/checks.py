"""The declarations, checked at start: a slip in a register stops the server with an id and a sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from app import code_lists, registry
from app.fields import Field
from app.formats import Choice, Link, StateOf
from app.register import Child, Record, children, field_map, fields
from app.registry import Entry
from app.roles import Role
from app.search.kept import PREFIX


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where: `where` is a class with its field, `Agency.name`."""

    id: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.id} {self.where}: {self.message}"


class UnsoundDeclarations(Exception):
    """The registers as declared cannot work; the message lists every finding."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(["the registers are not declared soundly:", *map(str, findings)]))
        self.findings = findings


def check_registers(entries: Iterable[Entry] | None = None, lists: Iterable[str] | None = None) -> list[Finding]:
    """Everything wrong with these registers (all that are announced), in their order."""
    known = list(registry.entries() if entries is None else entries)
    keys = {entry.register.__key__ for entry in known}
    announced = {each.key for each in code_lists.every()} if lists is None else set(lists)
    findings: list[Finding] = []
    for entry in known:
        findings += _rights(entry)
        findings += _register_key(entry)
        findings += _headings(entry)
        for cls in (entry.register, *children(entry.register)):
            broken = list(_columns(cls))
            # without its label or format no field can be looked at more closely
            findings += broken or [*_keys(cls), *_fields(cls), *_words(cls, keys, announced)]
    return findings


def ensure_sound(entries: Iterable[Entry] | None = None, lists: Iterable[str] | None = None) -> None:
    """Raise UnsoundDeclarations with all findings, if there are any."""
    findings = check_registers(entries, lists)
    if findings:
        raise UnsoundDeclarations(findings)


def _columns(cls: type[Record]) -> Iterator[Finding]:
    """Y003 Y004: a declared field has a format and a label."""
    for column in cls.__table__.columns:
        declared = column.info.get("field")
        where = f"{cls.__name__}.{column.key}"
        if declared is None:
            continue
        if "format" not in column.info:
            yield Finding("Y003", where, "the annotation carries no format: use one of app.fields")
        if not declared.label:
            yield Finding("Y004", where, "the field has no label")


def _keys(cls: type[Record]) -> Iterator[Finding]:
    """Y005 Y006 Y013: keys and names are fields; what is required can be written down."""
    known = field_map(cls)
    for key in cls.__keys__:
        for part in key:
            if part not in known:
                yield Finding("Y005", cls.__name__, f"__keys__ names {part}, which is no field")
    for name in (cls.__label__, *cls.__names__):
        if name not in known:
            yield Finding("Y006", cls.__name__, f"__label__ or __names__ names {name}, which is no field")
    free = {part for key in cls.__keys__ for part in key} | {cls.__label__, *cls.__names__}
    for declared in fields(cls):
        if issubclass(cls, Child) or not declared.required or declared.key in free or declared.default is not None or _may_derive(cls, declared.key):
            continue
        yield Finding("Y013", f"{cls.__name__}.{declared.key}", "the field is required, though neither key nor name: an incomplete ledger could not come in")


def _may_derive(cls: type[Record], key: str) -> bool:
    """Whether derive() speaks of the field: asked of its text, since it may need any value."""
    own = next(base for base in cls.__mro__ if "derive" in base.__dict__).__dict__["derive"].__func__
    return key in own.__code__.co_consts or any(isinstance(each, tuple) and key in each for each in own.__code__.co_consts)


def _fields(cls: type[Record]) -> Iterator[Finding]:
    """Y007 Y008 Y015: a cell's rest has somewhere to go; sensitive fields stay in the house; only text is searched."""
    known = field_map(cls)
    for declared in fields(cls):
        where = f"{cls.__name__}.{declared.key}"
        if declared.spill_key:
            taker = known.get(declared.spill_key)
            fit = _SPILLS.get(declared.format.name)
            if taker is None or fit is None or taker.format.name not in fit:
                yield Finding("Y007", where, f"{declared.spill_key} cannot take what a {declared.format.name} spills")
        if declared.sensitive and declared.public:
            yield Finding("Y008", where, "a sensitive field cannot be public")
        if declared.sensitive and declared.search:
            yield Finding("Y008", where, "a sensitive field cannot be searched: the hits would tell the value")
        if (
            declared.search
            and not declared.sensitive
            and (isinstance(declared.format, (Choice, StateOf)) or not isinstance(cls.__table__.c[declared.attr].type, sa.String))
        ):
            yield Finding("Y015", where, f"a {declared.format.name} cannot be searched: the search looks into text")


#: which formats take what another one spills
_SPILLS: Mapping[str, frozenset[str]] = {"phone": frozenset({"mobile", "phone"}), "date_until": frozenset({"date"})}


def _words(cls: type[Record], registers: set[str], lists: set[str]) -> Iterator[Finding]:
    """Y009 Y010: code lists and linked registers are announced."""
    for declared in fields(cls):
        where, fmt = f"{cls.__name__}.{declared.key}", declared.format
        if isinstance(fmt, Choice) and fmt.code_list not in lists:
            yield Finding("Y009", where, f"no code list is called {fmt.code_list}")
        if isinstance(fmt, Link) and fmt.register not in registers:
            yield Finding("Y010", where, f"no register is called {fmt.register}")


def _headings(entry: Entry) -> Iterator[Finding]:
    """Y001 Y002: no heading of a sheet means two fields, the children's that it feeds included."""
    fed = (entry.register, *(child for child in children(entry.register) if child.__sheet__))
    for cls in (entry.register, *children(entry.register)):
        labels = Counter(str(declared.label) for declared in _declared(cls))
        for label in (label for label, times in labels.items() if times > 1 and label):
            yield Finding("Y001", cls.__name__, f"two fields are labelled {label}")
    claims: dict[str, set[str]] = {}
    for cls in fed:
        for column in cls.__table__.columns:
            declared = column.info.get("field")
            for heading in (str(declared.label), *declared.aliases) if declared is not None and declared.sheet else ():
                claims.setdefault(heading, set()).add(f"{cls.__name__}.{column.key}")
    for heading, claimants in claims.items():
        if len(claimants) > 1:
            yield Finding("Y002", entry.register.__name__, f"the heading {heading} is claimed by {' and '.join(sorted(claimants))}")


def _declared(cls: type[Record]) -> Iterator[Field]:
    return (column.info["field"] for column in cls.__table__.columns if "field" in column.info)


def _rights(entry: Entry) -> Iterator[Finding]:
    """Y011: the role table knows every role that has rights."""
    for role in entry.rights:
        if role not in set(Role):
            yield Finding("Y011", entry.register.__name__, f"no role is called {role}")


def _register_key(entry: Entry) -> Iterator[Finding]:
    """Y012 Y014: names that URLs, REST and commands can use, each for one thing."""
    register = entry.register
    if not re.fullmatch(r"[a-z][a-z_]*", register.__key__):
        yield Finding("Y014", register.__name__, f"the key {register.__key__!r} is not of small letters and underscores")
    if register.__key__.startswith(PREFIX):
        yield Finding("Y014", register.__name__, f"the key {register.__key__!r} begins like the tables of the search")
    if register.__key__ != register.__tablename__:
        yield Finding("Y014", register.__name__, f"the key {register.__key__!r} is not the table's name {register.__tablename__!r}")
    taken = {column.key for column in register.__table__.columns} | {column.key.removesuffix("_id") for column in register.__table__.columns}
    for child in children(register):
        if not re.fullmatch(r"[a-z][a-z_]*", child.__key__):
            yield Finding("Y014", child.__name__, f"the key {child.__key__!r} is not of small letters and underscores")
        if child.__key__ in taken:
            yield Finding("Y012", child.__name__, f"the key {child.__key__} is already a field or another child of {register.__key__}")
        taken.add(child.__key__)
