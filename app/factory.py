"""create_app(): the one file that joins models, views and imports."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

# Flask-AppBuilder's own tables are made by our migrations, its permissions by `flask install`.
from flask import Flask
from flask_appbuilder import AppBuilder
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import config
import models  # noqa: F401 - announces the registers
from app import access, assets, audit, backup, checks, clock, content_security, language, logs
from app.backup_commands import backup_command, restore_command
from app.cli import register_commands
from app.database import db, engine_options, guard_sessions
from app.encryption import commands as key_commands
from app.encryption import envelope
from app.history import evidence_commands, upkeep
from app.import_commands import imports_group
from app.install import register_install
from app.jobs import Jobs, worker
from app.language import _l
from app.retention import retention
from app.search import later
from app.security import SecurityManager, enter_scope
from app.signin import sessions, watch
from views import exports, health, import_jobs, register_views, undoing

csrf = CSRFProtect()
migrate = Migrate()


def create_app(overrides: dict[str, Any] | None = None) -> Flask:
    """The application; `overrides` replace settings (tests) by name."""
    clock.settle()
    settings = config.read() | (overrides or {})
    app = Flask("app", root_path=str(config.ROOT / "app"), instance_path=str(config.INSTANCE))
    app.config.from_mapping(_flask_settings(settings))
    if settings["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings["TRUSTED_PROXIES"], x_proto=settings["TRUSTED_PROXIES"])  # type: ignore[method-assign]
    app.json.sort_keys = False  # type: ignore[attr-defined] # fields in the order declared
    logs.configure(settings["LOG_FORMAT"])
    _folders(settings)
    envelope.install(app, settings)
    checks.ensure_sound()
    access.install(app)
    health.install(app)
    content_security.install(app)
    assets.install(app)
    audit.install(app)
    csrf.init_app(app)
    db.init_app(app)
    guard_sessions()
    watch.install(db.session)
    migrate.init_app(app, db, directory=str(config.ROOT / "models" / "migrations"), render_as_batch=True)
    with app.app_context():
        app.before_request(enter_scope)
        appbuilder = AppBuilder(app, db.session, security_manager_class=SecurityManager, update_perms=False)
        language.install(app)
        register_views(appbuilder)
    _background(app)
    register_commands(app)
    register_install(app)
    app.cli.add_command(worker)
    for command in (imports_group, evidence_commands.trace, key_commands.keys, retention, backup_command, restore_command):
        app.cli.add_command(command)
    return app


def _background(app: Flask) -> None:
    """The tasks that the worker knows."""
    jobs = Jobs(app)
    batches = ((import_jobs.CHECK, import_jobs.check_batch), (import_jobs.WRITE, import_jobs.commit_batch), (import_jobs.UNDO, undoing.undo_batch))
    for task, work in batches:
        jobs.register(task, work, partial(import_jobs.unfinished, task))
        jobs.repeat(task, partial(import_jobs.unfinished, task))
    jobs.register("export", exports.make, exports.unfinished)
    jobs.repeat("export", exports.unfinished)
    jobs.register("search", later.read, later.unread)
    jobs.repeat("search", later.unread, every=3600)  # it looks through all rows
    jobs.register("sessions", sessions.clear_all, lambda: [()])
    jobs.routine(upkeep.keep_up)
    jobs.routine(exports.clear)
    jobs.register("verify", upkeep.verify_daily, upkeep.verification_cut_off)
    jobs.repeat("verify", upkeep.verification_due)
    jobs.register("backup", backup.make_nightly, list)
    jobs.repeat("backup", backup.nightly)


def _folders(settings: dict[str, Any]) -> None:
    Path(settings["FILES_PATH"]).mkdir(parents=True, exist_ok=True)
    if settings["DATABASE_URL"].startswith("sqlite:///"):
        Path(settings["DATABASE_URL"].removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _flask_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Our settings under the names that Flask and its extensions read."""
    return settings | {
        "SQLALCHEMY_DATABASE_URI": settings["DATABASE_URL"],
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings["DATABASE_URL"]),
        "MAX_CONTENT_LENGTH": settings["UPLOAD_MEGABYTES"] * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 4 * 1024 * 1024,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings["SESSION_HOURS"]),
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(hours=settings["SESSION_HOURS"]),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings["HTTPS_ONLY"],
        "WTF_CSRF_TIME_LIMIT": None,
        "BABEL_DEFAULT_LOCALE": settings["APP_LANGUAGE"],
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "BABEL_TRANSLATION_DIRECTORIES": str(config.ROOT / "translations"),
        "LANGUAGES": {"zh_Hans": {"flag": "cn", "name": "中文"}, "en": {"flag": "gb", "name": "English"}},
        "APP_NAME": _l("营商台账"),
        "AUTH_TYPE": 1,
        "AUTH_ROLE_ADMIN": "security_admin",
        "AUTH_ROLE_PUBLIC": "public",
        "FAB_INDEX_VIEW": "views.home.HomeView",
        "FAB_BASE_TEMPLATE": "frame.html",
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_API_SWAGGER_UI": True,
        "FAB_API_KEY_ENABLED": False,  # their scopes are kept and never asked for
        "AUTH_RATE_LIMITED": False,  # app/signin/guessing.py counts, for the form and for programs
        "FAB_ADD_SECURITY_PERMISSION_VIEW": False,
        "FAB_ADD_SECURITY_VIEW_MENU_VIEW": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": False,
        "TEMPLATES_AUTO_RELOAD": bool(os.environ.get("FLASK_DEBUG")),
    }
