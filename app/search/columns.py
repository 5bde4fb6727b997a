"""What each row keeps for the search, made out of its declared fields whenever they are written."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fields import Field
from app.register import Record, fields
from app.search.pinyin import sounds
from app.search.text import grams, normal, plain

#: before each token of a field that is not public, so that a visitor's word never meets one
CLOSED = "\ue000"
#: of the way that tokens are made; another number makes `flask install` fill every row again
VERSION = 1


@cache
def searched(cls: type[Record]) -> tuple[Field, ...]:
    """The fields that the search looks into; never a sensitive one."""
    return tuple(declared for declared in fields(cls) if declared.search and not declared.sensitive)


@cache
def shape(cls: type[Record]) -> int:
    """A number for what the columns hold: another one when fields are declared otherwise."""
    facts = (VERSION, [(declared.attr, declared.public) for declared in searched(cls)])
    return zlib.crc32(repr(facts).encode()) & 0x7FFFFFFF


def columns(cls: type[Record], values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the search for a row with these values by column."""
    texts = [(declared.public, str(values.get(declared.attr) or "")) for declared in searched(cls)]
    public, other = ([text for is_public, text in texts if is_public is wanted] for wanted in (True, False))
    tokens = _tokens(public) | {CLOSED + token for token in _tokens(other)}
    return {"search_open": _lines(public), "search_closed": _lines(other), "search_grams": " ".join(sorted(tokens)), "search_shape": shape(cls)}


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(line for line in map(normal, texts) if line)


def _tokens(texts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in texts:
        found |= grams(normal(text))
        found |= sounds(plain(text))
    return found


def concerns(cls: type[Record], attrs: Iterable[str]) -> bool:
    """Whether writing these columns changes what the search should find."""
    return not {declared.attr for declared in searched(cls)}.isdisjoint(attrs)


def keep(session: Session, _context: Any, _instances: Any) -> None:
    """Before a flush: the search's columns of every row whose text changes."""
    for row in (*session.new, *session.dirty):
        if isinstance(row, Record) and _changed(session, row):
            for name, value in columns(type(row), {declared.attr: getattr(row, declared.attr) for declared in searched(type(row))}).items():
                setattr(row, name, value)


def _changed(session: Session, row: Record) -> bool:
    history = sa.inspect(row).attrs
    return row in session.new or any(history[declared.attr].history.has_changes() for declared in searched(type(row)))
