"""中介机构: the bodies a company may hire for evaluation, testing and training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.fields import (
    CertificateNumber,
    CodeText,
    Count,
    CreditCode,
    Day,
    Gate,
    Line,
    Mobile,
    Money,
    Name,
    People,
    Person,
    Phone,
    Prose,
    SquareMetres,
    TenThousand,
    Until,
    Url,
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
from models.code_lists import AGENCY_CHECK_ORIGIN, AGENCY_KIND, AGENCY_PROBLEM, CERT_TYPE, REPORT_TYPE, SCOPE, TRAINING_KIND
from models.rules import in_order, in_range, none_of, not_negative

# SQLAlchemy reads a required column's declaration only from a named annotation
CertType = Annotated[str, one_of(CERT_TYPE)]
CheckOrigin = Annotated[str, one_of(AGENCY_CHECK_ORIGIN)]
CheckProblem = Annotated[str, one_of(AGENCY_PROBLEM)]
EnterpriseLink = Annotated[int, link("enterprise")]

EVALUATION_CERTIFICATE = "安全评价机构资质证书"
TESTING_CERTIFICATE = "安全生产检测检验机构资质证书"
OTHER_CERTIFICATE = "其他证明文件"
CERTIFICATE_OF_KIND = {"安全评价": EVALUATION_CERTIFICATE, "检测检验": TESTING_CERTIFICATE}


class DirectoryState(State):
    """Where the agency stands in the directory."""

    UNVERIFIED = "unverified", _l("待核验")
    ANNOUNCED = "announced", _l("公示中")
    LISTED = "listed", _l("在册")
    SUSPENDED = "suspended", _l("暂停展示")
    REMOVED = "removed", _l("移出")


class QualificationStatus(State):
    """What the issuer says of the certificate."""

    VALID = "valid", _l("有效")
    EXPIRING = "expiring", _l("临期")
    EXPIRED = "expired", _l("过期")
    CANCELLED = "cancelled", _l("注销")
    WITHDRAWN = "withdrawn", _l("撤销")
    REVOKED = "revoked", _l("吊销")


class Agency(Register):
    """中介机构.

    The directory is neutral: no designation and no recommendation (优化营商环境条例第四十三条).
    """

    __tablename__ = "agency"
    __key__ = "agency"
    __title__ = _l("中介机构")
    __keys__ = (("uscc",),)
    __notice__ = _l("名录仅供查询比较，不构成推荐或指定")

    name: Mapped[Name] = field(
        _l("机构名称"), aliases=("单位名称", "企业名称", "公司名称", "中介机构", "中介机构名称", "名称"),
        listed=True, search=True, public=True, organisation=True,
    )  # fmt: skip
    uscc: Mapped[CreditCode] = field(_l("统一社会信用代码"), aliases=("社会信用代码", "信用代码", "营业执照号", "税号"), listed=True, search=True)
    kind: Mapped[Annotated[list[str], some_of(AGENCY_KIND)] | None] = field(
        _l("机构类别"), aliases=("机构类型", "机构性质", "类别"), needed="verify", listed=True, filtered=True, public=True
    )
    legal_rep: Mapped[Person | None] = field(_l("法定代表人"), aliases=("法人", "法人代表", "负责人"), needed="verify", public=True)
    is_branch: Mapped[YesNo | None] = field(_l("是否分支机构"), aliases=("分支机构",), needed="verify")
    parent_id: Mapped[Annotated[int, link("agency")] | None] = field(_l("所属机构"), aliases=("总公司", "上级机构"), index=True)
    directory_state: Mapped[Annotated[str, state(DirectoryState)] | None] = field(
        _l("名录状态"), gate=Gate.APPROVAL, default=DirectoryState.UNVERIFIED.value, listed=True, filtered=True
    )

    region_id: Mapped[Annotated[int, link("region")] | None] = field(
        _l("所在地"), aliases=("所在地区", "注册地", "所属地区"), filtered=True, index=True, section=_l("地址和联系方式")
    )
    registered_address: Mapped[Line | None] = field(
        _l("注册地址"), aliases=("地址", "单位地址", "住所"), needed="verify", public=True, section=_l("地址和联系方式")
    )
    office_address: Mapped[Line | None] = field(_l("本地办公地址"), aliases=("办公地址", "办公场所"), public=True, section=_l("地址和联系方式"))
    contact: Mapped[Person | None] = field(_l("联系人"), section=_l("地址和联系方式"))
    mobile: Mapped[Mobile | None] = field(_l("联系人手机"), aliases=("手机", "手机号", "手机号码", "移动电话"), sensitive=True, section=_l("地址和联系方式"))
    office_phone: Mapped[Phone | None] = field(
        _l("办公电话"),
        aliases=("联系电话", "电话", "联系方式", "座机", "固定电话"),
        needed="publish", listed=True, public=True, spill=mobile, section=_l("地址和联系方式"),
    )  # fmt: skip
    website: Mapped[Url | None] = field(
        _l("信息公开网址"), aliases=("网址", "网站"), public=True, section=_l("地址和联系方式"),
        help=_l("安全评价、检测检验机构应当设立供公众查询的网站（应急管理部令第1号）"),
    )  # fmt: skip

    full_time_evaluators: Mapped[People | None] = field(
        _l("专职安全评价师人数"), aliases=("专职安全评价师", "安全评价师人数", "安全评价师"), public=True, section=_l("人员和条件"),
        help=_l("一个业务范围不少于 25 人，每增加一个范围增加 5 人"),
    )  # fmt: skip
    level1: Mapped[People | None] = field(_l("一级安全评价师"), aliases=("一级评价师", "一级"), public=True, section=_l("人员和条件"))
    level2: Mapped[People | None] = field(_l("二级安全评价师"), aliases=("二级评价师", "二级"), public=True, section=_l("人员和条件"))
    level3: Mapped[People | None] = field(_l("三级安全评价师"), aliases=("三级评价师", "三级"), public=True, section=_l("人员和条件"))
    registered_engineers: Mapped[People | None] = field(
        _l("中级及以上注册安全工程师"), aliases=("注册安全工程师", "注册安全工程师人数"), section=_l("人员和条件")
    )
    technical_leader: Mapped[Person | None] = field(_l("专职技术负责人"), aliases=("技术负责人",), section=_l("人员和条件"))
    process_leader: Mapped[Person | None] = field(_l("过程控制负责人"), aliases=("专职过程控制负责人",), section=_l("人员和条件"))
    fixed_assets: Mapped[TenThousand | None] = field(_l("固定资产"), aliases=("固定资产（万元）",), section=_l("人员和条件"))
    floor_area: Mapped[SquareMetres | None] = field(_l("场所面积"), aliases=("场所面积（㎡）", "办公面积", "工作场所面积"), section=_l("人员和条件"))

    fee_standard: Mapped[Prose | None] = field(_l("收费标准"), aliases=("收费依据和标准",), needed="publish", public=True, section=_l("服务公开"))
    time_standard: Mapped[Prose | None] = field(_l("服务时限"), aliases=("办理时限",), needed="publish", public=True, section=_l("服务公开"))
    service_flow: Mapped[Prose | None] = field(_l("服务流程"), needed="publish", section=_l("服务公开"))

    verified_on: Mapped[Day | None] = field(_l("核验日期"), aliases=("核验时间",), needed="publish", section=_l("核验"))
    verified_by: Mapped[Person | None] = field(_l("核验人"), section=_l("核验"))
    verify_source: Mapped[Line | None] = field(_l("核验来源"), aliases=("核验方式",), section=_l("核验"))

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Numbers are not negative; only a branch belongs to another agency."""
        yield from not_negative(values, "full_time_evaluators", "level1", "level2", "level3", "registered_engineers", "fixed_assets", "floor_area")
        if values.get("is_branch") is False and values.get("parent") is not None:
            yield Problem("parent", "not_a_branch", _l("填写了所属机构，“是否分支机构”应为“是”"))

    @classmethod
    def due_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """Nobody waits for papers of a body that left the directory."""
        return (none_of(cls.directory_state, DirectoryState.REMOVED),)


class Qualification(Child):
    """资质: the certificates, which only the provincial authority grants."""

    __tablename__ = "qualification"
    __key__ = "qualifications"
    __title__ = _l("资质")
    __parent__ = Agency
    __keys__ = (("cert_no", "cert_type"),)
    __label__ = "cert_no"

    cert_type: Mapped[CertType] = field(_l("资质证书类型"), aliases=("证书类型", "证书名称", "资质名称"), narrowed_by="kind", listed=True)
    cert_no: Mapped[CertificateNumber] = field(
        _l("证书编号"), aliases=("资质证书编号", "证号", "资质证号", "许可证号", "资质编号"), listed=True, search=True, public=True
    )
    scopes: Mapped[Annotated[list[str], some_of(SCOPE)] | None] = field(
        _l("业务范围"),
        aliases=("资质范围", "检测范围", "许可范围", "检测检验范围", "评价范围"),
        narrowed_by="kind", needed="publish", listed=True, public=True,
    )  # fmt: skip
    issuer: Mapped[Name | None] = field(_l("资质认可机关"), aliases=("发证机关", "发证单位", "颁发机关", "批准机关"), needed="publish")
    first_issued: Mapped[Day | None] = field(_l("首次发证日期"), aliases=("初领日期", "首次发证时间"))
    issued_on: Mapped[Day | None] = field(_l("发证日期"), aliases=("颁证日期", "发证时间", "有效期起"), needed="publish", listed=True)
    valid_to: Mapped[Until | None] = field(
        _l("有效期至"),
        aliases=("有效期止", "有效期到", "到期日期", "到期时间", "证书到期时间", "有效期限", "有效期", "资质有效期", "资质有效期至", "证书有效期"),
        needed="publish", listed=True, public=True, spill=issued_on, index=True,
    )  # fmt: skip
    status: Mapped[Annotated[str, state(QualificationStatus)] | None] = field(
        _l("资质状态"), aliases=("证书状态",), default=QualificationStatus.VALID.value, listed=True
    )
    catalogue_version: Mapped[Name | None] = field(_l("范围目录版本"), help=_l("2019 年以前的证书使用较长的一类、二类目录"))

    @classmethod
    def derive(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The type of certificate, where what the agency does leaves only one."""
        kinds = (parent or {}).get("kind") or []
        fitting = [CERTIFICATE_OF_KIND[kind] for kind in kinds if kind in CERTIFICATE_OF_KIND]
        evaluation = str(values.get("cert_no") or "").upper().startswith("APJ")
        if evaluation and (not kinds or EVALUATION_CERTIFICATE in fitting):
            return {"cert_type": EVALUATION_CERTIFICATE}
        if len(fitting) == 1:
            return {"cert_type": fitting[0]}
        if kinds and not fitting:
            return {"cert_type": OTHER_CERTIFICATE}  # training needs no licence of the state
        return {}

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Days in order; a branch has no qualification of its own."""
        yield from in_order(values, "first_issued", "issued_on", _l("首次发证日期"), _l("发证日期"))
        yield from in_order(values, "issued_on", "valid_to", _l("发证日期"), _l("有效期至"))
        if parent and parent.get("is_branch") and values.get("cert_type") in CERTIFICATE_OF_KIND.values():
            yield Problem("cert_no", "branch_certificate", _l("分支机构没有自己的资质，请登记在所属机构名下"))

    @classmethod
    def due_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """A certificate that was taken back is not renewed."""
        return (none_of(cls.status, QualificationStatus.CANCELLED, QualificationStatus.WITHDRAWN, QualificationStatus.REVOKED),)


class TrainingCapacity(Child):
    """培训能力: no licence, but the conditions of AQ 8011-2023."""

    __tablename__ = "training_capacity"
    __key__ = "training_capacities"
    __title__ = _l("培训能力")
    __parent__ = Agency
    __keys__ = (("seq",),)
    __label__ = "seq"

    seq: Mapped[Count] = field(_l("培训能力序号"), default=1)
    training_kinds: Mapped[Annotated[list[str], some_of(TRAINING_KIND)] | None] = field(
        _l("培训项目"), aliases=("培训范围", "培训类别", "培训工种", "培训资质范围"), listed=True
    )
    full_time_teachers: Mapped[People | None] = field(_l("专职教师"), aliases=("专职教师人数", "专职教师数"), listed=True)
    part_time_teachers: Mapped[People | None] = field(_l("兼职教师"), aliases=("兼职教师人数", "兼职教师数"), listed=True)
    managers: Mapped[People | None] = field(_l("专职管理人员"), aliases=("专职管理人员人数", "教学管理人员"), listed=True)
    practice_site: Mapped[Line | None] = field(_l("实操场地"), aliases=("实训场地", "实操场所"))
    exam_point: Mapped[YesNo | None] = field(_l("是否考点"), aliases=("是否设考点", "考试点"), listed=True)
    report_filed_on: Mapped[Day | None] = field(_l("书面报告日期"), aliases=("书面报告时间",), listed=True)

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Numbers of people are not negative."""
        yield from not_negative(values, "full_time_teachers", "part_time_teachers", "managers")


class ServiceRecord(Child):
    """服务业绩: what the agency did for companies here."""

    __tablename__ = "service_record"
    __key__ = "service_records"
    __title__ = _l("服务业绩")
    __parent__ = Agency
    __sheet__ = False
    __keys__ = (("report_no",), ("project", "done_on"))
    __label__ = "project"

    project: Mapped[Line] = field(_l("项目名称"), listed=True)
    enterprise_id: Mapped[Annotated[int, link("enterprise")] | None] = field(_l("服务企业"), listed=True, index=True)
    report_no: Mapped[CodeText | None] = field(_l("报告编号"), listed=True)
    report_type: Mapped[Annotated[str, one_of(REPORT_TYPE)] | None] = field(_l("报告类型"), listed=True)
    done_on: Mapped[Day | None] = field(_l("完成日期"), listed=True)
    price: Mapped[Money | None] = field(_l("服务价格"), help=_l("仅供内部掌握，不公开"))
    informed_on: Mapped[Day | None] = field(_l("从业告知日期"))
    report_public_url: Mapped[Url | None] = field(_l("报告公开网址"))

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """A price is not negative."""
        yield from not_negative(values, "price")


class Rating(Child):
    """评价: what a served company says; shown only summed up, never by rater."""

    __tablename__ = "intermediary_rating"
    __key__ = "ratings"
    __title__ = _l("服务评价")
    __parent__ = Agency
    __sheet__ = False
    __keys__ = (("service_record", "rater"),)
    __label__ = "service_record"

    service_record: Mapped[Line] = field(_l("被评服务"), help=_l("报告编号或项目名称"), listed=True)
    rater_id: Mapped[EnterpriseLink] = field(_l("评价企业"), listed=True, index=True)
    quality: Mapped[Count | None] = field(_l("质量评分"), needed="publish", listed=True)
    speed: Mapped[Count | None] = field(_l("效率评分"), needed="publish", listed=True)
    price: Mapped[Count | None] = field(_l("价格评分"), needed="publish", listed=True)
    attitude: Mapped[Count | None] = field(_l("态度评分"), needed="publish", listed=True)
    comment: Mapped[Prose | None] = field(_l("评语"))
    rated_on: Mapped[Day | None] = field(_l("评价日期"))
    reviewed: Mapped[YesNo | None] = field(_l("是否审核"))

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """Marks go from 1 to 5."""
        yield from in_range(values, ("quality", "speed", "price", "attitude"), 1, 5)


class AgencyCheck(Child):
    """监督检查: spot checks, complaints, callbacks."""

    __tablename__ = "intermediary_check"
    __key__ = "checks"
    __title__ = _l("监督检查")
    __parent__ = Agency
    __sheet__ = False
    __keys__ = (("checked_on", "origin", "problem"),)
    __label__ = "problem"

    checked_on: Mapped[Day] = field(_l("检查日期"), listed=True)
    origin: Mapped[CheckOrigin] = field(_l("检查来源"), listed=True)
    problem: Mapped[CheckProblem] = field(_l("发现问题"), listed=True)
    result: Mapped[Prose | None] = field(_l("处理结果"), listed=True)
    penalty_case: Mapped[CodeText | None] = field(_l("处罚案号"))
    publish: Mapped[YesNo | None] = field(_l("是否公示"))
