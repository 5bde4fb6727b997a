"""What every page of ours needs: the session, the record of an address, the frame, the way to other pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask import abort, current_app, render_template, url_for
from flask_babel import get_locale
from sqlalchemy.orm import Session

from app import registry
from app.accounts import by_name
from app.database import db
from app.language import Text, _l
from app.register import Child, Record, Register
from app.roles import Verb
from app.scopes import Scope, scope_of

#: the step that needs a field, as the hint says it
NEEDS: dict[str, Text] = {
    "verify": _l("核验前需要"),
    "publish": _l("公开前需要"),
    "appoint": _l("聘任前需要"),
    "conclude": _l("出具结论前需要"),
    "archive": _l("归档前需要"),
}


def current_session() -> Session:
    """The session of this request; it acts for whoever is signed in."""
    session: Session = db.session()
    return session


def need(key: str) -> Text:
    """In words, which step needs a field."""
    return NEEDS.get(key, _l("后续办理前需要"))


def find(session: Session, cls: type[Record], pk: int, *tests: sa.ColumnElement[bool]) -> Any:
    """The record of that number within the reader's scope; 404 when there is none."""
    row = session.scalar(sa.select(cls).where(cls.id == pk, *tests)) if 0 < pk < 2**31 else None
    if row is None:
        abort(404)
    return row


def find_child(session: Session, cls: type[Register], pk: int, kind: type[Child], child_id: int) -> tuple[Any, Any]:
    """A record and one of its children; 404 unless they belong together."""
    parent = find(session, cls, pk)
    return parent, find(session, kind, child_id, kind.parent_id == parent.id)  # type: ignore[arg-type]


def endpoint_of(cls: type[Register]) -> str:
    """The name under which a register's pages are found."""
    return f"{cls.__name__}View"


def link_to(cls: type[Register], page: str, **arguments: Any) -> str:
    """The address of a page of a register."""
    return url_for(f"{endpoint_of(cls)}.{page}", **arguments)


def has_page(cls: type[Register], page: str) -> bool:
    """Whether a register has a page of that name."""
    return f"{endpoint_of(cls)}.{page}" in current_app.view_functions


def link_to_record(scope: Scope, key: str, record_id: object) -> str:
    """The address of a linked record; empty for readers who may not open its register."""
    cls = registry.find(key)
    if cls is None or not isinstance(record_id, int) or not scope.may(cls, Verb.READ) or not scope.actor.username:
        return ""
    return link_to(cls, "show", pk=record_id)


def render(template: str, **facts: Any) -> str:
    """A page in Flask-AppBuilder's frame."""
    appbuilder = current_app.appbuilder  # type: ignore[attr-defined]
    return render_template(template, appbuilder=appbuilder, base_template=appbuilder.base_template, **facts)


def people(session: Session, usernames: Iterable[str | None]) -> dict[str, str]:
    """The names behind account names, in one statement; what is no account keeps its name."""
    wanted = {name for name in usernames if name}
    return {name: name for name in wanted} | {name: account.full_name for name, account in by_name(session, wanted).items()}


def language_tag() -> str:
    """The language of the page as HTML names it."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh-CN"


def reader(session: Session) -> Scope:
    """Who reads."""
    return scope_of(session)
