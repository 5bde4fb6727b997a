"""The roles, and what a role may do in a register. One table, seeded into Flask-AppBuilder.

The engine asks this table, not the database: a role edited by hand on a page can close a view
but never open a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType

from app.fields import Gate
from app.language import Text, _l


class Role(StrEnum):
    """Domain roles; the members' labels are in `ROLE_LABELS`."""

    CLERK = "clerk"
    OFFICER = "officer"
    SECTION_HEAD = "section_head"
    LEGAL = "legal"
    LEADER = "leader"
    SUPERVISOR = "supervisor"
    EXPERT_ADMIN = "expert_admin"
    PRIVACY_VIEW = "privacy_view"
    SYSADMIN = "sysadmin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"
    PUBLIC = "public"


ROLE_LABELS: Mapping[Role, Text] = MappingProxyType(
    {
        Role.CLERK: _l("经办人"),
        Role.OFFICER: _l("执法人员"),
        Role.SECTION_HEAD: _l("股室负责人"),
        Role.LEGAL: _l("法制审核人员"),
        Role.LEADER: _l("局领导"),
        Role.SUPERVISOR: _l("监督人员"),
        Role.EXPERT_ADMIN: _l("专家库管理员"),
        Role.PRIVACY_VIEW: _l("敏感信息查看"),
        Role.SYSADMIN: _l("系统管理员"),
        Role.SECURITY_ADMIN: _l("安全管理员"),
        Role.AUDIT_ADMIN: _l("审计管理员"),
        Role.PUBLIC: _l("公众"),
    }
)


#: who takes back imports of others too: of the own office, or of every office who writes the whole register.
#: It takes the right to import beside it, and goes as far as the rows and fields that the person may write.
UNDOERS = frozenset({Role.SECTION_HEAD, Role.EXPERT_ADMIN, Role.SYSADMIN})


class Verb(StrEnum):
    """What a person does with a register; each is a permission `can_<verb>` in Flask-AppBuilder."""

    READ = "read"
    ADD = "add"
    EDIT = "edit"
    VOID = "void"
    IMPORT = "import"
    EXPORT = "export"


class Rows(Enum):
    """Which rows of a register."""

    NONE = 0
    PUBLISHED = 1
    OWN = 2  # of one's own 股室
    OWN_OR_PUBLISHED = 3
    REGIONS = 4  # of the regions given to the account; all when none is given
    ALL = 5


@dataclass(frozen=True)
class Grant:
    """What one role may do in one register: rows it reads, rows it writes, and through which gates."""

    read: Rows = Rows.NONE
    write: Rows = Rows.NONE
    gates: frozenset[Gate] = field(default_factory=frozenset)
    #: writes only while the row is not published
    until_approved: bool = False

    @property
    def verbs(self) -> frozenset[Verb]:
        """The permissions that the grant amounts to."""
        verbs = set()
        if self.read is not Rows.NONE:
            verbs |= {Verb.READ}
        if self.read not in {Rows.NONE, Rows.PUBLISHED}:
            verbs |= {Verb.EXPORT}
        if self.write is not Rows.NONE:
            verbs |= {Verb.EDIT}
        if Gate.ORDINARY in self.gates:
            verbs |= {Verb.ADD, Verb.VOID, Verb.IMPORT}
        return frozenset(verbs)


Rights = Mapping[Role, Grant]

_KEEP = frozenset({Gate.ORDINARY})
_ASSIGN = frozenset({Gate.ASSIGN, Gate.APPROVAL})
_EVERYTHING = frozenset({Gate.ORDINARY, Gate.ASSIGN, Gate.APPROVAL})
_KEEPER = Grant(Rows.OWN_OR_PUBLISHED, Rows.OWN, _KEEP, until_approved=True)

LEDGER: Rights = MappingProxyType(
    {
        Role.CLERK: _KEEPER,
        Role.OFFICER: _KEEPER,
        Role.SECTION_HEAD: Grant(Rows.OWN_OR_PUBLISHED, Rows.OWN, _ASSIGN),
        Role.LEGAL: Grant(Rows.ALL, Rows.ALL, frozenset({Gate.LEGAL})),
        Role.LEADER: Grant(Rows.ALL, Rows.ALL, frozenset({Gate.APPROVAL})),
        Role.SUPERVISOR: Grant(Rows.REGIONS, Rows.REGIONS, frozenset({Gate.SUPERVISION})),
        Role.PUBLIC: Grant(Rows.PUBLISHED),
    }
)
"""A register that the 股室 keep, each its own rows."""

POOL: Rights = MappingProxyType(
    {
        **LEDGER,
        Role.CLERK: Grant(Rows.OWN_OR_PUBLISHED),
        Role.OFFICER: Grant(Rows.OWN_OR_PUBLISHED),
        Role.SECTION_HEAD: Grant(Rows.OWN_OR_PUBLISHED),
        Role.EXPERT_ADMIN: Grant(Rows.ALL, Rows.ALL, _KEEP | {Gate.ASSIGN}),
    }
)
"""A register that one keeper looks after for everybody: the 股室 read, the keeper writes."""

REFERENCE: Rights = MappingProxyType(
    {
        **{role: Grant(Rows.ALL) for role in Role if role not in {Role.PRIVACY_VIEW, Role.PUBLIC}},
        Role.SYSADMIN: Grant(Rows.ALL, Rows.ALL, _EVERYTHING),
    }
)
"""Lists that everybody needs to fill in a form, kept by the system administrator."""
