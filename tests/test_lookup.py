"""What texts mean: words of code lists, records behind names and keys."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from app.formats import FormatError, Link
from app.register import field_map
from app.scopes import Actor
from models.reference import CodeEntry
from tests.engine import CLERK, OTHER, OWN, VISITOR, Desk, Ledger, bench, desk

__all__ = ["bench", "desk"]


@pytest.fixture
def ids(desk: Desk) -> dict[str, int]:
    records = {
        "plain": Ledger(title="冀北安评有限公司", code="A1", short_name="冀北安评", former_names="围场安评、塞北安评", org_unit_id=OWN),
        "brackets": Ledger(title="承德检测（围场）所", code="A2", org_unit_id=OWN),
        "twin 1": Ledger(title="同名公司", code="A3", org_unit_id=OWN),
        "twin 2": Ledger(title="同名公司", code="A4", org_unit_id=OWN),
        "named like a key": Ledger(title="A1", code="A5", org_unit_id=OWN),
        "no key": Ledger(title="无编号公司", org_unit_id=OWN),
        "voided": Ledger(title="作废公司", code="A6", org_unit_id=OWN, voided_at=sa.func.now()),
        "foreign": Ledger(title="外股公司", code="A7", org_unit_id=OTHER),
    }
    return dict(zip(records, desk.add(*records.values()), strict=True))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("冀北安评有限公司", ["plain"]),
        ("A1", ["plain"]),  # a key beats a name
        ("a1", ["plain"]),
        ("Ａ１", ["plain"]),
        ("冀北安评", ["plain"]),
        ("塞北安评", ["plain"]),
        ("北安评", []),
        ("承德检测（围场）所", ["brackets"]),
        ("承德检测(围场)所", ["brackets"]),
        ("同名公司", ["twin 1", "twin 2"]),
        ("同名公司（A4）", ["twin 2"]),
        ("同名公司(A4)", ["twin 2"]),
        ("作废公司", []),
        ("外股公司", []),
        ("没有的公司", []),
        ("%", []),
        ("'", []),
    ],
)
def test_records_behind_texts(desk: Desk, ids: dict[str, int], text: str, names: list[str]) -> None:
    found = desk.lookup(CLERK).find("t_ledger", text)
    assert sorted(match.id for match in found) == sorted(ids[name] for name in names)


def test_a_handle_leads_back(desk: Desk, ids: dict[str, int]) -> None:
    lookup = desk.lookup(CLERK)
    link = Link("t_ledger")
    for name in ("plain", "brackets", "twin 1", "twin 2", "no key"):
        assert link.parse(lookup.handle("t_ledger", ids[name]), lookup) == ids[name], name
    assert lookup.handle("t_ledger", ids["twin 1"]) == "同名公司（A3）"
    assert lookup.name("t_ledger", ids["twin 1"]) == "同名公司"


def test_a_double_name_is_asked_about(desk: Desk, ids: dict[str, int]) -> None:
    assert ids
    with pytest.raises(FormatError, match="同名公司（A3）、同名公司（A4）"):
        Link("t_ledger").parse("同名公司", desk.lookup(CLERK))


def test_what_is_out_of_scope_has_no_name(desk: Desk, ids: dict[str, int]) -> None:
    lookup = desk.lookup(CLERK)
    assert not lookup.has("t_ledger", ids["foreign"])
    assert (lookup.name("t_ledger", ids["foreign"]), lookup.handle("t_ledger", ids["foreign"])) == ("", "")
    assert lookup.has("t_ledger", ids["voided"])  # an old link still says its name
    assert not desk.lookup(VISITOR).has("t_ledger", ids["plain"])
    assert desk.lookup(Actor("x")).find("t_ledger", "A1") == []


def test_offices_and_regions_by_their_aliases(desk: Desk) -> None:
    lookup = desk.lookup(CLERK)
    assert [match.id for match in lookup.find("org_unit", "基础股")] == [OWN]
    assert [match.id for match in lookup.find("region", "130828100")] == [2]
    assert [match.id for match in lookup.find("region", "四合永")] == [3]
    assert {match.id for match in lookup.find("region", "围场")} == {1, 2}
    assert lookup.handle("region", 3) == "河北省承德市围场县四合永镇"


def test_many_texts_cost_few_statements(desk: Desk, ids: dict[str, int]) -> None:
    lookup = desk.lookup(CLERK)
    seen: list[str] = []
    note = lambda *arguments: seen.append(arguments[2])  # noqa: E731
    sa.event.listen(desk.engine, "before_cursor_execute", note)
    try:
        lookup.prepare_texts("t_ledger", [f"公司{number}（围场）" for number in range(500)] + ["A1"])
        lookup.prepare_ids("t_ledger", range(1000))
        assert len(seen) <= 12
        seen.clear()
        assert [match.id for match in lookup.find("t_ledger", "A1")] == [ids["plain"]]
        assert lookup.find("t_ledger", "公司7（围场）") == []
        assert seen == []
    finally:
        sa.event.remove(desk.engine, "before_cursor_execute", note)


def test_words_by_code_label_and_alias(desk: Desk) -> None:
    lookup = desk.lookup()
    lookup.prepare(field_map(Ledger).values())
    assert [lookup.word("t_kind", text) for text in ("a", "甲类", "甲", " 甲 类 ", "丙类")] == ["a", "a", "a", "a", None]
    assert lookup.label("t_kind", "a") == "甲类"
    assert lookup.label("t_kind", "gone") == "gone"
    assert lookup.options("t_kind") == [("a", "甲类"), ("b", "乙类")]
    assert lookup.nearest("t_kind", "乙") == ["乙类"]
    assert (lookup.is_open("t_kind"), lookup.is_open("t_topic")) == (False, True)


def test_an_alias_never_takes_anothers_label(desk: Desk) -> None:
    desk.add(CodeEntry(code_list="t_kind", code="z", label="丁类", aliases="乙类、丁", sort=-1))
    assert desk.lookup().word("t_kind", "乙类") == "b"
    assert desk.lookup().word("t_kind", "丁") == "z"


def test_only_accepted_words_in_force_are_offered(desk: Desk) -> None:
    desk.add(
        CodeEntry(code_list="t_kind", code="old", label="旧类", effective_to=date(2025, 12, 31), word_state="accepted"),
        CodeEntry(code_list="t_kind", code="coming", label="新类", effective_from=date(2027, 1, 1), word_state="accepted"),
        CodeEntry(code_list="t_kind", code="asked", label="待定类", word_state="pending"),
    )
    lookup = desk.lookup()
    assert [code for code, _ in lookup.options("t_kind")] == ["a", "b"]
    assert lookup.word("t_kind", "旧类") == "old"  # an old record still reads back
