"""The frame of every page: the sidebar by area of work, the look that the person chose."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from flask import Flask, current_app, request, url_for

from app.language import Text, _, chinese
from app.scopes import Scope
from views.pages import current_session, language_tag, reader

#: Flask-AppBuilder's own menu entries, whose icons are of a font that we do not carry
_ICONS = {"List Users": "ti-users", "List Roles": "ti-shield-lock", "List Groups": "ti-users-group", "Security": "ti-lock", "OpenApi": "ti-api"}


@dataclass(frozen=True)
class Entry:
    """One line of the sidebar."""

    label: str
    url: str
    icon: str
    #: whether the page that is shown belongs to it
    here: bool = False


#: what each area is called, and its lines
Areas: TypeAlias = "list[tuple[str, list[Entry]]]"


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
#: sidebars kept: one for each set of rights and language
MOST_KEPT = 200


def sidebar() -> list[Area]:
    """The areas and pages that the reader may open."""
    session = current_session()
    # the page of a request that was refused before anybody acted has the registers' lines only
    beside = [page for page in current_app.extensions.get("pages", ()) if page.may(reader(session))] if "scope" in session.info else []
    areas = [(label, [replace(each, here=True) if _covers(each.url) else each for each in entries]) for label, entries in _areas(beside)]
    short = sum(len(entries) for _label, entries in areas) <= SHORT
    return [Area(label, entries, short or any(entry.here for entry in entries)) for label, entries in areas]


def _areas(beside: Sequence[Page]) -> Areas:
    """The lines by area, kept as long as the process lives: rights, language and place of the product decide them."""
    appbuilder: Any = current_app.appbuilder  # type: ignore[attr-defined]
    allowed = frozenset(appbuilder.sm.get_user_menu_access())
    kept: dict[Hashable, Areas] = current_app.extensions.setdefault("sidebars", {})
    key = (request.script_root, language_tag(), allowed, tuple(page.endpoint for page in beside))
    if key not in kept:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = list(_drawn(appbuilder.menu.get_list(), allowed, beside))
    return kept[key]


def _drawn(menu: Sequence[Any], allowed: frozenset[str], beside: Sequence[Page]) -> Iterator[tuple[str, list[Entry]]]:
    for item in menu:
        below = [_entry(child) for child in item.childs if child.name != "-" and child.name in allowed] if item.name in allowed else []
        below += [Entry(str(page.label), url_for(page.endpoint), page.icon) for page in beside if chinese(page.area) == item.name]
        if below:
            yield str(_(str(item.label))), below


def _entry(item: Any) -> Entry:
    icon = item.icon if str(item.icon).startswith("ti-") else _ICONS.get(item.name, "ti-table")
    return Entry(str(_(str(item.label))), item.get_url(), icon)


def _covers(url: str) -> bool:
    """Whether the page asked for belongs to an entry: /agency/show/7 to /agency/list/."""
    base = url.partition("?")[0].removeprefix(request.script_root).removesuffix("list/")
    return len(base) > 1 and request.path.startswith(base)


def look() -> dict[str, str]:
    """The attributes of the page for the look that the person chose in this browser."""
    theme = "dark" if request.cookies.get("theme") == "dark" else "light"
    density = "compact" if request.cookies.get("density") == "compact" else "comfortable"
    return {"data-bs-theme": theme, "data-density": density}
