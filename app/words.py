"""New words of open code lists: kept as entries that wait for the list's keeper.

Whoever fills in a form brings such words, though only the keeper may write the list; so they go in
by a statement of their own, marked pending.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app import registry
from app.formats import Choice, Lookup
from app.register import Record, fields
from app.search import keep

NewWord = tuple[str, str]


def unknown(cls: type[Record], values: Mapping[str, Any], lookup: Lookup) -> list[NewWord]:
    """The list and word of every value that its open list does not know yet."""
    found: list[NewWord] = []
    for declared in fields(cls):
        value = values.get(declared.key)
        if isinstance(declared.format, Choice) and value and lookup.is_open(declared.format.code_list):
            codes = value if isinstance(value, list) else [value]
            found += [(declared.format.code_list, code) for code in codes if lookup.word(declared.format.code_list, code) is None]
    return list(dict.fromkeys(found))


def _without_known(connection: sa.Connection, words: list[NewWord]) -> list[NewWord]:
    if not words:
        return words
    table = registry.need("code").__table__.c
    pair = sa.tuple_(table.code_list, table.code)
    known = set(connection.execute(sa.select(table.code_list, table.code).where(table.voided_at.is_(None), pair.in_(words))).tuples())
    return [word for word in words if word not in known]


def await_keeper(connection: sa.Connection, words: Iterable[NewWord], stamp: Mapping[str, Any]) -> None:
    """Enter the words as pending; `stamp` holds who brought them, when, by which road.

    A word that came in a moment ago, with another child of the same record, is there already.
    """
    entry = registry.need("code")
    words = _without_known(connection, list(words))
    blank = {declared.attr: declared.default for declared in fields(entry)}
    rows = [blank | {"code_list": name, "code": word[:100], "label": word[:200], "word_state": "pending"} | dict(stamp) for name, word in words]
    if rows:
        connection.execute(sa.insert(entry.__table__), rows)  # type: ignore[arg-type]
        keep.catch_up(connection, entry)
