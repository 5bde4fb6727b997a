"""Days in every spelling that offices use, ranges, 长期, and days known only to the month."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from app.clock import SHANGHAI, local, today
from app.formats.base import EMPTY, Doubt, Format, FormatError, Json, Lookup, Reading, is_blank, line, symbols
from app.language import _l

#: kept for "without end"; sorts behind every real day
LONG_TERM = date(9999, 12, 31)
_LONG_WORDS = frozenset({"长期", "长期有效", "永久", "永久有效", "无固定期限", "无期限"})
_EPOCH = date(1899, 12, 30)  # day 0 of the spreadsheets' calendar
_FULL = re.compile(r"(\d{4}|\d{2})[年./\-](\d{1,2})[月./\-](\d{1,2})[日号]?\.?")
_MONTH = re.compile(r"(\d{4})[年./\-](\d{1,2})月?")
_YEAR = re.compile(r"(\d{4})年?")
_TIME = re.compile(r"(?:T|(?<=[\d日号]) )\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+\-]\d{2}:?\d{2})?$")
_RANGE = re.compile(r"\s*(?:至|到|~|～|－－|--|—+|–)\s*")
_HYPHEN_RANGE = re.compile(r"((?:\d{4}[年./]\d{1,2}(?:[月./]\d{1,2})?|\d{4}-\d{1,2}-\d{1,2}|\d{8}|\d{4}年?(?=\s*-\s*\d{4}年?$))[日号月]?)\s*-\s*(.+)")
#: 自2024年1月1日起三年, 2021.3.1起长期有效
_FROM_ON = re.compile(r"(?:自|从)?(.+?)(?:之日)?(?:起|开始)[，,、:：]?(?:有效期?|为期)?(?:至|为)?(?:(\d{1,2})(年|个月|月)(?:内?有效|止)?|(\D+))")
#: 三年（2021.3.1-2024.2.29）, 长期（2021.3.1起）
_LENGTH_FIRST = re.compile(r"(?:有效期)?((?:\d{1,2}(?:年|个月|月)|\D+?))[(（](.+)[)）]")
_NUMERALS = str.maketrans("〇○零一二三四五六七八九", "000123456789")


def _bad(raw: object) -> FormatError:
    return FormatError("bad_date", _l("“%(raw)s”不是日期，请写成 2026-03-15 或 2026年3月15日", raw=line(raw)[:40]))


def _arabic(text: str) -> str:
    """二〇二六年三月十五日 -> 2026年3月15日."""

    def tens(match: re.Match[str]) -> str:
        high, low = match.group(1), match.group(2)
        return str((int(high.translate(_NUMERALS)) if high else 1) * 10 + (int(low.translate(_NUMERALS)) if low else 0))

    text = re.sub(r"([一二三])?十([一二三四五六七八九])?", tens, text)
    return text.translate(_NUMERALS)


@dataclass(frozen=True)
class _Day:
    first: date
    last: date
    doubt: Doubt | None = None


def _span(year: int, month: int, day: int, doubt: Doubt | None, raw: object) -> _Day:
    try:
        if day:
            return _Day(date(year, month, day), date(year, month, day), doubt)
        if month:
            return _Day(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]), doubt)
        return _Day(date(year, 1, 1), date(year, 12, 31), doubt)
    except (ValueError, calendar.IllegalMonthError):
        raise _bad(raw) from None


def _number(raw: float, original: object) -> _Day:
    if 20_000 <= raw < 80_000:
        day = _EPOCH + timedelta(days=int(raw))
        return _Day(day, day)
    if not 1_000 <= raw < 100_000_000 or 10_000 <= raw < 100_000:  # not even a number either
        raise _bad(original)
    return _text(repr(raw) if raw != int(raw) else str(int(raw)), original)  # 2023.4 typed as a number


def _text(text: str, original: object) -> _Day:
    if re.search(r"[一二三四五六七八九十〇○零]", text):
        text = _arabic(text)
    text = _TIME.sub("", text).replace(" ", "")
    if re.fullmatch(r"\d{5}(\.0+)?", text):
        return _number(float(text), original)
    if match := re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text) or _FULL.fullmatch(text):
        year, month, day = (int(group) for group in match.groups())
        doubt = None
        if len(match.group(1)) == 2:
            year += 2000 if year < 70 else 1900
            doubt = Doubt("two_digit_year", _l("“%(text)s”的年份只写了两位，已按 %(year)s 年登记，请核对", text=text, year=year))
        return _span(year, month, day, doubt, original)
    if match := re.fullmatch(r"(\d{4})(0[1-9]|1[0-2])", text) or _MONTH.fullmatch(text):
        doubt = Doubt("month_only", _l("“%(text)s”只写到月，请核对并补上日", text=text))
        return _span(int(match.group(1)), int(match.group(2)), 0, doubt, original)
    if match := _YEAR.fullmatch(text):
        return _span(int(match.group(1)), 0, 0, Doubt("year_only", _l("“%(text)s”只写到年，请核对并补上月、日", text=text)), original)
    raise _bad(original)


def _day(raw: object) -> _Day:
    if isinstance(raw, datetime):
        return _Day(raw.date(), raw.date())
    if isinstance(raw, date):
        return _Day(raw, raw)
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return _number(raw, raw)
    if not isinstance(raw, str):
        raise _bad(raw)
    text = line(raw).replace("／", "/").replace("．", ".").replace("－", "-").replace("。", ".").rstrip("止前起")
    return _text(text, raw)


def _doubts(day: _Day, taken: date, today: date) -> tuple[Doubt, ...]:
    doubts = [day.doubt] if day.doubt else []
    if taken != LONG_TERM and not 1949 <= taken.year <= today.year + 30:
        doubts.append(Doubt("odd_year", _l("年份 %(year)s 不合常理，请核对", year=taken.year)))
    return tuple(doubts)


def _today(lookup: Lookup | None) -> date:
    return lookup.today if lookup else today()


@dataclass(frozen=True)
class Day(Format):
    """A day; known only to the month or year it stands for the first day of it, with a doubt."""

    name: ClassVar[str] = "date"
    widget: ClassVar[str] = "date"
    as_text: ClassVar[bool] = False
    ordered: ClassVar[bool] = True

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        day = _day(raw)
        return Reading(day.first, _doubts(day, day.first, _today(lookup)))

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return value.isoformat() if value else ""

    def cell(self, value: Any, lookup: Lookup | None = None) -> object:
        return value

    def dump(self, value: Any) -> Any:
        return value.isoformat() if value else None

    def mask(self, value: Any) -> str:
        return f"{value.year}-**-**" if value else ""

    def schema(self) -> Json:
        return {"type": "string", "format": "date"}


def _split_range(text: str) -> tuple[str, str] | None:
    if match := _HYPHEN_RANGE.fullmatch(text):
        return match.group(1), match.group(2)
    parts = _RANGE.split(text)
    if len(parts) == 2 and parts[1]:
        return parts[0].removeprefix("自").removeprefix("从"), parts[1]
    return None


def _after(start: date, months: int) -> date:
    """The last day of a period that begins on a day: the day before the same day of its month, or the month's last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, start.day) - timedelta(days=1) if start.day <= last else date(year, month + 1, last)


@dataclass(frozen=True)
class Until(Day):
    """The last valid day, inclusive. Reads ranges (the start goes to the spill field) and 长期.

    Known only to the month or year it stands for the last day of it, with a doubt.
    """

    name: ClassVar[str] = "date_until"

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        if not isinstance(raw, str):
            return self._end(raw, lookup)
        text = line(raw).replace("－", "-").replace("．", ".")
        counted = self._counted(text, lookup)
        if counted:
            return counted
        both = _split_range(text)
        if not both and text.endswith("起"):
            raise FormatError("no_end", _l("“%(text)s”只写了开始日期，请写明截止日期，长期有效的写“长期”", text=text[:40]))
        if not both:
            return self._end(text.removeprefix("至"), lookup)
        start, end = Day().read(both[0], lookup), self._end(both[1], lookup)
        if start.value and end.value and start.value > end.value:
            raise FormatError("bad_range", _l("“%(text)s”的开始日期晚于结束日期", text=text))
        return Reading(end.value, start.doubts + end.doubts, start.value)

    def _counted(self, text: str, lookup: Lookup | None) -> Reading | None:
        """A start and a length, or a start without an end; None for other texts."""
        arabic = _arabic(text.replace(" ", "").replace("两年", "2年"))
        if match := _LENGTH_FIRST.fullmatch(arabic):
            length, inner = match.groups()
            return (
                self._counted(inner + length if inner.endswith("起") else inner + "起" + length, lookup)
                if _split_range(inner) is None
                else self.read(inner, lookup)
            )
        match = _FROM_ON.fullmatch(arabic)
        if not match or (match[4] and symbols(match[4]) not in _LONG_WORDS):
            return None
        start = Day().read(match[1], lookup)
        if match[4] or start.value is None:
            return Reading(LONG_TERM, start.doubts, start.value)
        end = _after(start.value, int(match[2]) * (12 if match[3] == "年" else 1))
        doubt = Doubt("counted_period", _l("“%(text)s”没有写明截止日期，已推算到 %(end)s，请与证书核对", text=text, end=end.isoformat()))
        return Reading(end, (*start.doubts, doubt), start.value)

    def _end(self, raw: object, lookup: Lookup | None) -> Reading:
        if raw == LONG_TERM or (isinstance(raw, str) and symbols(raw) in {*_LONG_WORDS, symbols(str(_l("长期"))), "9999-12-31"}):
            return Reading(LONG_TERM)
        day = _day(raw)
        return Reading(day.last, _doubts(day, day.last, _today(lookup)))

    def mask(self, value: Any) -> str:
        return "****" if value == LONG_TERM else super().mask(value)

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return str(_l("长期")) if value == LONG_TERM else super().show(value)

    def write(self, value: Any, lookup: Lookup | None = None) -> str:
        return "长期" if value == LONG_TERM else super().show(value)

    def cell(self, value: Any, lookup: Lookup | None = None) -> object:
        return "长期" if value == LONG_TERM else value


@dataclass(frozen=True)
class Moment(Format):
    """A point in time, as the system keeps it (UTC) and people read it (Shanghai)."""

    name: ClassVar[str] = "datetime"
    as_text: ClassVar[bool] = False
    ordered: ClassVar[bool] = True

    def read(self, raw: object, lookup: Lookup | None = None) -> Reading:
        if is_blank(raw):
            return EMPTY
        try:
            moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(line(raw))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
            if not 1900 <= moment.year < 9000:
                raise _bad(raw)
            return Reading(moment.astimezone(UTC))
        except ValueError as error:
            raise error if isinstance(error, FormatError) else _bad(raw) from None

    def show(self, value: Any, lookup: Lookup | None = None) -> str:
        return f"{local(value):%Y-%m-%d %H:%M}" if value else ""

    def dump(self, value: Any) -> Any:
        return local(value).isoformat() if value else None

    def schema(self) -> Json:
        return {"type": "string", "format": "date-time"}
