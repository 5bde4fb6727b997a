"""Chinese labels are the message ids; the English catalogue translates them.

Everything that speaks to a person imports `_` (now) or `_l` (when shown) from here, so that no
other module needs to know which library does it.
"""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

Text = str | LazyString

__all__ = ["LazyString", "_", "_l", "Text"]
