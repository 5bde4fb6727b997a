"""Chinese labels are the message ids; the English catalogue translates them.

Everything that speaks to a person imports `_` (now) or `_l` (when shown) from here, so that no
other module needs to know which library does it.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

from flask import Flask, g
from flask_babel import Domain, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from markupsafe import escape

Text: TypeAlias = str | LazyString


def _escaped(text: LazyString) -> str:
    """flask-babel tells templates that its sentences are HTML, though they carry what people typed."""
    return str(escape(str(text)))


LazyString.__html__ = _escaped


def chinese(text: Text) -> str:
    """The Chinese of a label, whatever language is on: labels are their own message ids."""
    return text if isinstance(text, str) else str(text._args[0])  # noqa: SLF001 - flask-babel offers no other way


def taken_apart(text: Text) -> Any:
    """A sentence as JSON keeps it: its Chinese and what stands in it, so that each reader has it in his own language."""
    if isinstance(text, str):
        return text
    return [text._args[0], {name: taken_apart(each) if isinstance(each, (str, LazyString)) else _plain(each) for name, each in text._kwargs.items()}]  # noqa: SLF001 - flask-babel offers no other way


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float)) else str(value)


def put_together(kept: Any) -> Text:
    """The sentence that was taken apart."""
    if isinstance(kept, str):
        return kept
    said, facts = kept
    return _l(said, **{name: put_together(each) if isinstance(each, (str, list)) else each for name, each in facts.items()})


def listed(texts: Iterable[object]) -> str:
    """Several words in a row, as the language of the page puts them."""
    return str(_("、")).join(str(text) for text in texts)


class Sentences(Domain):  # type: ignore[misc]
    """The catalogue of a request's language, found once: a page says two hundred sentences."""

    def get_translations(self) -> Any:
        """The catalogue; the one before serves again unless the language changed on the way."""
        locale = get_locale()
        if locale is None:
            return super().get_translations()
        kept = g.get("sentences")
        if kept is None or kept[0] is not locale:
            kept = g.sentences = (locale, super().get_translations())
        return kept[1]


def install(app: Flask) -> None:
    """Let Flask-Babel ask us for the catalogue, and templates put words in a row."""
    app.extensions["babel"].instance.domain_instance = Sentences(domain=app.config.get("BABEL_DOMAIN", "messages"))
    app.jinja_env.filters["listed"] = listed


__all__ = ["LazyString", "Sentences", "Text", "_", "_l", "chinese", "install", "listed", "put_together", "taken_apart"]
