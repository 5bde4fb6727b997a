"""What a sheet of a register may feed: its own fields and those of its children, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.fields import Field
from app.formats import File
from app.register import Child, Record, Register, children, fields


@dataclass(frozen=True)
class Target:
    """A field that a column feeds; `child` is None for the register's own."""

    field: Field
    child: type[Child] | None = None

    @property
    def name(self) -> str:
        """`name`, or `qualifications.valid_to`."""
        return f"{self.child.__key__}.{self.field.key}" if self.child else self.field.key


def fed_children(cls: type[Register]) -> list[type[Child]]:
    """The children whose rows come in with the register's sheet."""
    return [child for child in children(cls) if child.__sheet__]


def targets(cls: type[Register]) -> Iterator[Target]:
    """Every field that the register's sheet may feed, the record's first."""
    yield from (Target(declared) for declared in sheet_fields(cls))
    for child in fed_children(cls):
        yield from (Target(declared, child) for declared in sheet_fields(child))


def sheet_fields(cls: type[Record]) -> list[Field]:
    """The fields of a record or child that workbooks carry."""
    return [declared for declared in fields(cls) if declared.sheet and not isinstance(declared.format, File)]
