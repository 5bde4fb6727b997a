"""The plan that somebody confirms is kept, sealed, and exactly that is written: the file is not read again."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.encryption.column import EncryptedBytes
from app.fields import _JSON
from app.language import _
from app.register import Base, Register
from imports.answers import Answers
from imports.batch import ImportBatch
from imports.body import LeftOut
from imports.cells import number
from imports.decisions import Decisions
from imports.excerpt import Excerpt
from imports.matching import State
from imports.outcome import Mode
from imports.plan import Plan
from imports.table import Column, Table
from imports.targets import targets


class ImportPart(Base):
    """Some thousand planned records of a batch, packed (`imports/parts.py`)."""

    __tablename__ = "import_part"

    __table_args__ = (sa.UniqueConstraint("batch_id", "place", name="uq_import_part"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batch.id", name="fk_import_part_import_batch", ondelete="CASCADE"))
    place: Mapped[int]
    tally: Mapped[dict[str, int]] = mapped_column(_JSON)
    content: Mapped[bytes] = mapped_column(EncryptedBytes("import_part.content"), deferred=True)


@dataclass
class Kept:
    """The parts of a batch in the database."""

    session: Session
    batch: int
    tallies: list[dict[str, int]]

    def __len__(self) -> int:
        return len(self.tallies)

    def tally(self, place: int) -> dict[str, int]:
        return self.tallies[place]

    def packed(self, place: int) -> bytes:
        content = self.session.scalar(sa.select(ImportPart.content).where(ImportPart.batch_id == self.batch, ImportPart.place == place))
        if content is None:
            raise LookupError(_("这个批次的检查结果已经不在了，请把文件再上传一次"))
        return content


def keep(session: Session, batch: ImportBatch, plan: Plan) -> None:
    """Keep a plan with its batch, instead of an earlier one; the caller commits."""
    batch.sha256, batch.sheet, batch.digest = plan.sha256, plan.table.sheet[:255], plan.digest
    batch.counts, batch.report = plan.counts(), plan.summary()
    batch.outline = {"tally": plan.tally, "given": plan.given, "checked": plan.checked}
    said = {"new_words": plan.new_words, "questions": plan.questions, "matches": plan.matches, "columns": plan.table.meanings()}
    note(batch, plan.table.answers.decisions, plan.excerpt, said)
    session.flush()
    session.execute(sa.delete(ImportPart).where(ImportPart.batch_id == batch.id))
    for place in range(len(plan.parts)):
        session.add(ImportPart(batch_id=batch.id, place=place, tally=plan.parts.tally(place), content=plan.parts.packed(place)))
    session.flush()


def note(batch: ImportBatch, decisions: Decisions, excerpt: Excerpt, said: Mapping[str, Any] | None = None) -> None:
    """Keep what a person decided, what the pages show of the file, and its words and headings: sealed, since all of it is what people sent."""
    whole = {"decisions": decisions.to_json(), "excerpt": excerpt.to_json(), "said": said or {}}
    batch.notes = zlib.compress(json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode(), 1)


def notes_of(batch: ImportBatch) -> tuple[Decisions, Excerpt]:
    """What a batch's person decided, and what the pages show of its file."""
    kept = _noted(batch)
    return Decisions.from_json(kept.get("decisions", {})), Excerpt.from_json(kept.get("excerpt", {}))


def _noted(batch: ImportBatch) -> dict[str, Any]:
    return json.loads(zlib.decompress(batch.notes)) if batch.notes else {}


def load(session: Session, batch: ImportBatch, cls: type[Register]) -> Plan:
    """The plan that is kept with a batch; its parts are fetched one by one."""
    report: dict[str, Any] = batch.report or {}
    outline: dict[str, Any] = {"tally": {}, "new_words": {}, "given": [], **(batch.outline or {}), **_noted(batch).get("said", {})}
    kept = sa.select(ImportPart.tally).where(ImportPart.batch_id == batch.id).order_by(ImportPart.place)
    tallies = list(session.scalars(kept)) if outline["tally"] else []  # of a round that was given up nothing is shown
    decisions, excerpt = notes_of(batch)
    return Plan(
        cls, batch.file_name, batch.sha256, Mode(batch.mode), _table(report, outline, cls, decisions), Kept(session, batch.id, tallies),
        tally=Counter(outline["tally"]), children=(batch.counts or {}).get("children", {}), new_words=outline["new_words"], given=outline["given"],
        questions=outline.get("questions", []), digest=batch.digest or "", seconds=report.get("seconds", 0.0),
        matches=outline.get("matches", []), excerpt=excerpt,
    )  # fmt: skip


def _table(report: dict[str, Any], outline: dict[str, Any], cls: type[Register], decisions: Decisions) -> Table:
    """What is said of the sheet; its rows are in the plan."""
    known = {target.name: target for target in targets(cls)}
    columns = [
        Column(
            number(each["column"]) - 1, each["heading"], known.get(each["field"] or ""), False,
            State(each["state"]), known.get(each["proposal"] or ""), each["word"] or "",
        )
        for each in outline.get("columns", [])
    ]  # fmt: skip
    left_out = [LeftOut(each["reason"], each["row"], each.get("sheet", "")) for each in report.get("left_out", [])]
    answers = Answers(decisions)
    return Table(report.get("sheet", ""), report.get("header_row", 1), columns, left_out=left_out, answers=answers)


__all__ = ["ImportPart", "keep", "load", "note", "notes_of"]
