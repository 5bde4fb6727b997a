"""PostgreSQL's working database as it was prepared: what a test has changed is put back, table by table.

To make it anew from its template means to write it all and to wait for two checkpoints: for 1,400 tests that took longer than anything else
in their preparation. What has changed, the server counts itself; where the schema is another one, it is made anew after all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

#: rows inserted since the last time, and times put back, after which it is made anew: deleted rows leave holes behind
MOST_ROWS, MOST_TIMES = 5000, 60
#: the server counts at once what a connection that has ended did (before 15 a moment later)
OLDEST = 150000

_OURS = "SELECT oid FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_') AND nspname <> 'information_schema'"
_SHAPE = f"""
WITH ours AS ({_OURS}), class AS (SELECT * FROM pg_class WHERE relnamespace IN (SELECT oid FROM ours))
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
    SELECT concat('c', oid, relname, relkind, relowner, relacl, reloptions) AS part FROM class
    UNION ALL SELECT concat('a', attrelid, '.', attnum, '.', xmin) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM class)
    UNION ALL SELECT concat('t', oid, '.', xmin) FROM pg_trigger UNION ALL SELECT concat('r', oid, '.', xmin) FROM pg_rewrite
    UNION ALL SELECT concat('k', oid, '.', xmin) FROM pg_constraint UNION ALL SELECT concat('i', indexrelid, '.', xmin) FROM pg_index
    UNION ALL SELECT concat('p', oid, '.', xmin) FROM pg_proc WHERE pronamespace IN (SELECT oid FROM ours)
    UNION ALL SELECT concat('n', oid, '.', xmin) FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_temp') AND NOT starts_with(nspname, 'pg_toast_temp')
) AS every"""
_TABLES = f"""
SELECT c.oid, c.oid::regclass::text AS name, c.relfilenode AS file, s.n_tup_ins AS inserted, s.n_tup_upd + s.n_tup_del AS changed
FROM pg_class c JOIN pg_stat_all_tables s ON s.relid = c.oid WHERE c.relkind = 'r' AND c.relnamespace IN ({_OURS})"""
_LINKS = "SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f'"
_SEQUENCES = """
SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) AS name, coalesce(last_value, start_value) AS last, last_value IS NOT NULL AS called
FROM pg_sequences"""
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
_END_THEM = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@dataclass
class Prepared:
    """A database just made from its template, and what is known of it while nobody has touched it."""

    work: str
    template: str
    times: int = 0
    shape: str = ""
    tables: dict[int, Any] = field(default_factory=dict)
    sequences: dict[str, Any] = field(default_factory=dict)
    #: which table refers to which
    links: set[tuple[int, int]] = field(default_factory=set)
    #: the transaction after which a row of a table is a test's
    since: dict[int, int] = field(default_factory=dict)
    _kept: dict[str, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self._connected(self.work) as connection:
            self.shape = connection.exec_driver_sql(_SHAPE).scalar_one()
            self._note(connection)
            self.links = {(row[0], row[1]) for row in connection.exec_driver_sql(_LINKS)}
            number = connection.exec_driver_sql("SELECT pg_current_xact_id()::text::bigint").scalar_one()
            self.since = dict.fromkeys(self.tables, number)

    def put_back(self) -> bool:
        """Put back what has changed since; False when it must be made anew."""
        self.times += 1
        if self.times > MOST_TIMES:
            return False
        with self._connected(self.work) as connection:
            self._alone(connection)
            if connection.exec_driver_sql("SELECT current_setting('server_version_num')::int").scalar_one() < OLDEST:
                return False
            now = self._counted(connection)
            if connection.exec_driver_sql(_SHAPE).scalar_one() != self.shape or sum(now[oid].inserted - self.tables[oid].inserted for oid in now) > MOST_ROWS:
                return False
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # neither the trace nor the foreign keys look on
            self._tables(connection, now)
            for row in connection.exec_driver_sql(_SEQUENCES).all():
                if row != (before := self.sequences[row.name]):
                    connection.exec_driver_sql(f"SELECT setval('{row.name}', {before.last}, {before.called})")
            connection.commit()
            self._note(connection)
        return True

    def _tables(self, connection: sa.Connection, now: dict[int, Any]) -> None:
        touched = {oid for oid in now if now[oid][2:] != self.tables[oid][2:]}
        whole = {oid for oid in touched if (now[oid].file, now[oid].changed) != (self.tables[oid].file, self.tables[oid].changed)}
        while more := {below for below, above in self.links if above in whole} - whole:  # are emptied only together
            whole |= more
        for oid in touched - whole:
            connection.exec_driver_sql(f"DELETE FROM {now[oid].name} WHERE xmin::text::bigint > {self.since[oid]}")
        if whole:
            connection.exec_driver_sql(f"TRUNCATE {', '.join(now[oid].name for oid in whole)}")
            for oid in whole:
                self._fill(connection, now[oid].name)
            number = connection.exec_driver_sql("SELECT pg_current_xact_id()::text::bigint").scalar_one()
            self.since |= dict.fromkeys(whole, number)

    def _fill(self, connection: sa.Connection, name: str) -> None:
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN (FORMAT binary)") as copy:
            for part in self._content(name):
                copy.write(part)

    def _content(self, name: str) -> list[bytes]:
        """What the template has in a table; read once."""
        if name not in self._kept:
            with self._connected(self.template) as connection:
                driver: Any = connection.connection.driver_connection
                with driver.cursor() as cursor, cursor.copy(f"COPY {name} TO STDOUT (FORMAT binary)") as copy:
                    self._kept[name] = [bytes(part) for part in copy]
        return self._kept[name]

    def _note(self, connection: sa.Connection) -> None:
        """What the server has counted by now, our own work included."""
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        connection.commit()
        self.tables = self._counted(connection)
        self.sequences = {row.name: row for row in connection.exec_driver_sql(_SEQUENCES)}

    def _counted(self, connection: sa.Connection) -> dict[int, Any]:
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        return {row.oid: row for row in connection.exec_driver_sql(_TABLES)}

    def _alone(self, connection: sa.Connection) -> None:
        """Wait until whoever was connected has gone, and has been counted; send away who stays."""
        for turn in range(500):
            if not connection.exec_driver_sql(_OTHERS).scalar_one():
                return
            if turn == 20:
                connection.exec_driver_sql(_END_THEM)
            connection.rollback()
            time.sleep(0.002 if turn < 20 else 0.01)
        raise TimeoutError("somebody stays connected to the tests' database")

    def _connected(self, url: str) -> sa.Connection:
        return sa.create_engine(url, poolclass=sa.NullPool).connect()
