"""The trace on PostgreSQL: a schema of its own, written only by functions that belong to its owner.

One entry per row, from triggers that see a whole statement's rows at once: a trigger per row costs
twice as much. An entry holds the row as it became (a row that went, as it was), its values in the
order of a layout; what it was before is the entry before.
"""

from __future__ import annotations

from app.history.relations import Relation

SCHEMA = "trace"

_TABLES = """
CREATE SCHEMA IF NOT EXISTS trace;
CREATE TABLE IF NOT EXISTS trace.layout (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, relation text NOT NULL, columns text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (relation, columns));
CREATE TABLE IF NOT EXISTS trace.act (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), actor text NOT NULL, roles text, role text NOT NULL DEFAULT session_user,
    address text, road text, reason text, batch bigint, request text);
CREATE INDEX IF NOT EXISTS act_at ON trace.act (at);
CREATE INDEX IF NOT EXISTS act_actor ON trace.act (actor, at);
CREATE TABLE IF NOT EXISTS trace.entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint, act bigint NOT NULL,
    layout integer, kind text NOT NULL, row_id bigint, parent_id bigint, image text);
CREATE INDEX IF NOT EXISTS entry_row ON trace.entry (row_id, layout);
CREATE INDEX IF NOT EXISTS entry_parent ON trace.entry (parent_id, layout) WHERE parent_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_xid ON trace.entry USING brin (xid) WITH (pages_per_range = 16);
CREATE INDEX IF NOT EXISTS entry_act ON trace.entry USING brin (act) WITH (pages_per_range = 16);
CREATE TABLE IF NOT EXISTS trace.seal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), seen text NOT NULL);
CREATE TABLE IF NOT EXISTS trace.link (
    position bigint PRIMARY KEY, entry bigint NOT NULL UNIQUE, seal bigint NOT NULL, digest bytea NOT NULL);
CREATE OR REPLACE VIEW trace.line AS
    SELECT e.id, e.xid, ROW(e.id, e.xid, e.kind, l.relation, l.columns, e.row_id, e.parent_id, e.image,
        a.id, a.xid, a.at, a.actor, a.roles, a.role, a.address, a.road, a.reason, a.batch, a.request)::text AS line
    FROM trace.entry e LEFT JOIN trace.act a ON a.id = e.act LEFT JOIN trace.layout l ON l.id = e.layout;
"""

#: the statements that make the schema
TABLES = [statement for statement in _TABLES.split(";\n") if statement]

#: values as text must not depend on who writes them
_PLAIN = "SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'iso_8601' SET extra_float_digits = 1"

FUNCTIONS = {
    # an act of another transaction, or none: then it is whoever is connected
    "this_act()": f"""RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER {_PLAIN} AS $f$
DECLARE mine bigint;
BEGIN
    SELECT a.id INTO mine FROM trace.act a WHERE a.id::text = current_setting('trace.act', true) AND a.xid = pg_current_xact_id()::text::bigint;
    IF mine IS NULL THEN
        INSERT INTO trace.act (actor, address) VALUES ('database:' || session_user, host(inet_client_addr())) RETURNING id INTO mine;
        PERFORM set_config('trace.act', mine::text, true);
    END IF;
    RETURN mine;
END $f$""",
    "open_act(who text, roles text, address text, road text, reason text, batch bigint, request text)": f"""
RETURNS void LANGUAGE plpgsql SECURITY DEFINER {_PLAIN} AS $f$
DECLARE mine bigint;
BEGIN
    IF starts_with(who, 'database:') THEN RAISE EXCEPTION 'only the trace itself names a database role as actor'; END IF;
    INSERT INTO trace.act (actor, roles, address, road, reason, batch, request) VALUES (who, roles, address, road, reason, batch, request)
        RETURNING id INTO mine;
    PERFORM set_config('trace.act', mine::text, true);
END $f$""",
    "note(what text, of_relation text, of_row bigint, details text)": f"""RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER {_PLAIN} AS $f$
DECLARE number bigint;
BEGIN
    IF what IN ('base', 'insert', 'update', 'delete', 'truncate') THEN RAISE EXCEPTION 'only triggers note what happens to rows'; END IF;
    INSERT INTO trace.entry (act, layout, kind, row_id, image)
        VALUES (trace.this_act(), (SELECT max(id) FROM trace.layout WHERE relation = of_relation), what, of_row, details) RETURNING id INTO number;
    RETURN number;
END $f$""",
    # Entries count by what each seal could see: an id may be committed long after a higher one. A database that was
    # restored elsewhere counts transactions anew: then everything that stands unsealed comes in.
    "seal()": f"""RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER {_PLAIN} AS $f$
DECLARE
    before pg_snapshot; this_seal bigint; place bigint; last_digest bytea; each record; sealed bigint := 0; elsewhere boolean; first bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('trace.seal'));
    SELECT seen::pg_snapshot INTO before FROM trace.seal ORDER BY id DESC LIMIT 1;
    before := coalesce(before, '1:1:'::pg_snapshot);
    SELECT position, digest INTO place, last_digest FROM trace.link ORDER BY position DESC LIMIT 1;
    place := coalesce(place, 0);
    last_digest := coalesce(last_digest, '\\x'::bytea);
    elsewhere := pg_snapshot_xmax(pg_current_snapshot()) < pg_snapshot_xmax(before);
    first := CASE WHEN elsewhere THEN 0 ELSE pg_snapshot_xmin(before)::text::bigint END;
    FOR each IN
        WITH this AS MATERIALIZED (SELECT pg_current_snapshot() AS seen)
        SELECT v.id, v.line, this.seen FROM this, trace.line v
        WHERE v.xid >= first
          AND CASE WHEN elsewhere THEN NOT EXISTS (SELECT FROM trace.link k WHERE k.entry = v.id)
              ELSE pg_visible_in_snapshot(v.xid::text::xid8, this.seen) AND NOT pg_visible_in_snapshot(v.xid::text::xid8, before) END
        ORDER BY v.xid, v.id
    LOOP
        IF sealed = 0 THEN INSERT INTO trace.seal (seen) VALUES (each.seen::text) RETURNING id INTO this_seal; END IF;
        place := place + 1;
        sealed := sealed + 1;
        last_digest := sha256(last_digest || convert_to(each.line, 'UTF8'));
        INSERT INTO trace.link (position, entry, seal, digest) VALUES (place, each.id, this_seal, last_digest);
    END LOOP;
    RETURN sealed;
END $f$""",
}


def functions() -> list[str]:
    """The functions by which alone the trace is written."""
    return [f"CREATE OR REPLACE FUNCTION trace.{head} {body}" for head, body in FUNCTIONS.items()]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _row(relation: Relation, alias: str) -> str:
    return "ROW(" + ", ".join(f"{alias}.{_quoted(column)}" for column in relation.columns) + ")"


def image(relation: Relation, alias: str) -> str:
    """The expression that holds a row as an entry keeps it."""
    return f"{_row(relation, alias)}::text"


def bodies(relation: Relation, layout: int) -> dict[str, str]:
    """What the triggers of a table do, by event."""
    parent = f"n.{_quoted(relation.parent)}" if relation.parent else "NULL"
    columns = "act, layout, kind, row_id, parent_id, image"
    insert = f"INSERT INTO trace.entry ({columns}) SELECT mine, {layout}, '{{kind}}', n.id, {parent}, {image(relation, 'n')} FROM {{rows}}"
    changed = f" JOIN gone o USING (id) WHERE {_row(relation, 'n')} IS DISTINCT FROM {_row(relation, 'o')}" if relation.only_changes else ""
    texts = {
        "insert": insert.format(kind="insert", rows="fresh n"),
        "update": insert.format(kind="update", rows="fresh n" + changed),
        "delete": insert.format(kind="delete", rows="gone n"),
        "truncate": f"INSERT INTO trace.entry (act, layout, kind) VALUES (mine, {layout}, 'truncate')",
    }
    seen = {"insert": "fresh n", "update": "fresh n" + changed, "delete": "gone n"}
    result = {}
    for kind, text in texts.items():
        test = f"IF NOT EXISTS (SELECT FROM {seen[kind]}) THEN RETURN NULL; END IF;" if kind in seen else ""
        result[kind] = f"\nDECLARE mine bigint;\nBEGIN\n{test}\nmine := trace.this_act();\n{text};\nRETURN NULL;\nEND "
    return result


_TABLES_SEEN = {
    "insert": "REFERENCING NEW TABLE AS fresh",
    "update": "REFERENCING OLD TABLE AS gone NEW TABLE AS fresh",
    "delete": "REFERENCING OLD TABLE AS gone",
    "truncate": "",
}


def trigger_name(kind: str) -> str:
    """The name of a trigger; each table has one for each kind of statement."""
    return f"trace_{kind}"


def triggers(relation: Relation, layout: int) -> list[str]:
    """The statements that make a table leave its trace."""
    statements = []
    for kind, body in bodies(relation, layout).items():
        function = f"trace.{_quoted(f'{relation.name}_{kind}')}()"
        statements.append(f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {_PLAIN} AS $f${body}$f$")
        statements.append(
            f"CREATE OR REPLACE TRIGGER {trigger_name(kind)} AFTER {kind.upper()} ON {_quoted(relation.name)} {_TABLES_SEEN[kind]} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}"
        )
    return statements


def base(relation: Relation, layout: int) -> str:
    """The statement that enters the rows that were there before the trace."""
    parent = f"n.{_quoted(relation.parent)}" if relation.parent else "NULL"
    values = f"(SELECT trace.this_act()), {layout}, 'base', n.id, {parent}, {image(relation, 'n')}"
    return f"INSERT INTO trace.entry (act, layout, kind, row_id, parent_id, image) SELECT {values} FROM {_quoted(relation.name)} n ORDER BY n.id"
