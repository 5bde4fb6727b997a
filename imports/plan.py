"""The plan of an import: what each record would become. Values only; nothing is written."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.clock import now
from app.language import Text, _l
from app.lookup import DatabaseLookup
from app.register import Child, Register, field_map
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from imports import confirm, drafts, reading, remembered, rounds, rows, table, template, versions
from imports.decide import Judge
from imports.decisions import NOTHING, Decisions
from imports.drafts import Scattered
from imports.excerpt import Excerpt, heads_of
from imports.existing import Existing, Stored
from imports.outcome import Mode, Outcome, PlannedRecord
from imports.parts import ROWS, Held, Part, Parts, packed, spelled, unpack
from imports.pause import without_collector
from imports.rounds import Earlier
from imports.rows import Issue
from imports.table import Table
from imports.targets import fed_children

#: all rows as one part
ALL = 1 << 31


@dataclass
class Plan:
    """What an import would do, row by row; the records stand packed in `parts`, in the file's order."""

    cls: type[Register]
    file: str
    sha256: str
    mode: Mode
    table: Table
    parts: Parts = field(default_factory=Held)
    tally: Counter[str] = field(default_factory=Counter)
    #: how many children of a kind have which outcome
    children: dict[str, dict[str, int]] = field(default_factory=dict)
    #: words of open code lists that nobody knew yet, and how often good rows use them
    new_words: dict[str, dict[str, int]] = field(default_factory=dict)
    #: numbers of records that the file brings itself, where the register gives numbers
    given: list[str] = field(default_factory=list)
    #: what to say of the template that the file was filled in on
    news: Text = ""
    digest: str = ""
    #: the moment of the check: what people change after it, its person has not seen
    checked: str = ""
    seconds: float = 0.0
    #: the words that nobody knows, each once (`imports/answers.py`)
    questions: list[dict[str, object]] = field(default_factory=list)
    #: the new records whose name others have, each with those that may be meant (`imports/confirm.py`)
    matches: list[dict[str, object]] = field(default_factory=list)
    #: what the pages show of the file
    excerpt: Excerpt = field(default_factory=Excerpt)

    def each(self) -> Iterator[Part]:
        """The parts, unpacked one by one."""
        return (unpack(self.cls, self.parts.packed(place)) for place in range(len(self.parts)))

    def ahead(self) -> Iterator[Part]:
        """The parts, each unpacked while the one before it is being written: whoever writes mostly waits for the database."""
        with ThreadPoolExecutor(1) as thread:
            coming: Future[Part] | None = None
            for place in range(len(self.parts)):
                following = thread.submit(unpack, self.cls, self.parts.packed(place))
                if coming:
                    yield coming.result()
                coming = following
            if coming:
                yield coming.result()

    @property
    def records(self) -> list[PlannedRecord]:
        """All records at once: for small files."""
        return [record for part in self.each() for record in part.records]

    @property
    def wrong(self) -> list[Issue]:
        """All problems, by row."""
        return [issue for part in self.each() for issue in part.wrong] if self.tally["issues"] else []

    @property
    def doubtful(self) -> list[Issue]:
        """All doubts, by row."""
        return [issue for part in self.each() for issue in part.doubtful] if self.tally["doubts"] else []

    @property
    def most(self) -> int:
        """How many records and children it would write at most."""
        return self.tally["new"] + self.tally["changed"] + sum(each["new"] + each["changed"] for each in self.children.values())

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return self.most > 0

    def counts(self) -> dict[str, Any]:
        """The numbers of the report."""
        counted = {"rows": self.tally["rows"], **{name: self.tally[name] for name in ("new", "changed", "same")}}
        return {**counted, "wrong": self.tally["wrong_rows"], "doubtful": self.tally["doubtful_rows"], "written": 0, "children": self.children}

    def to_json(self, status: str = "planned", batch: int | None = None, message: Text = "", written: int = 0) -> dict[str, Any]:
        """The report that the command line gives."""
        issues = {"wrong": [issue.to_json() for issue in self.wrong], "doubtful": [issue.to_json() for issue in self.doubtful]}
        return self.summary(status, batch, message, written) | issues | ({"new_words": self.new_words} if self.new_words else {})

    def summary(self, status: str = "planned", batch: int | None = None, message: Text = "", written: int = 0) -> dict[str, Any]:
        """The report without the problems of single rows."""
        return {
            "register": self.cls.__key__,
            "file": self.file,
            "status": status,
            "batch": batch,
            "message": str(message or self.news),
            "sheet": self.table.sheet,
            "header_row": self.table.header_row,
            "columns": self.table.mapped(),
            "left_out": [each.to_json() for each in self.table.left_out],
            "counts": {**self.counts(), "written": written},
            "wrong": [],
            "doubtful": [],
            "seconds": round(self.seconds, 2),
        }

    def window(self, outcome: Outcome, start: int = 0, count: int = 50) -> list[PlannedRecord]:
        """Some records of one outcome; only the parts that hold them are unpacked."""
        return list(self._window(str(outcome), start, count, lambda part: [record for record in part.records if record.outcome is outcome]))

    def issues(self, start: int = 0, count: int = 50, *, doubts: bool = False) -> list[Issue]:
        """Some of the problems, or doubts."""
        return list(self._window("doubts" if doubts else "issues", start, count, lambda part: part.doubtful if doubts else part.wrong))

    def _window(self, kind: str, start: int, count: int, chosen: Callable[[Part], list[Any]]) -> Iterator[Any]:
        for place in range(len(self.parts)):
            here = self.parts.tally(place)[kind]
            if start < here and count > 0:
                found = chosen(unpack(self.cls, self.parts.packed(place)))[start : start + count]
                count -= len(found)
                yield from found
            start = max(0, start - here)


def refused(register: str, file: str, message: Text, seconds: float = 0.0) -> dict[str, Any]:
    """The report of an import that never came to a plan."""
    return {
        "register": register, "file": file, "status": "refused", "batch": None, "message": str(message), "sheet": None, "header_row": None,
        "columns": {}, "left_out": [],
        "counts": {"rows": 0, "new": 0, "changed": 0, "same": 0, "wrong": 0, "doubtful": 0, "written": 0, "children": {}},
        "wrong": [], "doubtful": [], "seconds": round(seconds, 2),
    }  # fmt: skip


def make(
    session: Session,
    cls: type[Register],
    data: bytes,
    file: str,
    *,
    sheet: str | None = None,
    mode: Mode = Mode.UPSERT,
    decisions: Decisions = NOTHING,
    since: Earlier | None = None,
) -> Plan:
    """Read a file and plan its import; raises Refused for the file or a decision that cannot hold, NotPermitted for the person.

    `since`: the rounds of the batch that are written; what people have changed after their check is named and left.
    """
    started, checked = time.perf_counter(), now().isoformat()
    permitted(session, cls)
    past, sha256, mode = remembered.recall(session, cls), hashlib.sha256(data).hexdigest(), Mode(decisions.mode or mode)
    with reading.opened(data) as book, without_collector():
        try:
            plan = _planned(session, Plan(cls, file, sha256, mode, table.begin(book, cls, sheet, decisions, past)), ROWS, since)
        except Scattered:
            plan = _planned(session, Plan(cls, file, sha256, mode, table.begin(book, cls, sheet, decisions, past)), ALL, since)
        plan.excerpt.sha256, plan.excerpt.heads = sha256, heads_of(book)
    present = {column.target.name for column in plan.table.columns if column.target and not column.hidden and not column.typed}
    plan.news = template.news(session, cls, versions.read(data), present)
    plan.checked = checked
    plan.seconds = time.perf_counter() - started
    return plan


def _planned(session: Session, plan: Plan, rows_at_once: int, since: Earlier | None) -> Plan:
    """Fill in the parts of a plan."""
    held = Held()
    seal = hashlib.sha256(json.dumps([plan.cls.__key__, plan.sha256, plan.table.sheet, str(plan.mode)]).encode())
    planner = Planner(session, plan, since)
    with ThreadPoolExecutor(1) as thread:  # packing keeps nobody else from the interpreter
        for part in planner.parts(rows_at_once):
            whole = spelled(plan.cls, part)
            seal.update(whole)
            held.add(part, thread.submit(packed, whole))
            _count(plan, part, held.tallies[-1])
    if plan.table.body is not None:
        plan.table.body.mending.finish()
        plan.excerpt.finish(plan.table.body.mending.was)
    plan.questions, plan.matches = plan.table.questions.to_json(planner.lookup), plan.table.questions.matches
    plan.parts, plan.digest = held, seal.hexdigest()
    return plan


def _count(plan: Plan, part: Part, tally: dict[str, int]) -> None:
    plan.tally.update(tally)
    plan.tally["wrong_rows"] += len({issue.row for issue in part.wrong})
    plan.tally["doubtful_rows"] += len({issue.row for issue in part.doubtful})
    key = plan.cls.__number__[0]
    for record in part.records:
        for (name, outcome), count in record.child_counts().items() if record.children else ():
            plan.children[name][outcome] = plan.children[name].get(outcome, 0) + count
        for name, word in record.words:
            plan.new_words.setdefault(name, Counter())[word] += 1
        if key and record.after.get(key):
            plan.given.append(record.after[key])


class Planner:
    """Turns the rows of a table into planned records, part by part."""

    def __init__(self, session: Session, plan: Plan, since: Earlier | None = None) -> None:
        self.session = session
        self.cls = plan.cls
        self.table = plan.table
        self.scope = scope_of(session)
        self.lookup = DatabaseLookup(session)
        self.fed = [child for child in fed_children(plan.cls) if any(column.target and column.target.child is child for column in plan.table.columns)]
        plan.children = {child.__key__: {"new": 0, "changed": 0, "same": 0} for child in self.fed}
        self.tally, self.excerpt, self.since = plan.tally, plan.excerpt, since
        self.judge = Judge(plan.table, plan.cls, self.scope, plan.mode, self.lookup)
        #: record and the row that has spoken of it
        self.claimed: dict[int, int] = {}

    def parts(self, rows_at_once: int) -> Iterator[Part]:
        """The parts of the plan; raises Scattered when the rows of a record stand further apart than a part is long."""
        grouper = drafts.Grouper(self.cls, self.table)
        first = True
        for numbers, cells, last in _regrouped(self.table.pieces(), rows_at_once):
            read = rows.read(self.table.with_rows(numbers, cells), self.lookup)
            part = self._compare(grouper.take(read, last=last))
            part.doubtful[:0] = rows.heading_doubts(self.table) if first else []
            first = False
            self.tally["rows"] += len(numbers)
            self.excerpt.take(self.cls, self.table, numbers, cells, part)
            yield part

    def _compare(self, grouped: list[drafts.Draft]) -> Part:
        self._prepare_links(grouped)
        existing = Existing(self.session, self.scope, self.cls)
        existing.prepare(grouped)
        matches = {draft: existing.match(draft) if draft.key else existing.alike(draft) for draft in grouped}
        matches = confirm.settle(self.cls, self.table, self.table.questions.namesakes(self.lookup), existing, matches)
        between = rounds.between(existing, self.fed, self.since, matches, self.claimed) if self.since else rounds.Between()
        self.judge.own |= between.own
        ids = [stored.id for found in matches.values() for stored in found if stored.visible]
        children = {child: existing.children(child, ids) for child in self.fed} if ids else {}
        part = Part()
        for draft, found in matches.items():
            record = self.judge.record(draft, found, _of(children, found), self.claimed)
            part.records.append(rounds.left_alone(self.table, self.cls, draft, record) if between.concerns(draft, record) else record)
        _settle_derived_doubts(self.cls, part.records, grouped)
        for row in sorted((row for draft in grouped for row in draft.rows if row.errors or row.doubts), key=lambda row: row.number):
            part.wrong += row.errors
            part.doubtful += [] if row.errors else row.doubts
        return part

    def _prepare_links(self, grouped: list[drafts.Draft]) -> None:
        """Find what the texts that name linked records mean, in few statements."""
        for declared in field_map(self.cls).values():
            if declared.named_by:
                texts = [draft.values.get(key) for draft in grouped for key in declared.named_by]
                self.lookup.prepare_texts(declared.format.register, [text for text in texts if text])  # type: ignore[attr-defined]


def _regrouped(pieces: Iterable[tuple[list[int], list[list[object]]]], size: int) -> Iterator[tuple[list[int], list[list[object]], bool]]:
    """Numbers and rows, so many at a time, and whether these are the last."""
    numbers: list[int] = []
    cells: list[list[object]] = []
    for some_numbers, some_cells in pieces:
        numbers += some_numbers
        cells += some_cells
        while len(numbers) > size:
            yield numbers[:size], cells[:size], False
            del numbers[:size], cells[:size]
    if numbers:
        yield numbers, cells, True


def permitted(session: Session, cls: type[Register]) -> Scope:
    """The session's scope when its actor may import into the register; raises NotPermitted."""
    scope = scope_of(session)
    if not scope.may(cls, Verb.IMPORT):
        raise NotPermitted(_l("您的角色不能向“%(title)s”导入数据", title=cls.__title__))
    return scope


def _of(children: Mapping[type[Child], Mapping[int, list[Stored]]], found: list[Stored]) -> dict[type[Child], list[Stored]]:
    return {child: stored.get(found[0].id, []) for child, stored in children.items()} if len(found) == 1 else {}


def _settle_derived_doubts(cls: type[Register], records: list[PlannedRecord], grouped: list[drafts.Draft]) -> None:
    """A month-only day that the ID number completes is no doubt any more."""
    derived = {key for key, declared in field_map(cls).items() if declared.derived}
    if not derived:
        return
    for record, draft in zip(records, grouped, strict=True):
        doubting = [row for row in draft.rows if row.doubts and row.number in record.numbers]
        follows = cls.derive(record.after) if doubting else {}
        settled = {key for key in derived if follows.get(key) is not None and follows[key] == record.after.get(key)}
        for row in doubting:
            row.doubts = [doubt for doubt in row.doubts if doubt.field not in settled]


__all__ = ["Mode", "Outcome", "Plan", "make", "permitted", "refused"]
