"""Whether the documents that affect operators were reviewed for fair competition (公平竞争审查条例第十三条)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.charge import ledgers, live
from app.language import Text, _l
from app.scopes import Scope, scope_of
from models.policy import Policy
from models.review import Review

CONCLUDED, OPEN, NONE = "concluded", "open", "none"
LABELS: dict[str, Text] = {CONCLUDED: _l("已有审查结论"), OPEN: _l("正在审查"), NONE: _l("没有审查记录")}


def known(scope: Scope) -> bool:
    """Whether the person sees both sides, and may ask for them."""
    return {Policy, Review} <= set(ledgers(scope))


def _standing(scope: Scope) -> sa.Case[Any]:
    """How far the review of a document has come."""
    reviewed = sa.select(Review.policy_id).where(*live(scope, Review), Review.policy_id.is_not(None))
    concluded = reviewed.where(Review.conclusion.is_not(None))
    return sa.case((Policy.id.in_(concluded), CONCLUDED), (Policy.id.in_(reviewed), OPEN), else_=NONE)


def _tests(scope: Scope) -> list[sa.ColumnElement[bool]]:
    return [*live(scope, Policy), Policy.touches_operators.is_(True)]


def counts(session: Session) -> dict[int | None, dict[str, int]]:
    """The documents of each office by how far their review has come; one statement."""
    scope = scope_of(session)
    inner = sa.select(Policy.org_unit_id.label("office"), _standing(scope).label("standing")).select_from(Policy.__table__).where(*_tests(scope)).subquery()
    statement = sa.select(inner.c.office, inner.c.standing, sa.func.count()).group_by(inner.c.office, inner.c.standing)
    found: dict[int | None, dict[str, int]] = {}
    for office, standing, count in session.connection().execute(statement):
        found.setdefault(office, {})[standing] = int(count)
    return found


def documents(session: Session, standing: str, office: int | None, most: int, skip: int) -> tuple[int, Sequence[Any]]:
    """How many documents stand there (office None: of all offices; 0: of none), and a page of them."""
    scope = scope_of(session)
    tests = [*_tests(scope), _standing(scope) == standing] + ([] if office is None else [Policy.org_unit_id == (office or None)])
    count = session.scalar(sa.select(sa.func.count(Policy.id)).where(*tests)) or 0
    return count, session.scalars(sa.select(Policy).where(*tests).order_by(Policy.id.desc()).limit(most).offset(skip)).all()
