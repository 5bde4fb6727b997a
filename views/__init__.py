"""What people see. The only folder that uses Flask-AppBuilder's view classes."""

from __future__ import annotations

from flask_appbuilder import AppBuilder


def register_views(appbuilder: AppBuilder) -> None:
    """Add every page and every REST resource."""
