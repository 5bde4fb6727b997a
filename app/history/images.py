"""What an entry keeps of a row, read back: PostgreSQL's text of a composite, or SQLite's JSON array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from app.encryption import data_keys
from app.encryption.column import Encrypted
from app.encryption.envelope import DESTROYED, DataKey, key_of

_MARK = re.compile(r'["\\]')


def split(text: str) -> list[str | None]:
    """The values of a composite as PostgreSQL writes it: `(1,"a, b",,c)`; nothing between commas is NULL.

    Raises ValueError for anything else.
    """
    if not (text.startswith("(") and text.endswith(")")):
        raise ValueError("not the text of a row")
    return list(_parts(text))


def _parts(text: str) -> Iterator[str | None]:
    place, end = 1, len(text) - 1
    while True:
        if place < end and text[place] == '"':
            value, place = _quoted(text, place + 1)
            yield value
        else:
            comma = text.find(",", place, end)
            stop = end if comma < 0 else comma
            yield text[place:stop] or None
            place = stop
        if place >= end:
            return
        if text[place] != ",":
            raise ValueError("not the text of a row")
        place += 1


def _quoted(text: str, place: int) -> tuple[str, int]:
    """A quoted value and the place after it; quotes and backslashes stand doubled inside."""
    found = []
    while True:
        mark = _MARK.search(text, place)
        if mark is None:
            raise ValueError("not the text of a row")
        stop = mark.start()
        found.append(text[place:stop])
        if text[stop + 1 : stop + 2] == text[stop] or text[stop] == "\\":
            found.append(text[stop + 1])
            place = stop + 2
        else:
            return "".join(found), stop + 1


def columns(layout: str) -> tuple[str, ...]:
    """The columns of a layout, as the trace keeps them."""
    return tuple(json.loads(layout))


#: a table, the columns of its layout, the image
Kept = tuple[sa.FromClause, Sequence[str], str]


def read(connection: sa.Connection, kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """The values of images by column, as the tables' types have them; columns that are gone stay text.

    Encrypted ones are opened; where the data key is destroyed stands DESTROYED.
    """
    return opened(connection, [(table, unpacked(columns, image)) for table, columns, image in kept])


def opened(connection: sa.Connection, kept: Sequence[tuple[sa.FromClause, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The same of values that are unpacked already."""
    kinds = [{name: table.c[name].type if name in table.c else sa.Text() for name in raw} for table, raw in kept]
    raws = [raw for _table, raw in kept]
    names = {key_of(value) for kind, raw in zip(kinds, raws, strict=True) for name, value in raw.items() if value and isinstance(kind[name], Encrypted)}
    keys = data_keys.find(connection, names - {None})  # type: ignore[arg-type]
    return [{name: value_of(kind[name], value, keys) for name, value in raw.items()} for kind, raw in zip(kinds, raws, strict=True)]


def keys_of(columns: Sequence[str], image: str, attrs: Sequence[str]) -> set[str]:
    """The names of the data keys that an image's values of these columns need."""
    raw = unpacked(columns, image)
    return {name for attr in attrs if (text := raw.get(attr)) and (name := key_of(text)) is not None}


def unpacked(columns: Sequence[str], image: str) -> dict[str, Any]:
    """What an image holds by column, as it was written."""
    values: list[Any] = split(image) if image.startswith("(") else json.loads(image)
    return dict(zip(columns, values, strict=False))


def value_of(kind: sa.types.TypeEngine[Any], raw: Any, keys: Mapping[str, DataKey] = MappingProxyType({})) -> Any:
    """One value as its column's type has it; `keys` open the encrypted ones."""
    if raw is None:
        return None
    if isinstance(kind, Encrypted):
        name = key_of(raw)
        return DESTROYED if name is not None and name not in keys else kind.value(raw, keys.get(name or ""))
    if isinstance(kind, sa.JSON):
        return json.loads(raw)
    if isinstance(kind, sa.Boolean):
        return raw in {"t", 1}
    if isinstance(kind, sa.Integer):
        return int(raw)
    if isinstance(kind, sa.Numeric):
        return _number(kind, raw)
    if isinstance(kind, sa.DateTime):
        moment = datetime.fromisoformat(raw)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return date.fromisoformat(raw) if isinstance(kind, sa.Date) else raw


def _number(kind: sa.Numeric[Any], raw: Any) -> Decimal:
    """SQLite keeps numbers as floats; the column says how many places they have."""
    number = Decimal(str(raw))
    return number.quantize(Decimal(1).scaleb(-kind.scale)) if kind.scale is not None else number
