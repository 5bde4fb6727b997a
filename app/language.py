"""Chinese labels are the message ids; the English catalogue translates them.

Everything that speaks to a person imports `_` (now) or `_l` (when shown) from here, so that no
other module needs to know which library does it.
"""

from typing import TypeAlias

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

Text: TypeAlias = str | LazyString


def chinese(text: Text) -> str:
    """The Chinese of a label, whatever language is on: labels are their own message ids."""
    return text if isinstance(text, str) else str(text._args[0])  # noqa: SLF001 - flask-babel offers no other way


__all__ = ["LazyString", "Text", "_", "_l", "chinese"]
