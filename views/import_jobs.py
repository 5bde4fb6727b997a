"""What the worker does with uploaded files: check large ones, write confirmed ones; once, whatever is killed when.

An undo (`views/undoing.py`) is taken in hand the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import jobs, registry
from app.accounts import actor_named
from app.clock import now
from app.database import db
from app.language import _
from app.register import Register
from app.scopes import NotPermitted, act_as
from app.search import later
from imports import excerpt, mended_file, rounds, stored
from imports import plan as planning
from imports.batch import BatchState, ImportBatch, Superseded, hold
from imports.commit import BadRows, commit
from imports.outcome import Mode
from imports.plan import Plan
from imports.refusal import Refused

log = logging.getLogger(__name__)
CHECK, WRITE, UNDO = "check", "import", "undo"
#: why no table is found in a file although it can be read: its person may say where it is
PLACES = {"no_header", "no_sheet", "form", "bad_decisions"}
#: which states each task works on
_STATES = {CHECK: [BatchState.CHECKING.value], WRITE: [BatchState.QUEUED.value, BatchState.RUNNING.value], UNDO: [BatchState.UNDOING.value]}


class Cancelled(Exception):
    """The person does not want the import any more: nothing is written."""


def name_of(batch_id: int) -> str:
    """By which an import tells how far it is."""
    return f"import:{batch_id}"


def wish_of(batch_id: int) -> str:
    """By which somebody asks it to stop."""
    return f"import:{batch_id}:stop"


def unfinished(task: str) -> list[tuple[Any, ...]]:
    """The batches that wait for a task, or that a worker had in hand."""
    waiting = sa.select(ImportBatch.id).where(ImportBatch.state.in_(_STATES[task]))
    return [(batch_id,) for batch_id in db.session.scalars(waiting.order_by(ImportBatch.id))]


def claim(session: Session, batch_id: int, task: str) -> int | None:
    """The number of this attempt at a batch; None when there is nothing (more) to do. Waits for who has it in hand."""
    claimed = sa.update(ImportBatch).where(ImportBatch.id == batch_id, ImportBatch.state.in_(_STATES[task]))
    begun = _STATES[task][-1]
    claimed = claimed.values(attempt=ImportBatch.attempt + 1, state=begun).returning(ImportBatch.attempt)
    attempt: int | None = session.execute(claimed, execution_options={"synchronize_session": False}).scalar()
    session.commit()
    return attempt


def check_batch(batch_id: int) -> None:
    """Plan the import of a large file in the name of the person who sent it."""
    session = db.session()
    attempt = claim(session, batch_id, CHECK)
    if attempt is None:
        return
    with _attempted(session, batch_id, attempt):
        batch, cls = _begin(session, batch_id)
        plan = _planned(session, batch, cls)
        hold(session, batch_id, attempt)
        ready(session, batch, plan)


def _planned(session: Session, batch: ImportBatch, cls: type[Register]) -> Plan:
    """The plan of a batch by what its person decided; of a file in which no table is found, its top is kept for the page that asks where it is."""
    data, (decisions, before) = batch.content or b"", stored.notes_of(batch)
    if before.sha256 and before.sha256 != batch.sha256:
        decisions = mended_file.still_decided(session, cls, data, batch.sheet, decisions, before)
    facts: dict[str, Any] = {"sheet": batch.sheet, "mode": Mode(batch.mode), "decisions": decisions, "since": rounds.last_written(batch)}
    try:
        return planning.make(session, cls, data, batch.file_name, **facts)
    except Refused as error:
        if error.code in PLACES:
            stored.note(batch, decisions, excerpt.of_file(data))
            session.commit()
        raise


def ready(session: Session, batch: ImportBatch, plan: Plan) -> None:
    """Keep the plan of a batch, so that its person can look at it and confirm; commits."""
    batch.state, batch.message = BatchState.PLANNED.value, str(plan.news) or None
    stored.keep(session, batch, plan)
    session.commit()


def commit_batch(batch_id: int) -> None:
    """Write a confirmed batch in the name of the person who confirmed it."""
    session = db.session()
    attempt = claim(session, batch_id, WRITE)
    if attempt is None:
        return
    with _attempted(session, batch_id, attempt):
        batch, cls = _begin(session, batch_id)
        plan = stored.load(session, batch, cls)
        progress = partial(_progress, batch_id, plan.tally["rows"], now().isoformat())
        progress(0)
        if commit(session, plan, None, BadRows(batch.bad_rows), batch, attempt, progress).unread:
            jobs.put(later.JOB, cls.__key__)


def _progress(batch_id: int, total: int, since: str, done: int) -> None:
    """Say how far it is; raises Cancelled when the person asks to stop."""
    if jobs.said(wish_of(batch_id)):
        raise Cancelled
    jobs.say(name_of(batch_id), {"done": done, "total": total, "since": since})


@contextmanager
def _attempted(session: Session, batch_id: int, attempt: int) -> Iterator[None]:
    """Whatever becomes of it, the batch says so. What the attempt that came after this one has to say stays."""
    try:
        yield
    except Superseded:
        session.rollback()
        return
    except Cancelled:
        _close(session, batch_id, attempt, BatchState.PLANNED, _("已按您的要求停止，没有写入任何内容"))
    except (Refused, NotPermitted) as error:
        _close(session, batch_id, attempt, BatchState.REFUSED, str(error.message))
    except LookupError as error:
        _close(session, batch_id, attempt, BatchState.REFUSED, str(error.args[0]))
    except Exception:
        log.exception("import batch %s failed", batch_id)
        _close(session, batch_id, attempt, BatchState.FAILED, _("出错了，没有写入任何内容。请联系系统管理员，并告知批次号 %(batch)s", batch=batch_id))
    jobs.hush(name_of(batch_id), wish_of(batch_id))


def _begin(session: Session, batch_id: int) -> tuple[ImportBatch, type[Register]]:
    """Act for the batch's person; the batch and its register."""
    batch = session.get_one(ImportBatch, batch_id)
    cls = registry.find(batch.register)
    if cls is None:
        raise Refused("no_register", _("登记表“%(key)s”已经不在了", key=batch.register))
    act_as(session, actor_named(batch.operator))
    planning.permitted(session, cls)
    return batch, cls


def _close(session: Session, batch_id: int, attempt: int, state: BatchState, message: str) -> None:
    session.rollback()
    change = sa.update(ImportBatch).where(ImportBatch.id == batch_id, ImportBatch.attempt == attempt)
    done = None if state is BatchState.PLANNED else now()
    facts: dict[str, Any] = {"state": state.value, "message": message, "finished_at": done}
    batch = session.get(ImportBatch, batch_id)
    if batch is not None and batch.rounds and state is not BatchState.PLANNED:
        facts = rounds.given_up(batch, message)
    closed = session.execute(change.values(facts).returning(ImportBatch.id), execution_options={"synchronize_session": False}).scalar()
    if closed is not None and batch is not None and batch.rounds and state is not BatchState.PLANNED:
        session.execute(sa.delete(stored.ImportPart).where(stored.ImportPart.batch_id == batch_id))
    session.commit()


__all__ = ["CHECK", "UNDO", "WRITE", "check_batch", "claim", "commit_batch", "name_of", "ready", "unfinished", "wish_of"]
