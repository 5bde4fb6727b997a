"""Telephone numbers as offices write them: several in a cell, with names, without area code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from app.formats.base import EMPTY, Doubt, Format, FormatError, Lookup, Reading, is_blank, prose, symbols
from app.language import _l

AREA_CODE = "0314"  # 承德

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(0\d{2,3})-?(\d{7,8})(?:(?:-|转)(\d{1,6}))?")
_LOCAL = re.compile(r"([2-9]\d{6,7})(?:(?:-|转)(\d{1,6}))?")
_SERVICE = re.compile(r"([48]00)-?(\d{3})-?(\d{4})")
_SHORT = frozenset({"110", "112", "119", "120", "122", "12301", "12315", "12329", "12333", "12345", "12348", "12350", "12388", "12389"})
_NAME = re.compile(r"[\u3400-\u9fff·]+")


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
    return [part for part in parts if part]


def _sort_out(raw: object) -> _Found:
    text = prose(raw)
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text.strip()):
        raise FormatError("damaged_number", _l("号码被表格软件当作数字存储，末尾数字已丢失。请把该列设为“文本”格式后重新填写原号码"))
    found = _Found([], [], [])
    for part in _parts(text):
        _one(part, found)
    return found


def _one(part: str, found: _Found) -> None:
    number = re.sub(r"^\+?86-?(?=1[3-9]|0?\d{2,3}-)|[:：()]", "", part)
    name = "".join(word for word in _NAME.findall(number) if word != "转")
    number = re.sub(r"[\u3400-\u9fff·]+", lambda word: "转" if word.group() == "转" else "", number)
    if name and not re.fullmatch(r"电话|手机|座机|办公|联系|宅电|传真|办公电话|联系电话|手机号", name):
        found.doubts.append(Doubt("name_in_phone", _l("电话里写有“%(name)s”，号码已取出，姓名请填在联系人一栏", name=name), unless=name))
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
        raise FormatError("bad_phone", _l("“%(part)s”不是电话号码：手机应为 11 位，座机应为区号加 7 至 8 位", part=part))


def _join(numbers: list[str]) -> str | None:
    return "、".join(dict.fromkeys(numbers)) or None


@dataclass(frozen=True)
class Phone(Format):
    """Office telephones (public): landlines first. Mobile numbers in the cell go to the spill field.

    Without a spill field they stay here: the person wrote them down as the office's number.
    """

    name: ClassVar[str] = "phone"
    widget: ClassVar[str] = "tel"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        found = _sort_out(raw)
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
    return number[:-4] + "****" if len(number) > 6 else number
