"""What one person may take back of a batch: the scope asked row by row, the rows read many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.accounts import by_name
from app.fields import Gate
from app.language import Text, _l
from app.register import Child, Record, Register, field_map, fields
from app.roles import UNDOERS, Rows, Verb
from app.scopes import NotPermitted, Scope, scope_of
from imports.batch import ImportBatch
from imports.bulk import among
from imports.existing import chunks

Values = Mapping[str, Any]


def permitted(session: Session, cls: type[Register], operator: str) -> Scope:
    """The session's scope when its actor may take back an import of this operator; raises NotPermitted."""
    scope = scope_of(session)
    if scope.actor.system or (scope.may(cls, Verb.IMPORT) and (scope.actor.username == operator or _looks_after(session, scope, cls, operator))):
        return scope
    raise NotPermitted(_l("只有导入的人，或可以撤销本股室“%(title)s”导入的负责人，才能撤销这次导入", title=cls.__title__))


def may_undo(session: Session, cls: type[Register], batch: ImportBatch) -> bool:
    """Whether the session's actor may take the batch back."""
    try:
        permitted(session, cls, batch.operator)
    except NotPermitted:
        return False
    return True


def _looks_after(session: Session, scope: Scope, cls: type[Register], operator: str) -> bool:
    """Whether the actor takes back what others brought: of the own office, or anywhere who writes everything in the register."""
    if not scope.actor.roles & UNDOERS:
        return False
    if any(grant.write is Rows.ALL and Gate.ORDINARY in grant.gates for grant in scope.grants(cls)):
        return True
    account = by_name(session, [operator]).get(operator)
    return account is not None and scope.actor.org_unit_id is not None and bool(account.org_unit_id == scope.actor.org_unit_id)


class Rights:
    """The rights of the session's actor; `lock` keeps the rows that are read from being written by others."""

    def __init__(self, session: Session, lock: bool) -> None:
        self.connection = session.connection()
        self.scope = scope_of(session)
        self._lock = lock

    def rows(self, cls: type[Record], numbers: Iterable[int]) -> dict[int, Values]:
        """The rows within the actor's reach, values by key; of what is sensitive only whether there is something.

        For the system itself, whom nothing is refused, no values.
        """
        everything, wanted = self.scope.actor.system, sorted(set(numbers))
        if everything and not self._lock:
            return {number: {} for number in wanted}
        table = cls.__table__
        columns = [] if everything else [_readable(table.c[each.attr], each.sensitive).label(each.attr) for each in fields(cls)]
        within = self.scope.rows(cls)
        found: dict[int, Values] = {}
        for chunk in chunks(wanted):
            statement = sa.select(table.c.id, *columns, (sa.true() if within is None else within).label("within")).where(
                among(self.connection, table.c.id, chunk)
            )
            statement = statement.order_by(table.c.id).with_for_update(of=table) if self._lock else statement
            for row in self.connection.execute(statement).mappings().all():
                if row["within"]:
                    found[row["id"]] = {} if everything else {each.key: row[each.attr] for each in fields(cls)}
        return found

    def parents(self, cls: type[Record], numbers: Iterable[int | None]) -> dict[int, Values]:
        """The records above rows of a kind of children; nothing for a register."""
        return self.rows(cls.__parent__, [number for number in numbers if number]) if issubclass(cls, Child) else {}

    def refuses_void(self, cls: type[Record], now: Values, above: Values | None) -> Text | None:
        """Why the actor may not void this row."""
        if issubclass(cls, Child):
            return self._above(cls, above)
        return self.scope.refuses_void(cls, now)

    def refuses_back(self, cls: type[Record], now: Values, then: Values, changed: Iterable[str], above: Values | None) -> Text | None:
        """Why the actor may not turn these fields of a row back into what they were.

        Who may fill in an empty field may empty it again: the keeper's drafts go back with the batch that brought them.
        """
        if self.scope.actor.system:
            return None
        known = field_map(cls)
        keys = {key for key in changed if known[key].gate is not Gate.SYSTEM and not (known[key].drafted and then.get(key) in (None, "", []))}
        if not issubclass(cls, Child):
            return self.scope.refuses(cls, now, {**now, **then}, keys)
        reasons = (self.scope.refuses_child_field(cls, now, known[key]) for key in sorted(keys))
        return self._above(cls, above) or next((reason for reason in reasons if reason), None)

    def _above(self, cls: type[Child], above: Values | None) -> Text | None:
        if above is None:
            return _l("上级记录不存在，或您无权使用它")
        return self.scope.refuses_child(cls, above)


def _readable(column: Any, sensitive: bool) -> Any:
    return sa.case((column.is_not(None), sa.true()), else_=None) if sensitive else column


__all__ = ["Rights", "Values", "may_undo", "permitted"]
