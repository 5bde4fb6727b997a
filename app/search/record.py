"""A row as the search knows it: made out of its declared fields, the public ones apart from the others."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from app.fields import Field
from app.register import Record, fields
from app.search.pinyin import sounds
from app.search.text import grams, normal, plain

#: before each token of a field that is not public, so that a visitor's word never meets one: no normal text holds it
CLOSED = "\ue000"
#: of the way that tokens are made; another number makes `flask install` fill everything again
VERSION = 1


@cache
def searched(cls: type[Record]) -> tuple[Field, ...]:
    """The fields that the search looks into; never a sensitive one."""
    return tuple(declared for declared in fields(cls) if declared.search and not declared.sensitive)


@cache
def shape(cls: type[Record]) -> int:
    """A number for what is kept of a row: another one when fields are declared otherwise."""
    facts = (VERSION, [(declared.attr, declared.public) for declared in searched(cls)])
    return zlib.crc32(repr(facts).encode()) & 0x7FFFFFFF or 1


def entry(cls: type[Record], number: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the record of this number with these values by column."""
    texts = [(declared.public, str(values.get(declared.attr) or "")) for declared in searched(cls)]
    public, other = ([text for is_public, text in texts if is_public is wanted] for wanted in (True, False))
    tokens = _tokens(public) | {CLOSED + token for token in _tokens(other)}
    return {"rowid": number, "open": _lines(public), "closed": _lines(other), "grams": " ".join(sorted(tokens)), "shape": shape(cls)}


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(line for line in map(normal, texts) if line)


def _tokens(texts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in texts:
        found |= grams(normal(text))
        found |= sounds(plain(text))
    return found
