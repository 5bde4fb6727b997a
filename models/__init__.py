"""What the bureau keeps: importing this package makes every register and code list known."""

from app.language import _l
from app.registry import Entry, announce
from models import code_lists as code_lists
from models.agency import Agency
from models.enterprise import Enterprise
from models.expert import Expert
from models.policy import Policy
from models.reference import CodeEntry, OrgUnit, Region
from models.review import Review
from models.roles import RIGHTS

PEOPLE_AREA = _l("中介与专家")
POLICY_AREA = _l("政策与审查")
ENTERPRISE_AREA = _l("企业")
BASICS_AREA = _l("基础数据")

REGISTERS = (
    Entry(Agency, RIGHTS[Agency], PEOPLE_AREA, "fa-building"),
    Entry(Expert, RIGHTS[Expert], PEOPLE_AREA, "fa-user"),
    Entry(Policy, RIGHTS[Policy], POLICY_AREA, "fa-file-text"),
    Entry(Review, RIGHTS[Review], POLICY_AREA, "fa-balance-scale"),
    Entry(Enterprise, RIGHTS[Enterprise], ENTERPRISE_AREA, "fa-industry"),
    Entry(OrgUnit, RIGHTS[OrgUnit], BASICS_AREA, "fa-sitemap"),
    Entry(Region, RIGHTS[Region], BASICS_AREA, "fa-map-marker"),
    Entry(CodeEntry, RIGHTS[CodeEntry], BASICS_AREA, "fa-book"),
)

announce(*REGISTERS)
