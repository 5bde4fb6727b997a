"""Search: what is found, by whom, and that whoever writes keeps it findable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from click.testing import Result
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app import registry
from app.database import db
from app.lookup import DatabaseLookup
from app.paging import read_slice, tally
from app.queries import read_listing
from app.records import void
from app.register import Record, Register, children, fields
from app.scopes import SYSTEM, act_as
from app.search import keep, later
from app.search.find import found
from app.search.hits import marked, matches, shortened
from app.search.kept import reconcile, table_of
from app.search.pinyin import readings, sounds, spelled
from app.search.record import entry, searched
from app.search.text import Token, asked, grams, normal, plain, words
from imports.run import run
from models.agency import Agency, Qualification
from models.enterprise import Enterprise
from models.reference import OrgUnit, Region
from tests import samples
from tests.conftest import Browser, SessionOf, Statements
from tests.people import CLERK, EVERYBODY, OTHER, OTHER_CLERK, OWN, SECTION_HEAD, SUPERVISOR, VISITOR, Persona
from tests.test_matrix import ENTRIES, office_id

SignIn = Callable[[Persona], Browser]
UNTIMED = settings(deadline=None)
HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
MIXED = st.text(
    st.one_of(HAN, st.sampled_from("承德市重庆长春安全（）()〔〕 aZ1９Ａ-、％%_\\'\"*"), st.characters(exclude_categories=["Cs"])), min_size=1, max_size=24
)


def has(tokens: set[str], way: Sequence[Token]) -> bool:
    """Whether these tokens of a text answer one way of asking."""
    return all(any(each.startswith(token) if begins else each == token for each in tokens) for token, begins in way)


# text ---------------------------------------------------------------------------------------------


@UNTIMED
@given(st.text(max_size=30), st.text(max_size=30))
def test_folding_knows_no_neighbours(one: str, other: str) -> None:
    assert normal(one + other) == normal(one) + normal(other)
    assert normal(normal(one)) == normal(one)
    assert all(letter.isalnum() for letter in normal(one))


@UNTIMED
@given(MIXED, st.data())
def test_the_index_knows_every_part_of_a_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    part = normal(text[start : data.draw(st.integers(start + 1, len(text)))])
    if part:
        assert has(grams(normal(text)), asked(part))
        assert matches(text, part)


@UNTIMED
@given(st.text(HAN, min_size=1, max_size=8), st.data())
def test_the_index_knows_every_way_to_say_a_part(text: str, data: st.DataObject) -> None:
    said = [data.draw(st.sampled_from(readings(character))) for character in text if readings(character)]
    if len(said) < len(text):
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    whole, short = "".join(said[start:end]), "".join(sound[0] for sound in said[start:end])
    begun = whole[: data.draw(st.integers(1, len(whole)))]
    for word in (whole, begun, short):
        assert any(has(sounds(text), way) for way in spelled(word)), word
        assert matches(text, word), word


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("ＡＰＪ－（冀）－００１", "apj-(冀)-001"), ("围应急〔2023〕12号", "围应急[2023]12号"), ("承德市（围场）公司", "承德市(围场)公司"), ("重庆長安", "重慶长安"), ("承德 市", "承德市"),
        ("Café №5", "cafe no5"), ("乾燥設備", "干燥设备"), ("臺灣后勤", "台湾後勤"), ("㎡", "m2"), ("ﬁre", "FIRE"),
    ],
)  # fmt: skip
def test_what_people_take_for_the_same(written: str, typed: str) -> None:
    assert normal(written) == normal(typed).replace(" ", "")


def test_words_are_apart_by_blanks_and_need_a_letter() -> None:
    assert words(" 承德　ＡＢ 承德 %_ 、 ") == ["承德", "ab"]
    assert words("%") == []


@pytest.mark.parametrize(
    ("text", "typed"),
    [("重庆", "zhongqing chongqing zq cq chong c zhongq"), ("绿化", "lvhua lühua luhua lh"), ("单县查村", "shanxian danxian zhacun"), ("西安", "xian xa"), ("重慶", "chongqing zhongqing")],
)  # fmt: skip
def test_characters_of_several_readings(text: str, typed: str) -> None:
    for word in typed.split():
        assert any(has(sounds(plain(text)), way) for way in spelled(normal(word))), word
        assert matches(text, normal(word)), word


def test_pinyin_is_not_found_where_it_is_not() -> None:
    tokens = sounds("承德安全检测")
    for word in ("anjian", "dj", "hengde", "chengdu", "anquanjiance1", "quanan"):
        assert not any(has(tokens, way) for way in spelled(word)), word
        assert not matches("承德安全检测", word), word


def test_marks_show_what_was_found() -> None:
    assert marked("承德市（围场）安全", ["德市围场"]) == [("承", False), ("德市（围场", True), ("）安全", False)]
    assert marked("重庆长安", ["cq", "长安"]) == [("重庆长安", True)]
    assert marked("承德安全", ["anquan"]) == [("承德", False), ("安全", True)]
    assert marked("承德", ["围场"]) == [("承德", False)]
    assert shortened([("一" * 60, False), ("二", True)]) == [("…" + "一" * 20, False), ("二", True)]
    assert shortened([("一", False), ("二", True)]) == [("一", False), ("二", True)]


# finding ------------------------------------------------------------------------------------------


def find(session: Session, cls: type[Register], text: str, **more: list[str]) -> set[str]:
    """The labels of what a list finds; the count and the page say the same."""
    listing = read_listing(session, cls, {"q": [text], "size": ["100"], **more}, DatabaseLookup(session))
    rows = listing.rows(session)
    if len(rows) < 100:
        assert tally(session, listing).count == len(rows)
    assert [row.id for row in read_slice(session, listing, ()).rows] == [row.id for row in rows]
    return {str(row) for row in rows}


def company(session: Session, number: int, **values: Any) -> Enterprise:
    row = samples.make(session, Enterprise, number, office_id(session, OWN))
    for name, value in {"short_name": None, "former_names": None, **values}.items():
        setattr(row, name, value)
    session.commit()
    return row  # type: ignore[no-any-return]


@pytest.fixture
def companies(session_of: SessionOf) -> dict[str, str]:
    """Companies by what is odd about their names."""
    session = session_of()
    names = {
        "plain": "承德市甲安全检测有限公司", "polyphone": "重庆长安（围场）化工厂", "traditional": "臺灣環保設備廠", "wide": "ＡＢＣ机械－２号", "percent": "百分百100%_公司",
        "far": "承德乙公司和德市场", "rare": "𠮷野家㐂来",
    }  # fmt: skip
    for number, name in enumerate(names.values(), start=31):
        company(session, number, name=name)
    return names


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("承德", "plain far"), ("承德市", "plain"), ("测", "plain"), ("甲安全检测有限", "plain"), ("检测 承德", "plain"), ("检测 重庆", ""), ("没有", ""),
        ("zhongqing", "polyphone"), ("chongqing", "polyphone"), ("zqca", "polyphone"), ("cqzawc", "polyphone"), ("zhongqingchanganweichang", "polyphone"),
        ("anquanjiance", "plain"), ("aqjcyxgs", "plain"), ("ANQUAN", "plain"), ("huagongch", "polyphone"), ("quanan", ""), ("长安(围场)", "polyphone"),
        ("长安围场", "polyphone"), ("長安", "polyphone"), ("台湾环保", "traditional"), ("臺灣", "traditional"), ("twhb", "traditional"), ("abc", "wide"), ("ＢＣ机", "wide"),
        ("机械-2", "wide"), ("2号", "wide"), ("100%", "percent"), ("0公", "percent"), ("%", ""), ("_", ""), ("百分%公司", ""), ("'\" OR * )", ""), ("野家㐂", "rare"), ("𠮷", "rare"),
    ],
)  # fmt: skip
def test_a_list_finds(session_of: SessionOf, companies: dict[str, str], typed: str, expected: str) -> None:
    assert find(session_of(), Enterprise, typed) == {companies[name] for name in expected.split()}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MIXED, min_size=3, max_size=6, unique=True), st.data())
def test_any_part_of_a_name_finds_the_record_and_only_such(session_of: SessionOf, texts: list[str], data: st.DataObject) -> None:
    session = session_of()
    session.rollback()
    names = [text.replace("\x00", "") + "名" for text in texts]
    session.add_all([Enterprise(name=name, uscc=samples.credit_code(number)) for number, name in enumerate(names)])
    session.flush()
    name = data.draw(st.sampled_from(names))
    start = data.draw(st.integers(0, len(name) - 1))
    typed = name[start : data.draw(st.integers(start + 1, len(name)))]
    if normal(typed) and not any(character.isspace() for character in typed):
        word = normal(typed)
        assert find(session, Enterprise, typed) == {each for each in names if matches(each, word)} | _by_code(names, word)
    session.rollback()


def _by_code(names: list[str], word: str) -> set[str]:
    return {name for number, name in enumerate(names) if word in normal(samples.credit_code(number))}


def test_parts_of_codes_and_phones(session_of: SessionOf) -> None:
    session = session_of()
    row = company(session, 41)
    assert find(session, Enterprise, row.uscc[3:9].lower()) >= {row.name}
    assert find(session, Enterprise, row.uscc[-2:]) >= {row.name}
    unit = samples.make(session, OrgUnit, 42)
    assert find(session, OrgUnit, "样例42") == {unit.name}


@pytest.mark.parametrize("key", ENTRIES)
def test_a_sensitive_value_finds_nothing(session_of: SessionOf, key: str) -> None:
    session, cls = session_of(), ENTRIES[key].register
    row = samples.make(session, cls, 43)
    below = [
        samples.make(session, child, 43, parent=row)
        for child in children(cls)
        if all(samples.sample(field, 1, DatabaseLookup(session)) is not None for field in fields(child) if field.required)
    ]
    for each in (row, *below):
        assert not any(declared.sensitive for declared in searched(type(each)))
        for declared in fields(type(each)):
            value = getattr(each, declared.attr)
            if declared.sensitive and isinstance(value, str):
                assert row not in read_listing(session, cls, {"q": [value]}, DatabaseLookup(session)).rows(session), declared.key
                assert not searched(type(each)) or normal(value) not in str(kept(session, type(each), each.id))


def test_voided_rows_are_found_only_when_asked_for(session_of: SessionOf) -> None:
    session = session_of()
    row = company(session, 44, name="作废重庆公司")
    void(session, row, "重复")
    session.commit()
    assert find(session, Enterprise, "作废重庆") == set()
    assert find(session, Enterprise, "zfcq", voided=["1"]) == {"作废重庆公司"}
    row.voided_at = None
    session.commit()
    assert find(session, Enterprise, "zfcq") == {"作废重庆公司"}


@pytest.mark.parametrize("few", [0, 1, 2, 3])
@pytest.mark.parametrize("often", [0, 2, 100])
def test_many_hits_are_found_like_few(session_of: SessionOf, companies: dict[str, str], monkeypatch: pytest.MonkeyPatch, few: int, often: int) -> None:
    monkeypatch.setattr("app.search.find.FEW", few)
    monkeypatch.setattr("app.search.find.OFTEN", often)
    assert find(session_of(), Enterprise, "公司") == {companies[name] for name in ("plain", "percent", "far")}
    assert find(session_of(), Enterprise, "公司 承德") == {companies[name] for name in ("plain", "far")}


@pytest.mark.parametrize("often", [1, 100])
def test_some_of_many_hits_tell_the_first_page_and_that_there_are_more(session_of: SessionOf, monkeypatch: pytest.MonkeyPatch, often: int) -> None:
    session = session_of()
    newest = [company(session, number, name=f"围场{number}公司").id for number in range(201, 241)][::-1]
    void(session, session.get_one(Enterprise, newest[0]), "重复")
    session.commit()
    for name, value in (("FEW", 15), ("OFTEN", often)):
        monkeypatch.setattr(f"app.search.find.{name}", value)
    monkeypatch.setattr("app.paging.MOST_FOUND", 12)

    def page(**more: list[str]) -> tuple[list[int], bool, int, bool]:
        listing = read_listing(session, Enterprise, {"q": ["围场"], "size": ["10"], **more}, DatabaseLookup(session))
        found, counted = read_slice(session, listing, ()), tally(session, listing)
        return [row.id for row in found.rows], found.later, counted.count, counted.capped

    assert page() == (newest[1:11], True, 13, True)
    assert page(page=["2"]) == (newest[11:21], True, 13, True)
    assert page(after=[str(newest[29])]) == (newest[30:], False, 13, True)
    assert page(last=["1"]) == (newest[30:], False, 13, True)
    assert page(sort=["name"])[0] == newest[:-11:-1]
    assert page(**{"f.name.like": ["20"]}) == ([newest[20], *newest[31:]], False, 10, False)


# keeping ------------------------------------------------------------------------------------------


def kept(session: Session, cls: type[Record], number: int) -> dict[str, Any] | None:
    """What the search keeps of a row."""
    table = table_of(cls)
    row = session.connection().execute(sa.select(*table.c).where(table.c.rowid == number)).mappings().first()
    return None if row is None else dict(row) | {"grams": {token.strip("'") for token in row["grams"].split()}}


def stale(session: Session) -> dict[str, int]:
    """How many rows the search knows otherwise than they are, by table."""
    found = {}
    for cls in registry.tables():
        table: Any = cls.__table__
        rows = session.connection().execute(sa.select(table)).mappings().all() if searched(cls) else []
        made = [entry(cls, row["id"], row) for row in rows]
        wrong = [each for each in made if kept(session, cls, each["rowid"]) != each | {"grams": set(each["grams"].split())}]
        if wrong:
            found[table.name] = len(wrong)
    return found


def test_every_road_of_writing_is_kept_up_with(app: Flask, session_of: SessionOf) -> None:
    session = session_of()
    assert stale(session) == {}, "the seed"
    folder = samples.__file__.removesuffix("samples.py") + "workbooks/"
    for key, name in (("agency", "中介机构名录.xlsx"), ("expert", "专家库名单.csv"), ("policy", "涉企政策台账.xlsx"), ("review", "公平竞争审查台账.xlsx")):
        with open(folder + name, "rb") as file:  # noqa: PTH123
            run(session, ENTRIES[key].register, file.read(), name)
    assert stale(session) == {}, "imports with new words"
    row = session.scalars(sa.select(Agency)).first()
    changed = f"机构名称,统一社会信用代码,证书编号\n改名重庆公司,{row.uscc},改证-0001\n"
    _result, report = run(session, Agency, changed.encode(), "改.csv")
    assert (report["counts"]["changed"], report["counts"]["written"]) == (1, 2), report
    assert stale(session) == {}, "an import that changes"
    assert find(session_of(), Agency, "cqgs") == {"改名重庆公司"}
    _result, report = run(session, Agency, f"统一社会信用代码,联系人\n{row.uscc},王某\n".encode(), "改.csv")
    assert report["counts"]["written"] == 1
    assert stale(session) == {}, "an import that changes what is not searched"
    session.refresh(row)
    row.name = "又改名围场公司"
    session.commit()
    assert stale(session) == {}, "a form"
    assert find(session, Agency, "wcgs") == {"又改名围场公司"}
    assert find(session, Agency, "cqgs") == set()


def test_a_large_import_is_read_in_the_background(app: Flask, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "SOON", 1)
    session = session_of()
    codes = [samples.credit_code(number) for number in (46, 47)]
    result, _report = run(session, Enterprise, f"企业名称,统一社会信用代码\n甲重庆,{codes[0]}\n乙重庆,{codes[1]}\n".encode(), "新.csv")
    assert result.unread
    assert find(session_of(), Enterprise, "重庆") == set()
    assert later.unread() == [("enterprise",)]
    later.read("enterprise")
    assert find(session_of(), Enterprise, "重庆") == {"甲重庆", "乙重庆"}
    run(session, Enterprise, f"企业名称,统一社会信用代码\n甲围场,{codes[0]}\n乙围场,{codes[1]}\n".encode(), "改.csv")
    assert find(session_of(), Enterprise, "重庆") == {"甲围场", "乙围场"}, "until then by what they were"
    assert later.unread() == [("enterprise",)]
    later.read("enterprise")
    assert (find(session_of(), Enterprise, "重庆"), find(session_of(), Enterprise, "wc")) == (set(), {"甲围场", "乙围场"})
    result, _report = run(session, Enterprise, f"统一社会信用代码,联系人\n{codes[0]},王\n{codes[1]},李\n".encode(), "改.csv")
    assert later.unread() == [], "nothing that is searched has changed"
    assert stale(session_of()) == {}


def test_the_command_leaves_a_large_import_to_the_worker(app: Flask, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keep, "SOON", 0)
    file = tmp_path / "新.csv"
    file.write_text(f"企业名称,统一社会信用代码\n甲重庆,{samples.credit_code(46)}\n", encoding="utf-8")
    assert call(app, "import", "run", "enterprise", str(file)).exit_code == 0
    assert find(session_of(), Enterprise, "重庆") == {"甲重庆"}, "tests run the queue at once"


def call(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


def test_rows_that_others_wrote_are_put_in(app: Flask, session_of: SessionOf) -> None:
    session = session_of()
    first = company(session, 46, name="甲重庆")
    table = Enterprise.__table__
    session.connection().execute(sa.update(table).where(table.c.id == first.id).values(name="外面改的名"))
    session.connection().execute(sa.insert(table).values(name="乙重庆", uscc=samples.credit_code(47)))
    session.commit()
    session.refresh(first)
    before = (first.row_version, first.changed_at, first.changed_by)
    assert find(session, Enterprise, "重庆") == {"外面改的名"}, "the search has not read it yet"
    assert keep.refill(session_of(), ["enterprise"]) == 1
    assert find(session_of(), Enterprise, "重庆") == {"外面改的名", "乙重庆"}
    done = call(app, "search", "reindex", "enterprise")
    assert (done.exit_code, done.output.strip()) == (0, "已整理 2 条记录")
    session.rollback()
    assert find(session, Enterprise, "重庆") == {"乙重庆"}
    assert find(session, Enterprise, "wmgdm") == {"外面改的名"}
    session.refresh(first)
    assert (first.row_version, first.changed_at, first.changed_by) == before, "that was nobody's change"
    assert call(app, "search", "reindex").exit_code == 0
    assert call(app, "search", "reindex", "nothing").exit_code == 2
    assert stale(session_of()) == {}


def test_a_declaration_that_changes_is_noticed(app: Flask, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    company(session_of(), 48)
    assert keep.refill(session_of(), ["enterprise"]) == 0
    monkeypatch.setattr(keep, "shape", lambda _cls: 1)
    assert ("enterprise",) in later.unread()
    assert keep.refill(session_of(), ["enterprise"]) == 1


def test_a_table_that_is_gone_is_made_and_filled_again(session_of: SessionOf) -> None:
    session = session_of()
    company(session, 49, name="甲重庆")
    session.connection().exec_driver_sql("DROP TABLE search_enterprise")
    reconcile(session.connection())
    session.commit()
    assert find(session, Enterprise, "重庆") == set()
    assert keep.refill(session, ["enterprise"]) == 1
    company(session, 50, name="乙重庆")
    assert find(session, Enterprise, "重庆") == {"甲重庆", "乙重庆"}
    reconcile(session.connection())
    assert find(session, Enterprise, "重庆") == {"甲重庆", "乙重庆"}, "what stands is left alone"


def test_a_row_that_is_deleted_is_forgotten(session_of: SessionOf) -> None:
    session = session_of()
    row = company(session, 51, name="丙重庆")
    number = row.id
    session.delete(row)
    session.commit()
    assert kept(session, Enterprise, number) is None


def test_writing_and_reading_again_do_not_wait_for_each_other(session_of: SessionOf) -> None:
    """PostgreSQL: a row that somebody writes is left to the writer. SQLite has one writer at a time: reading again comes after."""
    session = session_of()
    row, other = company(session, 52, name="丁重庆"), company(session, 53, name="戊重庆")
    writer = session_of()
    writer.get(Enterprise, row.id).name = "丁围场"
    writer.flush()
    if postgresql := session.connection().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET lock_timeout = 2000")
    else:
        session.rollback()  # what it read before is no longer so once the writer is done
        writer.commit()
    assert keep.refill(session, ["enterprise"], everything=True) == (1 if postgresql else 2)
    writer.commit()
    assert find(session_of(), Enterprise, "围场") == {"丁围场"}
    assert find(session_of(), Enterprise, "重庆") == {str(other)}


def test_both_databases_use_their_index(session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of()
    monkeypatch.setattr("app.search.find.FEW", 0)
    statement = Region.__table__.select().with_only_columns(Region.id).where(*(each.test for each in found(session, Region, "重庆")))
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + str(statement.compile(connection, compile_kwargs={"literal_binds": True}))).all()
        assert any("search_region VIRTUAL TABLE" in str(step) for step in plan), plan
    else:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        kept_rows = table_of(Region)
        hits = sa.select(kept_rows.c.rowid).where(kept_rows.c.grams.op("@@")(sa.text("'重庆'::tsquery")))
        plan = connection.exec_driver_sql("EXPLAIN " + str(hits.compile(connection))).all()
        assert any("search_region_grams" in str(step) for step in plan), plan
    assert len(find(session, Region, "重庆")) > 30


# children -----------------------------------------------------------------------------------------


@pytest.fixture
def agencies(session_of: SessionOf) -> dict[str, Agency]:
    """Agencies of two offices, one of each published, each with a certificate."""
    session = session_of()
    made = {}
    for number, (name, office, published) in enumerate((("own", OWN, False), ("other", OTHER, False), ("published", OTHER, True)), start=61):
        row = samples.make(session, Agency, number, office_id(session, office), published)
        row.name, row.remark = f"{name}重庆检测", "备注甲乙"
        certificate = samples.make(session, Qualification, number, parent=row)
        certificate.cert_no = f"特证-{number}号"
        session.commit()
        made[name] = row
    return made


@pytest.mark.parametrize(
    ("person", "seen"),
    [(CLERK, "own published"), (OTHER_CLERK, "other published"), (SECTION_HEAD, "own published"), (SUPERVISOR, "own other published"), (VISITOR, "published"), (None, "own other published")],
)  # fmt: skip
@pytest.mark.parametrize("typed", ["特证", "tezheng", "重庆 特证", "cq"])
def test_a_child_finds_its_record_within_scope(session_of: SessionOf, agencies: dict[str, Agency], person: Persona | None, seen: str, typed: str) -> None:
    assert find(session_of(person), Agency, typed) == {f"{name}重庆检测" for name in seen.split()}


def test_a_voided_child_finds_nothing(session_of: SessionOf, agencies: dict[str, Agency]) -> None:
    session = session_of()
    void(session, session.scalars(sa.select(Qualification).where(Qualification.parent_id == agencies["own"].id)).one(), "重复")
    session.commit()
    assert find(session, Agency, "特证-61号") == set()
    assert find(session, Agency, "特证") == {"other重庆检测", "published重庆检测"}


def test_a_field_that_is_not_public_finds_nothing_for_visitors(session_of: SessionOf, agencies: dict[str, Agency]) -> None:
    code = agencies["published"].uscc
    for typed in (code, code[:2], code[3:], code[-1:], "备注", "bz", "\ue000", "\ue000" + code[:3]):
        assert find(session_of(VISITOR), Agency, typed) in (set(), {"published重庆检测"} if _public(typed) else set()), typed
    assert find(session_of(OTHER_CLERK), Agency, code[3:]) == {"published重庆检测"}
    assert find(session_of(OTHER_CLERK), Agency, code[-2:]) >= {"published重庆检测"}


def _public(typed: str) -> bool:
    return bool(normal(typed)) and any(normal(typed) in normal(text) for text in ("published重庆检测", "特证-63号"))


def test_exports_and_rest_find_the_same(app: Flask, sign_in: SignIn, agencies: dict[str, Agency]) -> None:
    browser = sign_in(CLERK)
    text = browser.get("/agency/export.csv?q=tezheng").data.decode("utf-8-sig")
    assert "own重庆检测" in text
    assert "published重庆检测" in text
    assert "other重庆检测" not in text
    assert set(browser.get("/api/v1/agency/?search=特证").json["ids"]) == {agencies["own"].id, agencies["published"].id}
    assert browser.get("/api/v1/agency/?search=zzzz").json["count"] == 0


# pickers ------------------------------------------------------------------------------------------


def test_pickers_take_pinyin(sign_in: SignIn, agencies: dict[str, Agency]) -> None:
    browser = sign_in(CLERK)
    assert {each["id"] for each in browser.get("/agency/lookup?q=cqjc").json["results"]} == {agencies["own"].id, agencies["published"].id}
    assert [each["text"] for each in browser.get("/org_unit/lookup?q=jcg").json["results"]] == ["基础股"]
    assert [each["text"] for each in browser.get("/org_unit/lookup?q=基础科").json["results"]] == ["基础股"], "an alias"
    assert browser.get("/region/lookup?q=weichangzhen").json["results"][0]["text"].endswith("围场镇")
    assert browser.get("/agency/words/kind?q=jcjy").json["results"] == [{"id": "检测检验", "text": "检测检验"}]
    assert browser.get("/agency/words/kind?q=檢測").json["results"] == [{"id": "检测检验", "text": "检测检验"}]
    assert len(browser.get("/agency/words/kind?q=").json["results"]) > 1


# one box over everything --------------------------------------------------------------------------


def page(browser: Browser, text: str) -> BeautifulSoup:
    answer = browser.get("/search", query_string={"q": text})
    assert answer.status_code == 200, answer.status_code
    return BeautifulSoup(answer.data, "html.parser")


def test_the_page_groups_by_register_and_marks(sign_in: SignIn, session_of: SessionOf, agencies: dict[str, Agency]) -> None:
    company(session_of(), 71, name="重庆化工厂", former_names="老特证厂")
    found = page(sign_in(CLERK), "cq")
    groups = {section["aria-labelledby"]: section for section in found.select("section[aria-labelledby^=group-]")}
    assert list(groups)[:2] == ["group-agency", "group-enterprise"]
    assert [mark.get_text() for mark in groups["group-agency"].select("mark")] == ["重庆", "重庆"]
    assert "2 条" in groups["group-agency"].h2.get_text()
    found = page(sign_in(CLERK), "特证")
    assert [mark.get_text() for mark in found.select("mark")] == ["特证", "特证", "特证"]
    assert "证书编号" in found.select_one("section[aria-labelledby=group-agency]").get_text()
    assert "曾用名" in found.select_one("section[aria-labelledby=group-enterprise]").get_text()


def test_more_than_five_lead_to_the_list(sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of()
    for number in range(7):
        company(session, 80 + number, name=f"多家公司{number}")
    found = page(sign_in(CLERK), "多家")
    group = found.select_one("section[aria-labelledby=group-enterprise]")
    assert len(group.select("li")) == 5
    assert "7 条" in group.h2.get_text()
    link = group.select_one("p a")["href"]
    assert link == "/enterprise/list/?q=%E5%A4%9A%E5%AE%B6"
    assert all(f"多家公司{number}" in sign_in(CLERK).get(link).text for number in range(7))


def test_nothing_found_and_nothing_asked(sign_in: SignIn) -> None:
    assert "没有找到" in page(sign_in(CLERK), "查无此物").get_text()
    assert not page(sign_in(CLERK), "").select("section, .ys-empty")
    assert "没有找到" in page(sign_in(CLERK), "%").get_text()
    assert "没有找到" in page(sign_in(VISITOR), "查无此物").get_text()
    for odd in ("\x00", "'", "a" * 5000, "\ue000", "%' OR 1=1 --", "a\u0301\ud7ff", "*", '"', "NEAR(a b)"):
        page(sign_in(CLERK), odd)


def test_the_palette_lists_pages_records_and_the_way_on(sign_in: SignIn, agencies: dict[str, Agency]) -> None:
    results = sign_in(CLERK).get("/search.json?q=zjjg").json["results"]
    assert results[0] | {"icon": ""} == {"text": "中介机构", "url": "/agency/list/", "icon": "", "where": "中介与专家"}
    assert results[-1]["url"] == "/search?q=zjjg"
    results = sign_in(CLERK).get("/search.json?q=重庆检测").json["results"]
    assert {(each["text"], each["where"]) for each in results[:-1]} == {("own重庆检测", "中介机构"), ("published重庆检测", "中介机构")}
    assert results[0]["url"] == f"/agency/show/{agencies['own'].id}"
    assert sign_in(CLERK).get("/search.json").json["results"] == []


def test_the_palette_shows_few_of_each(sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of()
    for number in range(5):
        company(session, 90 + number, name=f"多家公司{number}")
    company(session, 96, name="多家")
    results = sign_in(CLERK).get("/search.json?q=多家").json["results"]
    assert [each["text"] for each in results[:-1]] == ["多家", "多家公司4", "多家公司3"]


def test_visitors_search_what_is_published(sign_in: SignIn, agencies: dict[str, Agency]) -> None:
    browser = sign_in(VISITOR)
    assert [link.get_text() for link in page(browser, "重庆").select("section[aria-labelledby=group-agency] li a")] == ["published重庆检测"]
    assert not page(browser, agencies["published"].uscc).select("section[aria-labelledby^=group-]")
    assert not page(browser, "围场").select("section[aria-labelledby=group-region]")


def test_a_view_closed_by_hand_is_closed_to_the_search(app: Flask, sign_in: SignIn, agencies: dict[str, Agency], monkeypatch: pytest.MonkeyPatch) -> None:
    from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu, assoc_permissionview_role

    with app.app_context():
        act_as(db.session(), SYSTEM)
        view = sa.select(PermissionView.id).join(Permission).join(ViewMenu).where(Permission.name == "can_read", ViewMenu.name == "agency")
        db.session.execute(sa.delete(assoc_permissionview_role).where(assoc_permissionview_role.c.permission_view_id.in_(view)))
        db.session.commit()
    monkeypatch.setattr(app.appbuilder.sm, "remembered", {})  # type: ignore[attr-defined]
    assert not page(sign_in(CLERK), "重庆").select("section[aria-labelledby=group-agency]")


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.username or "visitor")
def test_everybody_with_a_role_may_search(sign_in: SignIn, person: Persona) -> None:
    answers = {sign_in(person).get(path).status_code for path in ("/search?q=重庆", "/search.json?q=重庆")}
    assert answers == ({403} if person.username == "chu" else {200})


def test_few_statements(sign_in: SignIn, session_of: SessionOf, statements: Statements, agencies: dict[str, Agency]) -> None:
    company(session_of(), 97, name="重庆厂")
    browser = sign_in(CLERK)
    browser.get("/search.json?q=x")
    statements.texts.clear()
    assert len(browser.get("/search.json?q=重庆").json["results"]) > 3
    registers = [text for text in statements.texts if "row_number" in text]
    assert len(registers) == 1
    assert len(statements) <= 12, statements.texts
