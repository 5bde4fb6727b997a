"""One cell with both ends of a period, or a start and a length."""

from __future__ import annotations

from datetime import date

import pytest

from app.formats import LONG_TERM, FormatError, Until
from tests.test_formats_laws import SHELF

UNTIL = Until()


@pytest.mark.parametrize(
    ("raw", "start", "end"),
    [
        ("2021.3.1-2024.2.29", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021.03.01至2024.02.28", date(2021, 3, 1), date(2024, 2, 28)),
        ("2021-03-01 至 2024-02-28", date(2021, 3, 1), date(2024, 2, 28)),
        ("2021年3月1日—2024年2月29日", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021年3月1日\n至2024年2月29日", date(2021, 3, 1), date(2024, 2, 29)),
        ("20210301-20240229", date(2021, 3, 1), date(2024, 2, 29)),
        ("自2021/3/1起至2024/2/29止", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021-03-01~2024-02-28", date(2021, 3, 1), date(2024, 2, 28)),
        ("2021.3.1－长期", date(2021, 3, 1), LONG_TERM),
        ("2021年3月1日至长期", date(2021, 3, 1), LONG_TERM),
        ("2021.3.1起长期有效", date(2021, 3, 1), LONG_TERM),
        ("长期（2021.3.1起）", date(2021, 3, 1), LONG_TERM),
        ("三年（2021.3.1-2024.2.29）", date(2021, 3, 1), date(2024, 2, 29)),
        ("长期", None, LONG_TERM),
    ],
)
def test_both_ends_of_a_period(raw: str, start: date | None, end: date) -> None:
    reading = UNTIL.read(raw, SHELF)
    assert (reading.rest, reading.value, reading.doubts) == (start, end, ())


@pytest.mark.parametrize(
    ("raw", "start", "end"),
    [
        ("2024-01-01起三年", date(2024, 1, 1), date(2026, 12, 31)),
        ("自2024年1月1日起3年", date(2024, 1, 1), date(2026, 12, 31)),
        ("二〇二四年一月一日起五年内有效", date(2024, 1, 1), date(2028, 12, 31)),
        ("2024.3.1起有效期6个月", date(2024, 3, 1), date(2024, 8, 31)),
        ("2024-02-29起两年", date(2024, 2, 29), date(2026, 2, 28)),
        ("3年（2024.1.1起）", date(2024, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_length_is_counted_and_said(raw: str, start: date, end: date) -> None:
    reading = UNTIL.read(raw, SHELF)
    assert (reading.rest, reading.value) == (start, end)
    assert [doubt.code for doubt in reading.doubts] == ["counted_period"]
    assert end.isoformat() in str(reading.doubts[0].message)


@pytest.mark.parametrize("raw", ["三年", "2024-01-01起", "自领证起三年", "2024.1.1起若干年", "2024-13-01起三年", "有效期三年（见证书）"])
def test_a_period_that_says_no_day_is_refused(raw: str) -> None:
    with pytest.raises(FormatError) as caught:
        UNTIL.read(raw, SHELF)
    assert caught.value.code in {"bad_date", "no_end"}
