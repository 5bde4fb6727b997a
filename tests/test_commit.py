"""A plan becomes rows: all or nothing, set-wise, stamped, never over somebody's change."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.clock import now
from app.history import search
from imports import bulk, existing
from imports import plan as planning
from imports.batch import ImportBatch
from imports.commit import BadRows, commit
from imports.outcome import Outcome
from imports.run import run
from tests.samples import credit_code
from tests.test_plan import HEAD, SessionFor, clerk, plan, register, rows_of, sample, session, session_for, sheet

__all__ = ["session", "session_for"]


def table(key: str) -> Any:
    return register(key).__table__


def first(session: Session, key: str) -> Any:
    return session.connection().execute(sa.select(table(key)).order_by(table(key).c.id)).mappings().first()


@pytest.mark.parametrize(
    ("key", "name", "written"),
    [("agency", "中介机构名录.xlsx", 26), ("policy", "涉企政策台账.xlsx", 17), ("expert", "专家库名单.csv", 40), ("review", "公平竞争审查台账.xlsx", 8)],
)
def test_a_second_run_changes_nothing(session: Session, key: str, name: str, written: int) -> None:
    result, report = run(session, register(key), sample(name), name)
    assert (report["status"], report["counts"]["written"]) == ("done", written)
    assert report["batch"] == result.batch
    _, again = run(session, register(key), sample(name), name)
    assert again["counts"]["written"] == 0
    assert again["counts"]["same"] == report["counts"]["new"]


def test_a_second_version_writes_what_is_new_in_it_and_nothing_else(session: Session) -> None:
    """Two hundred rows; the same again; then ten changed, five new, five missing (promise T19)."""

    def file(numbers: range, changed: range = range(0)) -> bytes:
        return sheet(HEAD, *([f"机构{number}", credit_code(number), "李" if number in changed else "王", "", "", ""] for number in numbers))

    def came_of(data: bytes) -> tuple[int, ...]:
        """What the report says, and the entries that the trace has of it."""
        result, report = run(session, register("agency"), data, "表.csv")
        counts = [report["counts"][name] for name in ("new", "changed", "same", "wrong", "written")]
        return (*counts, search.count(session.connection(), search.Wanted(batch=result.batch), 1000))

    assert came_of(file(range(200))) == (200, 0, 0, 0, 200, 200)
    assert came_of(file(range(200))) == (0, 0, 200, 0, 0, 0), "no noise in the trace either"
    assert came_of(file(range(5, 205), changed=range(50, 60))) == (5, 10, 185, 0, 15, 15)
    live = session.connection().execute(sa.select(table("agency").c.contact, sa.func.count()).where(table("agency").c.voided_at.is_(None)).group_by("contact"))
    assert dict(live.tuples().all()) == {"王": 195, "李": 10}, "what is missing stays"


def test_wrong_rows_stop_everything_or_are_skipped(session: Session) -> None:
    _, report = run(session, register("agency"), sample("中介机构名录_有错.xlsx"), "有错")
    assert (report["status"], report["counts"]["written"], rows_of(session, "agency")) == ("stopped", 0, 0)
    _, report = run(session, register("agency"), sample("中介机构名录_有错.xlsx"), "有错", bad_rows=BadRows.SKIP)
    assert (report["status"], report["counts"]["written"], rows_of(session, "agency")) == ("partly", 2, 1)


def test_rows_are_stamped(session: Session, session_for: SessionFor) -> None:
    actor = clerk(session)
    mine = session_for(actor)
    run(mine, register("agency"), sheet(HEAD, ["甲", credit_code(1), "王", "", "APJ-(冀)-001", ""]), "一")
    row = first(session_for(), "agency")
    assert (row["created_by"], row["source"], row["row_version"], row["org_unit_id"]) == ("wang", "import", 1, actor.org_unit_id)
    result, _ = run(mine, register("agency"), sheet(HEAD, ["甲", credit_code(1), "李", "", "APJ-(冀)-001", ""]), "二")
    row = first(session_for(), "agency")
    assert (row["contact"], row["row_version"], row["import_batch"]) == ("李", 2, result.batch)


def test_the_batch_keeps_file_seal_and_report(session: Session) -> None:
    data = sheet(HEAD, ["甲", credit_code(1), "王", "", "", ""])
    result, _ = run(session, register("agency"), data, "名录.csv")
    kept = session.get(ImportBatch, result.batch)
    assert kept is not None
    assert (kept.content, kept.state, kept.operator, kept.file_name) == (data, "done", "system", "名录.csv")
    assert kept.report is not None
    assert kept.report["counts"]["written"] == 1


def test_a_row_changed_since_the_plan_is_left_alone(session: Session, session_for: SessionFor) -> None:
    agency = table("agency")
    run(session, register("agency"), sheet(HEAD, ["甲", credit_code(1), "王", "", "", ""], ["乙", credit_code(2), "", "", "", ""]), "一")
    made = plan(session, "agency", sheet(HEAD, ["甲", credit_code(1), "李", "", "", ""], ["乙", credit_code(2), "赵", "", "", ""]))
    session.rollback()
    other = session_for()
    other.connection().execute(sa.update(agency).where(agency.c.uscc == credit_code(1)).values(contact="孙", row_version=agency.c.row_version + 1))
    other.commit()
    done = commit(session, made, None)
    assert (str(done.state), done.written, done.stale) == ("partly", 1, [2]), "the other row goes in, and the changed one is named"
    contacts = session.connection().scalars(sa.select(agency.c.contact).order_by(agency.c.id)).all()
    assert list(contacts) == ["孙", "赵"]


def test_a_key_taken_since_the_plan_is_left_to_who_took_it(session: Session) -> None:
    data = sheet(HEAD, ["甲", credit_code(1), "", "", "", ""], ["乙", credit_code(2), "", "", "", ""])
    made = plan(session, "agency", data)
    run(session, register("agency"), sheet(HEAD, ["别人", credit_code(2), "", "", "", ""]), "别人")
    done = commit(session, made, data)
    assert (str(done.state), done.written, done.stale) == ("partly", 1, [3])
    names = session.connection().scalars(sa.select(table("agency").c.name).order_by(table("agency").c.id)).all()
    assert list(names) == ["别人", "甲"]


def test_a_key_taken_while_we_write_is_seen_at_the_second_try(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the insert somebody else commits the same key: the database objects, and the look is taken anew."""
    data = sheet(HEAD, ["甲", credit_code(1), "", "", "", ""], ["乙", credit_code(2), "", "", "", ""])
    made = plan(session, "agency", data)
    run(session, register("agency"), sheet(HEAD, ["别人", credit_code(2), "", "", "", ""]), "别人")
    looks = []

    def blind_at_first(*arguments: Any) -> Any:
        looks.append(arguments)
        return iter(()) if len(looks) == 1 else real(*arguments)

    real = existing.taken
    monkeypatch.setattr(existing, "taken", blind_at_first)
    done = commit(session, made, data)
    assert (str(done.state), done.written, done.stale) == ("partly", 1, [3])
    assert session.connection().scalar(sa.select(sa.func.count()).select_from(ImportBatch.__table__)) == 2, "the try that failed left no batch"


def test_an_import_of_several_parts(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of three rows: records over the edge of a part, new ones, changed ones, unchanged ones, all in one transaction."""
    monkeypatch.setattr(planning, "ROWS", 3)
    head = ["机构名称", "统一社会信用代码", "联系人", "联系人手机", "证书编号", "证书类型"]
    first = [[f"第{n}家", credit_code(n), "王", f"139{n:08d}", f"APJ-(冀)-{n}{k}", "安全评价机构资质证书"] for n in range(1, 8) for k in range(2)]
    _, report = run(session, register("agency"), sheet(head, *first), "一")
    assert (report["status"], report["counts"]["new"], report["counts"]["children"]["qualifications"]["new"]) == ("done", 7, 14)
    again = plan(session, "agency", sheet(head, *first))
    assert (again.counts()["same"], len(again.parts)) == (7, 5)
    changed = [[name, code, "李" if code == credit_code(3) else who, *rest] for name, code, who, *rest in first] + [["新家", credit_code(9), "", "", "", ""]]
    made = plan(session, "agency", sheet(head, *changed))
    assert (made.counts()["new"], made.counts()["changed"], made.counts()["same"]) == (1, 1, 6)
    assert [record.after["name"] for record in made.window(Outcome.SAME, 4, 50)] == ["第6家", "第7家"], "a window is cut out of the parts that hold it"
    assert commit(session, made, None).written == 2


def test_rows_of_one_record_far_apart_are_taken_as_one(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ROWS", 2)
    rows = [[f"第{n}家", credit_code(n), "", "", f"APJ-(冀)-{n}", ""] for n in range(1, 6)]
    made = plan(session, "agency", sheet(HEAD, *rows, ["第1家", credit_code(1), "", "", "APJ-(冀)-99", ""], ["别名", credit_code(2), "", "", "", ""]))
    assert made.counts()["new"] == 5
    assert made.counts()["children"]["qualifications"]["new"] == 6
    assert [(issue.row, issue.code) for issue in made.wrong] == [(8, "key_conflict")]


def test_what_is_kept_encrypted_keeps_its_bytes_when_something_else_changes(session: Session) -> None:
    head = ["机构名称", "统一社会信用代码", "联系人", "联系人手机"]
    run(session, register("agency"), sheet(head, ["甲", credit_code(1), "王", "13900000001"], ["乙", credit_code(2), "王", "13900000002"]), "一")
    before = _sealed(session)
    run(session, register("agency"), sheet(head, ["甲", credit_code(1), "李", "13900000001"], ["乙", credit_code(2), "李", "13900000009"]), "二")
    after = _sealed(session)
    assert before[0] == after[0]
    assert before[1] != after[1]


def _sealed(session: Session) -> list[str]:
    return list(session.connection().scalars(sa.text("SELECT mobile FROM agency ORDER BY id")))


def test_a_voided_record_frees_its_key(session: Session) -> None:
    data = sheet(HEAD, ["甲", credit_code(1), "", "", "", ""])
    run(session, register("agency"), data, "一")
    session.connection().execute(sa.update(table("agency")).values(voided_at=sa.func.current_timestamp()))
    session.commit()
    _, report = run(session, register("agency"), data, "二")
    assert report["counts"]["new"] == 1


def test_numbers_are_given_and_kept(session: Session) -> None:
    run(session, register("expert"), sample("专家库名单.csv"), "一")
    expert = table("expert")
    numbers = list(session.connection().scalars(sa.select(expert.c.expert_no).order_by(expert.c.id)))
    assert numbers[0] == "ZJ0001"
    assert len(set(numbers)) == 40
    run(session, register("expert"), sheet(["姓名", "身份证号"], ["新人", "110101199003070011"]), "二")
    assert session.connection().scalar(sa.select(expert.c.expert_no).where(expert.c.id_no == "110101199003070011")) == "ZJ0041"


def test_new_words_wait_for_their_keeper(session: Session) -> None:
    head = ["机构名称", "统一社会信用代码", "证书编号", "业务范围"]
    data = sheet(head, ["甲", credit_code(1), "APJ-(冀)-001", "深空采矿业"])
    _, report = run(session, register("agency"), data, "一")
    assert report["status"] == "done"
    code = table("code")
    [entry] = session.connection().execute(sa.select(code).where(code.c.word_state == "pending")).mappings()
    assert (entry["label"], entry["source"]) == ("深空采矿业", "import")
    _, again = run(session, register("agency"), data, "二")
    assert (again["counts"]["same"], again["counts"]["doubtful"]) == (1, 0)


@pytest.mark.one_database
def test_a_key_is_found_by_its_index_among_living_rows(session: Session) -> None:
    """SQLite took the index of voided_at instead, and went through all rows for each thousand keys."""
    said: list[tuple[str, Any]] = []
    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", lambda _c, _cursor, statement, parameters, *_: said.append((statement, parameters)))
    cls = register("enterprise")
    assert not list(existing.taken(connection, cls, 0, [(credit_code(number),) for number in range(1000)]))
    statement, parameters = said[-1]
    steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    assert any(f"uq_{cls.__tablename__}_" in step[-1] for step in steps), steps


@pytest.mark.one_database
def test_many_rows_go_in_one_statement(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of rows, and in their order: more than one statement, the last one shorter."""
    monkeypatch.setattr(bulk, "TOGETHER", 4)
    said: list[str] = []
    sa.event.listen(session.connection(), "before_cursor_execute", lambda _c, _cursor, statement, *_: said.append(statement))
    cls = register("region")
    moment = now()
    names = ("code", "name", "full_name", "level", "source", "created_at", "changed_at", "row_version")
    ids = bulk.insert(
        session.connection(),
        cls.__table__,
        names,
        [(f"99{number:04}", f"试验{number}", f"试验{number}", "town", "import", moment, moment, 1) for number in range(11)],
    )
    found = session.execute(sa.select(cls.__table__.c.id, cls.__table__.c.name).where(cls.__table__.c.id.in_(ids)).order_by(cls.__table__.c.id)).all()
    assert [tuple(row) for row in found] == [(each, f"试验{number}") for number, each in enumerate(ids)]
    assert sum(statement.startswith("INSERT INTO region") for statement in said) == 3
