"""Printed forms: what the Word document says, which templates come in, and what a hostile one cannot do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docx import Document
from flask import Flask

import models  # noqa: F401 - announces the registers and forms
from app import documents, placeholders, word
from app.documents import FormTemplate
from app.register import children, fields
from models.code_lists import FCR_STANDARD
from models.review import Review, StakeholderOpinion, StandardAnswer
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, LEADER, LEGAL, OTHER_CLERK, OWN, PRIVACY_CLERK, SECTION_HEAD, SYSADMIN, VISITOR, Persona
from tests.test_matrix import office_id

SignIn = Callable[[Persona], Browser]
FORM = documents.forms()["review.form"]
PAGE = "/printed-forms/"
HERE = f"{PAGE}review/form/"


def said(data: bytes) -> str:
    """Every text of a document, cells of a row with | between."""
    document = Document(io.BytesIO(data))
    lines = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        for row in table.rows:
            cells = []
            for cell in row.cells:
                if not cells or cell._tc is not cells[-1][0]:
                    cells.append((cell._tc, cell.text))
            lines.append("|".join(text for _tc, text in cells))
    return "\n".join(lines)


def docx(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def repacked(data: bytes, **parts: bytes) -> bytes:
    """The same package with other parts put in."""
    out = io.BytesIO()
    fresh = dict(parts)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            if item.filename not in fresh:
                new.writestr(item.filename, old.read(item))
        for name, content in fresh.items():
            new.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def review(session_of: SessionOf) -> Any:
    session = session_of()
    row = samples.make(session, Review, 350, office_id(session, "基础股"))
    row.document, row.drafter_phone, row.involves_operators = "关于<试点>&推广的通知", "13800009999", True
    answer = samples.make(session, StandardAnswer, 351, parent=row)
    answer.standard_code, answer.answer, answer.clause_text = "9-3", True, "第三条\n第四条"
    opinion = samples.make(session, StakeholderOpinion, 352, parent=row)
    opinion.who = "围场商会{{ 1 }}"
    session.commit()
    return row


@pytest.fixture
def upload(sign_in: SignIn) -> Iterator[Callable[..., Any]]:
    browser = sign_in(LEGAL)

    def send(content: bytes, name: str = "审查表.docx") -> Any:
        return browser.post(f"{HERE}upload", {"file": (io.BytesIO(content), name)}, token_from="/", content_type="multipart/form-data")

    yield send


# the document -------------------------------------------------------------------------------------


def test_the_review_form_says_what_the_record_says(app: Flask, review: Any, sign_in: SignIn) -> None:
    answer = sign_in(CLERK).get(f"/review/{review.id}/form.docx")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype.endswith("wordprocessingml.document")
    text = said(answer.data)
    assert "公平竞争审查表" in text
    assert "填报单位：基础股" in text
    assert "政策措施名称|关于<试点>&推广的通知" in text, "text stays text"
    assert "是否涉及经营者经济活动|☑是　□否" in text
    assert "围场商会{{ 1 }}" in text, "what a record says is never run as a template"
    labels = {word_.code: word_.label for word_ in FCR_STANDARD.words}
    for code, label in labels.items():
        line = next(line for line in text.split("\n") if line.startswith(f"{code}|"))
        assert label in line
        assert ("☑是" in line) == (code == "9-3"), "every standard of the law stands there, answered or not"
    assert "{{" not in text.replace("{{ 1 }}", "")


def test_the_form_is_masked_and_in_scope(app: Flask, review: Any, sign_in: SignIn) -> None:
    address = f"/review/{review.id}/form.docx"
    for person in (CLERK, PRIVACY_CLERK):
        text = said(sign_in(person).get(address).data)
        assert "13800009999" not in text
        assert "138****9999" in text
    assert sign_in(OTHER_CLERK).get(address).status_code == 404
    assert sign_in(VISITOR).get(address).status_code in {302, 403}
    assert sign_in(CLERK).get(f"/review/{review.id}/other.docx").status_code == 404


@pytest.mark.one_database
def test_the_form_is_chinese_whatever_language_is_on(app: Flask, review: Any, sign_in: SignIn) -> None:
    browser = sign_in(CLERK)
    browser.get("/lang/en")
    text = said(browser.get(f"/review/{review.id}/form.docx").data)
    assert "☑是　□否" in text
    assert "Yes" not in text


def test_every_field_has_its_placeholder(app: Flask, session_of: SessionOf) -> None:
    own, lists = placeholders.described(FORM)
    printed = [declared for declared in fields(Review) if declared.format.name != "file"]
    assert [named.label for named in own] == [str(declared.label) for declared in printed]
    assert [kind.title for kind in lists] == [str(kind.__title__) for kind in children(Review)]
    names = [named.name for named in own]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    values = placeholders.sample(session_of(LEGAL), FORM, "法规股")
    for named in own:
        assert {named.name, *filter(None, (named.ticks, named.code))} <= values.keys()
    for kind in lists:
        for named in kind.fields:
            wanted = {each.removeprefix("行.") for each in (named.name, named.ticks, named.code) if each}
            assert wanted <= values[kind.name][0].keys()


def test_keys_work_beside_labels(app: Flask, review: Any, session_of: SessionOf) -> None:
    values = placeholders.filled(session_of(CLERK), FORM, review, "基础股")
    made = word.fill(docx("{{ review_no }} {{ 审查编号 }} {% for each in answers %}{{ each.clause_text }}{% endfor %}"), values)
    assert said(made).startswith(f"{review.review_no} {review.review_no} ")


# templates of staff -------------------------------------------------------------------------------


def test_a_template_goes_through_upload_trial_use_and_back(app: Flask, review: Any, sign_in: SignIn, session_of: SessionOf) -> None:
    browser, clerk = sign_in(SECTION_HEAD), sign_in(CLERK)
    mine = docx("本局的表：{{ 审查编号 }}　{{ 审查结论_勾选 }}")
    answer = browser.post(f"{HERE}upload", {"file": (io.BytesIO(mine), "新表.docx")}, token_from="/", content_type="multipart/form-data")
    assert answer.status_code == 302, answer.text
    [kept] = documents.history(session_of(), FORM)
    assert (kept.original_name, kept.in_use, kept.uploaded_by) == ("新表.docx", False, SECTION_HEAD.username)
    address = f"/review/{review.id}/form.docx"
    assert "本局的表" not in said(clerk.get(address).data), "not before somebody says so"
    tried = browser.get(f"{HERE}sample.docx?id={kept.id}")
    assert said(tried.data).startswith("本局的表：〔审查编号〕")
    assert browser.get(f"{HERE}template.docx?id={kept.id}").data == mine
    assert browser.post(f"{HERE}use", {"id": kept.id}, token_from="/").status_code == 302
    assert said(clerk.get(address).data).startswith(f"本局的表：{review.review_no}")
    assert browser.get(f"{HERE}template.docx").data == mine
    page = browser.get(PAGE).text
    assert "现在使用：新表.docx（钱股长" in page
    browser.post(f"{HERE}use", {"id": ""}, token_from="/")
    assert "本局的表" not in said(clerk.get(address).data)
    assert "政策措施名称" in said(browser.get(f"{HERE}template.docx").data)
    assert len(documents.history(session_of(), FORM)) == 1, "earlier templates are kept"


def test_one_template_at_most_is_in_use(app: Flask, session_of: SessionOf) -> None:
    session = session_of(LEGAL)
    first, second = (documents.keep(session, FORM, f"{name}.docx", docx(name)) for name in ("一", "二"))
    documents.use(session, FORM, first)
    documents.use(session, FORM, second)
    session.commit()
    assert [each.original_name for each in documents.history(session_of(), FORM) if each.in_use] == ["二.docx"]


@pytest.mark.parametrize(("person", "may"), [(SECTION_HEAD, True), (LEGAL, True), (SYSADMIN, True), (CLERK, False), (LEADER, False), (VISITOR, False)])
def test_who_keeps_the_templates(app: Flask, sign_in: SignIn, session_of: SessionOf, person: Persona, may: bool) -> None:
    browser = sign_in(person)
    token_from = "/" if person.username else "/login/"
    for address in (PAGE, f"{HERE}template.docx", f"{HERE}sample.docx", f"{HERE}template.docx?shipped=1"):
        assert (browser.get(address).status_code == 200) == may, address
    browser.post(f"{HERE}upload", {"file": (io.BytesIO(docx("x")), "x.docx")}, token_from=token_from, content_type="multipart/form-data")
    assert bool(documents.history(session_of(), FORM)) == may
    browser.post(f"{HERE}use", {"id": "1"}, token_from=token_from)
    assert any(each.in_use for each in documents.history(session_of(), FORM)) == may


def test_a_form_of_others_answers_nobody_else(app: Flask, sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of(LEGAL)
    stray = FormTemplate(form="agency.card", original_name="x.docx", content=b"", size=0, sha256="", uploaded_by="x", in_use=False)
    session.add(stray)
    session.commit()
    browser = sign_in(LEGAL)
    assert browser.get(f"{HERE}template.docx?id={stray.id}").status_code == 404
    assert browser.get(f"{HERE}template.docx?id=1x").status_code == 404
    assert browser.get(f"{PAGE}agency/card/template.docx").status_code == 404


# what is refused ----------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("{{ 审查编码 }}", "“审查编码”不是这份表的占位符"),
        ("{% for 行 in 利害关系人意见 %}{{ 行.征求人 }}{% endfor %}", "“征求人”不是这份表的占位符"),
        ("{% if 审查编号 %}{{ 打错 }}{% endif %}", "“打错”不是这份表的占位符"),
        ("{{ 审查编号 ", "花括号"),
        ("{% for 行 in 竞争影响评估 %}{{ 行.序号 }}", "花括号"),
        ("{{ ''.__class__ }}", "“__class__”不是"),
        ("{{ 审查编号.__class__.__mro__ }}", "“__class__”不是"),
        ("{{ ''['__class__'] }}", "“__class__”不是"),
        ("{{ 审查编号|attr('__class__') }}", "attr"),
        ("{{ 审查编号|safe }}", "safe"),
        ("{{ self._TemplateReference__context }}", "不是"),
        ("{{ 审查编号.upper() }}", "“upper”不允许使用"),
        ("{{ range(3) }}", "“range”不允许使用"),
        ("{{ lipsum.__globals__.os.popen('id').read() }}", "不允许使用"),
        ("{% include '/etc/passwd' %}", "“Include”不允许使用"),
        ("{% import 'os' as os %}", "“Import”不允许使用"),
        ("{% macro f() %}{% endmacro %}", "“Macro”不允许使用"),
    ],
)
def test_a_template_with_a_wrong_placeholder_is_refused_by_name(app: Flask, upload: Any, session_of: SessionOf, written: str, why: str) -> None:
    answer = upload(docx(written))
    assert answer.status_code == 422
    assert why in answer.text
    assert not documents.history(session_of(), FORM)


@pytest.mark.one_database
@pytest.mark.parametrize(
    "written",
    [
        "{% for a in 'x' * 99999 %}{% for b in 'x' * 99999 %}{% for c in 'x' * 99999 %}{% endfor %}{% endfor %}{% endfor %}",
        "{{ 'x' * 9999999999 }}",
        "{{ 9 ** (9 ** 9) }}",
    ],
    ids=["endless", "memory", "power"],
)
def test_a_template_without_end_is_ended(app: Flask, upload: Any, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setattr(word, "SECONDS", 2)
    answer = upload(docx(written))
    assert answer.status_code == 422
    assert "时间或内存太多" in answer.text or "不是完整的 Word 文档" in answer.text
    assert not documents.history(session_of(), FORM)


def bomb() -> bytes:
    return repacked(docx("x"), **{"word/more.xml": b"0" * (word.MOST_UNPACKED + 1)})


HOSTILE = {
    "text": (b"hello", "这不是 Word 文档"),
    "empty": (b"", "这不是 Word 文档"),
    "zip": (repacked(docx("x"), x=b"y")[:200], "这不是 Word 文档"),
    "old": (b"\xd0\xcf\x11\xe0" + b"\0" * 2000, "这不是 Word 文档"),
    "bomb": (bomb(), "解压后太大"),
    "macro": (repacked(docx("x"), **{"word/vbaProject.bin": b"x"}), "有宏"),
    "embedded": (repacked(docx("x"), **{"word/embeddings/a.bin": b"x"}), "嵌入的文件"),
    "outside": (
        repacked(docx("x"), **{"word/_rels/a.rels": b'<Relationship Type="x/image" Target="http://evil.example/x.png" TargetMode="External"/>'}),
        "引用了文件以外的内容",
    ),
    "entity": (repacked(docx("x"), **{"word/footnotes.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}), "引用了文件以外的内容"),
}


@pytest.mark.one_database
@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_honest_word_file_is_refused(app: Flask, upload: Any, session_of: SessionOf, kind: str) -> None:
    content, why = HOSTILE[kind]
    answer = upload(content)
    assert answer.status_code == 422
    assert why in answer.text
    assert not documents.history(session_of(), FORM)


def test_a_template_has_a_size() -> None:
    with pytest.raises(word.BadTemplate, match="不能超过 2 MB"):
        word.inspect(docx("x") + b"\0" * word.MOST_UPLOAD)


def test_no_file_is_asked_for(app: Flask, sign_in: SignIn) -> None:
    answer = sign_in(LEGAL).post(f"{HERE}upload", {}, token_from="/", content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "请先选择" in answer.text


def test_markup_in_a_record_stays_text(app: Flask, session_of: SessionOf) -> None:
    made = word.fill(docx("{{ a }}|{{ b }}"), {"a": "</w:t></w:r><w:r><w:t>x", "b": "{{ a }}{% if %}&amp;"})
    assert said(made) == "</w:t></w:r><w:r><w:t>x|{{ a }}{% if %}&amp;"


def test_a_stored_template_that_no_longer_fits_says_so(app: Flask, review: Any, sign_in: SignIn, session_of: SessionOf) -> None:
    """A field that is gone: the print says which, nothing breaks, the shipped template is one click away."""
    session = session_of(LEGAL)
    documents.use(session, FORM, documents.keep(session, FORM, "旧.docx", docx("{{ 取消了的栏目 }}")))
    session.commit()
    answer = sign_in(CLERK).get(f"/review/{review.id}/form.docx")
    assert answer.status_code == 409
    assert "取消了的栏目" in answer.text


def test_the_records_page_offers_its_document_to_those_who_may_take_it(session_of: SessionOf, sign_in: Callable[[Persona], Browser]) -> None:
    session = session_of()
    row = samples.make(session, Review, 31, office_id(session, OWN), published=True)
    link = f"/review/{row.id}/form.docx"
    assert link in sign_in(CLERK).get(f"/review/show/{row.id}").text
    assert link not in sign_in(VISITOR).get(f"/review/show/{row.id}").text
