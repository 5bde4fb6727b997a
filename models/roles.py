"""Who may do what in which register: one line each (the kinds of rights are in app/roles.py)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.register import Register
from app.roles import LEDGER, POOL, REFERENCE, Rights
from models.agency import Agency
from models.enterprise import Enterprise
from models.expert import Expert
from models.policy import Policy
from models.reference import CodeEntry, OrgUnit, Region
from models.review import Review

RIGHTS: Mapping[type[Register], Rights] = MappingProxyType(
    {
        Agency: LEDGER,
        Expert: POOL,
        Policy: LEDGER,
        Review: LEDGER,
        Enterprise: LEDGER,
        OrgUnit: REFERENCE,
        Region: REFERENCE,
        CodeEntry: REFERENCE,
    }
)
