"""Pages of a list: each row once, whichever way one walks; what is counted, what is summed up, what is read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import paging, registry
from app.clock import now
from app.formats import Choices
from app.lookup import DatabaseLookup
from app.paging import Slice, read_slice, tally
from app.queries import Listing, QueryError, filterable, read_listing
from app.register import Register, field_map, fields
from app.scopes import scope_of
from models.agency import Agency
from tests import samples
from tests.conftest import SessionOf
from tests.people import CLERK, LEADER, OTHER, OTHER_CLERK, OWN

REGISTERS = [entry.register for entry in registry.entries()]
ROWS, SIZE = 13, 5


def lay(session: Session, cls: type[Register]) -> None:
    """Rows in which every value comes several times and every field that may be empty is, somewhere."""
    chance, lookup = random.Random(cls.__key__), DatabaseLookup(session)
    once = {part for key in cls.__keys__ for part in key} | {cls.__label__}
    offices = [office(session, OWN), office(session, OTHER)]
    rows = []
    for number in range(ROWS):
        row: dict[str, Any] = {"voided_at": now() if number % 7 == 6 else None, "row_version": 1}
        for declared in fields(cls):
            few = 900 + number if declared.key in once else chance.choice((901, 902, 903))
            value = samples.sample(declared, few, lookup)
            row[declared.attr] = None if not declared.required and declared.key not in once and chance.random() < 0.4 else value
        row["org_unit_id"] = chance.choice([*offices, None])
        rows.append(row)
    if cls.__key__ in {"region", "code"}:  # thousands that are there from the start
        session.connection().execute(sa.delete(cls.__table__))
    session.connection().execute(sa.insert(cls.__table__), rows)
    session.commit()


def forward(session: Session, listing: Listing) -> list[int]:
    """Every row, from the first page by "next"."""
    found: list[int] = []
    for _page in range(ROWS):
        part = read_slice(session, listing, [])
        found += [row.id for row in part.rows]
        if not part.later:
            return found
        listing.page, listing.after = 1, part.rows[-1].id
    raise AssertionError("the pages never end")


def backward(session: Session, listing: Listing) -> list[int]:
    """Every row, from the last page by "previous"."""
    listing.last, found = True, []
    for _page in range(ROWS):
        part = read_slice(session, listing, [])
        found = [row.id for row in part.rows] + found
        if not part.earlier:
            return found
        listing.last, listing.before = False, part.rows[0].id
    raise AssertionError("the pages never end")


def numbered(session: Session, listing: Listing, count: int) -> list[int]:
    found: list[int] = []
    for number in range(1, -(-count // listing.size) + 1):
        listing.page = number
        found += [row.id for row in read_slice(session, listing, []).rows]
    return found


@pytest.mark.parametrize("cls", REGISTERS, ids=lambda cls: cls.__key__)
@pytest.mark.parametrize("person", [None, CLERK], ids=["system", "clerk"])
def test_every_order_shows_each_row_once_on_every_way(session_of: SessionOf, cls: type[Register], person: Any) -> None:
    lay(session_of(), cls)
    session = session_of(person)
    allowed = filterable(scope_of(session), cls)
    orders = ["", *(key for key, declared in allowed.items() if not isinstance(declared.format, Choices))]
    for order in orders:
        for descending in (False, True) if order else (False,):

            def listing(order: str = order, descending: bool = descending) -> Listing:
                return Listing(cls, order=order, descending=descending, size=SIZE)

            wanted = [row.id for row in session.scalars(listing().statement())]
            assert wanted, order
            assert forward(session, listing()) == wanted, (order, descending)
            assert backward(session, listing()) == wanted, (order, descending)
            assert numbered(session, listing(), len(wanted)) == wanted, (order, descending)


def test_a_page_begins_only_after_what_the_reader_sees(session_of: SessionOf) -> None:
    session = session_of()
    hidden = samples.make(session, Agency, 1, office(session, "危化股"))
    listing = Listing(Agency, order="name", after=hidden.id)
    with pytest.raises(QueryError, match="起点"):
        read_slice(session_of(CLERK), listing, [])
    assert isinstance(read_slice(session_of(OTHER_CLERK), listing, []), Slice)


def test_counts_stop_and_sums_only_cover_what_was_counted(session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of()
    mine, other = office(session, "基础股"), office(session, "危化股")
    for number in range(6):
        row = samples.make(session, Agency, number + 1, mine if number < 4 else other)
        row.fixed_assets = Decimal(100 * (number + 1)) if number else None
        session.commit()
    summed = [field_map(Agency)["fixed_assets"]]

    def sums(person: Any) -> tuple[int, bool, Sequence[Any]]:
        found = tally(session_of(person), Listing(Agency), summed)
        return found.count, found.capped, list(found.sums.values())

    assert sums(CLERK) == (4, False, [Decimal(900)])
    assert sums(LEADER) == (6, False, [Decimal(2000)])
    monkeypatch.setattr(paging, "MOST", 4)
    assert sums(CLERK) == (4, False, [Decimal(900)])
    assert sums(LEADER) == (5, True, [])


def test_a_search_is_counted_less_far_than_a_list(session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of()
    for number in range(4):
        samples.make(session, Agency, number + 1, office(session, "基础股"))
    monkeypatch.setattr(paging, "MOST_FOUND", 2)
    searched = read_listing(session, Agency, {"q": ["样例"]}, DatabaseLookup(session))
    assert (tally(session, searched).count, tally(session, searched).capped) == (3, True)
    assert not paging.reachable(read_listing(session, Agency, {"q": ["样例"], "size": ["2"], "page": ["2"]}, DatabaseLookup(session)))
    assert not tally(session, read_listing(session, Agency, {}, DatabaseLookup(session))).capped


def office(session: Session, name: str) -> int:
    cls: Any = registry.find("org_unit")
    return int(session.scalar(sa.select(cls.id).where(cls.name == name)))
