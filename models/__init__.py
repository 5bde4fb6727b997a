"""What the bureau keeps: importing this package makes every register and code list known."""

from app.language import _l
from app.registry import Entry, announce
from models import code_lists as code_lists
from models import review_form as review_form
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
    Entry(Agency, RIGHTS[Agency], PEOPLE_AREA, "ti-building"),
    Entry(Expert, RIGHTS[Expert], PEOPLE_AREA, "ti-school"),
    Entry(Policy, RIGHTS[Policy], POLICY_AREA, "ti-file-text"),
    Entry(Review, RIGHTS[Review], POLICY_AREA, "ti-scale"),
    Entry(Enterprise, RIGHTS[Enterprise], ENTERPRISE_AREA, "ti-building-factory-2"),
    Entry(OrgUnit, RIGHTS[OrgUnit], BASICS_AREA, "ti-sitemap"),
    Entry(Region, RIGHTS[Region], BASICS_AREA, "ti-map-pin"),
    Entry(CodeEntry, RIGHTS[CodeEntry], BASICS_AREA, "ti-vocabulary"),
)

announce(*REGISTERS)
