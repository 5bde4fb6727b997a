"""The page one starts from: the registers one may read, with what one may do there."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask_appbuilder import IndexView, expose
from sqlalchemy.orm import Session

from app import registry
from app.clock import local, now
from app.language import _
from app.registry import Entry
from app.roles import ROLE_LABELS, Verb
from app.scopes import Scope, scope_of
from views.pages import current_session, link_to, render


@dataclass(frozen=True)
class Card:
    """One register on the home page."""

    title: str
    icon: str
    count: int
    link: str
    add: str = ""
    bring: str = ""


class HomeView(IndexView):  # type: ignore[misc]
    """The home page; visitors see the public registers and the way to sign in."""

    @expose("/")
    def index(self) -> str:
        """Greeting and a card per register, by area."""
        session = current_session()
        scope = scope_of(session)
        roles = "、".join(str(label) for role, label in ROLE_LABELS.items() if role in scope.actor.roles)
        staff = bool(scope.actor.username)
        return render("home.html", areas=_areas(session, scope), staff=staff, name=scope.actor.full_name, roles=roles, greeting=_greeting())


def _greeting() -> str:
    hour = local(now()).hour
    return _("早上好") if hour < 11 else _("中午好") if hour < 13 else _("下午好") if hour < 18 else _("晚上好")


def _areas(session: Session, scope: Scope) -> list[tuple[str, list[Card]]]:
    grouped: dict[str, list[Card]] = {}
    for entry in registry.entries():
        if scope.may(entry.register, Verb.READ):
            grouped.setdefault(str(entry.area), []).append(_card(session, scope, entry))
    return list(grouped.items())


def _card(session: Session, scope: Scope, entry: Entry) -> Card:
    cls = entry.register
    count = session.scalar(sa.select(sa.func.count(cls.id)).where(cls.voided_at.is_(None))) or 0
    add = link_to(cls, "add") if scope.may(cls, Verb.ADD) else ""
    bring = link_to(cls, "upload") if scope.may(cls, Verb.IMPORT) else ""
    return Card(str(cls.__title__), entry.icon, count, link_to(cls, "list"), add, bring)
