"""Reading, saving and voiding one record: what the form and REST share.

Values first, then one write: `draft()` turns what was sent into values, errors and doubts and
writes nothing; `save()` writes a draft without errors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking, numbering, words
from app.attachments import Attachment
from app.clock import now
from app.fields import Field
from app.formats import File, FormatError, Lookup, is_blank
from app.formats import Text as Line
from app.language import Text, _l
from app.register import Child, Record, Register, Source, complete, field_map, fields, values_of
from app.scopes import Scope, scope_of


@dataclass
class Draft:
    """What somebody wants a record to be."""

    cls: type[Record]
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[Text]] = field(default_factory=dict)
    doubts: dict[str, list[Text]] = field(default_factory=dict)
    #: what was sent, as sent, so that a form gives it back
    raw: dict[str, object] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    #: the fields of which the sender knows what they will hold: a mask that came back says nothing
    written: set[str] = field(default_factory=set)
    #: what cells held beside their own value, by the field it goes to
    spilled: dict[str, Any] = field(default_factory=dict)
    #: list and word of what open code lists do not know yet
    new_words: list[words.NewWord] = field(default_factory=list)
    #: the field of the key that another live record holds already, and that record's number
    twin: tuple[str, int] | None = None

    def refuse(self, key: str, message: Text) -> None:
        """Note an error; the key "" stands for the record as a whole."""
        self.errors.setdefault(key, []).append(message)


def draft(
    session: Session,
    cls: type[Record],
    raw: Mapping[str, object],
    lookup: Lookup,
    row: Record | None = None,
    parent: Record | None = None,
) -> Draft:
    """Understand what was sent for a new record (row None) or an existing one.

    Only the keys in `raw` are touched. Fields that the actor may not write are refused when their
    value would change, so that a form may send back what it showed.
    """
    scope = scope_of(session)
    result = Draft(cls, values=_start(cls, row, scope), raw=dict(raw))
    known = field_map(cls)
    for key in raw:
        if key not in known:
            result.refuse(key, _l("没有“%(key)s”这一项", key=key[:60]))
    for declared in fields(cls):
        if declared.key in raw:
            _read(result, declared, raw[declared.key], scope, lookup, row)
    _spill(result, scope, lookup)
    link_by_text(cls, result.values, lookup)
    _closed(result, scope, row)
    _own_files(session, result, row)
    _rules(session, result, row, parent)
    result.new_words = words.unknown(cls, {key: result.values[key] for key in result.touched}, lookup)
    return result


def redraft(session: Session, row: Record, values: Mapping[str, Any], parent: Record | None = None) -> Draft:
    """A draft of an existing record whose new values are known already, by field key: of an earlier version.

    The same rules hold as for what somebody writes.
    """
    result = Draft(type(row), values=values_of(row))
    for key, value in values.items():
        if result.values[key] != value:
            result.values[key] = value
            result.touched.add(key)
    _closed(result, scope_of(session), row)
    _own_files(session, result, row)
    _rules(session, result, row, parent)
    return result


def _spill(result: Draft, scope: Scope, lookup: Lookup) -> None:
    """Take what cells held beside their own value into empty fields only.

    A doubt about a field that the actor sees masked says nothing of whether the two are the same.
    """
    for key, value in result.spilled.items():
        declared, kept = field_map(result.cls)[key], result.values.get(key)
        if is_blank(kept):
            result.values[key] = value
            result.touched.add(key)
            result.written.add(key)
        elif kept != value or not (key in result.touched or scope.clear(declared)):
            text = declared.format.show(value, lookup)
            result.doubts.setdefault(key, []).append(_l("另一栏里还写有“%(text)s”，未登记到这里，请核对", text=text))


def link_by_text(cls: type[Record], values: dict[str, Any], lookup: Lookup) -> None:
    """Fill in empty links whose record another field names: exactly one match, or none at all."""
    for declared in fields(cls):
        if declared.named_by and values.get(declared.key) is None:
            texts = [values[key] for key in declared.named_by if values.get(key)]
            found = next((matches for text in texts if (matches := lookup.find(declared.format.register, text))), [])  # type: ignore[attr-defined]
            if len(found) == 1:
                values[declared.key] = found[0].id


def _own_files(session: Session, result: Draft, row: Record | None) -> None:
    """A file field holds a file of this very record: files come by upload, not by number."""
    for key in sorted(result.touched):
        declared = field_map(result.cls)[key]
        value = result.values.get(key)
        if isinstance(declared.format, File) and value is not None:
            test = sa.select(Attachment.id).where(
                Attachment.id == value,
                Attachment.register == result.cls.__tablename__,
                Attachment.record_id == (row.id if row is not None else None),
                Attachment.voided_at.is_(None),
            )
            if session.scalar(test) is None:
                result.refuse(key, _l("文件请先上传到这条记录"))


def _closed(result: Draft, scope: Scope, row: Record | None) -> None:
    """Refuse the fields that the actor may not write, each by itself; the guard refuses whole rows."""
    cls, before = result.cls, values_of(row) if row is not None else None
    for key in sorted(result.touched - result.errors.keys()):
        if issubclass(cls, Child):
            reason = scope.refuses_child_field(cls, before, field_map(cls)[key])
        elif scope.refuses(cls, before, before or result.values, ()) is not None:
            return
        else:
            reason = scope.refuses(cls, before, result.values, {key})
        if reason is not None:
            result.refuse(key, reason)


def _start(cls: type[Record], row: Record | None, scope: Scope) -> dict[str, Any]:
    if row is not None:
        return values_of(row)
    values = {declared.key: declared.default for declared in fields(cls)}
    if "org_unit" in values and not scope.actor.system:
        values["org_unit"] = scope.actor.org_unit_id
        values["handler"] = scope.actor.full_name or None
    return values


def _read(result: Draft, declared: Field, raw: object, scope: Scope, lookup: Lookup, row: Record | None) -> None:
    old = result.values.get(declared.key)
    if row is not None and masking.unchanged(scope, declared, raw, old):
        return
    try:
        reading = declared.format.read(raw, lookup)
    except FormatError as error:
        result.refuse(declared.key, error.message)
        return
    result.values[declared.key] = reading.value
    result.written.add(declared.key)
    # who may not write it is refused whether or not he hit upon what is kept and hidden from him
    if reading.value != old or (row is not None and old is not None and not scope.clear(declared)):
        result.touched.add(declared.key)
    for doubt in reading.doubts:
        result.doubts.setdefault(declared.key, []).append(doubt.message)
    if reading.rest is not None and declared.spill_key:
        result.spilled[declared.spill_key] = reading.rest


def _rules(session: Session, result: Draft, row: Record | None, parent: Record | None) -> None:
    cls, values, scope = result.cls, result.values, scope_of(session)
    above = values_of(parent) if parent is not None else None
    kept = values_of(row) if row is not None else None
    if not result.errors:
        before = dict(values)
        result.written -= follow(scope, cls, values, kept, result.written, above)
        result.touched |= {key for key in values if values[key] != before.get(key)}
    follows = cls.derive(values, above) if result.errors else {}  # nobody is asked for what will follow once the rest is right
    for declared in fields(cls):
        empty = values.get(declared.key) in (None, "", []) and follows.get(declared.key) in (None, "", [])
        if declared.required and empty and declared.key not in result.errors:
            result.refuse(declared.key, _l("“%(label)s”必须填写", label=declared.label))
    visible = masking.seen(scope, cls, values, result.written) if row is not None else values
    for problem in cls.check(visible, visible_above(scope, parent, above)):
        result.refuse(problem.field, problem.message)
    if issubclass(cls, Register) and not cls.__number__[0] and not any(all(values.get(part) is not None for part in key) for key in cls.__keys__):
        sets = "；".join("、".join(str(field_map(cls)[part].label) for part in key) for key in cls.__keys__)
        if not result.errors:
            result.refuse(cls.__keys__[0][0], _l("请至少填全其中一组，才能认出这条记录：%(sets)s", sets=sets))
    if not any(key in result.errors for key in (key for each in cls.__keys__ for key in each)):
        taken = _taken(session, cls, values, row, parent)
        if taken:
            key, result.twin = taken[0], (taken[0][0], taken[1])
            labels = "、".join(str(field_map(cls)[part].label) for part in key)
            result.refuse(key[0], _l("已有“%(labels)s”相同的记录，不能重复登记", labels=labels))


def visible_above(scope: Scope, parent: Record | None, above: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What a rule of a child may know of the record above."""
    return masking.seen(scope, type(parent), above) if parent is not None and above is not None else above


def follow(
    scope: Scope, cls: type[Record], values: dict[str, Any], kept: Mapping[str, Any] | None, written: Collection[str], parent: Mapping[str, Any] | None = None
) -> set[str]:
    """Fill in what follows from the values, as `complete` does; the keys of what was written and gave way.

    A sensitive value that follows from one which the writer does not see wins over whatever was typed, without a word: a
    refusal would tell the right one from the wrong ones. It also moves along with what it follows from.
    """
    gave_way = set()
    if kept is not None and (secret := [key for key in scope.hidden(cls) if field_map(cls)[key].derived]):
        whole, known, before = cls.derive(values, parent), cls.derive(masking.seen(scope, cls, values, written), parent), cls.derive(kept, parent)
        for key in secret:
            value = whole.get(key)
            moves = key in written or values.get(key) != kept.get(key) or value != before.get(key)
            sees_both = key in written and known.get(key) == value
            if value is not None and moves and not sees_both:
                values[key] = value
                gave_way.add(key)
    complete(cls, values, parent)
    return gave_way


def _taken(session: Session, cls: type[Record], values: Mapping[str, Any], row: Record | None, parent: Record | None) -> tuple[tuple[str, ...], int] | None:
    """The key that another live record holds, and that record: asked of the table itself, since keys are everybody's."""
    table = cls.__table__
    above = getattr(parent if parent is not None else row, "id" if parent is not None else "parent_id", None)
    if issubclass(cls, Child) and above is None:
        return None  # a child of a record that is not there yet
    for place, key in enumerate(cls.__keys__):
        if any(values.get(part) is None for part in key):
            continue
        if row is not None and _keeps_key(cls, values, row, place):
            continue
        if place and any(values.get(part) is not None for part in cls.__keys__[0]):
            continue
        tests = [table.c[field_map(cls)[part].attr] == values[part] for part in key]
        if place:
            tests += [table.c[field_map(cls)[part].attr].is_(None) for part in cls.__keys__[0]]
        if row is not None:
            tests.append(table.c.id != row.id)
        if issubclass(cls, Child):
            tests.append(table.c.parent_id == above)
        twin = session.connection().scalar(sa.select(table.c.id).where(table.c.voided_at.is_(None), *tests).limit(1))
        if twin is not None:
            return key, int(twin)
    return None


def _keeps_key(cls: type[Record], values: Mapping[str, Any], row: Record, place: int) -> bool:
    """Whether a live record keeps the key that it has: the index has seen to that one already."""
    parts = {*cls.__keys__[0], *cls.__keys__[place]}
    return row.voided_at is None and all(values.get(part) == getattr(row, field_map(cls)[part].attr) for part in parts)


def save(session: Session, result: Draft, row: Record | None = None, parent: Record | None = None, source: str = "form") -> Record:
    """Write a draft without errors and flush it; the caller commits.

    Raises NotPermitted when the actor may not, StaleDataError when somebody was faster.
    """
    if result.errors:
        raise ValueError("a draft with errors cannot be saved")
    record = row if row is not None else result.cls(source=source)
    if row is None:
        numbering.give(session.connection(), result.cls, [result.values])
    if row is None and isinstance(record, Child) and parent is not None:
        record.parent_id = parent.id
    _write(record, result)
    session.add(record)
    session.flush()
    _await_keeper(session, result.new_words, record, source)
    return record


def save_all(session: Session, changes: Sequence[tuple[Record, Draft]]) -> None:
    """Write the drafts of many existing records in one flush; the caller commits.

    Raises NotPermitted and StaleDataError like `save`, and then nothing of it is written.
    """
    for record, result in changes:
        _write(record, result)
    session.flush()
    fresh = dict.fromkeys(word for _record, result in changes for word in result.new_words)
    if fresh:
        _await_keeper(session, fresh, changes[0][0], Source.FORM.value)


def _write(record: Record, result: Draft) -> None:
    for declared in fields(result.cls):
        value = result.values.get(declared.key)
        if getattr(record, declared.attr) != value:
            setattr(record, declared.attr, value)


def _await_keeper(session: Session, fresh: Iterable[words.NewWord], record: Record, source: str) -> None:
    stamp = {"source": source, "created_by": record.changed_by, "created_at": now(), "changed_by": record.changed_by, "changed_at": now(), "row_version": 1}
    words.await_keeper(session.connection(), fresh, stamp)


def void(session: Session, row: Record, reason: str) -> None:
    """作废: the record stays, marked, with the reason; its key is free again.

    Raises FormatError when there is no reason, or one longer than its column.
    """
    void_all(session, [row], reason)


def void_all(session: Session, rows: Iterable[Record], reason: str) -> None:
    """Void many records for one reason, in one flush."""
    text = reason_of(reason)
    moment = now()
    for row in rows:
        row.voided_at, row.void_reason = moment, text
    session.flush()


def reason_of(raw: str) -> str:
    """A reason for voiding as it is kept; FormatError when there is none, or one longer than its column."""
    text = Line(500).parse(raw)
    if text is None:
        raise FormatError("no_reason", _l("请写明作废原因"))
    return str(text)
