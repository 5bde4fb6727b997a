"""What an import would do to each record: values only, nothing written."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.register import Child, Record, Register
from imports.rows import Issue


class Outcome(StrEnum):
    """What becomes of a record or child."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"


class Mode(StrEnum):
    """Which outcomes are wanted."""

    UPSERT = "upsert"
    INSERT = "insert"
    UPDATE = "update"


@dataclass(eq=False, slots=True)
class Planned:
    """A record or child as it will stand: `changes` maps field key to (old, new)."""

    cls: type[Record]
    outcome: Outcome
    numbers: list[int]
    after: dict[str, Any]
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    id: int | None = None
    version: int = 0


@dataclass(eq=False, slots=True)
class PlannedChild(Planned):
    """A child of a planned record."""


@dataclass(eq=False, slots=True)
class PlannedRecord(Planned):
    """A record of the register with the children that the file gives it."""

    children: list[PlannedChild] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    #: words of open code lists that nobody knew yet: (code list, word)
    words: list[tuple[str, str]] = field(default_factory=list)

    def child_counts(self) -> dict[tuple[str, str], int]:
        """How many children of which kind have which outcome."""
        counts: dict[tuple[str, str], int] = {}
        for child in self.children:
            key = child.cls.__key__, str(child.outcome)
            counts[key] = counts.get(key, 0) + 1
        return counts


__all__ = ["Child", "Mode", "Outcome", "Planned", "PlannedChild", "PlannedRecord", "Register"]
