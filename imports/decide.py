"""One draft against what is stored: what it would become, and what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app import masking
from app.fields import Field, Gate
from app.language import Text, _l, chinese
from app.lookup import DatabaseLookup
from app.records import follow, link_by_text
from app.register import Child, Record, Register, field_map, fields
from app.scopes import Scope
from imports.drafts import Draft, Key, conflict, key_of
from imports.existing import Stored, same
from imports.outcome import Mode, Outcome, PlannedChild, PlannedRecord
from imports.rows import ChildRow, Issue, Row
from imports.table import Table
from imports.targets import fed_children


@dataclass
class _Family:
    """The children of one record while they are being decided."""

    record: PlannedRecord
    before: Mapping[str, Any]
    stored: Mapping[type[Child], list[Stored]]
    seen: dict[object, ChildRow] = field(default_factory=dict)
    taken: set[tuple[type[Child], int]] = field(default_factory=set)


@dataclass(frozen=True)
class _Kind:
    """What is asked of every row of a kind of record, looked up once."""

    start: dict[str, Any]
    required: tuple[Field, ...]
    hidden: frozenset[str]
    #: what not everybody who writes a new record may fill in
    gated: tuple[str, ...]
    linked: bool
    follows: bool


@dataclass
class Judge:
    """Decides for one file: the table for naming cells, the scope for rights, the mode, the lookup for links."""

    table: Table
    cls: type[Register]
    scope: Scope
    mode: Mode
    lookup: DatabaseLookup
    #: records that an earlier round of the batch created: where only new ones are wanted, they are none that was there before
    own: set[int] = field(default_factory=set)
    _kinds: dict[type[Record], _Kind] = field(default_factory=dict)

    def _kind(self, cls: type[Record]) -> _Kind:
        kind = self._kinds.get(cls)
        if kind is None:
            declared = fields(cls)
            kind = self._kinds[cls] = _Kind(
                self._start(cls),
                tuple(each for each in declared if each.required),
                self.scope.hidden(cls),
                tuple(each.key for each in declared if each.gate is not Gate.ORDINARY),
                any(each.named_by for each in declared),
                getattr(cls.derive, "__func__", None) is not getattr(Record.derive, "__func__", None),
            )
        return kind

    # records --------------------------------------------------------------------------------

    def record(self, draft: Draft, found: list[Stored], children: Mapping[type[Child], list[Stored]], claimed: dict[int, int]) -> PlannedRecord:
        """The planned record of a draft; problems go to the rows they belong to."""
        old = found[0] if len(found) == 1 else None
        self._forgive_masks(draft, old, children)
        good = draft.good
        if not good:
            self._also_missing(draft, old)
            return self._wrong(draft)
        given = self._given(self.cls, draft.gather(), draft.raws(), old)
        obstacle = self._cannot_stand(draft, good, given, found, claimed)
        if obstacle:
            return self._wrong(draft, obstacle)
        after, visible = self._after(self.cls, given, old, None)
        changes = self._changes(self.cls, old, after, given)
        issues = self._new_masks(good, old) or self._rules(self.cls, good[0], after, visible, key=draft.key) or self._rights(good[0], old, after, changes)
        if issues:
            return self._wrong(draft, *issues)
        outcome = Outcome.NEW if old is None else Outcome.CHANGED if changes else Outcome.SAME
        record = PlannedRecord(self.cls, outcome, [], after, changes, old.id if old else None, old.version if old else 0)
        if any(row.children for row in good):
            self._children(record, good, old, children)
            good = draft.good
            if not good:
                return self._wrong(draft)
        record.numbers = [row.number for row in good]
        if len(good) < len(draft.rows):
            record.issues = [issue for row in draft.rows for issue in row.errors]
        record.words = [word for row in good for word in row.words]
        if old:
            claimed[old.id] = record.numbers[0]
        return record

    def _given(self, cls: type[Record], values: Mapping[str, Any], raws: Mapping[str, object], old: Stored | None) -> Mapping[str, Any]:
        """The values without the masks that came back, and with what empty cells clear where somebody decided that they do."""
        if old is None:
            return values
        cleared = {key: None for key in self.table.clearable(cls) if key not in values and key not in raws}
        if self._kind(cls).hidden.isdisjoint(values):
            return {**values, **cleared} if cleared else values
        return cleared | {key: value for key, value in values.items() if not self._masked(cls, key, raws.get(key), old.values)}

    def _forgive_masks(self, draft: Draft, old: Stored | None, children: Mapping[type[Child], list[Stored]]) -> None:
        """A mask that comes back is no bad number but "unchanged"."""
        if old is None or self.scope.actor.system:
            return
        for row in draft.rows:
            if not row.errors:
                continue
            forgiven = {key for key, raw in row.raws.items() if self._masked(self.cls, key, raw, old.values)}
            for child in row.children:
                stored = [each.values for each in children.get(child.cls, [])]
                masked = {key for key, raw in child.raws.items() if any(self._masked(child.cls, key, raw, values) for values in stored)}
                forgiven |= {f"{child.cls.__key__}.{key}" for key in masked}
            row.errors = [issue for issue in row.errors if issue.field not in forgiven]

    def _new_masks(self, good: list[Row], old: Stored | None) -> list[Issue]:
        """A mask that means nothing stored is no value: 张** would pass for a name."""
        hidden = self._kind(self.cls).hidden
        masked = [
            (row, key)
            for row in (good if hidden else ())
            for key in hidden.intersection(row.raws)
            if isinstance(raw := row.raws[key], str) and "**" in raw and not (old and self._masked(self.cls, key, raw, old.values))
        ]
        if not masked:
            return []
        message = _l("这是遮盖后的内容，请填写真实内容，或留空表示不改动")
        return [self._issue(row, key, "masked_value", message) for row, key in masked]

    def _also_missing(self, draft: Draft, old: Stored | None) -> None:
        """A row with a bad cell is told its empty required cells too."""
        row = draft.first
        if old is not None or any(issue.code in {"key_conflict", "record_wrong"} for issue in row.errors):
            return
        told = {issue.field for issue in row.errors}
        for declared in fields(self.cls):
            if declared.required and declared.key not in told and draft.values.get(declared.key) is None and declared.default is None:
                row.errors.append(self._issue(row, declared.key, "required", _l("“%(label)s”必须填写", label=declared.label)))

    def _masked(self, cls: type[Record], key: str, raw: object, values: Mapping[str, Any]) -> bool:
        if self.scope.actor.system:
            return False
        declared = field_map(cls).get(key)
        return declared is not None and masking.unchanged(self.scope, declared, raw, values.get(key))

    def _cannot_stand(self, draft: Draft, good: list[Row], given: Mapping[str, Any], found: list[Stored], claimed: dict[int, int]) -> Issue | None:
        first = good[0]
        if len(good) < len(draft.rows) and any(key not in draft.gather() for key in draft.values):
            broken = next(row for row in draft.rows if row.errors)
            return self._issue(first, "", "record_wrong", _l("第 %(row)s 行有错，同一条记录的本行随之不导入", row=broken.number))
        if not found:
            missing = self.mode is Mode.UPDATE
            return self._issue(first, self._key_field(draft), "not_found", _l("没有这条记录，而本次只更新")) if missing else None
        if any(not each.visible for each in found):
            return self._issue(first, self._key_field(draft), "not_permitted", _l("该记录已存在，但不在您的权限范围内"))
        if len(found) > 1:
            return self._issue(first, self._key_field(draft), "ambiguous_key", _l("已有 %(count)s 条记录与本行相符，请补填编号以便分清", count=len(found)))
        if found[0].id in claimed:
            known = field_map(self.cls)
            differing = (key for key, value in given.items() if self.scope.clear(known[key]) and not same(found[0].values.get(key), value))
            key = next(differing, self.cls.__keys__[0][0])
            return conflict(self.cls, self.table, first.number, claimed[found[0].id], key)
        if self.mode is Mode.INSERT and found[0].id not in self.own:
            return self._issue(first, self._key_field(draft), "exists", _l("该记录已存在，而本次只新增"))
        return None

    def _key_field(self, draft: Draft) -> str:
        return self.cls.__keys__[draft.key[0]][0] if draft.key else self.cls.__keys__[0][0]

    def _after(
        self, cls: type[Record], given: Mapping[str, Any], old: Stored | None, parent: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values as they will stand (stored or default, then written, then what follows from them), and as the writer may know them."""
        kind = self._kind(cls)
        after = {**(old.values if old else kind.start), **given}
        gave_way = follow(self.scope, cls, after, old.values if old else None, given.keys(), parent) if kind.follows else set()
        if kind.linked:
            link_by_text(cls, after, self.lookup)
        return after, masking.seen(self.scope, cls, after, given.keys() - gave_way) if old and kind.hidden else after

    def _changes(self, cls: type[Record], old: Stored | None, after: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """What differs from what is stored: among the values given, and among all where some follow from others; nothing for a new record."""
        if old is None:
            return {}
        kind, before = self._kind(cls), old.values
        keys = after if kind.follows or kind.linked else given
        return {key: (before[key], after[key]) for key in keys if before[key] is not after[key] and not same(before[key], after[key])}

    def _start(self, cls: type[Record]) -> dict[str, Any]:
        values = {declared.key: declared.default for declared in fields(cls)}
        if not self.scope.actor.system and "org_unit" in values:
            values |= {"org_unit": self.scope.actor.org_unit_id, "handler": self.scope.actor.full_name or None}
        return values

    def _rules(
        self,
        cls: type[Record],
        row: Row,
        after: Mapping[str, Any],
        visible: Mapping[str, Any],
        *,
        parent: Mapping[str, Any] | None = None,
        prefix: str = "",
        key: Key | None = None,
    ) -> list[Issue]:
        """Required fields, keys, and the rules that the values break by themselves, as far as the writer knows them."""
        empty = [declared for declared in self._kind(cls).required if after.get(declared.key) in (None, "", [])]
        issues = [self._issue(row, prefix + each.key, "required", _l("“%(label)s”必须填写", label=each.label)) for each in empty]
        if not empty and not prefix and not key and key_of(cls, after) is None and not cls.__number__[0]:
            issues.append(self._issue(row, cls.__keys__[0][0], "required", _l("请填写%(keys)s，否则无法认出这条记录", keys=self._key_labels())))
        above = masking.seen(self.scope, self.cls, parent) if parent is not None else None
        issues += [self._issue(row, prefix + problem.field, problem.code, problem.message) for problem in cls.check(visible, above)]
        return issues

    def _key_labels(self) -> str:
        known = field_map(self.cls)
        return "，或".join("、".join(f"“{chinese(known[part].label)}”" for part in parts) for parts in self.cls.__keys__)

    def _rights(self, row: Row, old: Stored | None, after: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Issue]:
        if self.scope.actor.system or (old is not None and not changes):
            return []
        kind = self._kind(self.cls)
        touched = changes.keys() if old else [key for key in kind.gated if after.get(key) not in (None, kind.start.get(key))]
        reason = self.scope.refuses(self.cls, old.values if old else None, after, touched)
        return [self._issue(row, "", "not_permitted", reason)] if reason else []

    def _wrong(self, draft: Draft, *issues: Issue) -> PlannedRecord:
        """The record as wrong: its problems at the row that has them, the rows beside it named too."""
        good = draft.good
        for issue in issues:
            next(row for row in draft.rows if row.number == issue.row).errors.append(issue)
        broken = next(row for row in draft.rows if row.errors)
        for row in good:
            if not row.errors:
                row.errors.append(self._issue(row, "", "record_wrong", _l("第 %(row)s 行有错，同一条记录的本行随之不导入", row=broken.number)))
        found = [issue for row in draft.rows for issue in row.errors]
        return PlannedRecord(self.cls, Outcome.WRONG, [row.number for row in draft.rows], dict(draft.values), issues=found)

    def _issue(self, row: Row, name: str, code: str, message: Text) -> Issue:
        return Issue(self.table.sheet, row.number, self._heading(name), name, code, message)

    def _heading(self, name: str) -> str:
        """The heading in the file; the field's own label when the file has no such column."""
        heading = self.table.heading(name)
        if heading is not None or not name:
            return heading or ""
        owner, _, key = name.rpartition(".")
        cls = next((child for child in fed_children(self.cls) if child.__key__ == owner), None) if owner else self.cls
        declared = field_map(cls).get(key) if cls else None
        return chinese(declared.label) if declared else name

    # children -------------------------------------------------------------------------------

    def _children(self, record: PlannedRecord, good: list[Row], old: Stored | None, stored: Mapping[type[Child], list[Stored]]) -> None:
        family = _Family(record, old.values if old else record.after, stored)
        for row in good:
            planned = [self._child(row, child, family) for child in row.children]
            if not row.errors:
                record.children += [each for each in planned if each is not None]

    def _child(self, row: Row, child: ChildRow, family: _Family) -> PlannedChild | None:
        parent = family.record.after
        proposed, _visible = self._after(child.cls, child.values, None, parent)
        key = key_of(child.cls, proposed)
        identity: object = (child.cls, key or repr(sorted((name, str(value)) for name, value in child.values.items())))
        if identity in family.seen:
            self._repeated(row, child, family.seen[identity])
            return None
        old = _stored_child(child, key, [each for each in family.stored.get(child.cls, []) if (child.cls, each.id) not in family.taken])
        given = self._given(child.cls, child.values, child.raws, old)
        after, visible = self._after(child.cls, given, old, parent)
        changes = self._changes(child.cls, old, after, given)
        prefix = f"{child.cls.__key__}."
        issues = self._rules(child.cls, row, after, visible, parent=parent, prefix=prefix)
        if not issues and (old is None or changes):
            reason = self.scope.refuses_child(child.cls, family.before)
            issues = [self._issue(row, prefix.rstrip("."), "not_permitted", reason)] if reason else []
        row.errors += issues
        outcome = Outcome.NEW if old is None else Outcome.CHANGED if changes else Outcome.SAME
        planned = PlannedChild(child.cls, outcome, [row.number], after, changes, old.id if old else None, old.version if old else 0)
        family.seen[identity] = child
        if old:
            family.taken.add((child.cls, old.id))
        return planned

    def _repeated(self, row: Row, child: ChildRow, earlier: ChildRow) -> None:
        """The same child twice is no news; with other values it is an error naming both rows."""
        for key, value in child.values.items():
            if key in earlier.values and not same(earlier.values[key], value):
                label = field_map(child.cls)[key].label
                message = _l(
                    "第 %(row)s 行与第 %(earlier)s 行是同一条“%(title)s”，但“%(label)s”不同",
                    row=row.number, earlier=earlier.number, title=child.cls.__title__, label=label,
                )  # fmt: skip
                row.errors.append(self._issue(row, f"{child.cls.__key__}.{key}", "key_conflict", message))
                return


def _stored_child(child: ChildRow, key: Key | None, stored: list[Stored]) -> Stored | None:
    """The stored child that is meant: by its key, by the written parts of it, else the one that says the same."""
    if key:
        parts = dict(zip(child.cls.__keys__[key[0]], key[1], strict=True))
        found = _holding(stored, parts)
        if found:
            return found[0]
        written = {name: value for name, value in parts.items() if name in child.values}
        found = _holding(stored, written) if written and len(written) < len(parts) else []
        return found[0] if len(found) == 1 else None
    return next(iter(_holding(stored, child.values)), None)


def _holding(stored: list[Stored], values: Mapping[str, Any]) -> list[Stored]:
    return [each for each in stored if all(same(each.values.get(name), value) for name, value in values.items())]
