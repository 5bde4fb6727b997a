"""Migrations run both ways and end where the models stand."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_appbuilder import Model
from flask_migrate import downgrade, upgrade

import config
from app.database import db
from app.search.kept import in_history
from app.unmigrated import in_migrations
from tests.databases import Databases


@pytest.fixture
def empty(databases: Databases, tmp_path: Path) -> Iterator[Flask]:
    """The application over an empty database of its own."""
    from app.factory import create_app

    databases.create("scratch")
    app = create_app({"DATABASE_URL": databases._address("scratch"), "SECRET_KEY": "test", "JOBS_PATH": ":immediate:", "FILES_PATH": str(tmp_path)})
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _tables() -> set[str]:
    return {name for name in sa.inspect(db.engine).get_table_names() if in_migrations(name, "table", {})} - {"alembic_version"}


def _kept_by_the_search() -> set[str]:
    return {name for name in sa.inspect(db.engine).get_table_names() if not in_history(name, "table", {})}


def _differences() -> list[Any]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": in_migrations})
        return list(compare_metadata(context, Model.metadata))


def test_up_and_down_and_up_again(empty: Flask) -> None:
    upgrade()
    assert _tables() == set(Model.metadata.tables)
    assert _differences() == []
    assert {"search_agency", "search_policy"} <= _kept_by_the_search()
    downgrade(revision="base")
    assert _tables() == set()
    assert _kept_by_the_search() == set()
    upgrade()
    assert _tables() == set(Model.metadata.tables)


def test_the_accounts_tables_stand_in_our_history(empty: Flask) -> None:
    upgrade()
    assert {"ab_user", "ab_role", "agency", "import_batch"} <= _tables()


# killed half-way -----------------------------------------------------------------------------------

#: upgrades until it is about to run a statement that begins so, and kills itself there
KILLED = """
import os, signal, sys
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from app.factory import create_app
from flask_migrate import upgrade

@sa.event.listens_for(Engine, "before_cursor_execute")
def kill(_connection, _cursor, statement, *_rest):
    if " ".join(statement.split()).startswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)

app = create_app()
with app.app_context():
    upgrade()
"""
POINTS = {
    "in the middle of the first": "CREATE TABLE review ",
    "at an index": "CREATE INDEX ix_bulk_change_operator",
    "before the version is noted": "UPDATE alembic_version SET version_num='0003'",
    "after the tables of the search": "UPDATE alembic_version SET version_num='0004'",
    "at the first statement": "CREATE TABLE ab_permission ",
}


def _state() -> list[str]:
    """The whole schema and the version, as the database tells them."""
    postgresql = (
        "SELECT table_name || column_name || data_type || coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conname::text || contype::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    )
    with db.engine.connect() as connection:
        statements = postgresql if connection.dialect.name == "postgresql" else ("SELECT type || name || coalesce(sql, '') FROM sqlite_master",)
        # a table that SQLite copies to change a column gets its constraints in whatever order
        found = [
            "\n".join(sorted(line.strip(" \t,") for line in str(each).splitlines()))
            for statement in statements
            for each in connection.exec_driver_sql(statement).scalars()
        ]
        known = sa.inspect(connection).has_table("alembic_version")
        return sorted(found) + (list(connection.scalars(sa.text("SELECT version_num FROM alembic_version"))) if known else [])


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_an_upgrade_that_is_killed_leaves_whole_versions_and_goes_on(empty: Flask, databases: Databases, tmp_path: Path, point: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ |= {"DATABASE_URL": empty.config["DATABASE_URL"], "SECRET_KEY": "test", "INSTANCE_DIR": str(tmp_path), "PYTHONPATH": str(config.ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, point], env=environ, cwd=config.ROOT, capture_output=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    left = _state()
    reached = left[-1] if left and left[-1].isdigit() else "base"
    upgrade()
    complete = _state()
    assert _differences() == []
    db.engine.dispose()
    databases.create("scratch")
    if reached != "base":
        upgrade(revision=reached)
    assert [each for each in _state() if "alembic_version" not in each] == [each for each in left if "alembic_version" not in each]
    upgrade()
    assert _state() == complete


def test_a_migration_keeps_foreign_keys_sound(empty: Flask) -> None:
    """The next connection looks after them again."""
    upgrade()
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert connection.connection.driver_connection.isolation_level == ""


#: what the version before could not run on
TAKES_AWAY = {"drop_table", "drop_column", "rename_table", "drop_constraint"}


@pytest.mark.parametrize("file", sorted((config.ROOT / "models" / "migrations" / "versions").glob("*.py")), ids=lambda file: file.stem)
def test_the_version_before_runs_on_the_new_schema(file: Path) -> None:
    """A migration only adds. What is no longer used goes a release later, with a line `contract = "…"` that says since when."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    steps = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    said = any(isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "contract" for node in tree.body)
    for call in (node for node in ast.walk(steps) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        renames = any(word.arg == "new_column_name" for word in call.keywords)
        narrows = call.func.attr == "alter_column" and any(word.arg == "nullable" and getattr(word.value, "value", None) is False for word in call.keywords)
        assert said or not (call.func.attr in TAKES_AWAY or renames or narrows), f"{file.name}: {call.func.attr}"
