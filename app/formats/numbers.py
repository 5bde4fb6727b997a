"""Counts and amounts with the units that people write behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from app.formats.base import EMPTY, Doubt, Format, FormatError, Json, Lookup, Reading, is_blank, plain_number, symbols
from app.language import Text, _l

_ABOUT = re.compile(r"^(约|大约|近|>=?|<=?|≥|≤|不少于|不低于|至少|超过)|(左右|以上|以下|余|多)$")
#: how many of the unit on the right make one of the unit on the left
_SCALES = {"元": Decimal(1), "千元": Decimal(1000), "万元": Decimal(10_000), "万": Decimal(10_000), "亿元": Decimal(100_000_000)}
_SAME_UNIT = {"㎡": {"m2", "m²", "平方米", "平米", "平方"}, "人": {"名", "个"}, "年": {"a"}}

_PLAIN = frozenset({int, float})
_SUMMED = frozenset({*_SCALES, "人", "㎡"})
_MOST = {"度": 360}
#: how units are said to the reader; files and comparisons keep the Chinese
_SPOKEN: dict[str, Text] = {"元": _l("元"), "万元": _l("万元"), "人": _l("人"), "度": _l("度")}


def _refuse(raw: object) -> FormatError:
    return FormatError("bad_number", _l("“%(raw)s”不是数字", raw=plain_number(raw)[:40]))


def _split(raw: object) -> tuple[str, str, bool]:
    """Digits, unit and whether the person wrote 约, 以上 or the like."""
    if isinstance(raw, (int, float, Decimal)):
        raw = Decimal(str(raw)) if isinstance(raw, float) else Decimal(raw)
        if not raw.is_finite() or raw.adjusted() > 30:
            raise _refuse("∞")
        return f"{raw:f}", "", False
    text = symbols(raw).replace(",", "").replace("¥", "")
    bare = _ABOUT.sub("", _ABOUT.sub("", text))
    match = re.fullmatch(r"([+\-]?\d+(?:\.\d+)?)(.*)", bare)
    if not match:
        raise _refuse(raw)
    unit = match.group(2).lstrip("余多")
    return match.group(1), unit, bare != text or unit != match.group(2)


@dataclass(frozen=True)
class Number(Format):
    """A decimal number, `places` digits behind the point, in `unit`."""

    unit: str = ""
    places: int = 2
    #: what the columns hold at most: Numeric(14, 2), Integer
    most: ClassVar[int] = 10**12 - 1
    name: ClassVar[str] = "number"
    widget: ClassVar[str] = "number"
    as_text: ClassVar[bool] = False
    ordered: ClassVar[bool] = True

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if type(raw) in _PLAIN and 0 <= raw <= 1e9:  # type: ignore[operator] # as workbooks have nearly all of them
            number = self._fit(Decimal(str(raw)))
            if number <= _MOST.get(self.unit, self.most):
                return Reading(number)
        if is_blank(raw):
            return EMPTY
        if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
            raise _refuse(raw)
        digits, unit, about = _split(raw)
        doubts: tuple[Doubt, ...] = (Doubt("about", _l("“%(raw)s”是约数，已按 %(digits)s 登记", raw=symbols(raw), digits=digits)),) if about else ()
        try:
            number = self._fit(Decimal(digits) * self._factor(unit, raw))
        except InvalidOperation:
            raise _refuse(raw) from None
        if abs(number) > _MOST.get(self.unit, self.most):
            raise FormatError("bad_number", _l("“%(raw)s”太大，请核对单位", raw=symbols(raw)))
        if number < 0:
            doubts += (Doubt("negative", _l("“%(raw)s”小于零，请核对", raw=symbols(raw))),)
        return Reading(number, doubts)

    @property
    def adds_up(self) -> bool:
        """Whether the sum over many rows means something: money, people, areas; no degrees, no marks."""
        return self.unit in _SUMMED

    @property
    def spoken_unit(self) -> Text:
        """The unit in the reader's language."""
        return _SPOKEN.get(self.unit, self.unit)

    def _factor(self, unit: str, raw: object) -> Decimal:
        if not unit or unit == self.unit or unit in _SAME_UNIT.get(self.unit, ()):
            return Decimal(1)
        if unit in _SCALES and self.unit in _SCALES:
            return _SCALES[unit] / _SCALES[self.unit]
        raise FormatError("bad_unit", _l("“%(raw)s”的单位应为“%(unit)s”", raw=symbols(raw), unit=self.spoken_unit or _l("无单位")))

    def _fit(self, number: Decimal) -> Any:
        return number.quantize(Decimal(1).scaleb(-self.places)).normalize() + 0

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return "" if value is None else f"{Decimal(value).normalize() + 0:f}"

    def cell(self, value: Any, lookup: Lookup | None = None) -> object:
        return None if value is None else float(value)

    def dump(self, value: Any) -> Any:
        return None if value is None else self.show(value)

    def mask(self, value: Any) -> str:
        return "****" if value is not None else ""

    def schema(self) -> Json:
        return {"type": "string", "format": "decimal"}


@dataclass(frozen=True)
class Count(Number):
    """A whole number."""

    places: int = 0
    most: ClassVar[int] = 2**31 - 1
    name: ClassVar[str] = "count"

    def _fit(self, number: Decimal) -> Any:
        if number != number.to_integral_value():
            raise FormatError("bad_number", _l("应为整数，现为 %(number)s", number=f"{number:f}"))
        return int(number)

    def cell(self, value: Any, lookup: Lookup | None = None) -> object:
        return value

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "integer"}
