"""What remote pickers ask for: records of a register by name, words of a long code list."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, jsonify, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.fields import Field
from app.formats import Choice, line
from app.lookup import DatabaseLookup
from app.queries import filterable
from app.register import Record, Register, children, field_map
from app.scopes import Scope, scope_of
from app.search.find import found as search
from app.search.hits import matches
from app.search.text import words
from views.pages import current_session

MOST = 20
RANKED = 5000  # so many are put in order, no more


class Pickers:
    """The picker's addresses; mixed into a register's view. Signed-in people only."""

    cls: type[Register]

    @expose("/lookup", methods=("GET",))
    @has_access
    @permission_name("read")
    def lookup(self) -> Response:
        """Up to twenty records within the reader's scope whose name or key holds the text."""
        session = _signed_in()
        return jsonify(results=found(session, self.cls, line(request.args.get("q", "").replace("\x00", ""))[:100]))

    @expose("/words/<field>", methods=("GET",))
    @has_access
    @permission_name("read")
    def words(self, field: str) -> Response:
        """Up to twenty words of a field's code list; a child's field is called `children.field`."""
        session = _signed_in()
        declared = _field(scope_of(session), self.cls, field)
        typed = words(request.args.get("q", "")[:100])
        options = DatabaseLookup(session).options(declared.format.code_list)  # type: ignore[attr-defined]
        fitting = [(code, label) for code, label in options if all(matches(label, word) or matches(code, word) for word in typed)]
        return jsonify(results=[{"id": code, "text": label} for code, label in fitting[:MOST]])


def _signed_in() -> Session:
    """The session, for people with an account: visitors fill in no form."""
    session = current_session()
    if not scope_of(session).actor.username:
        abort(403)
    return session


def _field(scope: Scope, cls: type[Register], path: str) -> Field:
    kind, dot, key = path.rpartition(".")
    owner: type[Record] | None = cls if not dot else next((child for child in children(cls) if child.__key__ == kind), None)
    declared = field_map(owner).get(key) if owner is not None else None
    if owner is None or declared is None or declared not in scope.readable(owner) or not isinstance(declared.format, Choice):
        abort(404)
    return declared


def found(session: Session, cls: type[Register], text: str) -> list[dict[str, Any]]:
    """Records that the search finds; those whose name begins with the text first, short names before long ones."""
    allowed = filterable(scope_of(session), cls)
    keys = [key[0] for key in cls.__keys__ if len(key) == 1 and key[0] in allowed]
    columns = [getattr(cls, field_map(cls)[key].attr) for key in dict.fromkeys([cls.__label__, *keys])]
    tests = [each.test for each in search(session, cls, text)]
    some = sa.select(cls.id, *columns).where(cls.voided_at.is_(None), *tests).order_by(cls.id).limit(RANKED).subquery()
    name = list(some.c)[1]
    starts = sa.case((name.startswith(text, autoescape=True), 0), else_=1)
    statement = sa.select(some).order_by(starts, sa.func.length(name), some.c.id).limit(MOST)
    unique = cls.__label_unique__ or (cls.__label__,) in cls.__keys__
    return [{"id": row[0], "text": _called(row[1], row[2:], unique)} for row in session.execute(statement)]


def _called(name: Any, keys: Any, unique: bool) -> str:
    key = next((value for value in keys if value), None)
    return str(name) if unique or not key or key == name else f"{name}（{key}）"
