"""Migrations run both ways and end where the models stand."""

from __future__ import annotations

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
