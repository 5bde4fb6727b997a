"""One record: from what was sent to values, errors and doubts; then one write."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app import masking
from app.formats import FormatError
from app.lookup import DatabaseLookup
from app.records import Draft, draft, save, void
from app.register import Record, field_map
from app.roles import Role
from app.scopes import SYSTEM, Actor, NotPermitted, Scope
from tests.engine import CLERK, OTHER, OTHER_CLERK, OWN, SUPERVISOR, TODAY, Desk, Ledger, Oversight, Remark, bench, desk, rows

__all__ = ["bench", "desk", "rows"]


def sent(session: Session, raw: dict[str, object], row: Record | None = None, cls: type[Record] = Ledger, parent: Record | None = None) -> Draft:
    return draft(session, cls, raw, DatabaseLookup(session, TODAY), row, parent)


def messages(result: Draft) -> dict[str, list[str]]:
    return {key: [str(message) for message in found] for key, found in result.errors.items()}


def test_a_new_record_starts_in_its_keepers_office(desk: Desk) -> None:
    session = desk.of(CLERK)
    result = sent(session, {"title": " 冀北\n安评 ", "kind": "甲", "topics": "矿山；消防"})
    assert result.errors == {}
    row = save(session, result)
    session.commit()
    assert isinstance(row, Ledger)
    assert (row.title, row.kind, row.topics) == ("冀北安评", "a", ["mine", "fire"])
    assert (row.org_unit_id, row.handler, row.publish_state, row.active) == (OWN, "王经办", "private", True)
    assert (row.created_by, row.changed_by, row.source, row.row_version) == ("wang", "wang", "form", 1)


def test_every_error_is_told_at_its_field_and_nothing_is_written(desk: Desk) -> None:
    session = desk.of(CLERK)
    raw: dict[str, object] = {"title": "", "kind": "丙", "id_no": "130828198001010018", "peer": "没有", "nonsense": 1}
    result = sent(session, raw)
    assert set(result.errors) == set(raw)
    assert "“名称”必须填写" in messages(result)["title"]
    assert result.raw == raw
    with pytest.raises(ValueError, match="errors"):
        save(session, result)
    assert not session.new


def test_the_rules_of_the_register_speak(desk: Desk) -> None:
    result = sent(desk.of(CLERK), {"title": "x", "valid_from": "2026-01-01", "valid_to": "2025-01-01"})
    assert messages(result) == {"valid_to": ["有效期止早于有效期起"]}


@pytest.mark.parametrize("blank", [{}, {"valid_from": "", "mobile": ""}, {"valid_from": None, "mobile": "/"}])
def test_what_a_cell_holds_beside_its_value_goes_where_it_belongs(desk: Desk, blank: dict[str, object]) -> None:
    result = sent(desk.of(CLERK), {"title": "x", "valid_to": "2021.3.1-2024.2.29", "office_phone": "0314-7512345、13812345678", **blank})
    assert result.errors == {}
    assert (result.values["valid_from"], result.values["valid_to"]) == (date(2021, 3, 1), date(2024, 2, 29))
    assert (result.values["office_phone"], result.values["mobile"]) == ("0314-7512345", "13812345678")


def test_what_has_no_room_is_a_doubt(desk: Desk) -> None:
    result = sent(desk.of(CLERK), {"title": "x", "office_phone": "13812345678", "mobile": "13912345678"})
    assert result.values["mobile"] == "13912345678"
    assert "13812345678" in str(result.doubts["mobile"][0])
    assert sent(desk.of(CLERK), {"title": "x", "office_phone": "13812345678", "mobile": "13812345678"}).doubts == {}


def test_doubts_are_told(desk: Desk) -> None:
    result = sent(desk.of(CLERK), {"title": "x", "valid_from": "2023-04", "topics": "防汛"})
    assert result.errors == {}
    assert set(result.doubts) == {"valid_from", "topics"}
    assert result.values["topics"] == ["防汛"]


def test_only_what_was_sent_is_touched(desk: Desk) -> None:
    (row_id,) = desk.add(Ledger(title="x", remark="旧", kind="a", org_unit_id=OWN))
    session = desk.of(CLERK)
    row = session.get(Ledger, row_id)
    assert row is not None
    result = sent(session, {"remark": "新", "kind": "甲类"}, row)
    assert result.touched == {"remark"}
    save(session, result, row)
    session.commit()
    assert (row.title, row.remark, row.row_version) == ("x", "新", 2)
    save(session, sent(session, {"remark": "新"}, row), row)
    session.commit()
    assert row.row_version == 2  # nothing changed, nothing written


def test_a_mask_that_comes_back_means_unchanged(desk: Desk) -> None:
    number = "130828198001010012"
    (row_id,) = desk.add(Ledger(title="x", id_no=number, mobile="13812345678", org_unit_id=OWN))
    session = desk.of(CLERK)
    row = session.get(Ledger, row_id)
    assert row is not None
    shown = {key: masking.shown(Scope(CLERK), field_map(Ledger)[key], getattr(row, key), DatabaseLookup(session)) for key in ("id_no", "mobile")}
    assert shown == {"id_no": "130828********0012", "mobile": "138****5678"}
    result = sent(session, dict(shown), row)
    assert (result.errors, result.values["id_no"], result.values["mobile"]) == ({}, number, "13812345678")
    assert "id_no" in sent(session, {"id_no": "130828********0011"}, row).errors
    assert sent(session, {"mobile": ""}, row).values["mobile"] is None
    reader = desk.of(Actor("chen", frozenset({Role.CLERK, Role.PRIVACY_VIEW}), OWN))
    assert sent(reader, dict(shown), reader.get(Ledger, row_id)).errors == {}, "the role alone shows nothing, so a mask means the same"
    system = desk.of(SYSTEM)
    assert "id_no" in sent(system, dict(shown), system.get(Ledger, row_id)).errors  # sees the number, so a mask is nonsense
    assert masking.dumped(Scope(CLERK), field_map(Ledger)["mobile"], None) is None


def test_closed_fields_are_refused_at_the_field(desk: Desk) -> None:
    (row_id,) = desk.add(Ledger(title="x", opinion="同意", conclusion="符合", publish_state="private", org_unit_id=OWN))
    session = desk.of(CLERK)
    row = session.get(Ledger, row_id)
    assert messages(sent(session, {"opinion": "不同意", "conclusion": "不符合", "remark": "x"}, row)).keys() == {"opinion", "conclusion"}
    assert sent(session, {"opinion": "同意", "publish_state": "未公开", "org_unit": "基础股"}, row).errors == {}  # as the form showed it
    assert messages(sent(session, {"org_unit": "危化股"}, row)) == {"org_unit": ["只有股室负责人能把记录转给其他股室"]}
    assert sent(session, {"title": "new", "conclusion": "符合"}).errors == {}


def test_a_second_record_of_the_same_key_is_told(desk: Desk) -> None:
    desk.add(Ledger(title="甲", code="1", org_unit_id=OTHER), Ledger(title="乙", born=date(1980, 1, 1), org_unit_id=OWN))
    session = desk.of(CLERK)
    assert messages(sent(session, {"title": "丙", "code": "1"})) == {"code": ["已有“编号”相同的记录，不能重复登记"]}  # a foreign office's counts too
    assert messages(sent(session, {"title": "乙", "born": "1980-01-01"})) == {"title": ["已有“名称、出生日期”相同的记录，不能重复登记"]}
    assert sent(session, {"title": "乙", "born": "1980-01-01", "code": "2"}).errors == {}


def test_a_voided_record_frees_its_key(desk: Desk) -> None:
    session = desk.of(CLERK)
    row = save(session, sent(session, {"title": "甲", "code": "1"}))
    for nothing in ("", "  ", "——"):
        with pytest.raises(FormatError, match="作废原因"):
            void(session, row, nothing)
    with pytest.raises(FormatError, match="最多 500 个字"):
        void(session, row, "长" * 501)
    void(session, row, " 重复登记 ")
    session.commit()
    assert row.void_reason == "重复登记"
    save(session, sent(session, {"title": "甲", "code": "1"}))
    session.commit()


def test_children_are_drafted_under_their_parent(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    parent = session.get(Ledger, rows["own"])
    row = save(session, sent(session, {"topic": "第一次"}, cls=Remark, parent=parent), parent=parent)
    session.commit()
    assert row.parent_id == rows["own"]  # type: ignore[attr-defined]
    assert "topic" in sent(session, {"topic": "第一次"}, cls=Remark, parent=parent).errors
    assert sent(session, {"topic": "第一次", "body": "x"}, row, Remark, parent).errors == {}
    assert sent(session, {"topic": "own published"}, row, Remark).errors == {}  # another parent's
    assert "verdict" in sent(session, {"topic": "x", "verdict": "x"}, cls=Remark, parent=parent).errors
    foreign = session.get(Ledger, rows["foreign published"])
    with pytest.raises(NotPermitted):
        save(session, sent(session, {"topic": "x"}, cls=Remark, parent=foreign), parent=foreign)


def test_supervisors_draft_their_findings(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(SUPERVISOR)
    parent = session.get(Ledger, rows["foreign"])
    save(session, sent(session, {"finding": "公示不及时"}, cls=Oversight, parent=parent), parent=parent)
    session.commit()


def test_a_foreign_row_is_refused_when_saved(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(OTHER_CLERK)
    row = session.get(Ledger, rows["own published"])
    with pytest.raises(NotPermitted):
        save(session, sent(session, {"remark": "x"}, row), row)


@pytest.mark.parametrize("raw", [[], {}, b"x", 10**40, float("nan"), True, "\x00", "\ud800"])
def test_no_value_breaks_a_draft(desk: Desk, raw: Any) -> None:
    result = sent(desk.of(CLERK), dict.fromkeys(field_map(Ledger), raw))
    assert all(str(message) for found in result.errors.values() for message in found)


def test_what_a_cell_holds_beside_its_value_never_replaces_what_is_kept(desk: Desk) -> None:
    """And a doubt about a field seen masked does not tell whether the two are the same."""
    session = desk.of(CLERK)
    row = save(session, sent(session, {"title": "冀北安评", "mobile": "13812345678"}))
    session.commit()
    for mobile in ("13812345678", "13900001111"):
        result = sent(session, {"office_phone": f"0314-7512345 {mobile}"}, row)
        assert result.values["mobile"] == "13812345678"
        assert set(result.doubts) == {"mobile"}
