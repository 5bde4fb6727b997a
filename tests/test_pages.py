"""The pages as people use them: list, page, form, children, errors, home."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app import registry
from app.database import db
from app.register import PublishState
from app.scopes import SYSTEM, act_as
from models.agency import Agency, Qualification
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, LEADER, LEGAL, OTHER_CLERK, OWN, PRIVACY_CLERK, SECTION_HEAD, SUPERVISOR, VISITOR, Persona
from tests.test_matrix import office_id

SignIn = Callable[[Persona], Browser]
CODE = samples.credit_code(4711)


@pytest.fixture
def agency(session_of: SessionOf) -> Any:
    """An agency of the clerk's own office."""
    session = session_of()
    row = samples.make(session, Agency, 11, office_id(session, OWN))
    row.name, row.mobile, row.kind = "承德市甲检测有限公司", "13812345678", ["检测检验"]
    session.commit()
    return row


def page_of(browser: Browser, path: str, status: int = 200) -> BeautifulSoup:
    answer = browser.get(path)
    assert answer.status_code == status, answer.data.decode()[:500]
    return BeautifulSoup(answer.data, "html.parser")


def kept(app: Flask, statement: Any) -> Any:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        return db.session.scalar(statement)


def version(app: Flask, row: Any) -> int:
    return int(kept(app, sa.select(type(row).row_version).where(type(row).id == row.id)))


def send_file(browser: Browser, agency: Any, name: str, data: bytes) -> Any:
    form = {"file": (io.BytesIO(data), name)}
    return browser.post(f"/agency/{agency.id}/files", form, token_from=f"/agency/show/{agency.id}", content_type="multipart/form-data")


# list ---------------------------------------------------------------------------------------------


def test_filters_in_force_stand_as_chips_that_take_them_away(agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    page = page_of(browser, "/agency/list/?q=甲检测&f.kind=检测检验&f.org_unit=基础股&sort=-name")
    chips = {chip.get_text(" ", strip=True).removesuffix(" ×"): chip["href"] for chip in page.select(".ys-chip")}
    assert set(chips) == {"含“甲检测”", "机构类别：检测检验", "承办股室：基础股"}
    assert "f.kind" not in chips["机构类别：检测检验"]
    assert "sort=-name" in chips["机构类别：检测检验"]
    assert agency.name in page.get_text()
    assert agency.name not in page_of(browser, "/agency/list/?f.kind=安全评价").get_text()


def test_an_empty_list_says_what_to_do_next(sign_in: SignIn) -> None:
    empty = page_of(sign_in(CLERK), "/agency/list/").select_one(".ys-empty")
    assert {link.get_text(strip=True) for link in empty.find_all("a")} == {"导入", "下载模板", "新增"}
    assert not page_of(sign_in(LEADER), "/agency/list/").select_one(".ys-empty a")


def test_a_page_beyond_the_last_leads_back(agency: Any, sign_in: SignIn) -> None:
    empty = page_of(sign_in(CLERK), "/agency/list/?page=9").select_one(".ys-empty")
    assert "只有 1 页" in empty.get_text()
    assert agency.name in page_of(sign_in(CLERK), empty.a["href"]).get_text()


def test_sensitive_values_leave_masked(agency: Any, sign_in: SignIn) -> None:
    for path in (f"/agency/show/{agency.id}", f"/agency/edit/{agency.id}"):
        assert "13812345678" not in sign_in(CLERK).get(path).data.decode()
        assert "13812345678" not in sign_in(PRIVACY_CLERK).get(path).data.decode()


@pytest.mark.parametrize(
    ("query", "status"), [("page=0", 400), ("sort=mobile", 400), ("f.mobile=138", 400), ("f.kind=没有这种", 400), ("size=7", 200), ("f.valid_to.to=x", 400)]
)
def test_odd_arguments_get_a_sentence(sign_in: SignIn, query: str, status: int) -> None:
    page = page_of(sign_in(CLERK), f"/agency/list/?{query}", status)
    assert page.h1.get_text(strip=True)


# page ---------------------------------------------------------------------------------------------


def test_the_page_says_what_is_missing_and_who_wrote(agency: Any, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    session.get(Agency, agency.id).legal_rep = None
    session.commit()
    page = page_of(sign_in(CLERK), f"/agency/show/{agency.id}")
    assert "法定代表人（核验前需要）" in page.select_one(".ys-gaps").get_text()
    assert "登记：" in page.select_one(".ys-envelope").get_text()


def test_a_voided_record_shows_a_banner_and_no_way_to_change_it(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    show = f"/agency/show/{agency.id}"
    assert browser.post(f"/agency/void/{agency.id}", {"reason": "  "}, token_from=show).status_code == 302
    assert kept(app, sa.select(Agency.voided_at).where(Agency.id == agency.id)) is None
    assert browser.post(f"/agency/void/{agency.id}", {"reason": "重复登记"}, token_from=show).status_code == 302
    page = page_of(browser, show)
    assert "重复登记" in page.select_one(".alert-warning").get_text()
    assert not page.find("a", href=f"/agency/edit/{agency.id}")
    assert page_of(browser, f"/agency/edit/{agency.id}", 409).h1
    assert agency.name not in page_of(browser, "/agency/list/").get_text()
    assert agency.name in page_of(browser, "/agency/list/?voided=1").get_text()


def test_visitors_see_published_rows_and_public_fields_only(agency: Any, session_of: SessionOf, sign_in: SignIn) -> None:
    visitor = sign_in(VISITOR)
    assert visitor.get(f"/agency/show/{agency.id}").status_code == 404
    session = session_of()
    session.get(Agency, agency.id).publish_state = PublishState.PUBLISHED.value
    session.commit()
    page = page_of(visitor, f"/agency/show/{agency.id}")
    labels = {label.get_text(strip=True) for label in page.find_all("dt")}
    assert "机构名称" in labels
    assert not labels & {"统一社会信用代码", "联系人手机", "经办人", "备注"}
    assert not page.select(".ys-envelope, .ys-gaps, #files, form[method=post]")


# form ---------------------------------------------------------------------------------------------


def test_a_form_keeps_what_was_typed_and_names_each_error_at_its_field(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    data = {"name": "承德市乙公司", "uscc": "911", "kind": ["安全评价", "安全培训"], "verified_on": "2026年13月1日", "is_branch": "否", "remark": "留着"}
    answer = browser.post("/agency/add", data)
    assert answer.status_code == 422
    page = BeautifulSoup(answer.data, "html.parser")
    for key in ("uscc", "verified_on"):
        assert page.select_one(f"#h-{key} .ys-why").get_text(strip=True), key
    assert page.find("input", {"name": "verified_on"})["value"] == "2026年13月1日"
    assert page.find("textarea", {"name": "remark"}).get_text() == "留着"
    assert [box["value"] for box in page.find_all("input", {"name": "kind"}) if box.has_attr("checked")] == ["安全评价", "安全培训"]
    assert page.select_one("input[name=is_branch][checked]")["value"] == "否"
    assert kept(app, sa.select(sa.func.count(Agency.id))) == 0


def test_a_new_form_preselects_no_first_choice(sign_in: SignIn) -> None:
    page = page_of(sign_in(CLERK), "/review/add")
    for select in page.select(".ys-form select:not([multiple])"):
        assert select.find("option")["value"] == "", select["name"]
    for select in page.select(".ys-form select"):
        assert select["name"] == "org_unit" or not select.find("option", selected=True), select["name"]
    assert {radio["value"] for radio in page.select(".ys-form input[type=radio][checked]")} == {""}


def test_dates_are_taken_in_any_spelling_and_doubts_are_said(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    answer = browser.post("/agency/add", {"name": "承德市丙公司", "uscc": CODE, "verified_on": "2026年3月5日", "office_phone": "7512345"})
    assert answer.status_code == 302
    row = kept(app, sa.select(Agency))
    assert (str(row.verified_on), row.office_phone) == ("2026-03-05", "0314-7512345")
    assert "请核对“办公电话”" in browser.get(answer.headers["Location"]).data.decode()


def test_a_second_record_with_the_same_key_is_refused_at_the_key(agency: Any, sign_in: SignIn) -> None:
    answer = sign_in(OTHER_CLERK).post("/agency/add", {"name": "别的名字", "uscc": agency.uscc})
    assert answer.status_code == 422
    assert "不能重复登记" in BeautifulSoup(answer.data, "html.parser").select_one("#h-uscc .ys-why").get_text()


def test_a_masked_value_that_comes_back_means_unchanged(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    masked = page_of(browser, f"/agency/edit/{agency.id}").find("input", {"name": "mobile"})["value"]
    data = {"mobile": masked, "remark": "改了备注", "row_version": version(app, agency)}
    assert browser.post(f"/agency/edit/{agency.id}", data).status_code == 302
    row = kept(app, sa.select(Agency))
    assert (row.mobile, row.remark) == ("13812345678", "改了备注")


def test_a_stale_form_says_who_and_keeps_what_was_typed(app: Flask, agency: Any, sign_in: SignIn) -> None:
    first, second = sign_in(CLERK), sign_in(PRIVACY_CLERK)
    seen = version(app, agency)
    assert second.post(f"/agency/edit/{agency.id}", {"contact": "后来者", "row_version": seen}).status_code == 302
    answer = first.post(f"/agency/edit/{agency.id}", {"contact": "先来者", "row_version": seen})
    assert answer.status_code == 409
    page = BeautifulSoup(answer.data, "html.parser")
    assert "陈经办" in page.select_one(".alert-danger").get_text()
    assert page.find("input", {"name": "contact"})["value"] == "先来者"
    assert "现值：后来者" in page.select_one("#h-contact").get_text()
    assert (
        first.post(f"/agency/edit/{agency.id}", {"contact": "先来者", "row_version": page.find("input", {"name": "row_version"})["value"]}).status_code == 302
    )
    assert kept(app, sa.select(Agency.contact)) == "先来者"


def test_a_form_without_a_version_is_never_saved(app: Flask, agency: Any, sign_in: SignIn) -> None:
    assert sign_in(CLERK).post(f"/agency/edit/{agency.id}", {"contact": "谁"}).status_code == 409
    assert kept(app, sa.select(Agency.contact)) != "谁"


def test_each_role_gets_the_fields_of_its_gates(agency: Any, sign_in: SignIn) -> None:
    def names(person: Persona) -> set[str]:
        return {field["name"] for field in page_of(sign_in(person), f"/agency/edit/{agency.id}").select(".ys-form [name]")} - {"csrf_token", "row_version"}

    assert "name" in names(CLERK)
    assert "publish_state" not in names(CLERK)
    assert {"org_unit", "publish_state"} <= names(SECTION_HEAD)
    assert "name" not in names(SECTION_HEAD)
    assert sign_in(SUPERVISOR).get(f"/agency/edit/{agency.id}").status_code == 403


def test_a_word_that_the_list_does_not_know_may_be_typed_where_the_list_is_open(app: Flask, sign_in: SignIn) -> None:
    data = {"measure_name": "某措施", "review_no": "SC-1", "sectors.shown": "1", "sectors": ["尾矿库", "新行业"]}
    page = page_of(sign_in(CLERK), "/review/add")
    listed = next(each["name"] for each in page.select("select.js-open[multiple]"))
    data = {key.replace("sectors", listed): value for key, value in data.items()}
    for label in page.select("label:has(.ys-star)"):
        data.setdefault(label["for"].removeprefix("f-"), "样例")
    answer = sign_in(CLERK).post("/review/add", data)
    assert answer.status_code == 302, BeautifulSoup(answer.data, "html.parser").get_text()[:800]
    review = registry.find("review")
    assert getattr(kept(app, sa.select(review)), listed) == ["TAIL", "新行业"]


def test_pickers_find_by_a_part_and_never_by_what_is_hidden(agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    assert browser.get("/agency/lookup?q=甲检测").json["results"][0]["id"] == agency.id
    assert browser.get("/agency/lookup?q=13812345678").json["results"] == []
    assert len(browser.get("/region/lookup?q=").json["results"]) == 20
    assert browser.get("/agency/words/kind?q=检测").json["results"] == [{"id": "检测检验", "text": "检测检验"}]
    assert browser.get("/agency/words/name").status_code == 404


# children -----------------------------------------------------------------------------------------


def test_children_are_added_changed_and_voided_on_the_page(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    base = f"/agency/{agency.id}/qualifications"
    assert (
        browser.post(f"{base}/add", {"cert_type": "安全生产检测检验机构资质证书", "cert_no": "冀-1", "valid_to": "2026-01-01至2028-12-31"}).status_code == 302
    )
    child = kept(app, sa.select(Qualification))
    assert (child.parent_id, str(child.valid_to), str(child.issued_on)) == (agency.id, "2028-12-31", "2026-01-01")
    assert browser.post(f"{base}/{child.id}/edit", {"cert_no": "冀-2", "row_version": child.row_version}).status_code == 302
    assert "冀-2" in page_of(browser, f"/agency/show/{agency.id}").select_one("#qualifications").get_text()
    assert browser.post(f"{base}/{child.id}/void", {"reason": "注销"}, token_from=f"/agency/show/{agency.id}").status_code == 302
    assert "冀-2" not in page_of(browser, f"/agency/show/{agency.id}").select_one("#qualifications").get_text()


def test_a_child_answers_only_under_its_own_parent(agency: Any, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    other = samples.make(session, Agency, 12, office_id(session, OWN))
    child = samples.make(session, Qualification, 13, parent=session.get(Agency, agency.id))
    browser = sign_in(CLERK)
    assert browser.get(f"/agency/{agency.id}/qualifications/{child.id}/edit").status_code == 200
    assert browser.get(f"/agency/{other.id}/qualifications/{child.id}/edit").status_code == 404
    assert browser.get(f"/agency/{agency.id}/nothing/add").status_code == 404


# many at once -------------------------------------------------------------------------------------


def test_the_export_holds_what_the_list_shows(agency: Any, session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    second = samples.make(session, Agency, 31, office_id(session, OWN))
    browser = sign_in(CLERK)
    for query, expected in (("q=甲检测", {agency.name}), (f"ids={second.id}", {second.name}), ("", {agency.name, second.name})):
        answer = browser.get(f"/agency/export.xlsx?{query}")
        assert "filename*=UTF-8''%E4%B8%AD" in answer.headers["Content-Disposition"]
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
        assert {row[0] for row in sheet.iter_rows(min_row=2, values_only=True)} == expected
    assert browser.get("/agency/export.pdf").status_code == 404
    assert browser.get("/agency/export.csv?ids=1;drop").status_code == 400


# frame --------------------------------------------------------------------------------------------


def test_the_home_page_shows_what_one_may_do(agency: Any, sign_in: SignIn) -> None:
    page = page_of(sign_in(CLERK), "/")
    assert "王经办" in page.h1.get_text()
    card = page.find("a", href="/agency/list/", class_="ys-register")
    assert "1 条" in card.get_text()
    assert page.find("a", href="/agency/import")
    assert not page_of(sign_in(LEGAL), "/").find("a", href="/agency/import")
    assert page_of(sign_in(VISITOR), "/").find("a", href=re.compile("/login/"))


def test_every_post_needs_its_token(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    posts = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and not rule.rule.startswith(("/api/", "/login"))]
    assert len(posts) > 50
    for rule in posts:
        path = re.sub(r"<[^>]*kind>", "qualifications", rule.rule)
        path = re.sub(r"<[^>]+>", "1", path)
        answer = browser.client.post(path)
        assert answer.status_code == 400, (path, answer.status_code)
        assert "页面已过期" in answer.data.decode(), path


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/agency/show/999", 404), ("/agency/void/1", 405), ("/agency/list/?f.kind=没有", 400), ("/users/list/", 403)]
)
def test_errors_are_pages_in_the_frame(sign_in: SignIn, path: str, status: int) -> None:
    page = page_of(sign_in(CLERK), path, status)
    assert page.select_one(".ys-error h1").get_text(strip=True)
    assert page.select_one("aside.navbar")
    assert not re.search(r"[A-Za-z]{4,}", page.select_one("main").get_text()), "plain Chinese"


def test_programs_get_errors_as_json(sign_in: SignIn) -> None:
    answer = sign_in(CLERK).get("/api/v1/nothing/")
    assert answer.status_code == 404
    assert answer.json["message"]


def test_too_much_is_refused_with_the_limit(app: Flask, agency: Any, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 2000)
    answer = send_file(browser, agency, "大.txt", b"x" * 5000)
    assert answer.status_code == 413
    assert f"{app.config['UPLOAD_MEGABYTES']} MB" in answer.data.decode()


def test_a_database_that_does_not_answer_is_said(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)

    def gone(*_arguments: Any, **_named: Any) -> Any:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("views.listing.ListPage.__init__", gone)
    answer = browser.get("/agency/list/")
    assert answer.status_code == 503
    assert "数据库暂时连不上" in answer.data.decode()
    assert "SELECT" not in answer.data.decode()


def test_no_page_asks_for_anything_outside(agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    for path in ("/", "/agency/list/", f"/agency/show/{agency.id}", "/agency/add", "/agency/import", "/login/"):
        page = BeautifulSoup(browser.get(path).data, "html.parser")
        sources = [each.get("src") or each.get("href") for each in page.find_all(["script", "link", "img"])]
        assert all(source is None or source.startswith("/") for source in sources), path
        assert all(script.get("src") for script in page.find_all("script")), f"{path}: an inline script"


def test_inputs_have_labels(agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    for path in ("/agency/list/", f"/agency/show/{agency.id}", f"/agency/edit/{agency.id}", "/review/add", "/agency/import", "/login/"):
        page = BeautifulSoup(browser.get(path).data, "html.parser")
        named = {label.get("for") for label in page.find_all("label")}
        for control in page.find_all(["input", "select", "textarea"]):
            if control.get("type") in {"hidden", "submit"} or control.find_parent("label"):
                continue
            assert control.get("aria-label") or control.get("id") in named, (path, str(control)[:200])
        assert all(head.get("scope") == "col" for head in page.find_all("th")), path
