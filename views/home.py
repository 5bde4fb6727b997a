"""The first page: the desk for whoever is signed in, what is public for everybody else."""

from __future__ import annotations

from flask_appbuilder import IndexView, expose

from app.clock import local, now
from app.language import _
from app.scopes import scope_of
from views.desk import Desk, cards
from views.pages import current_session, render


class HomeView(IndexView):  # type: ignore[misc]
    """Visitors see the public registers and the way to sign in."""

    @expose("/")
    def index(self) -> str:
        """The desk, or the public home."""
        session = current_session()
        scope = scope_of(session)
        if not scope.actor.username:
            return render("home.html", areas=cards(session, scope))
        return render("desk/desk.html", desk=Desk(session), name=scope.actor.full_name, greeting=_greeting())


def _greeting() -> str:
    hour = local(now()).hour
    return _("早上好") if hour < 11 else _("中午好") if hour < 13 else _("下午好") if hour < 18 else _("晚上好")
