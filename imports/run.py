"""Plan and commit in one go, as the command line does."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.register import Register
from imports import plan as planning
from imports.commit import BadRows, Result, commit
from imports.decisions import NOTHING, Decisions
from imports.outcome import Mode


def run(
    session: Session,
    cls: type[Register],
    data: bytes,
    file: str,
    *,
    sheet: str | None = None,
    mode: Mode = Mode.UPSERT,
    bad_rows: BadRows = BadRows.STOP,
    decisions: Decisions = NOTHING,
) -> tuple[Result, dict[str, Any]]:
    """Import a file: the result and the report; raises Refused or NotPermitted with nothing written."""
    plan = planning.make(session, cls, data, file, sheet=sheet, mode=mode, decisions=decisions)
    result = commit(session, plan, data, bad_rows)
    return result, result.report(plan)
