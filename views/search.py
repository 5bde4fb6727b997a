"""One box over everything: the page of the search, and what the command palette asks."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import registry
from app.formats import line
from app.language import _
from app.register import Register
from app.roles import Verb
from app.scopes import scope_of
from app.search.everywhere import Group, everywhere
from app.search.hits import matches
from app.search.text import words
from views.frame import sidebar
from views.pages import current_session, link_to, render

ON_PAGE, IN_PALETTE = 5, 3  # records of a register
REGISTERS = 8  # in the palette


class SearchView(BaseView):  # type: ignore[misc]
    """Looks for words in every register that the reader may read, visitors in what is published."""

    route_base = ""
    default_view = "page"

    @expose("/search", methods=("GET",))
    @has_access
    @permission_name("search")
    def page(self) -> str:
        """What each register has, the first records with the words marked."""
        text = _asked()
        groups = everywhere(current_session(), _registers(current_session()), text, ON_PAGE)
        icons = {entry.register: entry.icon for entry in registry.entries()}
        return render("search.html", text=text, groups=groups, pages=_pages(text), icons=icons, link_to=link_to)

    @expose("/search.json", methods=("GET",))
    @has_access
    @permission_name("search")
    def palette(self) -> Response:
        """The same in a few lines: pages by title and pinyin, then records, then the way to the whole page."""
        text = _asked()
        groups = everywhere(current_session(), _registers(current_session()), text, IN_PALETTE)[:REGISTERS]
        results = _pages(text) + [line for group in groups for line in _lines(group)]
        if text:
            results.append(
                {"text": _("在全部登记表里查找“%(text)s”", text=text), "url": url_for("SearchView.page", q=text), "icon": "ti ti-search", "where": ""}
            )
        return jsonify(results=results)


def _asked() -> str:
    return line(request.args.get("q", "").replace("\x00", ""))[:100]


def _registers(session: Session) -> list[type[Register]]:
    """The registers that the reader's roles and Flask-AppBuilder's table both open."""
    scope, manager = scope_of(session), current_app.appbuilder.sm  # type: ignore[attr-defined]
    every = [entry.register for entry in registry.entries()]
    return [cls for cls in every if scope.may(cls, Verb.READ) and manager.has_access(f"can_{Verb.READ.value}", cls.__key__)]


def _pages(text: str) -> list[dict[str, Any]]:
    """The pages of the menu whose title has every word."""
    typed = words(text)
    entries = [(area.label, entry) for area in sidebar() for entry in area.entries]
    fitting = [(area, entry) for area, entry in entries if typed and all(matches(entry.label, word) for word in typed)]
    return [{"text": entry.label, "url": entry.url, "icon": f"ti {entry.icon}", "where": area} for area, entry in fitting]


def _lines(group: Group) -> list[dict[str, str]]:
    icon = f"ti {registry.entry_of(group.cls).icon}"
    return [{"text": hit.name, "url": link_to(group.cls, "show", pk=hit.id), "icon": icon, "where": str(group.cls.__title__)} for hit in group.hits]
