"""The 公平竞争审查表 as the product brings it: labels and placeholders come from the register's fields."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

from app.documents import PrintedForm, announce
from app.language import _l, chinese
from app.placeholders import CODE, NUMBER, TICKS, name_of
from app.register import field_of
from models.review import Review, StakeholderOpinion, StandardAnswer

TITLE = _l("公平竞争审查表")
#: a part of the form: attributes, and whether each is answered by ticking
Block = tuple[tuple[Any, bool], ...]
_MEASURE: Block = (
    (Review.document, False), (Review.review_no, False), (Review.draft_version, False), (Review.nature, True), (Review.issue_level, True),
    (Review.involves_operators, True), (Review.not_involved_reason, False), (Review.sectors, False),
)  # fmt: skip
_PEOPLE = (
    (Review.drafting_unit_id, Review.drafter, Review.drafter_phone),
    (Review.reviewing_unit_id, Review.reviewer, Review.reviewer_phone),
)
_CONSULTED: Block = ((Review.consult_mode, True), (Review.consult_detail, False), (Review.expert_opinion, False))
_CONCLUDED: Block = (
    (Review.effect, True), (Review.exception_used, True), (Review.exception_ground, True), (Review.necessity, False), (Review.period_end, False),
    (Review.end_condition, False), (Review.conclusion, True), (Review.conclusion_text, False),
)  # fmt: skip
_SIGNED: Block = ((Review.head_opinion, False), (Review.signed_on, False))
_JOINT: Block = ((Review.joint_sent_on, False), (Review.joint_result, True), (Review.joint_opinion_no, False))
_ANSWERS = (StandardAnswer.standard_code, StandardAnswer.answer, StandardAnswer.clause_text, StandardAnswer.explanation)
_OPINIONS = (StakeholderOpinion.who, StakeholderOpinion.kind, StakeholderOpinion.region, StakeholderOpinion.opinion, StakeholderOpinion.adopted)
GRID = 12  # columns into which the table is cut


def label(attribute: Any) -> str:
    """The field's label, as it stands beside its value."""
    return chinese(field_of(attribute).label)


def placeholder(attribute: Any, ticks: bool = False, row: str = "") -> str:
    """Where the field's value goes."""
    return "{{ " + row + name_of(field_of(attribute).label) + (TICKS if ticks else "") + " }}"


@cache
def shipped() -> bytes:
    """The template as a Word file; it takes longer to make than to fill in."""
    from docx import Document  # half a second of imports that only a printing process needs

    document: Any = Document()
    _page(document)
    _title(document)
    table = document.add_table(rows=0, cols=GRID)
    table.style, table.autofit = "Table Grid", False
    for attribute, ticks in _MEASURE:
        _pair(table, attribute, ticks)
    for trio in _PEOPLE:
        _row(
            table,
            [(label(trio[0]), 2), (placeholder(trio[0]), 3), (label(trio[1]), 2), (placeholder(trio[1]), 2), (label(trio[2]), 1), (placeholder(trio[2]), 2)],
        )
    _section(table, "征求意见情况")
    for attribute, ticks in _CONSULTED:
        _pair(table, attribute, ticks)
    _listed(table, StakeholderOpinion, _OPINIONS, (1, 3, 1, 1, 4, 2))
    _section(table, "竞争影响评估（《公平竞争审查条例》第八条至第十一条）")
    _answers(table)
    _section(table, "审查结论")
    for attribute, ticks in (*_CONCLUDED, *_SIGNED):
        _pair(table, attribute, ticks)
    _section(table, "市场监管部门会审（政府出台的政策措施填写）")
    for attribute, ticks in _JOINT:
        _pair(table, attribute, ticks)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _page(document: Any) -> None:
    """A4 upright, 宋体, page numbers below."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    section.top_margin = section.bottom_margin = Cm(2)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "宋体", Pt(10.5)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "宋体")
    style.paragraph_format.space_after = Pt(0)
    below = section.footer.paragraphs[0]
    below.alignment = 1
    for text, code in (("第 ", "PAGE"), (" 页　共 ", "NUMPAGES"), (" 页", "")):
        below.add_run(text)
        if code:
            counted = OxmlElement("w:fldSimple")
            counted.set(qn("w:instr"), code)
            run, number = OxmlElement("w:r"), OxmlElement("w:t")
            number.text = "1"  # until the program counts
            run.append(number)
            counted.append(run)
            below._p.append(counted)  # noqa: SLF001 - python-docx has no other way to a field


def _title(document: Any) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    heading = document.add_paragraph()
    heading.alignment = 1
    run = heading.add_run("{{ 表名 }}")
    run.font.size, run.font.bold, run.font.name = Pt(20), True, "黑体"
    run._element.rPr.rFonts.set(qn("w:eastAsia"), "黑体")  # noqa: SLF001 - the font of Chinese letters
    document.add_paragraph("填报单位：{{ 填报单位 }}　　　　　　打印日期：{{ 打印日期 }}")


def _row(table: Any, cells: Sequence[tuple[str, int]], bold: bool = False) -> None:
    """A row of cells, each over some columns of the grid."""
    row = table.add_row()
    place = 0
    for text, span in cells:
        cell = row.cells[place].merge(row.cells[place + span - 1]) if span > 1 else row.cells[place]
        cell.text = ""
        run = cell.paragraphs[0].add_run(text)
        run.bold = bold
        place += span


def _pair(table: Any, attribute: Any, ticks: bool) -> None:
    _row(table, [(label(attribute), 3), (placeholder(attribute, ticks), GRID - 3)])


def _section(table: Any, text: str) -> None:
    _row(table, [(text, GRID)], bold=True)


def _listed(table: Any, kind: Any, attributes: Sequence[Any], spans: Sequence[int]) -> None:
    """A row for each child, between the two rows that repeat it."""
    _row(table, [(NUMBER, spans[0]), *((label(each), span) for each, span in zip(attributes, spans[1:], strict=True))])
    _row(table, [("{%tr for 行 in " + name_of(kind.__title__) + " %}", GRID)])
    _row(table, [("{{ 行." + NUMBER + " }}", spans[0]), *((placeholder(each, row="行."), span) for each, span in zip(attributes, spans[1:], strict=True))])
    _row(table, [("{%tr endfor %}", GRID)])


def _answers(table: Any) -> None:
    """Every standard of the law, answered by ticking."""
    spans = (1, 5, 2, 2, 2)
    code = "{{ 行." + name_of(field_of(StandardAnswer.standard_code).label) + CODE + " }}"
    cells = [code, *(placeholder(each, ticks=each is StandardAnswer.answer, row="行.") for each in _ANSWERS)]
    _row(table, [(text, span) for text, span in zip(("条款", *map(label, _ANSWERS)), spans, strict=True)])
    _row(table, [("{%tr for 行 in " + name_of(StandardAnswer.__title__) + " %}", GRID)])
    _row(table, list(zip(cells, spans, strict=True)))
    _row(table, [("{%tr endfor %}", GRID)])


announce(PrintedForm(Review, "form", TITLE, shipped, whole=(StandardAnswer.standard_code,)))
