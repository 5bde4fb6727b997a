"""Files that come in: attachments of a record, workbooks for import."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

import config
from app.attachments import Attachment
from imports.batch import ImportBatch
from models.agency import Agency
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, LEGAL, OTHER_CLERK, OWN, PRIVACY_CLERK, Persona
from tests.test_matrix import office_id
from tests.test_pages import agency as agency  # noqa: PLC0414 - a fixture
from tests.test_pages import kept, page_of, send_file

SignIn = Callable[[Persona], Browser]


# files --------------------------------------------------------------------------------------------


def test_a_file_keeps_its_chinese_name_and_its_record_keeps_it(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    send_file(browser, agency, "..\\资质证书 扫描件.PDF", b"%PDF-1.7 test")
    stored = kept(app, sa.select(Attachment))
    assert stored.original_name == "资质证书 扫描件.PDF"
    assert not re.search(r"[^0-9a-f]", stored.stored_name)
    answer = browser.get(f"/agency/{agency.id}/files/{stored.id}")
    assert answer.data == b"%PDF-1.7 test"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert sign_in(OTHER_CLERK).get(f"/agency/{agency.id}/files/{stored.id}").status_code == 404
    assert browser.get(f"/agency/{agency.id + 1}/files/{stored.id}").status_code == 404
    assert browser.post(f"/agency/{agency.id}/files/{stored.id}/void", token_from=f"/agency/show/{agency.id}").status_code == 302
    assert browser.get(f"/agency/{agency.id}/files/{stored.id}").status_code == 404


@pytest.mark.parametrize(
    ("name", "data"), [("页面.html", b"<script>"), ("证书.pdf", b"MZ not a pdf"), ("表.xlsx", b"PK\x03\x04broken"), ("空.txt", b""), ("无扩展名", b"x")]
)
def test_files_that_are_not_what_they_say_are_refused(app: Flask, agency: Any, sign_in: SignIn, name: str, data: bytes) -> None:
    browser = sign_in(CLERK)
    send_file(browser, agency, name, data)
    assert kept(app, sa.select(sa.func.count(Attachment.id))) == 0
    assert page_of(browser, f"/agency/show/{agency.id}").select_one(".alert-danger").get_text(strip=True)


# import -------------------------------------------------------------------------------------------


def bring(browser: Browser, name: str, data: bytes | None = None, key: str = "agency") -> Any:
    if data is None:
        data = (config.ROOT / "tests" / "workbooks" / name).read_bytes()
    answer = browser.post(f"/{key}/import", {"file": (io.BytesIO(data), name), "mode": "upsert"}, content_type="multipart/form-data")
    if "Location" in answer.headers:  # to the check, whatever step it leads to
        answer.headers["Location"] = re.sub(r"/(columns|reading)$", "", answer.headers["Location"])
    return answer


def test_an_import_from_upload_to_result(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    path = bring(browser, "中介机构名录.xlsx").headers["Location"]
    page = page_of(browser, path)
    counts = {each.get_text(" ", strip=True).split(" ")[1]: int(each.b.get_text()) for each in page.select(".ys-count")}
    assert (counts["新增"], counts["有问题"]) == (14, 0)
    assert kept(app, sa.select(sa.func.count(Agency.id))) == 0, "a preview writes nothing"
    digest = page.find("input", {"name": "digest"})["value"]
    assert browser.post(path, {"digest": digest, "bad_rows": "stop"}).status_code == 302
    assert kept(app, sa.select(sa.func.count(Agency.id))) == 14
    assert "已完成" in page_of(browser, path).select_one(".alert-success").get_text()
    assert browser.post(path, {"digest": digest, "bad_rows": "stop"}, token_from="/").status_code == 409
    assert sign_in(PRIVACY_CLERK).get(path).status_code == 404, "a batch is its operator's"


def test_good_rows_only_and_the_list_of_errors(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    path = bring(browser, "中介机构名录_有错.xlsx").headers["Location"]
    page = page_of(browser, path)
    assert [row.td.get_text(" ", strip=True) for row in page.select(".ys-table tbody tr")] == [f"第 {number} 行" for number in range(3, 10)]
    sheet = openpyxl.load_workbook(io.BytesIO(browser.get(f"{path}/errors.xlsx").data)).active
    assert [row[2] for row in sheet.iter_rows(min_row=2, values_only=True)] == list(range(3, 10))
    digest = page.find("input", {"name": "digest"})["value"]
    assert browser.post(path, {"digest": digest, "bad_rows": "stop"}).status_code == 422
    assert kept(app, sa.select(sa.func.count(Agency.id))) == 0
    assert browser.post(path, {"digest": digest, "bad_rows": "skip"}).status_code == 302
    assert kept(app, sa.select(sa.func.count(Agency.id))) == 1


def test_what_was_registered_since_the_preview_is_left_and_named(app: Flask, session_of: SessionOf, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    path = bring(browser, "中介机构名录.xlsx").headers["Location"]
    digest = page_of(browser, path).find("input", {"name": "digest"})["value"]
    session = session_of()
    row = samples.make(session, Agency, 41, office_id(session, OWN))
    row.uscc, name = "91130828MA0000NH2A", row.name
    session.commit()
    assert browser.post(path, {"digest": digest, "bad_rows": "stop"}).status_code == 302
    page = page_of(browser, path)
    assert "部分完成" in page.select_one(".alert").get_text()
    assert re.search(r"第 \d+ 行", page.select_one(".ys-stale").get_text(" "))
    assert kept(app, sa.select(Agency.name).where(Agency.uscc == "91130828MA0000NH2A")) == name
    assert kept(app, sa.select(sa.func.count(Agency.id))) == 14


@pytest.mark.parametrize(("name", "data"), [("坏.xlsx", b"not a workbook"), ("空.csv", b""), ("图.png", b"\x89PNG\r\n\x1a\n")])
def test_a_file_that_cannot_be_read_gets_a_sentence(app: Flask, sign_in: SignIn, name: str, data: bytes) -> None:
    answer = bring(sign_in(CLERK), name, data)
    assert answer.status_code == 422
    assert BeautifulSoup(answer.data, "html.parser").select_one(".alert-danger").get_text(strip=True)
    assert kept(app, sa.select(sa.func.count(ImportBatch.id))) == 0


# odd files ----------------------------------------------------------------------------------------


def _bent(data: bytes, number: int) -> bytes:
    """A real file cut short, with bytes changed, doubled, or with something in front: another way for each number, always the same."""
    chance = random.Random(number)
    place = chance.randrange(1, max(2, len(data)))
    ways = (
        lambda: data[:place],
        lambda: data[:place] + bytes(chance.randrange(256) for _each in range(8)) + data[place + 8 :],
        lambda: bytes(chance.randrange(256) for _each in range(place % 2000)),
        lambda: data[place:],
        lambda: data + data[:place],
        lambda: data[:place] + b"\x00" * 200 + data[place:],
        lambda: bytes(byte ^ (1 << chance.randrange(8)) if chance.random() < 0.001 else byte for byte in data),
    )
    return ways[number % len(ways)]()


def _real() -> list[tuple[str, bytes]]:
    folder = config.ROOT / "tests" / "workbooks"
    files = [*sorted(folder.glob("*.xls*")), *sorted(folder.glob("*.csv")), *sorted((config.ROOT / "models").rglob("*.docx"))]
    return [(path.name, path.read_bytes()) for path in files]


@pytest.mark.one_database
@pytest.mark.parametrize("where", ["import", "files", "template"])
def test_no_odd_file_ends_in_a_fault(agency: Any, sign_in: SignIn, where: str) -> None:
    """Hundreds of bent and foreign files on each of the three roads: taken, or refused in words."""
    browser = sign_in(CLERK if where != "template" else LEGAL)
    real, token = _real(), browser.token("/")
    path = {"import": "/agency/import", "files": f"/agency/{agency.id}/files", "template": _form_upload(browser)}[where]
    ends = {"import": ("xlsx", "xls", "csv", "ods", "xlsb"), "files": ("pdf", "docx", "xlsx", "zip", "jpg", "txt", "html"), "template": ("docx", "doc")}[where]
    for number in range(140):
        name, data = real[number % len(real)]
        ending = ends[number % len(ends)] if number % 3 else name.rpartition(".")[2]
        form = {"csrf_token": token, "mode": "upsert", "file": (io.BytesIO(_bent(data, number)), f"文件{number}.{ending}")}
        answer = browser.client.post(path, data=form, content_type="multipart/form-data")
        assert answer.status_code in {201, 302, 409, 413, 422}, (number, name, ending, answer.status_code)
        assert "Traceback" not in answer.get_data(as_text=True)


def _form_upload(browser: Browser) -> str:
    page = BeautifulSoup(browser.get("/printed-forms/").data, "html.parser")
    return next((form["action"] for form in page.find_all("form") if form.get("action", "").endswith("/upload")), "")


@pytest.mark.parametrize("path", ["/agency/import", "/agency/show/{}", "/printed-forms/"])
def test_the_limit_is_said_before_anybody_chooses_a_file(agency: Any, sign_in: SignIn, path: str) -> None:
    browser = sign_in(LEGAL if path == "/printed-forms/" else CLERK)
    page = page_of(browser, path.format(agency.id))
    assert re.search(r"不超过 \d+ MB", page.main.get_text())


def test_files_lie_outside_what_the_web_serves_under_names_that_say_nothing(app: Flask, agency: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    send_file(browser, agency, "../../static/evil.pdf", b"%PDF-1.7 evil")
    stored = kept(app, sa.select(Attachment))
    (path,) = [each for each in Path(app.config["FILES_PATH"]).rglob("*") if each.is_file() and each.name == stored.stored_name]
    assert re.fullmatch(r"[0-9a-f]{40}", path.name)
    assert not path.is_relative_to(Path(app.static_folder or ""))
    assert "evil" not in str(path)
    answer = browser.get(f"/agency/{agency.id}/files/{stored.id}")
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Content-Disposition"][:11]) == ("nosniff", "attachment;")


# the answer workbook ------------------------------------------------------------------------------


def mended(content: bytes, mend: Callable[[Any], None]) -> bytes:
    """The answer workbook as its person sends it back."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    mend(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_file_with_wrong_rows_is_taken_home_mended_and_goes_on_as_the_same_batch(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    path = bring(browser, "中介机构名录_有错.xlsx").headers["Location"]
    assert page_of(browser, path).select_one("a[href$='answer.xlsx']")
    content = browser.get(f"{path}/answer.xlsx").data
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    places = {cell.value: cell.column for cell in sheet[1]}
    said = {row: sheet.cell(row, places["错误说明"]).value for row in range(2, sheet.max_row + 1)}
    assert [row for row, text in said.items() if text] == list(range(3, 10))
    red = [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment]
    assert red, "each wrong cell carries its sentence"

    def mend(sheet: Any) -> None:
        for row in range(9, 2, -1):
            if row != 5:
                sheet.delete_rows(row)
        sheet.cell(3, places["机构名称"]).value = "补上的名称"

    again = bring(browser, "名录 改好.xlsx", mended(content, mend)).headers["Location"]
    assert again == path, "the same batch goes on"
    page = page_of(browser, path)
    digest = page.find("input", {"name": "digest"})["value"]
    assert browser.post(path, {"digest": digest, "bad_rows": "stop"}).status_code == 302
    assert kept(app, sa.select(sa.func.count(ImportBatch.id))) == 1
    assert "补上的名称" in kept(
        app,
        sa.select(sa.func.group_concat(Agency.name) if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite") else sa.func.string_agg(Agency.name, ",")),
    )


def test_only_the_wrong_rows_are_taken_home(sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    path = bring(browser, "中介机构名录_有错.xlsx").headers["Location"]
    sheet = openpyxl.load_workbook(io.BytesIO(browser.get(f"{path}/answer.xlsx?only=wrong").data)).active
    assert sheet.row_dimensions[2].hidden
    assert not [cell.value for cell in sheet[2] if cell.value]
    assert [row for row in range(3, 10) if sheet.row_dimensions[row].hidden] == []


def test_an_answer_of_somebody_else_is_a_file_like_any_other(app: Flask, sign_in: SignIn) -> None:
    mine, other = sign_in(CLERK), sign_in(PRIVACY_CLERK)
    path = bring(mine, "中介机构名录_有错.xlsx").headers["Location"]
    content = mine.get(f"{path}/answer.xlsx").data
    assert other.get(f"{path}/answer.xlsx").status_code == 404
    assert bring(other, "别人的.xlsx", content).headers["Location"] != path
    clean = bring(mine, "中介机构名录.xlsx").headers["Location"]
    assert mine.get(f"{clean}/answer.xlsx").status_code == 404, "there is nothing to mend"


def test_an_older_template_says_what_is_new(sign_in: SignIn) -> None:
    """A template from before the column 备注 came to be: the file goes in, and the preview says what it does not have."""
    browser = sign_in(CLERK)
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/agency/template.xlsx").data))
    sheet = book.worksheets[0]
    places = {str(cell.value).rstrip("*").strip(): cell.column for cell in sheet[1]}
    sheet.cell(3, places["机构名称"]).value, sheet.cell(3, places["统一社会信用代码"]).value = "模板一家", "91130828MA0000NH2A"
    sheet.delete_cols(places["备注"])
    for each in book.custom_doc_props.props:
        each.value = "agency/00000000" if each.name == "yingshang-template" else re.sub(r"(^| )remark\b", "", each.value)
    out = io.BytesIO()
    book.save(out)
    page = page_of(browser, bring(browser, "旧模板.xlsx", out.getvalue()).headers["Location"])
    assert "模板是旧版：新增了“备注”，本次没有填" in page.select_one(".alert").get_text()
    counts = {each["href"]: each.b.get_text() for each in page.select(".ys-count[href]")}
    assert counts["?outcome=new"] == "1"
