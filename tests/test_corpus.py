"""The corpus of messy workbooks: no row corrupted, none lost in silence, each fault said at its cell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

import models  # noqa: F401 - announces the registers
from app import database, registry
from app.scopes import SYSTEM, act_as
from imports import plan as planning
from imports.outcome import Outcome, Planned
from imports.plan import Plan
from imports.refusal import Refused
from tests.corpus import cell_values, formats, other_registers, refusals, shapes
from tests.corpus.case import Case

pytestmark = pytest.mark.one_database  # a file reads the same, wherever its rows go

CASES = [*formats.CASES, *shapes.CASES, *cell_values.CASES, *other_registers.CASES, *refusals.CASES]
#: known shortfalls, each with what is not right
SHORT: dict[str, str] = {}


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    with app.app_context():
        opened = database.open_session()
        act_as(opened, SYSTEM)
        yield opened
        opened.close()


def planned(session: Session, case: Case) -> Plan:
    cls = registry.find(case.register)
    assert cls
    return planning.make(session, cls, case.build(), "名录.xls")


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in SHORT], ids=lambda case: case.name)
def test_the_workbook_gives_what_it_says(session: Session, case: Case) -> None:
    if case.refused:
        with pytest.raises(Refused) as caught:
            planned(session, case)
        assert caught.value.code == case.refused
        assert any("\u4e00" <= char <= "\u9fff" for char in str(caught.value)), "a refusal says in Chinese what to do"
        return
    plan = planned(session, case)
    spoken_of = {number for record in plan.records for number in record.numbers} | {issue.row for issue in plan.wrong}
    assert spoken_of == set(case.rows), "no row is lost in silence"
    assert plan.counts()["rows"] == len(case.rows)
    assert {left.row: left.reason for left in plan.table.left_out if left.row} == case.left
    assert tuple(left.sheet for left in plan.table.left_out if left.row is None) == case.sheets
    assert tuple(heading for heading, name in plan.table.mapped().items() if name is None) == case.unread
    assert sorted((issue.row, issue.field, issue.code) for issue in plan.wrong) == sorted(case.wrong)
    assert sorted((issue.row, issue.field, issue.code) for issue in plan.doubtful) == sorted(case.doubtful)
    faulty = {row for row, _field, _code in case.wrong}
    for number, said in case.rows.items():
        if number in faulty:
            assert all(record.outcome is Outcome.WRONG for record in plan.records if number in record.numbers), f"row {number} is written, though it is wrong"
        else:
            assert _said(plan, number) == {key: _comparable(value) for key, value in said.items()}, f"row {number}"


def test_the_corpus_is_large_enough_and_nearly_all_of_it_right() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
    assert SHORT.keys() <= {case.name for case in CASES}
    assert len(SHORT) * 20 <= len(CASES)


def _said(plan: Plan, number: int) -> dict[str, object]:
    """What the plan makes of a row, by the fields that its columns feed."""
    found: dict[str, object] = {}
    mapped = [name for name in plan.table.mapped().values() if name]
    extra = {"qualifications.issued_on", "appointed_on", "mobile"}  # where the rest of a cell goes
    for record in plan.records:
        if number in record.numbers:
            found.update(_values(record, ""))
            for child in record.children:
                if number in child.numbers:
                    found.update(_values(child, f"{child.cls.__key__}."))
    return {key: value for key, value in found.items() if key in mapped or key in extra}


def _values(planned: Planned, prefix: str) -> dict[str, object]:
    return {f"{prefix}{key}": _comparable(value) for key, value in planned.after.items() if value not in (None, "", [])}


def _comparable(value: object) -> object:
    return value if isinstance(value, (list, bool)) else float(value) if isinstance(value, (int, float)) or type(value).__name__ == "Decimal" else str(value)  # type: ignore[arg-type]
