"""Why rows stay when a batch is taken back, in words, as one person may read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import masking
from app.accounts import by_name
from app.clock import local
from app.history.telling import class_of
from app.history.words import actor_in_words
from app.language import Text, _l
from app.lookup import DatabaseLookup
from app.register import Child, Record, field_map
from app.scopes import scope_of
from imports.bulk import among
from imports.existing import chunks
from imports.undo_plan import Kept, Why
from imports.undo_ties import FILES


def reason(batch: int) -> Text:
    """Why the rows of a batch are voided, as they keep it, and why they were written, as the history says."""
    return _l("撤销导入批次 %(batch)s", batch=batch)


class Teller:
    """Names rows and people for the session's actor."""

    def __init__(self, session: Session) -> None:
        self._session, self._scope = session, scope_of(session)
        self._lookup = DatabaseLookup(session)
        self._people: dict[str, str] = {}
        self._names: dict[tuple[str, int], str] = {}

    def prepare(self, every: Sequence[Kept]) -> None:
        """Read the names behind many rows at once."""
        actors = {kept.author.actor for kept in every if kept.author is not None} - self._people.keys()
        self._people |= {name: account.full_name for name, account in by_name(self._session, actors).items()}
        wanted: dict[type[Record], set[int]] = defaultdict(set)
        for kept in every:
            wanted[kept.cls].add(kept.row)
            other = class_of(kept.other[0]) if kept.other is not None else None
            if other is not None and kept.other is not None:
                wanted[other].add(kept.other[1])
        for cls, rows in wanted.items():
            self.prepare_rows(cls, rows)

    def prepare_rows(self, cls: type[Record], rows: Iterable[int]) -> None:
        """Read what rows of a table are called, as far as the reader sees them."""
        declared, table, within = field_map(cls)[cls.__label__], cls.__table__, self._scope.rows(cls)
        show = masking.shower(self._scope, declared, self._lookup)
        statement = sa.select(table.c.id, table.c[declared.attr].label("name")).where(*(() if within is None else (within,)))
        for chunk in chunks(sorted(rows)):
            for row in self._session.connection().execute(statement.where(among(self._session.connection(), table.c.id, chunk))):
                self._names[cls.__tablename__, row.id] = show(row.name)

    def name(self, cls: type[Record], row: int) -> str:
        """What a row is called; its number where the reader does not see it or it has no name."""
        return self._names.get((cls.__tablename__, row)) or f"#{row}"

    def sees(self, cls: type[Record], row: int) -> bool:
        """Whether the reader sees a row that was prepared."""
        return (cls.__tablename__, row) in self._names

    def who(self, actor: str) -> str:
        """Who somebody is."""
        if actor not in self._people:
            account = by_name(self._session, [actor]).get(actor)
            self._people[actor] = account.full_name if account is not None else ""
        return actor_in_words(self._people, actor)

    def why(self, kept: Kept) -> Text:
        """Why a row stays."""
        if kept.author is not None:
            when = f"{local(kept.author.at):%Y-%m-%d %H:%M}" if kept.author.at is not None else "—"
            return _l("导入之后，%(who)s于 %(when)s 改过", who=self.who(kept.author.actor), when=when)
        if kept.other is not None:
            return self._because_of(kept.why, *kept.other)
        said = {
            Why.RECORD_STAYS: _l("所属的记录保留，它一同导入的内容随之保留"),
            Why.DESTROYED: _l("原来的内容保存期满，已经销毁，无法恢复"),
            Why.NOT_KNOWN: _l("历史里没有导入之前的内容，无法恢复"),
            Why.NOT_PERMITTED: _l("这条记录不在您的权限范围内"),
        }
        return kept.said or said[kept.why]

    def _because_of(self, why: Why, relation: str, row: int) -> Text:
        other = class_of(relation)
        if relation == FILES or other is None:
            return _l("导入之后有人给它上传了附件")
        if why is Why.KEY_TAKEN:
            return _l("原来的编号已被“%(title)s”%(name)s占用，无法恢复", title=other.__title__, name=self.name(other, row))
        return _l("“%(title)s”%(name)s还在使用它", title=other.__title__, name=self.name(other, row))

    def told(self, every: Sequence[Kept]) -> list[dict[str, Any]]:
        """The rows that stay, as a report lists them."""
        self.prepare(every)
        return [self._told(kept) for kept in every]

    def _told(self, kept: Kept) -> dict[str, Any]:
        facts: dict[str, Any] = {"register" if not issubclass(kept.cls, Child) else "child": kept.cls.__key__, "id": kept.row}
        facts |= {"title": str(kept.cls.__title__), "name": self.name(kept.cls, kept.row), "code": kept.why.value, "message": str(self.why(kept))}
        if kept.author is not None:
            at = kept.author.at
            facts |= {"who": kept.author.actor, "who_name": self.who(kept.author.actor), "at": local(at).isoformat(timespec="seconds") if at else None}
        return facts
