"""Our side of the import benchmark: the product with one register more.

python -c "from bench.import_ours import main; main()" prepare
… run FILE [--no-trace]      plan and commit, as a clerk
… read FILE                  reading, mapping and checking alone
… profile FILE               the same as `run`, by function, on standard error

The database is DATABASE_URL. gunicorn loads bench.import_ours:app. Not with -m: the process that reads files would load this
module too, and with it the application, which that of a product's command does not.
"""

from __future__ import annotations

import cProfile
import gc
import json
import pstats
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import models  # noqa: F401 - the product's own registers come first
from app import code_lists, registry
from app.accounts import actor_named
from app.database import db
from app.factory import create_app
from app.history import setup
from app.install import add_account, sync_permissions
from app.lookup import DatabaseLookup
from app.registry import Entry
from app.roles import LEDGER, Role
from app.scopes import SYSTEM, act_as
from app.search import kept
from bench.ledger import KIND, LEVEL, ledger
from imports import reading, rows, table
from imports.run import run as run_import

KEY = "bench_import"
USERNAME, PASSWORD = "bench", "Weichang-2026"

code_lists.announce((KIND, LEVEL))
LEDGER_CLASS = ledger(0, KEY)
registry.announce(Entry(LEDGER_CLASS, LEDGER, "试验"))
app = create_app()
gc.enable()  # begun with the collector at rest, as wsgi.py does


def prepare() -> None:
    """The database with everything in it but the rows."""
    from flask_migrate import upgrade

    from models.seed import seed

    upgrade()
    LEDGER_CLASS.__table__.create(db.engine, checkfirst=True)  # type: ignore[attr-defined]
    session = db.session()
    act_as(session, SYSTEM)
    seed(session)
    kept.reconcile(session.connection())
    setup.reconcile(session.connection())
    session.commit()
    sync_permissions()
    add_account(USERNAME, [Role.CLERK], "基础股", name="王经办", password=PASSWORD, chosen=True)


def run(file: Path) -> dict[str, Any]:
    """Import a file as the command line does; the report."""
    session = db.session()
    act_as(session, actor_named(USERNAME))
    _result, report = run_import(session, LEDGER_CLASS, file.read_bytes(), file.name)
    return report


def read(file: Path) -> dict[str, Any]:
    """What an import does before it asks what is stored."""
    session = db.session()
    act_as(session, actor_named(USERNAME))
    found = table.find(reading.read(file.read_bytes()), LEDGER_CLASS)
    read_rows = rows.read(found, DatabaseLookup(session))
    return {"counts": {"rows": len(read_rows), "wrong": sum(bool(row.errors) for row in read_rows)}}


def untraced(work: Callable[[Path], dict[str, Any]]) -> Callable[[Path], dict[str, Any]]:
    """The same without the register's triggers, in a database that is thrown away."""

    def running(file: Path) -> dict[str, Any]:
        with db.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"ALTER TABLE {KEY} DISABLE TRIGGER USER")
            else:
                for name in connection.scalars(sa.text(f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'trace_{KEY}_%'")).all():
                    connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
        return work(file)

    return running


def profile(file: Path) -> dict[str, Any]:
    """Where the time goes, by function, on standard error."""
    watched = cProfile.Profile()
    report: dict[str, Any] = watched.runcall(run, file)
    for order in ("cumulative", "tottime"):
        pstats.Stats(watched, stream=sys.stderr).strip_dirs().sort_stats(order).print_stats(70)
    return report


def main() -> None:
    """The command line above; says when the work was done and what it counted."""
    with app.app_context():
        if sys.argv[1] == "prepare":
            prepare()
            return
        chosen = {"run": run, "read": read, "profile": profile}[sys.argv[1]]
        found = (untraced(chosen) if "--no-trace" in sys.argv else chosen)(Path(sys.argv[2]))
        print(json.dumps({"finished": time.monotonic(), "counts": found["counts"]}))
