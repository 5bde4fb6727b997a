"""The steps of an import that a person decides in: sheet and header, columns, words, names, cells, rows; and the rounds of a batch."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy.orm import Session

from app import registry
from app.database import db
from app.register import Register, field_map
from app.roles import Verb
from imports import stored, undo
from imports.batch import ImportBatch
from imports.refusal import Refused
from models.agency import Agency
from models.expert import Expert
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, EXPERT_ADMIN, OTHER, OTHER_CLERK, OWN, SUPERVISOR, VISITOR, Persona
from tests.samples import credit_code
from tests.test_generic import ENTRIES, keeper
from tests.test_matrix import office_id
from views import import_checks, import_jobs, uploads

SignIn = Callable[[Persona], Browser]
HEAD = ["机构名称", "统一社会信用代码", "联系人"]


def sheet(*rows: Sequence[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def book(**sheets: Sequence[Sequence[object]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


class Desk:
    """One person at the import desk of a register, with one file."""

    def __init__(self, browser: Browser, data: bytes, name: str = "表.csv", key: str = "agency") -> None:
        self.browser, self.key, self.mark = browser, key, hashlib.sha256(data).hexdigest()[:16]
        self.answer = self.send(data, name)
        self.batch = int(self.answer.headers["Location"].split("/import/")[1].split("/")[0])
        self.step = self.answer.headers["Location"].partition(f"/import/{self.batch}")[2]

    def send(self, data: bytes, name: str) -> Any:
        return self.browser.post(f"/{self.key}/import", {"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")

    def path(self, step: str = "") -> str:
        return f"/{self.key}/import/{self.batch}{step}"

    def page(self, step: str = "") -> BeautifulSoup:
        answer = self.browser.get(self.path(step))
        assert answer.status_code == 200, (step, answer.status_code)
        return BeautifulSoup(answer.data, "html.parser")

    def form(self, step: str, **changed: str) -> dict[str, str]:
        """What the form of a page sends when somebody changes these inputs."""
        page, sent = self.page(step), {}
        form = page.main.select_one("form.ys-form") or page.main.find("form")  # type: ignore[union-attr]
        for each in form.find_all(["input", "select"]):  # type: ignore[union-attr]
            if each.name == "select":
                chosen = each.find("option", selected=True) or each.find("option")
                sent[each["name"]] = chosen["value"]
            elif each.get("type") not in {"radio", "checkbox", "file"} or each.has_attr("checked"):
                sent[each["name"]] = each.get("value", "")
        return sent | changed

    def place(self, heading: str) -> str:
        """The number of the input of a column."""
        found = self.page("/columns").find("input", {"value": heading})
        return str(found["name"]).partition(".")[2]  # type: ignore[index]

    def map(self, **fields: str) -> Any:
        """Say of headings which field they feed."""
        return self.browser.post(self.path("/columns"), self.form("/columns", **{f"field.{self.place(heading)}": name for heading, name in fields.items()}))

    def mend(self, **wish: str) -> Any:
        digest = self.page().find("input", {"name": "digest"})
        facts = {"wish": "mend", "digest": digest["value"] if digest else self.mark}  # type: ignore[index]
        return self.browser.post(self.path(), facts | wish)

    def type(self, row: int, column: str, text: str) -> Any:
        return self.mend(**{f"cell|{row}|{column}": text})

    def confirm(self, bad_rows: str = "stop") -> Any:
        digest = self.page().find("input", {"name": "digest"})["value"]  # type: ignore[index]
        return self.browser.post(self.path(), {"digest": digest, "bad_rows": bad_rows})

    def counts(self) -> list[int]:
        """新增, 更新, 无变化, 有问题."""
        return [int(each.b.get_text()) for each in self.page().select(".ys-count")[:4]]  # type: ignore[union-attr]

    def alerts(self) -> str:
        return " ".join(each.get_text(" ", strip=True) for each in self.page().select(".alert"))


def of(app: Flask, desk: Desk) -> Any:
    with app.app_context():
        found = db.session.get(ImportBatch, desk.batch)
        db.session.refresh(found)
        stored.notes_of(found), found.rounds, found.outline, found.report
        db.session.expunge(found)
        return found


def names(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(sa.select(Agency.name).where(Agency.voided_at.is_(None)).order_by(Agency.id)))


# reading ------------------------------------------------------------------------------------------


def test_a_table_that_is_not_found_is_shown_by_hand(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    """No heading is known: the file is kept, its person chooses the row and then the columns; the same batch."""
    rows = [["报送表"], ["全部名称栏", "证照号码栏"], ["甲公司", credit_code(1)], ["乙公司", credit_code(2)]]
    desk = Desk(sign_in(CLERK), book(一=[["别的", "东西"], ["1", "2"]], 二=rows), "表.xlsx")
    assert desk.step == "/reading"
    page = desk.page("/reading")
    assert "没有找到表头" in page.select_one(".alert-danger").get_text()  # type: ignore[union-attr]
    assert [each.get_text(strip=True) for each in page.select(".ys-tabs a")] == ["一", "二"]
    assert "证照号码栏" in desk.page("/reading?sheet=二").select_one(".ys-window").get_text()  # type: ignore[union-attr]
    answer = desk.browser.post(desk.path("/reading"), {"sheet": "二", "header_row": "2"})
    assert answer.headers["Location"] == desk.path("/columns")
    assert "机构名称、统一社会信用代码" in desk.page("/columns").select_one(".alert").get_text()  # type: ignore[union-attr]
    assert desk.map(全部名称栏="name", 证照号码栏="uscc").headers["Location"] == desk.path()
    assert desk.counts() == [2, 0, 0, 0]
    assert desk.confirm().status_code == 302
    assert names(session_of()) == ["甲公司", "乙公司"]
    again = Desk(sign_in(CLERK), book(二=rows[1:]), "再来.xlsx")
    assert again.step == "", "the office has said before what these headings mean"


def test_a_wrong_header_is_corrected_and_nonsense_is_refused(app: Flask, sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", credit_code(1)], ["单位名称", "税号"], ["乙公司", credit_code(2)]))
    assert desk.browser.post(desk.path("/reading"), {"sheet": "CSV", "header_row": "3"}).status_code == 302
    assert "表头在第 3 行，共 1 行数据" in desk.page("/reading").get_text()
    assert desk.browser.post(desk.path("/reading"), {"sheet": "CSV", "header_row": "99"}).status_code == 422
    assert desk.browser.post(desk.path("/reading"), {"sheet": "没有", "header_row": "1"}).status_code == 422
    assert desk.browser.post(desk.path("/reading"), {"sheet": "CSV", "header_row": "x"}).status_code == 400
    assert "表头在第 3 行" in desk.page("/reading").get_text(), "what was refused changed nothing"
    assert of(app, desk).state == "planned"


# columns ------------------------------------------------------------------------------------------


def test_everything_matched_goes_straight_to_the_check(sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", credit_code(1)]))
    assert desk.step == ""
    assert "所有的列都已对上" in desk.page().main.get_text()  # type: ignore[union-attr]
    assert desk.page().main.find("a", href=desk.path("/columns"))  # type: ignore[union-attr]


def test_saving_without_a_change_decides_nothing(app: Flask, sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码", "备用"], ["甲公司", credit_code(1), "x"]))
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns")).status_code == 302
    decisions = stored.notes_of(of(app, desk))[0]
    assert not decisions.columns
    assert decisions.to_json().keys() <= {"mode"}


def test_two_columns_of_one_field_are_refused_with_what_was_chosen(app: Flask, sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码", "备用"], ["甲公司", credit_code(1), "x"]))
    answer = desk.map(备用="name")
    assert answer.status_code == 422
    page = BeautifulSoup(answer.data, "html.parser")
    assert "列“机构名称”和“备用”都对应到“机构名称”" in page.select_one(".alert-danger").get_text()  # type: ignore[union-attr]
    assert page.select_one("select[name='field.2'] option[selected]")["value"] == "name"  # type: ignore[index]
    assert not stored.notes_of(of(app, desk))[0].columns
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"field.2": "nothing"})).status_code == 422


def test_what_is_said_of_columns_is_said_of_their_sheet(sign_in: SignIn) -> None:
    other = [["机构名称", "税号"], ["乙公司", credit_code(2)]]
    desk = Desk(sign_in(CLERK), book(一=[["机构名称", "统一社会信用代码", "备用"], ["甲公司", "x", credit_code(1)]], 二=other), "表.xlsx")
    assert desk.map(统一社会信用代码="", 备用="").status_code == 302
    assert "工作表“一”" in desk.page().main.get_text()  # type: ignore[union-attr]


def test_a_column_that_is_only_near_is_confirmed(sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代玛"], ["甲公司", credit_code(1)]))
    assert desk.step == "/columns"
    assert "请确认" in desk.page("/columns").select_one(".ys-mapping tbody tr").get_text()  # type: ignore[union-attr]
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns")).headers["Location"] == desk.path()
    assert "请确认" not in desk.page("/columns").select_one(".ys-mapping").get_text()  # type: ignore[union-attr]


def test_what_else_a_column_feeds_is_said(sign_in: SignIn) -> None:
    head = ["机构名称", "统一社会信用代码", "联系电话", "有效期至", "业务范围/金属矿山", "业务范围/金属冶炼"]
    desk = Desk(sign_in(CLERK), sheet(head, ["甲公司", credit_code(1), "7512345", "2027-01-01", "", ""]))
    text = desk.page("/columns").select_one(".ys-mapping").get_text(" ", strip=True)  # type: ignore[union-attr]
    assert "同一格里另外写着的“联系人手机”，记入“联系人手机”" in text
    assert "写成“起—止”的，起的一端记入“发证日期”" in text


def test_columns_to_tick_are_said_and_stay_so(app: Flask, sign_in: SignIn) -> None:
    rows = [
        ["机构名称", "统一社会信用代码", "机构类别", None],
        [None, None, "安全评价", "安全培训"],
        ["甲公司", credit_code(1), "√", None],
        ["乙公司", credit_code(2), None, "√"],
    ]
    made = openpyxl.load_workbook(io.BytesIO(book(表=rows)))
    for cells in ("A1:A2", "B1:B2", "C1:D1"):
        made.active.merge_cells(cells)
    out = io.BytesIO()
    made.save(out)
    desk = Desk(sign_in(CLERK), out.getvalue(), "表.xlsx")
    assert desk.counts() == [2, 0, 0, 0]
    assert "打勾的列：勾上的记入“机构类别”的“安全评价”" in desk.page("/columns").select_one(".ys-mapping").get_text()  # type: ignore[union-attr]
    desk.browser.post(desk.path("/columns"), desk.form("/columns"))
    assert not stored.notes_of(of(app, desk))[0].columns
    assert desk.map(**{"机构类别/安全培训": ""}).status_code == 302, "the header is the one that was seen, whatever its columns feed"
    assert stored.notes_of(of(app, desk))[0].columns == {"机构类别/安全培训": None}


def test_mode_and_empty_cells(session_of: SessionOf, sign_in: SignIn) -> None:
    session = session_of()
    row = samples.make(session, Agency, 7, office_id(session, OWN))
    row.uscc, row.contact = credit_code(1), "王五"
    session.commit()
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码", "联系人"], [row.name, credit_code(1), ""], ["乙公司", credit_code(2), "李"]))
    assert desk.counts() == [1, 0, 1, 0]
    desk.browser.post(desk.path("/columns"), desk.form("/columns", empty="clear", mode="update"))
    assert desk.counts() == [0, 1, 0, 1]
    desk.browser.post(desk.path("/columns"), desk.form("/columns", empty="keep", mode="insert"))
    assert desk.counts() == [1, 0, 0, 1]


def test_a_word_is_answered_once_and_taken_back(sign_in: SignIn) -> None:
    rows = [["甲公司", credit_code(1), "安全陪训"], ["乙公司", credit_code(2), "安全陪训"]]
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码", "机构类别"], *rows))
    assert (desk.step, desk.counts()) == ("/columns", [0, 0, 0, 2])
    page = desk.page("/columns")
    assert "2 次" in page.main.get_text()  # type: ignore[union-attr]
    option = page.select_one("select[name='word.0']").find("option", string="安全培训")  # type: ignore[union-attr]
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"word.0": option["value"]})).status_code == 302  # type: ignore[index]
    assert desk.counts() == [2, 0, 0, 0]
    assert "“安全陪训” → 安全培训" in desk.page("/columns").main.get_text()  # type: ignore[union-attr]
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns", forget="kind|安全陪训")).status_code == 302
    assert desk.counts() == [0, 0, 0, 2]
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"word.0": "=没有的词"})).status_code == 422
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"word.0": "leave"})).status_code == 302
    assert desk.counts() == [2, 0, 0, 0]


def test_a_name_that_others_have_is_this_one_or_really_new(session_of: SessionOf, sign_in: SignIn) -> None:
    from models.enterprise import Enterprise

    session = session_of()
    own = samples.make(session, Enterprise, 7, office_id(session, OWN))
    far = samples.make(session, Enterprise, 8, office_id(session, OTHER))
    own.name, own.uscc = "围场县宏发矿业有限公司", None
    session.commit()
    desk = Desk(sign_in(CLERK), sheet(["企业名称", "所在地"], ["宏发矿业有限责任公司", "围场镇"]), key="enterprise")
    assert desk.step == "/columns", desk.page().main.get_text(" ", strip=True)  # type: ignore[union-attr]
    page = desk.page("/columns")
    values = [each["value"] for each in page.select("select[name='match.2'] option")]
    assert values == ["", str(own.id), "new"]
    refused = desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"match.2": str(10**8)}))
    assert refused.status_code == 422
    assert "不存在，或您无权使用它" in refused.text
    if session_of(CLERK).get(Enterprise, far.id) is None:
        assert desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"match.2": str(far.id)})).status_code == 422
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"match.2": "new"})).status_code == 302
    assert desk.counts()[0] == 1
    desk.browser.post(desk.path("/columns"), desk.form("/columns", apart="2"))
    assert desk.counts()[3] == 1
    desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"match.2": str(own.id)}))
    assert desk.counts()[1] == 1


# cells and rows -----------------------------------------------------------------------------------


def test_a_cell_is_typed_anew_and_kept_when_it_is_still_wrong(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", "坏"], ["乙公司", credit_code(2)]))
    assert desk.page().find("input", {"name": "cell|2|统一社会信用代码"})["value"] == "坏"  # type: ignore[index]
    assert desk.type(2, "统一社会信用代码", "还是坏").status_code == 302
    assert desk.page().find("input", {"name": "cell|2|统一社会信用代码"})["value"] == "还是坏"  # type: ignore[index]
    before = desk.page().find("input", {"name": "digest"})["value"]  # type: ignore[index]
    desk.type(2, "统一社会信用代码", credit_code(1))
    assert desk.counts() == [2, 0, 0, 0]
    assert desk.browser.post(desk.path(), {"digest": before, "bad_rows": "skip"}).status_code == 409, "the plan that was seen is another"
    assert desk.mend(undo="2|统一社会信用代码").status_code == 302
    assert desk.counts() == [1, 0, 0, 1]
    desk.type(2, "统一社会信用代码", credit_code(1))
    desk.confirm()
    assert sorted(names(session_of())) == ["乙公司", "甲公司"]


def test_what_is_typed_into_a_cell_lies_sealed(app: Flask, sign_in: SignIn) -> None:
    desk = Desk(sign_in(EXPERT_ADMIN), sheet(["姓名", "专家编号", "联系电话"], ["张三", "ZJ0001", "123"]), key="expert")
    assert desk.type(2, "联系电话", "13812345678").status_code == 302
    assert desk.counts()[3] == 0
    with app.app_context(), db.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT * FROM import_batch")).mappings().one()
        parts = connection.execute(sa.text("SELECT content FROM import_part")).scalars().all()
    assert "13812345678" not in str({name: value for name, value in row.items() if not isinstance(value, bytes | memoryview)})
    assert all(b"13812345678" not in bytes(each) for each in [*parts, row["notes"], row["content"]])
    assert stored.notes_of(of(app, desk))[0].cells == {2: {"联系电话": "13812345678"}}


def test_a_field_without_a_column_is_typed_for_one_row(session_of: SessionOf, sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["统一社会信用代码", "联系人"], [credit_code(1), "王"], [credit_code(2), "李"]))
    desk.type(2, "name", "补上的名称")
    assert desk.counts() == [1, 0, 0, 1]
    assert desk.page().find("input", {"name": "cell|3|机构名称"}) or desk.page().find("input", {"name": "cell|3|name"})
    desk.confirm("skip")
    assert names(session_of()) == ["补上的名称"]


def test_what_is_typed_passes_the_same_guard(session_of: SessionOf, sign_in: SignIn) -> None:
    """A field that the person may not set is refused in a cell of the page too, where the file has no such column."""
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", credit_code(1)], ["乙公司", credit_code(2)]))
    assert desk.type(2, "publish_state", "已公开").status_code == 302
    assert desk.counts() == [1, 0, 0, 1]
    desk.confirm("skip")
    assert names(session_of()) == ["乙公司"]
    assert desk.browser.post(desk.path(), {"wish": "mend", "skip": "2"}, token_from="/").status_code == 409


def test_a_record_of_several_rows_is_left_out_as_a_whole_and_taken_back(sign_in: SignIn) -> None:
    head = ["机构名称", "统一社会信用代码", "证书编号", "资质证书类型"]
    rows = [["甲公司", credit_code(1), "APJ-1", "没有的类型"], ["", "", "APJ-2", "没有的类型"], ["乙公司", credit_code(2), "", ""]]
    desk = Desk(sign_in(CLERK), sheet(head, *rows))
    assert desk.counts()[3] == 2
    assert desk.mend(skip="2").status_code == 302
    assert desk.counts() == [1, 0, 0, 0]
    assert "第 2 行 您选择跳过" in " ".join(desk.page().main.get_text(" ", strip=True).split())  # type: ignore[union-attr]
    assert len(desk.page().select("button[name='restore']")) == 2
    desk.mend(restore="2")
    desk.mend(restore="3")
    assert desk.counts()[3] == 2
    assert desk.mend(skip="99").status_code == 422
    assert desk.mend(skip="2", digest="0" * 64).status_code == 409, "the file is another by now"


def test_cells_are_bounded(monkeypatch: pytest.MonkeyPatch, sign_in: SignIn) -> None:
    monkeypatch.setattr("imports.decisions.MOST_CELLS", 1)
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", "坏"], ["乙公司", "坏"]))
    answer = desk.mend(**{"cell|2|统一社会信用代码": credit_code(1), "cell|3|统一社会信用代码": credit_code(2)})
    assert answer.status_code == 422
    page = BeautifulSoup(answer.data, "html.parser")
    assert "最多更正 1 个单元格" in page.select_one(".alert").get_text()  # type: ignore[union-attr]
    assert page.find("input", {"name": "cell|2|统一社会信用代码"})["value"] == credit_code(1), "what was typed stays"  # type: ignore[index]


def test_guesses_in_a_cell_come_to_an_end(session_of: SessionOf, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check says whether what was typed into a masked cell is what stands there: also when it was typed on the page, and given up in between."""
    monkeypatch.setattr(import_checks, "MOST_PREVIEWS", 4)
    session = session_of()
    expert = samples.make(session, Expert, 7, office_id(session, "综合股"))
    data = sheet(["姓名", "专家编号", "联系电话"], [expert.name, expert.expert_no if hasattr(expert, "expert_no") else "", "1"])
    desk = Desk(sign_in(EXPERT_ADMIN), data, key="expert")
    statuses = [desk.type(2, "联系电话", f"1380000{guess:04d}").status_code for guess in range(5)]
    assert statuses == [302, 302, 302, 422, 422]
    desk.browser.post(desk.path(), {"wish": "cancel"})
    assert desk.send(data, "再猜.csv").status_code == 429


def test_a_large_file_is_checked_by_the_worker(monkeypatch: pytest.MonkeyPatch, app: Flask, sign_in: SignIn) -> None:
    monkeypatch.setattr(uploads, "AT_ONCE", 10)
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码", "机构类别"], ["甲公司", "坏", "安全陪训"]))
    assert "每次保存后在后台重新检查整个文件" in desk.page().main.get_text()  # type: ignore[union-attr]
    desk.type(2, "统一社会信用代码", credit_code(1))
    desk.browser.post(desk.path("/columns"), desk.form("/columns", **{"other.0": "安全培训"}))
    assert desk.counts() == [1, 0, 0, 0]
    odd = Desk(sign_in(CLERK), sheet(["没有", "表头"], ["x", "y"], ["z", "u"]))
    assert of(app, odd).state == "refused"
    assert odd.page().main.find("a", href=odd.path("/reading"))  # type: ignore[union-attr]
    assert "表头" in odd.page("/reading").select_one(".ys-window").get_text()  # type: ignore[union-attr]


def test_two_windows_of_one_batch(app: Flask, sign_in: SignIn) -> None:
    """What was confirmed in one window is not changed in the other."""
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", "坏"], ["乙公司", credit_code(2)]))
    form = desk.form("/columns")
    desk.confirm("skip")
    for step, sent in (("/columns", form), ("/reading", {"header_row": "1"}), ("", {"wish": "mend", "skip": "2"}), ("", {"wish": "cancel"})):
        assert desk.browser.post(desk.path(step), sent, token_from="/").status_code == 409
    assert desk.browser.get(desk.path("/columns")).headers["Location"] == desk.path()
    assert of(app, desk).state == "partly"


@pytest.mark.parametrize("meanwhile", [{"state": "queued"}, {"digest": "0" * 64}])
def test_what_happens_while_a_check_runs_wins(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, str]) -> None:
    """Confirmed, or checked anew, in another window while the file was read: the slower check keeps nothing."""
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", "坏"], ["乙公司", credit_code(2)]))
    before = of(app, desk)

    def slowly(*arguments: Any, **facts: Any) -> Any:
        made = real(*arguments, **facts)
        with db.engine.begin() as connection:
            connection.execute(sa.update(ImportBatch.__table__).values(meanwhile))
        return made

    real = import_checks.planning.make
    monkeypatch.setattr(import_checks.planning, "make", slowly)
    assert desk.type(2, "统一社会信用代码", credit_code(1)).status_code == 409
    after = of(app, desk)
    assert (after.notes, after.counts) == (before.notes, before.counts)


def test_rows_that_are_left_out_do_not_leave_with_the_wrong_ones(sign_in: SignIn) -> None:
    """What goes to the office that is to mend its rows holds no others."""
    desk = Desk(sign_in(CLERK), book(表=[HEAD, ["甲公司", "坏", "王"], ["乙公司", "坏", "李"]]), "表.xlsx")
    desk.mend(skip="3")
    page = openpyxl.load_workbook(io.BytesIO(desk.browser.get(desk.path("/answer.xlsx?only=wrong")).data)).active
    assert [page.cell(row, 1).value for row in (2, 3)] == ["甲公司", None]


def test_given_up(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    desk = Desk(sign_in(CLERK), sheet(["机构名称", "统一社会信用代码"], ["甲公司", credit_code(1)]))
    assert desk.browser.post(desk.path(), {"wish": "cancel"}).status_code == 302
    assert "没有写入任何内容" in desk.alerts()
    batch = of(app, desk)
    assert (batch.state, batch.notes, batch.outline) == ("cancelled", None, None)
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(stored.ImportPart)) == 0
        assert db.session.scalar(sa.select(ImportBatch.content)) is None
    assert names(session_of()) == []


# rounds -------------------------------------------------------------------------------------------


def mended(desk: Desk, mend: Callable[[Any], None]) -> Any:
    """The answer workbook of a batch, corrected and sent back."""
    data = openpyxl.load_workbook(io.BytesIO(desk.browser.get(desk.path("/answer.xlsx")).data))
    mend(data.active)
    out = io.BytesIO()
    data.save(out)
    return desk.send(out.getvalue(), "改好.xlsx")


def partly(browser: Browser) -> Desk:
    """An import of two rows, one of them wrong."""
    desk = Desk(browser, book(表=[HEAD, ["甲公司", credit_code(1), "王"], ["乙公司", "坏", "李"]]), "表.xlsx")
    desk.confirm("skip")
    return desk


def correct(page: Any) -> None:
    page.cell(3, 2).value = credit_code(2)


def test_a_mended_row_goes_on_in_the_same_batch_and_both_go_back(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    browser, session = sign_in(CLERK), session_of()
    desk = partly(browser)
    assert names(session) == ["甲公司"]
    assert mended(desk, correct).headers["Location"] == desk.path()
    assert f"这是批次 {desk.batch} 取回去改的文件" in desk.alerts()
    assert desk.counts() == [1, 0, 1, 0], "what is written already is no change"
    assert "之前已经写入的行没有变化" in desk.alerts()
    desk.confirm()
    assert names(session) == ["甲公司", "乙公司"]
    text = desk.page().select_one("main").get_text(" ", strip=True)  # type: ignore[union-attr]
    assert "第 1 次写入" in text
    assert "第 2 次写入" in text
    page = BeautifulSoup(browser.get(desk.path("/undo")).data, "html.parser")
    assert [each.b.get_text() for each in page.select(".ys-count")] == ["2", "0", "0"]
    assert browser.post(desk.path("/undo"), {"digest": page.find("input", {"name": "digest"})["value"]}).status_code == 302  # type: ignore[index]
    assert names(session) == []
    assert "撤销人" in desk.page().get_text()


def test_what_somebody_changed_between_two_rounds_is_left_and_named(session_of: SessionOf, sign_in: SignIn) -> None:
    browser, session = sign_in(CLERK), session_of()
    desk = partly(browser)
    session.execute(sa.select(Agency))
    row = session.scalars(sa.select(Agency)).one()
    row.contact, row.changed_by = "别人改的", "li"
    session.commit()
    assert row.changed_at
    mended(desk, correct)
    assert desk.counts() == [1, 0, 0, 1]
    assert "上一轮导入之后有人改过这条记录" in desk.page("?outcome=wrong").get_text()
    desk.confirm("skip")
    session.expire_all()
    assert session.get(Agency, row.id).contact == "别人改的"  # type: ignore[union-attr]
    page = BeautifulSoup(browser.get(desk.path("/undo")).data, "html.parser")
    assert [each.b.get_text() for each in page.select(".ys-count")] == ["1", "0", "1"], "taking back leaves it too"


def test_what_somebody_changed_between_two_rounds_that_both_wrote_it_stays(session_of: SessionOf, sign_in: SignIn) -> None:
    """The second round writes a child of the record: its entry stands behind the other person's, and taking back still keeps that."""
    from imports.undo_trail import Trail

    browser, session = sign_in(CLERK), session_of()
    desk = partly(browser)
    row = session.scalars(sa.select(Agency)).one()
    row.contact = "别人改的"
    session.commit()
    from app.history import acts

    acts.describe(session, road="import", batch=desk.batch)
    row.remark = "第二轮"
    session.commit()
    trail = Trail(session.connection(), desk.batch)
    (touched,) = trail.touched(Agency)
    assert touched.created
    assert trail.around(Agency, [touched])[row.id].later is not None


def test_a_round_that_is_given_up_leaves_the_batch_as_it_was(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    desk = partly(browser)
    before = of(app, desk)
    mended(desk, correct)
    assert browser.get(desk.path("/undo")).status_code == 404, "first the open round, then back"
    with pytest.raises(Refused, match="先导入或放弃"):
        undo.undo(session_of(), desk.batch)
    browser.post(desk.path(), {"wish": "cancel"})
    after = of(app, desk)
    assert (after.state, after.message, after.rounds) == ("partly", before.message, None)
    assert (after.sha256, after.file_name, after.sheet, after.report, after.counts) == (
        before.sha256, before.file_name, before.sheet, before.report, before.counts,
    )  # fmt: skip
    assert (after.digest, after.notes) == (None, None)
    assert session_of().scalar(sa.select(ImportBatch.content)) is None, "the file that was given up is gone"
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(stored.ImportPart)) == 0
    assert names(session_of()) == ["甲公司"]
    assert browser.get(desk.path("/undo")).status_code == 200


def test_a_round_that_fails_leaves_what_was_written(app: Flask, session_of: SessionOf, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = sign_in(CLERK)
    desk = partly(browser)
    mended(desk, correct)
    monkeypatch.setattr(import_jobs, "commit", lambda *_arguments: 1 / 0)
    desk.confirm()
    assert (of(app, desk).state, of(app, desk).rounds, of(app, desk).file_name) == ("partly", None, "表.xlsx")
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(stored.ImportPart)) == 0
    assert "出错了，没有写入任何内容" in desk.alerts()
    assert "之前写入的照旧" in desk.alerts()
    assert browser.get(desk.path("/undo")).status_code == 200


def test_the_problems_of_a_round_that_is_given_up_are_not_the_batchs(sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    desk = partly(browser)

    def worse(page: Any) -> None:
        page.cell(2, 2).value = "也坏"

    mended(desk, worse)
    browser.post(desk.path(), {"wish": "cancel"})
    assert "第 2 行" not in desk.page().select_one("main").get_text()  # type: ignore[union-attr]
    listed = openpyxl.load_workbook(io.BytesIO(browser.get(desk.path("/errors.xlsx")).data))
    assert "也坏" not in str([list(page.values) for page in listed])


def test_a_row_that_was_left_because_somebody_changed_it_stays_left_in_every_round(session_of: SessionOf, sign_in: SignIn) -> None:
    """Changed between the check and the writing; also after a round that was given up, and in a third."""
    browser, session = sign_in(CLERK), session_of()
    Desk(browser, sheet(HEAD, ["甲公司", credit_code(1), "原来"]), "零.csv").confirm()
    desk = Desk(browser, book(表=[HEAD, ["甲公司", credit_code(1), "表里"], ["乙公司", "坏", "李"], ["丙公司", "坏", "李"]]), "表.xlsx")
    row = session.scalars(sa.select(Agency)).one()
    session.refresh(row)
    row.contact = "别人改的"
    session.commit()
    desk.confirm("skip")
    first = browser.get(desk.path("/answer.xlsx")).data

    def half(page: Any) -> None:
        page.cell(3, 2).value = credit_code(2)

    mended(desk, half)
    assert desk.counts() == [1, 0, 0, 2]
    browser.post(desk.path(), {"wish": "cancel"})
    data = openpyxl.load_workbook(io.BytesIO(first))
    half(data.active)
    out = io.BytesIO()
    data.save(out)
    desk.send(out.getvalue(), "改好.xlsx")
    assert desk.counts() == [1, 0, 0, 2], "what was given up has changed nothing of that"
    assert "上一轮导入之后有人改过这条记录" in desk.page("?outcome=wrong").get_text()
    desk.confirm("skip")

    def whole(page: Any) -> None:
        page.cell(4, 2).value = credit_code(3)

    mended(desk, whole)
    assert desk.counts() == [1, 0, 1, 1]
    desk.confirm("skip")
    session.expire_all()
    assert names(session) == ["甲公司", "乙公司", "丙公司"]
    assert session.get(Agency, row.id).contact == "别人改的"  # type: ignore[union-attr]


def test_what_a_round_wrote_may_be_mended_by_the_next(session_of: SessionOf, sign_in: SignIn) -> None:
    """Its own stamp on a record is no change of somebody else, whether it created the record or only changed it."""
    browser, session = sign_in(CLERK), session_of()
    Desk(browser, sheet(HEAD, ["甲公司", credit_code(1), "原来"]), "零.csv").confirm()
    desk = Desk(browser, book(表=[HEAD, ["甲公司", credit_code(1), "一"], ["乙公司", credit_code(2), "一"], ["丙公司", "坏", "李"]]), "表.xlsx")
    desk.confirm("skip")

    def otherwise(page: Any) -> None:
        page.cell(2, 3).value = page.cell(3, 3).value = "二"
        page.cell(4, 2).value = credit_code(3)

    mended(desk, otherwise)
    assert desk.counts() == [1, 2, 0, 0]
    desk.confirm()
    assert sorted(session.scalars(sa.select(Agency.contact))) == sorted(["二", "二", "李"])


def test_what_the_batch_created_is_not_there_already_where_only_new_ones_are_wanted(sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    Desk(browser, sheet(HEAD, ["丙公司", credit_code(3), "早就有"]), "零.csv").confirm()
    desk = Desk(browser, book(表=[HEAD, ["甲公司", credit_code(1), "王"], ["乙公司", "坏", "李"], ["丙公司", credit_code(3), "新"]]), "表.xlsx")
    browser.post(desk.path("/columns"), desk.form("/columns", mode="insert"))
    assert desk.counts() == [1, 0, 0, 2]
    desk.confirm("skip")
    mended(desk, correct)
    assert desk.counts() == [1, 0, 1, 1], "what was there before the batch is still refused"
    assert "该记录已存在，而本次只新增" in desk.page("?outcome=wrong").get_text()


EXPERTS = [["姓名", "工作单位", "聘任日期"], ["张三", "甲厂", "2024-01-01"], ["张三", "乙厂", "坏日期"]]


def dated(page: Any) -> None:
    page.cell(3, 3).value = "2024-02-01"


def test_a_record_without_a_key_that_somebody_changed_does_not_stand_twice(session_of: SessionOf, sign_in: SignIn) -> None:
    desk = Desk(sign_in(EXPERT_ADMIN), book(表=[EXPERTS[0], EXPERTS[1], ["李四", *EXPERTS[2][1:]]]), "表.xlsx", key="expert")
    desk.confirm("skip")
    session = session_of(EXPERT_ADMIN)
    row = session.scalars(sa.select(Expert)).one()
    session.refresh(row)
    row.unit = "甲厂有限公司"
    session.commit()
    mended(desk, dated)
    assert desk.counts() == [1, 0, 0, 1]
    assert "上一轮导入之后有人改过这条记录" in desk.page("?outcome=wrong").get_text()
    desk.confirm("skip")
    session.expire_all()
    assert sorted(session.execute(sa.select(Expert.name, Expert.unit)).tuples()) == [("张三", "甲厂有限公司"), ("李四", "乙厂")]


def test_two_people_of_one_name_without_a_key_are_two_in_a_further_round(sign_in: SignIn) -> None:
    """The first stands as the file has it, so that the second is not a changed first."""
    desk = Desk(sign_in(EXPERT_ADMIN), book(表=EXPERTS), "表.xlsx", key="expert")
    assert desk.counts() == [1, 0, 0, 1]
    desk.confirm("skip")
    mended(desk, dated)
    assert desk.counts() == [1, 0, 1, 0]


def test_a_record_that_has_got_its_key_since_is_known_by_what_the_file_says(session_of: SessionOf, sign_in: SignIn) -> None:
    desk = Desk(sign_in(EXPERT_ADMIN), book(表=EXPERTS), "表.xlsx", key="expert")
    desk.confirm("skip")
    session = session_of(EXPERT_ADMIN)
    row = session.scalars(sa.select(Expert)).one()
    session.refresh(row)
    row.id_no = "11010519491231002X"
    for key, value in Expert.derive({"id_no": row.id_no}).items():
        setattr(row, field_map(Expert)[key].attr, value)
    session.commit()
    mended(desk, dated)
    assert desk.counts() == [1, 0, 1, 0]


def test_corrections_of_the_page_hold_for_the_file_that_comes_back(sign_in: SignIn) -> None:
    """A cell that was typed on the page, of a row that comes back as it was, is not asked again; of a row that moved nothing is kept."""
    rows = [HEAD, ["甲公司", "坏", "王"], ["乙公司", "坏", "李"], ["丙公司", "坏", "赵"]]
    desk = Desk(sign_in(CLERK), book(表=rows), "表.xlsx")
    desk.type(2, "统一社会信用代码", credit_code(1))
    desk.mend(skip="4")
    assert desk.counts() == [1, 0, 0, 1]
    home = desk.browser.get(desk.path("/answer.xlsx")).data
    mended(desk, correct)
    assert desk.counts() == [2, 0, 0, 0]
    moved = openpyxl.load_workbook(io.BytesIO(home))
    moved.active.delete_rows(2)
    out = io.BytesIO()
    moved.save(out)
    desk.send(out.getvalue(), "挪过.xlsx")
    assert desk.counts()[3] == 2, "nothing that was said of a row is said of another"
    mended_again = book(表=[HEAD, ["甲公司", "坏", "王"], ["丙公司", "坏", "赵"]])
    assert Desk(desk.browser, mended_again, "别的.xlsx").batch != desk.batch, "another file is another batch"


# everybody's --------------------------------------------------------------------------------------


def test_my_imports(sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    assert "您还没有导入过文件" in browser.get("/imports/").text
    desk = Desk(browser, sheet(["机构名称", "统一社会信用代码"], ["甲公司", credit_code(1)]))
    row = BeautifulSoup(browser.get("/imports/").data, "html.parser").select_one(".ys-table tbody tr")
    assert row is not None
    assert (row.a["href"], [cell.get_text(strip=True) for cell in row.find_all("td")][1::2]) == (desk.path(), ["中介机构", "待确认"])  # type: ignore[index]
    assert "新增 1，更新 0，有问题 0 行" in row.get_text()
    assert 'href="/imports/"' in browser.get("/").text
    assert "表.csv" not in sign_in(OTHER_CLERK).get("/imports/").text
    assert browser.get("/imports/?page=x").status_code == 400
    assert "表.csv" not in browser.get("/imports/?page=2").text
    supervisor = sign_in(SUPERVISOR)
    assert supervisor.get("/imports/").status_code in {302, 403}
    assert 'href="/imports/"' not in supervisor.get("/").text
    assert sign_in(VISITOR).get("/imports/").status_code == 302


def _file_of(session: Session, cls: type[Register]) -> bytes:
    made = samples.consistent(cls, samples.values(session, cls, 61), None)
    known = field_map(cls)
    keys = [key for key in {part for each in cls.__keys__ for part in each} | {cls.__label__} if made.get(key) is not None]
    return sheet([str(known[key].label) for key in keys], [known[key].format.dump(made[key]) for key in keys])


#: what somebody imports into
IMPORTED = [key for key, entry in ENTRIES.items() if any(Verb.IMPORT in grant.verbs for grant in entry.rights.values())]


@pytest.mark.parametrize("key", IMPORTED)
def test_every_register_has_the_steps(session_of: SessionOf, sign_in: SignIn, key: str) -> None:
    """A file of the register's own keys: each step opens, and saving step 2 as it is changes no outcome."""
    person = keeper(key)
    browser = sign_in(person)
    desk = Desk(browser, _file_of(session_of(), ENTRIES[key].register), key=key)
    before = desk.counts()
    for step in ("/reading", "/columns", "?outcome=doubtful"):
        desk.page(step)
    options = {each["value"] for each in desk.page("/columns").select("select[name='field.0'] option")}
    assert {"", ENTRIES[key].register.__label__} <= options
    assert desk.browser.post(desk.path("/columns"), desk.form("/columns")).status_code == 302
    assert desk.counts() == before


def test_registers_know_who_keeps_them() -> None:
    assert set(ENTRIES) == {entry.register.__key__ for entry in registry.entries()}
