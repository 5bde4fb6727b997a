"""Two to five records side by side: fields as rows, records as columns, what differs marked.

Everything is compared as the reader reads it, so that two masks which look alike tell nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import abort
from sqlalchemy.orm import Session

from app import masking
from app.fields import Field
from app.formats import File
from app.language import _
from app.lookup import DatabaseLookup
from app.register import Child, Record, Register, children, field_map
from app.scopes import Scope, scope_of
from imports.ledger import Entry, Head, Ledger, with_unit
from views.pages import link_to

FEWEST, MOST = 2, 5


@dataclass(frozen=True)
class Row:
    """One field of all the records."""

    label: str
    texts: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the records do not all say the same."""
        return len(set(self.texts)) > 1


@dataclass
class Block:
    """A section of the records, or what belongs to them."""

    title: str
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Column:
    """One of the records: its name, its page, the comparison without it."""

    title: str
    link: str
    without: str


class Comparison:
    """What one person sees of these records side by side; 404 when one of them is out of reach."""

    def __init__(self, session: Session, cls: type[Register], ids: Sequence[int], only: bool = False) -> None:
        self.session = session
        self.cls = cls
        self.ids = list(ids)
        self.only = only
        self.scope: Scope = scope_of(session)
        self.lookup = DatabaseLookup(session)
        self.records = self._records()
        self.kinds = [kind for kind in children(cls) if self._compared(kind)]
        self.lookup.prepare([*self._compared(cls), *(each for kind in self.kinds for each in self._compared(kind))])
        self.all = [block for block in (*self._sections(), *self._below()) if block.rows]

    def _records(self) -> list[Any]:
        own: Any = self.cls
        found = {row.id: row for row in self.session.scalars(sa.select(own).where(own.id.in_(self.ids), own.voided_at.is_(None)))}
        if len(found) != len(self.ids):
            abort(404)
        return [found[each] for each in self.ids]

    def _compared(self, cls: type[Record]) -> list[Field]:
        """All but files and what the office keeps for itself: who is in charge, what is published."""
        envelope = Register.__annotations__
        return [declared for declared in self.scope.readable(cls) if not isinstance(declared.format, File) and declared.attr not in envelope]

    # blocks ---------------------------------------------------------------------------------

    def _sections(self) -> list[Block]:
        declared = self._compared(self.cls)
        self.lookup.prepare_rows(self.records, declared)
        blocks: dict[str, Block] = {}
        for each in declared:
            title = str(each.section or _("基本情况"))
            self._enter(blocks.setdefault(title, Block(title)), each, self.records)
        return list(blocks.values())

    def _below(self) -> list[Block]:
        """The children in the order of their keys, the first of each record beside each other, and so on."""
        blocks = []
        for kind in self.kinds:
            declared = self._compared(kind)
            for number, beside in enumerate(zip_longest(*self._children(kind, declared)), start=1):
                block = Block(_("%(title)s（第 %(number)s 项）", title=kind.__title__, number=number))
                for each in declared:
                    self._enter(block, each, beside)
                blocks.append(block)
        return blocks

    def _children(self, kind: type[Child], declared: Sequence[Field]) -> list[list[Any]]:
        own: Any = kind
        rows = list(self.session.scalars(sa.select(own).where(own.parent_id.in_(self.ids), own.voided_at.is_(None)).order_by(own.id)))
        self.lookup.prepare_rows(rows, declared)
        keys = [each for name in reversed(kind.__keys__[0]) if (each := field_map(kind)[name]) in declared]
        rows.sort(key=lambda row: [self._text(each, row) for each in keys])
        return [[row for row in rows if row.parent_id == record.id] for record in self.records]

    def _enter(self, block: Block, declared: Field, rows: Sequence[Any]) -> None:
        """A row, unless nobody has anything to say there."""
        texts = tuple(self._text(declared, row) if row is not None else "" for row in rows)
        if any(texts):
            block.rows.append(Row(with_unit(str(declared.label), declared), texts))

    def _text(self, declared: Field, row: Any) -> str:
        return masking.shown(self.scope, declared, getattr(row, declared.attr), self.lookup)

    @property
    def blocks(self) -> list[Block]:
        """The blocks with the rows that are asked for."""
        kept = [Block(block.title, [row for row in block.rows if row.differs or not self.only]) for block in self.all]
        return [block for block in kept if block.rows]

    @property
    def differing(self) -> int:
        """How many rows differ."""
        return sum(row.differs for block in self.all for row in block.rows)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(len(block.rows) for block in self.all)

    # columns and addresses ------------------------------------------------------------------

    @property
    def columns(self) -> list[Column]:
        """The records in the order asked for."""
        return [Column(self._title(row), link_to(self.cls, "show", pk=row.id), self._without(row.id)) for row in self.records]

    def _title(self, row: Any) -> str:
        label = field_map(self.cls)[self.cls.__label__]
        return (self._text(label, row) if label in self.scope.readable(self.cls) else "") or f"#{row.id}"

    def _without(self, record_id: int) -> str:
        left = [each for each in self.ids if each != record_id]
        return self.address("compare", left) if len(left) >= FEWEST else ""

    def address(self, page: str, ids: Sequence[int] = (), only: bool | None = None) -> str:
        """The address of this comparison, or of one like it."""
        only = self.only if only is None else only
        query = [("ids", each) for each in ids or self.ids] + ([("differ", 1)] if only else [])
        return f"{link_to(self.cls, page)}?{urlencode(query)}"

    def ledger(self) -> Ledger:
        """The same as a ledger, for the workbook: one column more says where the records differ."""
        heads = [Head(_("栏目")), *(Head(column.title) for column in self.columns), Head(_("是否不同"))]
        entries = []
        for block in self.blocks:
            entries.append(Entry([f"【{block.title}】", *([None] * (len(heads) - 1))]))
            entries += [Entry([row.label, *(text or None for text in row.texts), _("不同") if row.differs else _("相同")]) for row in block.rows]
        return Ledger(_("%(title)s对比表", title=self.cls.__title__), heads, entries, total=self.count)
