"""The guard: which rows each role sees on any statement, which rows and fields it may write."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session, aliased

from app import registry
from app.accounts import Account
from app.clock import now
from app.fields import Gate
from app.guard import _loaded_along
from app.register import PublishState, field_map, values_of
from app.roles import Role
from app.scopes import SYSTEM, Actor, NotPermitted, Scope, act_as, scope_of
from models.reference import OrgUnit
from tests.engine import (
    CLERK,
    ENTRIES,
    LEADER,
    LEGAL,
    OTHER,
    OTHER_CLERK,
    OWN,
    PRIVACY_ONLY,
    SECTION_HEAD,
    SUPERVISOR,
    TOWN_SUPERVISOR,
    VISITOR,
    Desk,
    Ledger,
    Oversight,
    Remark,
    bench,
    desk,
    rows,
)

__all__ = ["bench", "desk", "rows"]

EVERY = {"own", "own published", "foreign", "foreign published", "foreign voided", "nobody's"}
SEES: dict[str, tuple[Actor, set[str]]] = {
    "system": (SYSTEM, EVERY),
    "clerk": (CLERK, {"own", "own published", "foreign published"}),
    "other clerk": (OTHER_CLERK, {"foreign", "foreign published", "foreign voided", "own published"}),
    "clerk of no office": (Actor("x", frozenset({Role.CLERK})), {"own published", "foreign published"}),
    "section head": (SECTION_HEAD, {"own", "own published", "foreign published"}),
    "legal": (LEGAL, EVERY),
    "leader": (LEADER, EVERY),
    "supervisor": (SUPERVISOR, EVERY),
    "town supervisor": (TOWN_SUPERVISOR, {"own", "own published"}),
    "privacy view alone": (PRIVACY_ONLY, set()),
    "public": (VISITOR, {"own published", "foreign published"}),
    "no role": (Actor("x", org_unit_id=OWN), set()),
    "clerk and public": (Actor("x", frozenset({Role.CLERK, Role.PUBLIC}), OWN), {"own", "own published", "foreign published"}),
}


def change(session: Session, row_id: int, **values: Any) -> None:
    row = session.get(Ledger, row_id)
    assert row is not None
    for name, value in values.items():
        setattr(row, name, value)
    session.commit()


def refused(session: Session, row_id: int, **values: Any) -> str:
    with pytest.raises(NotPermitted) as caught:
        change(session, row_id, **values)
    session.rollback()
    return str(caught.value)


# reading ------------------------------------------------------------------------------------


def test_nobody_reads_before_saying_who_acts(desk: Desk) -> None:
    session = desk.of(None)
    for statement in (
        sa.select(Ledger),
        sa.select(sa.func.count()).select_from(Ledger),
        sa.select(sa.exists().where(Ledger.id == 1)),
        sa.select(Ledger.__table__),
        sa.select(sa.literal(1)).where(sa.exists().where(Ledger.id == 1)),
        sa.update(Ledger).values(title="x"),
        sa.delete(Ledger),
        sa.insert(Ledger).values(title="x"),
    ):
        with pytest.raises(LookupError, match="no scope"):
            session.execute(statement)
    session.add(Ledger(title="x"))
    with pytest.raises(LookupError, match="no scope"):
        session.flush()
    assert session.scalar(sa.text("select 1")) == 1
    with pytest.raises(LookupError):
        scope_of(session)


@pytest.mark.parametrize(("actor", "seen"), SEES.values(), ids=SEES)
def test_every_road_of_reading_is_narrowed(desk: Desk, rows: dict[str, int], actor: Actor, seen: set[str]) -> None:
    session = desk.of(actor)
    other, child = aliased(Ledger), aliased(Remark)
    inner = sa.select(Ledger.id).subquery()
    roads = {
        "select": session.scalars(sa.select(Ledger.title)),
        "entities": [row.title for row in session.scalars(sa.select(Ledger))],
        "query": [row.title for row in session.query(Ledger)],
        "aliased": session.scalars(sa.select(other.title)),
        "children": session.scalars(sa.select(Remark.topic)),
        "aliased children": session.scalars(sa.select(child.topic)),
        "join to the child": session.scalars(sa.select(Remark.topic).join(Ledger, Ledger.id == Remark.parent_id)),
        "join from the child": session.scalars(sa.select(Ledger.title).join(Remark, Ledger.id == Remark.parent_id)),
        "join of aliases": session.scalars(sa.select(other.title).join(child, other.id == child.parent_id)),
        "outer join": list(session.scalars(sa.select(other.title).select_from(Remark).outerjoin(other, other.id == Remark.parent_id))),
        "subquery": session.scalars(sa.select(Remark.topic).where(Remark.parent_id.in_(sa.select(Ledger.id)))),
        "exists": session.scalars(sa.select(Remark.topic).where(sa.select(Ledger.id).where(Ledger.id == Remark.parent_id).exists())),
        "from a subquery": [name for name, each in rows.items() if each in set(session.scalars(sa.select(inner.c.id)))],
        "union": session.scalars(sa.union(sa.select(Ledger.title), sa.select(Ledger.title).where(Ledger.id < 0))),
        "cte": session.scalars(sa.select(sa.select(Ledger.title).cte().c.title)),
        "query with a join": [name for (name,) in session.query(Ledger.title).join(Remark, Remark.parent_id == Ledger.id)],
        "a subquery as a column": [
            name
            for name in session.scalars(sa.select(sa.select(Ledger.title).where(Ledger.id == Remark.parent_id).scalar_subquery()).select_from(Remark))
            if name
        ],
        "one by one": [name for name, each in rows.items() if desk.of(actor).get(Ledger, each)],
        "children one by one": [row.topic for row in (session.get(Remark, each) for each in every_id(desk, Remark)) if row],
        "sorted by a hidden column": session.scalars(sa.select(Ledger.title).order_by(Ledger.mobile)),
    }
    for road, found in roads.items():
        assert set(found) == seen, road
    assert session.scalar(sa.select(sa.func.count()).select_from(Ledger)) == len(seen)
    assert session.scalar(sa.select(sa.func.count(Remark.id))) == len(seen)
    assert session.query(Oversight).count() == len(seen)
    assert bool(session.scalar(sa.select(sa.select(Ledger.id).where(Ledger.title == "nobody's").exists()))) is ("nobody's" in seen)
    assert session.scalar(sa.select(sa.func.max(Ledger.id))) == max((rows[name] for name in seen), default=None)


def test_a_statement_carries_only_the_tests_of_what_it_names(desk: Desk, rows: dict[str, int]) -> None:
    def note(state: ORMExecuteState) -> None:
        carried.append({option.entity.class_ for option in state.statement._with_options})

    carried: list[set[type]] = []
    session = desk.of(CLERK)
    sa.event.listen(session, "do_orm_execute", note)
    other = aliased(Remark)
    for statement in (
        sa.select(Ledger.id),
        sa.select(Ledger.id).where(Ledger.id.in_(sa.select(other.parent_id))),
        sa.select(sa.literal(1)).where(sa.select(Oversight.id).exists()),
        sa.select(sa.func.count()).select_from(sa.select(Remark.id).union(sa.select(Oversight.id)).subquery()),
        sa.select(sa.literal(1)),
    ):
        session.execute(statement)
    assert carried == [{Ledger}, {Ledger, Remark}, {Oversight}, {Remark, Oversight}, set()]


def test_what_a_mapper_loads_along_is_narrowed_too() -> None:
    assert _loaded_along(sa.inspect(Account)) == {OrgUnit}
    assert _loaded_along(sa.inspect(Ledger)) == {Ledger}


def every_id(desk: Desk, cls: type[Any]) -> list[int]:
    return list(desk.of(SYSTEM).scalars(sa.select(cls.id)))


def test_what_the_public_reads_of_a_row() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_entries", dict(ENTRIES))
        assert {declared.key for declared in Scope(VISITOR).readable(Ledger)} == {"title", "short_name", "office_phone"}
        assert "remark" in {declared.key for declared in Scope(CLERK).readable(Ledger)}
        assert Scope(VISITOR).writable(Ledger) == []


def test_masked_for_everybody_but_the_system() -> None:
    mobile = field_map(Ledger)["mobile"]
    assert not Scope(CLERK).clear(mobile)
    assert not Scope(PRIVACY_ONLY).clear(mobile)
    assert Scope(PRIVACY_ONLY).in_clear().clear(mobile)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_entries", dict(ENTRIES))
        assert Scope(CLERK).in_clear().writable(Ledger) == Scope(CLERK).writable(Ledger), "and no right more"
    assert Scope(SYSTEM).clear(mobile)


# writing ------------------------------------------------------------------------------------


def test_a_keeper_writes_the_rows_of_the_own_office(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    change(session, rows["own"], remark="改过")
    session.add(Ledger(title="new", org_unit_id=OWN))
    session.commit()
    assert session.get(Ledger, rows["own"]).changed_by == "wang"  # type: ignore[union-attr]


def test_a_keeper_does_not_write_foreign_rows(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    assert "不属于您的股室" in refused(session, rows["foreign published"], remark="x")
    assert session.get(Ledger, rows["foreign"]) is None
    for office in (OTHER, None):
        session.add(Ledger(title="new", org_unit_id=office))
        with pytest.raises(NotPermitted):
            session.flush()
        session.rollback()
    session.add(Ledger())  # nothing set at all is still a row
    with pytest.raises(NotPermitted):
        session.flush()


def test_a_keeper_does_not_move_rows_out_of_reach(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    assert refused(session, rows["own"], org_unit_id=OTHER)
    assert refused(session, rows["own"], org_unit_id=None)
    assert refused(session, rows["foreign published"], org_unit_id=OWN)


def test_a_row_that_was_not_loaded_keeps_its_office(desk: Desk, rows: dict[str, int]) -> None:
    """After a commit a new value covers the old one without a history: the guard asks the table."""
    session = desk.of(CLERK)
    row = session.get(Ledger, rows["foreign published"])
    session.commit()
    row.org_unit_id = OWN  # type: ignore[union-attr]
    with pytest.raises(NotPermitted):
        session.flush()


def test_fields_behind_another_gate_are_closed(desk: Desk, rows: dict[str, int]) -> None:
    assert "法制意见" in refused(desk.of(CLERK), rows["own"], opinion="同意")
    assert "公开状态" in refused(desk.of(CLERK), rows["own"], publish_state=PublishState.PUBLISHED.value)
    assert "经办人" in refused(desk.of(CLERK), rows["own"], handler="李四")
    assert "名称" in refused(desk.of(SECTION_HEAD), rows["own"], title="x")
    change(desk.of(LEGAL), rows["foreign"], opinion="同意")
    assert "备注" in refused(desk.of(LEGAL), rows["foreign"], remark="x")
    change(desk.of(LEADER), rows["foreign"], publish_state=PublishState.PUBLISHED.value)
    assert "法制意见" in refused(desk.of(LEADER), rows["own"], opinion="x")


def test_a_keeper_drafts_what_another_concludes(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    session.add(Ledger(title="new", org_unit_id=OWN, conclusion="符合标准"))
    session.flush()
    change(session, rows["own"], conclusion="符合标准")
    session.commit()
    assert "结论" in refused(session, rows["own"], conclusion="不符合")
    writable = {declared.key for declared in scope_of(session).writable(Ledger)}
    assert "conclusion" in writable
    assert "opinion" not in writable
    session.expire_all()
    row = session.get(Ledger, rows["own"])
    assert "conclusion" not in {declared.key for declared in scope_of(session).writable(Ledger, values_of(row))}  # type: ignore[arg-type]
    with pytest.raises(NotPermitted):
        session.add(Ledger(title="new 2", org_unit_id=OWN, opinion="同意"))
        session.flush()


def test_what_follows_from_other_fields_is_nobodys_writing(desk: Desk) -> None:
    session = desk.of(CLERK)
    session.add(Ledger(title="new", org_unit_id=OWN, born=date(1980, 1, 1), age_group="成年"))
    session.flush()
    session.add(Ledger(title="other", org_unit_id=OWN, born=date(1980, 1, 1), age_group="未成年"))
    with pytest.raises(NotPermitted, match="年龄段"):
        session.flush()


def test_published_rows_are_locked_for_keepers(desk: Desk, rows: dict[str, int]) -> None:
    assert "已审定公开" in refused(desk.of(CLERK), rows["own published"], remark="x")
    change(desk.of(SECTION_HEAD), rows["own published"], publish_state=PublishState.WITHDRAWN.value)
    session = desk.of(CLERK)
    session.add(Remark(parent_id=rows["foreign published"], topic="x"))
    with pytest.raises(NotPermitted):
        session.flush()


def test_section_heads_reassign_and_approve_their_own(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(SECTION_HEAD)
    assert refused(session, rows["foreign published"], publish_state=PublishState.WITHDRAWN.value)
    change(session, rows["own"], publish_state=PublishState.PUBLISHED.value)
    change(session, rows["own"], org_unit_id=OTHER)
    session.add(Ledger(title="new", org_unit_id=OWN))
    with pytest.raises(NotPermitted, match="不能新增"):
        session.flush()


def test_supervisors_write_supervision_and_nothing_else(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(TOWN_SUPERVISOR)
    assert refused(session, rows["own"], remark="x")
    session.add(Oversight(parent_id=rows["own"], finding="公示不及时"))
    session.flush()
    for row in (Remark(parent_id=rows["own"], topic="x"), Oversight(parent_id=rows["foreign"], finding="x"), Ledger(title="x")):
        session.add(row)
        with pytest.raises(NotPermitted):
            session.flush()
        session.rollback()
    clerk = desk.of(CLERK)
    clerk.add(Oversight(parent_id=rows["own"], finding="x"))
    with pytest.raises(NotPermitted, match="测试监督"):
        clerk.flush()


def test_children_stay_under_parents_within_reach(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    session.add(Remark(parent_id=rows["own"], topic="x"))
    session.flush()
    for parent in (rows["foreign"], 10**6, None):
        session.add(Remark(parent_id=parent, topic="x"))
        with pytest.raises(NotPermitted, match="上级记录"):
            session.flush()
        session.rollback()


def test_a_child_is_not_taken_from_or_given_to_a_foreign_parent(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    for name, parent in (("own", rows["foreign published"]), ("foreign published", rows["own"])):
        row = session.scalar(sa.select(Remark).where(Remark.topic == name))
        row.parent_id = parent  # type: ignore[union-attr]
        with pytest.raises(NotPermitted):
            session.flush()
        session.rollback()


def test_a_closed_field_of_a_child_stays_closed(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    session.add(Remark(parent_id=rows["own"], topic="x", verdict="x"))
    with pytest.raises(NotPermitted, match="记事结论"):
        session.flush()
    session.rollback()
    assert {declared.key for declared in scope_of(session).writable(Remark)} == {"topic", "body"}


def test_nothing_is_deleted(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    session.delete(session.get(Ledger, rows["own"]))
    with pytest.raises(NotPermitted, match="只能作废"):
        session.flush()


@pytest.mark.parametrize("actor", [CLERK, LEADER, LEGAL])
def test_no_bulk_statement_passes_the_guard(desk: Desk, rows: dict[str, int], actor: Actor) -> None:
    for statement in (sa.update(Ledger).values(title="x"), sa.delete(Remark), sa.insert(Ledger).values(title="x")):
        session = desk.of(actor)
        with pytest.raises(NotPermitted):
            session.execute(statement)
    with pytest.raises(NotPermitted):
        desk.of(actor).query(Ledger).update({"title": "x"})
    with pytest.raises(NotPermitted):
        desk.of(actor).query(Ledger).delete()


def test_who_voids(desk: Desk, rows: dict[str, int]) -> None:
    change(desk.of(CLERK), rows["own"], voided_at=now(), void_reason="重复")
    for actor, name in ((SECTION_HEAD, "own"), (LEADER, "own"), (LEGAL, "own"), (SUPERVISOR, "own"), (CLERK, "foreign published"), (CLERK, "own published")):
        assert refused(desk.of(actor), rows[name], voided_at=now(), void_reason="x")
    clerk_and_leader = Actor("x", frozenset({Role.CLERK, Role.LEADER}), OWN)
    assert refused(desk.of(clerk_and_leader), rows["foreign"], voided_at=now(), void_reason="x")


def test_two_roles_write_what_each_of_them_may(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(Actor("x", frozenset({Role.CLERK, Role.LEGAL}), OWN))
    change(session, rows["own"], remark="x", opinion="同意")
    assert refused(session, rows["foreign"], remark="x")
    change(session, rows["foreign"], opinion="同意")


def test_links_lead_only_to_what_the_writer_sees(desk: Desk, rows: dict[str, int]) -> None:
    session = desk.of(CLERK)
    change(session, rows["own"], peer_id=rows["foreign published"], region_id=1)
    assert "关联记录" in refused(session, rows["own"], peer_id=rows["foreign"])
    assert "关联记录" in refused(session, rows["own"], peer_id=10**6)


def test_rights_of_roles(desk: Desk) -> None:
    assert Scope(CLERK).may_add(Ledger)
    assert Scope(CLERK).may_add(Remark)
    assert not Scope(CLERK).may_add(Oversight)
    assert Scope(SUPERVISOR).may_add(Oversight)
    assert not Scope(SUPERVISOR).may_add(Ledger)
    assert Scope(SYSTEM).gates(Ledger) == frozenset(Gate)
    assert Scope(PRIVACY_ONLY).gates(Ledger) == frozenset()
    session = desk.of(None)
    assert act_as(session, CLERK) is scope_of(session)
