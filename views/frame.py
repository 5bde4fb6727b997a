"""The frame of every page: the sidebar by area of work, the look that the person chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request, url_for

from app.language import Text, _, chinese
from app.scopes import Scope
from views.pages import current_session, reader

#: Flask-AppBuilder's own menu entries, whose icons are of a font that we do not carry
_ICONS = {"List Users": "ti-users", "List Roles": "ti-shield-lock", "List Groups": "ti-users-group", "Security": "ti-lock", "OpenApi": "ti-api"}


@dataclass(frozen=True)
class Entry:
    """One line of the sidebar."""

    label: str
    url: str
    icon: str
    here: bool


@dataclass(frozen=True)
class Area:
    """A group of the sidebar."""

    label: str
    entries: list[Entry]
    #: whether the group stands open: it holds the page, or the whole menu is short
    open: bool


@dataclass(frozen=True)
class Page:
    """A page beside the registers that has its line in the sidebar."""

    area: Text
    label: Text
    endpoint: str
    icon: str
    #: who may open it
    may: Callable[[Scope], bool]


def add_page(app: Flask, page: Page) -> None:
    """Give a page its line in the sidebar, at the end of its area."""
    app.extensions.setdefault("pages", []).append(page)


#: as many entries as a screen shows without scrolling
SHORT = 16


def sidebar() -> list[Area]:
    """The areas and pages that the reader may open."""
    appbuilder: Any = current_app.appbuilder  # type: ignore[attr-defined]
    allowed = appbuilder.sm.get_user_menu_access()
    session = current_session()
    # the page of a request that was refused before anybody acted has the registers' lines only
    beside = [page for page in current_app.extensions.get("pages", ()) if page.may(reader(session))] if "scope" in session.info else []
    areas = []
    for item in appbuilder.menu.get_list():
        below = [_entry(child) for child in item.childs if child.name != "-" and child.name in allowed] if item.name in allowed else []
        below += [_page(page) for page in beside if chinese(page.area) == item.name]
        if below:
            areas.append((str(_(str(item.label))), below))
    short = sum(len(entries) for _label, entries in areas) <= SHORT
    return [Area(label, entries, short or any(entry.here for entry in entries)) for label, entries in areas]


def _entry(item: Any) -> Entry:
    url = item.get_url()
    icon = item.icon if str(item.icon).startswith("ti-") else _ICONS.get(item.name, "ti-table")
    return Entry(str(_(str(item.label))), url, icon, _covers(url, request.path))


def _page(page: Page) -> Entry:
    url = url_for(page.endpoint)
    return Entry(str(page.label), url, page.icon, request.path.startswith(url))


def _covers(url: str, path: str) -> bool:
    """Whether a page belongs to a menu entry: /agency/show/7 to /agency/list/."""
    base = url.partition("?")[0].removesuffix("list/")
    return len(base) > 1 and path.startswith(base)


def look() -> dict[str, str]:
    """The attributes of the page for the look that the person chose in this browser."""
    theme = "dark" if request.cookies.get("theme") == "dark" else "light"
    density = "compact" if request.cookies.get("density") == "compact" else "comfortable"
    return {"data-bs-theme": theme, "data-density": density}
