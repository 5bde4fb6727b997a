"""The report of an import: which file, by whom, what was written round by round, who took it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.clock import local
from app.language import Text, _
from app.register import Register
from imports import rounds
from imports.batch import BatchState, ImportBatch
from imports.plan import Plan
from imports.undo_rights import may_undo
from views.pages import people


@dataclass(frozen=True)
class Round:
    """What was written at once."""

    file: str
    fingerprint: str
    at: str
    counts: Mapping[str, Any]
    message: str


class Report:
    """What the result page says of a batch."""

    def __init__(self, session: Session, cls: type[Register], batch: ImportBatch, plan: Plan | None) -> None:
        self.batch, self.plan = batch, plan
        self.said: Mapping[str, Any] = batch.report or {}
        self.names = people(session, [batch.operator, batch.undone_by])
        #: records and children that all rounds wrote
        self.written = rounds.written(batch) if batch.state in {BatchState.DONE, BatchState.PARTLY, BatchState.UNDOING, BatchState.UNDONE} else 0
        self.undoable = self.written > 0 and batch.state in {BatchState.DONE, BatchState.PARTLY} and may_undo(session, cls, batch)

    @property
    def counts(self) -> Mapping[str, Any]:
        """The numbers of the last round."""
        return self.batch.counts or {}

    def facts(self) -> list[tuple[Text, str]]:
        """Batch, file, operator, moments."""
        batch = self.batch
        found: list[tuple[Text, str]] = [
            (_("批次"), str(batch.id)),
            (_("文件"), batch.file_name),
            (_("文件指纹（SHA-256 前 16 位）"), batch.sha256[:16]),
            (_("导入人"), self.names.get(batch.operator, batch.operator)),
            (_("上传时间"), _when(batch.created_at)),
        ]
        if batch.finished_at:
            found.append((_("完成时间"), _when(batch.finished_at)))
        if batch.undone_by:
            at = f" {_when(batch.undone_at)}" if batch.undone_at else ""
            found.append((_("撤销人"), self.names.get(batch.undone_by, batch.undone_by) + at))
        return found

    def rounds(self) -> list[Round]:
        """What was written, round by round, where there is more than one."""
        if not self.batch.rounds:
            return []
        own = {**self.said, "sha256": self.batch.sha256, "at": self.batch.finished_at.isoformat() if self.batch.finished_at else ""}
        return [_round(each) for each in (*self.batch.rounds, *([own] if self.written else []))]


def _round(said: Mapping[str, Any]) -> Round:
    at = _when(datetime.fromisoformat(said["at"])) if said.get("at") else ""
    return Round(str(said.get("file", "")), str(said.get("sha256", ""))[:16], at, said.get("counts") or {}, str(said.get("message", "")))


def _when(at: datetime) -> str:
    return f"{local(at):%Y-%m-%d %H:%M}"


__all__ = ["Report", "Round"]
