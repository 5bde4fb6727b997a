"""Registers and their children: ordinary mapped classes whose columns carry their declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, ClassVar

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, declared_attr, mapped_column

from app.clock import now
from app.encryption.column import INDEX, index_column
from app.fields import Field, Gate, Person, Prose, field, link, state
from app.formats import Link, Phone, State
from app.language import Text, _l


class PublishState(State):
    """Whether enterprises and the public may read the record."""

    PRIVATE = "private", _l("未公开")
    PENDING = "pending", _l("待审")
    PUBLISHED = "published", _l("已公开")
    WITHDRAWN = "withdrawn", _l("已撤下")


class Source(State):
    """By which road the record came in."""

    FORM = "form", _l("录入")
    IMPORT = "import", _l("导入")
    API = "api", _l("接口")
    SYSTEM = "system", _l("系统")


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that the values break: at which field, and the sentence for the person."""

    field: str
    code: str
    message: Text


_of_table: dict[sa.FromClause, type[Record]] = {}


def record_of(table: object) -> type[Record] | None:
    """The register or child whose table this is; None for other tables and whatever else a statement holds."""
    return _of_table.get(table) if isinstance(table, sa.Table) else None


class Base(DeclarativeBase):
    """Our tables stand on Flask-AppBuilder's metadata, so that one history of migrations holds all."""

    metadata = Model.metadata


class Record(Base):
    """What registers and children share."""

    __abstract__ = True

    __key__: ClassVar[str] = ""  # its name on the command line, in URLs and in REST
    __title__: ClassVar[Text] = ""
    #: how an uploaded row finds its record; the first whose fields are all filled in counts
    __keys__: ClassVar[tuple[tuple[str, ...], ...]] = ()
    #: the field by which people call a record
    __label__: ClassVar[str] = "name"
    #: whether no two live records share that field
    __label_unique__: ClassVar[bool] = False
    #: further fields by which a text finds a record (former names, aliases)
    __names__: ClassVar[tuple[str, ...]] = ()

    #: a sentence that must stand wherever records are shown beside each other
    __notice__: ClassVar[Text] = ""

    #: the field whose number we give when nobody wrote one, and what it begins with
    __number__: ClassVar[tuple[str, str]] = ("", "")

    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
    row_version: Mapped[int] = mapped_column(default=1, server_default="1", sort_order=90)
    source: Mapped[Annotated[str, state(Source)] | None] = mapped_column(default=Source.FORM.value, sort_order=91)
    import_batch: Mapped[int | None] = mapped_column(index=True, sort_order=92)
    created_by: Mapped[str | None] = mapped_column(sa.String(64), sort_order=93)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now, server_default=sa.func.now(), sort_order=94)
    changed_by: Mapped[str | None] = mapped_column(sa.String(64), sort_order=95)
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now, server_default=sa.func.now(), sort_order=96)
    voided_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True), sort_order=97)
    void_reason: Mapped[str | None] = mapped_column(sa.String(500), sort_order=98)
    #: a stale copy never overwrites: every update names the version it saw
    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012 - SQLAlchemy's way

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "__table__" in cls.__dict__:
            _of_table[cls.__table__] = cls  # so that the guard knows whose table a statement names

    def __str__(self) -> str:
        declared = field_map(type(self)).get(self.__label__)
        return str(getattr(self, declared.attr) if declared else "") or f"#{self.id}"

    @classmethod
    def derive(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Values that follow from others (birth date from the ID number), by field key."""
        return {}

    @classmethod
    def check(cls, values: Mapping[str, Any], parent: Mapping[str, Any] | None = None) -> Iterable[Problem]:
        """The rules that one record can break by itself."""
        return ()

    @classmethod
    def published_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """What else must hold before others see a row as published (an expert's consent, a question's release)."""
        return ()

    @classmethod
    def over(cls, values: Mapping[str, Any]) -> bool:
        """Whether nobody needs the record any more (an expert who left): then its fields' `kept_years` run."""
        return False

    @classmethod
    def due_if(cls) -> Iterable[sa.ColumnElement[bool]]:
        """What must hold for the ends of its periods to be anybody's business (a repealed document's are nobody's)."""
        return ()


class Register(Record):
    """A register of its own: belongs to an office, is published or not, may have children."""

    __abstract__ = True
    org_unit_id: Mapped[Annotated[int, link("org_unit")] | None] = field(
        _l("承办股室"), aliases=("股室", "责任股室"), gate=Gate.ASSIGN, listed=True, filtered=True, index=True, section=_l("管理")
    )
    handler: Mapped[Person | None] = field(_l("经办人"), gate=Gate.ASSIGN, section=_l("管理"))
    publish_state: Mapped[Annotated[str, state(PublishState)] | None] = field(
        _l("公开状态"), gate=Gate.APPROVAL, default=PublishState.PRIVATE.value, filtered=True, index=True, section=_l("管理")
    )
    remark: Mapped[Prose | None] = field(_l("备注"), aliases=("说明",), section=_l("管理"))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        lately = sa.Index(f"ix_{cls.__tablename__}_changed_at", "changed_at")
        return (*_unique_indexes(cls), _list_index(cls), _voided_index(cls), lately)  # type: ignore[arg-type]


class Child(Record):
    """A row that belongs to a record: `__parent__` names the register, `__key__` the children."""

    __abstract__ = True
    __parent__: ClassVar[type[Register]]
    #: the right it takes to write such rows
    __gate__: ClassVar[Gate] = Gate.ORDINARY
    #: whether a sheet of the register may feed these rows
    __sheet__: ClassVar[bool] = True

    @declared_attr
    def parent_id(cls) -> Mapped[int]:
        return mapped_column(sa.ForeignKey(f"{cls.__parent__.__tablename__}.id"), index=True, nullable=False, sort_order=-9)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        return (*_unique_indexes(cls, "parent_id"), _voided_index(cls))  # type: ignore[arg-type]


def _unique_indexes(cls: type[Record], *scope: str) -> tuple[Any, ...]:
    """A key is unique among the rows that are not voided; a later key only where the first is empty."""
    indexes: list[Any] = []
    for place, key in enumerate(cls.__keys__):
        live = "voided_at IS NULL" + ("" if place == 0 else "".join(f" AND {_column(cls, first)} IS NULL" for first in cls.__keys__[0]))
        sealed = [part for part in key if _indexed(cls, part)]
        indexes += [index_column(part) for part in sealed]
        columns = (*scope, *(part + INDEX if part in sealed else _column(cls, part) for part in key))
        name = f"uq_{cls.__tablename__}_{'_'.join(key)}"
        indexes.append(sa.Index(name, *columns, unique=True, sqlite_where=sa.text(live), postgresql_where=sa.text(live)))
    return tuple(indexes)


def _indexed(cls: type[Record], part: str) -> bool:
    """Whether a part of a key is kept encrypted: then its blind index is unique in its place."""
    declared = cls.__dict__.get(part)
    info = declared.column.info if isinstance(declared, MappedColumn) else {}
    if "field" in info and info["field"].sensitive:
        info["indexed"] = True
    return "indexed" in info


def _list_index(cls: type[Record]) -> sa.Index:
    """What lists order and narrow by, side by side: rows out of the reader's scope are passed over without being read."""
    return sa.Index(f"ix_{cls.__tablename__}_list", "id", "org_unit_id", "publish_state", "voided_at")


def _voided_index(cls: type[Record]) -> sa.Index:
    """Of the voided rows alone: an index of all rows tempts SQLite to go through the living ones by it, instead of by their key."""
    gone = sa.text("voided_at IS NOT NULL")
    return sa.Index(f"ix_{cls.__tablename__}_voided_at", "voided_at", sqlite_where=gone, postgresql_where=gone)


def _column(cls: type[Record], key: str) -> str:
    for base in cls.__mro__:
        if f"{key}_id" in base.__dict__.get("__annotations__", {}):
            return f"{key}_id"
    return key


@cache
def fields(cls: type[Record]) -> tuple[Field, ...]:
    """The declared fields, the register's own first, each bound to its column."""
    columns = cls.__table__.columns
    declared = [(column, column.info["field"]) for column in columns if "field" in column.info]
    own = [pair for pair in declared if pair[0].key in cls.__dict__.get("__annotations__", {})]
    shared = [pair for pair in declared if pair[0].key not in cls.__dict__.get("__annotations__", {})]
    names = {id(declaration): column.key for column, declaration in declared}
    return tuple(_bind(cls, column, declaration, names) for column, declaration in own + shared)  # type: ignore[arg-type]


def _bind(cls: type[Record], column: sa.Column[Any], declared: Field, names: dict[int, str]) -> Field:
    fmt = column.info["format"]
    if declared.spill is not None and isinstance(fmt, Phone):
        fmt = replace(fmt, spills=True)
    spill = names[id(declared.spill.column.info["field"])] if declared.spill is not None else ""
    key = column.key.removesuffix("_id") if isinstance(fmt, Link) else column.key
    return replace(
        declared,
        key=key,
        attr=column.key,
        format=fmt,
        required=not column.nullable,
        unique=(key,) in cls.__keys__,
        spill_key=spill,
        spill=None,
    )


@cache
def field_map(cls: type[Record]) -> dict[str, Field]:
    """The declared fields by key."""
    return {declared.key: declared for declared in fields(cls)}


def field_of(attribute: Any) -> Field:
    """The declared field of a mapped attribute: `field_of(Policy.title)`."""
    return next(declared for declared in fields(attribute.class_) if declared.attr == attribute.key)


@cache
def children(cls: type[Record]) -> tuple[type[Child], ...]:
    """The kinds of children of a register, in the order declared."""
    return tuple(child for child in Child.__subclasses__() if child.__dict__.get("__parent__") is cls)


def values_of(row: Record) -> dict[str, Any]:
    """A record's values by field key."""
    return {declared.key: getattr(row, declared.attr) for declared in fields(type(row))}


def missing(cls: type[Record], values: Mapping[str, Any]) -> list[Field]:
    """The fields that some later step needs and that are still empty."""
    return [declared for declared in fields(cls) if declared.needed and values.get(declared.key) in (None, "", [])]


def complete(cls: type[Record], values: dict[str, Any], parent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The values with what follows from them filled in; what was written stays."""
    known = field_map(cls)
    for key, value in cls.derive(values, parent).items():
        written = values.get(key)
        sharper = key in known and known[key].derived and _same_month(written, value)
        if written is None or sharper:
            values[key] = value
    return values


def _same_month(written: Any, value: Any) -> bool:
    """Whether two dates agree as far as a cell that names only the month can say."""
    return isinstance(written, date) and isinstance(value, date) and (written.year, written.month) == (value.year, value.month)
