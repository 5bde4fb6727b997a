"""The tables of the trace, as statements name them: a schema on PostgreSQL, a prefix on SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

#: no migration holds them, like the tables of the search: a trace outlives what it traces
PREFIX = "trace_"


@dataclass(frozen=True)
class Trace:
    """The tables; `line` is the view that says what is sealed of an entry."""

    layout: Any
    act: Any
    entry: Any
    seal: Any
    link: Any
    line: Any


_COLUMNS: dict[str, dict[str, Any]] = {
    "layout": {"id": sa.Integer, "relation": sa.Text, "columns": sa.Text},
    "act": dict.fromkeys(("id", "batch"), sa.BigInteger)
    | {"at": sa.DateTime(timezone=True)}
    | dict.fromkeys(("actor", "roles", "role", "address", "road", "reason", "request"), sa.Text),
    "entry": dict.fromkeys(("id", "act", "row_id", "parent_id"), sa.BigInteger) | {"layout": sa.Integer, "kind": sa.Text, "image": sa.Text},
    "seal": {"id": sa.BigInteger, "at": sa.DateTime(timezone=True)},
    "link": dict.fromkeys(("position", "entry", "seal"), sa.BigInteger) | {"digest": sa.LargeBinary},
    "line": {"id": sa.BigInteger, "line": sa.Text},
}


@cache
def trace(dialect: str) -> Trace:
    """The tables on this kind of database."""
    postgresql = dialect == "postgresql"
    made = {}
    for name, columns in _COLUMNS.items():
        parts = [sa.column(key, kind) for key, kind in columns.items()]
        if name == "entry" and not postgresql:
            parts.append(sa.column("at", sa.DateTime(timezone=True)))
        made[name] = sa.table(name, *parts, schema="trace") if postgresql else sa.table(PREFIX + name, *parts)
    return Trace(**made)
