"""The laws of the formats: what is shown reads back, what was read stays, nothing but a sentence is raised."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app import formats
from app.formats import FormatError, Lookup, Match, base
from app.language import _l
from app.lookup import plain_word

TODAY = date(2026, 3, 15)


class Weather(formats.State):
    """A state for these tests."""

    FAIR = "fair", _l("晴")
    FOUL = "foul", _l("有雨")


class Shelf:
    """A lookup over two code lists and one register, without a database."""

    today = TODAY
    lists: ClassVar = {
        "scope": {
            "02": "金属、非金属矿及其他矿采选业",
            "04": "陆上油气管道运输业",
            "05": "石油加工业,化学原料、化学品及医药制造业",
            "special/9.1": "光气及光气化(1.2版)",
        },
        "speciality": {"mine": "非煤矿山", "fire": "消防", "综合监管": "综合监管"},
    }
    records: ClassVar = {1: "冀北安评有限公司", 2: "承德检测（围场）所", 3: "同名公司", 4: "同名公司"}

    def word(self, code_list: str, text: str) -> str | None:
        words = self.lists[code_list]
        found = {plain_word(code): code for code in words} | {plain_word(label): code for code, label in words.items()}
        return found.get(plain_word(text))

    def label(self, code_list: str, code: str) -> str:
        return self.lists[code_list].get(code, code)

    def nearest(self, code_list: str, text: str) -> list[str]:
        return list(self.lists[code_list].values())[:3]

    def options(self, code_list: str) -> list[tuple[str, str]]:
        return list(self.lists[code_list].items())

    def is_open(self, code_list: str) -> bool:
        return code_list == "speciality"

    def find(self, register: str, text: str) -> list[Match]:
        return [Match(each, self.handle(register, each)) for each, name in self.records.items() if text in {name, self.handle(register, each)}]

    def has(self, register: str, record_id: int) -> bool:
        return record_id in self.records

    def name(self, register: str, record_id: int) -> str:
        return self.records.get(record_id, "")

    def handle(self, register: str, record_id: int) -> str:
        return f"{self.records[record_id]}（{record_id}）" if record_id in {3, 4} else self.records.get(record_id, "")


SHELF: Lookup = Shelf()


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    start = draw(st.sampled_from(["91", "92", "93", "11", "12", "52", "N2", "Y1"]))
    body = start + draw(st.text("0123456789", min_size=6, max_size=6)) + draw(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9))
    return body + formats.credit_code_check(body)


@st.composite
def resident_ids(draw: st.DrawFn) -> str:
    born = draw(st.dates(date(1900, 1, 1), TODAY))
    body = draw(st.text("0123456789", min_size=6, max_size=6)) + f"{born:%Y%m%d}" + draw(st.text("0123456789", min_size=3, max_size=3))
    return body + formats.resident_id_check(body)


digits = st.text("0123456789", min_size=7, max_size=8)
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
landlines = st.from_regex(r"0(10|2[0-9]|[3-9][0-9]{2})-?[2-9][0-9]{6,7}(-[0-9]{1,6}|转[0-9]{1,6})?", fullmatch=True)
local_numbers = st.from_regex(r"[2-9][0-9]{6}", fullmatch=True)
one_phone = mobiles | landlines | local_numbers | st.sampled_from(["12345", "119", "400-123-4567", "8001234567", "+86 13812345678", "张三13812345678"])
phones = st.lists(one_phone, min_size=1, max_size=3).flatmap(lambda numbers: st.sampled_from("、/;，\n").map(lambda sep: sep.join(numbers)))

amounts = st.decimals(-(10**9), 10**9, places=2).map(str) | st.sampled_from(["500万元", "1,200元", "约30", "＞30", "1.5亿元", "0", "-0.00", "3e2"])
counts = st.integers(-(10**6), 10**6).map(str) | st.sampled_from(["25人", "３０", "约40人", "20余人"])
days = st.dates(date(1000, 1, 1)) | st.dates().map(lambda day: f"{day.year:04}年{day.month}月{day.day}日") | st.integers(20_000, 79_999)
untils = days | st.sampled_from(["长期", "永久有效", "2021.3.1-2024.2.29", "2021年3月至2024年2月", "2023-04", "2024"]) | st.just(formats.LONG_TERM)
prose = st.text() | st.text("围场 \n\t\u3000\u200b０Ａ（）；、,。·-/无a1'=\"")
numbers = st.sampled_from(["围应急[2023]12号", "应急管理部令第1号", "（冀）FM安许证字〔2023〕0012", "APJ-(冀)-001", '="00123"', "'0012", "/"])
words = st.lists(st.sampled_from([*Shelf.lists["scope"], *Shelf.lists["scope"].values()]), max_size=4)
specialities = st.lists(st.sampled_from([*Shelf.lists["speciality"], "消防", "新词、两段", "1.防汛"]) | prose, max_size=4)
separators = st.sampled_from(["；", ";", "\n"])

#: format, and texts (or cells) that it is likely to accept
CASES: dict[str, tuple[formats.Format, st.SearchStrategy[Any]]] = {
    "text": (formats.Text(), prose),
    "long_text": (formats.LongText(), prose),
    "person": (formats.PersonName(), prose | st.sampled_from(["王  伟", "欧阳 建国", "John Smith"])),
    "words": (formats.Words(), prose | st.lists(prose, max_size=4)),
    "code": (formats.Code(), prose | numbers),
    "credit_code": (formats.CreditCode(), credit_codes() | credit_codes().map(str.lower)),
    "resident_id": (formats.ResidentId(), resident_ids() | resident_ids().map(lambda number: f" {number.lower()}\u3000")),
    "phone": (formats.Phone(), phones),
    "phone_that_spills": (formats.Phone(spills=True), phones),
    "mobile": (formats.Mobile(), phones),
    "day": (formats.Day(), days),
    "until": (formats.Until(), untils),
    "money": (formats.Number(unit="元"), amounts | st.floats() | st.integers()),
    "ten_thousand": (formats.Number(unit="万元"), amounts),
    "degrees": (formats.Number(unit="度", places=6), st.floats(-180, 180)),
    "count": (formats.Count(), counts),
    "people": (formats.Count(unit="人"), counts | st.floats() | st.integers()),
    "yes_no": (formats.YesNo(), st.booleans() | st.sampled_from(["是", "否", "√", "1", "0", "有", "无", "Y", "×", ""])),
    "state": (formats.StateOf(Weather), st.sampled_from(["fair", "foul", "晴", "有雨", ""])),
    "choice": (formats.Choice("scope"), words.map(lambda some: some[0] if some else "")),
    "open_choice": (formats.Choice("speciality"), prose),
    "choices": (formats.Choices("scope"), words | separators.flatmap(lambda sep: words.map(sep.join))),
    "open_choices": (formats.Choices("speciality"), specialities | separators.flatmap(lambda sep: specialities.map(sep.join))),
    "document_number": (formats.DocumentNumber(), prose | numbers),
    "certificate_number": (formats.CertificateNumber(), prose | numbers),
    "url": (formats.Url(), prose | st.sampled_from(["www.weichang.gov.cn", "HTTP://a.cn/b?c=d", "//a.cn", "a.cn:8080/x"])),
    "email": (formats.Email(), prose | st.emails()),
    "bank_card": (formats.BankCard(), st.from_regex(r"[0-9]{12,19}", fullmatch=True) | st.just("6222 0202 0000 1234 567")),
    "link": (formats.Link("agency"), st.integers(1, 4) | st.sampled_from(["冀北安评有限公司", "承德检测（围场）所", "同名公司（3）"])),
    "moment": (formats.Moment(), st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(second=0, microsecond=0))),
}

anything = st.recursive(
    prose
    | st.integers()
    | st.integers(10**14, 10**40)
    | st.floats()
    | st.decimals(allow_nan=False)
    | st.booleans()
    | st.none()
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.times()
    | st.timedeltas()
    | st.binary()
    | st.sampled_from(["99999", "10000", "1E+17", "\ud800", "\x00", "1" * 40, time(), timedelta(), object()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


def accepted(fmt: formats.Format, raw: object) -> Any:
    """What the format keeps of it; the example is passed over when the format refuses."""
    try:
        return fmt.parse(raw, SHELF)
    except FormatError:
        assume(False)


every_format = pytest.mark.parametrize("case", CASES)


@every_format
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_what_is_shown_or_written_reads_back(case: str, data: st.DataObject) -> None:
    fmt, likely = CASES[case]
    value = accepted(fmt, data.draw(likely))
    if case != "link":  # two companies may share the name that people see
        assert fmt.parse(fmt.show(value, SHELF), SHELF) == value
    assert fmt.parse(fmt.write(value, SHELF), SHELF) == value
    assert fmt.parse(fmt.cell(value, SHELF), SHELF) == value


@every_format
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_what_was_read_stays_as_it_is(case: str, data: st.DataObject) -> None:
    fmt, likely = CASES[case]
    value = accepted(fmt, data.draw(likely | prose))
    assert fmt.parse(value, SHELF) == value


@every_format
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(raw=anything)
def test_nothing_but_a_sentence_for_the_person_is_raised(case: str, raw: object) -> None:
    fmt, _likely = CASES[case]
    try:
        reading = fmt.read(raw, SHELF)
    except FormatError as refusal:
        assert str(refusal).strip()
        assert refusal.code
        return
    fmt.show(reading.value, SHELF), fmt.write(reading.value, SHELF), fmt.cell(reading.value, SHELF), fmt.dump(reading.value)
    str(reading.value).encode()  # a database takes it
    assert all(str(doubt.message) for doubt in reading.doubts)
    assert "\x00" not in str(reading.value)


@every_format
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_a_mask_never_holds_the_value(case: str, data: st.DataObject) -> None:
    fmt, likely = CASES[case]
    value = accepted(fmt, data.draw(likely))
    assume(value is not None)
    clear = fmt.show(value, SHELF)
    assume("*" not in clear)  # a mask cannot hide asterisks
    masked = fmt.mask(value)
    assert masked
    assert clear not in masked


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(credit_codes(), st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_one_wrong_character_of_a_credit_code_is_noticed(code: str, place: int, char: str) -> None:
    wrong = code[:place] + char + code[place + 1 :]
    assume(wrong != code)
    with pytest.raises(FormatError):
        formats.CreditCode().parse(wrong)


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(resident_ids(), st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_wrong_digit_of_a_resident_id_is_noticed(number: str, place: int, digit: str) -> None:
    wrong = number[:place] + digit + number[place + 1 :]
    assume(wrong != number)
    with pytest.raises(FormatError):
        formats.ResidentId().parse(wrong, SHELF)


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(amounts, st.sampled_from(["元", "万元"]))
def test_numbers_stay_within_their_columns(raw: str, unit: str) -> None:
    value = accepted(formats.Number(unit=unit), raw)
    assert value == value.quantize(Decimal("0.01"))
    assert abs(value) < 10**12


#: a character that the quick looks do not pass by, and that cleaning takes away again
_SLOW = "\u200b"


@given(prose | phones | mobiles | numbers)
def test_a_quick_look_answers_as_the_long_way_does(raw: str) -> None:
    """Most cells are clean and are passed at one look; with a character of no width behind them they go the long way."""
    for clean in (base.prose, base.line, base.symbols):
        assert clean(raw) == clean(raw + _SLOW)
    assert base.is_blank(raw) == base.is_blank(raw + _SLOW)


@given(phones | mobiles | landlines | st.from_regex(r"[0-9]{3,5}-?[0-9]{6,9}", fullmatch=True))
def test_one_number_in_our_own_form_reads_as_any_other(raw: str) -> None:
    """A cell with a single number needs no taking apart."""
    for fmt in (formats.Phone(), formats.Phone(spills=True), formats.Mobile()):
        assert _answer(fmt, raw) == _answer(fmt, raw + _SLOW)


#: one of each format that settles cells at one look
SETTLING = {name: fmt for name, (fmt, _values) in CASES.items() if fmt.settled()}


def test_most_formats_of_text_settle_their_cells() -> None:
    assert {"person", "phone", "mobile"} <= SETTLING.keys()


@pytest.mark.parametrize("fmt", SETTLING.values(), ids=SETTLING)
@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_what_is_settled_at_one_look_reads_as_it_stands(fmt: formats.Format, data: st.DataObject) -> None:
    """No cell that the import does not read would have been read otherwise."""
    settled = fmt.settled()
    assert settled
    odd = st.text("无暂不详N/An/a-—／－0Ee.+12APJapj〔〕[]()（）号#=' \t\u200b\ufeff０Ａ王é", max_size=8)
    raw = data.draw(prose | numbers | phones | odd | st.from_regex(settled, fullmatch=True))
    assume(settled.fullmatch(raw))
    assert fmt.read(raw, SHELF) == formats.Reading(raw)


def _answer(fmt: formats.Format, raw: str) -> object:
    try:
        return fmt.read(raw)
    except FormatError as error:
        return error.code
