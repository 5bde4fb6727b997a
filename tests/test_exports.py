"""What leaves comes back as "no change": scope, masks, identifiers as text, nothing that runs as a formula."""

from __future__ import annotations

import io
import json
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.roles import Role
from app.scopes import Actor, NotPermitted
from imports import export, template
from imports.run import run
from imports.workbook import Refused
from tests.samples import credit_code
from tests.test_plan import HEAD, SessionFor, clerk, register, sample, session, session_for, sheet

__all__ = ["session", "session_for"]

KEYS = [entry.register.__key__ for entry in registry.entries()]
SAMPLES = {"agency": "中介机构名录.xlsx", "policy": "涉企政策台账.xlsx", "expert": "专家库名单.csv", "review": "公平竞争审查台账.xlsx"}


def written(session: Session, key: str, kind: str, **wishes: Any) -> bytes:
    out = io.BytesIO()
    if kind == "filled":
        template.write(session, register(key), out, filled=True)
    else:
        {"xlsx": export.to_xlsx, "csv": export.to_csv, "json": export.to_json}[kind](session, register(key), out, **wishes)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["xlsx", "csv", "filled"])
@pytest.mark.parametrize("key", KEYS)
def test_an_export_comes_back_as_no_change(session: Session, key: str, kind: str) -> None:
    if key in SAMPLES:
        run(session, register(key), sample(SAMPLES[key]), "样本")
    live = session.connection().scalar(sa.select(sa.func.count()).select_from(register(key).__table__))
    _, report = run(session, register(key), written(session, key, kind), "回")
    assert report["wrong"] == []
    assert (report["counts"]["same"], report["counts"]["written"]) == (live, 0)
    assert all(numbers["new"] == numbers["changed"] == 0 for numbers in report["counts"]["children"].values())


@pytest.mark.parametrize("kind", ["xlsx", "csv", "filled"])
def test_text_that_looks_like_a_formula_stays_text(session: Session, kind: str) -> None:
    names = ["=1+1", "'=2", "+3", "-4", "@sum", "'普通", "http://a.example/x"]
    run(
        session,
        register("agency"),
        sheet(
            ["机构名称", "统一社会信用代码", "备注"], *([f"甲{n}", credit_code(n), "'" + name if name[0] in "'=+-@" else name] for n, name in enumerate(names))
        ),
        "一",
    )
    agency = register("agency").__table__
    kept = list(session.connection().scalars(sa.select(agency.c.remark).order_by(agency.c.id)))
    data = written(session, "agency", kind)
    if kind != "csv":
        book = openpyxl.load_workbook(io.BytesIO(data))
        assert all(cell.data_type != "f" for row in book.worksheets[0] for cell in row)
    else:
        assert b",=" not in data
    _, report = run(session, register("agency"), data, "回")
    assert report["counts"]["same"] == len(names), (kept, report["wrong"])


def test_identifiers_leave_as_text(session: Session) -> None:
    run(session, register("expert"), sample(SAMPLES["expert"]), "样本")
    sheet_ = openpyxl.load_workbook(io.BytesIO(written(session, "expert", "xlsx"))).worksheets[0]
    place = [cell.value for cell in sheet_[1]].index("身份证号")
    assert isinstance(sheet_[2][place].value, str)
    assert sheet_[2][place].number_format == "@"


def test_only_rows_in_scope_leave_and_masked(session: Session, session_for: SessionFor) -> None:
    mine = session_for(clerk(session))
    head = ["机构名称", "统一社会信用代码", "联系人手机"]
    run(mine, register("agency"), sheet(head, ["甲", credit_code(1), "13900001234"]), "一")
    run(session, register("agency"), sheet(head, ["乙", credit_code(2), "13900005678"]), "二")
    [item] = json.loads(written(mine, "agency", "json"))
    assert (item["name"], item["mobile"]) == ("甲", "139****1234")
    for kind in ("xlsx", "csv", "filled"):
        data = written(mine, "agency", kind)
        _, report = run(mine, register("agency"), data, "回")
        assert (report["counts"]["rows"], report["counts"]["same"]) == (1, 1), report["wrong"]
    assert session.connection().scalar(sa.select(register("agency").__table__.c.mobile).limit(1)) == "13900001234"


def test_who_may_not_export(session_for: SessionFor) -> None:
    with pytest.raises(NotPermitted):
        written(session_for(Actor("", frozenset({Role.PUBLIC}))), "agency", "csv")


def test_filters(session: Session, session_for: SessionFor) -> None:
    run(session, register("agency"), sample(SAMPLES["agency"]), "样本")
    tests = export.conditions(session, register("agency"), ["kind=检测检验"])
    assert len(json.loads(written(session, "agency", "json", where=tests))) == 4
    with pytest.raises(Refused):
        export.conditions(session, register("agency"), ["nothing=1"])
    with pytest.raises(NotPermitted):
        export.conditions(session_for(clerk(session)), register("agency"), ["mobile=19900000799"])


def test_json_carries_values_as_stored(session: Session) -> None:
    run(session, register("agency"), sample(SAMPLES["agency"]), "样本")
    first = json.loads(written(session, "agency", "json"))[0]
    assert first["fixed_assets"] == "810"
    assert first["qualifications"][0]["valid_to"] == "2028-04-15"
    assert first["qualifications"][0]["scopes"] == ["金属、非金属矿及其他矿采选业", "陆上油气管道运输业"] or len(first["qualifications"][0]["scopes"]) == 2


def test_voided_rows_stay(session: Session) -> None:
    run(session, register("agency"), sheet(HEAD, ["甲", credit_code(1), "", "", "", ""]), "一")
    session.connection().execute(sa.update(register("agency").__table__).values(voided_at=sa.func.current_timestamp()))
    assert json.loads(written(session, "agency", "json")) == []


@pytest.mark.parametrize("key", KEYS)
def test_the_empty_template_is_understood(session: Session, key: str) -> None:
    out = io.BytesIO()
    template.write(session, register(key), out)
    _, report = run(session, register(key), out.getvalue(), "模板")
    assert report["counts"]["rows"] == 0
    assert {"row": 2, "reason": "example"} in report["left_out"]
    assert [heading for heading, field in report["columns"].items() if field is None] == ["序号"]


def test_the_template_guides(session: Session) -> None:
    out = io.BytesIO()
    template.write(session, register("agency"), out)
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["中介机构", "选项", "填表说明"]
    assert book["选项"].sheet_state == "hidden"
    ranges = [str(rule.sqref) for rule in book.worksheets[0].data_validations.dataValidation]
    assert ranges
    assert all(each.endswith("1048576") for each in ranges)
    sheet_ = book.worksheets[0]
    heads = {cell.value: cell for cell in sheet_[1]}
    assert "机构名称*" in heads
    letter = heads["统一社会信用代码*"].column_letter
    assert sheet_.column_dimensions[letter].number_format == "@", "the whole column, rows that nobody has written yet too"
    assert "25 人" in heads["专职安全评价师人数"].comment.text
    assert sheet_.freeze_panes == "A2"
    assert not sheet_.protection.sheet, "nothing hinders pasting"
    assert book["填表说明"].cell(book["填表说明"].max_row, 1).value.startswith("模板版本 agency/")
