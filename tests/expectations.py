"""Who may do what, written down by hand from the role table of the issue, not read from the code.

Rows come in four kinds: of one's own office or another's, published or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.roles import LEDGER, POOL, REFERENCE, Rights
from tests import people
from tests.people import Persona

OWN, OWN_PUBLISHED, OTHER, OTHER_PUBLISHED = "own", "own_published", "other", "other_published"
ALL = frozenset({OWN, OWN_PUBLISHED, OTHER, OTHER_PUBLISHED})
OFFICE = frozenset({OWN, OWN_PUBLISHED, OTHER_PUBLISHED})
MINE = frozenset({OWN, OWN_PUBLISHED})
PUBLISHED = frozenset({OWN_PUBLISHED, OTHER_PUBLISHED})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class May:
    """What a persona may do in a register: kinds of rows it reads and writes, and through which field."""

    reads: frozenset[str] = NOTHING
    edits: frozenset[str] = NOTHING
    #: the field that tells whether the persona may edit
    probe: str = "remark"
    adds: bool = False
    voids: frozenset[str] = NOTHING
    exports: bool = False
    extra: dict[str, str] = field(default_factory=dict, hash=False)


_KEEPER = May(OFFICE, frozenset({OWN}), adds=True, voids=frozenset({OWN}), exports=True)
_ONLY_PUBLISHED = May(PUBLISHED)
_NOBODY = May()

_LEDGER: dict[Persona, May] = {
    people.CLERK: _KEEPER,
    people.OTHER_CLERK: May(frozenset({OTHER, *PUBLISHED}), frozenset({OTHER}), adds=True, voids=frozenset({OTHER}), exports=True),
    people.OFFICER: _KEEPER,
    people.SECTION_HEAD: May(OFFICE, MINE, probe="handler", exports=True),
    people.LEGAL: May(ALL, NOTHING, exports=True),
    people.LEADER: May(ALL, ALL, probe="publish_state", exports=True),
    people.SUPERVISOR: May(ALL, exports=True),
    people.TOWN_SUPERVISOR: May(ALL, exports=True),
    people.EXPERT_ADMIN: _NOBODY,
    people.PRIVACY_CLERK: _KEEPER,
    people.PRIVACY_ONLY: _NOBODY,
    people.SYSADMIN: _NOBODY,
    people.SECURITY_ADMIN: _NOBODY,
    people.AUDIT_ADMIN: _NOBODY,
    people.VISITOR: _ONLY_PUBLISHED,
}
_READER = May(OFFICE, exports=True)
_POOL = _LEDGER | {
    people.CLERK: _READER,
    people.OTHER_CLERK: May(frozenset({OTHER, *PUBLISHED}), exports=True),
    people.OFFICER: _READER,
    people.SECTION_HEAD: _READER,
    people.PRIVACY_CLERK: _READER,
    people.EXPERT_ADMIN: May(ALL, ALL, adds=True, voids=ALL, exports=True),
}
_LOOKS = May(ALL, exports=True)
_REFERENCE = dict.fromkeys(_LEDGER, _LOOKS) | {
    people.SYSADMIN: May(ALL, ALL, adds=True, voids=ALL, exports=True),
    people.PRIVACY_ONLY: _NOBODY,
    people.VISITOR: _NOBODY,
}
_TABLES = {id(LEDGER): _LEDGER, id(POOL): _POOL, id(REFERENCE): _REFERENCE}


def may(rights: Rights, person: Persona) -> May:
    """What the person may do under these rights; KeyError for rights that nobody wrote down here."""
    return _TABLES[id(rights)][person]
