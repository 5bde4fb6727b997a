"""A declaration bound to its columns: fields, keys, children, what follows from other values."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.clock import now
from app.database import conflict_of
from app.register import children, complete, field_map, fields, missing, values_of
from app.scopes import SYSTEM
from tests.engine import OWN, Desk, Ledger, Oversight, Remark, bench, desk

__all__ = ["bench", "desk"]


def test_fields_stand_in_the_order_declared_and_the_envelope_behind() -> None:
    keys = [declared.key for declared in fields(Ledger)]
    assert keys[:3] == ["code", "title", "short_name"]
    assert keys[-4:] == ["org_unit", "handler", "publish_state", "remark"]


def test_a_field_knows_its_column() -> None:
    known = field_map(Ledger)
    assert (known["org_unit"].attr, known["peer"].attr) == ("org_unit_id", "peer_id")
    assert (known["title"].required, known["code"].required) == (True, False)
    assert (known["code"].unique, known["title"].unique) == (True, False)
    assert known["valid_to"].spill_key == "valid_from"
    assert known["office_phone"].spill_key == "mobile"
    assert known["office_phone"].format.spills  # type: ignore[attr-defined]
    assert known["title"].places == ["list", "page", "form", "sheet", "public"]


def test_children_belong_to_their_register() -> None:
    assert children(Ledger) == (Remark, Oversight)


def test_values_go_by_key() -> None:
    row = Ledger(title="x", org_unit_id=OWN)
    assert values_of(row)["org_unit"] == OWN
    assert "org_unit_id" not in values_of(row)
    assert missing(Ledger, values_of(row)) == []


@pytest.mark.parametrize(
    ("written", "born"),
    [
        (None, date(1980, 1, 5)),
        (date(1980, 1, 1), date(1980, 1, 5)),  # 1980年1月, the day comes from the number
        (date(1980, 2, 1), date(1980, 2, 1)),  # two sources disagree: what was written stays
    ],
)
def test_what_follows_from_other_values(written: date | None, born: date) -> None:
    values: dict[str, Any] = {"id_no": "13082819800105001X", "born": written}
    assert complete(Ledger, values)["born"] == born
    assert complete(Ledger, {"born": None})["born"] is None


def test_a_key_belongs_to_one_live_row(desk: Desk) -> None:
    desk.add(Ledger(title="甲", code="1", voided_at=now()), Ledger(title="乙", code="1"), Ledger(title="丙"), Ledger(title="丙"))
    with pytest.raises(IntegrityError) as caught:
        desk.add(Ledger(title="丁", code="1"))
    assert conflict_of(caught.value)


def test_a_second_key_counts_only_without_the_first(desk: Desk) -> None:
    born = date(1980, 1, 1)
    desk.add(Ledger(title="甲", born=born, code="1"), Ledger(title="甲", born=born, code="2"), Ledger(title="甲", born=born))
    with pytest.raises(IntegrityError):
        desk.add(Ledger(title="甲", born=born))


def test_the_key_of_a_child_counts_under_its_parent(desk: Desk) -> None:
    first, second = desk.add(Ledger(title="甲"), Ledger(title="乙"))
    desk.add(Remark(parent_id=first, topic="x"), Remark(parent_id=second, topic="x"))
    with pytest.raises(IntegrityError):
        desk.add(Remark(parent_id=first, topic="x"))


def test_a_stale_copy_never_overwrites(desk: Desk) -> None:
    (row_id,) = desk.add(Ledger(title="甲"))
    slow = desk.of(SYSTEM)
    stale = slow.get(Ledger, row_id)
    slow.rollback()  # lets others write; the copy keeps the version it saw
    stale = slow.get(Ledger, row_id)
    assert stale is not None
    version, _ = stale.row_version, stale.title
    slow.expunge(stale)
    slow.rollback()
    with desk.of(SYSTEM) as fast:
        fast.get(Ledger, row_id).remark = "先改"  # type: ignore[union-attr]
        fast.commit()
        assert fast.scalar(sa.select(Ledger.row_version)) == version + 1
    slow.add(stale)
    stale.remark = "后改"
    with pytest.raises(StaleDataError):
        slow.flush()
