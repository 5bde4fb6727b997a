"""What we replace of Flask-AppBuilder: its templates, and the Python that makes HTML or that our mends copy.

After an upgrade read what changed upstream, bring ours up to it, then: .venv/bin/python -m tests.upstream
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import flask_appbuilder

FAB = Path(flask_appbuilder.__file__).parent
THEIRS = FAB / "templates" / "appbuilder"
OURS = Path(__file__).resolve().parent.parent / "app" / "templates" / "appbuilder"
KEPT = Path(__file__).with_suffix(".json")

#: Python of FAB that views/fab*.py and views/accounts.py put something else in the place of; read from its files, since
#: in a running application ours stand there
PYTHON: dict[str, tuple[str, ...]] = {
    "fieldwidgets.py": (),
    "upload.py": (),
    "fields.py": ("EnumField",),
    "forms.py": ("FieldConverter",),
    "widgets.py": ("RenderTemplateWidget", "SearchWidget"),
    "models/sqla/filters.py": ("set_value_to_type",),
    "models/sqla/interface.py": ("SQLAInterface.get_related_obj",),
    "baseviews.py": (
        "BaseView.get_redirect", "BaseView.update_redirect", "BaseCRUDView._get_show_widget", "BaseCRUDView._add", "BaseCRUDView._edit", "BaseCRUDView._delete",
    ),
    "views.py": ("ModelView.action", "ModelView.action_post", "ModelView.delete", "ModelView.download"),
    "babel/views.py": (),
    "charts/views.py": ("GroupByChartView.__init__",),
    "security/views.py": ("AuthView", "AuthDBView", "UserModelView", "UserDBModelView", "RoleModelView", "UserGroupModelView", "ResetPasswordView"),
}  # fmt: skip


def overridden() -> set[str]:
    """The names of the templates that both have."""
    return names(THEIRS) & names(OURS)


def names(folder: Path) -> set[str]:
    """The templates below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}


def hashes() -> dict[str, str]:
    """The state of upstream, as this release has it."""
    found = {f"templates/{name}": (THEIRS / name).read_bytes() for name in sorted(overridden())}
    for name, parts in PYTHON.items():
        text = (FAB / name).read_text(encoding="utf-8")
        found |= {f"{name}: {part}": _source(text, part).encode() for part in parts} or {name: text.encode()}
    return {name: hashlib.sha256(text).hexdigest() for name, text in found.items()}


def _source(text: str, name: str) -> str:
    """The source of a class, or of a method of one; empty when it is not there."""
    nodes: list[ast.stmt] = ast.parse(text).body
    node: ast.stmt | None = None
    for part in name.split("."):
        node = next((each for each in nodes if isinstance(each, (ast.ClassDef, ast.FunctionDef)) and each.name == part), None)
        nodes = node.body if isinstance(node, ast.ClassDef) else []
    return (ast.get_source_segment(text, node) or "") if node is not None else ""


if __name__ == "__main__":
    KEPT.write_text(json.dumps(hashes(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
