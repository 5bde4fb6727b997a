"""Telephone numbers as offices write them: several in a cell, with names, without area code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from app.formats.base import EMPTY, Doubt, Format, FormatError, Lookup, Reading, is_blank, prose, refuse_damaged, symbols
from app.language import _l

AREA_CODE = "0314"  # 承德

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(0(?:10|2\d|[3-9]\d\d))-?(\d{7,8})(?:(?:-|转)(\d{1,6}))?")
_LOCAL = re.compile(r"([2-9]\d{6,7})(?:(?:-|转)(\d{1,6}))?")
_SERVICE = re.compile(r"([48]00)-?(\d{3})-?(\d{4})")
_SHORT = frozenset({"110", "112", "119", "120", "122", "12301", "12315", "12329", "12333", "12345", "12348", "12350", "12388", "12389"})
_NAME = re.compile(r"[\u3400-\u9fff·]+")
_KIND = re.compile(r"(办公|联系|值班|单位|公司)?(电话|手机|座机|固话|号码|手机号|传真)|办公|办公室|联系|宅电")


@dataclass(frozen=True)
class _Found:
    mobiles: list[str]
    lines: list[str]
    doubts: list[Doubt]


def _parts(text: str) -> list[str]:
    """Cut a cell into numbers: a blank separates too, unless it only groups the digits of one."""
    parts: list[str] = []
    for chunk in re.split(r"[、/;；,，\n|]+|(?<=\d)\s*或\s*(?=\d)", text):
        whole = symbols(chunk)
        pieces = chunk.split()
        alone = len(pieces) < 2 or any(not re.search(r"\d{7}", piece) for piece in pieces)
        parts.extend([whole] if alone else [symbols(piece) for piece in pieces])
    return [part for part in parts if not is_blank(part)]


#: how most cells are written: one number, in the form that we keep
_LINE = re.compile(r"0(?:10|2\d|[3-9]\d\d)-\d{7,8}", re.ASCII)
_ONE = re.compile(rf"(1[3-9]\d{{9}})|{_LINE.pattern}", re.ASCII)


def _sort_out(raw: object) -> _Found:
    if isinstance(raw, str) and (match := _ONE.fullmatch(raw)):
        return _Found([raw], [], []) if match.group(1) else _Found([], [raw], [])
    refuse_damaged(raw)
    text = re.sub(r"[–—―－]", "-", prose(raw))
    found = _Found([], [], [])
    for part in _parts(text):
        _one(part, found)
    return found


def _one(part: str, found: _Found) -> None:
    part = re.sub(r"[:：()（）]", "", part)
    names = [word for word in _NAME.findall(part) if word != "转" and not _KIND.fullmatch(word)]
    for name in names:
        found.doubts.append(Doubt("name_in_phone", _l("电话里写有“%(name)s”，号码已取出，姓名请填在联系人一栏", name=name), unless=name))
    numbers = [number for number in re.split(r"(?!转\d)[\u3400-\u9fff·]+", part) if number.strip("-")]
    if not numbers:
        raise _bad(part)
    for number in numbers:
        _number(number, found)


def _number(number: str, found: _Found) -> None:
    number = re.sub(r"^\+?86-?(?=1[3-9]\d{9}$|0\d{2,3}-)", "", number)
    number = re.sub(r"^\+?86-?(?=[1-9]\d{1,2}-\d{7,8}$)", "0", number)  # +86-314-7512345
    number = re.sub(r"(?<=\d{7})\.0+$", "", number).strip("-")  # a number that a program wrote as 13812345678.0
    bare = number.replace("-", "")
    if _MOBILE.fullmatch(bare):
        found.mobiles.append(bare)
    elif match := _LANDLINE.fullmatch(number):
        found.lines.append("-".join(group for group in match.groups() if group))
    elif match := _SERVICE.fullmatch(number):
        found.lines.append("-".join(match.groups()))
    elif bare in _SHORT:
        found.lines.append(bare)
    elif match := _LOCAL.fullmatch(number):
        full = "-".join(group for group in (AREA_CODE, *match.groups()) if group)
        found.lines.append(full)
        found.doubts.append(Doubt("no_area_code", _l("座机“%(number)s”没有区号，已按 %(full)s 登记，请核对", number=number, full=full)))
    else:
        raise _bad(number)


def _bad(part: str) -> FormatError:
    return FormatError("bad_phone", _l("“%(part)s”不是电话号码：手机应为 11 位，座机应为区号加 7 至 8 位", part=part[:40]))


def _join(numbers: list[str]) -> str | None:
    return "、".join(dict.fromkeys(numbers)) or None


@dataclass(frozen=True)
class Phone(Format):
    """Office telephones (public): landlines first. Mobile numbers in the cell go to the spill field.

    Without a spill field they stay here: the person wrote them down as the office's number.
    """

    #: whether the declaration names a field that takes the mobile numbers
    spills: bool = False
    name: ClassVar[str] = "phone"
    widget: ClassVar[str] = "tel"

    def settled(self) -> re.Pattern[str] | None:
        return _LINE if self.spills else _ONE

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        found = _sort_out(raw)
        if not self.spills:
            return Reading(_join(found.lines + found.mobiles), tuple(found.doubts))
        return Reading(_join(found.lines), tuple(found.doubts), _join(found.mobiles))

    def mask(self, value: Any) -> str:
        return "、".join(_mask_number(number) for number in str(value or "").split("、") if number)


@dataclass(frozen=True)
class Mobile(Phone):
    """A person's telephone (personal): mobile or landline, several with 、 between them."""

    name: ClassVar[str] = "mobile"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        found = _sort_out(raw)
        return Reading(_join(found.mobiles + found.lines), tuple(found.doubts))


def _mask_number(number: str) -> str:
    if _MOBILE.fullmatch(number):
        return f"{number[:3]}****{number[-4:]}"
    if match := re.match(r"(0\d{2,3}-)?\d{3}(?=-?\d{3})", number):
        return match.group() + "****"
    return "****"
