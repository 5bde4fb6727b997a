"""What an empty database starts with. What is there already, as it came or edited, stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import code_lists
from app.register import PublishState, Register, Source
from app.search import keep
from models.code_lists import PERIODS
from models.reference import CodeEntry, OrgUnit, Region, WordState
from models.regions import regions

OFFICES = {
    "办公室": ("局办公室", "综合办公室"),
    "政策法规股": ("政策法规科", "法规股", "法规科"),
    "综合股": ("综合科", "综合协调股", "安全生产综合协调股"),
    "基础股": ("基础科", "安全生产基础股", "安全生产基础科"),
    "危化股": ("危化科", "危险化学品股", "危险化学品监督管理股"),
    "矿山股": ("矿山科", "非煤矿山股", "非煤矿山监督管理股"),
    "应急指挥中心": ("指挥中心", "应急中心"),
    "执法队": ("执法大队", "执法监察大队", "综合执法大队", "应急管理综合行政执法大队"),
}


def seed(session: Session) -> dict[str, int]:
    """Add what is missing; how many rows of each register came in. The caller commits."""
    return {"org_unit": _org_units(session), "region": _regions(session), "code": _codes(session)}


def _org_units(session: Session) -> int:
    """The offices, into an empty list only: the office renames them, and the old name must not come back."""
    if session.execute(sa.select(OrgUnit.__table__.c.id).limit(1)).first():
        return 0
    rows = [{"name": name, "aliases": "、".join(aliases), "sort": place} for place, (name, aliases) in enumerate(OFFICES.items(), start=1)]
    return _insert(session, OrgUnit, rows)


def _regions(session: Session) -> int:
    known = set(session.execute(sa.select(Region.__table__.c.code)).scalars())
    rows = [{**row, "aliases": row["aliases"] or None} for row in regions() if row["code"] not in known]
    return _insert(session, Region, rows)


def _codes(session: Session) -> int:
    table = CodeEntry.__table__.c
    known = {(row.code_list, row.code) for row in session.execute(sa.select(table.code_list, table.code))}
    rows = [row for row in _words() if (row["code_list"], row["code"]) not in known]
    return _insert(session, CodeEntry, rows)


def _words() -> Iterable[dict[str, Any]]:
    for code_list in code_lists.every():
        for place, word in enumerate(code_list.words, start=1):
            start, end = PERIODS.get((code_list.key, word.code), (None, None))
            yield {
                "code_list": code_list.key,
                "code": word.code,
                "label": word.label,
                "aliases": "、".join(word.aliases) or None,
                "effective_from": start,
                "effective_to": end,
                "sort": place,
                "origin": code_list.origin or None,
                "word_state": WordState.ACCEPTED.value,
            }


def _insert(session: Session, cls: type[Register], rows: list[dict[str, Any]]) -> int:
    """Core inserts: thousands of rows, none of them of anybody's office."""
    facts = {"source": Source.SYSTEM.value, "publish_state": PublishState.PRIVATE.value, "created_by": "system", "changed_by": "system"}
    if rows:
        session.execute(sa.insert(cast("sa.Table", cls.__table__)), [{**row, **facts} for row in rows])
        keep.catch_up(session.connection(), cls)
    return len(rows)
