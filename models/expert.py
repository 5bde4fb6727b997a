"""专家库: recruited, appointed for a term, drawn for tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.fields import (
    BankCard,
    CertificateNumber,
    CodeText,
    Count,
    CreditCode,
    Day,
    Email,
    File,
    Gate,
    Line,
    Mobile,
    Name,
    Person,
    ResidentId,
    Until,
    field,
    link,
    one_of,
    some_of,
    state,
)
from app.formats import State, birth_date
from app.language import _l
from app.register import Child, Problem, Register
from models.code_lists import (
    CONSENT_SCOPE,
    DEGREE,
    EDUCATION,
    EXPERT_QUALIFICATION,
    EXPERT_SPECIALITY,
    GENDER,
    LEVEL,
    MAJOR,
    QUALIFICATION_LEVEL,
    RECUSAL_RELATION,
    TITLE_LEVEL,
    UNIT_KIND,
)
from models.rules import in_order, in_range, none_of

# SQLAlchemy reads a required column's declaration only from a named annotation
QualificationKind = Annotated[str, one_of(EXPERT_QUALIFICATION)]

#: the consent without which a name stays off the public list (个人信息保护法第二十五条)
PUBLIC_CONSENT = "public"

#: identity and bank data go so long after an expert has left the pool, unless the accounts need them longer (个人信息保护法第十九条)
KEPT_YEARS = 3

_TITLE_LEVELS = (
    ("正高", re.compile(r"正高|教授级|^(教授|研究员|主任医师|编审)")),
    ("副高", re.compile(r"副教授|副研究员|副高|高级(工程师|经济师|会计师|实验师|讲师)|^高工$")),
    ("中级", re.compile(r"^(安全|化工|机械|电气|地质|采矿|中级)?(工程师|经济师|会计师|实验师)$|^(讲师|助理研究员)$")),
)


class ExpertStatus(State):
    """Where the expert stands between application and dismissal."""

    APPLIED = "applied", _l("申报")
    REVIEWING = "reviewing", _l("审核")
    ANNOUNCED = "announced", _l("公示")
    APPOINTED = "appointed", _l("在聘")
    SUSPENDED = "suspended", _l("暂停")
    DISMISSED = "dismissed", _l("解聘")
    EXPIRED = "expired", _l("到期")
    REJECTED = "rejected", _l("拒聘")


_LEFT = (ExpertStatus.DISMISSED, ExpertStatus.EXPIRED, ExpertStatus.REJECTED)


class Expert(Register):
    """专家."""

    __tablename__ = "expert"
    __key__ = "expert"
    __title__ = _l("专家")
    __keys__ = (("id_no",), ("expert_no",))
    #: the field that we number when nobody did, and how such numbers begin
    __number__ = ("expert_no", "ZJ")

    name: Mapped[Person] = field(_l("姓名"), aliases=("专家姓名", "人员姓名"), listed=True, search=True, public=True)
    expert_no: Mapped[CodeText | None] = field(_l("专家编号"), aliases=("编号",), listed=True, search=True, help=_l("不填由系统编号"))
    id_no: Mapped[ResidentId | None] = field(
        _l("身份证号"), aliases=("身份证号码", "公民身份号码", "证件号码", "身份证"), sensitive=True, kept_years=KEPT_YEARS
    )
    gender: Mapped[Annotated[str, one_of(GENDER)] | None] = field(_l("性别"), filtered=True)
    birth_date: Mapped[Day | None] = field(_l("出生年月"), aliases=("出生日期", "生日"), derived=True, sensitive=True, kept_years=KEPT_YEARS)
    photo: Mapped[File | None] = field(_l("照片"), sheet=False)
    status: Mapped[Annotated[str, state(ExpertStatus)] | None] = field(
        _l("专家状态"), aliases=("状态",), gate=Gate.APPROVAL, default=ExpertStatus.APPLIED.value, listed=True, filtered=True
    )

    unit: Mapped[Name | None] = field(
        _l("工作单位"), aliases=("单位", "所在单位", "单位名称"), needed="appoint", listed=True, search=True, public=True, section=_l("单位和职称")
    )
    unit_uscc: Mapped[CreditCode | None] = field(_l("单位统一社会信用代码"), aliases=("单位代码", "单位信用代码"), search=True, section=_l("单位和职称"))
    position: Mapped[Name | None] = field(_l("职务"), section=_l("单位和职称"))
    unit_kind: Mapped[Annotated[str, one_of(UNIT_KIND)] | None] = field(_l("单位性质"), filtered=True, section=_l("单位和职称"))
    title: Mapped[Name | None] = field(
        _l("职称"), aliases=("技术职称", "专业技术职务", "专业技术职称"), needed="appoint", listed=True, public=True, section=_l("单位和职称")
    )
    title_level: Mapped[Annotated[str, one_of(TITLE_LEVEL)] | None] = field(_l("职称级别"), aliases=("职称等级",), filtered=True, section=_l("单位和职称"))

    education: Mapped[Annotated[str, one_of(EDUCATION)] | None] = field(_l("学历"), aliases=("文化程度", "最高学历"), section=_l("专业"))
    degree: Mapped[Annotated[str, one_of(DEGREE)] | None] = field(_l("学位"), section=_l("专业"))
    major: Mapped[Annotated[str, one_of(MAJOR)] | None] = field(_l("所学专业"), aliases=("毕业专业",), section=_l("专业"))
    speciality_group: Mapped[Annotated[str, one_of(EXPERT_SPECIALITY)] | None] = field(
        _l("专家类别"), aliases=("专家组", "专家组别", "专业类别", "类别"), needed="appoint", listed=True, filtered=True, public=True, section=_l("专业")
    )
    specialities: Mapped[Annotated[list[str], some_of(EXPERT_SPECIALITY)] | None] = field(
        _l("专业特长"), aliases=("从事专业", "擅长专业", "擅长领域", "专业领域", "特长"), filtered=True, section=_l("专业")
    )
    years_of_practice: Mapped[Count | None] = field(_l("从业年限"), aliases=("工作年限",), needed="appoint", section=_l("专业"))
    level: Mapped[Annotated[str, one_of(LEVEL)] | None] = field(_l("专家级别"), filtered=True, section=_l("专业"))

    phone: Mapped[Mobile | None] = field(_l("联系电话"), aliases=("电话", "手机", "手机号", "手机号码", "联系方式"), sensitive=True, section=_l("联系方式"))
    email: Mapped[Email | None] = field(_l("电子邮箱"), aliases=("邮箱", "E-mail", "电子邮件"), sensitive=True, section=_l("联系方式"))
    address: Mapped[Line | None] = field(_l("通讯地址"), aliases=("联系地址", "地址", "住址"), sensitive=True, section=_l("联系方式"))
    bank_name: Mapped[Name | None] = field(_l("开户行"), aliases=("开户银行",), sensitive=True, kept_years=KEPT_YEARS, section=_l("联系方式"))
    bank_account: Mapped[BankCard | None] = field(
        _l("银行账号"), aliases=("银行账户", "银行卡号", "账号", "卡号"), sensitive=True, kept_years=KEPT_YEARS, section=_l("联系方式")
    )

    appointed_on: Mapped[Day | None] = field(_l("聘任日期"), aliases=("聘用日期", "聘期起", "聘任时间"), needed="appoint", public=True, section=_l("聘任"))
    term_end: Mapped[Until | None] = field(
        _l("聘期至"),
        aliases=("聘期", "聘期止", "聘任期限", "聘期截止"),
        needed="appoint",
        listed=True,
        public=True,
        spill=appointed_on,
        index=True,
        section=_l("聘任"),
    )
    appoint_doc: Mapped[Name | None] = field(_l("聘书文号"), aliases=("聘书编号", "聘任文号"), section=_l("聘任"))
    consent: Mapped[File | None] = field(_l("个人信息处理同意书"), needed="appoint", sheet=False, section=_l("聘任"))
    consent_on: Mapped[Day | None] = field(_l("同意日期"), aliases=("同意书日期",), needed="appoint", section=_l("聘任"))
    consent_scope: Mapped[Annotated[str, one_of(CONSENT_SCOPE)] | None] = field(
        _l("同意范围"), filtered=True, section=_l("聘任"), help=_l("没有“可列入公开名单”的单独同意，不向公众公开（个人信息保护法第二十五条）")
    )

    @classmethod
    def derive(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Birth date and gender from the ID number, level from the title, group from the only speciality."""
        found: dict[str, Any] = {}
        if id_no := values.get("id_no"):
            found |= {"birth_date": birth_date(id_no), "gender": _gender(id_no)}
        title = values.get("title") or ""
        level = next((level for level, pattern in _TITLE_LEVELS if pattern.search(title)), None)
        if level:
            found["title_level"] = level
        specialities = values.get("specialities") or []
        if len(specialities) == 1:
            found["speciality_group"] = specialities[0]
        return found

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """What was written agrees with the ID number; days in order."""
        if id_no := values.get("id_no"):
            born, written = birth_date(id_no), values.get("birth_date")
            if written is not None and (written.year, written.month) != (born.year, born.month):
                yield Problem("birth_date", "birth_date_differs", _l("出生年月与身份证号不一致，请核对"))
            if values.get("gender") is not None and values["gender"] != _gender(id_no):
                yield Problem("gender", "gender_differs", _l("性别与身份证号不一致，请核对"))
        yield from in_order(values, "appointed_on", "term_end", _l("聘任日期"), _l("聘期至"))
        yield from in_order(values, "birth_date", "appointed_on", _l("出生年月"), _l("聘任日期"))
        yield from in_range(values, ("years_of_practice",), 0, 80)

    @classmethod
    def published_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """No publication without separate consent (个人信息保护法第二十五条)."""
        return (cls.consent_scope == PUBLIC_CONSENT, cls.consent_on.is_not(None))

    @classmethod
    def over(cls, values: Mapping[str, Any]) -> bool:
        """Who left the pool, or never came in."""
        return values.get("status") in _LEFT

    @classmethod
    def due_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """Who left the pool needs no new term."""
        return (none_of(cls.status, *_LEFT),)


def _gender(id_no: str) -> str:
    """The 17th digit is odd for men (GB 11643-1999)."""
    return "男" if int(id_no[16]) % 2 else "女"


class ExpertQualification(Child):
    """执业资格."""

    __tablename__ = "expert_qualification"
    __key__ = "qualifications"
    __title__ = _l("执业资格")
    __parent__ = Expert
    __keys__ = (("kind",),)
    __label__ = "kind"

    kind: Mapped[QualificationKind] = field(_l("执业资格"), aliases=("职业资格", "执业资格名称", "资格证书"), one_row_each=True, listed=True)
    level: Mapped[Annotated[str, one_of(QUALIFICATION_LEVEL)] | None] = field(_l("资格级别"), aliases=("资格等级",), listed=True)
    cert_no: Mapped[CertificateNumber | None] = field(_l("资格证书编号"), aliases=("执业证号", "资格证号", "证书编号", "证书号"), listed=True)
    valid_to: Mapped[Until | None] = field(_l("资格有效期至"), aliases=("有效期至", "证书有效期"), listed=True, index=True)


class RecusalUnit(Child):
    """申报的利害关系单位: tasks there go to somebody else."""

    __tablename__ = "recusal_unit"
    __key__ = "recusal_units"
    __title__ = _l("利害关系单位")
    __parent__ = Expert
    __sheet__ = False
    __keys__ = (("uscc",), ("unit",))
    __label__ = "unit"

    unit: Mapped[Name] = field(_l("单位名称"), listed=True)
    uscc: Mapped[CreditCode | None] = field(_l("统一社会信用代码"), listed=True)
    relation: Mapped[Annotated[str, one_of(RECUSAL_RELATION)] | None] = field(_l("利害关系"), needed="appoint", listed=True)
    enterprise_id: Mapped[Annotated[int, link("enterprise")] | None] = field(_l("对应企业"), listed=True, index=True)
    until: Mapped[Until | None] = field(_l("关系截止"), listed=True, due=False)
