"""Plain Flask-AppBuilder: forty ModelViews and ModelRestApis. Runs in an environment of its own."""

from __future__ import annotations

import os

import sqlalchemy as sa
from flask import Flask, g
from flask_appbuilder import AppBuilder, Model, ModelRestApi, ModelView
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.interface import SQLAInterface

MENU = 40
USERNAME, PASSWORD = "bench", "Weichang-2026"
TABLES = ["bench_small", "bench_middle", "bench_large", *(f"bench_{number}" for number in range(MENU - 3))]


def table(key: str) -> type:
    """A model of the sixteen columns."""
    columns = {
        **{name: sa.Column(sa.String(500)) for name in ("name", "code", "kind", "level", "legal_rep", "contact", "phone", "address", "scope")},
        "staff": sa.Column(sa.Integer),
        "area": sa.Column(sa.Numeric(14, 2)),
        **{name: sa.Column(sa.Date) for name in ("founded", "checked", "valid_to")},
        "active": sa.Column(sa.Boolean),
        "note": sa.Column(sa.Text),
    }
    return type(key.title().replace("_", ""), (Model,), {"__tablename__": key, "id": sa.Column(sa.Integer, primary_key=True), **columns})


def serve(appbuilder: AppBuilder, model: type, key: str, number: int) -> None:
    """The pages and the REST resource of a model."""
    names = [column.name for column in model.__table__.columns if column.name != "id"]
    facts = {"datamodel": SQLAInterface(model), "list_columns": names, "page_size": 25, "base_order": ("id", "desc")}
    view = type(f"{model.__name__}View", (ModelView,), {**facts, "route_base": f"/{key}"})
    appbuilder.add_view(view, key, category=f"Area {number % 4}")
    api = {**facts, "resource_name": key, "allow_browser_login": True, "datamodel": SQLAInterface(model)}
    appbuilder.add_api(type(f"{model.__name__}Api", (ModelRestApi,), api))


def make() -> Flask:
    """The application."""
    made = Flask("fab_peer")
    made.config.update(
        SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"],
        SECRET_KEY="a key of the benchmark, long enough",
        APP_NAME="营商台账",
        BABEL_DEFAULT_LOCALE="zh",
        LANGUAGES={"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "gb", "name": "English"}},
        FAB_UPDATE_PERMS=bool(os.environ.get("PREPARE")),
        FAB_CREATE_DB=bool(os.environ.get("PREPARE")),
    )
    db = SQLA(made)
    with made.app_context():
        builder = AppBuilder(made, db.session)
        for number, key in enumerate(TABLES):
            serve(builder, table(key), key, number)
        if os.environ.get("PREPARE"):
            Model.metadata.create_all(db.engine)
            builder.sm.add_user(USERNAME, "经办", "王", "bench@example.invalid", builder.sm.find_role("Admin"), PASSWORD)
        sa.event.listen(db.engine, "before_cursor_execute", note)
    made.after_request(tell)
    return made


def note(*_arguments):
    """Count a statement."""
    g.statements = g.get("statements", 0) + 1


def tell(answer):
    """Say in each answer how many statements it took."""
    answer.headers["X-Statements"] = str(g.get("statements", 0))
    return answer


app = make()
