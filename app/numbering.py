"""Numbers that we give: ZJ0001, ZJ0002, … to new records that bring none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.register import Record, field_map

DIGITS = 4


def give(connection: sa.Connection, cls: type[Record], records: Sequence[dict[str, Any]], beside: Sequence[str] = ()) -> None:
    """Number the records that have no number, on from the highest ever given (voided ones too) or spoken for `beside`."""
    key, prefix = cls.__number__
    blank = [values for values in records if not values.get(key)] if key else []
    if not blank:
        return
    column = cls.__table__.c[field_map(cls)[key].attr]
    given = [*beside, *(values[key] for values in records if values.get(key))]
    given += connection.scalars(sa.select(column).where(column.startswith(prefix, autoescape=True)))
    highest = max((int(match.group(1)) for number in given if (match := re.fullmatch(re.escape(prefix) + r"(\d+)", number))), default=0)
    for place, values in enumerate(blank, highest + 1):
        values[key] = f"{prefix}{place:0{DIGITS}d}"
