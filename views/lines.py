"""A page of lines behind a number of the desk: which records it counts, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import request

from app.language import _l
from app.queries import QueryError

SIZE = 25


@dataclass(frozen=True)
class Row:
    """A record, its page, and what the page says of it, column by column."""

    label: str
    link: str
    cells: list[str]


@dataclass
class Page:
    """What the template needs: tabs that narrow, the lines, the way to the other pages."""

    title: str
    quiet: str
    columns: list[str]
    count: int
    number: int
    empty: str
    rows: list[Row] = field(default_factory=list)
    #: label, address, whether it is the one that is open
    tabs: list[tuple[str, str, bool]] = field(default_factory=list)
    #: label and address of the same lines as files
    files: list[tuple[str, str]] = field(default_factory=list)

    @property
    def pages(self) -> int:
        """How many pages there are, one at least."""
        return max(1, -(-self.count // SIZE))

    def step(self, by: int) -> str:
        """The address of the page before or after; empty at the ends."""
        return here(page=self.number + by) if 1 <= self.number + by <= self.pages else ""


def here(**change: Any) -> str:
    """This page with other arguments; None takes one away, and every change starts at the first page."""
    kept = {name: value for name, value in request.args.items() if name != "page"}
    merged = {name: value for name, value in {**kept, **change}.items() if value not in {None, ""}}
    return request.path + (f"?{urlencode(merged)}" if merged else "")


def page_number(args: Mapping[str, str]) -> int:
    """The page asked for; QueryError when it is no number."""
    text = args.get("page", "1")
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise QueryError(_l("“%(name)s”应为 1 到 %(most)s 的整数", name="page", most=999_999))
    return int(text)


def day_of(args: Mapping[str, str], name: str) -> date | None:
    """A day among the arguments; QueryError when it is none."""
    text = args.get(name, "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise QueryError(_l("筛选条件“%(label)s”：%(why)s", label=name, why=_l("日期应写成 2026-03-15"))) from None
