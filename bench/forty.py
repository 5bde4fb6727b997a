"""Our side: a menu of forty registers, three of them with the bench's rows. gunicorn loads bench.forty:app."""

from __future__ import annotations

import os
from string import ascii_lowercase
from typing import Any

import sqlalchemy as sa
from flask import Flask, g

import models  # noqa: F401 - the product's own registers come first
from app import code_lists, registry
from app.factory import create_app
from app.registry import Entry
from app.roles import LEDGER
from bench.ledger import KIND, LEVEL, ledger
from bench.rows import SIZES

MENU = 40
USERNAME, PASSWORD = "bench", "Weichang-2026"


def announce() -> None:
    """Fill the menu up to forty entries."""
    code_lists.announce((KIND, LEVEL))
    keys = [*SIZES, *(f"bench_{one}{two}" for one in "abcd" for two in ascii_lowercase)][: MENU - len(registry.entries())]
    registry.announce(*(Entry(ledger(number, key), LEDGER, f"试验{number % 4}") for number, key in enumerate(keys)))


def prepare() -> None:
    """The database with everything in it but the rows."""
    from flask_migrate import upgrade

    from app.database import db
    from app.install import add_account, sync_permissions
    from app.roles import Role
    from app.scopes import SYSTEM, act_as
    from models.seed import seed

    with app.app_context():
        upgrade()
        for entry in registry.entries():
            entry.register.__table__.create(db.engine, checkfirst=True)  # type: ignore[attr-defined]
        act_as(db.session(), SYSTEM)
        seed(db.session())
        db.session.commit()
        sync_permissions()
        add_account(USERNAME, [Role(os.environ.get("BENCH_ROLE", Role.CLERK))], "基础股", name="王经办", password=PASSWORD, chosen=True)


def finish() -> None:
    """What the search looks into: our forms and imports keep it, rows from outside are filled in afterwards."""
    from app.database import db
    from app.scopes import SYSTEM, act_as
    from app.search.keep import refill
    from app.search.kept import reconcile

    with app.app_context():
        session = db.session()
        act_as(session, SYSTEM)
        reconcile(session.connection())
        session.commit()
        refill(session, SIZES)


def count_statements(application: Flask) -> Flask:
    """Say in each answer how many statements it took."""
    from app.database import db

    def note(*_arguments: Any) -> None:
        g.statements = g.get("statements", 0) + 1

    def tell(answer: Any) -> Any:
        answer.headers["X-Statements"] = str(g.get("statements", 0))
        return answer

    with application.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", note)
    application.after_request(tell)
    return application


announce()
app = count_statements(create_app())
