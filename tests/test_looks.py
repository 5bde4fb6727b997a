"""Who looked at a person's data: the list, the sheet for the person concerned, and who may read them."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.history import acts, events, looks
from app.records import void
from app.register import field_map, fields
from models import Expert
from models.expert import ExpertQualification
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import AUDIT_ADMIN, CLERK, EVERYBODY, EXPERT_ADMIN, LEADER, OTHER_CLERK, Persona
from tests.test_history import entries, office

SignIn = Callable[[Persona], Browser]


@pytest.fixture
def expert(session_of: SessionOf) -> Expert:
    session = session_of(EXPERT_ADMIN)
    return samples.make(session, Expert, 7, office(session, "综合股"))  # type: ignore[no-any-return]


def reveal(session: Session, of: Any, row: int, purpose: str = "核对身份", note: str = "", *keys: str, road: str = "page") -> int:
    """As the page that shows a full value leaves it."""
    acts.describe(session, road=road, address="10.1.2.3")
    number = events.note(session.connection(), "reveal", {"purpose": purpose, "note": note, "fields": list(keys) or ["id_no"]}, of=of, row=row)
    session.commit()
    return number


def export(session: Session, register: str = "expert", **facts: Any) -> int:
    number = events.note(session.connection(), "export", {"register": register, "count": 12, **facts})
    session.commit()
    return number


def secrets_of(row: Any) -> list[str]:
    return [str(getattr(row, each.attr)) for each in fields(type(row)) if each.sensitive and getattr(row, each.attr)]


def test_each_look_says_who_when_from_where_why_and_at_what(sign_in: SignIn, session_of: SessionOf, expert: Expert) -> None:
    first = reveal(session_of(EXPERT_ADMIN), Expert, expert.id, "核对身份", "发放证书", "id_no", "phone")
    second = reveal(session_of(LEADER), Expert, expert.id, "联系本人", "", "phone", road="rest")
    reveal(session_of(EXPERT_ADMIN), Expert, expert.id + 1000)
    found = looks.of_record(session_of(EXPERT_ADMIN), Expert, expert.id).lines
    assert [look.entry for look in found] == [second, first]
    one = found[1]
    assert (one.who, one.address, one.road, one.purpose) == ("冯专管", "10.1.2.3", "页面", "核对身份；发放证书")
    assert one.post.startswith("综合股 · ")
    assert one.fields == ("身份证号", "联系电话")
    assert (found[0].who, found[0].road) == ("周局长", "接口")
    page = sign_in(EXPERT_ADMIN).get(f"/expert/history/{expert.id}/looks").data.decode()
    for text in ("冯专管", "周局长", "核对身份；发放证书", "身份证号、联系电话", "10.1.2.3", "个人信息查询记录告知单", expert.name, one.when):
        assert text in page, text
    assert not [secret for secret in secrets_of(expert) if secret in page], "the sheet tells who looked, not at what values"
    assert f'href="/expert/history/{expert.id}/looks"' in sign_in(EXPERT_ADMIN).get(f"/expert/history/{expert.id}").data.decode()


def test_looks_at_children_count(session_of: SessionOf, expert: Expert) -> None:
    session = session_of(EXPERT_ADMIN)
    child = samples.make(session, ExpertQualification, 3, parent=expert)
    key = next(iter(field_map(ExpertQualification)))
    number = reveal(session_of(LEADER), ExpertQualification, child.id, "查证", "", key)
    assert [(look.entry, look.fields) for look in looks.of_record(session_of(), Expert, expert.id).lines] == [
        (number, (str(field_map(ExpertQualification)[key].label),))
    ]
    other = samples.make(session, Expert, 8, office(session, "综合股"))
    assert looks.of_record(session_of(), Expert, other.id).lines == []


def test_files_in_clear_count_while_the_record_is_in_force(session_of: SessionOf) -> None:
    session = session_of(EXPERT_ADMIN)
    early = export(session_of(EXPERT_ADMIN), clear=True, number="D-0", purpose="上报")
    row = samples.make(session, Expert, 7, office(session, "综合股"))
    clear = export(session_of(EXPERT_ADMIN), clear=True, number="D-1", purpose="上报省厅")
    masked = export(session_of(EXPERT_ADMIN), number="D-2")
    untrue = export(session_of(EXPERT_ADMIN), clear=False)
    other = export(session_of(EXPERT_ADMIN), register="enterprise", clear=True)
    void(session, row, "重复登记")
    session.commit()
    late = export(session_of(EXPERT_ADMIN), clear=True, number="D-3")
    found = looks.of_record(session_of(), Expert, row.id).lines
    assert [look.entry for look in found] == [clear], (early, masked, untrue, other, late)
    assert found[0].export
    assert found[0].purpose == "上报省厅；编号 D-1、共 12 条记录"


def test_a_sheet_has_an_end(session_of: SessionOf, expert: Expert, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "MOST", 3)
    numbers = [reveal(session_of(EXPERT_ADMIN), Expert, expert.id) for _turn in range(5)]
    found = looks.of_record(session_of(), Expert, expert.id)
    assert ([look.entry for look in found.lines], found.more) == (numbers[:1:-1], True)


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.username or "visitor")
def test_who_reads_the_history_reads_who_looked(sign_in: SignIn, session_of: SessionOf, expert: Expert, person: Persona) -> None:
    reveal(session_of(EXPERT_ADMIN), Expert, expert.id)
    browser = sign_in(person)
    history, page = (browser.get(f"/expert/history/{expert.id}{tail}") for tail in ("", "/looks"))
    assert page.status_code == history.status_code
    assert ("核对身份" in page.data.decode()) == (page.status_code == 200)


def test_other_offices_rows_are_not_found(sign_in: SignIn, session_of: SessionOf) -> None:
    from models import Agency

    session = session_of(CLERK)
    row = samples.make(session, Agency, 7, office(session))
    assert sign_in(CLERK).get(f"/agency/history/{row.id}/looks").status_code == 200
    assert sign_in(OTHER_CLERK).get(f"/agency/history/{row.id}/looks").status_code == 404
    assert sign_in(CLERK).get(f"/agency/history/{row.id + 1000}/looks").status_code == 404


def test_the_audit_administrator_finds_it_from_the_trace(sign_in: SignIn, session_of: SessionOf, expert: Expert) -> None:
    reveal(session_of(EXPERT_ADMIN), Expert, expert.id)
    name, secrets, number = expert.name, secrets_of(expert), expert.id
    browser = sign_in(AUDIT_ADMIN)
    assert f'href="/audit/looks/expert/{number}"' in browser.get(f"/audit/?relation=expert&row={number}").data.decode()
    page = browser.get(f"/audit/looks/expert/{number}").data.decode()
    assert "冯专管" in page
    assert "综合股" in page
    assert name in page
    assert not [secret for secret in secrets if secret in page]
    entry = browser.get(f"/audit/{entries(session_of(), kind='reveal')[-1].id}").data.decode()
    assert "查看完整信息" in entry
    assert "身份证号" in entry
    for wrong in ("expert/999999", "expert/99999999999999", "nothing/1", "ab_user/1", "expert_qualification/1"):
        assert browser.get(f"/audit/looks/{wrong}").status_code == 404


def test_the_command_says_it_too(app: Flask, session_of: SessionOf, expert: Expert) -> None:
    reveal(session_of(EXPERT_ADMIN), Expert, expert.id, "核对身份", "", "id_no")
    export(session_of(EXPERT_ADMIN), clear=True, number="D-1")
    said = contextvars.Context().run(app.test_cli_runner().invoke, args=["trace", "looks", "expert", str(expert.id)])
    assert said.exit_code == 0, said.output
    assert "冯专管" in said.output
    assert "身份证号" in said.output
    assert "整表导出，可能含这条记录" in said.output
    assert "共 2 次" in said.output
    for wrong in (["expert", "999999"], ["nothing", "1"]):
        assert contextvars.Context().run(app.test_cli_runner().invoke, args=["trace", "looks", *wrong]).exit_code == 1
