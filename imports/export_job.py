"""A large export that is made behind the page: who asked for what, how far it has come, where the file lies."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.clock import now
from app.encryption.column import EncryptedBytes
from app.register import Base

#: how long a file waits to be fetched
KEPT = timedelta(days=7)
#: as many exports as may be in the making for one person
MOST_WAITING = 5
#: so often a file is begun: one that takes its worker along must not do so for ever
MOST_ATTEMPTS = 3

Query = Mapping[str, Sequence[str]]


class ExportState(StrEnum):
    """How far an export has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"  # the file was thrown away


WAITING = (ExportState.QUEUED.value, ExportState.RUNNING.value)


class ExportJob(Base):
    """One export; its number is the file's, and its address."""

    __tablename__ = "export_job"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(20), unique=True)
    register: Mapped[str] = mapped_column(sa.String(64))
    kind: Mapped[str] = mapped_column(sa.String(5))
    #: what it is called when somebody fetches it, without number and ending
    name: Mapped[str] = mapped_column(sa.String(255))
    #: by what it is narrowed: people search for names and numbers, so it is sealed, and gone once the file is made
    query: Mapped[bytes | None] = mapped_column(EncryptedBytes("export_job.query"))
    operator: Mapped[str] = mapped_column(sa.String(64), index=True)
    state: Mapped[str] = mapped_column(sa.String(10), default=ExportState.QUEUED.value, index=True)
    #: records written, and how many there are
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    #: rows of the finished file, its bytes, its name on the disk
    rows: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(default=0)
    stored_name: Mapped[str] = mapped_column(sa.String(40), default="")
    #: which run may finish it: one that was taken for dead and comes back may not
    attempt: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    finished_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))

    @property
    def waiting(self) -> bool:
        """Whether it is still to be made."""
        return self.state in WAITING


class Superseded(Exception):
    """Another run has taken the export over."""


def new_name() -> str:
    """A name for a file on the disk that tells nothing and that nobody guesses."""
    return secrets.token_hex(16)


def sealed(query: Query) -> bytes:
    """A query as the row keeps it."""
    return json.dumps({name: list(values) for name, values in sorted(query.items())}, ensure_ascii=False).encode()


def query_of(job: ExportJob) -> Query:
    """What the export was narrowed by."""
    found: Query = json.loads(job.query or b"{}")
    return found


def mine(session: Session, username: str, most: int = 50) -> Sequence[ExportJob]:
    """A person's exports, the newest first."""
    return session.scalars(sa.select(ExportJob).where(ExportJob.operator == username).order_by(ExportJob.id.desc()).limit(most)).all()


def waiting_of(session: Session, username: str) -> Sequence[ExportJob]:
    """A person's exports in the making."""
    return session.scalars(sa.select(ExportJob).where(ExportJob.operator == username, ExportJob.state.in_(WAITING))).all()


def find(session: Session, username: str, number: str) -> ExportJob | None:
    """A person's export of that number; nobody finds another's."""
    return session.scalar(sa.select(ExportJob).where(ExportJob.number == number, ExportJob.operator == username))


def unfinished(session: Session) -> list[int]:
    """The exports that a dead worker left, or that nobody has begun."""
    return list(session.scalars(sa.select(ExportJob.id).where(ExportJob.state.in_(WAITING)).order_by(ExportJob.id)))


def claim(session: Session, job: ExportJob) -> int:
    """Begin a run and commit; its number. 0 when too many were begun: the export has failed then."""
    over = job.attempt >= MOST_ATTEMPTS
    state = ExportState.FAILED if over else ExportState.RUNNING
    change = sa.update(ExportJob).where(ExportJob.id == job.id, ExportJob.state.in_(WAITING)).values(attempt=ExportJob.attempt + 1, state=state.value, done=0)
    attempt = session.scalar(change.returning(ExportJob.attempt), execution_options={"synchronize_session": False}) or 0
    session.commit()
    return 0 if over else attempt


def change(connection: sa.Connection, job_id: int, attempt: int, **values: object) -> None:
    """Note something of a run; raises Superseded when it is no longer the one that counts."""
    table = sa.inspect(ExportJob).local_table
    statement = sa.update(table).where(table.c.id == job_id, table.c.attempt == attempt, table.c.state == ExportState.RUNNING.value)  # type: ignore[arg-type]
    if connection.execute(statement.values(**values)).rowcount != 1:
        raise Superseded


def outdated(session: Session, moment: datetime) -> Sequence[ExportJob]:
    """The exports whose files have waited long enough."""
    return session.scalars(sa.select(ExportJob).where(ExportJob.state == ExportState.DONE.value, ExportJob.finished_at < moment - KEPT)).all()
