"""Which rows a person sees, which rows and fields a person may write.

A scope sits on the database session (`session.info["scope"]`); one scope per session. `app.guard`
holds every ORM statement and every flush to it; Core statements of import and export ask the same
scope for the same predicate. A session without a scope reads no register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import LoaderCriteriaOption

from app import registry
from app.fields import Field, Gate
from app.language import Text, _l
from app.register import Child, PublishState, Record, Register, field_map, fields
from app.roles import Grant, Role, Rows, Verb


class NotPermitted(Exception):
    """An act that the person's roles do not allow; the message says which and why."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True)
class Actor:
    """Who acts: a person with roles, or the system itself (a command without `--as`)."""

    username: str
    roles: frozenset[Role] = frozenset()
    org_unit_id: int | None = None
    regions: tuple[str, ...] = ()
    system: bool = False
    full_name: str = ""


SYSTEM = Actor("system", system=True)
VISITOR = Actor("", frozenset({Role.PUBLIC}))


@dataclass(frozen=True)
class Scope:
    """What an actor may see and do. Pure: answers from the role table, never from the database."""

    actor: Actor
    #: whether sensitive values are read in clear: only for what a purpose was named for, and noted (app/disclosure.py)
    unmasked: bool = False
    _grants: dict[type[Record], list[Grant]] = field(default_factory=dict, compare=False, repr=False)
    #: why a new row is refused, by register, office and fields
    _new: dict[tuple[type[Record], object, frozenset[str]], Text | None] = field(default_factory=dict, compare=False, repr=False)
    _rows: dict[type[Record], ColumnElement[bool] | None] = field(default_factory=dict, compare=False, repr=False)
    _criteria: dict[type[Record], tuple[LoaderCriteriaOption, ...]] = field(default_factory=dict, compare=False, repr=False)

    def grants(self, cls: type[Record]) -> list[Grant]:
        """The actor's grants in a register (a child has those of its register)."""
        if cls not in self._grants:
            rights = registry.entry_of(cls).rights  # type: ignore[arg-type]
            self._grants[cls] = [rights[role] for role in sorted(self.actor.roles) if role in rights]
        return self._grants[cls]

    def may(self, cls: type[Record], verb: Verb) -> bool:
        """Whether the actor may do this to some row of the register at all."""
        return self.actor.system or any(verb in grant.verbs for grant in self.grants(cls))

    def gates(self, cls: type[Record]) -> frozenset[Gate]:
        """The gates that the actor's grants open in a register."""
        if self.actor.system:
            return frozenset(Gate)
        return frozenset(gate for grant in self.grants(cls) if grant.write is not Rows.NONE for gate in grant.gates)

    def may_add(self, cls: type[Record]) -> bool:
        """Whether the actor may add rows of this kind: records, or children through their gate."""
        wanted = cls.__gate__ if issubclass(cls, Child) else Gate.ORDINARY
        return wanted in self.gates(cls)

    def readable(self, cls: type[Record]) -> list[Field]:
        """The fields that the actor may see, masked or not."""
        if self._reads_more_than_published(cls):
            return list(fields(cls))
        return [declared for declared in fields(cls) if declared.public]

    def clear(self, declared: Field) -> bool:
        """Whether the actor reads the field unmasked: no person reads a sensitive one so, whatever the role."""
        return not declared.sensitive or self.actor.system or self.unmasked

    def hidden(self, cls: type[Record]) -> frozenset[str]:
        """The keys of the fields that the actor does not read in clear."""
        return frozenset() if self.actor.system or self.unmasked else _sensitive(cls)

    def in_clear(self) -> Scope:
        """The same rights with sensitive values in clear. Whoever asks for it has noted why; it never sits on a session."""
        return replace(self, unmasked=True)

    def writable(self, cls: type[Record], values: Mapping[str, Any] | None = None) -> list[Field]:
        """The fields that the actor may write, in a new row (None) or in this one."""
        gates = self.gates(cls)
        new = values is None
        if issubclass(cls, Child):
            return [declared for declared in fields(cls) if cls.__gate__ in gates and not self.refuses_child_field(cls, values, declared)]
        allowed = [
            declared
            for declared in fields(cls)
            if declared.gate in gates or (Gate.ORDINARY in gates and ((new and declared.gate is Gate.ASSIGN) or _to_be_drafted(declared, values)))
        ]
        return [declared for declared in allowed if new or not self.refuses(cls, values, {**(values or {}), declared.key: object()}, {declared.key})]

    def _reads_more_than_published(self, cls: type[Record]) -> bool:
        return self.actor.system or any(grant.read not in {Rows.NONE, Rows.PUBLISHED} for grant in self.grants(cls))

    # rows -----------------------------------------------------------------------------------

    def rows(self, cls: type[Record]) -> ColumnElement[bool] | None:
        """The predicate on a register's or child's columns for the rows the actor sees; None: all. Made once: a list asks twice."""
        if cls not in self._rows:
            self._rows[cls] = self._predicate(cls)
        return self._rows[cls]

    def _predicate(self, cls: type[Record]) -> ColumnElement[bool] | None:
        if self.actor.system:
            return None
        register = registry.owner(cls)  # type: ignore[arg-type]
        kinds = {grant.read for grant in self.grants(cls)}
        parts = [part for kind in sorted(kinds, key=lambda kind: kind.value) for part in self._parts(register, kind)]
        if any(test is None for test, _public in parts):
            return None
        tests = [test for test, _public in parts if test is not None]
        if issubclass(cls, Child):
            tests = [_below(cls, register, test, public) for test, public in parts if test is not None]
        return sa.or_(sa.false(), *tests)

    def criteria(self, cls: type[Record]) -> tuple[LoaderCriteriaOption, ...]:
        """`rows` as an option of statements; made once, for most requests read a register several times."""
        if cls not in self._criteria:
            predicate = self.rows(cls)
            self._criteria[cls] = () if predicate is None else (_Criteria(cls, predicate, include_aliases=True),)
        return self._criteria[cls]

    def _parts(self, register: type[Register], kind: Rows) -> list[tuple[ColumnElement[bool] | None, bool]]:
        """Tests on the register's rows (None: all of them), and whether they are read only as published."""
        if kind is Rows.ALL:
            return [(None, False)]
        published = _published(register)
        own = register.org_unit_id == self.actor.org_unit_id if self.actor.org_unit_id else sa.false()
        if kind is Rows.PUBLISHED:
            return [(sa.and_(published, *register.published_if()), True)]
        if kind is Rows.OWN:
            return [(own, False)]
        if kind is Rows.OWN_OR_PUBLISHED:
            return [(own, False), (published, True)]
        if kind is Rows.REGIONS:
            return [(self._in_regions(register), False)]
        return []

    def _in_regions(self, cls: type[Register]) -> ColumnElement[bool] | None:
        """Rows of the account's regions; registers that know no place are the county's and open."""
        place = field_map(cls).get("region")
        if not self.actor.regions or place is None:
            return None
        region = registry.need("region")
        codes = region.__table__.c.code
        inside = sa.or_(*(codes.startswith(_below_code(code), autoescape=True) for code in self.actor.regions))
        return getattr(cls, place.attr).in_(sa.select(region.__table__.c.id).where(inside))  # type: ignore[no-any-return]

    # writing --------------------------------------------------------------------------------

    def refuses(self, cls: type[Record], before: Mapping[str, Any] | None, after: Mapping[str, Any], changed: Iterable[str]) -> Text | None:
        """Why the actor may not turn `before` (None: a new row) into `after`; None when allowed.

        Values go by field key; for a child they are those of its parent record and `changed` is
        empty.
        """
        if self.actor.system:
            return None
        keys = frozenset(changed)
        if before is None:  # of a new row only its office and the fields count: a file has many alike
            alike = (cls, after.get("org_unit"), keys)
            if alike not in self._new:
                self._new[alike] = self._refuses(cls, None, after, keys)
            return self._new[alike]
        return self._refuses(cls, before, after, keys)

    def _refuses(self, cls: type[Record], before: Mapping[str, Any] | None, after: Mapping[str, Any], keys: frozenset[str]) -> Text | None:
        reasons = [self._refusal(cls, grant, before, after, keys) for grant in self.grants(cls)]
        if any(reason is None for reason in reasons):
            return None
        mixed = self._split_among(cls, before, after, keys)
        if mixed:
            return None
        return next((reason for reason in reasons if reason), _l("您的角色不能修改“%(title)s”", title=cls.__title__))

    def _split_among(self, cls: type[Record], before: Mapping[str, Any] | None, after: Mapping[str, Any], keys: frozenset[str]) -> bool:
        """Whether each changed field is allowed by some grant of a person with several roles."""
        grants = self.grants(cls)
        return (
            len(grants) > 1 and bool(keys) and all(any(self._refusal(cls, grant, before, after, frozenset({key})) is None for grant in grants) for key in keys)
        )

    def _refusal(self, cls: type[Record], grant: Grant, before: Mapping[str, Any] | None, after: Mapping[str, Any], keys: frozenset[str]) -> Text | None:
        if grant.write is Rows.NONE or not grant.gates:
            return _l("您的角色只能查看“%(title)s”，不能修改", title=cls.__title__)
        if before is None and Gate.ORDINARY not in grant.gates:
            return _l("您的角色不能新增“%(title)s”", title=cls.__title__)
        if grant.write is Rows.OWN and self._foreign(grant, before, after):
            if before is not None and not self._foreign(grant, before, before):
                return _l("只有股室负责人能把记录转给其他股室")
            return _l("这条记录不属于您的股室，不能修改")
        if grant.until_approved and before and before.get("publish_state") == PublishState.PUBLISHED.value:
            return _l("这条记录已审定公开，经办人不能直接修改，请联系股室负责人")
        return self._closed_field(cls, grant, before, keys)

    def _foreign(self, grant: Grant, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
        """Whether the row is, or would come to be, another office's; who assigns may give away."""
        mine = self.actor.org_unit_id
        if mine is None:
            return True
        if before is not None and before.get("org_unit") != mine:
            return True
        return Gate.ASSIGN not in grant.gates and after.get("org_unit") != mine

    def _closed_field(self, cls: type[Record], grant: Grant, before: Mapping[str, Any] | None, keys: frozenset[str]) -> Text | None:
        known = field_map(cls)
        for key in keys:
            declared = known.get(key)
            if declared is None or declared.gate in grant.gates:
                continue
            if before is None and declared.gate is Gate.ASSIGN:
                continue  # a new row must start in some office: the keeper's own
            if Gate.ORDINARY in grant.gates and _to_be_drafted(declared, before):
                continue
            return _l("您的角色不能填写“%(label)s”", label=declared.label)
        return None

    def refuses_void(self, cls: type[Record], before: Mapping[str, Any]) -> Text | None:
        """Why the actor may not void this row, or take that back; None when one of the grants allows it."""
        if self.actor.system:
            return None
        grants = [grant for grant in self.grants(cls) if Verb.VOID in grant.verbs]
        reasons = [self._refusal(cls, grant, before, before, frozenset()) for grant in grants]
        if any(reason is None for reason in reasons):
            return None
        return next((reason for reason in reasons if reason), _l("您的角色不能作废“%(title)s”", title=cls.__title__))

    def refuses_child_field(self, cls: type[Child], before: Mapping[str, Any] | None, declared: Field) -> Text | None:
        """Why the actor may not write this field of a child whose row is open to the actor."""
        if self.actor.system or declared.gate in {Gate.ORDINARY, *self.gates(cls)} or _to_be_drafted(declared, before):
            return None
        return _l("您的角色不能填写“%(label)s”", label=declared.label)

    def refuses_child(self, cls: type[Child], parent: Mapping[str, Any]) -> Text | None:
        """Why the actor may not write a child of this parent; None when allowed."""
        if self.actor.system:
            return None
        if cls.__gate__ not in self.gates(cls):
            return _l("您的角色不能填写“%(title)s”", title=cls.__title__)
        if cls.__gate__ is not Gate.ORDINARY:
            return None  # rows within reach of the reader: the session has narrowed them already
        return self.refuses(cls.__parent__, parent, parent, ())


@cache
def _sensitive(cls: type[Record]) -> frozenset[str]:
    return frozenset(declared.key for declared in fields(cls) if declared.sensitive)


def _below(cls: type[Child], register: type[Register], test: ColumnElement[bool], public: bool) -> ColumnElement[bool]:
    """The children of the rows that pass a test; of rows read as published, only those published themselves."""
    within = cls.parent_id.in_(sa.select(register.__table__.c.id).where(test).correlate(None))
    return sa.and_(within, cls.voided_at.is_(None), *cls.published_if()) if public else within


def _below_code(code: str) -> str:
    """What the codes of everything in a region begin with: 130800 stands for 1308…."""
    if len(code) != 6:
        return code
    return code.removesuffix("0000") if code.endswith("0000") else code.removesuffix("00")


def _to_be_drafted(declared: Field, before: Mapping[str, Any] | None) -> bool:
    """Whether the keeper may fill the field in although its gate is another's: as long as it is empty."""
    return declared.drafted and (before is None or before.get(declared.key) in (None, "", []))


def scope_of(session: Session) -> Scope:
    """The scope of a session; LookupError when nobody has set one."""
    try:
        return session.info["scope"]  # type: ignore[no-any-return]
    except KeyError:
        raise LookupError("this session has no scope: say who acts before reading registers") from None


def act_as(session: Session, actor: Actor) -> Scope:
    """Set who acts on a fresh session."""
    scope = Scope(actor)
    session.info["scope"] = scope
    return scope


@cache
def _published(register: type[Register]) -> ColumnElement[bool]:
    return sa.and_(register.publish_state == PublishState.PUBLISHED.value, register.voided_at.is_(None))


class _Criteria(LoaderCriteriaOption):
    """with_loader_criteria that holds in a join to an alias too.

    SQLAlchemy 2.0 leaves the criteria of `join(alias, onclause)` on the table that was aliased,
    so that the alias stays open and the table comes in unasked.
    """

    _traverse_internals = LoaderCriteriaOption._traverse_internals  # noqa: SLF001 - statements stay cached

    def _resolve_where_criteria(self, ext_info: Any) -> ColumnElement[bool]:
        found = super()._resolve_where_criteria(ext_info)
        return ext_info._adapter.traverse(found) if ext_info.is_aliased_class else found  # noqa: SLF001
