"""Personal data that nobody may keep for ever: emptied in the record, and their keys destroyed, so that history cannot show them either.

个人信息保护法第十九条、第四十七条. A field says how many years it is kept (`kept_years`), its register when a
record is over (`over`); a voided record is. Since when it has been, the trace knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import click
import sqlalchemy as sa
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.orm import Session

from app import registry
from app.clock import local, now, today
from app.database import open_session
from app.encryption import data_keys
from app.fields import Field
from app.history import acts, events, read
from app.history.read import Version
from app.language import _, _l, listed
from app.register import Record, fields
from app.scopes import SYSTEM, act_as

_FILES = sa.table("import_batch", sa.column("id", sa.Integer), sa.column("content", sa.LargeBinary), sa.column("notes", sa.LargeBinary))
_PLANS = sa.table("import_part", sa.column("batch_id", sa.Integer))
REASON = _l("保存期满，销毁（个人信息保护法第十九条、第四十七条）")


@dataclass(frozen=True)
class Expired:
    """Values of a record that are kept no longer."""

    cls: type[Record]
    row: int
    label: str
    over_since: date
    fields: tuple[Field, ...]


def expired(session: Session, day: date) -> Iterator[Expired]:
    """Whose time is over on a day (session: the system's)."""
    for cls in registry.tables():
        kept = [declared for declared in fields(cls) if declared.kept_years]
        if kept:
            table = cls.__table__
            some = sa.or_(*(table.c[declared.attr].is_not(None) for declared in kept))
            for row in session.scalars(sa.select(cls).where(some).order_by(cls.id)).all():
                yield from _expired(session, row, kept, day)


def _expired(session: Session, row: Record, kept: Sequence[Field], day: date) -> Iterator[Expired]:
    cls = type(row)
    if not _over(cls, {declared.attr: getattr(row, declared.attr) for declared in fields(cls)} | {"voided_at": row.voided_at}):
        return
    since = _since(cls, read.of_rows(session, cls, [row.id]))
    due = [declared for declared in kept if getattr(row, declared.attr) is not None and since is not None and _years_after(since, declared.kept_years) <= day]
    if due and since is not None:
        yield Expired(cls, row.id, str(row), since, tuple(due))


def _over(cls: type[Record], values: dict[str, object]) -> bool:
    return values.get("voided_at") is not None or cls.over({declared.key: values.get(declared.attr) for declared in fields(cls)})


def _since(cls: type[Record], versions: Sequence[Version]) -> date | None:
    """Since when the record has been over without a break."""
    since = None
    for version in reversed(versions):
        if version.at is None or not _over(cls, dict(version.values)):
            break
        since = local(version.at).date()
    return since


def _years_after(day: date, years: int) -> date:
    """The same day so many years later; the 28th for a 29th of February that is not there."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def destroy(session: Session, found: Expired) -> int:
    """Empty the values, destroy their keys and the workbooks that brought them; how many keys. The caller commits."""
    cls, attrs = found.cls, [declared.attr for declared in found.fields]
    table: Any = cls.__table__
    acts.describe(session, road="command", reason=str(REASON))
    connection = session.connection()
    names, batches = read.sealed(session, cls, found.row, attrs)
    emptied = dict.fromkeys(attrs) | {"row_version": table.c.row_version + 1, "changed_by": SYSTEM.username, "changed_at": now()}
    connection.execute(sa.update(table).where(table.c.id == found.row).values(emptied))
    connection.execute(sa.delete(_PLANS).where(_PLANS.c.batch_id.in_(batches)))
    connection.execute(sa.update(_FILES).where(_FILES.c.id.in_(batches)).values(content=None, notes=None))
    count = data_keys.destroy(connection, sorted(names))
    events.note(connection, "destroyed", {"fields": [declared.key for declared in found.fields], "count": count}, of=cls, row=found.row)
    return count


retention = AppGroup("retention", help="个人信息的保存期限：列出到期的，销毁到期的")
_day = click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="以哪一天计算（默认今天）")


@retention.command("list", help="列出保存期满的个人信息，不改动任何内容")
@_day
@with_appcontext
def retention_list(day: datetime | None) -> None:
    """Say whose time is over."""
    with open_session() as session:
        act_as(session, SYSTEM)
        found = list(expired(session, _as_day(day)))
    for each in found:
        click.echo(_in_words(each))
    click.echo(_("共 %(count)s 条记录的个人信息保存期满", count=len(found)))


@retention.command("run", help="销毁保存期满的个人信息：记录里清空，历史里也不能再看；不能恢复")
@_day
@click.confirmation_option("--yes", prompt="销毁后不能恢复，确定吗？")
@with_appcontext
def retention_run(day: datetime | None) -> None:
    """Destroy what is over, record by record."""
    count = 0
    with open_session() as session:
        act_as(session, SYSTEM)
        for each in list(expired(session, _as_day(day))):
            destroy(session, each)
            session.commit()
            count += 1
            click.echo(_in_words(each))
    click.echo(_("已销毁 %(count)s 条记录的个人信息", count=count))


def _as_day(day: datetime | None) -> date:
    return day.date() if day is not None else today()


def _in_words(each: Expired) -> str:
    facts = {"title": each.cls.__title__, "row": each.row, "label": each.label, "since": each.over_since}
    labels = listed(str(declared.label) for declared in each.fields)
    return str(_("%(title)s #%(row)s %(label)s：%(since)s 起不再需要，%(labels)s", labels=labels, **facts))


__all__ = ["Expired", "destroy", "expired", "retention"]
