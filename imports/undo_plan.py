"""What taking a batch back would do: which rows are voided, which get their values back, which stay and why. Nothing is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.language import Text
from app.register import Record, Register
from imports.undo_keys import Wanted
from imports.undo_trail import Author

#: the column that says which import wrote a row last: it goes back with what the import changed
BATCH = "import_batch"


class Fate(StrEnum):
    """What becomes of a row that the batch wrote."""

    VOIDED = "voided"
    PUT_BACK = "put_back"
    KEPT = "kept"


class Why(StrEnum):
    """Why a row stays as it is."""

    EDITED = "edited"
    REFERRED = "referred"
    RECORD_STAYS = "record_stays"
    KEY_TAKEN = "key_taken"
    NOT_PERMITTED = "not_permitted"
    DESTROYED = "destroyed"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that stays: who edited it since, the row that refers to it or has its key, or the sentence of a right."""

    cls: type[Record]
    row: int
    why: Why
    author: Author | None = None
    #: the other row, where one is the reason: table and number
    other: tuple[str, int] | None = None
    said: Text = ""


@dataclass
class Share:
    """What becomes of the rows of one table."""

    cls: type[Record]
    #: the record above, by row (of a record itself None)
    voided: dict[int, int | None] = field(default_factory=dict)
    #: what the row gets back by column, as the trace keeps it, by row
    put_back: dict[int, dict[str, Any]] = field(default_factory=dict)
    kept: dict[int, Kept] = field(default_factory=dict)
    #: rows that the batch made
    made: set[int] = field(default_factory=set)
    #: the keys that rows get back
    keys: list[Wanted] = field(default_factory=list)

    def keep(self, kept: Kept) -> None:
        """Let a row stay after all."""
        self.voided.pop(kept.row, None)
        self.put_back.pop(kept.row, None)
        self.kept[kept.row] = kept

    def goes(self, row: int) -> bool:
        """Whether a row is voided or gets its values back."""
        return row in self.voided or row in self.put_back

    def counts(self) -> dict[str, int]:
        """How many rows have which fate."""
        return {fate.value: len(getattr(self, fate.value)) for fate in Fate}


@dataclass
class UndoPlan:
    """What taking a batch back would do, the record's own table first."""

    cls: type[Register]
    batch: int
    shares: list[Share]

    def counts(self) -> dict[str, Any]:
        """The numbers of the register, and of its children where the batch wrote some."""
        own, *below = self.shares
        return own.counts() | {"children": {share.cls.__key__: counts for share in below if any((counts := share.counts()).values())}}

    @property
    def written(self) -> int:
        """How many rows would be written."""
        return sum(len(share.voided) + len(share.put_back) for share in self.shares)

    @property
    def kept(self) -> Iterator[Kept]:
        """Every row that stays, by table and number."""
        return (share.kept[row] for share in self.shares for row in sorted(share.kept))

    def digest(self) -> str:
        """A seal over the fate of every row."""
        facts = [[share.cls.__key__, sorted(share.voided), sorted(share.put_back), sorted(share.kept)] for share in self.shares]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


__all__ = ["BATCH", "Fate", "Kept", "Share", "UndoPlan", "Why"]
