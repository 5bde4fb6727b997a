"""Lists as people keep them: filters, search, order, columns and size under a name, private or shared with the 股室.

A view is only arguments. Whoever opens it sees what their own rights show; what they may not see
is left out, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.clock import now
from app.formats import FormatError, Lookup
from app.formats import Text as Line
from app.language import Text, _l
from app.queries import QueryError, read_listing
from app.register import Base, Register, field_map
from app.scopes import Actor, scope_of

Arguments = dict[str, list[str]]

#: as many views as one person keeps, and as long as one may be
MOST_VIEWS = 50
MOST_QUERY = 4000
NAME = Line(40)


class SavedView(Base):
    """One view of one register. The one without a name is how its owner keeps the plain list: columns, and what it opens with."""

    __tablename__ = "saved_view"
    __table_args__ = (
        sa.UniqueConstraint("owner", "register", "name", name="uq_saved_view_name"),
        sa.Index("ix_saved_view_shared", "org_unit_id", "register"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    register: Mapped[str] = mapped_column(sa.String(64))
    owner: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(60), default="")
    #: the 股室 that may open it too
    org_unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("org_unit.id", name="fk_saved_view_org_unit"))
    query: Mapped[str] = mapped_column(sa.Text, default="")
    #: keys of fields with commas between them; empty: the register's own
    columns: Mapped[str] = mapped_column(sa.Text, default="")
    opens_id: Mapped[int | None] = mapped_column(sa.ForeignKey("saved_view.id", name="fk_saved_view_opens", ondelete="SET NULL"))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)


class Unkept(ValueError):
    """A view that cannot be kept; the message says why."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message


@dataclass(frozen=True)
class View:
    """A view as its reader has it."""

    id: int
    name: str
    query: str
    columns: tuple[str, ...]
    mine: bool
    shared: bool


@dataclass
class Views:
    """The views of a register that one person may open, and how that person keeps the plain list."""

    named: list[View] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    opens: int = 0

    def find(self, number: int) -> View | None:
        """The view of that number, if this person may open it."""
        return next((view for view in self.named if view.id == number), None)


def read_views(session: Session, cls: type[Register]) -> Views:
    """What the reader keeps of a register, and what the 股室 shares, in one statement; a visitor has none."""
    actor = scope_of(session).actor
    views = Views()
    if not actor.username:
        return views
    table = SavedView.__table__.c
    statement = sa.select(table.id, table.name, table.query, table.columns, table.owner, table.org_unit_id, table.opens_id)
    statement = statement.where(table.register == cls.__key__, _open_to(actor)).order_by(table.name, table.id)
    for row in session.connection().execute(statement):
        mine = row.owner == actor.username
        if row.name:
            views.named.append(View(row.id, row.name, row.query, _keys(row.columns), mine, row.org_unit_id is not None))
        elif mine:
            views.columns, views.opens = _keys(row.columns), row.opens_id or 0
    return views


def _open_to(actor: Actor) -> sa.ColumnElement[bool]:
    table = SavedView.__table__.c
    own = table.owner == actor.username
    return sa.or_(own, table.org_unit_id == actor.org_unit_id) if actor.org_unit_id else own


def _keys(text: str) -> tuple[str, ...]:
    return tuple(key for key in text.split(",") if key)


# what a view holds ----------------------------------------------------------------------------


def kept(arguments: Mapping[str, Sequence[str]]) -> Arguments:
    """The arguments of a list that a view keeps: filters, search, order, size; not the page."""
    names = {"q", "sort", "size", "voided"}
    found = {name: [value for value in values if value] for name, values in arguments.items() if name in names or name.startswith("f.")}
    return {name: found[name] for name in sorted(found) if found[name]}


def written(arguments: Mapping[str, Sequence[str]]) -> str:
    """Arguments as a query string, always in the same order."""
    return urlencode([(name, value) for name, values in kept(arguments).items() for value in values])


def opened(session: Session, cls: type[Register], view: View, lookup: Lookup) -> tuple[Arguments, list[str]]:
    """The arguments of a view that hold for this reader, and the labels of those that do not."""
    arguments: Arguments = {}
    for name, value in parse_qsl(view.query):
        arguments.setdefault(name, []).append(value)
    fit: Arguments = {}
    lost: list[str] = []
    for name, values in kept(arguments).items():
        try:
            read_listing(session, cls, {name: values}, lookup)
        except QueryError:
            lost.append(_called(session, cls, name, values))
        else:
            fit[name] = values
    return fit, lost


def _called(session: Session, cls: type[Register], name: str, values: Sequence[str]) -> str:
    """What a lost argument was about, as far as this reader may know."""
    key = values[0].removeprefix("-") if name == "sort" else name.removeprefix("f.").partition(".")[0]
    declared = field_map(cls).get(key)
    known = {each.key for each in scope_of(session).readable(cls)}
    return str(declared.label) if declared and key in known else str(_l("您无权查看的字段"))


# keeping --------------------------------------------------------------------------------------


def own_list(session: Session, cls: type[Register]) -> SavedView:
    """The nameless view of the reader, made when there is none."""
    owner = scope_of(session).actor.username
    found = session.scalar(sa.select(SavedView).where(SavedView.owner == owner, SavedView.register == cls.__key__, SavedView.name == ""))
    if found is None:
        found = SavedView(owner=owner, register=cls.__key__)
        session.add(found)
    return found


def own_view(session: Session, cls: type[Register], number: int) -> SavedView | None:
    """A named view that belongs to the reader."""
    owner = scope_of(session).actor.username
    tests = (SavedView.id == number, SavedView.owner == owner, SavedView.register == cls.__key__, SavedView.name != "")
    return session.scalar(sa.select(SavedView).where(*tests))


def keep(session: Session, cls: type[Register], view: SavedView, name: str, *, shared: bool) -> SavedView:
    """Give a view its name and its readers, and flush it; Unkept says why not."""
    actor = scope_of(session).actor
    try:
        text = NAME.parse(name)
    except FormatError as error:
        raise Unkept(error.message) from None
    if text is None:
        raise Unkept(_l("请给视图起个名字"))
    mine = (SavedView.owner == actor.username, SavedView.name != "")
    taken = session.scalar(sa.select(SavedView.id).where(*mine, SavedView.register == cls.__key__, SavedView.name == text))
    if taken is not None and taken != view.id:
        raise Unkept(_l("您已有名为“%(name)s”的视图，请换个名字", name=text))
    if view.id is None and (session.scalar(sa.select(sa.func.count(SavedView.id)).where(*mine)) or 0) >= MOST_VIEWS:
        raise Unkept(_l("最多保存 %(most)s 个视图，请先删除不用的", most=MOST_VIEWS))
    if shared and not actor.org_unit_id:
        raise Unkept(_l("您的账号不属于任何股室，视图只能自己用"))
    view.owner, view.register, view.name = actor.username, cls.__key__, text
    view.org_unit_id = actor.org_unit_id if shared else None
    view.changed_at = now()
    session.add(view)
    session.flush()
    return view


def fill(session: Session, cls: type[Register], view: SavedView, query: str, columns: Sequence[str], lookup: Lookup) -> None:
    """Put the arguments of a list into a view; QueryError names one that makes no sense."""
    arguments: Arguments = {}
    for name, value in parse_qsl(query[:MOST_QUERY]):
        arguments.setdefault(name, []).append(value)
    read_listing(session, cls, kept(arguments), lookup)
    view.query = written(arguments)
    view.columns = ",".join(readable_keys(session, cls, columns))


def readable_keys(session: Session, cls: type[Register], columns: Sequence[str]) -> list[str]:
    """The columns that the reader may see, each once, in the order given."""
    allowed = {declared.key for declared in scope_of(session).readable(cls)}
    return [key for key in dict.fromkeys(columns) if key in allowed]
