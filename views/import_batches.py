"""A batch on its way through the import pages: whose it is, how far it has come, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import abort
from sqlalchemy.orm import Session

from app import jobs
from app.clock import now
from app.language import _
from app.register import Register
from app.scopes import scope_of
from imports import plan as planning
from imports.batch import BatchState, ImportBatch
from views import import_jobs

WAITING = {BatchState.CHECKING, BatchState.QUEUED, BatchState.RUNNING}


def mine(session: Session, cls: type[Register], batch_id: int) -> ImportBatch:
    """A batch of the session's person; 404 for anybody else's, and for another register's."""
    planning.permitted(session, cls)
    batch = session.get(ImportBatch, batch_id) if 0 < batch_id < 2**31 else None
    if batch is None or batch.register != cls.__key__ or batch.operator != scope_of(session).actor.username:
        abort(404)
    return batch


@dataclass(frozen=True)
class Progress:
    """How far an import is: rows done, of how many, and how long it will still take."""

    done: int
    total: int
    seconds_left: int | None

    @classmethod
    def of(cls, batch_id: int) -> Progress | None:
        """What the worker last said; None while it has not begun."""
        word = jobs.said(import_jobs.name_of(batch_id))
        if word is None:
            return None
        passed = (now() - datetime.fromisoformat(word["since"])).total_seconds()
        left = round(passed * (word["total"] - word["done"]) / word["done"]) if word["done"] else None
        return cls(word["done"], word["total"], left)

    @property
    def percent(self) -> int:
        """For the bar."""
        return 100 * self.done // max(1, self.total)


def batch_states() -> dict[str, str]:
    """How far an import has come, in words."""
    return {
        "checking": _("检查中"),
        "planned": _("待确认"),
        "queued": _("排队中"),
        "running": _("正在写入"),
        "done": _("已完成"),
        "partly": _("部分完成"),
        "stopped": _("已停止"),
        "refused": _("未导入"),
        "failed": _("出错"),
        "cancelled": _("未导入"),
        "undoing": _("正在撤销"),
        "undone": _("已撤销"),
    }


__all__ = ["WAITING", "Progress", "batch_states", "mine"]
