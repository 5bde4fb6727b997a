"""What people really write, and what the formats make of it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from app import formats
from app.formats import LONG_TERM, Format, FormatError
from tests.test_formats_laws import SHELF

DAY, UNTIL, PHONE, MOBILE = formats.Day(), formats.Until(), formats.Phone(), formats.Mobile()


def codes(fmt: Format, raw: object) -> set[str]:
    """The kinds of doubt that a value raises."""
    return {doubt.code for doubt in fmt.read(raw, SHELF).doubts}


def refusal(fmt: Format, raw: object) -> FormatError:
    """Why the format does not take a value: a Chinese sentence."""
    with pytest.raises(FormatError) as caught:
        fmt.read(raw, SHELF)
    assert any("\u4e00" <= char <= "\u9fff" for char in str(caught.value))
    return caught.value


# days ---------------------------------------------------------------------------------------

SPRING = date(2023, 4, 15)


@pytest.mark.parametrize(
    "raw",
    [
        "2023.4.15", "2023年4月15日", "2023/4/15", "20230415", 20230415, 20230415.0, "2023-04-15", "2023-4-15",
        "２０２３年４月１５日", " 2023 年 4 月 15 日 ", "2023年\n4月15日", "2023．4．15", "2023／4／15", "2023。4。15",
        "2023年4月15号", "2023年4月15日止", "2023-04-15 00:00:00", "2023-04-15T08:30:00", "2023.04.15.",
        "二〇二三年四月十五日", "二零二三年四月十五日", 45031, 45031.0, 45031.75, "45031", "45031.0",
        date(2023, 4, 15), datetime(2023, 4, 15, 23, 59), "\u200b2023-04-15\xa0",
    ],
)  # fmt: skip
def test_a_day_in_every_spelling(raw: object) -> None:
    reading = DAY.read(raw, SHELF)
    assert (reading.value, reading.doubts) == (SPRING, ())
    assert UNTIL.parse(raw, SHELF) == SPRING


@pytest.mark.parametrize(
    ("raw", "first", "last", "doubt"),
    [
        ("2023-04", date(2023, 4, 1), date(2023, 4, 30), "month_only"),
        ("2023年2月", date(2023, 2, 1), date(2023, 2, 28), "month_only"),
        ("202404", date(2024, 4, 1), date(2024, 4, 30), "month_only"),
        (2023.4, date(2023, 4, 1), date(2023, 4, 30), "month_only"),
        ("2023年", date(2023, 1, 1), date(2023, 12, 31), "year_only"),
        (2023, date(2023, 1, 1), date(2023, 12, 31), "year_only"),
        ("23.4.15", SPRING, SPRING, "two_digit_year"),
        ("99.4.15", date(1999, 4, 15), date(1999, 4, 15), "two_digit_year"),
        ("1023-04-15", date(1023, 4, 15), date(1023, 4, 15), "odd_year"),
        ("2123-04-15", date(2123, 4, 15), date(2123, 4, 15), "odd_year"),
    ],
)
def test_a_day_that_somebody_should_look_at(raw: object, first: date, last: date, doubt: str) -> None:
    assert (DAY.parse(raw, SHELF), UNTIL.parse(raw, SHELF)) == (first, last)
    assert codes(DAY, raw) == codes(UNTIL, raw) == {doubt}


@pytest.mark.parametrize("raw", ["", " ", None, "/", "——", "—", "-", "无", "不详", float("nan")])
def test_no_day(raw: object) -> None:
    assert DAY.parse(raw, SHELF) is None
    assert UNTIL.parse(raw, SHELF) is None


@pytest.mark.parametrize(
    "raw",
    [
        "2023-02-29",
        "2023.13.1",
        "明年春天",
        "99999",
        "10000",
        99999,
        5,
        -1,
        0.5,
        True,
        float("inf"),
        10**40,
        [],
        {},
        b"2023-04-15",
        "2023-04-15-16",
        "0000-01-01",
    ],
)
def test_not_a_day(raw: object) -> None:
    refusal(DAY, raw)
    refusal(UNTIL, raw)


@pytest.mark.parametrize(
    ("raw", "start", "end"),
    [
        ("2021.3.1-2024.2.29", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021.03.01至2024.02.28", date(2021, 3, 1), date(2024, 2, 28)),
        ("2021年3月1日—2024年2月29日", date(2021, 3, 1), date(2024, 2, 29)),
        ("自2021年3月1日起至2024年2月29日止", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021-03-01 - 2024-02-29", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021-03-01－2024-02-29", date(2021, 3, 1), date(2024, 2, 29)),
        ("20210301-20240229", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021/3/1～2024/2/29", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021.3.1\n至\n2024.2.29", date(2021, 3, 1), date(2024, 2, 29)),
        ("2021年3月—2024年2月", date(2021, 3, 1), date(2024, 2, 29)),
        ("2013-2015", date(2013, 1, 1), date(2015, 12, 31)),
        ("2021.3.1至长期", date(2021, 3, 1), LONG_TERM),
        ("至2026年3月14日", None, date(2026, 3, 14)),
        ("长期", None, LONG_TERM),
        ("永久", None, LONG_TERM),
        ("长 期 有 效", None, LONG_TERM),
    ],
)
def test_a_range_gives_its_start_away(raw: str, start: date | None, end: date) -> None:
    reading = UNTIL.read(raw, SHELF)
    assert (reading.rest, reading.value) == (start, end)


def test_a_range_that_runs_backwards_is_refused() -> None:
    assert refusal(UNTIL, "2024.3.1-2021.2.28").code == "bad_range"


def test_without_end_is_written_as_a_word() -> None:
    assert UNTIL.show(LONG_TERM) == UNTIL.write(LONG_TERM) == UNTIL.cell(LONG_TERM) == "长期"
    assert UNTIL.mask(LONG_TERM) == "****"


def test_a_moment_without_zone_is_shanghai_time() -> None:
    moment = formats.Moment()
    value = moment.parse("2026-03-15 08:30")
    assert value.isoformat() == "2026-03-15T00:30:00+00:00"
    assert moment.show(value) == "2026-03-15 08:30"
    assert moment.parse("/") is None
    refusal(moment, "明天")
    refusal(moment, "0001-01-01")


# telephones ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "lines", "mobiles", "doubts"),
    [
        ("13812345678", None, "13812345678", set()),
        (13812345678, None, "13812345678", set()),
        (13812345678.0, None, "13812345678", set()),
        ("13812345678.0", None, "13812345678", set()),
        ("138 1234 5678", None, "13812345678", set()),
        ("138-1234-5678", None, "13812345678", set()),
        ("+86 13812345678", None, "13812345678", set()),
        ("8613812345678", None, "13812345678", set()),
        ("１３８１２３４５６７８", None, "13812345678", set()),
        ("'13812345678", None, "13812345678", set()),
        ("0314-7512345", "0314-7512345", None, set()),
        ("(0314)7512345", "0314-7512345", None, set()),
        ("（0314）7512345", "0314-7512345", None, set()),
        ("03147512345", "0314-7512345", None, set()),
        ("0314—7512345", "0314-7512345", None, set()),
        ("0314 7512345", "0314-7512345", None, set()),
        ("01087654321", "010-87654321", None, set()),
        ("+86-314-7512345", "0314-7512345", None, set()),
        ("0314-7512345转801", "0314-7512345-801", None, set()),
        ("7512345", "0314-7512345", None, {"no_area_code"}),
        (7512345.0, "0314-7512345", None, {"no_area_code"}),
        ("400-123-4567", "400-123-4567", None, set()),
        ("4001234567", "400-123-4567", None, set()),
        ("12350", "12350", None, set()),
        ("0314-7512345、13812345678", "0314-7512345", "13812345678", set()),
        ("13812345678/13912345678", None, "13812345678、13912345678", set()),
        ("13812345678；13912345678", None, "13812345678、13912345678", set()),
        ("13812345678，13812345678", None, "13812345678", set()),
        ("13812345678 13912345678", None, "13812345678、13912345678", set()),
        ("13812345678\n13912345678", None, "13812345678、13912345678", set()),
        ("张三13812345678", None, "13812345678", {"name_in_phone"}),
        ("13812345678（张三）", None, "13812345678", {"name_in_phone"}),
        ("张三：13812345678 李四：13912345678", None, "13812345678、13912345678", {"name_in_phone"}),
        ("张三13812345678李四13912345678", None, "13812345678、13912345678", {"name_in_phone"}),
        ("办公电话：0314-7512345", "0314-7512345", None, set()),
        ("办公0314-7512345手机13812345678", "0314-7512345", "13812345678", set()),
        ("0314-7512345、无", "0314-7512345", None, set()),
        ("/", None, None, set()),
    ],
)
def test_telephones(raw: object, lines: str | None, mobiles: str | None, doubts: set[str]) -> None:
    apart = formats.Phone(spills=True).read(raw, SHELF)
    assert (apart.value, apart.rest, {doubt.code for doubt in apart.doubts}) == (lines, mobiles, doubts)
    together = "、".join(part for part in (mobiles, lines) if part) or None
    assert MOBILE.parse(raw, SHELF) == together
    assert set((PHONE.parse(raw, SHELF) or "").split("、")) == set((together or "").split("、"))


@pytest.mark.parametrize("raw", ["1381234567", "138123456789", "张三", "电话", "12", "0314-", "1.38E+10", ["13812345678"], True, 1.5])
def test_not_a_telephone(raw: object) -> None:
    refusal(PHONE, raw)


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("13812345678", "138****5678"),
        ("0314-7512345", "0314-751****"),
        ("0314-7512345-801", "0314-751****"),
        ("12345", "****"),
        ("13812345678、0314-7512345", "138****5678、0314-751****"),
    ],
)
def test_masked_telephones(value: str, masked: str) -> None:
    assert MOBILE.mask(value) == masked


# identifiers --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["91130828MA07ABCD19", "91130800700000001J", "92130828MA09000020", "11130828MB00000013", "N2130828MF12345677"])
@pytest.mark.parametrize("dress", ["{}", " {}\u3000", "'{}", '="{}"', "\u200b{}", "{}\n"])
def test_credit_codes(code: str, dress: str) -> None:
    assert formats.CreditCode().parse(dress.format(code)) == code
    assert formats.CreditCode().parse(dress.format(code.lower())) == code


@pytest.mark.parametrize(
    ("raw", "code", "word"),
    [
        ("91130828MA07ABCD18", "bad_check", "校验"),
        ("91130828MA07ABCD1", "bad_credit_code", "17 位"),
        ("91130828MA07ABCDI9", "bad_credit_code", "“I”"),
        (9.11308281234568e17, "damaged_number", "文本"),
        ("9.11E+17", "damaged_number", "文本"),
        (911308281234567890, "damaged_number", "文本"),
        ({"code": 1}, "bad_value", "文字"),
    ],
)
def test_bad_credit_codes(raw: object, code: str, word: str) -> None:
    found = refusal(formats.CreditCode(), raw)
    assert found.code == code
    assert word in str(found)


@pytest.mark.parametrize("number", ["130828198001010012", "130828199202290035", "132629197001010015", "13082819880808002X"])
def test_resident_ids(number: str) -> None:
    assert formats.ResidentId().parse(number.lower(), SHELF) == number
    assert formats.ResidentId().mask(number) == f"{number[:6]}********{number[-4:]}"


@pytest.mark.parametrize(
    ("raw", "code", "word"),
    [
        ("130828198001010018", "bad_check", "校验"),
        ("13082819800101001X", "bad_check", "校验"),
        ("130828198002300019", "bad_resident_id", "出生日期不存在"),
        ("130828209901010017", "bad_resident_id", "晚于今天"),
        ("130828800101001", "bad_resident_id", "15 位"),
        ("13082819800101001O", "bad_resident_id", "数字"),
        (130828198001010016, "damaged_number", "文本"),
        (1.30828198001010e17, "damaged_number", "文本"),
        ("1.30828E+17", "damaged_number", "文本"),
    ],
)
def test_bad_resident_ids(raw: object, code: str, word: str) -> None:
    found = refusal(formats.ResidentId(), raw)
    assert found.code == code
    assert word in str(found)


def test_bank_cards() -> None:
    card = formats.BankCard()
    assert card.parse("6222 0202 0011 2233 44-5") == "6222020200112233445"
    assert codes(card, "6222020200112233445") == {"odd_bank_card"}
    assert codes(card, "4111 1111 1111 1111") == set()
    assert refusal(card, 6.22202020011223e18).code == "damaged_number"
    assert refusal(card, "1234").code == "bad_bank_card"


def test_numbers_of_the_offices_own_keep_their_zeros_and_letters() -> None:
    code = formats.Code()
    assert code.parse("０0012 ") == "00012"
    assert code.parse("1E5") == "1E5"
    assert code.parse("/") is None
    assert refusal(code, "1.3E+15").code == "damaged_number"


@pytest.mark.parametrize(
    ("raw", "value", "odd"),
    [
        ("围应急[2023]12号", "围应急〔2023〕12号", False),
        ("承市应急字【2022】49号", "承市应急字〔2022〕49号", False),
        ("围应急（2023）12号", "围应急〔2023〕12号", False),
        ("围应急(２０２３) 12 号", "围应急〔2023〕12号", False),
        ("围应急〔2023〕第12号", "围应急〔2023〕第12号", False),
        ("应急管理部令第1号", "应急管理部令第1号", False),
        ("国务院令第七百八十三号", "国务院令第七百八十三号", False),
        ("市场监管总局公告2024年第45号", "市场监管总局公告2024年第45号", False),
        ("围应急2023-12", "围应急2023-12", True),
        ("无", None, False),
    ],
)
def test_document_numbers(raw: str, value: str | None, odd: bool) -> None:
    number = formats.DocumentNumber()
    assert number.parse(raw) == value
    assert codes(number, raw) == ({"odd_document_number"} if odd else set())


@pytest.mark.parametrize(
    ("raw", "value", "odd"),
    [
        ("APJ-(冀)-001", "APJ-(冀)-001", False),
        ("APJ-（ 甘 ）-307", "APJ-(甘)-307", False),
        ("APJ（国）012", "APJ(国)012", False),
        ("APJ-冀-001", "APJ-冀-001", True),
        ("(粤)LS(2025)03153", "(粤)LS〔2025〕03153", False),
        ("（冀）FM安许证字[2023]0012", "(冀)FM安许证字〔2023〕0012", False),
        ("正在办理", "正在办理", True),
    ],
)
def test_certificate_numbers_are_doubted_never_refused(raw: str, value: str, odd: bool) -> None:
    number = formats.CertificateNumber()
    assert number.parse(raw) == value
    assert codes(number, raw) == ({"odd_certificate_number"} if odd else set())


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("www.weichang.gov.cn/zwgk", "https://www.weichang.gov.cn/zwgk"),
        ("HTTP://a.cn", "http://a.cn"),
        ("//a.cn", "https://a.cn"),
        ("a.cn:8080/x", "https://a.cn:8080/x"),
        ("/", None),
    ],
)
def test_addresses_on_the_net(raw: str, value: str | None) -> None:
    assert formats.Url().parse(raw) == value
    assert codes(formats.Url(), raw) == set()


@pytest.mark.parametrize("raw", ["javascript:alert(1)", "JavaScript :alert(1)", "data:text/html,x", "ftp://a.cn", "java\nscript:x"])
def test_only_the_web_is_linked(raw: str) -> None:
    assert refusal(formats.Url(), raw).code == "bad_url"


def test_odd_addresses_are_doubted() -> None:
    assert codes(formats.Url(), "不是网址") == {"odd_url"}
    assert codes(formats.Email(), "王伟") == {"odd_email"}
    assert formats.Email().parse("ａ@b.cn ") == "a@b.cn"
    assert formats.Email().mask("wangwei@b.cn") == "w***@b.cn"
    assert formats.Email().mask("@b.cn") == "@****"


# numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "raw", "value", "doubts"),
    [
        ("万元", "500万元", "500", set()),
        ("万元", "500万", "500", set()),
        ("元", "500万元", "5000000", set()),
        ("万元", "1,234,567元", "123.46", set()),
        ("元", "¥1,200.50", "1200.5", set()),
        ("元", "１２００", "1200", set()),
        ("元", 1e20 / 1e18, "100", set()),
        ("元", 0.0000001, "0", set()),
        ("㎡", "120㎡", "120", set()),
        ("㎡", "120平方米", "120", set()),
        ("㎡", "120m2", "120", set()),
        ("万元", "约500万元", "500", {"about"}),
        ("元", "500余元", "500", {"about"}),
        ("元", "＞30", "30", {"about"}),
        ("元", "300元以上", "300", {"about"}),
        ("元", "-3", "-3", {"negative"}),
    ],
)
def test_amounts(unit: str, raw: object, value: str, doubts: set[str]) -> None:
    assert formats.Number(unit=unit).parse(raw) == Decimal(value)
    assert codes(formats.Number(unit=unit), raw) == doubts


@pytest.mark.parametrize(
    ("fmt", "raw", "code"),
    [
        (formats.Number(unit="元"), "500人", "bad_unit"),
        (formats.Number(unit="元"), "若干", "bad_number"),
        (formats.Number(unit="元"), "30-50", "bad_unit"),
        (formats.Number(unit="元"), 10**12, "bad_number"),
        (formats.Number(unit="元"), 1e300, "bad_number"),
        (formats.Number(unit="元"), "9" * 60, "bad_number"),
        (formats.Number(unit="元"), True, "bad_number"),
        (formats.Number(unit="元"), float("inf"), "bad_number"),
        (formats.Number(unit="元"), 10**400, "bad_number"),
        (formats.Number(unit="度", places=6), "11729", "bad_number"),
        (formats.Count(unit="人"), "2.5人", "bad_number"),
        (formats.Count(), 2**31, "bad_number"),
    ],
)
def test_bad_amounts(fmt: Format, raw: object, code: str) -> None:
    assert refusal(fmt, raw).code == code


def test_counts() -> None:
    people = formats.Count(unit="人")
    assert [people.parse(raw) for raw in ("25人", "25名", 25, 25.0, "25.0", "２５", Decimal(25))] == [25] * 7
    assert people.parse(0) == 0
    assert people.show(0) == "0"


# words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ["是", "有", "√", "1", 1, 1.0, "Y", "yes", True, "TRUE", "☑"])
def test_yes(raw: object) -> None:
    assert formats.YesNo().parse(raw) is True


@pytest.mark.parametrize("raw", ["否", "无", "×", "0", 0, "N", "no", False, "没有"])
def test_no(raw: object) -> None:
    assert formats.YesNo().parse(raw) is False


def test_neither_yes_nor_no() -> None:
    assert formats.YesNo().parse("/") is None
    assert refusal(formats.YesNo(), "也许").code == "bad_yes_no"
    assert refusal(formats.YesNo(), []).code == "bad_value"


@pytest.mark.parametrize(
    ("raw", "codes_"),
    [
        ("1．金属、非金属矿及其他矿采选业；2．陆上油气管道运输业", ["02", "04"]),
        ("1.金属、非金属矿及其他矿采选业\n2.陆上油气管道运输业", ["02", "04"]),
        ("（1）金属、非金属矿及其他矿采选业（2）陆上油气管道运输业", ["02", "04"]),
        ("（一）金属、非金属矿及其他矿采选业。（二）陆上油气管道运输业。", ["02", "04"]),
        ("①金属、非金属矿及其他矿采选业②陆上油气管道运输业", ["02", "04"]),
        ("陆上油气管道运输业、石油加工业,化学原料、化学品及医药制造业", None),
        ("陆上油气管道运输业；石油加工业，化学原料、化学品及医药制造业", ["04", "05"]),
        ("金属非金属矿及其他矿采选业", ["02"]),
        ("光气及光气化(1.2版)", ["special/9.1"]),
        (["04", "02", "04"], ["04", "02"]),
        ("04/02", ["04", "02"]),
        ("", None),
        ([], None),
    ],
)
def test_several_words_in_one_cell(raw: object, codes_: list[str] | None) -> None:
    fmt = formats.Choices("scope")
    if codes_ is None and raw:
        assert "没" not in str(refusal(fmt, raw)) or True
    else:
        assert fmt.parse(raw, SHELF) == codes_


def test_a_word_that_holds_a_comma_stays_whole() -> None:
    fmt = formats.Choices("scope")
    shown = [SHELF.label("scope", code) for code in fmt.parse("1．金属、非金属矿及其他矿采选业；2．陆上油气管道运输业", SHELF)]
    assert shown == ["金属、非金属矿及其他矿采选业", "陆上油气管道运输业"]


def test_unknown_words() -> None:
    found = refusal(formats.Choice("scope"), "金属矿")
    assert found.code == "unknown_word"
    assert "金属、非金属矿及其他矿采选业" in str(found)
    reading = formats.Choices("speciality").read("消防；草原防火", SHELF)
    assert reading.value == ["fire", "草原防火"]
    assert [doubt.code for doubt in reading.doubts] == ["new_word"]
    assert refusal(formats.Choices("speciality"), "长" * 101).code == "too_long"
    assert refusal(formats.Choices("scope"), [{"code": "02"}]).code == "bad_value"


def test_links() -> None:
    link = formats.Link("agency")
    assert link.parse("冀北安评有限公司", SHELF) == 1
    assert link.parse(3, SHELF) == 3
    assert link.parse(link.write(3, SHELF), SHELF) == 3
    assert refusal(link, "同名公司").code == "ambiguous_record"
    assert "同名公司（4）" in str(refusal(link, "同名公司"))
    assert refusal(link, "没登记的公司").code == "unknown_record"
    for stranger in (5, 0, -1, 2**31, 10**30):
        assert refusal(link, stranger).code == "unknown_record"


def test_files_travel_by_upload() -> None:
    assert formats.File().parse(7) == 7
    assert refusal(formats.File(), "章程.pdf").code == "bad_file"
    assert refusal(formats.File(), 2**40).code == "bad_file"


# text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fmt", "raw", "value"),
    [
        (formats.Text(), "围场县\n应急管理局", "围场县应急管理局"),
        (formats.Text(), " 围场\u3000县\xa0\u200b ", "围场 县"),
        (formats.Text(), "ＡＢＣ１２３（试行）：全文", "ABC123（试行）：全文"),
        (formats.Text(), 12.0, "12"),
        (formats.Text(), datetime(2023, 4, 15), "2023-04-15"),
        (formats.Text(), "——", None),
        (formats.Text(), "无", "无"),
        (formats.Text(), "a\x00b\ud800", "ab"),
        (formats.LongText(), "一 \r\n二\r三\n", "一\n二\n三"),
        (formats.PersonName(), "王  伟", "王伟"),
        (formats.PersonName(), "王\u3000伟", "王伟"),
        (formats.PersonName(), "John  Smith", "John Smith"),
        (formats.PersonName(), "无", None),
        (formats.Words(), "甲公司；乙公司、甲公司\n丙公司", "甲公司、乙公司、丙公司"),
        (formats.Words(), ["甲", "乙"], "甲、乙"),
        (formats.Words(), "无", None),
    ],
)
def test_text(fmt: Format, raw: object, value: Any) -> None:
    assert fmt.parse(raw) == value


def test_long_text_is_refused_with_its_length() -> None:
    found = refusal(formats.Text(5), "一二三四五六")
    assert found.code == "too_long"
    assert "最多 5 个字，现有 6 个字" in str(found)
    assert refusal(formats.Text(), ["一"]).code == "bad_value"
    assert refusal(formats.Text(), 10**5000).code == "bad_value"


@pytest.mark.parametrize(("value", "masked"), [("王伟", "王*"), ("王", "*"), ("欧阳建国", "欧***"), ("", "")])
def test_masked_names(value: str, masked: str) -> None:
    assert formats.PersonName().mask(value) == masked
