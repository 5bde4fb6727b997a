"""Rules that several registers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app.language import Text, _l
from app.register import Problem


def in_order(values: Mapping[str, Any], first: str, then: str, first_label: Text, then_label: Text) -> Iterable[Problem]:
    """One day may not lie behind the other; the problem stands at the later field."""
    start, end = values.get(first), values.get(then)
    if start is not None and end is not None and start > end:
        yield Problem(then, "date_order", _l("“%(then)s”早于“%(first)s”，请核对", first=first_label, then=then_label))


def not_negative(values: Mapping[str, Any], *keys: str) -> Iterable[Problem]:
    """Numbers of people and things that cannot be below zero."""
    for key in keys:
        value = values.get(key)
        if value is not None and value < 0:
            yield Problem(key, "negative", _l("不能小于零"))


def in_range(values: Mapping[str, Any], keys: Iterable[str], low: int, high: int) -> Iterable[Problem]:
    """Numbers between two bounds, both allowed."""
    for key in keys:
        value = values.get(key)
        if value is not None and not low <= value <= high:
            yield Problem(key, "out_of_range", _l("应在 %(low)s 到 %(high)s 之间", low=low, high=high))


def none_of(column: Any, *values: str) -> sa.ColumnElement[bool]:
    """Whether a column holds none of these values; an empty one holds none."""
    return sa.or_(column.is_(None), column.not_in(values))
