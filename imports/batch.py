"""Every import leaves a batch: who brought which file, what it did, the report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.clock import now
from app.encryption.column import EncryptedBytes
from app.fields import _JSON
from app.register import Base


class BatchState(StrEnum):
    """How far an import has come."""

    CHECKING = "checking"
    PLANNED = "planned"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PARTLY = "partly"
    STOPPED = "stopped"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"


class ImportBatch(Base):
    """One import: the file itself, the choices, the seal of the confirmed plan, the report."""

    __tablename__ = "import_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    register: Mapped[str] = mapped_column(sa.String(64), index=True)
    file_name: Mapped[str] = mapped_column(sa.String(255))
    sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    content: Mapped[bytes | None] = mapped_column(EncryptedBytes("import_batch.content"), deferred=True)
    sheet: Mapped[str | None] = mapped_column(sa.String(255))
    mode: Mapped[str] = mapped_column(sa.String(20))
    bad_rows: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(sa.String(20), index=True)
    digest: Mapped[str | None] = mapped_column(sa.String(64))
    counts: Mapped[dict[str, Any] | None] = mapped_column(_JSON)
    #: how many of each outcome the plan holds, and which numbers of records
    outline: Mapped[dict[str, Any] | None] = mapped_column(_JSON, deferred=True)
    #: what the person decided about the file, its words and headings, and what the pages show of it, packed (`imports/stored.py`)
    notes: Mapped[bytes | None] = mapped_column(EncryptedBytes("import_batch.notes"), deferred=True)
    #: the reports of what was written before, when wrong rows came back mended: the oldest first (`imports/rounds.py`)
    rounds: Mapped[list[dict[str, Any]] | None] = mapped_column(_JSON, deferred=True)
    #: how often its person had it checked anew, where a check could tell something that is masked
    checks: Mapped[int] = mapped_column(default=0, server_default="0")
    #: how often a worker has taken the batch in hand: one that was overtaken writes nothing
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    #: when its person last had it checked: the checks of a day are counted
    touched_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    report: Mapped[dict[str, Any] | None] = mapped_column(_JSON, deferred=True)
    operator: Mapped[str] = mapped_column(sa.String(64), index=True)
    message: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    finished_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: who took it back, or has asked for it
    undone_by: Mapped[str | None] = mapped_column(sa.String(64))
    undone_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: the report of that
    undo: Mapped[dict[str, Any] | None] = mapped_column(_JSON, deferred=True)


class Superseded(Exception):
    """Somebody else has taken the batch in hand since: this attempt writes nothing."""


def hold(session: Session, batch_id: int, attempt: int) -> None:
    """Lock the batch until the transaction ends; raises Superseded when this is not the last attempt at it."""
    held = sa.update(ImportBatch).where(ImportBatch.id == batch_id, ImportBatch.attempt == attempt).values(attempt=attempt).returning(ImportBatch.id)
    if session.execute(held, execution_options={"synchronize_session": False}).scalar() is None:
        raise Superseded
