"""How near words come: slips are tried, other words ask or are something else."""

from __future__ import annotations

import pytest

from imports.near import TAKEN, distance, proposals


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("有效期致", "有效期至"),  # by ear
        ("机购名称", "机构名称"),
        ("法定代表入", "法定代表人"),  # by eye
        ("联系电活", "联系电话"),
        ("机构称名", "机构名称"),
        ("机构名称称", "机构名称"),
        ("统一社会用代码", "统一社会信用代码"),
        ("资质证书的编号", "资质证书编号"),
        ("jigoumingcheng", "机构名称"),
        ("jgmc", "机构名称"),
        ("tyshxydm", "统一社会信用代码"),
    ],
)
def test_slips_are_tried(written: str, name: str) -> None:
    found = distance(written, name)
    assert found is not None
    assert 0 < found <= TAKEN


@pytest.mark.parametrize(
    ("written", "name"), [("检验日期", "核验日期"), ("颁发日期", "颁证日期"), ("原机构名称", "机构名称"), ("机构名", "机构名称"), ("dh", "电话")]
)
def test_other_words_are_asked_about_at_most(written: str, name: str) -> None:
    found = distance(written, name)
    assert found is None or found > TAKEN


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("二级评价师", "一级评价师"),
        ("联系电话2", "联系电话1"),
        ("联系电话2", "联系电话"),
        ("兼职教师人数", "专职教师人数"),
        ("副组长姓名", "组长姓名"),
        ("备注", "说明"),
        ("abc", "机构名称"),
    ],
)
def test_what_tells_two_things_apart_is_never_near(written: str, name: str) -> None:
    assert distance(written, name) is None


def test_proposals_come_nearest_first_and_may_be_none() -> None:
    words = ["安全评价", "检测检验", "安全培训", "其他"]
    assert proposals("安全平价", words)[0] == "安全评价"
    assert proposals("aqpj", words) == ["安全评价"]
    assert proposals("安全评价机构", words)[0] == "安全评价"
    assert proposals("餐饮", words) == []
