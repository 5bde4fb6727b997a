"""The other registers: experts, policies, reviews, in several formats."""

from __future__ import annotations

from datetime import date

from tests.corpus.binary import xls, xlsb
from tests.corpus.case import Case
from tests.corpus.ods import ods
from tests.corpus.pages import Failed, Page
from tests.corpus.text import html, separated
from tests.corpus.xlsx import xlsx

_NUMBERS = ("130828197401099971", "130828197506129962")
_EXPERTS = Page(
    [
        ["围场县安全生产专家库名单", *[None] * 7],
        ["序号", "姓名", "性别", "身份证号", "工作单位", "学历", "联系电话", "聘期"],
        [1, "王  伟", "男", _NUMBERS[0], "承德市某某研究院", "本科", 13812345678.0, "2024.3.1-2027.2.28"],
        [2, "李丽", "女", _NUMBERS[1], "围场县医院", "硕士研究生", "13912345678", "长期"],
        ["注：按姓名排序"],
    ],
    merges=((1, 1, 1, 8),),
)
_EXPERT_ROWS = {
    3: {
        "name": "王伟",
        "gender": "男",
        "id_no": _NUMBERS[0],
        "unit": "承德市某某研究院",
        "education": "大学本科",
        "phone": "13812345678",
        "appointed_on": "2024-03-01",
        "term_end": "2027-02-28",
    },
    4: {
        "name": "李丽",
        "gender": "女",
        "id_no": _NUMBERS[1],
        "unit": "围场县医院",
        "education": "硕士研究生",
        "phone": "13912345678",
        "term_end": "9999-12-31",
    },
}


def _experts(name: str, data: object) -> Case:
    return Case(f"experts in {name}", data, register="expert", rows=_EXPERT_ROWS, left={1: "title", 5: "note"}, unread=("序号",))  # type: ignore[arg-type]


_POLICIES = Page(
    [
        ["附件1："],
        ["涉企政策台账\n（按成文日期排序）"],
        ["填报单位（盖章）：县应急局    填报时间：2026年11月"],
        ["序号", "文件名称", "发文字号", "发文机关", "成文日期", "施行日期", "备注"],
        [1, "优化营商环境条例", "国务院令第722号", "国务院", "2019.10.22", "2020年1月1日", "第43条：中介服务"],
        [2, "安全评价检测检验机构管理办法", "应急管理部令第1号", "应急管理部", "2019年3月20日", date(2019, 5, 1), None],
    ],
    name="政策",
)
_POLICY_ROWS = {
    5: {
        "title": "优化营商环境条例",
        "doc_no": "国务院令第722号",
        "issuer": "国务院",
        "formed_on": "2019-10-22",
        "effective_on": "2020-01-01",
        "remark": "第43条：中介服务",
    },
    6: {
        "title": "安全评价检测检验机构管理办法",
        "doc_no": "应急管理部令第1号",
        "issuer": "应急管理部",
        "formed_on": "2019-03-20",
        "effective_on": "2019-05-01",
    },
}


def _policies(name: str, data: object) -> Case:
    return Case(f"policies in {name}", data, register="policy", rows=_POLICY_ROWS, left={1: "title", 2: "title", 3: "note"}, unread=("序号",))  # type: ignore[arg-type]


_REVIEWS = Page(
    [
        ["2026年公平竞争审查台账"],
        ["审查编号", "文件名称", "是否涉及经营者经济活动", "审查时间", "是否适用例外", "备注"],
        ["围应急公审〔2026〕01号", "烟花爆竹零售点布设规划", "是", "2026.3.2", "否", None],
        ["围应急公审〔2026〕02号", "危险化学品经营许可办理指南", "否", "2026年3月9日", "否", "第一次\n审查"],
        ["围应急公审〔2026〕03号", "安全生产专家服务采购办法", "是", Failed("#VALUE!"), "否", None],
        ["合计", "3件"],
    ],
    merges=((1, 1, 1, 6),),
)
_REVIEW_ROWS = {
    3: {
        "review_no": "围应急公审〔2026〕01号",
        "document": "烟花爆竹零售点布设规划",
        "involves_operators": True,
        "signed_on": "2026-03-02",
        "exception_used": False,
    },
    4: {
        "review_no": "围应急公审〔2026〕02号",
        "document": "危险化学品经营许可办理指南",
        "involves_operators": False,
        "signed_on": "2026-03-09",
        "exception_used": False,
        "remark": "第一次\n审查",
    },
    5: {},
}


def _reviews(name: str, data: object) -> Case:
    return Case(f"reviews in {name}", data, register="review", rows=_REVIEW_ROWS, left={1: "title", 6: "total"}, wrong=((5, "signed_on", "cell_error"),))  # type: ignore[arg-type]


CASES = [
    _experts(".xlsx", lambda: xlsx(_EXPERTS)),
    _experts(".xls", lambda: xls(_EXPERTS)),
    _experts("CSV", lambda: separated(_EXPERTS)),
    _policies(".xlsx", lambda: xlsx(_POLICIES)),
    _policies(".xlsb", lambda: xlsb(_POLICIES)),
    _policies("a web page", lambda: html(_POLICIES)),
    _reviews(".xlsx", lambda: xlsx(_REVIEWS)),
    _reviews(".ods", lambda: ods(_REVIEWS)),
    _reviews("a web page", lambda: html(_REVIEWS)),
    Case(
        "an ID number that was typed as a number",
        lambda: xlsx(Page([["姓名", "身份证号", "工作单位"], ["王伟", 130828198001010018, "县医院"], ["李丽", _NUMBERS[1], "县一中"]])),
        register="expert",
        rows={2: {}, 3: {"name": "李丽", "id_no": _NUMBERS[1], "unit": "县一中"}},
        wrong=((2, "id_no", "damaged_number"),),
    ),
]
