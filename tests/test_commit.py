"""A plan becomes rows: all or nothing, set-wise, stamped, never over somebody's change."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from imports.batch import ImportBatch
from imports.commit import BadRows, commit
from imports.run import run
from imports.workbook import Refused
from tests.test_plan import HEAD, SessionFor, clerk, plan, register, rows_of, sample, session, session_for, sheet, uscc

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


def test_wrong_rows_stop_everything_or_are_skipped(session: Session) -> None:
    _, report = run(session, register("agency"), sample("中介机构名录_有错.xlsx"), "有错")
    assert (report["status"], report["counts"]["written"], rows_of(session, "agency")) == ("stopped", 0, 0)
    _, report = run(session, register("agency"), sample("中介机构名录_有错.xlsx"), "有错", bad_rows=BadRows.SKIP)
    assert (report["status"], report["counts"]["written"], rows_of(session, "agency")) == ("partly", 2, 1)


def test_rows_are_stamped(session: Session, session_for: SessionFor) -> None:
    actor = clerk(session)
    mine = session_for(actor)
    run(mine, register("agency"), sheet(HEAD, ["甲", uscc(1), "王", "", "APJ-(冀)-001", ""]), "一")
    row = first(session_for(), "agency")
    assert (row["created_by"], row["source"], row["row_version"], row["org_unit_id"]) == ("wang", "import", 1, actor.org_unit_id)
    result, _ = run(mine, register("agency"), sheet(HEAD, ["甲", uscc(1), "李", "", "APJ-(冀)-001", ""]), "二")
    row = first(session_for(), "agency")
    assert (row["contact"], row["row_version"], row["import_batch"]) == ("李", 2, result.batch)


def test_the_batch_keeps_file_seal_and_report(session: Session) -> None:
    data = sheet(HEAD, ["甲", uscc(1), "王", "", "", ""])
    result, _ = run(session, register("agency"), data, "名录.csv")
    kept = session.get(ImportBatch, result.batch)
    assert kept is not None
    assert (kept.content, kept.state, kept.operator, kept.file_name) == (data, "done", "system", "名录.csv")
    assert kept.report is not None
    assert kept.report["counts"]["written"] == 1


def test_a_row_changed_since_the_plan_is_left_alone(session: Session, session_for: SessionFor) -> None:
    agency = table("agency")
    run(session, register("agency"), sheet(HEAD, ["甲", uscc(1), "王", "", "", ""], ["乙", uscc(2), "", "", "", ""]), "一")
    made = plan(session, "agency", sheet(HEAD, ["甲", uscc(1), "李", "", "", ""], ["乙", uscc(2), "赵", "", "", ""]))
    session.rollback()
    other = session_for()
    other.connection().execute(sa.update(agency).where(agency.c.uscc == uscc(1)).values(contact="孙", row_version=agency.c.row_version + 1))
    other.commit()
    stopped = commit(session, made, None)
    assert (str(stopped.state), stopped.written, stopped.stale) == ("stopped", 0, [2])
    skipped = commit(session, made, None, BadRows.SKIP)
    assert (str(skipped.state), skipped.written) == ("partly", 1)
    contacts = session.connection().scalars(sa.select(agency.c.contact).order_by(agency.c.id)).all()
    assert list(contacts) == ["孙", "赵"]


def test_a_key_taken_since_the_plan_writes_nothing(session: Session) -> None:
    data = sheet(HEAD, ["甲", uscc(1), "", "", "", ""], ["乙", uscc(2), "", "", "", ""])
    made = plan(session, "agency", data)
    run(session, register("agency"), sheet(HEAD, ["别人", uscc(2), "", "", "", ""]), "别人")
    with pytest.raises(Refused) as caught:
        commit(session, made, data)
    assert caught.value.code == "collision"
    assert rows_of(session, "agency") == 1
    assert session.connection().scalar(sa.select(sa.func.count()).select_from(ImportBatch.__table__)) == 1


def test_a_voided_record_frees_its_key(session: Session) -> None:
    data = sheet(HEAD, ["甲", uscc(1), "", "", "", ""])
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
    data = sheet(head, ["甲", uscc(1), "APJ-(冀)-001", "深空采矿业"])
    _, report = run(session, register("agency"), data, "一")
    assert report["status"] == "done"
    code = table("code")
    [entry] = session.connection().execute(sa.select(code).where(code.c.word_state == "pending")).mappings()
    assert (entry["label"], entry["source"]) == ("深空采矿业", "import")
    _, again = run(session, register("agency"), data, "二")
    assert (again["counts"]["same"], again["counts"]["doubtful"]) == (1, 0)
