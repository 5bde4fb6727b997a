"""In the background: the search reads what a large import wrote."""

from __future__ import annotations

from typing import Any

from app import registry
from app.database import db
from app.search.keep import refill, waiting

JOB = "search"


def read(key: str) -> None:
    """Catch up in one register."""
    if registry.find(key) is not None:
        refill(db.session(), [key])


def unread() -> list[tuple[Any, ...]]:
    """The registers that a dead worker left behind."""
    return [(key,) for key in waiting(db.session())]
