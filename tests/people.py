"""The personas: one person per role, two offices, a visitor. Every test knows them by name."""

from __future__ import annotations

from dataclasses import dataclass

from app.roles import Role

PASSWORD = "Weichang-2026"
OWN, OTHER = "基础股", "危化股"


@dataclass(frozen=True)
class Persona:
    """An account: who it is, with which roles, in which office, for which regions."""

    username: str
    roles: tuple[Role, ...]
    office: str = ""
    regions: str = ""
    name: str = ""


CLERK = Persona("wang", (Role.CLERK,), OWN, name="王经办")
OTHER_CLERK = Persona("li", (Role.CLERK,), OTHER, name="李经办")
OFFICER = Persona("zhao", (Role.OFFICER,), OWN, name="赵执法")
SECTION_HEAD = Persona("qian", (Role.SECTION_HEAD,), OWN, name="钱股长")
LEGAL = Persona("sun", (Role.LEGAL,), "政策法规股", name="孙法制")
LEADER = Persona("zhou", (Role.LEADER,), "办公室", name="周局长")
SUPERVISOR = Persona("wu", (Role.SUPERVISOR,), name="吴监督")
TOWN_SUPERVISOR = Persona("zheng", (Role.SUPERVISOR,), regions="130828100", name="郑监督")
EXPERT_ADMIN = Persona("feng", (Role.EXPERT_ADMIN,), "综合股", name="冯专管")
PRIVACY_CLERK = Persona("chen", (Role.CLERK, Role.PRIVACY_VIEW), OWN, name="陈经办")
PRIVACY_ONLY = Persona("chu", (Role.PRIVACY_VIEW,), OWN, name="褚查看")
SYSADMIN = Persona("wei", (Role.SYSADMIN,), name="卫系统")
SECURITY_ADMIN = Persona("jiang", (Role.SECURITY_ADMIN,), name="蒋安全")
AUDIT_ADMIN = Persona("shen", (Role.AUDIT_ADMIN,), name="沈审计")
VISITOR = Persona("", (Role.PUBLIC,))

PEOPLE = (
    CLERK, OTHER_CLERK, OFFICER, SECTION_HEAD, LEGAL, LEADER, SUPERVISOR, TOWN_SUPERVISOR, EXPERT_ADMIN,
    PRIVACY_CLERK, PRIVACY_ONLY, SYSADMIN, SECURITY_ADMIN, AUDIT_ADMIN,
)  # fmt: skip
EVERYBODY = (*PEOPLE, VISITOR)
