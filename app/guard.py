"""The one guard: no session reads or writes past the scope that sits on it.

Reading is narrowed in `do_orm_execute`, writing checked in `before_flush`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapper, ORMExecuteState, Session

from app import registry
from app.clock import now
from app.fields import Field, Gate
from app.formats import Link
from app.language import Text, _l
from app.register import Child, Record, field_map, fields, record_of, values_of
from app.scopes import Actor, NotPermitted, Scope, scope_of
from app.search import keep


def narrow(state: ORMExecuteState) -> None:
    """Add the reader's predicate for every register to a statement.

    It reaches what a statement selects from or joins; so name a register there, never in the
    where clause alone (`select(A.id).where(…).exists()`, not `exists().where(A.…)`).
    """
    if state.is_column_load or (state.is_relationship_load and not state.is_select):
        return
    mappers = state.all_mappers
    touched = _named(state.statement) | {mapper.class_ for mapper in mappers if issubclass(mapper.class_, Record)}
    if not touched:
        return  # accounts, roles and sessions of the frame need no scope
    scope = scope_of(state.session)
    if scope.actor.system or not state.is_orm_statement:
        return  # Core statements ask the scope themselves; with_loader_criteria would not reach them
    if not state.is_select:
        raise NotPermitted(_l("登记的记录只能逐条修改"))  # in bulk, no row would pass the guard
    touched = touched.union(*map(_loaded_along, (*mappers, *map(sa.inspect, touched))))
    state.statement = state.statement.options(*(each for table in touched for each in scope.criteria(table)))


def _named(element: Any) -> set[type[Record]]:
    """The registers and children whose tables stand anywhere in a statement or expression."""
    parts = (part.table if isinstance(part, sa.sql.dml.UpdateBase) else part for part in sa.sql.visitors.iterate(element))
    return {cls for part in parts if (cls := record_of(part)) is not None}


@cache
def _loaded_along(mapper: Mapper[Any]) -> frozenset[type[Record]]:
    """The registers that a mapper's relationships and computed columns bring into a statement unasked."""
    found: set[Mapper[Any]] = set()
    waiting = [mapper]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += [relation.mapper for relation in each.relationships]
    classes = {each.class_ for each in found if issubclass(each.class_, Record)}
    return frozenset(classes.union(*(_named(column) for each in found for column in each.columns)))


def guard(session: Session, _context: Any, _instances: Any) -> None:
    """Check every written row against the actor's rights, and stamp who and when."""
    written = [*session.new, *(row for row in session.dirty if session.is_modified(row))]
    rows = [row for row in written if isinstance(row, Record)]
    removed = [row for row in session.deleted if isinstance(row, Record)]
    if not rows and not removed:
        return
    scope = scope_of(session)
    if removed and not scope.actor.system:
        raise NotPermitted(_l("登记的记录不能删除，只能作废"))
    for row in rows:
        _check_row(session, scope, row)
        _stamp(scope.actor, row)


def _check_row(session: Session, scope: Scope, row: Record) -> None:
    cls = type(row)
    new = row in session.new
    changed = {declared.key for declared in fields(cls) if _changed(row, declared.attr) and not (new and _is_default(row, declared))}
    before = None if new else _before(session, row)
    if changed and not new and _old(session, row, "voided_at") is not None:
        raise NotPermitted(_l("这条记录已经作废，不能再修改"))
    if isinstance(row, Child):
        reason = _check_child(session, scope, row, before, changed)
    else:
        after = values_of(row)
        reason = scope.refuses(cls, before, after, changed - _derived(cls, after, changed))
        if reason is None and before is not None and _changed(row, "voided_at"):
            reason = scope.refuses_void(cls, before)
    if reason is not None:
        raise NotPermitted(reason)
    _check_links(session, row, changed)


def _check_child(session: Session, scope: Scope, row: Child, before: Mapping[str, Any] | None, changed: set[str]) -> Text | None:
    """A child is written through its parent; one that moves, through both."""
    cls = type(row)
    above: dict[str, Any] = {}
    for parent_id in dict.fromkeys((_old(session, row, "parent_id"), row.parent_id)):
        with session.no_autoflush:
            parent = session.get(cls.__parent__, parent_id) if parent_id is not None else None
        if parent is None or not _within(session, cls.__parent__, parent_id):
            return _l("上级记录不存在，或您无权使用它")
        above = _before(session, parent)
        reason = scope.refuses_child(cls, above)
        if reason is not None:
            return reason
    known = field_map(cls)
    after = values_of(row)
    open_keys = _derived(cls, after, changed, above)
    reasons = (scope.refuses_child_field(cls, before, known[key]) for key in sorted(changed - open_keys))
    return next((reason for reason in reasons if reason), None)


def _derived(cls: type[Record], after: Mapping[str, Any], changed: set[str], parent: Mapping[str, Any] | None = None) -> set[str]:
    """The keys whose new value only follows from the others: nobody wrote those by hand."""
    closed = {key for key in changed if field_map(cls)[key].gate is not Gate.ORDINARY}
    if not closed:
        return set()
    follows = cls.derive({**after, **dict.fromkeys(closed)}, parent)
    return {key for key in closed if key in follows and follows[key] is not None and follows[key] == after[key]}


def _is_default(row: Record, declared: Field) -> bool:
    value = getattr(row, declared.attr)
    return value is None or value == declared.default


def _changed(row: Record, attr: str) -> bool:
    return bool(sa.inspect(row).attrs[attr].history.has_changes())


def _old(session: Session, row: Record, attr: str) -> Any:
    """The value that the database holds, as far as this row knows it or else as the table says.

    A value set over one that was not loaded (after a commit) leaves no history behind.
    """
    history = sa.inspect(row).attrs[attr].history
    if history.deleted:
        return history.deleted[0]
    if not history.added or sa.inspect(row).pending or sa.inspect(row).transient:
        return getattr(row, attr)
    table = type(row).__table__
    return session.connection().scalar(sa.select(table.c[attr]).where(table.c.id == row.id))


def _before(session: Session, row: Record) -> dict[str, Any]:
    """The values of a row as they were before this flush."""
    with session.no_autoflush:
        return {declared.key: _old(session, row, declared.attr) for declared in fields(type(row))}


def _check_links(session: Session, row: Record, changed: set[str]) -> None:
    """A link may only point at what the writer can see."""
    for declared in fields(type(row)):
        value = getattr(row, declared.attr)
        if declared.key in changed and value is not None and isinstance(declared.format, Link):
            target = registry.find(declared.format.register)
            if target is not None and not _within(session, target, value):
                raise NotPermitted(_l("“%(label)s”里选的记录不存在，或您无权使用它", label=declared.label))


def _within(session: Session, cls: type[Record], record_id: int) -> bool:
    with session.no_autoflush:
        return session.scalar(sa.select(cls.id).where(cls.id == record_id)) is not None


def _stamp(actor: Actor, row: Record) -> None:
    if sa.inspect(row).transient or sa.inspect(row).pending:
        row.created_by = row.created_by or actor.username
    row.changed_by = actor.username
    row.changed_at = now()


def install(session_class: Any) -> None:
    """Put the guard on a session class or scoped session, and behind it the keeping of what the search looks into."""
    if not getattr(session_class, "guarded", False):  # event.contains() knows a class by id(), which a later one may get
        event.listen(session_class, "do_orm_execute", narrow)
        event.listen(session_class, "before_flush", guard)
        event.listen(session_class, "after_flush", keep.after_flush)
        session_class.guarded = True
