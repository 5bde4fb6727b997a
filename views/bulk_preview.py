"""The preview of a change of many records: how many change, stay, are refused and why; a window of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.bulk import BulkChange, Edit, Judged, Mode, Outcome, Work, judge_all
from app.fields import Field
from app.formats import Link
from app.language import Text, _
from app.register import Register, field_map
from app.scopes import scope_of
from views.bulk_form import word_of
from views.pages import link_to

WINDOW = 50
#: as many reasons as are told apart
MOST_REASONS = 10


@dataclass(frozen=True)
class Line:
    """One record: what it is called, what changes, why not."""

    link: str
    name: str
    changes: list[tuple[Text, str, str]]
    reasons: list[str]
    #: whether somebody changed it after the preview was made
    moved: bool


class BulkPreview:
    """What the preview shows to the person who planned the change."""

    def __init__(self, session: Session, cls: type[Register], change: BulkChange, work: Work, arguments: Mapping[str, str]) -> None:
        self.session, self.cls, self.change, self.work = session, cls, change, work
        self.scope, self.lookup = scope_of(session), work.lookup
        self.counts = change.counts
        wanted = arguments.get("outcome", "")
        self.outcome = Outcome(wanted) if wanted in set(Outcome) else next((each for each in Outcome if self.counts[each.value]), Outcome.CHANGED)
        text = arguments.get("page", "1")
        self.number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 and int(text) else 1

    @property
    def voids(self) -> bool:
        """Whether records are voided, rather than changed."""
        return bool(self.change.reason)

    @property
    def changed(self) -> int:
        """How many records would change."""
        return self.counts[Outcome.CHANGED.value]

    @property
    def refused(self) -> int:
        """How many records cannot be changed."""
        return self.counts[Outcome.REFUSED.value]

    def tabs(self) -> list[tuple[str, Text, int]]:
        """The three counts."""
        words = {
            Outcome.CHANGED: _("将作废") if self.voids else _("将修改"),
            Outcome.SAME: _("早已作废") if self.voids else _("不用改"),
            Outcome.REFUSED: _("不能作废") if self.voids else _("不能修改"),
        }
        return [(outcome.value, words[outcome], self.counts[outcome.value]) for outcome in Outcome]

    def asked(self) -> list[tuple[Text, Text, str]]:
        """What was chosen: field, what is done to it, value."""
        if not isinstance(self.work, Edit):
            return []
        self.lookup.prepare(self.work.declared)
        found = []
        for change, declared in zip(self.work.changes, self.work.declared, strict=True):
            value = None if change.mode is Mode.CLEAR else declared.format.parse(change.raw, self.lookup)
            found.append((declared.label, word_of(declared, change.mode), self._shown(declared, value)))
        return found

    def doubts(self) -> list[str]:
        """What should be looked at in the new values."""
        if not isinstance(self.work, Edit):
            return []
        pairs = [(change, declared) for change, declared in zip(self.work.changes, self.work.declared, strict=True) if change.mode in {Mode.SET, Mode.ADD}]
        return [str(doubt.message) for change, declared in pairs for doubt in declared.format.read(change.raw, self.lookup).doubts]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why records are refused, the commonest first."""
        return [(reason, count) for reason, count in self.change.reasons[:MOST_REASONS]]

    @property
    def pages(self) -> int:
        """How many windows there are."""
        return max(1, -(-self.counts[self.outcome.value] // WINDOW))

    def lines(self) -> list[Line]:
        """The window of records, values as this person may read them."""
        start = (self.number - 1) * WINDOW
        promised = {number: version for number, version, outcome in self.change.promised if outcome == self.outcome.value}
        window = list(promised)[start : start + WINDOW]
        found = {row.id: row for row in self.session.scalars(sa.select(self.cls).where(self.cls.id.in_(window)))}
        judged = judge_all(self.work, [found[number] for number in window if number in found])
        self._prepare_names(judged)
        return [self._line(each, promised[each.row.id]) for each in judged]

    def _prepare_names(self, judged: Sequence[Judged]) -> None:
        """Read the names behind links in bulk, those kept and those to come."""
        wanted: dict[str, set[int]] = {}
        for each in judged:
            for declared, *values in each.differences():
                if isinstance(declared.format, Link):
                    wanted.setdefault(declared.format.register, set()).update(value for value in values if isinstance(value, int))
        for register, ids in wanted.items():
            self.lookup.prepare_ids(register, ids)

    def _line(self, each: Judged, version: int) -> Line:
        label = field_map(self.cls)[self.cls.__label__]
        name = self._shown(label, getattr(each.row, label.attr)) or f"#{each.row.id}"
        readable = {declared.key for declared in self.scope.readable(self.cls)}
        changes = [
            (declared.label, self._shown(declared, old), self._shown(declared, new)) for declared, old, new in each.differences() if declared.key in readable
        ]
        moved = each.row.row_version != version or each.outcome is not self.outcome
        return Line(link_to(self.cls, "show", pk=each.row.id), name, changes, each.reasons, moved)

    def _shown(self, declared: Field, value: Any) -> str:
        return masking.shown(self.scope, declared, value, self.lookup)
