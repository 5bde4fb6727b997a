"""The trace on SQLite: tables beside the others, filled by triggers row by row.

The file has one owner, so nothing here can keep him from bending it; the chain finds out. A row of
`trace_now` says whose transaction it is and lives only inside it: a function registered by us would
make every other client's writes fail. SQLite's REPLACE takes a row's place without calling the
trigger of what goes, unless the client sets `recursive_triggers`: then only the new row is seen.
"""

from __future__ import annotations

from app.history.relations import Relation

_CLOSED = ("layout", "act", "entry", "seal", "link")

_TABLES = """
CREATE TABLE IF NOT EXISTS trace_layout (
    id INTEGER PRIMARY KEY, relation TEXT NOT NULL, columns TEXT NOT NULL,
    since TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')), UNIQUE (relation, columns));
CREATE TABLE IF NOT EXISTS trace_act (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    actor TEXT NOT NULL, roles TEXT, role TEXT, address TEXT, road TEXT, reason TEXT, batch INTEGER, request TEXT);
CREATE INDEX IF NOT EXISTS trace_act_at ON trace_act (at);
CREATE INDEX IF NOT EXISTS trace_act_actor ON trace_act (actor, at);
CREATE TABLE IF NOT EXISTS trace_now (id INTEGER PRIMARY KEY CHECK (id = 1), act INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS trace_entry (
    id INTEGER PRIMARY KEY, act INTEGER, at TEXT, layout INTEGER, kind TEXT NOT NULL, row_id INTEGER, parent_id INTEGER, image TEXT);
CREATE INDEX IF NOT EXISTS trace_entry_row ON trace_entry (row_id, layout);
CREATE INDEX IF NOT EXISTS trace_entry_parent ON trace_entry (parent_id, layout) WHERE parent_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS trace_entry_act ON trace_entry (act);
CREATE TABLE IF NOT EXISTS trace_seal (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')), seen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS trace_link (
    position INTEGER PRIMARY KEY, entry INTEGER NOT NULL UNIQUE, seal INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE VIEW IF NOT EXISTS trace_line AS
    SELECT e.id, json_array(e.id, e.at, e.kind, l.relation, l.columns, e.row_id, e.parent_id, e.image,
        a.id, a.at, a.actor, a.roles, a.role, a.address, a.road, a.reason, a.batch, a.request) AS line
    FROM trace_entry e LEFT JOIN trace_act a ON a.id = e.act LEFT JOIN trace_layout l ON l.id = e.layout;
"""

#: the statements that make the tables, and close them to everything but adding
TABLES = [
    *(statement for statement in _TABLES.split(";\n") if statement),
    *(
        f"CREATE TRIGGER IF NOT EXISTS trace_{table}_no_{kind} BEFORE {kind.upper()} ON trace_{table}"
        " BEGIN SELECT RAISE(ABORT, 'the trace is only ever added to'); END"
        for table in _CLOSED
        for kind in ("update", "delete")
    ),
]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def image(relation: Relation, alias: str) -> str:
    """The expression that holds a row as an entry keeps it."""
    return "json_array(" + ", ".join(f"{alias}.{_quoted(column)}" for column in relation.columns) + ")"


def _entered(relation: Relation, layout: int, kind: str, alias: str) -> str:
    parent = f"{alias}.{_quoted(relation.parent)}" if relation.parent else "NULL"
    act = "(SELECT act FROM trace_now WHERE id = 1)"
    at = "CASE WHEN EXISTS (SELECT 1 FROM trace_now WHERE id = 1) THEN NULL ELSE strftime('%Y-%m-%d %H:%M:%f000', 'now') END"
    return f"{act}, {at}, {layout}, '{kind}', {alias}.id, {parent}, {image(relation, alias)}"


_COLUMNS = "act, at, layout, kind, row_id, parent_id, image"


def trigger_name(relation: Relation, kind: str) -> str:
    """The name of a trigger; a database has each name once."""
    return f"trace_{relation.name}_{kind}"


def triggers(relation: Relation, layout: int) -> dict[str, str]:
    """The statements that make a table leave its trace, by the triggers' names."""
    found = {}
    for kind, alias in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        name = trigger_name(relation, kind)
        changed = ""
        if kind == "update" and relation.only_changes:
            changed = " WHEN " + " OR ".join(f"NEW.{_quoted(column)} IS NOT OLD.{_quoted(column)}" for column in relation.columns)
        found[name] = (
            f"CREATE TRIGGER {_quoted(name)} AFTER {kind.upper()} ON {_quoted(relation.name)}{changed} BEGIN "
            f"INSERT INTO trace_entry ({_COLUMNS}) VALUES ({_entered(relation, layout, kind, alias)}); END"
        )
    return found


def base(relation: Relation, layout: int) -> str:
    """The statement that enters the rows that were there before the trace."""
    return f"INSERT INTO trace_entry ({_COLUMNS}) SELECT {_entered(relation, layout, 'base', 'n')} FROM {_quoted(relation.name)} n ORDER BY n.id"
