"""The lists that everything else points at: 股室, 行政区划, 字典."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.fields import CodeText, Count, Day, Line, Name, Phone, WordList, field, kept, state
from app.formats import Choice, State
from app.language import _l
from app.register import Register
from models.code_lists import CODE_LIST

CodeListName = Annotated[str, kept(sa.String(64), Choice(CODE_LIST.key))]


class OrgUnit(Register):
    """股室队办: the offices of the bureau."""

    __tablename__ = "org_unit"
    __key__ = "org_unit"
    __title__ = _l("股室")
    __keys__ = (("name",),)
    __names__ = ("short_name", "aliases")

    name: Mapped[Name] = field(_l("股室名称"), aliases=("名称",), listed=True, search=True)
    short_name: Mapped[Name | None] = field(_l("简称"), listed=True, search=True)
    aliases: Mapped[WordList | None] = field(_l("别名"), aliases=("曾用名",), listed=True, search=True)
    office_phone: Mapped[Phone | None] = field(_l("办公电话"), aliases=("联系电话", "电话"), listed=True)
    sort: Mapped[Count | None] = field(_l("排序"), default=0)


class RegionLevel(State):
    """Steps of the division codes."""

    PROVINCE = "province", _l("省级")
    CITY = "city", _l("地级")
    COUNTY = "county", _l("县级")
    TOWNSHIP = "township", _l("乡级")


class Region(Register):
    """行政区划: the country down to county, and the county's own 乡镇."""

    __tablename__ = "region"
    __key__ = "region"
    __title__ = _l("行政区划")
    __keys__ = (("code",),)
    __label__ = "full_name"
    __label_unique__ = True
    __names__ = ("name", "aliases")

    code: Mapped[CodeText] = field(_l("区划代码"), aliases=("代码",), listed=True, search=True)
    name: Mapped[Name] = field(_l("名称"), listed=True, search=True)
    full_name: Mapped[Line] = field(_l("全称"), listed=True, search=True, form=True)
    level: Mapped[Annotated[str, state(RegionLevel)] | None] = field(_l("级别"), listed=True, filtered=True)
    aliases: Mapped[WordList | None] = field(_l("别名"), listed=True, search=True)


class WordState(State):
    """Whether the keeper of the list has accepted a word."""

    ACCEPTED = "accepted", _l("已采用")
    PENDING = "pending", _l("待确认")


class CodeEntry(Register):
    """字典: the words of every code list, with their other spellings and the days they are in force."""

    __tablename__ = "code"
    __key__ = "code"
    __title__ = _l("字典")
    __keys__ = (("code_list", "code"),)
    __label__ = "label"

    code_list: Mapped[CodeListName] = field(_l("字典名"), listed=True, filtered=True)
    code: Mapped[Name] = field(_l("代码"), listed=True, search=True)
    label: Mapped[Name] = field(_l("词条"), aliases=("名称",), listed=True, search=True)
    aliases: Mapped[WordList | None] = field(_l("别名"), listed=True, search=True)
    effective_from: Mapped[Day | None] = field(_l("启用日期"))
    effective_to: Mapped[Day | None] = field(_l("停用日期"), listed=True)
    sort: Mapped[Count | None] = field(_l("排序"), default=0)
    origin: Mapped[Line | None] = field(_l("来源"))
    word_state: Mapped[Annotated[str, state(WordState)] | None] = field(_l("状态"), listed=True, filtered=True, default="accepted")
