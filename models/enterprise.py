"""企业: the hub that licences, inspections, complaints and experts' recusals point at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.fields import Coordinate, CreditCode, Day, Line, Mobile, Name, People, Person, Until, WordList, YesNo, field, link, one_of, state
from app.formats import State
from app.language import _l
from app.register import Problem, Register
from models.code_lists import GBT4754, MAJOR_HAZARD, RISK_GRADE, SCALE, SECTOR, STANDARDISATION
from models.rules import in_range, none_of, not_negative


class EnterpriseStatus(State):
    """Whether there is a business to look after."""

    OPERATING = "operating", _l("在营")
    STOPPED = "stopped", _l("停产")
    CLOSED = "closed", _l("关闭")
    DEREGISTERED = "deregistered", _l("注销")
    BUILDING = "building", _l("在建")


class Enterprise(Register):
    """企业（生产经营单位）."""

    __tablename__ = "enterprise"
    __key__ = "enterprise"
    __title__ = _l("企业")
    __keys__ = (("uscc",), ("name", "region"))
    __names__ = ("short_name", "former_names")

    name: Mapped[Name] = field(
        _l("企业名称"), aliases=("单位名称", "公司名称", "生产经营单位名称", "生产经营单位", "被检查单位", "名称"),
        listed=True, search=True, public=True, organisation=True,
    )  # fmt: skip
    uscc: Mapped[CreditCode | None] = field(
        _l("统一社会信用代码"), aliases=("社会信用代码", "信用代码", "营业执照号", "税号"), listed=True, search=True, public=True
    )
    former_names: Mapped[WordList | None] = field(_l("曾用名"), search=True)
    short_name: Mapped[Name | None] = field(_l("简称"), search=True)
    legal_rep: Mapped[Person | None] = field(_l("法定代表人"), aliases=("法人", "法人代表", "负责人"), listed=True)
    principal: Mapped[Person | None] = field(_l("主要负责人"))
    safety_manager: Mapped[Person | None] = field(_l("安全管理人员"), aliases=("安全负责人", "安全生产管理人员", "安全管理负责人"))
    phone: Mapped[Mobile | None] = field(_l("联系电话"), aliases=("电话", "手机", "手机号", "联系方式"), sensitive=True)
    registered_on: Mapped[Day | None] = field(_l("成立日期"), aliases=("注册日期", "登记日期"))
    status: Mapped[Annotated[str, state(EnterpriseStatus)] | None] = field(
        _l("经营状态"), aliases=("企业状态", "生产状态"), default=EnterpriseStatus.OPERATING.value, listed=True, filtered=True
    )

    region_id: Mapped[Annotated[int, link("region")] | None] = field(
        _l("所在地"), aliases=("乡镇", "所属乡镇", "所在乡镇", "所在地区", "区域"), needed="verify", listed=True, filtered=True, index=True, section=_l("位置")
    )
    address: Mapped[Line | None] = field(_l("地址"), aliases=("单位地址", "企业地址", "经营地址", "注册地址", "生产经营地址"), section=_l("位置"))
    lng: Mapped[Coordinate | None] = field(_l("经度"), section=_l("位置"))
    lat: Mapped[Coordinate | None] = field(_l("纬度"), section=_l("位置"))

    industry: Mapped[Annotated[str, one_of(GBT4754)] | None] = field(
        _l("国民经济行业"), aliases=("所属行业", "行业代码", "行业"), needed="verify", filtered=True, section=_l("监管")
    )
    sector: Mapped[Annotated[str, one_of(SECTOR)] | None] = field(
        _l("行业监管类别"), aliases=("行业类别", "监管行业", "监管类别"), listed=True, filtered=True, section=_l("监管")
    )
    scale: Mapped[Annotated[str, one_of(SCALE)] | None] = field(_l("企业规模"), aliases=("规模",), filtered=True, section=_l("监管"))
    employees: Mapped[People | None] = field(_l("从业人数"), aliases=("从业人员", "职工人数", "员工人数"), section=_l("监管"))
    is_key: Mapped[YesNo | None] = field(_l("重点企业"), aliases=("是否重点企业",), needed="verify", filtered=True, section=_l("监管"))
    risk_grade: Mapped[Annotated[str, one_of(RISK_GRADE)] | None] = field(_l("风险等级"), filtered=True, section=_l("监管"))
    major_hazard: Mapped[Annotated[str, one_of(MAJOR_HAZARD)] | None] = field(_l("重大危险源级别"), aliases=("重大危险源",), filtered=True, section=_l("监管"))
    standardisation: Mapped[Annotated[str, one_of(STANDARDISATION)] | None] = field(
        _l("标准化等级"), aliases=("安全生产标准化等级", "标准化"), filtered=True, section=_l("监管")
    )
    standardisation_valid_to: Mapped[Until | None] = field(_l("标准化有效期至"), aliases=("标准化证书有效期",), index=True, section=_l("监管"))
    supervising_unit_id: Mapped[Annotated[int, link("org_unit")] | None] = field(
        _l("监管股室"), aliases=("监管部门", "监管科室"), needed="verify", filtered=True, index=True, section=_l("监管")
    )

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """A place on the map, a number of people."""
        yield from in_range(values, ("lng",), -180, 180)
        yield from in_range(values, ("lat",), -90, 90)
        yield from not_negative(values, "employees")

    @classmethod
    def due_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """A business that is gone renews nothing."""
        return (none_of(cls.status, EnterpriseStatus.CLOSED, EnterpriseStatus.DEREGISTERED),)
