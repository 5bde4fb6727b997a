"""Templates guide the hand that fills them in: lists that follow other cells, marks of age; masked values come back as they were."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.register import fields
from app.roles import Role
from app.scopes import Actor, NotPermitted
from imports import leaving, template, versions
from imports.refusal import Refused
from imports.run import run
from imports.versions import Version
from models.agency import Agency
from models.expert import Expert
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, OTHER, OWN, Persona
from tests.samples import credit_code
from tests.test_disclosure import entries
from tests.test_exports import SAMPLES, written
from tests.test_matrix import office_id
from tests.test_plan import SessionFor, clerk, register, sample, session, session_for, sheet

__all__ = ["session", "session_for"]

KEYS = [entry.register.__key__ for entry in registry.entries()]


def made(session: Session, key: str, filled: bool = False) -> bytes:
    out = io.BytesIO()
    template.write(session, register(key), out, filled=filled)
    return out.getvalue()


def rules(book: Any) -> dict[str, str]:
    """The formula of each column that has a drop-down, by heading."""
    sheet = book.worksheets[0]
    letters = {cell.column_letter: str(cell.value).rstrip("*") for cell in sheet[1]}
    return {letters[str(rule.sqref).partition("2:")[0]]: rule.formula1 for rule in sheet.data_validations.dataValidation}


def column(book: Any, letter: str) -> list[str]:
    return [cell.value for cell in book["选项"][letter] if cell.value is not None]


# lists that follow other cells ------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_no_rule_is_longer_than_programs_take(session: Session, key: str) -> None:
    for heading, formula in rules(openpyxl.load_workbook(io.BytesIO(made(session, key)))).items():
        assert len(formula) <= 255, heading


def test_the_kind_decides_which_scopes_are_offered(session: Session) -> None:
    book = openpyxl.load_workbook(io.BytesIO(made(session, "agency")))
    sheet = book.worksheets[0]
    kind = next(cell.column_letter for cell in sheet[1] if cell.value == "机构类别")
    formula = rules(book)["业务范围"]
    assert formula.count(f"MATCH(${kind}2,") == 2
    first, last = re.search(r"\$([A-Z]+)\$1:\$([A-Z]+)\$1", formula).groups()  # type: ignore[union-attr]
    lists = {cells[0].value: [cell.value for cell in cells[1:] if cell.value] for cells in book["选项"][f"{first}:{last}"]}
    assert set(lists[None]) == {*lists["安全评价"], *lists["检测检验"]}
    assert "煤炭开采业" in lists["安全评价"]
    assert "煤矿安全检测检验" in lists["检测检验"]
    assert not set(lists["安全评价"]) & set(lists["检测检验"])
    certificates = rules(book)["资质证书类型"]
    assert f"MATCH(${kind}2," in certificates


def test_a_word_of_the_staff_s_own_goes_with_every_kind(session: Session) -> None:
    code = register("code")
    session.add(code(code_list="eval_scope", code="新范围", label="新范围", sort=99, word_state="accepted"))
    session.flush()
    book = openpyxl.load_workbook(io.BytesIO(made(session, "agency")))
    first, last = re.search(r"\$([A-Z]+)\$1:\$([A-Z]+)\$1", rules(book)["业务范围"]).groups()  # type: ignore[union-attr]
    assert all("新范围" in [cell.value for cell in cells] for cells in book["选项"][f"{first}:{last}"])


def test_a_county_offers_its_towns(session: Session) -> None:
    """What begins alike lies together, so that the formula's stretch holds just that."""
    book = openpyxl.load_workbook(io.BytesIO(made(session, "enterprise")))
    formula = rules(book)["所在地"]
    letter = re.search(r"OFFSET\('选项'!\$([A-Z]+)\$1,", formula)[1]  # type: ignore[index]
    places = column(book, letter)
    for begun in ("河北省承德市围场满族蒙古族自治县", "河北省承德市", "河北"):
        found = [place for place, name in enumerate(places) if name.startswith(begun)]
        assert found == list(range(found[0], found[0] + len(found)))
    towns = [name for name in places if name.startswith("河北省承德市围场满族蒙古族自治县")]
    assert len(towns) == 40, "the county itself and what lies in it"


def test_an_empty_cell_offers_the_places_in_use(session: Session) -> None:
    region = register("region").__table__
    town = session.connection().scalar(sa.select(region.c.id).where(region.c.code == "130828101"))
    enterprise = register("enterprise")
    session.add_all([enterprise(name=f"企业{place}", region_id=town) for place in range(2)])
    session.flush()
    formula = rules(openpyxl.load_workbook(io.BytesIO(made(session, "enterprise"))))["所在地"]
    usual = re.match(r'IF\(\$[A-Z]+2="",\'选项\'!\$([A-Z]+)\$1:', formula)
    assert usual is not None
    assert column(openpyxl.load_workbook(io.BytesIO(made(session, "enterprise"))), usual[1]) == ["河北省承德市围场满族蒙古族自治县四合永镇"]


@pytest.mark.parametrize("key", KEYS)
def test_what_narrows_a_list_is_a_field_and_its_words_are_there(key: str) -> None:
    from app import code_lists
    from app.register import children, field_map

    cls = register(key)
    for kind in (cls, *children(cls)):
        for declared in fields(kind):
            if declared.narrowed_by:
                above = field_map(kind).get(declared.narrowed_by) or field_map(cls)[declared.narrowed_by]
                known = {word.code for word in code_lists.find(above.format.code_list).words}  # type: ignore[attr-defined]
                under = {each for word in code_lists.find(declared.format.code_list).words for each in word.under}  # type: ignore[attr-defined]
                assert under
                assert under <= known


# age --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_a_template_knows_what_it_is(session: Session, key: str) -> None:
    data = made(session, key)
    found = versions.read(data)
    assert found == versions.current(register(key))
    assert all(len(text) <= 255 for text in versions.properties_of(data).values())
    assert template.news(session, register(key), found, []) == ""


def test_an_older_template_says_what_is_new(session: Session) -> None:
    now = versions.current(Agency)
    older = Version("agency", "00000000", now.columns - {"website", "qualifications.status", "directory_state"})
    said = template.news(session, Agency, older, {"name", "directory_state"})
    assert str(said) == "模板是旧版：新增了“信息公开网址”、“资质状态”，本次没有填"
    assert template.news(session, Agency, older, {"website", "qualifications.status", "directory_state"}) == "", "filled in all the same"


def test_what_a_role_never_fills_in_is_no_news(session: Session, session_for: SessionFor) -> None:
    mine = session_for(clerk(session))
    older = Version("agency", "00000000", versions.current(Agency).columns - {"directory_state"})
    assert template.news(mine, Agency, older, []) == "", "only who approves sets the state"
    assert "名录状态" in str(template.news(session, Agency, older, []))


def test_another_register_s_template_is_known(session: Session) -> None:
    said = template.news(session, Expert, versions.read(made(session, "agency")), [])
    assert str(said) == "这是“中介机构”的模板，不是“专家”的"


def test_the_mark_survives_an_office(session: Session) -> None:
    """Saved by another program; then by one that throws properties away: 填表说明 still says it."""
    book = openpyxl.load_workbook(io.BytesIO(made(session, "agency")))
    out = io.BytesIO()
    book.save(out)
    assert versions.read(out.getvalue()) == versions.current(Agency)
    guide = list(book["填表说明"].iter_rows(values_only=True))
    bare = openpyxl.Workbook()
    out = io.BytesIO()
    bare.save(out)
    found = versions.read(out.getvalue(), guide)
    assert found == Version("agency", versions.current(Agency).mark)
    assert template.news(session, Agency, found, []) == ""
    assert "模板是旧版" in str(template.news(session, Agency, Version("agency", "1"), []))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", sheet(["机构名称"], ["甲"])])
def test_what_is_no_template_has_no_version(data: bytes) -> None:
    assert versions.read(data) is None


@pytest.mark.parametrize("text", [b"<!DOCTYPE x [<!ENTITY a 'b'>]><Properties/>", b"<Properties", b"<Properties>" + b" " * 1_000_001])
def test_properties_that_mean_harm_are_none(text: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("docProps/custom.xml", text)
    assert versions.properties_of(out.getvalue()) == {}


# filled, and back -------------------------------------------------------------------------------


def test_too_many_rows_are_not_filled_in_by_hand(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    run(session, Agency, sheet(["机构名称", "统一社会信用代码"], *([f"甲{n}", credit_code(n)] for n in range(3))), "一")
    monkeypatch.setattr(template, "MOST_FILLED", 2)
    with pytest.raises(Refused):
        made(session, "agency", filled=True)


def sealed(session: Session, cls: type[Any]) -> list[tuple[Any, ...]]:
    """The sensitive columns as the database holds them."""
    table = cls.__table__
    raw = session.connection().execute(
        sa.select(*(sa.literal_column(each.attr) for each in fields(cls) if each.sensitive)).select_from(table).order_by(table.c.id)
    )
    return [tuple(row) for row in raw]


def admin(session: Session) -> Actor:
    """Who looks after the experts and reads their numbers masked."""
    office = session.connection().scalar(sa.select(register("org_unit").__table__.c.id).where(register("org_unit").__table__.c.name == "综合股"))
    return Actor("feng", frozenset({Role.EXPERT_ADMIN}), office)


def experts(session: Session, session_for: SessionFor) -> Session:
    """The sample's experts, brought in by who looks after them."""
    mine = session_for(admin(session))
    _result, report = run(mine, Expert, sample(SAMPLES["expert"]), "样本")
    assert report["counts"]["new"] > 2
    return mine


def edited(data: bytes, heading: str, value: str, row: int = 2, heading_row: int = 1) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = book.worksheets[0]
    place = [str(cell.value).rstrip("*") for cell in cells[heading_row]].index(heading)
    cells[row][place].value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("key", KEYS)
def test_what_we_number_stands_in_every_export_and_finds_its_record(session: Session, key: str) -> None:
    cls = register(key)
    number, _prefix = cls.__number__
    masked_keys = [parts for parts in cls.__keys__ if any(declared.sensitive for declared in fields(cls) if declared.key in parts)]
    assert bool(masked_keys) <= bool(number), "a register whose key is masked needs a number of ours"
    if number:
        assert number in {column.field.key for column in leaving.headings(session.info["scope"], cls)}
        assert (number,) in cls.__keys__


@pytest.mark.parametrize("kind", ["xlsx", "csv", "filled"])
def test_masked_numbers_find_their_rows_and_stay_byte_for_byte(session: Session, session_for: SessionFor, kind: str) -> None:
    mine = experts(session, session_for)
    before = sealed(mine, Expert)
    data = written(mine, "expert", kind)
    _result, report = run(mine, Expert, data, "回")
    counts = report["counts"]
    assert (counts["same"], counts["new"], counts["changed"], counts["written"], report["wrong"]) == (counts["rows"], 0, 0, 0, [])
    assert sealed(mine, Expert) == before


def test_another_column_changes_and_masked_ones_do_not(session: Session, session_for: SessionFor) -> None:
    mine = experts(session, session_for)
    before = sealed(mine, Expert)
    data = edited(written(mine, "expert", "xlsx"), "职务", "总工程师")
    _result, report = run(mine, Expert, data, "回")
    counts = report["counts"]
    assert (counts["changed"], counts["same"], counts["new"], report["wrong"]) == (1, counts["rows"] - 1, 0, [])
    assert sealed(mine, Expert) == before
    table = Expert.__table__
    assert mine.connection().scalar(sa.select(table.c.position).order_by(table.c.id).limit(1)) == "总工程师"


def test_a_new_value_in_a_masked_column_is_taken_from_who_may_write_it(session: Session, session_for: SessionFor) -> None:
    mine = experts(session, session_for)
    before = sealed(mine, Expert)
    data = edited(written(mine, "expert", "xlsx"), "联系电话", "13900001234")
    reader = session_for(Actor("zhou", frozenset({Role.LEADER})))
    with pytest.raises(NotPermitted):
        run(reader, Expert, data, "回")
    assert sealed(mine, Expert) == before
    _result, report = run(mine, Expert, data, "回")
    assert (report["counts"]["changed"], report["wrong"]) == (1, [])
    table = Expert.__table__
    assert mine.connection().scalar(sa.select(table.c.phone).order_by(table.c.id).limit(1)) == "13900001234"
    after = sealed(mine, Expert)
    assert after[1:] == before[1:]
    place = [each.key for each in fields(Expert) if each.sensitive].index("phone")
    assert [cell for n, cell in enumerate(after[0]) if n != place] == [cell for n, cell in enumerate(before[0]) if n != place]


def test_the_page_offers_the_rows_that_one_keeps(session_of: SessionOf, sign_in: Callable[[Persona], Browser]) -> None:
    keeper = session_of()
    rows = [samples.make(keeper, Agency, 700 + place, office_id(keeper, office)) for place, office in enumerate((OWN, OTHER))]
    for row in rows:
        row.publish_state, row.mobile = "published", "13812345678"
    keeper.commit()
    browser = sign_in(CLERK)
    assert "template.xlsx?filled=1" in browser.get("/agency/import").text
    answer = browser.get("/agency/template.xlsx?filled=1")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = {cell.value for row in book.worksheets[0] for cell in row}
    assert rows[0].uscc in cells
    assert rows[1].uscc not in cells, "what the other office published is not for this one to fill in"
    assert "138****5678" in cells
    number = versions.properties_of(answer.data)["导出编号"]
    [entry] = entries(session_of(), "export", number=number)
    assert '"count": 1' in entry.image
    _result, report = run(session_of(CLERK), Agency, answer.data, "回")
    assert (report["counts"]["same"], report["counts"]["written"], report["wrong"]) == (1, 0, [])


def test_a_template_with_too_many_rows_is_refused_in_words(
    session_of: SessionOf, sign_in: Callable[[Persona], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = session_of()
    samples.make(keeper, Agency, 700, office_id(keeper, OWN))
    keeper.commit()
    monkeypatch.setattr(template, "MOST_FILLED", 0)
    answer = sign_in(CLERK).get("/agency/template.xlsx?filled=1")
    assert answer.status_code == 409
    assert "先筛选再导出" in answer.text
