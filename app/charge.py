"""What a person looks after: the rows that the desk counts and the registers they stand in.

Who reads the whole bureau looks after all of it; who works in an office, after the rows of that
office alone, although the published rows of the others are open as well. Counting Core statements
do not pass the session's guard: they take their tests from here, the scope's predicate included.
"""

from __future__ import annotations

import sqlalchemy as sa

from app import registry
from app.language import Text
from app.register import Register
from app.roles import REFERENCE, Rows, Verb
from app.scopes import Scope

#: how the registers call the office in charge
OFFICE_LABEL: Text = Register.__dict__["org_unit_id"].column.info["field"].label
_OFFICE = frozenset({Rows.NONE, Rows.PUBLISHED, Rows.OWN, Rows.OWN_OR_PUBLISHED})


def by_office(scope: Scope, cls: type[Register]) -> bool:
    """Whether the person looks after the rows of the own office only."""
    return not scope.actor.system and all(grant.read in _OFFICE for grant in scope.grants(cls))


def ledgers(scope: Scope) -> list[type[Register]]:
    """The registers that offices keep, as far as the person looks after rows of them."""
    return [entry.register for entry in registry.entries() if entry.rights is not REFERENCE and _looks_after(scope, entry.register)]


def lists(scope: Scope) -> list[type[Register]]:
    """The reference lists that the person keeps."""
    return [entry.register for entry in registry.entries() if entry.rights is REFERENCE and scope.may(entry.register, Verb.EDIT)]


def _looks_after(scope: Scope, cls: type[Register]) -> bool:
    if not scope.may(cls, Verb.READ):
        return False
    return not by_office(scope, cls) or any(grant.write is not Rows.NONE for grant in scope.grants(cls))


def looked_after(scope: Scope, cls: type[Register]) -> list[sa.ColumnElement[bool]]:
    """The tests for the rows, voided ones included."""
    visible = scope.rows(cls)
    tests = [] if visible is None else [visible]
    if by_office(scope, cls):
        tests.append(cls.org_unit_id == scope.actor.org_unit_id if scope.actor.org_unit_id else sa.false())
    return tests


def live(scope: Scope, cls: type[Register]) -> list[sa.ColumnElement[bool]]:
    """The tests for the rows in force."""
    return [cls.voided_at.is_(None), *looked_after(scope, cls)]
