"""Text, names of people, addresses on the net, numbers of documents and certificates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from app.formats.base import (
    EMPTY,
    Doubt,
    Format,
    FormatError,
    Json,
    Lookup,
    Reading,
    is_blank,
    line,
    plain_identifier,
    plain_line,
    prose,
    refuse_damaged,
    symbols,
    veil,
)
from app.language import _l

_STROKES = frozenset("/／-—－")


@dataclass(frozen=True)
class Text(Format):
    """One line, at most `length` characters."""

    length: int = 200
    name: ClassVar[str] = "text"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        text = self.clean(raw)
        if len(text) > self.length:
            raise FormatError(
                "too_long",
                _l("最多 %(most)s 个字，现有 %(now)s 个字，请缩短", most=self.length, now=len(text)),
            )
        return Reading(text or None)

    def settled(self) -> re.Pattern[str] | None:
        return plain_line(self.length)

    def clean(self, raw: object) -> str:
        """What is kept of the text; empty for nothing but a stroke."""
        text = line(raw)
        return "" if text[:1] in _STROKES and re.fullmatch(r"[/／\-—－]+", text) else text

    def schema(self) -> Json:
        return {"type": "string", "maxLength": self.length}


@dataclass(frozen=True)
class LongText(Text):
    """Several lines, kept as typed but for blanks at the ends of lines."""

    length: int = 20_000
    name: ClassVar[str] = "long_text"
    widget: ClassVar[str] = "textarea"

    def clean(self, raw: object) -> str:
        return "\n".join(part.rstrip() for part in prose(raw).split("\n")).strip()


@dataclass(frozen=True)
class PersonName(Text):
    """A person's name; the blanks that line up two-character names (王  伟) are not part of it."""

    length: int = 60
    name: ClassVar[str] = "person_name"

    def clean(self, raw: object) -> str:
        text = re.sub(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])", "", line(raw))
        return "" if is_blank(text) else text

    def mask(self, value: Any) -> str:
        text = str(value or "")
        head = text[:1] if text[1:].strip("*") else ""
        return head + "*" * max(1, min(len(text) - 1, 3)) if text else ""


@dataclass(frozen=True)
class Words(Text):
    """Several short texts, kept in one line with 、 between them."""

    length: int = 500
    name: ClassVar[str] = "words"

    def settled(self) -> re.Pattern[str] | None:
        return None

    def clean(self, raw: object) -> str:
        text = "、".join(prose(part) for part in raw) if isinstance(raw, (list, tuple)) else prose(raw)
        parts = [line(part) for part in re.split(r"[、；;\n]+", text)]
        return "、".join(dict.fromkeys(part for part in parts if not is_blank(part)))


def _identifier(raw: object) -> str:
    """A number without blanks, brackets made one; empty when the cell says there is none."""
    text = _brackets(symbols(raw))
    return "" if is_blank(text) else text


def _brackets(text: str) -> str:
    """Brackets round a year become 〔〕, the form that GB/T 9704 prescribes for documents."""
    return re.sub(r"[\[(【〔〈<{]\s*(\d{4})\s*[\])】〕〉>}]", r"〔\1〕", text)


@dataclass(frozen=True)
class DocumentNumber(Text):
    """发文字号: 围应急〔2023〕12号, 应急管理部令第1号, 市场监管总局公告2024年第45号."""

    length: int = 100
    name: ClassVar[str] = "document_number"
    known: ClassVar[re.Pattern[str]] = re.compile(
        r"[\u3400-\u9fff]+("
        r"〔\d{4}〕第?\d{1,5}号"
        r"|令(〔\d{4}〕)?第?[\d〇一二三四五六七八九十百]+号"
        r"|公告(〔\d{4}〕|\d{4}年)?第?[\d〇一二三四五六七八九十百]+号"
        r")"
    )

    def settled(self) -> re.Pattern[str] | None:
        return None

    def clean(self, raw: object) -> str:
        return _identifier(raw)

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        text = super().read(raw, lookup).value
        if text is None or self.known.fullmatch(text):
            return Reading(text)
        doubt = Doubt("odd_document_number", _l("文号“%(text)s”不像常见的写法，例如 围应急〔2026〕12号，请核对", text=text))
        return Reading(text, (doubt,))


@dataclass(frozen=True)
class CertificateNumber(Text):
    """证书编号. Never refused for its shape: issuers change theirs without notice."""

    length: int = 100
    name: ClassVar[str] = "certificate_number"
    evaluation: ClassVar[re.Pattern[str]] = re.compile(r"APJ-?\([国\u3400-\u9fff]\)-?\d{3,4}")

    def settled(self) -> re.Pattern[str] | None:
        return plain_identifier(self.length, r"(?=.*[0-9])(?![Aa][Pp][Jj])")

    def clean(self, raw: object) -> str:
        return _identifier(raw)

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        refuse_damaged(raw)
        text = super().read(raw, lookup).value
        odd = text and (not re.search(r"\d", text) or (text.upper().startswith("APJ") and not self.evaluation.fullmatch(text)))
        if not odd:
            return Reading(text)
        return Reading(text, (Doubt("odd_certificate_number", _l("证书编号“%(text)s”不像常见的写法，请核对", text=text)),))


@dataclass(frozen=True)
class Code(Text):
    """A number or code of our own: half width, no spaces, kept as text."""

    length: int = 64
    name: ClassVar[str] = "code"

    def settled(self) -> re.Pattern[str] | None:
        return plain_identifier(self.length)

    def clean(self, raw: object) -> str:
        return _identifier(raw)

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        refuse_damaged(raw)
        return super().read(raw, lookup)


@dataclass(frozen=True)
class Url(Text):
    """A web address; `https://` is put in front when nobody wrote a scheme."""

    length: int = 500
    name: ClassVar[str] = "url"
    widget: ClassVar[str] = "url"
    known: ClassVar[re.Pattern[str]] = re.compile(r"https?://[^\s/@?#]+\.[^\s/@?#.:]+(:\d+)?([/?#]\S*)?")

    def settled(self) -> re.Pattern[str] | None:
        return None

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        text = symbols(raw).removeprefix("//")
        if is_blank(text):
            return EMPTY
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):(?!\d)", text)
        if scheme and scheme.group(1).lower() not in {"http", "https"}:
            raise FormatError("bad_url", _l("网址只能以 http:// 或 https:// 开头"))
        text = text if scheme else "https://" + text
        head, colon, tail = text.partition(":")
        text = super().read(head.lower() + colon + tail, lookup).value
        if self.known.fullmatch(text):
            return Reading(text)
        return Reading(text, (Doubt("odd_url", _l("“%(text)s”不像网址，请核对", text=text)),))


@dataclass(frozen=True)
class Email(Text):
    """An e-mail address."""

    length: int = 200
    name: ClassVar[str] = "email"
    widget: ClassVar[str] = "email"

    def settled(self) -> re.Pattern[str] | None:
        return None

    def clean(self, raw: object) -> str:
        text = symbols(raw)
        return "" if is_blank(text) else text

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        text = super().read(raw, lookup).value
        if text is None or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text):
            return Reading(text)
        return Reading(text, (Doubt("odd_email", _l("“%(text)s”不像电子邮箱，请核对", text=text)),))

    def mask(self, value: Any) -> str:
        local, at, host = str(value or "").partition("@")
        return f"{local[:1]}***{at}{host}" if local and at else veil(local + at + host)
