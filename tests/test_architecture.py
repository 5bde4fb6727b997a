"""What import-linter cannot say: who uses Flask-AppBuilder's views, how long files are, no way out of the house."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import config

ROOT = config.ROOT
VIEW_MODULES = ("flask_appbuilder.views", "flask_appbuilder.baseviews", "flask_appbuilder.api", "flask_appbuilder.widgets")
VIEW_NAMES = {"ModelView", "BaseView", "ModelRestApi", "IndexView", "SimpleFormView", "expose", "has_access"}
SOURCES = sorted(path for folder in ("app", "models", "imports", "views") for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[len(ROOT.parts)] != "views"], ids=str)
def test_only_views_use_the_view_classes(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("flask_appbuilder"):
            assert not (node.module or "").startswith(VIEW_MODULES)
            assert not {alias.name for alias in node.names} & VIEW_NAMES


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_file_holds_one_thing(path: Path) -> None:
    limit = 700 if path.name == "code_lists.py" and "models" in path.parts else 480  # words are data
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def test_no_page_reaches_outside() -> None:
    for path in (*ROOT.glob("app/templates/**/*.html"), *ROOT.glob("app/static/*.css"), *ROOT.glob("app/static/*.js")):
        found = re.findall(r"(?:src|href|url\(|@import)[=\"'( ]*(https?:)?//", path.read_text(encoding="utf-8"))
        assert not found, path
