"""What the trace costs: a statement that inserts or updates many rows of a register, with it and without, in one run.

.venv/bin/python -m bench.trace [rows]               SQLite, in a temporary folder
DATABASE_URL=postgresql+psycopg://… .venv/bin/python -m bench.trace [rows]     a database of its own, dropped afterwards

The register is the one of intermediary agencies with all its indexes. Each round takes both in turn;
the figure is the median of the rounds.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from flask_migrate import upgrade

from app.database import db
from app.factory import create_app
from app.history import chain, setup
from app.jobs import IMMEDIATE

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
ROUNDS = 5
NAME = "yingshang_bench_trace"

_NUMBERS = {
    "postgresql": f"generate_series(1, {ROWS}) AS n",
    "sqlite": f"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {ROWS}) SELECT n FROM c)",
}
INSERT = """INSERT INTO agency (name, uscc, legal_rep, registered_address, office_address, contact, office_phone, level1, publish_state, source,
row_version, created_by, created_at, changed_by, changed_at)
SELECT '承德某某安全技术服务有限公司第' || n, 'C' || (10000000 + n), '张三', '河北省承德市围场满族蒙古族自治县围场镇木兰中路' || n || '号',
'河北省承德市围场满族蒙古族自治县围场镇' || n || '号', '李四', '0314-7512345', 3, 'private', 'import', 1, 'wang', CURRENT_TIMESTAMP, 'wang', CURRENT_TIMESTAMP FROM """
UPDATE = "UPDATE agency SET remark = '已核对', row_version = row_version + 1, changed_at = CURRENT_TIMESTAMP"


@contextmanager
def _database(folder: str) -> Iterator[sa.Engine]:
    """The tables of the product in a database of their own."""
    server = os.environ.get("DATABASE_URL", "")
    url = f"sqlite:///{folder}/trace.db"
    if server:
        admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {NAME}")
            connection.exec_driver_sql(f"CREATE DATABASE {NAME}")
        url = sa.make_url(server).set(database=NAME).render_as_string(hide_password=False)
    app = create_app({"DATABASE_URL": url, "SECRET_KEY": "bench", "JOBS_PATH": IMMEDIATE, "FILES_PATH": f"{folder}/files"})
    with app.app_context():
        upgrade()
        yield db.engine
        db.engine.dispose()
    if server:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {NAME} WITH (FORCE)")
        admin.dispose()


def _traced(connection: sa.Connection, traced: bool) -> None:
    """Switch the triggers of the register on or off."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ALTER TABLE agency {'ENABLE' if traced else 'DISABLE'} TRIGGER USER")
    elif traced:
        setup.reconcile(connection)
    else:
        for name in [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'trace_agency_%'")]:
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"')


def _timed(engine: sa.Engine, statement: str) -> float:
    with engine.begin() as connection:
        started = time.perf_counter()
        connection.exec_driver_sql(statement)
    return time.perf_counter() - started


def _round(engine: sa.Engine, traced: bool) -> tuple[float, float]:
    with engine.begin() as connection:
        _traced(connection, traced)
    _empty(engine)
    return _timed(engine, INSERT + _NUMBERS[engine.dialect.name]), _timed(engine, UPDATE)


def _empty(engine: sa.Engine) -> None:
    """The register as new: what a round left must not weigh on the next."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ALTER TABLE agency DISABLE TRIGGER trace_truncate")
            connection.exec_driver_sql("TRUNCATE agency CASCADE")
            connection.exec_driver_sql("VACUUM ANALYZE trace.entry")
            connection.exec_driver_sql("CHECKPOINT")
        return
    with engine.begin() as connection:
        standing = [row[0] for row in connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'trace_agency_delete'")]
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS trace_agency_delete")
        connection.exec_driver_sql("DELETE FROM agency")
        for statement in standing:
            connection.exec_driver_sql(statement)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, _database(folder) as engine:
        found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for _number in range(ROUNDS):
            for traced in (False, True):
                found[traced].append(_round(engine, traced))
        print(f"{engine.dialect.name}, {ROWS:,} rows of agency, median of {ROUNDS} rounds")
        for place, what in enumerate(("insert", "update")):
            without, with_it = (statistics.median(each[place] for each in found[traced]) for traced in (False, True))
            print(f"{what}: {without:.2f} s without, {with_it:.2f} s with the trace: {with_it / without:.2f}x")
        seal(engine)


def seal(engine: sa.Engine) -> None:
    """Seal what the rounds left, and verify it."""
    for what, work in (("seal", chain.seal), ("verify", chain.verify)):
        started = time.perf_counter()
        with engine.begin() as connection:
            work(connection)
        print(f"{what}: {time.perf_counter() - started:.2f} s")
    with engine.connect() as connection:
        print(
            f"{connection.exec_driver_sql('SELECT count(*) FROM ' + ('trace.link' if engine.dialect.name == 'postgresql' else 'trace_link')).scalar():,} entries"
        )


if __name__ == "__main__":
    main()
