"""Numbers that the state gives: credit code, resident ID; and bank cards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from operator import mul
from typing import Any, ClassVar

from app.clock import today
from app.formats.base import (
    EMPTY,
    Doubt,
    Format,
    FormatError,
    Json,
    Lookup,
    Reading,
    is_blank,
    refuse_damaged,
    symbols,
)
from app.language import _l

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {char: value for value, char in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def credit_code_check(body: str) -> str:
    """The 18th character of a credit code (GB 32100-2015) for its first 17."""
    total = sum(map(mul, map(_USCC_VALUES.__getitem__, body), _USCC_WEIGHTS))
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def resident_id_check(body: str) -> str:
    """The 18th character of a resident ID (GB 11643-1999) for its first 17."""
    return "10X98765432"[sum(int(d) * w for d, w in zip(body, _ID_WEIGHTS, strict=True)) % 11]


def birth_date(resident_id: str) -> date:
    """Day of birth in an 18-digit resident ID; ValueError when there is no such day."""
    return date(int(resident_id[6:10]), int(resident_id[10:12]), int(resident_id[12:14]))


@dataclass(frozen=True)
class CreditCode(Format):
    """统一社会信用代码 (GB 32100-2015).

    Not python-stdnum's check: that refuses genuine codes with letters among the first eight
    characters (N… of the agricultural departments).
    """

    name: ClassVar[str] = "credit_code"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        refuse_damaged(raw)
        code = symbols(raw).upper()
        if is_blank(code):
            return EMPTY
        if len(code) != 18:
            raise FormatError("bad_credit_code", _l("统一社会信用代码应为 18 位，现为 %(now)s 位", now=len(code)))
        wrong = sorted({char for char in code if char not in _USCC_VALUES})
        if wrong:
            raise FormatError(
                "bad_credit_code",
                _l("统一社会信用代码不会含有“%(chars)s”（没有字母 I、O、S、V、Z）", chars="".join(wrong)),
            )
        if credit_code_check(code[:17]) != code[17]:
            raise FormatError("bad_check", _l("统一社会信用代码校验不符，请对照营业执照逐位核对"))
        return Reading(code)

    def mask(self, value: Any) -> str:
        return f"{value[:6]}********{value[-4:]}" if value else ""

    def schema(self) -> Json:
        return {"type": "string", "minLength": 18, "maxLength": 18}


@dataclass(frozen=True)
class ResidentId(Format):
    """公民身份号码 (GB 11643-1999): check character and day of birth.

    Not python-stdnum's check of the place: a code that did not exist in the year of birth is
    usual here (130828 for people born when Weichang was 132629).
    """

    name: ClassVar[str] = "resident_id"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        refuse_damaged(raw)
        number = symbols(raw).upper()
        if is_blank(number):
            return EMPTY
        if len(number) != 18:
            raise FormatError("bad_resident_id", _l("身份证号应为 18 位数字（末位可为 X），现为 %(now)s 位", now=len(number)))
        if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
            raise FormatError("bad_resident_id", _l("身份证号只能由数字组成，末位可为 X"))
        try:
            born = birth_date(number)
        except ValueError:
            raise FormatError("bad_resident_id", _l("身份证号中的出生日期不存在")) from None
        if born > (lookup.today if lookup else today()):
            raise FormatError("bad_resident_id", _l("身份证号中的出生日期晚于今天"))
        if resident_id_check(number[:17]) != number[17]:
            raise FormatError("bad_check", _l("身份证号校验不符，请对照证件逐位核对"))
        return Reading(number)

    def mask(self, value: Any) -> str:
        return f"{value[:6]}********{value[-4:]}" if value else ""

    def schema(self) -> Json:
        return {"type": "string", "pattern": "^[0-9]{17}[0-9X]$"}


@dataclass(frozen=True)
class BankCard(Format):
    """银行账号: 12 to 19 digits; a failed Luhn check is a doubt, since company accounts have none."""

    name: ClassVar[str] = "bank_card"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        refuse_damaged(raw)
        number = symbols(raw).replace("-", "")
        if is_blank(number):
            return EMPTY
        if not re.fullmatch(r"[0-9]{12,19}", number):
            raise FormatError("bad_bank_card", _l("银行账号应为 12 至 19 位数字"))
        digits = [int(char) for char in reversed(number)]
        total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
        if total % 10:
            return Reading(number, (Doubt("odd_bank_card", _l("银行账号校验不符，请核对")),))
        return Reading(number)

    def mask(self, value: Any) -> str:
        return f"****{value[-4:]}" if value else ""
