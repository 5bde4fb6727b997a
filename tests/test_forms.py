"""Forms: a record with its children at once, checks while one types, two people at once, rows in place, files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app import registry
from app.database import db
from app.scopes import SYSTEM, act_as
from models.agency import Agency, Qualification
from models.expert import Expert
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, EXPERT_ADMIN, OTHER_CLERK, OWN, PRIVACY_CLERK, SECTION_HEAD, SYSADMIN, Persona
from tests.test_matrix import office_id
from views.record import ACTIONS, Action

SignIn = Callable[[Persona], Browser]
CODE = samples.credit_code(4711)
TESTING = "安全生产检测检验机构资质证书"
IN_PLACE = {"HX-Request": "true"}


@pytest.fixture
def agency(session_of: SessionOf) -> Any:
    """An agency of the clerk's own office."""
    session = session_of()
    row = samples.make(session, Agency, 11, office_id(session, OWN))
    row.name, row.mobile, row.kind, row.is_branch = "承德市甲检测有限公司", "13812345678", ["检测检验"], False
    session.commit()
    return row


@pytest.fixture
def expert(session_of: SessionOf) -> Any:
    """An expert whose birth date nobody wrote down."""
    session = session_of()
    row = samples.make(session, Expert, 12, office_id(session, "综合股"))
    row.name, row.id_no = "张三", samples.resident_id(12)
    session.commit()
    session.execute(sa.update(Expert.__table__).values(birth_date=None))  # type: ignore[arg-type]
    session.commit()
    return row


def soup(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.data, "html.parser")


def kept(app: Flask, statement: Any) -> Any:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        return db.session.scalar(statement)


def every(app: Flask, statement: Any) -> list[Any]:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        return list(db.session.scalars(statement))


def count(app: Flask, cls: Any) -> int:
    return int(kept(app, sa.select(sa.func.count(cls.id))))


def family(**more: Any) -> dict[str, Any]:
    first = {"cert_type": TESTING, "cert_no": "冀-1", "valid_to": "2026-01-01至2028-12-31", "status": "valid"}
    data: dict[str, Any] = {"name": "承德市乙公司", "uscc": CODE, "kind": ["检测检验"]}
    return data | {f"qualifications-0.{key}": value for key, value in first.items()} | more


# a record with its children -------------------------------------------------------------------------


def test_a_new_record_and_its_children_are_saved_at_once(app: Flask, sign_in: SignIn) -> None:
    more = {"qualifications-4.cert_no": "冀-2", "qualifications-7.status": "valid", "qualifications-7.cert_no": " "}
    answer = sign_in(CLERK).post("/agency/add", family(**more))
    assert answer.status_code == 302, soup(answer).get_text()[:500]
    assert every(app, sa.select(Qualification.cert_no).order_by(Qualification.id)) == ["冀-1", "冀-2"]
    assert count(app, Qualification) == 2, "the row in which nobody filled in anything is none"
    assert kept(app, sa.select(Qualification.cert_type).where(Qualification.cert_no == "冀-2")) == TESTING, "what follows from the agency is filled in"


def test_one_wrong_child_and_nothing_is_saved_and_everything_given_back(app: Flask, sign_in: SignIn) -> None:
    answer = sign_in(CLERK).post("/agency/add", family(**{"qualifications-3.cert_no": "冀-2", "qualifications-3.valid_to": "明年", "remark": "留着"}))
    assert answer.status_code == 422
    assert (count(app, Agency), count(app, Qualification)) == (0, 0)
    page = soup(answer)
    assert "不是日期" in page.find(id="h-qualifications-3.valid_to").select_one(".ys-why").get_text()
    assert page.find("input", {"name": "qualifications-0.cert_no"})["value"] == "冀-1"
    assert page.find("input", {"name": "qualifications-3.valid_to"})["value"] == "明年"
    assert page.find("textarea", {"name": "remark"}).get_text() == "留着"
    entry = page.select_one("#problems li a")
    assert (entry.get_text(), entry["href"]) == ("资质 2 · 有效期至", "#f-qualifications-3.valid_to")
    assert page.select_one("#problems")["role"] == "alert"
    assert page.select(".ys-toc a.ys-wrong")[0].get_text().startswith("资质")


def test_two_children_with_the_same_key_are_refused_at_the_second(app: Flask, sign_in: SignIn) -> None:
    answer = sign_in(CLERK).post("/agency/add", family(**{"qualifications-1.cert_no": "冀-1", "qualifications-1.cert_type": TESTING}))
    assert answer.status_code == 422
    assert "不能重复登记" in soup(answer).find(id="h-qualifications-1.cert_no").get_text()
    assert count(app, Agency) == 0


def test_a_new_word_in_two_children_comes_in_once(app: Flask, sign_in: SignIn) -> None:
    scopes = {"qualifications-0.scopes": ["新业务"], "qualifications-1.cert_no": "冀-2", "qualifications-1.scopes": ["新业务"]}
    assert sign_in(CLERK).post("/agency/add", family(**scopes)).status_code == 302
    code = registry.need("code")
    assert kept(app, sa.select(sa.func.count()).select_from(code.__table__).where(code.__table__.c.code == "新业务")) == 1


def test_a_form_offers_the_children_that_the_person_may_write(sign_in: SignIn) -> None:
    page = soup(sign_in(CLERK).get("/agency/add"))
    assert [section["data-kind"] for section in page.select(".ys-below")] == ["qualifications", "training_capacities"]
    assert page.find("template").find("input", {"name": "qualifications-__place__.cert_no"})
    assert not soup(sign_in(CLERK).get("/review/add")).select(".ys-below"), "what no sheet feeds is added on the record's page"


def test_the_browser_learns_which_draft_is_saved(sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    assert "saved_form=abc123;" in browser.post("/agency/add", {"name": "甲", "uscc": CODE, "form_id": "abc123"}).headers["Set-Cookie"]
    other = {"name": "乙", "uscc": samples.credit_code(4712), "form_id": "a;b\r\nc"}
    assert not any("saved_form" in cookie for cookie in browser.post("/agency/add", other).headers.getlist("Set-Cookie"))


# inputs ---------------------------------------------------------------------------------------------


def test_each_format_has_its_own_control(agency: Any, sign_in: SignIn) -> None:
    page = soup(sign_in(CLERK).get(f"/agency/edit/{agency.id}"))
    assert "js-date" in page.find("input", {"name": "verified_on"})["class"]
    assert [box["value"] for box in page.select("[role=group] input[name=kind]")] == ["安全评价", "检测检验", "安全培训", "其他技术服务"]
    assert [radio["value"] for radio in page.select("[role=radiogroup] input[name=is_branch]")] == ["是", "否", ""]
    assert page.find("input", {"name": "full_time_evaluators"})["inputmode"] == "numeric"
    assert page.find("select", {"name": "region"})["data-source"] == "/region/lookup"
    masked = page.find("input", {"name": "mobile"})
    assert masked["value"] == "138****5678"
    assert "不改就原样保留" in page.select_one("#h-mobile").get_text()
    assert page.select_one("[data-name=mobile]").has_attr("data-sensitive")
    assert page.find("input", {"name": "uscc"})["aria-required"] == "true"


def test_no_form_carries_more_than_fifty_options(sign_in: SignIn) -> None:
    for key in ("agency", "enterprise", "review", "policy"):
        page = soup(sign_in(CLERK).get(f"/{key}/add"))
        assert all(len(select.find_all("option")) <= 51 for select in page.find_all("select")), key


def test_a_linked_record_may_be_added_by_those_who_may(sign_in: SignIn) -> None:
    page = soup(sign_in(CLERK).get("/agency/add"))
    assert page.select_one("[data-name=parent] .ys-adding")["href"] == "/agency/add"
    assert not page.select_one("[data-name=region] .ys-adding"), "places are kept by the system's administrators"
    assert soup(sign_in(SYSADMIN).get("/region/add")).select_one(".ys-form")


# checks ---------------------------------------------------------------------------------------------


def check(browser: Browser, path: str, data: dict[str, Any]) -> dict[str, Any]:
    answer = browser.post(path, data, token_from="/")
    assert answer.status_code == 200, answer.data.decode()[:300]
    return dict(answer.json)


def test_a_check_says_what_is_wrong_and_what_follows_and_writes_nothing(app: Flask, sign_in: SignIn) -> None:
    data = family(
        uscc="911", **{"qualifications-1.cert_no": "APJ-(冀)-1", "qualifications-1.issued_on": "", "qualifications-1.valid_to": "2026-01-01至2028-12-31"}
    )
    found = check(sign_in(CLERK), "/agency/check", data)
    assert set(found["errors"]) == {"uscc"}
    assert found["filled"]["qualifications-1.cert_type"] == [{"value": TESTING, "label": TESTING}]
    assert found["filled"]["qualifications-1.issued_on"] == [{"value": "2026-01-01", "label": "2026-01-01"}]
    assert (count(app, Agency), count(app, Qualification)) == (0, 0)


def test_the_record_with_the_same_key_is_named_to_those_who_may_read_it(agency: Any, expert: Any, sign_in: SignIn) -> None:
    data = {"name": "别的", "uscc": agency.uscc}
    mine, foreign = check(sign_in(CLERK), "/agency/check", data), check(sign_in(OTHER_CLERK), "/agency/check", data)
    assert mine["errors"] == foreign["errors"] != {}
    assert (mine["twins"], foreign["twins"]) == ({"uscc": f"/agency/show/{agency.id}"}, {})
    secret = check(sign_in(EXPERT_ADMIN), "/expert/check", {"name": "某人", "id_no": expert.id_no})
    assert "id_no" in secret["errors"]
    assert secret["twins"] == {}, "whose number it is stays hidden from those who may not read such numbers"
    page = soup(sign_in(CLERK).post("/agency/add", data))
    assert page.select_one("#h-uscc a")["href"] == f"/agency/show/{agency.id}"


def test_a_check_fills_in_nothing_that_is_hidden(expert: Any, sign_in: SignIn) -> None:
    browser = sign_in(EXPERT_ADMIN)
    masked = soup(browser.get(f"/expert/edit/{expert.id}")).find("input", {"name": "id_no"})["value"]
    assert "*" in masked
    found = check(browser, f"/expert/{expert.id}/check", {"name": "张三", "id_no": masked, "birth_date": "", "gender": ""})
    assert "birth_date" not in found["filled"]
    typed = check(browser, "/expert/check", {"name": "李四", "id_no": samples.resident_id(14), "birth_date": ""})
    assert typed["filled"]["birth_date"][0]["value"] == "1984-03-15", "who typed the number may see what it says"


def test_a_check_of_a_child_knows_its_record(agency: Any, sign_in: SignIn) -> None:
    found = check(sign_in(CLERK), f"/agency/{agency.id}/qualifications/check", {"cert_no": "冀-1"})
    assert found["errors"] == {}
    assert found["filled"]["cert_type"][0]["value"] == TESTING


# two at once ----------------------------------------------------------------------------------------


def version(app: Flask, row: Any) -> int:
    return int(kept(app, sa.select(type(row).row_version).where(type(row).id == row.id)))


def as_shown(browser: Browser, path: str) -> dict[str, Any]:
    """What an untouched form sends."""
    data: dict[str, Any] = {}
    for control in soup(browser.get(path)).select(".ys-form [name]"):
        name = str(control["name"])
        if name == "csrf_token" or (control.get("type") in {"radio", "checkbox"} and not control.has_attr("checked")):
            continue
        if control.name == "select":
            values = [option["value"] for option in control.find_all("option", selected=True)]
        else:
            values = [control.get_text() if control.name == "textarea" else str(control.get("value", ""))]
        data[name] = data.get(name, []) + values
    return data


def test_an_untouched_form_changes_nothing(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    before = version(app, agency)
    path = f"/agency/edit/{agency.id}"
    assert browser.post(path, as_shown(browser, path)).status_code == 302
    assert version(app, agency) == before


def test_only_what_both_changed_is_asked(app: Flask, agency: Any, sign_in: SignIn) -> None:
    mine, theirs = sign_in(CLERK), sign_in(PRIVACY_CLERK)
    path = f"/agency/edit/{agency.id}"
    opened = as_shown(mine, path)
    now = as_shown(theirs, path) | {"contact": "陈填的", "verify_source": "只有陈改", "mobile": "13900000000"}
    assert theirs.post(path, now).status_code == 302
    answer = mine.post(path, opened | {"contact": "王填的", "verified_by": "只有王改"})
    assert answer.status_code == 409
    page = soup(answer)
    rows = [[cell.get_text(" ", strip=True) for cell in row.find_all("td")] for row in page.select("#differ tbody tr")]
    assert rows == [["联系人", "王填的 用我的", "陈填的 用现值"]]
    assert "139****0000" in page.find("input", {"name": "mobile"})["value"], "what I did not touch is as it is now"
    again = {each["name"]: each["value"] for each in page.select(".ys-form input[type=text], .ys-form input[type=hidden]")}
    assert mine.post(path, again | {"contact.use": "theirs"}).status_code == 302
    row = kept(app, sa.select(Agency).where(Agency.id == agency.id))
    assert (row.contact, row.verify_source, row.verified_by, row.mobile) == ("陈填的", "只有陈改", "只有王改", "13900000000")


# rows in place --------------------------------------------------------------------------------------


def test_a_child_is_edited_in_its_row(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser, base = sign_in(CLERK), f"/agency/{agency.id}/qualifications"
    form = soup(browser.get(f"{base}/add", headers=IN_PLACE))
    assert form.select_one("tr.ys-editing form[hx-post]")["hx-post"] == f"{base}/add"
    assert not form.find("html")
    assert len({each["id"] for each in form.select("[id]")}) == len(form.select("[id]"))
    wrong = browser.post(f"{base}/add", {"cert_no": ""}, headers=IN_PLACE)
    assert wrong.status_code == 422
    assert soup(wrong).select_one("tr.ys-editing .ys-problems li")
    saved = browser.post(f"{base}/add", {"cert_no": "冀-1"}, headers=IN_PLACE)
    row = soup(saved).select_one("tr[data-child]")
    assert "冀-1" in row.get_text()
    assert json.loads(saved.headers["HX-Trigger"])["ys:said"]["messages"][0] == ["success", "已登记"]
    child = kept(app, sa.select(Qualification))
    stale = browser.post(f"{base}/{child.id}/edit", {"cert_no": "冀-2", "row_version": 0}, headers=IN_PLACE)
    assert (stale.status_code, bool(soup(stale).select_one("tr.ys-editing"))) == (409, True)
    show = f"/agency/show/{agency.id}"
    refused = browser.post(f"{base}/{child.id}/void", {"reason": " "}, token_from=show, headers=IN_PLACE)
    assert (refused.status_code, kept(app, sa.select(Qualification.voided_at))) == (422, None)
    gone = browser.post(f"{base}/{child.id}/void", {"reason": "注销"}, token_from=show, headers=IN_PLACE)
    assert (gone.status_code, gone.data) == (200, b"")
    assert kept(app, sa.select(Qualification.voided_at)) is not None


# the page of a record -------------------------------------------------------------------------------


def test_the_page_shows_states_and_leaves_blanks_out_of_sight(agency: Any, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    session.get(Agency, agency.id).website = None
    session.commit()
    page = soup(sign_in(CLERK).get(f"/agency/show/{agency.id}"))
    assert [badge.get_text(" ", strip=True) for badge in page.select(".ys-states .badge")] == ["公开状态 未公开"]
    blanks = {each.dt.get_text() for each in page.select(".ys-fields > .ys-blank")}
    assert "信息公开网址" in blanks
    assert "机构名称" not in blanks
    assert f"（{len(blanks)}）" in page.select_one("label[for=blanks]").get_text()


def test_another_part_may_put_a_button_on_the_page(agency: Any, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ACTIONS", ACTIONS)
    ACTIONS.append(lambda page: [Action("打印审查表", f"/print/{page.row.id}", "ti-file")])
    try:
        page = soup(sign_in(CLERK).get(f"/agency/show/{agency.id}"))
    finally:
        ACTIONS.pop()
    assert page.find("a", href=f"/print/{agency.id}").get_text(strip=True) == "打印审查表"


# files ----------------------------------------------------------------------------------------------


def upload(browser: Browser, agency: Any, name: str, data: bytes) -> Any:
    form = {"file": (io.BytesIO(data), name)}
    headers = {"Accept": "application/json"}
    return browser.post(f"/agency/{agency.id}/files", form, token_from="/", content_type="multipart/form-data", headers=headers)


def test_a_script_that_sends_a_file_gets_a_sentence(agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    good, wrong, empty = (upload(browser, agency, name, data) for name, data in (("证.txt", b"x"), ("证.exe", b"MZ"), ("空.txt", b"")))
    assert (good.status_code, good.json["message"]) == (201, "已上传“证.txt”")
    form = soup(browser.get(f"/agency/show/{agency.id}")).select_one(".ys-upload")
    assert (wrong.status_code, wrong.json["message"]) == (422, form["data-wrong-kind"]), "the browser refuses in the server's words"
    assert empty.json["message"] == form["data-empty"].replace("{name}", "空.txt")
    assert ".exe" not in form["data-accept"].split(",")


@pytest.mark.parametrize(
    ("name", "data", "shown"), [("图.png", b"\x89PNG\r\n\x1a\n" + b"0" * 20, True), ("证.pdf", b"%PDF-1.4", True), ("证.txt", b"x", False)]
)
def test_only_pictures_and_pdfs_are_shown_and_may_do_nothing(agency: Any, sign_in: SignIn, name: str, data: bytes, shown: bool) -> None:
    browser = sign_in(CLERK)
    upload(browser, agency, name, data)
    saved, inline = (browser.get(f"/agency/{agency.id}/files/1{query}") for query in ("", "?inline=1"))
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert inline.headers["Content-Disposition"].startswith("inline" if shown else "attachment")
    assert inline.headers["X-Content-Type-Options"] == "nosniff"
    assert inline.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert name == "证.pdf" or "sandbox" in inline.headers["Content-Security-Policy"]
    preview = soup(browser.get(f"/agency/show/{agency.id}")).select_one(".ys-files a")
    assert ("js-preview" in preview.get("class", [])) == shown


def test_the_field_of_a_file_takes_it(session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    row = samples.make(session, registry.need("review"), 5, office_id(session, OWN))
    page = soup(sign_in(CLERK).get(f"/review/show/{row.id}"))
    assert page.select_one("#field-signed_scan input[type=file]")["data-field"] == "signed_scan"
    assert not soup(sign_in(OTHER_CLERK).get(f"/review/show/{row.id}")).select("input[type=file]")
    assert not soup(sign_in(SECTION_HEAD).get("/review/add")).select("input[type=file]")
