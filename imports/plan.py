"""The plan of an import: what each record would become. Values only; nothing is written."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app import masking
from app.fields import Field
from app.language import Text, _l
from app.lookup import DatabaseLookup
from app.register import Child, Record, Register, field_map
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from imports import confirm, drafts, reading, remembered, rows, table
from imports.decide import Judge
from imports.decisions import NOTHING, Decisions
from imports.existing import Existing, Stored
from imports.outcome import Mode, Outcome, Planned, PlannedRecord
from imports.rows import Issue, Row
from imports.table import Table
from imports.targets import fed_children


@dataclass
class Plan:
    """What an import would do, row by row; `records` are in the file's order."""

    cls: type[Register]
    file: str
    sha256: str
    mode: Mode
    table: Table
    records: list[PlannedRecord] = field(default_factory=list)
    wrong: list[Issue] = field(default_factory=list)
    doubtful: list[Issue] = field(default_factory=list)
    seconds: float = 0.0
    #: the words that nobody knows, each once (`imports/answers.py`)
    questions: list[dict[str, object]] = field(default_factory=list)

    @property
    def new_words(self) -> dict[str, dict[str, int]]:
        """Words of open code lists that nobody knew yet, and how often good rows use them."""
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        for record in self.records:
            for name, word in record.words:
                counts[name][word] = counts[name].get(word, 0) + 1
        return dict(counts)

    def counts(self) -> dict[str, Any]:
        """The numbers of the report."""
        outcomes = Counter(str(record.outcome) for record in self.records)
        children: dict[str, dict[str, int]] = {child.__key__: {"new": 0, "changed": 0, "same": 0} for child in fed_children(self.cls) if self.feeds(child)}
        for record in self.records:
            for (name, outcome), count in record.child_counts().items():
                children[name][outcome] = children[name].get(outcome, 0) + count
        return {
            "rows": len(self.table.rows),
            **{name: outcomes[name] for name in ("new", "changed", "same")},
            "wrong": len({issue.row for issue in self.wrong}),
            "doubtful": len({issue.row for issue in self.doubtful}),
            "written": 0,
            "children": children,
        }

    def feeds(self, child: type[Child]) -> bool:
        """Whether some column of the file feeds this kind of child."""
        return any(column.target and column.target.child is child for column in self.table.columns)

    def digest(self) -> str:
        """A seal over every outcome and value: equal digests promise the same import."""
        facts = [self.cls.__key__, self.sha256, self.table.sheet, str(self.mode)]
        seal = hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode())
        for record in self.records:
            seal.update(json.dumps([record.facts(), *(child.facts() for child in record.children)], ensure_ascii=False, default=str).encode())
        return seal.hexdigest()

    def to_json(self, status: str = "planned", batch: int | None = None, message: Text = "", written: int = 0) -> dict[str, Any]:
        """The report that the command line and the result page give."""
        return {
            "register": self.cls.__key__,
            "file": self.file,
            "status": status,
            "batch": batch,
            "message": str(message),
            "sheet": self.table.sheet,
            "header_row": self.table.header_row,
            "columns": self.table.mapped(),
            "left_out": [each.to_json() for each in self.table.left_out],
            "counts": {**self.counts(), "written": written},
            "wrong": [issue.to_json() for issue in self.wrong],
            "doubtful": [issue.to_json() for issue in self.doubtful],
            "seconds": round(self.seconds, 2),
        } | ({"new_words": self.new_words} if self.new_words else {})

    def window(self, session: Session, start: int = 0, count: int = 50, outcome: Outcome | None = None) -> list[dict[str, Any]]:
        """Some records as the actor may see them: values as people read them, old and new per change."""
        chosen = [record for record in self.records if outcome is None or record.outcome is outcome][start : start + count]
        show = Display(scope_of(session), DatabaseLookup(session))
        return [show.record(record) for record in chosen]


def refused(register: str, file: str, message: Text, seconds: float = 0.0) -> dict[str, Any]:
    """The report of an import that never came to a plan."""
    return {
        "register": register, "file": file, "status": "refused", "batch": None, "message": str(message), "sheet": None, "header_row": None,
        "columns": {}, "left_out": [],
        "counts": {"rows": 0, "new": 0, "changed": 0, "same": 0, "wrong": 0, "doubtful": 0, "written": 0, "children": {}},
        "wrong": [], "doubtful": [], "seconds": round(seconds, 2),
    }  # fmt: skip


class Display:
    """Planned records as the actor may read them."""

    def __init__(self, scope: Scope, lookup: DatabaseLookup) -> None:
        self.scope = scope
        self.lookup = lookup

    def record(self, record: PlannedRecord) -> dict[str, Any]:
        """One record with its children and problems."""
        children = [{"key": child.cls.__key__, "title": str(child.cls.__title__), **self._planned(child)} for child in record.children]
        return {**self._planned(record), "children": children, "issues": [issue.to_json() for issue in record.issues]}

    def _planned(self, planned: Planned) -> dict[str, Any]:
        known = field_map(planned.cls)
        shown = {key: self._show(known[key], value) for key, value in planned.after.items() if key in known and value not in (None, "", [])}
        changes = [
            {"field": key, "label": str(known[key].label), "old": self._show(known[key], old), "new": self._show(known[key], new)}
            for key, (old, new) in planned.changes.items()
            if planned.outcome is Outcome.CHANGED and key in known
        ]
        return {"outcome": str(planned.outcome), "rows": planned.numbers, "id": planned.id, "values": shown, "changes": changes}

    def _show(self, declared: Field, value: Any) -> str:
        return masking.shown(self.scope, declared, value, self.lookup)


def make(
    session: Session,
    cls: type[Register],
    data: bytes,
    file: str,
    *,
    sheet: str | None = None,
    mode: Mode = Mode.UPSERT,
    decisions: Decisions = NOTHING,
) -> Plan:
    """Read a file and plan its import; raises Refused for the file or a decision that cannot hold, NotPermitted for the person."""
    started = time.perf_counter()
    scope = permitted(session, cls)
    found = table.find(reading.read(data), cls, sheet, decisions, remembered.recall(session, cls))
    plan = Plan(cls, file, hashlib.sha256(data).hexdigest(), Mode(decisions.mode or mode), found)
    lookup = DatabaseLookup(session)
    read = rows.read(found, lookup)
    _compare(session, scope, lookup, plan, read)
    plan.doubtful += rows.heading_doubts(found)
    plan.questions = found.questions.to_json(lookup)
    for row in read:
        plan.wrong += row.errors
        plan.doubtful += [] if row.errors else row.doubts
    plan.seconds = time.perf_counter() - started
    return plan


def permitted(session: Session, cls: type[Register]) -> Scope:
    """The session's scope when its actor may import into the register; raises NotPermitted."""
    scope = scope_of(session)
    if not scope.may(cls, Verb.IMPORT):
        raise NotPermitted(_l("您的角色不能向“%(title)s”导入数据", title=cls.__title__))
    return scope


def _compare(session: Session, scope: Scope, lookup: DatabaseLookup, plan: Plan, read: list[Row]) -> None:
    grouped = drafts.group(plan.cls, plan.table, read)
    _prepare_links(plan.cls, lookup, grouped)
    existing = Existing(session, scope, plan.cls)
    existing.prepare(grouped)
    matches = {draft: existing.match(draft) if draft.key else existing.alike(draft) for draft in grouped}
    matches = confirm.settle(plan.cls, plan.table, plan.table.questions.namesakes(lookup), existing, matches)
    ids = [stored.id for found in matches.values() for stored in found if stored.visible]
    children = {child: existing.children(child, ids) for child in fed_children(plan.cls) if plan.feeds(child)}
    judge = Judge(plan.table, plan.cls, scope, plan.mode, lookup)
    claimed: dict[int, Row] = {}
    for draft, found in matches.items():
        plan.records.append(judge.record(draft, found, _of(children, found), claimed))
    _settle_derived_doubts(plan, read)


def _prepare_links(cls: type[Register], lookup: DatabaseLookup, grouped: list[drafts.Draft]) -> None:
    """Find what the texts that name linked records mean, in few statements."""
    for declared in field_map(cls).values():
        if declared.named_by:
            texts = [draft.values.get(key) for draft in grouped for key in declared.named_by]
            lookup.prepare_texts(declared.format.register, [text for text in texts if text])  # type: ignore[attr-defined]


def _of(children: Mapping[type[Child], Mapping[int, list[Stored]]], found: list[Stored]) -> dict[type[Child], list[Stored]]:
    return {child: stored.get(found[0].id, []) for child, stored in children.items()} if len(found) == 1 else {}


def _settle_derived_doubts(plan: Plan, read: list[Row]) -> None:
    """A month-only day that the ID number completes is no doubt any more."""
    derived = {key for key, declared in field_map(plan.cls).items() if declared.derived}
    if not derived:
        return
    by_number = {number: record for record in plan.records for number in record.numbers}
    for row in read:
        record = by_number.get(row.number)
        follows = plan.cls.derive(record.after) if record and row.doubts else {}
        settled = {key for key in derived if record and follows.get(key) is not None and follows[key] == record.after.get(key)}
        row.doubts = [doubt for doubt in row.doubts if doubt.field not in settled]


__all__ = ["Mode", "Outcome", "Plan", "Record", "make", "permitted", "refused"]
