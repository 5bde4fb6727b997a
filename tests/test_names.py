"""Names of organisations as they are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.names import Normaliser, spellings_of
from models.regions import regions

ABOVE = {"130000", "130800", "130828"}
PLACES = spellings_of(name for row in regions() if row["code"] in ABOVE for name in (row["name"], row["full_name"], *row["aliases"].split("、")) if name)
HERE = Normaliser(PLACES)

ALIKE = [
    [
        "围场满族蒙古族自治县安泰矿业有限公司",
        "围场县安泰矿业有限责任公司",
        "围场安泰矿业有限公司",
        "河北省承德市围场县安泰矿业股份有限公司",
        "承德安泰矿业有限公司",
        "安泰矿业",
        "安泰矿业公司",
        " 安 泰矿业 有限公司 ",
    ],
    ["河北（围场）安评技术服务有限公司", "河北(围场)安评技术服务有限责任公司", "安评技术服务有限公司"],
    ["ＡＢＣ安全科技有限公司", "abc安全科技有限责任公司", "ABC 安全科技有限公司"],
    ["承德安泰有限公司围场分公司", "承德安泰有限责任公司围场分公司"],
]
DIFFERENT = [
    ("安泰矿业有限公司", "安泰化工有限公司"),
    ("承德县安泰矿业有限公司", "承德安泰矿业有限公司"),
    ("围场镇安泰商店", "安泰商店"),
    ("北京安泰矿业有限公司", "安泰矿业有限公司"),
    ("安泰集团有限公司", "安泰有限公司"),
    ("安泰第一矿", "安泰第二矿"),
    ("安泰有限公司围场分公司", "安泰有限公司"),
]


@pytest.mark.parametrize("names", ALIKE)
def test_one_organisation_written_in_many_ways(names: list[str]) -> None:
    assert len({HERE.normal(name) for name in names}) == 1, [HERE.normal(name) for name in names]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_organisations(one: str, other: str) -> None:
    assert HERE.normal(one) != HERE.normal(other)


@pytest.mark.parametrize("name", ["公司", "有限公司", "围场", "围场县", "承德市有限公司", "围", "甲", ""])
def test_nothing_is_shortened_away(name: str) -> None:
    assert bool(HERE.normal(name)) is bool(name)


PIECES = st.lists(
    st.sampled_from(["围场县", "围场", "承德市", "河北省", "（", "）", "(", " ", "安泰", "矿", "有限公司", "有限责任公司", "公司", "Ａ", "分公司"]), max_size=8
)


@given(st.one_of(PIECES.map("".join), st.text(max_size=30)))
def test_it_comes_to_rest(name: str) -> None:
    once = HERE.normal(name)
    assert HERE.normal(once) == once


@given(
    PIECES.map("".join), st.sampled_from(["有限公司", "有限责任公司", "股份有限公司"]), st.sampled_from(["", "围场县", "河北省承德市", "围场满族蒙古族自治县"])
)
def test_place_and_legal_form_make_no_difference(middle: str, form: str, place: str) -> None:
    core = "安泰" + middle + "商贸"
    assert HERE.normal(place + core + form) == HERE.normal(core)


def test_without_a_region_table_names_are_still_compared() -> None:
    assert Normaliser().normal("安泰（围场）有限公司") == Normaliser().normal("安泰围场有限责任公司")
