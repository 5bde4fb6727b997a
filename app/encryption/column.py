"""The column type of what is sensitive: text in the database, the plain value in Python, on every road that goes through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.sql import operators

from app.encryption import data_keys
from app.encryption.envelope import INDEX_AT, KEY_AT, NAME, DataKey, envelope

#: what a column of encrypted values is called that holds their blind index
INDEX = "_index"
_BETWEEN = "|"


class Encrypted(sa.types.TypeDecorator[Any]):
    """Text or a day, sealed; with `indexed`, equality is asked of the blind index, and nothing else of any.

    A select brings the wrapped data key along with the value, so that reading costs no statement more.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: type, place: str, indexed: bool = False) -> None:
        super().__init__()
        self.kind = kind
        self.place = place
        self.indexed = indexed

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        stored, key = envelope().seal(self.text(value), self.place, indexed=self.indexed)
        data_keys.keep_for(key)
        return stored

    def column_expression(self, column: Any) -> Any:
        keys, between = data_keys.TABLE, sa.literal_column(f"'{_BETWEEN}'", sa.Text)
        name = sa.func.substr(column, sa.literal_column(str(KEY_AT[self.indexed])), sa.literal_column(str(NAME)), type_=sa.String)
        key = sa.select(keys.c.master + between + keys.c.wrapped).where(keys.c.id == name).correlate_except(keys).scalar_subquery()
        both = sa.type_coerce(column, sa.Text) + between + sa.func.coalesce(key, between)  # nothing stays nothing
        return sa.type_coerce(both, self)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        stored, master, wrapped = str(value).rsplit(_BETWEEN, 2)
        return self.value(stored, DataKey("", wrapped, master) if wrapped else None)

    def value(self, stored: str, key: DataKey | None) -> Any:
        """What a column holds, as the field's value."""
        text = envelope().open(stored, self.place, key)
        return date.fromisoformat(text) if self.kind is date else text

    @staticmethod
    def text(value: Any) -> str:
        """A field's value as the text that is sealed."""
        return value.isoformat() if isinstance(value, date) else str(value)

    class Comparator(sa.types.TypeDecorator.Comparator[Any]):
        """Only what the blind index answers: is it this value, one of these, or none at all."""

        def operate(self, op: Any, *other: Any, **options: Any) -> Any:
            """Ask the index instead of the column; TypeError for what it cannot answer."""
            if op in {operators.is_, operators.is_not} or (other and (other[0] is None or isinstance(other[0], sa.ClauseElement))):
                return super().operate(op, *other, **options)
            kind: Any = self.type
            if not kind.indexed or op not in {operators.eq, operators.ne, operators.in_op}:
                raise TypeError(f"{kind.place} is encrypted: no statement can ask {getattr(op, '__name__', op)} of it")
            values = kind.indexes(other[0] if op is operators.in_op else [other[0]])
            return op(index_of(self.expr), values if op is operators.in_op else values[0])

    comparator_factory = Comparator

    def indexes(self, values: Sequence[Any]) -> list[str]:
        """The blind indexes of values."""
        keys = envelope()
        return [keys.index(self.text(value), self.place) for value in values]


def index_of(column: Any) -> Any:
    """The column that holds the blind index of an encrypted one."""
    return column.table.c[column.key + INDEX]


def index_column(name: str) -> sa.Column[str]:
    """The column that the database fills with the blind index out of the encrypted value itself."""
    return sa.Column(name + INDEX, sa.String(NAME), sa.Computed(f"substr({name}, {INDEX_AT}, {NAME})"))


class EncryptedBytes(sa.types.TypeDecorator[bytes]):
    """A file, sealed, its wrapped data key in front."""

    impl = sa.LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: bytes | None, dialect: sa.Dialect) -> bytes | None:
        return None if value is None else envelope().seal_bytes(value, self.place)

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> bytes | None:
        return None if value is None else envelope().open_bytes(bytes(value), self.place)


@event.listens_for(sa.Column, "before_parent_attach")
def _encrypt(column: sa.Column[Any], table: Any) -> None:
    """What is declared sensitive is kept encrypted: the declaration says it once."""
    declared = column.info.get("field")
    if declared is not None and declared.sensitive and not isinstance(column.type, Encrypted) and isinstance(table, sa.Table):
        kind = date if isinstance(column.type, sa.Date) else str
        if kind is str and not isinstance(column.type, sa.String):
            raise TypeError(f"{table.name}.{column.name}: only text and days can be kept encrypted")
        column.type = Encrypted(kind, f"{table.name}.{column.name}", bool(column.info.get("indexed")))
