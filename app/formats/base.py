"""What a format is: the one gate between what a person writes and what is kept.

A format reads whatever a road delivers (text of a form, cell of a workbook, JSON value), refuses
with a sentence for the person, doubts with another, and writes the value back so that
`parse(show(x)) == x` and `parse(parse(x)) == parse(x)`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar, Protocol, cast

from app.language import Text, _l

Json = dict[str, Any]


class FormatError(ValueError):
    """A value that cannot be kept: `code` for machines, `message` for the person; `words`: what no list or register knows."""

    def __init__(self, code: str, message: Text, words: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.words = words

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value that is kept though somebody should look at it.

    `unless` is text that settles the doubt when another cell of the same row holds it: the name
    written beside a phone number is no news when the contact's own cell says the same.
    """

    code: str
    message: Text
    unless: str = ""
    #: the word that no list knows
    word: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a format understood: the value, its doubts, and what belongs to the spill field.

    `rest` is what the cell held beside this field's own value (the start of a date range, the
    mobile number beside a landline); it goes to the field that the declaration names in `spill`.
    """

    value: Any
    doubts: tuple[Doubt, ...] = ()
    rest: Any = None


EMPTY = Reading(None)


@dataclass(frozen=True, slots=True)
class Match:
    """A record that a text may mean."""

    id: int
    label: str


class Lookup(Protocol):
    """What formats may ask of the database: code lists of the day and linked records in scope."""

    today: date

    def word(self, code_list: str, text: str) -> str | None:
        """The code that a label, code or alias stands for; None when the list does not know it."""

    def label(self, code_list: str, code: str) -> str:
        """The label of a code; the code itself when the list does not know it."""

    def nearest(self, code_list: str, text: str) -> list[str]:
        """Up to three labels that look like the text."""

    def options(self, code_list: str) -> list[tuple[str, str]]:
        """Code and label of every entry in force today, in the list's order."""

    def is_open(self, code_list: str) -> bool:
        """Whether unknown words come in as entries that wait for the list's keeper."""

    def find(self, register: str, text: str) -> list[Match]:
        """The records in scope that a key or name means; several when the name is shared."""

    def has(self, register: str, record_id: int) -> bool:
        """Whether that record exists within the reader's scope."""

    def name(self, register: str, record_id: int) -> str:
        """How people call the record; empty when it is out of scope."""

    def handle(self, register: str, record_id: int) -> str:
        """A text that `find` leads back to exactly this record."""


class Format:
    """Base of all formats; a format holds no state of a request and may be shared."""

    name: ClassVar[str] = "text"
    widget: ClassVar[str] = "text"
    #: written as text (`@`) in workbooks, so that no spreadsheet program eats digits
    as_text: ClassVar[bool] = True
    #: worth a "from .. to .." filter
    ordered: ClassVar[bool] = False

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        """Understand what was written.

        Raises FormatError when it cannot be kept. Blank reads as None.
        """
        raise TypeError(f"{type(self).__name__} does not say how to read")

    def parse(self, raw: object, lookup: Lookup | None = None) -> Any:
        """The value alone."""
        return self.read(raw, lookup).value

    def settled(self) -> re.Pattern[str] | None:
        """Matches texts that are kept exactly as they stand, with no doubt and nothing for the spill field; None: each must be read.

        Most cells of a file are such, and one look tells.
        """
        return None

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        """The value as a person reads it; empty for None."""
        return "" if value is None else str(value)

    def write(self, value: Any, lookup: Lookup | None = None) -> str:
        """The value as a workbook carries it: like `show`, but always leading back to it."""
        return self.show(value, lookup)

    def cell(self, value: Any, lookup: Lookup | None = None) -> object:
        """The value as a workbook cell: a number or date where that keeps it whole, else text."""
        return self.write(value, lookup) or None

    def dump(self, value: Any) -> Any:
        """The value as JSON carries it."""
        return value

    def mask(self, value: Any) -> str:
        """The value for eyes without the grant: the first and the last character at most."""
        return veil(self.show(value))

    def schema(self) -> Json:
        """The OpenAPI schema of `dump`'s result."""
        return {"type": "string"}


ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202c"))
_FULL = {c: c - 0xFEE0 for c in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_CONTROL = {c: None for c in (*range(32), 0x7F, *range(0xD800, 0xE000)) if chr(c) not in "\t\n\r"}
_HAN = r"[\u3400-\u9fff]"
_BLANKS = frozenset({"", "/", "／", "-", "--", "—", "——", "———", "－", "无", "暂无", "不详", "N/A", "n/a"})
#: what `prose` or `line` changes stands at one of these; most cells have none of them, and one look tells
_RAW = r"\s\x00-\x1f\x7f\ud800-\udfff０-９Ａ-Ｚａ-ｚ" + "".join(map(chr, ZERO_WIDTH))
_WORK = re.compile(f"[{_RAW}]")
#: an identifier that `symbols` leaves as it is
_IDENTIFIER = r"[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z\u4e00-\u9fff〔〕_.:/@\-]"
_SYMBOLS = re.compile(f"(?:{_IDENTIFIER}*)?")
_SAYS = r"(?!(?:" + "|".join(re.escape(word) for word in sorted(_BLANKS) if word) + r")\Z)"


def plain_line(length: int) -> re.Pattern[str]:
    """Texts that `line` leaves as they are, not blank in any way and at most so long."""
    return re.compile(rf"{_SAYS}[^{_RAW}/／\-—－][^{_RAW}]{{0,{length - 1}}}")


def plain_identifier(length: int, but: str = "") -> re.Pattern[str]:
    """Identifiers that `symbols` leaves as they are, at most so long, whole (no 1.3E+17); `but` is a pattern that they must not begin with."""
    return re.compile(rf"{_SAYS}(?![0-9]+\.[0-9]+[eE]){but}{_IDENTIFIER}{{0,{length - 1}}}")


def prose(raw: object) -> str:
    """Text as Chinese prose keeps it: full-width digits and letters narrowed, punctuation left."""
    text = written(raw)
    if not _WORK.search(text):
        return text
    text = text.translate(ZERO_WIDTH).translate(_FULL).translate(_CONTROL)
    return text.replace("\u3000", " ").replace("\xa0", " ").replace("\r\n", "\n").replace("\r", "\n")


def line(raw: object) -> str:
    """One line of prose: breaks inside Chinese words vanish, runs of spaces become one."""
    text = prose(raw)
    if not _WORK.search(text):
        return text
    text = re.sub(rf"(?<={_HAN})\s*\n\s*(?={_HAN})", "", text)
    return re.sub(r"\s+", " ", text).strip()


def symbols(raw: object) -> str:
    """Text of an identifier: NFKC (full width to half width), no space of any kind."""
    text, before = written(raw), None
    if _SYMBOLS.fullmatch(text):
        return text
    while text != before:  # what is taken away may bring together what is taken away again
        before = text
        text = unicodedata.normalize("NFKC", text.translate(ZERO_WIDTH)).translate(_CONTROL)
        text = re.sub(r"\s+", "", text)
        excel_text = re.fullmatch(r'="?(.*?)"?', text)  # CSV files guard identifiers as ="130828…"
        text = (excel_text.group(1) if excel_text else text).lstrip("'`’")
    return text


def written(raw: object) -> str:
    """What a road delivered as text; FormatError for lists, mappings, bytes and the like."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, datetime):
        return raw.isoformat(" ") if raw.time() != time() else raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    if raw is None or isinstance(raw, (int, float, Decimal)):
        return plain_number(raw)
    raise FormatError("bad_value", _l("这里应填文字或数字"))


def plain_number(raw: object) -> str:
    """A number as people write it: no `.0` behind whole numbers, no exponent."""
    if is_blank(raw):  # an empty cell, or "not a number" in its place
        return ""
    if isinstance(raw, bool):
        return str(raw).upper()
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    if isinstance(raw, int) and raw.bit_length() > 1000:
        raise FormatError("bad_value", _l("数字太大"))
    return str(raw)


def veil(text: str) -> str:
    """The first character at most, so that the whole never shows."""
    head = text[:1] if text[1:].strip("*") else ""
    return head + "****" if text else ""


def is_blank(raw: object) -> bool:
    """Whether a cell says nothing: empty, a dash, a slash, 无."""
    if raw is None or (isinstance(raw, (float, Decimal)) and math.isnan(raw)):
        return True
    return isinstance(raw, str) and line(raw) in _BLANKS


_EXPONENT = re.compile(r"\d(\.\d+[eE]\+?|[eE]\+)\d+")


def refuse_damaged(raw: object) -> None:
    """Refuse an identifier that a spreadsheet program turned into a number and cut at 15 digits."""
    if isinstance(raw, str) and raw.isascii() and "e" not in raw and "E" not in raw:
        return
    number = isinstance(raw, (int, float, Decimal)) and not isinstance(raw, bool) and not is_blank(raw) and abs(cast("float", raw)) >= 10**15
    if number or (isinstance(raw, str) and _EXPONENT.fullmatch(symbols(raw))):
        raise FormatError(
            "damaged_number",
            _l("号码被表格软件当作数字存储，末尾数字已丢失。请把该列设为“文本”格式后重新填写原号码"),
        )
