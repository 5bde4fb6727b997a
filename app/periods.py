"""Stretches of time that move with the day: this month, the next 90 days, already past."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from app.clock import SHANGHAI
from app.language import Text, _l

Bounds = tuple[date | None, date | None]


@dataclass(frozen=True)
class Period:
    """What it is called, and its first and last day as seen from a day (None: without end)."""

    label: Text
    bounds: Callable[[date], Bounds]


def _month(day: date) -> Bounds:
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _year(day: date) -> Bounds:
    return date(day.year, 1, 1), date(day.year, 12, 31)


def _next(days: int) -> Callable[[date], Bounds]:
    return lambda day: (day, day + timedelta(days=days))


#: a saved list keeps the name, so that it means the same tomorrow
PERIODS: Mapping[str, Period] = MappingProxyType(
    {
        "past": Period(_l("今天以前（已过期）"), lambda day: (None, day - timedelta(days=1))),
        "next7": Period(_l("未来 7 天"), _next(7)),
        "next30": Period(_l("未来 30 天"), _next(30)),
        "next90": Period(_l("未来 90 天"), _next(90)),
        "month": Period(_l("本月"), _month),
        "year": Period(_l("今年"), _year),
    }
)


def moment(day: date, *, end: bool = False) -> datetime:
    """The first or the last moment of a day in Shanghai."""
    return datetime.combine(day, time.max if end else time(), SHANGHAI)
