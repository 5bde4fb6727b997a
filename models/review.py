"""公平竞争审查: no measure that affects operators goes out without it (公平竞争审查条例)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.fields import (
    CodeText,
    Count,
    Day,
    DocumentNumber,
    File,
    Gate,
    Line,
    Mobile,
    Name,
    Person,
    Prose,
    Until,
    YesNo,
    field,
    link,
    one_of,
    some_of,
    state,
)
from app.formats import State
from app.language import _l
from app.register import Child, Problem, Register
from models.code_lists import (
    ADOPTION,
    CONSULT_MODE,
    CORRECTIVE,
    FCR_CONCLUSION,
    FCR_EXCEPTION,
    FCR_STANDARD,
    FCR_STANDARD_SET,
    ISSUE_LEVEL,
    JOINT_RESULT,
    LOCALITY,
    MEASURE_NATURE,
    SECTOR,
    STAKEHOLDER_KIND,
    SUPERVISION_ORIGIN,
)
from models.rules import in_order, none_of

# SQLAlchemy reads a required column's declaration only from a named annotation
StandardSet = Annotated[str, one_of(FCR_STANDARD_SET)]
StandardCode = Annotated[str, one_of(FCR_STANDARD)]
SupervisionOrigin = Annotated[str, one_of(SUPERVISION_ORIGIN)]

#: codes of conclusions that rules depend on
NOT_CONCERNED, EXCEPTED = "A", "D"
#: the set of standards in force: 条例 (2024-08-01) with 实施办法 (2025-04-20)
CURRENT_SET = "2024"


class ReviewStage(State):
    """The way of a review; measures of the county government go through the joint review."""

    SCOPING = "scoping", _l("判断是否涉及")
    FIRST = "first", _l("初审")
    CONSULTING = "consulting", _l("征求意见")
    ASSESSING = "assessing", _l("评估")
    CONCLUDED = "concluded", _l("结论")
    SIGNING = "signing", _l("负责人签署")
    JOINT = "joint", _l("送会审")
    SUPPLEMENT = "supplement", _l("补正")
    MAY_ISSUE = "may_issue", _l("可出台")
    REDO = "redo", _l("修改后重审")
    MUST_NOT = "must_not", _l("不得出台")
    ISSUED = "issued", _l("出台")
    ARCHIVED = "archived", _l("归档")
    EVALUATING = "evaluating", _l("例外逐年评估")
    ENDED = "ended", _l("终止")


class Review(Register):
    """公平竞争审查."""

    __tablename__ = "review"
    __key__ = "review"
    __title__ = _l("公平竞争审查")
    __keys__ = (("review_no",),)
    __label__ = "document"

    review_no: Mapped[CodeText] = field(_l("审查编号"), aliases=("审查文号", "编号"), listed=True, search=True)
    document: Mapped[Line] = field(
        _l("政策措施名称"), aliases=("文件名称", "政策名称", "审查文件名称", "政策文件名称", "名称"), listed=True, search=True, public=True
    )
    doc_no: Mapped[DocumentNumber | None] = field(_l("文号"), aliases=("发文字号", "文件编号"), search=True)
    policy_id: Mapped[Annotated[int, link("policy")] | None] = field(_l("对应政策文件"), index=True, named_by=("doc_no", "document"))
    draft_version: Mapped[Name | None] = field(_l("送审稿版本"), aliases=("版本",), needed="conclude")
    involves_operators: Mapped[YesNo | None] = field(
        _l("是否涉及经营者经济活动"), aliases=("是否涉及市场主体经济活动", "涉及经营者经济活动"), needed="conclude", listed=True, filtered=True
    )
    not_involved_reason: Mapped[Prose | None] = field(_l("不涉及的理由"))
    sectors: Mapped[Annotated[list[str], some_of(SECTOR)] | None] = field(_l("涉及行业领域"), aliases=("行业领域",), needed="conclude")
    nature: Mapped[Annotated[str, one_of(MEASURE_NATURE)] | None] = field(_l("性质"), aliases=("政策措施性质", "文件性质"), needed="conclude", filtered=True)
    issue_level: Mapped[Annotated[str, one_of(ISSUE_LEVEL)] | None] = field(_l("出台层级"), needed="conclude", filtered=True)
    stage: Mapped[Annotated[str, state(ReviewStage)] | None] = field(_l("审查阶段"), gate=Gate.APPROVAL, default=ReviewStage.SCOPING.value, filtered=True)

    drafting_unit_id: Mapped[Annotated[int, link("org_unit")] | None] = field(
        _l("起草股室"),
        aliases=("起草机构", "起草单位", "起草部门", "起草科室"),
        needed="conclude", listed=True, filtered=True, index=True, section=_l("起草和审查"),
    )  # fmt: skip
    drafter: Mapped[Person | None] = field(_l("起草人"), aliases=("起草联系人", "起草机构联系人"), needed="conclude", section=_l("起草和审查"))
    drafter_phone: Mapped[Mobile | None] = field(_l("起草联系电话"), aliases=("起草机构电话", "起草人电话"), sensitive=True, section=_l("起草和审查"))
    reviewing_unit_id: Mapped[Annotated[int, link("org_unit")] | None] = field(
        _l("审查机构"), aliases=("审查股室", "审查单位", "审查部门"), needed="conclude", gate=Gate.LEGAL, drafted=True, index=True, section=_l("起草和审查")
    )
    reviewer: Mapped[Person | None] = field(
        _l("审查人"), aliases=("审查联系人", "审查机构联系人"), needed="conclude", gate=Gate.LEGAL, drafted=True, section=_l("起草和审查")
    )
    reviewer_phone: Mapped[Mobile | None] = field(
        _l("审查联系电话"), aliases=("审查机构电话", "审查人电话"), sensitive=True, gate=Gate.LEGAL, drafted=True, section=_l("起草和审查")
    )

    consult_mode: Mapped[Annotated[list[str], some_of(CONSULT_MODE)] | None] = field(
        _l("征求意见方式"), aliases=("征求意见形式",), needed="conclude", section=_l("征求意见")
    )
    consult_detail: Mapped[Prose | None] = field(_l("征求意见情况"), needed="conclude", section=_l("征求意见"), help=_l("时间、对象、意见反馈和采纳情况"))
    expert_opinion: Mapped[Prose | None] = field(_l("专家咨询意见"), section=_l("征求意见"))
    expert_opinion_file: Mapped[File | None] = field(_l("专家咨询意见附件"), sheet=False, section=_l("征求意见"))

    effect: Mapped[YesNo | None] = field(
        _l("是否具有排除、限制竞争效果"),
        aliases=("是否具有或可能具有排除、限制竞争效果",),
        needed="conclude", gate=Gate.LEGAL, drafted=True, section=_l("结论"),
    )  # fmt: skip
    exception_used: Mapped[YesNo | None] = field(
        _l("是否适用例外规定"), aliases=("是否适用例外", "适用例外规定"), needed="conclude", gate=Gate.LEGAL, drafted=True, filtered=True, section=_l("结论")
    )
    exception_ground: Mapped[Annotated[str, one_of(FCR_EXCEPTION)] | None] = field(
        _l("例外情形"), aliases=("适用例外情形", "例外规定情形"), gate=Gate.LEGAL, drafted=True, section=_l("结论")
    )
    necessity: Mapped[Prose | None] = field(_l("无影响更小的替代方案说明"), aliases=("必要性说明",), gate=Gate.LEGAL, drafted=True, section=_l("结论"))
    period_end: Mapped[Until | None] = field(_l("例外实施期限"), aliases=("实施期限",), gate=Gate.LEGAL, drafted=True, index=True, section=_l("结论"))
    end_condition: Mapped[Line | None] = field(_l("例外终止条件"), aliases=("终止条件",), gate=Gate.LEGAL, drafted=True, section=_l("结论"))
    conclusion: Mapped[Annotated[str, one_of(FCR_CONCLUSION)] | None] = field(
        _l("审查结论"), aliases=("结论",), needed="conclude", gate=Gate.LEGAL, drafted=True, listed=True, filtered=True, public=True, section=_l("结论")
    )
    conclusion_text: Mapped[Prose | None] = field(_l("结论说明"), aliases=("审查意见",), needed="conclude", gate=Gate.LEGAL, drafted=True, section=_l("结论"))
    head_opinion: Mapped[Prose | None] = field(
        _l("审查机构主要负责人意见"), aliases=("负责人意见",), needed="conclude", gate=Gate.LEGAL, drafted=True, section=_l("结论")
    )
    signed_on: Mapped[Day | None] = field(
        _l("审查时间"), aliases=("审查日期", "签署日期", "结论日期"), needed="conclude", gate=Gate.LEGAL, drafted=True, listed=True, section=_l("结论")
    )
    signed_scan: Mapped[File | None] = field(_l("签署件"), sheet=False, section=_l("结论"))

    joint_sent_on: Mapped[Day | None] = field(_l("送会审日期"), section=_l("市场监管部门会审"))
    joint_result: Mapped[Annotated[str, one_of(JOINT_RESULT)] | None] = field(_l("会审结果"), aliases=("会审结论",), section=_l("市场监管部门会审"))
    joint_opinion_no: Mapped[DocumentNumber | None] = field(_l("会审意见文号"), section=_l("市场监管部门会审"))
    joint_returned_on: Mapped[Day | None] = field(_l("会审返回日期"), section=_l("市场监管部门会审"))

    issued: Mapped[YesNo | None] = field(_l("是否出台"), filtered=True, section=_l("出台和归档"))
    issued_on: Mapped[Day | None] = field(_l("出台日期"), aliases=("出台时间",), section=_l("出台和归档"))
    archive_no: Mapped[CodeText | None] = field(_l("归档号"), aliases=("档案号",), needed="archive", section=_l("出台和归档"))
    next_evaluation: Mapped[Day | None] = field(_l("例外措施评估日"), aliases=("下次评估日期",), section=_l("出台和归档"))

    @classmethod
    def derive(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What has a day of issue was issued."""
        return {"issued": True} if values.get("issued_on") else {}

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Nobody reviews an own draft; the conclusion agrees with the answers it rests on."""
        drafter, reviewer = values.get("drafter"), values.get("reviewer")
        if drafter and drafter == reviewer:
            yield Problem("reviewer", "same_person", _l("审查人不能是起草人本人"))
        conclusion = values.get("conclusion")
        if conclusion == NOT_CONCERNED and values.get("involves_operators"):
            yield Problem("conclusion", "contradicts", _l("已填涉及经营者经济活动，结论不能是“不涉及”"))
        if conclusion == EXCEPTED and values.get("exception_used") is False:
            yield Problem("exception_used", "contradicts", _l("结论是适用例外规定，这里应为“是”"))
        if values.get("issued") is False and values.get("issued_on"):
            yield Problem("issued", "contradicts", _l("填写了出台日期，这里应为“是”"))
        yield from in_order(values, "joint_sent_on", "joint_returned_on", _l("送会审日期"), _l("会审返回日期"))
        yield from in_order(values, "signed_on", "period_end", _l("审查时间"), _l("例外实施期限"))

    @classmethod
    def due_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """An exception that was ended, or never came out, has no last day."""
        return (none_of(cls.stage, ReviewStage.MUST_NOT, ReviewStage.ENDED),)


class StandardAnswer(Child):
    """竞争影响评估: one answer to each standard of 条例 articles 8 to 11."""

    __tablename__ = "standard_answer"
    __key__ = "answers"
    __title__ = _l("竞争影响评估")
    __parent__ = Review
    __sheet__ = False
    __keys__ = (("standard_set", "standard_code"),)
    __label__ = "standard_code"

    standard_set: Mapped[StandardSet] = field(_l("审查标准版本"), default=CURRENT_SET)
    standard_code: Mapped[StandardCode] = field(_l("审查标准"), listed=True)
    answer: Mapped[YesNo | None] = field(_l("是否涉及"), needed="conclude", listed=True)
    clause_text: Mapped[Prose | None] = field(_l("涉及条款"), listed=True)
    explanation: Mapped[Prose | None] = field(_l("评估说明"), aliases=("说明",), listed=True)


class StakeholderOpinion(Child):
    """利害关系人意见 (条例 article 16)."""

    __tablename__ = "stakeholder_opinion"
    __key__ = "opinions"
    __title__ = _l("利害关系人意见")
    __parent__ = Review
    __sheet__ = False
    __keys__ = (("who", "seq"),)
    __label__ = "who"

    who: Mapped[Name] = field(_l("征求对象"), listed=True)
    seq: Mapped[Count] = field(_l("征求次序"), default=1)
    kind: Mapped[Annotated[str, one_of(STAKEHOLDER_KIND)] | None] = field(_l("征求对象类别"), listed=True)
    region: Mapped[Annotated[str, one_of(LOCALITY)] | None] = field(_l("本地或外地"), listed=True)
    asked_on: Mapped[Day | None] = field(_l("征求日期"), listed=True)
    opinion: Mapped[Prose | None] = field(_l("意见内容"), listed=True)
    adopted: Mapped[Annotated[str, one_of(ADOPTION)] | None] = field(_l("采纳情况"), listed=True)
    reason: Mapped[Prose | None] = field(_l("采纳或不采纳的理由"), needed="conclude")


class ReviewSupervision(Child):
    """监督记录: spot checks, reports, inspection, self-check (条例 articles 21 to 25)."""

    __tablename__ = "fcr_supervision"
    __key__ = "supervisions"
    __title__ = _l("审查监督")
    __parent__ = Review
    __gate__ = Gate.SUPERVISION
    __sheet__ = False
    __keys__ = (("received_on", "origin", "problem"),)
    __label__ = "problem"

    received_on: Mapped[Day] = field(_l("收到日期"), listed=True)
    origin: Mapped[SupervisionOrigin] = field(_l("监督来源"), listed=True)
    problem: Mapped[Line] = field(_l("反映的问题"), listed=True)
    from_whom: Mapped[Name | None] = field(_l("来源单位或个人"), sensitive=True, help=_l("举报人身份应当保密"))
    ordered_on: Mapped[Day | None] = field(_l("责令改正日期"))
    due: Mapped[Day | None] = field(_l("改正期限"), listed=True)
    corrective: Mapped[Annotated[str, one_of(CORRECTIVE)] | None] = field(_l("纠正措施"), listed=True)
    replied_on: Mapped[Day | None] = field(_l("答复日期"))
    closed_on: Mapped[Day | None] = field(_l("办结日期"), listed=True)

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Days in order."""
        yield from in_order(values, "received_on", "closed_on", _l("收到日期"), _l("办结日期"))
        yield from in_order(values, "ordered_on", "due", _l("责令改正日期"), _l("改正期限"))
