"""What stands in single cells, one kind of mess a workbook."""

from __future__ import annotations

from datetime import date, datetime

from tests.corpus.binary import xls
from tests.corpus.case import HEAD, Case, cells, line, page, says, uscc
from tests.corpus.pages import Failed, Page
from tests.corpus.text import separated
from tests.corpus.xlsx import parts, xlsx, zipped

_DAY = date(2023, 4, 15)
_DAYS: list[object] = ["2023.4.15", "2023年4月15日", "2023/4/15", "20230415", " 2023 年 4 月 15 日 ", 45031, 45031.0, _DAY, datetime(2023, 4, 15, 10, 30), "２０２３．４．１５", "45031", 20230415]  # fmt: skip
_NONE: list[object] = ["/", "——", "无", "-", "", "　"]
_NAMES = ["围场安评公司", "围场安评公司\u3000", "\u200b围场安评公司", "围场\n安评公司", "\ufeff围场安评公司\xa0"]
_CERTIFIED = ["机构名称", "统一社会信用代码", "证书编号", "有效期至"]
_ENDS: dict[str, tuple[str | None, str | None]] = {
    "2021.3.1-2024.2.29": ("2021-03-01", "2024-02-29"), "2021.03.01至2024.02.28": ("2021-03-01", "2024-02-28"), "长期": (None, "9999-12-31"),
    "永久": (None, "9999-12-31"), "/": (None, None), "2027年1月1日止": (None, "2027-01-01"), "2021年3月1日—2024年2月29日": ("2021-03-01", "2024-02-29"),
}  # fmt: skip


def _column(name: str, key: str, values: list[object], said: list[object], also: dict[int, dict[str, object]] | None = None, **other: object) -> Case:
    """One field, a mess in each row."""
    lines = [cells(number, **{key: value}) for number, value in enumerate(values, 1)]
    rows = {number + 1: says(number, **{key: value}, **(also or {}).get(number + 1, {})) for number, value in enumerate(said, 1)}
    return Case(name, lambda: xlsx(page(*lines)), rows=rows, **other)  # type: ignore[arg-type]


def _certificate(number: int, ends: tuple[str | None, str | None]) -> dict[str, object]:
    said = {
        "name": f"第{number}公司", "uscc": uscc(number), "qualifications.cert_no": f"APJ-(冀)-{number:03d}",
        "qualifications.issued_on": ends[0], "qualifications.valid_to": ends[1],
    }  # fmt: skip
    return {key: value for key, value in said.items() if value}


CASES = [
    _column("days in every spelling", "verified_on", _DAYS, [_DAY] * len(_DAYS)),
    _column("signs for nothing in a day", "verified_on", _NONE, [None] * len(_NONE)),
    _column(
        "days known to the month, with two digits, without sense", "verified_on", ["2023-04", "23.4.15", "2027.13.1", "近日"], ["2023-04-01", _DAY, None, None],
        doubtful=((2, "verified_on", "month_only"), (3, "verified_on", "two_digit_year")), wrong=((4, "verified_on", "bad_date"), (5, "verified_on", "bad_date")),
    ),
    Case(
        "ends of validity: ranges, without end, nothing",
        lambda: xlsx(Page([_CERTIFIED, *([f"第{number}公司", uscc(number), f"APJ-(冀)-{number:03d}", text] for number, text in enumerate(_ENDS, 1))])),
        rows={number + 1: _certificate(number, ends) for number, ends in enumerate(_ENDS.values(), 1)},
    ),
    _column(
        "telephones: floats, powers of ten, two in a cell", "office_phone",
        ["0314-7512345、0314-7512346", "03147512345", "（0314）7512345", 3147512345.0, 1.38e10, "0314－7512345 转 801"],
        ["0314-7512345、0314-7512346", "0314-7512345", "0314-7512345", None, None, "0314-7512345-801"],
        wrong=((5, "office_phone", "bad_phone"),), also={6: {"mobile": "13800000000"}},
    ),
    Case(
        "mobile numbers among the telephones, with names",
        lambda: xlsx(page(cells(1, office_phone="13812345678"), cells(2, office_phone=13812345678.0), cells(3, office_phone="0314-7512345\n13812345678"))),
        rows={2: says(1, office_phone=None, mobile="13812345678"), 3: says(2, office_phone=None, mobile="13812345678"), 4: says(3, office_phone="0314-7512345", mobile="13812345678")},
    ),
    Case(
        "a credit code that was typed as a number",
        lambda: xlsx(page(line(1), cells(2, uscc=911308281234567890), cells(3, uscc="9.11308E+17"))),
        rows={2: says(1), 3: {}, 4: {}},
        wrong=((3, "uscc", "damaged_number"), (4, "uscc", "damaged_number")),
    ),
    _column("credit codes with blanks, in small letters, full width, behind an apostrophe", "uscc", [f" {uscc(1)} ", uscc(2).lower(), uscc(3).translate({code: code + 0xFEE0 for code in range(0x30, 0x5B)}), f"'{uscc(4)}"], [uscc(number) for number in range(1, 5)]),
    _column(
        "names with blanks that cannot be seen", "name", [_NAMES[0], _NAMES[1], _NAMES[2], _NAMES[4]], [_NAMES[0]] * 4,
        doubtful=tuple((row, "name", "same_name") for row in (3, 4, 5)),
    ),
    _column("names of persons with blanks inside", "contact", ["王  伟", "王　伟", " 王伟 "], ["王伟"] * 3),
    _column("amounts with units", "fixed_assets", ["500万元", "500", 500, "５００万元", "1,200.5万元", "5000000元"], [500, 500, 500, 500, 1200.5, 500]),
    _column(
        "numbers of people, some about", "full_time_evaluators", ["25人", 25.0, "２５名", "＞30", "很多"], [25, 25, 25, 30, None],
        doubtful=((5, "full_time_evaluators", "about"),), wrong=((6, "full_time_evaluators", "bad_number"),),
    ),
    Case(
        "yes and no in every spelling",
        lambda: xlsx(Page([[*HEAD, "是否分支机构"], *([*line(number), word] for number, word in enumerate(["是", "√", 1, "有", "Y", True, "否", "×", 0, "无", "N", False], 1))])),
        rows={number + 1: says(number, is_branch=number <= 6) for number in range(1, 13)},
    ),
    Case(
        "several scopes in a cell, numbered",
        lambda: xlsx(Page([[*_CERTIFIED, "业务范围"], ["围场安评公司", uscc(1), "APJ-(冀)-001", "2027.1.1", "1．金属、非金属矿及其他矿采选业；2．陆上油气管道运输业"]])),
        rows={2: {**_certificate(1, (None, "2027-01-01")), "name": "围场安评公司", "qualifications.scopes": ["金属、非金属矿及其他矿采选业", "陆上油气管道运输业"]}},
    ),
    Case(
        "pictures in cells (WPS)",
        lambda: xlsx(page(cells(1, remark='=DISPIMG("ID_0A",1)'), line(2))),
        rows={2: {}, 3: says(2)},
        wrong=((2, "remark", "cell_error"),),
    ),
    Case("pictures in cells, as formulas", lambda: _formula('_xlfn.DISPIMG("ID_0A",1)', ' t="str"', '<v>=DISPIMG("ID_0A",1)</v>'), rows={2: {}}, wrong=((2, "remark", "cell_error"),)),
    Case("a formula whose result is an empty text", lambda: _formula('IF(A2="","x","")', ' t="str"', "<v></v>"), rows={2: says(1, remark=None)}),
    Case("a formula with a result", lambda: _formula('"第1"&amp;"家"', ' t="str"', "<v>第1家</v>"), rows={2: says(1)}),
    Case("failed cells that are typed as texts", lambda: xls(page(cells(1, remark="#N/A"), cells(2, contact="#REF!"))), rows={2: {}, 3: {}}, wrong=((2, "remark", "cell_error"), (3, "contact", "cell_error"))),
    Case("a failed key", lambda: xlsx(page(cells(1, uscc=Failed("#REF!")), line(2))), rows={2: {}, 3: says(2)}, wrong=((2, "uscc", "cell_error"),)),
    Case("one key, two names", lambda: xlsx(page(line(1), cells(2, uscc=uscc(1)))), rows={2: says(1), 3: {}}, wrong=((3, "uscc", "key_conflict"),)),
    Case("a key that is missing", lambda: xlsx(page(cells(1, uscc=None), line(2))), rows={2: {}, 3: says(2)}, wrong=((2, "uscc", "required"),)),
    Case("texts that look like formulas, guarded in CSV", lambda: separated(page(cells(1, remark="'=1+1"), cells(2, remark="'普通'"))), rows={2: says(1, remark="=1+1"), 3: says(2, remark="'普通'")}),
    Case("marks, breaks and quotes in CSV", lambda: separated(page(cells(1, remark='甲，"乙",\n丙；丁'))), rows={2: says(1, remark='甲，"乙",\n丙；丁')}),
]  # fmt: skip


def _formula(formula: str, kind: str, value: str) -> bytes:
    made = parts(page(cells(1, remark=None), facts={"inside": {2: f'<c r="H2"{kind}><f>{formula}</f>{value}</c>'}}))
    return zipped(made)
