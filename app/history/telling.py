"""Entries of the trace in words, as the holder of a scope may read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from app import masking, registry
from app.accounts import by_name
from app.clock import local
from app.disclosure import PURPOSES
from app.formats import Link
from app.history.search import Entry
from app.history.words import DETAILS, actor_in_words, kind_label, road_label, titles
from app.language import _, listed
from app.lookup import DatabaseLookup
from app.register import Record, Register, children, field_map, fields
from app.roles import ROLE_LABELS, Role
from app.scopes import Actor, Scope

#: what is said to everybody: nobody's rights lift a mask
NOBODY = Scope(Actor(""))


@dataclass(frozen=True)
class Changed:
    """A field that an entry changed."""

    label: str
    old: str
    new: str


@cache
def class_of(relation: str) -> type[Record] | None:
    """The register or child that a traced table belongs to."""
    return next((cls for cls in registry.tables() if cls.__tablename__ == relation), None)


class Teller:
    """Says entries in words: fields by their labels, values masked unless the scope is clear."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self.scope = scope
        self._session = session
        self._lookup = DatabaseLookup(session)
        self._names: dict[str, str] = {}
        self._said: dict[str, str] = {}
        # sentences are looked up once: evidence says the same words a million times
        self._titles = {name: str(title) for name, title in titles().items()}
        self._shows: dict[type[Record], list[tuple[str, str, Callable[[Any], str]]]] = {}
        self.act, self.road, self.roles = cache(kind_label), cache(road_label), cache(_roles_in_words)

    def prepare(self, entries: Sequence[Entry]) -> None:
        """Ask for the names behind many entries at once."""
        unknown = {entry.actor for entry in entries} - self._names.keys()
        accounts = by_name(self._session, unknown)
        self._names |= {name: accounts[name].full_name if name in accounts else "" for name in unknown}
        for relation in {entry.relation for entry in entries if entry.values}:
            cls = class_of(relation)
            if cls is not None:
                self._prepare_links(cls, [entry for entry in entries if entry.relation == relation])

    def _prepare_links(self, cls: type[Record], entries: Iterable[Entry]) -> None:
        declared = fields(cls)
        self._lookup.prepare(declared)
        values = [kept for entry in entries for kept in (entry.values, entry.before) if kept]
        for each in declared:
            if isinstance(each.format, Link):
                self._lookup.prepare_ids(each.format.register, [kept[each.attr] for kept in values if isinstance(kept.get(each.attr), int)])

    # what stands in one entry -------------------------------------------------------------------

    def when(self, entry: Entry) -> str:
        """When, in Shanghai."""
        return f"{local(entry.at):%Y-%m-%d %H:%M:%S}" if entry.at else "—"

    def who(self, entry: Entry) -> str:
        """Who did it."""
        if entry.actor not in self._said:
            self._said[entry.actor] = actor_in_words(self._names, entry.actor)
        return self._said[entry.actor]

    def subject(self, entry: Entry) -> str:
        """What it was done to."""
        title = self._titles.get(entry.relation, entry.relation)
        return f"{title} #{entry.row}" if entry.row is not None else title or dict(self.details(entry)).get(str(DETAILS["subject"]), "")

    def changes(self, entry: Entry) -> list[Changed]:
        """The fields that an entry changed; of a deleted row, what went."""
        old, new = (entry.values, {}) if entry.kind == "delete" else (entry.before or {}, entry.values)
        cls = class_of(entry.relation)
        if cls is None:
            keys = [key for key in entry.values if new.get(key) != old.get(key)]
            return [Changed(key, _plain(old.get(key)), _plain(new.get(key))) for key in keys]
        found = []
        for attr, label, show in self._shown(cls):
            before, after = old.get(attr), new.get(attr)
            if before != after:
                found.append(Changed(label, show(before), show(after)))
        voided = new.get("void_reason")
        return found + ([Changed(_("作废原因"), "", str(voided))] if voided and not old.get("void_reason") else [])

    def _shown(self, cls: type[Record]) -> list[tuple[str, str, Callable[[Any], str]]]:
        if cls not in self._shows:
            self._shows[cls] = [(each.attr, str(each.label), masking.shower(self.scope, each, self._lookup)) for each in fields(cls)]
        return self._shows[cls]

    def details(self, entry: Entry) -> list[tuple[str, str]]:
        """What an entry that is not about a row's values says."""
        if entry.values or not entry.image:
            return []
        facts = facts_of(entry)
        if facts is None:
            return [("", entry.image)]
        if isinstance(facts.get("fields"), list):
            facts["fields"] = labels(entry.relation, facts["fields"])
        if "purpose" in facts:
            facts["purpose"] = purpose(facts["purpose"])
        return [(str(DETAILS.get(key, key)), _plain(value)) for key, value in facts.items() if value not in ("", [], None)]


def _roles_in_words(roles: str) -> str:
    return listed(str(ROLE_LABELS[Role(name)]) for name in roles.split() if name in set(Role))


def facts_of(entry: Entry) -> dict[str, Any] | None:
    """What an event says of itself; None where it is not to be read."""
    try:
        found = json.loads(entry.image)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def labels(relation: str, keys: Sequence[Any]) -> list[str]:
    """The labels of some fields of a table; what is no field any more keeps its name."""
    cls = class_of(relation)
    known = {key: str(declared.label) for key, declared in field_map(cls).items()} if cls is not None else {}
    for kind in children(cls) if cls is not None and issubclass(cls, Register) else ():
        known |= {f"{kind.__key__}.{each.key}": f"{kind.__title__} {each.label}" for each in fields(kind)}
    return [known.get(key, str(key)) for key in keys]


def purpose(key: str) -> str:
    """What somebody looked for, in words."""
    return str(PURPOSES.get(key, key))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("是") if value else _("否"))
    return "" if value is None else listed(map(str, value)) if isinstance(value, list) else str(value)
