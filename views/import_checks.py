"""A file is checked with what its person decided: at once, or by the worker when it is large; always in the same batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict

from app import jobs
from app.clock import midnight, now, today
from app.language import _
from app.lookup import DatabaseLookup
from app.register import Register
from app.scopes import scope_of
from imports import excerpt, mended_file, rounds, stored
from imports import plan as planning
from imports.answers import Answers
from imports.batch import BatchState, ImportBatch
from imports.decisions import Decisions
from imports.outcome import Mode
from imports.refusal import Refused
from imports.targets import fed_children, targets
from views import import_jobs

#: checks of a day of what was never imported: each says whether what was typed into a masked field is what stands there (the
#: same file again must change nothing), so that whoever guesses gets no further
MOST_PREVIEWS = 100
_UNWRITTEN = [each.value for each in (BatchState.PLANNED, BatchState.REFUSED, BatchState.STOPPED, BatchState.CANCELLED)]


def too_many(session: Session) -> str:
    """Why the session's person may have no further file checked today; empty when there is no reason."""
    # a batch that is written leaves a trace, and its checks count no more; one that is given up keeps them
    each = ImportBatch.checks + sa.case((ImportBatch.state.in_(_UNWRITTEN), 1), else_=0)
    since_midnight = sa.func.coalesce(ImportBatch.touched_at, ImportBatch.created_at) >= midnight(today())
    count = sa.select(sa.func.coalesce(sa.func.sum(each), 0)).where(ImportBatch.operator == scope_of(session).actor.username, since_midnight)
    if (session.scalar(count) or 0) < MOST_PREVIEWS:
        return ""
    return _("您今天已有 %(most)s 次预览没有导入，请先确认其中要导入的，或明天再上传", most=MOST_PREVIEWS)


def _tells(session: Session, cls: type[Register]) -> bool:
    """Whether a check could tell its person something that is masked."""
    scope = scope_of(session)
    return any(scope.hidden(each) for each in (cls, *fed_children(cls)))


def check(session: Session, cls: type[Register], batch: ImportBatch, decisions: Decisions, file: Mapping[str, Any], *, at_once: int) -> None:
    """Plan a batch anew with these decisions, its file replaced by `file` when there is one; commits.

    Raises Refused, with nothing changed, when the file or a decision does not hold, and Conflict when the batch is on its way.
    """
    decisions.check(cls)
    _hold(session, cls, decisions)
    facts = {"touched_at": now(), **({"checks": ImportBatch.checks + 1} if batch.id is not None and _tells(session, cls) else {}), **file}
    data: bytes = file.get("content") or batch.content or b""
    if len(data) > at_once:
        _claim(session, batch, facts | {"state": BatchState.CHECKING.value, "message": None})
        stored.note(batch, decisions, stored.notes_of(batch)[1])
        session.commit()
        jobs.put(import_jobs.CHECK, batch.id)
        return
    name, seen = file.get("file_name") or batch.file_name, batch.digest
    if file and batch.id is not None:
        decisions = mended_file.still_decided(session, cls, data, batch.sheet, decisions, stored.notes_of(batch)[1])
    plan = planning.make(session, cls, data, name, sheet=batch.sheet, mode=Mode(batch.mode), decisions=decisions, since=rounds.last_written(batch))
    _claim(session, batch, facts, seen)
    import_jobs.ready(session, batch, plan)


def _hold(session: Session, cls: type[Register], decisions: Decisions) -> None:
    """Refuse an answer to a word that cannot hold, before a worker would."""
    lookup, answers = DatabaseLookup(session), Answers(decisions)
    for target in targets(cls):
        if target.name in decisions.words:
            answers.of(target, lookup)


def unread(session: Session, batch: ImportBatch, file: Mapping[str, Any], error: Refused) -> bool:
    """Keep a file in which no table was found, so that its person can say where it is; commits. False, with nothing kept, where none can be."""
    found = excerpt.of_file(file["content"]) if error.code in import_jobs.PLACES else excerpt.Excerpt()
    if not found.tabular:
        return False
    _claim(session, batch, {**file, "state": BatchState.REFUSED.value, "message": str(error.message), "touched_at": now()})
    stored.note(batch, stored.notes_of(batch)[0], found)
    session.commit()
    return True


def _claim(session: Session, batch: ImportBatch, facts: Mapping[str, Any], digest: str | None = None) -> None:
    """Take a batch for this transaction and give it these facts; Conflict when it is on its way, or was checked anew meanwhile."""
    if batch.id is None:
        for key, value in {"state": BatchState.CHECKING.value, **facts}.items():
            setattr(batch, key, value)
        session.add(batch)
        session.flush()
        return
    claim = sa.update(ImportBatch).where(ImportBatch.id == batch.id, ImportBatch.state == batch.state)
    if digest is not None:
        claim = claim.where(ImportBatch.digest == digest)
    claim = claim.values({**facts, **rounds.begun(batch)}).returning(ImportBatch.id)
    if session.execute(claim, execution_options={"synchronize_session": False}).scalar() is None:
        session.rollback()
        raise Conflict(_("这个批次正在写入、已经写入，或刚刚重新检查过，没有改动任何设置。请重新打开这一页"))
    session.refresh(batch)


__all__ = ["MOST_PREVIEWS", "check", "too_many", "unread"]
