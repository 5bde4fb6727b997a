"""Which tables leave a trace, with which columns: every register and child, who holds which role, who was granted what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from app import registry
from app.register import Child, Record


@dataclass(frozen=True)
class Relation:
    """A table that is traced: the columns that an entry keeps, and by which one its entries are found with another's."""

    name: str
    columns: tuple[str, ...]
    #: the column that holds the number of the record above (children)
    parent: str = ""
    #: sign-ins touch the table all day; only a change of these columns is an act
    only_changes: bool = False


#: Flask-AppBuilder's tables by which a person comes to a right; never the password
ACCOUNTS = (
    Relation("ab_user", ("id", "username", "first_name", "last_name", "email", "active", "org_unit_id", "regions"), only_changes=True),
    Relation("ab_user_role", ("id", "user_id", "role_id"), "user_id"),
    Relation("ab_user_group", ("id", "user_id", "group_id"), "user_id"),
    Relation("ab_group_role", ("id", "group_id", "role_id")),
    Relation("ab_permission_view_role", ("id", "permission_view_id", "role_id")),
)

#: who asked to see what is masked, and who let him (app/disclosure.py)
GRANTS = (
    Relation(
        "disclosure",
        (
            "id", "kind", "register", "amount", "purpose", "note", "asker", "org_unit_id", "asked_at",
            "state", "decided_by", "decided_at", "words", "until", "used_at", "number",
        ),
    ),
)  # fmt: skip


def relations() -> tuple[Relation, ...]:
    """Every traced table."""
    return _relations(tuple(registry.tables()))


@cache
def _relations(tables: tuple[type[Record], ...]) -> tuple[Relation, ...]:
    records = (
        Relation(
            cls.__tablename__, tuple(column.name for column in cls.__table__.columns if column.computed is None), "parent_id" if issubclass(cls, Child) else ""
        )
        for cls in tables
    )
    return (*records, *ACCOUNTS, *GRANTS)


def names() -> frozenset[str]:
    """The names of the traced tables."""
    return _names(relations())


@cache
def _names(known: tuple[Relation, ...]) -> frozenset[str]:
    return frozenset(relation.name for relation in known)
