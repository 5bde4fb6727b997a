"""Files that belong to records: kept under a made-up name, shown under their own."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import now
from app.register import Base


class Attachment(Base):
    """One file of one record. Who may see the record may see its files; nobody else."""

    __tablename__ = "attachment"
    __table_args__ = (sa.Index("ix_attachment_record", "register", "record_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    register: Mapped[str] = mapped_column(sa.String(64))
    record_id: Mapped[int] = mapped_column()
    #: the field that the file is for; empty for files of the record as a whole
    field: Mapped[str] = mapped_column(sa.String(64), default="")
    original_name: Mapped[str] = mapped_column(sa.String(255))
    stored_name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    size: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content_type: Mapped[str] = mapped_column(sa.String(100))
    uploaded_by: Mapped[str] = mapped_column(sa.String(64))
    uploaded_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    voided_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    voided_by: Mapped[str | None] = mapped_column(sa.String(64))
