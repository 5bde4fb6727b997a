"""涉企政策: documents, and the interpretations that go out with them."""

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
    Moment,
    Name,
    Phone,
    Prose,
    Until,
    Url,
    WordList,
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
    AUDIENCE,
    CHANNEL,
    DOC_LEVEL,
    GENRE,
    INTERP_ELEMENT,
    INTERP_FORM,
    OPEN_MODE,
    PUBLICATION_TARGET,
    SECTOR,
    TOPIC,
    VALIDITY,
)
from models.rules import in_order, none_of

# SQLAlchemy reads a required column's declaration only from a named annotation
InterpretationForm = Annotated[str, one_of(INTERP_FORM)]
PublicationTarget = Annotated[str, one_of(PUBLICATION_TARGET)]
Channel = Annotated[str, one_of(CHANNEL)]

#: words of 有效性 that say a document is over
OUT_OF_FORCE = ("废止", "失效", "已修订")


class PolicyStage(State):
    """From the first draft to the end of validity."""

    DRAFTING = "drafting", _l("起草")
    CONSULTING = "consulting", _l("征求意见")
    COMPETITION = "competition", _l("公平竞争审查")
    LEGALITY = "legality", _l("合法性审核")
    SIGNING = "signing", _l("审签")
    ISSUED = "issued", _l("印发")
    PUBLISHED = "published", _l("发布")
    IN_FORCE = "in_force", _l("生效")
    EVALUATION = "evaluation", _l("评估")
    REVISED = "revised", _l("修订")
    REPEALED = "repealed", _l("废止")
    EXPIRED = "expired", _l("到期失效")


class InterpretationStage(State):
    """三同步: drafted, signed and published together with the document."""

    DRAFTING = "drafting", _l("同步起草")
    SIGNING = "signing", _l("同步审签")
    PUBLISHED = "published", _l("同步发布")
    UPDATED = "updated", _l("更新")
    WITHDRAWN = "withdrawn", _l("撤下")


class Policy(Register):
    """政策文件."""

    __tablename__ = "policy"
    __key__ = "policy"
    __title__ = _l("涉企政策")
    __keys__ = (("doc_no",), ("title", "issuer"))
    __label__ = "title"

    title: Mapped[Line] = field(_l("标题"), aliases=("文件名称", "政策名称", "文件标题", "名称"), listed=True, search=True, public=True)
    doc_no: Mapped[DocumentNumber | None] = field(_l("发文字号"), aliases=("文号", "文件编号", "发文文号", "文件文号"), listed=True, search=True, public=True)
    issuer: Mapped[Name | None] = field(
        _l("发文机关"), aliases=("发布机构", "发文单位", "制定机关", "印发单位"), needed="publish", listed=True, filtered=True, search=True, public=True
    )
    joint_issuers: Mapped[WordList | None] = field(_l("联合发文"), aliases=("联合发文机关", "联合发文单位"), public=True)
    index_no: Mapped[CodeText | None] = field(_l("索引号"), search=True, public=True)
    doc_level: Mapped[Annotated[str, one_of(DOC_LEVEL)] | None] = field(_l("发布层级"), aliases=("文件层级", "层级"), filtered=True, public=True)
    genre: Mapped[Annotated[str, one_of(GENRE)] | None] = field(_l("公文种类"), aliases=("文种", "体裁"), filtered=True, public=True)
    topic: Mapped[Annotated[str, one_of(TOPIC)] | None] = field(_l("主题分类"), aliases=("主题",), filtered=True, public=True)
    audience: Mapped[Annotated[list[str], some_of(AUDIENCE)] | None] = field(_l("适用对象"), public=True)
    sector: Mapped[Annotated[list[str], some_of(SECTOR)] | None] = field(_l("行业"), aliases=("适用行业", "行业类别"), public=True)
    keywords: Mapped[WordList | None] = field(_l("关键词"), search=True, public=True)
    stage: Mapped[Annotated[str, state(PolicyStage)] | None] = field(_l("办理阶段"), gate=Gate.APPROVAL, default=PolicyStage.DRAFTING.value, filtered=True)

    formed_on: Mapped[Day | None] = field(
        _l("成文日期"), aliases=("发文日期", "印发日期", "发文时间", "成文时间"), needed="publish", listed=True, public=True, section=_l("日期和效力")
    )
    published_on: Mapped[Day | None] = field(_l("发布日期"), aliases=("公布日期", "公开日期", "发布时间"), listed=True, public=True, section=_l("日期和效力"))
    effective_on: Mapped[Day | None] = field(
        _l("施行日期"), aliases=("生效日期", "实施日期", "执行日期", "施行时间"), needed="publish", public=True, section=_l("日期和效力")
    )
    expires_on: Mapped[Until | None] = field(
        _l("有效期至"), aliases=("失效日期", "有效期", "有效期限", "有效期止"), public=True, section=_l("日期和效力"), spill=effective_on, index=True
    )
    validity: Mapped[Annotated[str, one_of(VALIDITY)] | None] = field(
        _l("有效性"), aliases=("效力状态", "时效性"), listed=True, filtered=True, public=True, section=_l("日期和效力")
    )
    replaces_id: Mapped[Annotated[int, link("policy")] | None] = field(
        _l("替代文件"), aliases=("代替文件", "废止的文件"), public=True, index=True, section=_l("日期和效力")
    )
    replaced_by_id: Mapped[Annotated[int, link("policy")] | None] = field(
        _l("被替代于"), aliases=("被何文件替代",), public=True, index=True, section=_l("日期和效力")
    )
    consultation_open: Mapped[Day | None] = field(_l("公开征求意见开始"), aliases=("征求意见开始日期",), public=True, section=_l("日期和效力"))
    consultation_close: Mapped[Until | None] = field(
        _l("公开征求意见截止"),
        aliases=("征求意见截止日期",),
        public=True, due=False, spill=consultation_open, section=_l("日期和效力"), help=_l("与企业生产经营密切相关的，不少于 30 日（优化营商环境条例第六十二条）"),
    )  # fmt: skip

    is_normative: Mapped[YesNo | None] = field(
        _l("是否行政规范性文件"), aliases=("规范性文件", "是否规范性文件"), needed="publish", filtered=True, public=True, section=_l("审查")
    )
    normative_no: Mapped[CodeText | None] = field(_l("规范性文件号"), aliases=("规范性文件登记号", "登记号"), public=True, section=_l("审查"))
    legality_review: Mapped[Name | None] = field(
        _l("合法性审核文号"), aliases=("合法性审核", "合法性审查意见"), gate=Gate.LEGAL, drafted=True, section=_l("审查")
    )
    legality_reviewed_on: Mapped[Day | None] = field(_l("合法性审核日期"), aliases=("合法性审查日期",), gate=Gate.LEGAL, drafted=True, section=_l("审查"))
    touches_operators: Mapped[YesNo | None] = field(
        _l("是否涉及经营者经济活动"), aliases=("涉及经营者经济活动",), needed="publish", filtered=True, section=_l("审查")
    )

    open_mode: Mapped[Annotated[str, one_of(OPEN_MODE)] | None] = field(
        _l("公开方式"), aliases=("公开属性",), needed="publish", filtered=True, public=True, section=_l("公开和咨询")
    )
    contact_unit: Mapped[Name | None] = field(_l("政策咨询部门"), aliases=("咨询部门", "咨询股室"), needed="publish", public=True, section=_l("公开和咨询"))
    contact_phone: Mapped[Phone | None] = field(_l("政策咨询电话"), aliases=("咨询电话", "联系电话"), needed="publish", public=True, section=_l("公开和咨询"))
    full_text: Mapped[Prose | None] = field(_l("正文"), needed="publish", public=True, section=_l("公开和咨询"))
    pdf: Mapped[File | None] = field(_l("附件"), sheet=False, public=True, section=_l("公开和咨询"))

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Days in order."""
        yield from in_order(values, "formed_on", "published_on", _l("成文日期"), _l("发布日期"))
        yield from in_order(values, "effective_on", "expires_on", _l("施行日期"), _l("有效期至"))
        yield from in_order(values, "consultation_open", "consultation_close", _l("公开征求意见开始"), _l("公开征求意见截止"))

    @classmethod
    def due_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """A document that is out of force asks for no evaluation."""
        return (none_of(cls.stage, PolicyStage.REVISED, PolicyStage.REPEALED, PolicyStage.EXPIRED), none_of(cls.validity, *OUT_OF_FORCE))


class PolicyInterpretation(Child):
    """政策解读."""

    __tablename__ = "policy_interpretation"
    __key__ = "interpretations"
    __title__ = _l("政策解读")
    __parent__ = Policy
    __keys__ = (("form", "seq"),)
    __label__ = "form"

    form: Mapped[InterpretationForm] = field(_l("解读形式"), aliases=("解读方式",), one_row_each=True, listed=True, public=True)
    seq: Mapped[Count] = field(_l("解读序号"), default=1, listed=True)
    plan: Mapped[Prose | None] = field(_l("解读方案"), needed="publish", help=_l("提纲、形式、渠道、时间"))
    interpreter: Mapped[Name | None] = field(_l("解读人"), needed="publish", listed=True, public=True, help=_l("谁起草谁解读，主要负责人是第一解读人"))
    text: Mapped[Prose | None] = field(_l("解读正文"), aliases=("解读内容",), needed="publish", public=True)
    elements: Mapped[Annotated[list[str], some_of(INTERP_ELEMENT)] | None] = field(_l("解读要素"))
    media: Mapped[File | None] = field(_l("解读材料"), sheet=False, public=True)
    drafted_on: Mapped[Day | None] = field(_l("解读起草日期"))
    signed_on: Mapped[Day | None] = field(_l("解读审签日期"))
    published_on: Mapped[Day | None] = field(_l("解读发布日期"), aliases=("解读日期", "解读时间"), listed=True, public=True)
    stage: Mapped[Annotated[str, state(InterpretationStage)] | None] = field(_l("解读阶段"), default=InterpretationStage.DRAFTING.value, sheet=False)

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Days in order."""
        yield from in_order(values, "drafted_on", "signed_on", _l("解读起草日期"), _l("解读审签日期"))
        yield from in_order(values, "signed_on", "published_on", _l("解读审签日期"), _l("解读发布日期"))


class Publication(Child):
    """发布渠道."""

    __tablename__ = "publication"
    __key__ = "publications"
    __title__ = _l("发布渠道")
    __parent__ = Policy
    __sheet__ = False
    __keys__ = (("target", "channel"),)
    __label__ = "channel"

    target: Mapped[PublicationTarget] = field(_l("发布内容"), default="文件", listed=True)
    channel: Mapped[Channel] = field(_l("渠道"), listed=True)
    url: Mapped[Url | None] = field(_l("网址"), needed="publish", listed=True)
    published_at: Mapped[Moment | None] = field(_l("发布时间"), needed="publish", listed=True)
    screenshot: Mapped[File | None] = field(_l("截图"), sheet=False)
    taken_down_at: Mapped[Moment | None] = field(_l("撤下时间"))

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Moments in order."""
        yield from in_order(values, "published_at", "taken_down_at", _l("发布时间"), _l("撤下时间"))


class PolicyQuestion(Child):
    """问答: what people ask about the document."""

    __tablename__ = "policy_question"
    __key__ = "questions"
    __title__ = _l("政策问答")
    __parent__ = Policy
    __sheet__ = False
    __keys__ = (("question",),)
    __label__ = "question"

    question: Mapped[Line] = field(_l("问题"), listed=True, public=True)
    answer: Mapped[Prose | None] = field(_l("答复"), needed="publish", listed=True, public=True)
    published: Mapped[YesNo | None] = field(_l("是否公开"), default=False, listed=True)

    @classmethod
    def published_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """The public reads only the questions that the office has let out."""
        return (cls.published.is_(True),)
