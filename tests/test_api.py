"""REST: the same guard, masks and sentences as the pages, and never a 5xx whatever is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import prison
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import registry
from app.database import db
from app.register import PublishState, children, fields
from app.scopes import SYSTEM, act_as
from models.agency import Agency
from tests.people import CLERK, EXPERT_ADMIN, LEGAL, OTHER_CLERK, PASSWORD, PRIVACY_CLERK, SECTION_HEAD, SUPERVISOR, VISITOR, Persona
from tests.samples import credit_code, resident_id
from views.api import RegisterApi
from views.api_body import write

AGENCIES = "/api/v1/agency/"
EXPERTS = "/api/v1/expert/"


class Caller:
    """A program that signs in for a token, or a visitor without one."""

    def __init__(self, app: Flask, person: Persona) -> None:
        self.client = app.test_client()
        self.headers: dict[str, str] = {}
        if person.username:
            login = {"username": person.username, "password": PASSWORD, "provider": "db"}
            answer = self.client.post("/api/v1/security/login", json=login)
            self.headers = {"Authorization": f"Bearer {answer.json['access_token']}"}

    def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        headers = self.headers | kwargs.pop("headers", {})
        extra = {"json": body} if body is not None else {}
        return self.client.open(path, method=method, headers=headers, **extra, **kwargs)

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query_string=query or None)

    def ask(self, path: str = AGENCIES, **q: Any) -> Any:
        return self.get(path, q=prison.dumps(q))


Enter = Callable[[Persona], Caller]


@pytest.fixture
def enter(app: Flask) -> Enter:
    return lambda person: Caller(app, person)


def agency(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": f"承德安评{number}号有限公司", "uscc": credit_code(number), "kind": ["安全评价"], **more}


def added(caller: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = caller.call("POST", path, body)
    assert answer.status_code == 201, answer.json
    return answer.json["result"]  # type: ignore[no-any-return]


def publish(app: Flask, record_id: int) -> None:
    with app.app_context():
        act_as(db.session(), SYSTEM)
        row = db.session.get(Agency, record_id)
        assert row is not None
        row.publish_state = PublishState.PUBLISHED.value
        db.session.commit()


# a record's life -----------------------------------------------------------------------------------


def test_round_trip(enter: Enter) -> None:
    clerk = enter(CLERK)
    body = agency(region="围场满族蒙古族自治县", full_time_evaluators=25, fixed_assets="800万元", mobile="13812345678")
    body["qualifications"] = [{"cert_no": "APJ-(冀)-001", "valid_to": "2028年3月15日"}, {"cert_no": "APJ-(冀)-002", "valid_to": "长期"}]
    made = added(clerk, AGENCIES, body)
    assert made["source"] == "api" and made["created_by"] == CLERK.username and made["row_version"] == 1
    assert made["region_label"].endswith("围场满族蒙古族自治县") and isinstance(made["region"], int)
    assert made["fixed_assets"] == "800" and made["full_time_evaluators"] == 25
    assert [each["valid_to"] for each in made["qualifications"]] == ["2028-03-15", "9999-12-31"]

    path = f"{AGENCIES}{made['id']}"
    read = clerk.get(path).json["result"]
    assert read == made
    same = clerk.call("PUT", path, read)
    assert same.status_code == 200 and same.json["result"] == read, "what was read may be sent back"

    changed = clerk.call("PUT", path, {"name": "承德安评有限公司"}).json["result"]
    assert (changed["name"], changed["uscc"], changed["row_version"]) == ("承德安评有限公司", made["uscc"], 2)

    assert clerk.call("DELETE", path).status_code == 422
    assert clerk.call("DELETE", path, {"reason": "重复登记"}).status_code == 200
    gone = clerk.get(path).json["result"]
    assert gone["void_reason"] == "重复登记" and gone["voided_at"]
    assert clerk.call("PUT", path, {"name": "又改"}).status_code == 409
    assert clerk.get(AGENCIES).json["count"] == 0
    assert clerk.ask(voided=True).json["ids"] == [made["id"]]
    added(clerk, AGENCIES, agency())  # its key is free again


def test_children_by_their_own_address(enter: Enter) -> None:
    clerk = enter(CLERK)
    base = f"{AGENCIES}{added(clerk, AGENCIES, agency())['id']}/qualifications/"
    made = added(clerk, base, {"cert_no": "APJ-(冀)-001", "cert_type": "安全评价机构资质证书"})
    assert clerk.call("POST", base, {"cert_no": "APJ-(冀)-001"}).status_code == 422
    changed = clerk.call("PUT", f"{base}{made['id']}", {"valid_to": "2027-01", "row_version": 1})
    assert changed.json["result"]["valid_to"] == "2027-01-31" and changed.json["doubts"]["valid_to"]
    assert clerk.call("PUT", f"{base}{made['id']}", {"valid_to": "2027-01-01", "row_version": 1}).status_code == 409
    assert clerk.call("DELETE", f"{base}{made['id']}?reason=证书已注销").status_code == 200
    assert clerk.get(base.removesuffix("qualifications/")[:-1]).json["result"]["qualifications"] == []
    assert clerk.call("POST", base.replace("qualifications", "nothing"), {}).status_code == 404
    assert clerk.call("PUT", f"{base}99", {}).status_code == 404


def test_a_child_of_another_record_is_not_found(enter: Enter) -> None:
    clerk = enter(CLERK)
    first, second = added(clerk, AGENCIES, agency(1, qualifications=[{"cert_no": "A1"}])), added(clerk, AGENCIES, agency(2))
    child = first["qualifications"][0]["id"]
    assert clerk.call("PUT", f"{AGENCIES}{second['id']}/qualifications/{child}", {"cert_no": "A2"}).status_code == 404
    assert clerk.call("DELETE", f"{AGENCIES}{second['id']}/qualifications/{child}?reason=x").status_code == 404


def test_all_errors_at_once_and_nothing_kept(enter: Enter) -> None:
    clerk = enter(CLERK)
    body = agency(uscc="123", colour="红", qualifications=[{"cert_no": "A1"}, {"cert_no": "A2", "valid_to": "明天"}, {"wrong": 1}])
    answer = clerk.call("POST", AGENCIES, body)
    assert answer.status_code == 422
    assert {"uscc", "colour", "qualifications[1].valid_to", "qualifications[2].wrong"} <= answer.json["errors"].keys()
    assert "18 位" in answer.json["errors"]["uscc"][0]
    twice = agency(qualifications=[{"cert_no": "A1"}, {"cert_no": "A1"}])
    assert "qualifications[1].cert_no" in clerk.call("POST", AGENCIES, twice).json["errors"]
    assert clerk.call("POST", AGENCIES, agency(qualifications="无")).json["errors"].keys() == {"qualifications"}
    assert clerk.get(AGENCIES).json["count"] == 0


def test_a_repeated_key_is_refused(enter: Enter) -> None:
    added(enter(CLERK), AGENCIES, agency())
    answer = enter(OTHER_CLERK).call("POST", AGENCIES, agency())
    assert answer.status_code == 422 and "uscc" in answer.json["errors"]


def test_the_database_has_the_last_word_on_keys(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = enter(CLERK)
    added(clerk, AGENCIES, agency())
    monkeypatch.setattr("app.records._taken", lambda *_: None)  # as if another had been faster
    answer = clerk.call("POST", AGENCIES, agency())
    assert answer.status_code == 409 and "已有" in answer.json["message"]


def test_a_stale_copy_does_not_overwrite(enter: Enter) -> None:
    clerk = enter(CLERK)
    path = f"{AGENCIES}{added(clerk, AGENCIES, agency())['id']}"
    assert clerk.call("PUT", path, {"name": "甲", "row_version": 1}).status_code == 200
    stale = clerk.call("PUT", path, {"name": "乙", "row_version": 1})
    assert stale.status_code == 409 and "已被别人修改" in stale.json["message"]
    assert clerk.call("PUT", path, {"name": "乙"}, headers={"If-Match": '"1"'}).status_code == 412
    assert clerk.call("PUT", path, {"name": "乙"}, headers={"If-Match": '"2"'}).status_code == 200
    assert clerk.call("PUT", path, {"name": "丙"}, headers={"If-Match": "*?"}).status_code == 422
    assert clerk.call("PUT", path, {"name": "丙", "row_version": "3"}).status_code == 422


def test_the_second_writer_learns_who_changed_what(enter: Enter) -> None:
    keeper, clerk = enter(EXPERT_ADMIN), enter(CLERK)
    expert = {"name": "张专家", "id_no": resident_id(7), "phone": "13800000007", "unit": "县应急局"}
    made = added(keeper, EXPERTS, expert)
    path = f"{EXPERTS}{made['id']}"
    tag = keeper.get(path).headers["ETag"]
    assert tag == '"1"'
    assert keeper.call("PUT", path, {"phone": "13900001111", "unit": "县医院"}, headers={"If-Match": tag}).status_code == 200
    late = keeper.call("PUT", path, {"unit": "中学"}, headers={"If-Match": tag})
    assert late.status_code == 412
    conflict = late.json["conflict"]
    assert (conflict["row_version"], conflict["changed_by"]) == (2, EXPERT_ADMIN.name)
    assert conflict["fields"]["unit"] == {"before": made["unit"], "now": "县医院"}
    assert "13900001111" not in late.text and conflict["fields"]["phone"]["now"].startswith("139****")
    assert set(conflict["fields"]) == {"unit", "phone"}
    assert "ETag" not in enter(VISITOR).get(path).headers and clerk.get(path).status_code == 404


def test_a_hundred_writers_with_one_version_make_one_change(enter: Enter, app: Flask) -> None:
    clerk = enter(CLERK)
    path = f"{AGENCIES}{added(clerk, AGENCIES, agency())['id']}"

    def write_at_once(number: int) -> tuple[int, str]:
        name = f"改名{number}有限公司"
        answer = app.test_client().put(path, json={"name": name}, headers=clerk.headers | {"If-Match": '"1"'})
        return answer.status_code, name

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write_at_once, range(100)))
    assert {status for status, _name in answers} <= {200, 409, 412}
    (winner,) = (name for status, name in answers if status == 200)
    result = clerk.get(path).json["result"]
    assert (result["name"], result["row_version"]) == (winner, 2)


def test_whoever_is_slower_is_told(enter: Enter, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = enter(CLERK)
    path = f"{AGENCIES}{added(clerk, AGENCIES, agency())['id']}"

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        with db.engine.begin() as other:
            other.execute(sa.update(Agency.__table__).values(row_version=5, name="别人改的"))
        return write(*args, **kwargs)

    monkeypatch.setattr("views.api.write", overtaken)
    answer = clerk.call("PUT", path, {"name": "乙"})
    assert answer.status_code == 409 and answer.json["message"]
    assert clerk.get(path).json["result"]["name"] == "别人改的"


def test_what_may_only_be_read_is_not_written(enter: Enter) -> None:
    clerk = enter(CLERK)
    path = f"{AGENCIES}{added(clerk, AGENCIES, agency())['id']}"
    for key, value in {"id": 7, "created_by": "x", "region_label": "北京", "qualifications": [{"cert_no": "A"}]}.items():
        answer = clerk.call("PUT", path, {key: value})
        assert answer.status_code == 422 and key in answer.json["errors"], key
    assert clerk.call("POST", AGENCIES, agency(2, id=7)).status_code == 422


# who may -------------------------------------------------------------------------------------------


def test_foreign_rows_are_not_there(enter: Enter, app: Flask) -> None:
    path = f"{AGENCIES}{added(enter(CLERK), AGENCIES, agency())['id']}"
    other = enter(OTHER_CLERK)
    for method in ("GET", "PUT", "DELETE"):
        assert other.call(method, path, {} if method != "GET" else None).status_code == 404
    assert other.call("POST", f"{path}/qualifications/", {"cert_no": "A"}).status_code == 404
    assert other.get(AGENCIES).json == {"count": 0, "ids": [], "result": []}
    publish(app, 1)
    assert other.get(path).status_code == 200
    for method, tail in (("PUT", ""), ("DELETE", "?reason=x"), ("POST", "/qualifications/")):
        answer = other.call(method, path + tail, {"wrong": 1})
        assert answer.status_code == 403 and "股室" in answer.json["message"]


def test_visitors_read_what_is_published(enter: Enter, app: Flask) -> None:
    clerk, visitor = enter(CLERK), enter(VISITOR)
    first = added(clerk, AGENCIES, agency(1, mobile="13812345678", qualifications=[{"cert_no": "A1"}]))
    added(clerk, AGENCIES, agency(2))
    assert visitor.get(AGENCIES).json["count"] == 0
    publish(app, first["id"])
    assert visitor.get(AGENCIES).json["ids"] == [first["id"]]
    shown = visitor.get(f"{AGENCIES}{first['id']}").json["result"]
    public = {"id", *(declared.key for declared in fields(Agency) if declared.public)}
    assert shown.keys() == public | {child.__key__ for child in children(Agency) if any(each.public for each in fields(child))}
    assert "mobile" not in shown and "created_by" not in shown
    assert {each["key"] for each in visitor.get(f"{AGENCIES}_info").json["fields"]} == public - {"id"}
    assert visitor.ask(filters=[{"col": "uscc", "opr": "eq", "value": first["uscc"]}]).status_code == 400
    assert visitor.ask(order_column="uscc").status_code == 400
    assert visitor.ask(columns=["mobile"]).status_code == 400
    for method in ("POST", "PUT", "DELETE"):
        path = AGENCIES if method == "POST" else f"{AGENCIES}{first['id']}"
        answer = visitor.call(method, path, agency(3))
        assert answer.status_code == 401 and "登录" in answer.json["message"]
    assert visitor.get("/api/v1/org_unit/").status_code == 401


def test_readers_are_refused_before_their_values_are_looked_at(enter: Enter) -> None:
    path = f"{AGENCIES}{added(enter(CLERK), AGENCIES, agency())['id']}"
    supervisor = enter(SUPERVISOR)
    assert supervisor.get(path).status_code == 200
    for method, where in (("PUT", path), ("DELETE", path), ("POST", AGENCIES), ("POST", f"{path}/qualifications/")):
        answer = supervisor.call(method, where, {"uscc": "wrong"})
        assert answer.status_code == 403 and answer.json["message"], (method, where)
        assert supervisor.call(method, where, data="{", content_type="application/json").status_code == 403


def test_supervisors_add_supervision_entries(enter: Enter) -> None:
    review = added(enter(CLERK), "/api/v1/review/", {"review_no": "审〔2026〕1号", "document": "关于招商的若干措施"})
    base = f"/api/v1/review/{review['id']}/supervisions/"
    described = next(each for each in enter(SUPERVISOR).get("/api/v1/review/_info").json["children"] if each["key"] == "supervisions")
    origin = next(each for each in described["fields"] if each["key"] == "origin")["options"][0]["value"]
    entry = {"received_on": "2026-03-01", "origin": origin, "problem": "设置本地注册条件"}
    assert enter(CLERK).call("POST", base, entry).status_code == 403
    assert enter(SUPERVISOR).call("POST", base, entry).status_code == 201


def test_each_role_writes_its_own_fields(enter: Enter) -> None:
    path = f"{AGENCIES}{added(enter(CLERK), AGENCIES, agency())['id']}"
    closed = enter(CLERK).call("PUT", path, {"publish_state": "published", "name": "改名"})
    assert closed.status_code == 422 and closed.json["errors"].keys() == {"publish_state"}
    head = enter(SECTION_HEAD).call("PUT", path, {"publish_state": "published"})
    assert head.status_code == 200 and head.json["result"]["publish_state"] == "published"
    assert enter(CLERK).call("PUT", path, {"name": "改名"}).status_code == 403
    assert enter(LEGAL).call("PUT", path, {"name": "改名"}).status_code == 403


def test_masks(enter: Enter) -> None:
    clerk, privacy = enter(CLERK), enter(PRIVACY_CLERK)
    path = f"{AGENCIES}{added(privacy, AGENCIES, agency(mobile='13812345678'))['id']}"
    masked = clerk.get(path).json["result"]["mobile"]
    assert "*" in masked and "13812345678" not in clerk.get(path).text
    assert privacy.get(path).json["result"]["mobile"] == masked, "the role alone shows nothing"
    assert clerk.get(AGENCIES).json["result"][0]["mobile"] == masked
    assert clerk.call("PUT", path, {"mobile": masked, "name": "改名"}).status_code == 200
    assert privacy.call("POST", f"{path}/reveal", {"purpose": "contact"}).json["result"] == {"mobile": "13812345678"}
    clerk.call("PUT", path, {"mobile": "13900000000"})
    assert privacy.call("POST", f"{path}/reveal", {"purpose": "contact"}).json["result"] == {"mobile": "13900000000"}
    assert clerk.ask(filters=[{"col": "mobile", "opr": "eq", "value": "13900000000"}]).status_code == 400
    assert clerk.ask(order_column="mobile").status_code == 400
    assert clerk.get(AGENCIES, search="13900000000").json["count"] == 0


# session and token ---------------------------------------------------------------------------------


def test_a_session_needs_a_csrf_token(sign_in: Any) -> None:
    browser = sign_in(CLERK)
    token = _token(browser)
    refused = browser.client.post(AGENCIES, json=agency())
    assert refused.status_code == 400 and "CSRF" in refused.json["message"]
    assert browser.client.post(AGENCIES, json=agency(), headers={"X-CSRFToken": "wrong"}).status_code == 400
    made = browser.client.post(AGENCIES, json=agency(), headers={"X-CSRFToken": token})
    assert made.status_code == 201
    path = f"{AGENCIES}{made.json['id']}"
    assert browser.client.put(path, json={"name": "改名"}).status_code == 400
    assert browser.client.delete(f"{path}?reason=x").status_code == 400
    assert browser.get(path).status_code == 200


def _token(browser: Any) -> str:
    """The token of the session, as a page carries it."""
    return str(browser.token("/users/userinfo/"))


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "bearer x.y.z", "Bearer x, Bearer y", "Bearer ,", "Bearer é.é.é"])
def test_a_bad_token_is_not_saved_by_a_session(sign_in: Any, header: str) -> None:
    browser = sign_in(CLERK)
    for method, path in (("GET", AGENCIES), ("POST", AGENCIES), ("GET", "/api/v1/org_unit/")):
        answer = browser.client.open(path, method=method, json=agency() if method == "POST" else None, headers={"Authorization": header})
        assert answer.status_code == 401 and "令牌" in answer.json["message"]


def test_the_token_acts_and_the_session_does_not(sign_in: Any, enter: Enter) -> None:
    browser, token = sign_in(CLERK), enter(SUPERVISOR).headers
    assert browser.client.post(AGENCIES, json=agency(), headers=token).status_code == 403
    made = sign_in(SUPERVISOR).client.post(AGENCIES, json=agency(), headers=enter(CLERK).headers)
    assert made.status_code == 201 and made.json["result"]["created_by"] == CLERK.username


# lists ---------------------------------------------------------------------------------------------


@pytest.fixture
def three(enter: Enter) -> Caller:
    clerk = enter(CLERK)
    added(clerk, AGENCIES, agency(1, full_time_evaluators=10, verified_on="2026-01-01"))
    added(clerk, AGENCIES, agency(2, full_time_evaluators=20, kind=["检测检验"], region="围场满族蒙古族自治县"))
    added(clerk, AGENCIES, agency(3, full_time_evaluators=30, kind=["安全评价", "检测检验"], website="https://example.com"))
    return clerk


@pytest.mark.parametrize(
    ("column", "operator", "value", "expected"),
    [
        ("name", "ct", "2号", [2]),
        ("name", "eq", "承德安评3号有限公司", [3]),
        ("name", "in", ["承德安评3号有限公司", "承德安评1号有限公司"], [3, 1]),
        ("kind", "eq", "安评", [3, 1]),
        ("full_time_evaluators", "gt", 20, [3]),
        ("full_time_evaluators", "ge", 20, [3, 2]),
        ("full_time_evaluators", "lt", 20, [1]),
        ("full_time_evaluators", "le", "20", [2, 1]),
        ("verified_on", "gt", "2025-12-31", [1]),
        ("website", "empty", True, [2, 1]),
        ("website", "empty", False, [3]),
        ("region", "eq", None, [3, 1]),
        ("region", "eq", "围场满族蒙古族自治县", [2]),
    ],
)
def test_filters(three: Caller, column: str, operator: str, value: Any, expected: list[int]) -> None:
    wanted = {"filters": [{"col": column, "opr": operator, "value": value}]}
    assert three.ask(**wanted).json["ids"] == expected
    assert three.get(AGENCIES, q=json.dumps(wanted)).json["ids"] == expected, "JSON means the same"


def test_a_link_is_filtered_by_id(three: Caller) -> None:
    region = three.get(f"{AGENCIES}2").json["result"]["region"]
    assert three.ask(filters=[{"col": "region", "opr": "rel_o_m", "value": region}]).json["ids"] == [2]


def test_filters_hold_together(three: Caller) -> None:
    both = [{"col": "name", "opr": "ct", "value": "承德"}, {"col": "name", "opr": "ct", "value": "2号"}]
    assert three.ask(filters=both).json["ids"] == [2]
    assert three.get(AGENCIES + "?f.kind=检测检验&f.full_time_evaluators.over=20").json["ids"] == [3]
    assert three.get(AGENCIES, search="1号").json["ids"] == [1]
    assert three.ask(search="1号").json["ids"] == [1]


def test_order_pages_columns(three: Caller) -> None:
    assert three.ask(order_column="name").json["ids"] == [1, 2, 3]
    assert three.get(AGENCIES, sort="-name").json["ids"] == [3, 2, 1]
    second = three.ask(order_column="name", order_direction="asc", page=1, page_size=2, columns=["name", "region_label"])
    assert second.json == {"count": 3, "ids": [3], "result": [{"name": "承德安评3号有限公司", "region_label": None}]}
    assert three.ask(page=7).json["ids"] == []


@pytest.mark.parametrize(
    "q",
    [
        "(", "!(", "'", "!", "(a:", "1", "!(1,2)", "{", "{]", "[1]", "(page:-1)", "(page:x)", "(page_size:101)", "(page_size:-1)", "(page_size:!t)",
        "(page:9999999999999999999)", "(order_column:nothing)", "(order_column:(a:b))", "(order_column:name,order_direction:up)", "(wrong:1)",
        "(filters:1)", "(filters:!(1))", "(filters:!((col:name)))", "(filters:!((col:nothing,opr:eq,value:1)))", "(filters:!((col:name,opr:near,value:1)))",
        "(filters:!((col:name,opr:(a:b),value:1)))", "(filters:!((col:name,opr:eq,value:(a:b))))", "(filters:!((col:region,opr:ct,value:a)))",
        "(filters:!((col:kind,opr:ct,value:a)))", "(filters:!((col:name,opr:gt,value:a)))", "(filters:!((col:verified_on,opr:gt,value:nonsense)))",
        "(filters:!((col:full_time_evaluators,opr:gt,value:99999999999999999999)))", "(columns:name)", "(columns:!(nothing))", "(columns:!(1))",
        "(search:(a:b))", "(" * 5000, "(a:" * 3000, '{"a":' * 2000, "x" * 30000,
    ],
)  # fmt: skip
def test_questions_that_make_no_sense(enter: Enter, q: str) -> None:
    answer = enter(CLERK).get(AGENCIES, q=q)
    assert answer.status_code == 400 and answer.json["message"]


@pytest.mark.parametrize("query", ["page=0", "page=x", "size=101", "f.nothing=1", "f.name.near=1", "f.region.like=1", "wrong=1", "sort=mobile"])
def test_arguments_that_make_no_sense(enter: Enter, query: str) -> None:
    assert enter(CLERK).get(f"{AGENCIES}?{query}").status_code == 400


def test_blank_bounds_filter_nothing(three: Caller) -> None:
    assert three.get(AGENCIES + "?f.verified_on.from=/&f.verified_on.to=").json["count"] == 3


# odd input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "1", "null", '"x"', "[" * 100_000, '{"name": ' * 20_000, '{"full_time_evaluators": ' + "9" * 5000 + "}", "\udcff"]
)
def test_bodies_that_make_no_sense(enter: Enter, body: str) -> None:
    clerk = enter(CLERK)
    raw = body.encode("utf-8", "surrogateescape")
    answer = clerk.call("POST", AGENCIES, data=raw, content_type="application/json")
    assert answer.status_code == 400 and answer.json["message"]
    assert clerk.call("POST", AGENCIES, data=raw or b"x", content_type="text/plain").status_code == 400


@pytest.mark.parametrize("pk", ["0", "-1", "x", "99999999999999999999", "2147483648", "١", "1.0", "%00", "1%20"])
def test_odd_numbers_of_records(enter: Enter, pk: str) -> None:
    clerk = enter(CLERK)
    added(clerk, AGENCIES, agency())
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", {"reason": "x"})):
        assert clerk.call(method, f"{AGENCIES}{pk}", body).status_code == 404
    assert clerk.call("POST", f"{AGENCIES}{pk}/qualifications/", {}).status_code == 404


@pytest.mark.parametrize("reason", [None, "", "  ", 5 * "很长的原因" * 200, {"a": 1}, ["x"], True])
def test_odd_reasons(enter: Enter, reason: Any) -> None:
    clerk = enter(CLERK)
    path = f"{AGENCIES}{added(clerk, AGENCIES, agency())['id']}"
    answer = clerk.call("DELETE", path, {"reason": reason})
    assert answer.status_code == 422 or reason is True, answer.json


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**40), 10**40), st.floats(allow_nan=True), st.text(max_size=30),
    st.sampled_from(["\x00", "\ud800", "长期", "2026-02-30", "9999-12-31", "0000-00-00", "1e400", "٣", "-", "长" * 501, "13812345678、0314-7512345"]),
)  # fmt: skip
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5)
KEYS = [declared.key for declared in fields(Agency)] + [child.__key__ for child in children(Agency)] + ["row_version", "id", "x"]


def test_no_value_breaks_the_server(enter: Enter) -> None:
    clerk = enter(PRIVACY_CLERK)
    path = f"{AGENCIES}{added(clerk, AGENCIES, agency(900))['id']}"
    children_of = st.lists(st.dictionaries(st.sampled_from(["cert_no", "valid_to", "scopes", "status", "y"]), values, max_size=3), max_size=2)

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(KEYS), values, max_size=5), children_of)
    def attempt(body: dict[str, Any], nested: list[dict[str, Any]]) -> None:
        answers = [clerk.call("PUT", path, body)]
        answers.append(clerk.call("POST", AGENCIES, agency(901) | body | {"qualifications": nested}))
        answers.append(clerk.call("POST", f"{path}/qualifications/", nested[0] if nested else body))
        for answer in answers:
            assert answer.status_code in {200, 201, 400, 403, 409, 422}, answer.status_code
            assert answer.status_code < 300 or answer.json["message"]
        if answers[1].status_code == 201:
            clerk.call("DELETE", f"{AGENCIES}{answers[1].json['id']}?reason=x")

    attempt()


def test_no_question_breaks_the_server(enter: Enter) -> None:
    clerk = enter(PRIVACY_CLERK)
    added(clerk, AGENCIES, agency())
    operators = st.sampled_from(["eq", "in", "ct", "gt", "lt", "ge", "le", "empty", "rel_o_m", "x"])
    condition = st.fixed_dictionaries({"col": st.sampled_from(KEYS), "opr": operators, "value": values})
    asking = {"filters": st.lists(condition, max_size=2), "order_column": values, "page": values, "columns": values, "search": values}
    shape = st.fixed_dictionaries({}, optional=asking)

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(shape, st.text(alphabet="(!:,')tfn0-9.e{}[]\"é ", max_size=20))
    def attempt(asked: dict[str, Any], text: str) -> None:
        assert clerk.get(AGENCIES, q=json.dumps(asked)).status_code in {200, 400}
        assert clerk.get(AGENCIES, q=text).status_code in {200, 400}
        assert clerk.get(AGENCIES, search=text, sort=text).status_code in {200, 400}

    attempt()


# description ---------------------------------------------------------------------------------------


def test_info(enter: Enter) -> None:
    told = enter(CLERK).get(f"{AGENCIES}_info").json
    assert told["permissions"] == ["can_add", "can_edit", "can_read", "can_void"]
    known = {each["key"]: each for each in told["fields"]}
    assert known.keys() == {declared.key for declared in fields(Agency)}
    assert known["kind"]["options"][0] == {"value": "安全评价", "label": "安全评价"}
    assert known["region"]["register"] == "region" and known["mobile"]["operators"] == []
    assert not known["publish_state"]["writable"] and known["name"]["writable"]
    assert [each["key"] for each in told["children"]] == [child.__key__ for child in children(Agency)]
    assert enter(SUPERVISOR).get(f"{AGENCIES}_info").json["permissions"] == ["can_edit", "can_read"]


def test_openapi_describes_every_register(enter: Enter) -> None:
    spec = enter(CLERK).get("/api/v1/_openapi").json
    for entry in registry.entries():
        key = entry.register.__key__
        assert spec["paths"][f"/api/v1/{key}/"].keys() >= {"get", "post"}
        assert spec["paths"][f"/api/v1/{key}/{{pk}}"].keys() >= {"get", "put", "delete"}
        known = spec["components"]["schemas"][key]["properties"]
        for declared in fields(entry.register):
            assert str(declared.label) in known[declared.key]["description"]
        for child in children(entry.register):
            assert f"/api/v1/{key}/{{pk}}/{child.__key__}/" in spec["paths"]
    text = json.dumps(spec)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in spec["components"]["schemas"], name


def test_permissions_are_those_of_the_role_table(app: Flask) -> None:
    served = {view.class_permission_name: sorted(view.base_permissions) for view in app.appbuilder.baseviews if isinstance(view, RegisterApi)}  # type: ignore[attr-defined]
    assert served == {entry.register.__key__: ["can_add", "can_edit", "can_read", "can_void"] for entry in registry.entries()}
