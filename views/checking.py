"""What a form asks while somebody types: what is wrong so far, what is doubtful, what follows from what was typed.

The same drafts as saving; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import jsonify, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from werkzeug.wrappers import Response

from app.fields import Field
from app.formats import is_blank
from app.records import Draft
from app.register import Register, fields, values_of
from views.editing import Editor
from views.forms import FormBuilder, prefix_of
from views.pages import current_session, find, link_to


class Checks:
    """Where a register's forms ask; mixed into its view."""

    cls: type[Register]

    @expose("/check", methods=("POST",))
    @has_access
    @permission_name("add")
    def check_new(self) -> Response:
        """Check the form of a new record with its children."""
        return findings(Editor(current_session(), self.cls, link_to(self.cls, "list")))

    @expose("/<int:pk>/check", methods=("POST",))
    @has_access
    @permission_name("edit")
    def check(self, pk: int) -> Response:
        """Check the form of an existing record."""
        session = current_session()
        return findings(Editor(session, self.cls, link_to(self.cls, "list"), find(session, self.cls, pk)))

    @expose("/<int:pk>/<kind>/check", methods=("POST",))
    @has_access
    @permission_name("edit")
    def check_child(self, pk: int, kind: str) -> Response:
        """Check the form of a child; `child` says which, where it exists already."""
        return findings(self.child_editor(pk, kind, request.args.get("child", type=int)))  # type: ignore[attr-defined]


def findings(editor: Editor) -> Response:
    """What was found in the form that was sent, by the names of its inputs."""
    family = editor.understand(request.form)
    start = values_of(editor.row) if editor.row is not None else {}
    found: dict[str, dict[str, Any]] = {"errors": {}, "doubts": {}, "filled": {}, "twins": {}}
    _note(found, editor.builder, family.own, start)
    for row, result in family.children:
        below = next(each for each in editor.kinds if each.kind is row.kind)
        _note(found, FormBuilder(editor.session, row.kind, below.fields, editor.lookup, prefix_of(row.kind, row.place), new=True), result, {})
    editor.session.rollback()
    return jsonify(found)


def _note(found: dict[str, dict[str, Any]], builder: FormBuilder, result: Draft, start: Mapping[str, Any]) -> None:
    prefix = builder.prefix
    found["errors"] |= {prefix + key: [str(text) for text in texts] for key, texts in result.errors.items()}
    found["doubts"] |= {prefix + key: [str(text) for text in texts] for key, texts in result.doubts.items()}
    found["filled"] |= {prefix + declared.key: _choice(builder, declared, result) for declared in _followed(builder, result, start)}
    if result.twin and (twin := builder.twin(result.twin[1])):
        found["twins"][prefix + result.twin[0]] = twin


def _followed(builder: FormBuilder, result: Draft, start: Mapping[str, Any]) -> Sequence[Field]:
    """The fields left blank whose value follows from others; never one that the person may not read."""
    defaults = {declared.key: declared.default for declared in fields(result.cls)}
    return [
        declared
        for declared in builder.fields
        if _blank(result.raw.get(declared.key))
        and builder.clear(declared)
        and not _blank(value := result.values.get(declared.key))
        and (declared.key in result.raw or value != (start or defaults).get(declared.key))
    ]


def _blank(value: object) -> bool:
    return value == [] or is_blank(value)


def _choice(builder: FormBuilder, declared: Field, result: Draft) -> list[dict[str, str]]:
    """A value as the control takes it: what it keeps, and how that is called."""
    made = builder.kept(declared, result.values.get(declared.key))
    labels = dict(made.options)
    return [{"value": value, "label": labels.get(value, value)} for value in made.chosen]
