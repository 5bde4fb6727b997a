"""What the preview of an undo shows: three counts that filter, a window of rows, old and new values as the reader may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.history import images
from app.language import Text, _
from app.lookup import DatabaseLookup
from app.register import Child, Record, fields
from app.scopes import scope_of
from imports.existing import same
from imports.undo_plan import Fate, Share, UndoPlan
from imports.undo_words import Teller
from views.lines import page_number
from views.pages import link_to

WINDOW = 50


@dataclass(frozen=True)
class Line:
    """One row: what it is called, where its record is, what goes back, why it stays."""

    title: str
    name: str
    link: str
    changes: list[tuple[Text, str, str]] = field(default_factory=list)
    why: Text = ""


class UndoPreview:
    """What the page shows to the person who may take the batch back."""

    def __init__(self, session: Session, plan: UndoPlan, arguments: Mapping[str, str]) -> None:
        self.session, self.plan, self.scope = session, plan, scope_of(session)
        self.counts = {fate: sum(len(getattr(share, fate.value)) for share in plan.shares) for fate in Fate}
        wanted = arguments.get("outcome", "")
        self.outcome = Fate(wanted) if wanted in set(Fate) else next((fate for fate in Fate if self.counts[fate]), Fate.VOIDED)
        self.number = page_number(arguments)

    @property
    def voided(self) -> int:
        """How many rows would be voided, children among them."""
        return self.counts[Fate.VOIDED]

    @property
    def put_back(self) -> int:
        """How many rows would get their values back, children among them."""
        return self.counts[Fate.PUT_BACK]

    @property
    def kept(self) -> int:
        """How many rows would stay."""
        return self.counts[Fate.KEPT]

    def tabs(self) -> list[tuple[str, Text, int]]:
        """The three counts."""
        words = {Fate.VOIDED: _("将作废"), Fate.PUT_BACK: _("将恢复"), Fate.KEPT: _("保留不动")}
        return [(fate.value, words[fate], self.counts[fate]) for fate in Fate]

    def below(self) -> list[tuple[Text, dict[str, int]]]:
        """The counts of each kind of children that the batch wrote."""
        return [(share.cls.__title__, counts) for share in self.plan.shares[1:] if any((counts := share.counts()).values())]

    @property
    def pages(self) -> int:
        """How many windows there are."""
        return max(1, -(-self.counts[self.outcome] // WINDOW))

    def lines(self) -> list[Line]:
        """The window of rows."""
        every = ((share, row) for share in self.plan.shares for row in getattr(share, self.outcome.value))
        start = (self.number - 1) * WINDOW
        window = list(islice(every, start, start + WINDOW))
        teller = Teller(self.session)
        teller.prepare([share.kept[row] for share, row in window if row in share.kept])
        for share in self.plan.shares:
            teller.prepare_rows(share.cls, [row for of, row in window if of is share])
        changes = self._changes(window)
        return [self._line(teller, share, row, changes.get((share.cls, row), [])) for share, row in window]

    def _line(self, teller: Teller, share: Share, row: int, changes: list[tuple[Text, str, str]]) -> Line:
        kept = share.kept.get(row)
        record = self._parents.get((share.cls, row)) if issubclass(share.cls, Child) else row
        link = link_to(self.plan.cls, "show", pk=record) if record is not None and teller.sees(share.cls, row) else ""
        return Line(str(share.cls.__title__), teller.name(share.cls, row), link, changes, teller.why(kept) if kept is not None else "")

    def _changes(self, window: list[tuple[Share, int]]) -> dict[tuple[type[Record], int], list[tuple[Text, str, str]]]:
        """What rows hold and what they get back, of what the reader reads; and the records above children."""
        found: dict[tuple[type[Record], int], list[tuple[Text, str, str]]] = {}
        self._parents: dict[tuple[type[Record], int], int] = {}
        connection = self.session.connection()
        for share in self.plan.shares:
            rows = [row for of, row in window if of is share]
            now = {row["id"]: row for row in connection.execute(sa.select(share.cls.__table__).where(share.cls.__table__.c.id.in_(rows))).mappings()}
            if issubclass(share.cls, Child):
                self._parents |= {(share.cls, number): row["parent_id"] for number, row in now.items()}
            back = [row for row in rows if row in share.put_back]
            then = images.opened(connection, [(share.cls.__table__, share.put_back[row]) for row in back])
            lookup = DatabaseLookup(self.session)
            both: list[Mapping[str, Any]] = [*(now[row] for row in back), *then]  # type: ignore[list-item]
            lookup.prepare_rows([{each.key: values.get(each.attr) for each in fields(share.cls)} for values in both], fields(share.cls))
            for row, values in zip(back, then, strict=True):
                found[share.cls, row] = [
                    (each.label, masking.shown(self.scope, each, now[row][each.attr], lookup), masking.shown(self.scope, each, values[each.attr], lookup))
                    for each in self.scope.readable(share.cls)
                    if each.attr in values and not same(values[each.attr], now[row][each.attr])
                ]
        return found
