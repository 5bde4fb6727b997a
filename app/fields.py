"""How a field is declared: once, in its register's class.

    name: Mapped[Name] = field(_l("机构名称"), aliases=("单位名称",), listed=True, search=True)

The annotation carries SQL type and format, `field()` everything else; SQLAlchemy merges the two
`info` dictionaries, so that columns stay plain and migrations import nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import MappedColumn, mapped_column

from app import formats
from app.code_lists import CodeList
from app.formats import Format
from app.language import Text


class Gate(Enum):
    """Which kind of right it takes to write a field or a child (the roles hold gates)."""

    ORDINARY = "ordinary"  # what the keeper of the register fills in
    ASSIGN = "assign"  # which office and person is in charge
    APPROVAL = "approval"  # states that an approver sets
    LEGAL = "legal"  # legal opinion, review conclusion
    SUPERVISION = "supervision"  # what supervisors write
    SYSTEM = "system"  # nobody by hand


@dataclass(frozen=True, kw_only=True)
class Field:
    """What a declaration says of one field.

    `key`, `attr`, `format`, `required`, `unique` and `spill_key` are filled in when the register
    binds the declaration to its column.
    """

    label: Text
    aliases: tuple[str, ...] = ()
    help: Text = ""
    #: the step that cannot be taken while the field is empty
    needed: str = ""
    search: bool = False
    #: masked for whoever does not need it, encrypted in the database
    sensitive: bool = False
    #: years that the value is kept once the record is over; 0: as long as the record
    kept_years: int = 0
    public: bool = False
    listed: bool = False
    filtered: bool = False
    sheet: bool = True
    form: bool = True
    gate: Gate = Gate.ORDINARY
    #: a keeper may fill it in too, in a new record or while it is still empty
    drafted: bool = False
    #: what `derive()` says replaces what was written, where the two agree to the month
    derived: bool = False
    section: Text = ""
    #: the field that takes what else a cell of this one holds (start of a range, mobile number)
    spill: Any = None
    #: fields of the same record whose text finds the linked record when nobody chose one
    named_by: tuple[str, ...] = ()
    #: the field, of the same row or of the record above, by whose word the words that are offered are chosen (`Word.under`)
    narrowed_by: str = ""
    #: several values in one cell make one child row each
    one_row_each: bool = False
    #: value of a new record when nothing was written
    default: Any = None
    #: the name of an organisation, which people write in many ways: nobody becomes a second record by a bracket or 有限公司
    organisation: bool = False
    #: whether somebody must act before the period ends (of a date_until)
    due: bool = True

    key: str = ""
    attr: str = ""
    format: Format = formats.Text()  # noqa: RUF009 - frozen, shared on purpose
    required: bool = False
    unique: bool = False
    spill_key: str = ""

    @property
    def places(self) -> list[str]:
        """Where the field shows."""
        flags = {
            "list": self.listed,
            "page": True,
            "form": self.form,
            "filter": self.filtered,
            "sheet": self.sheet,
            "search": self.search,
            "public": self.public,
        }
        return [place for place, shown in flags.items() if shown]


def field(label: Text, *, index: bool = False, **facts: Any) -> MappedColumn[Any]:
    """Declare a column of a register; `facts` are those of Field."""
    return mapped_column(index=index or None, info={"field": Field(label=label, **facts)})


def kept(sql: Any, fmt: Format, *arguments: Any) -> MappedColumn[Any]:
    """What stands in an annotation beside the Python type: SQL type and format."""
    return mapped_column(sql, *arguments, info={"format": fmt})


def link(register: str) -> MappedColumn[Any]:
    """For `Annotated[int, link("region")]`: the id of a record of another register."""
    return kept(sa.Integer, formats.Link(register), sa.ForeignKey(f"{register}.id"))


def one_of(code_list: CodeList) -> MappedColumn[Any]:
    """For `Annotated[str, one_of(LEVEL)]`: one word of a code list."""
    return kept(sa.String(100), formats.Choice(code_list.key))


def some_of(code_list: CodeList) -> MappedColumn[Any]:
    """For `Annotated[list[str], some_of(SCOPES)]`: several words of a code list."""
    return kept(_JSON, formats.Choices(code_list.key))


def state(states: type[formats.State]) -> MappedColumn[Any]:
    """For `Annotated[str, state(PublishState)]`: a state, kept as its value."""
    return kept(sa.String(40), formats.StateOf(states))


_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

Name = Annotated[str, kept(sa.String(200), formats.Text(200))]
Line = Annotated[str, kept(sa.String(500), formats.Text(500))]
Prose = Annotated[str, kept(sa.Text, formats.LongText())]
Person = Annotated[str, kept(sa.String(60), formats.PersonName())]
WordList = Annotated[str, kept(sa.String(500), formats.Words())]
CodeText = Annotated[str, kept(sa.String(64), formats.Code())]
CreditCode = Annotated[str, kept(sa.String(18), formats.CreditCode())]
ResidentId = Annotated[str, kept(sa.String(18), formats.ResidentId())]
BankCard = Annotated[str, kept(sa.String(19), formats.BankCard())]
DocumentNumber = Annotated[str, kept(sa.String(100), formats.DocumentNumber())]
CertificateNumber = Annotated[str, kept(sa.String(100), formats.CertificateNumber())]
Phone = Annotated[str, kept(sa.String(200), formats.Phone())]
Mobile = Annotated[str, kept(sa.String(200), formats.Mobile())]
Email = Annotated[str, kept(sa.String(200), formats.Email())]
Url = Annotated[str, kept(sa.String(500), formats.Url())]
Day = Annotated[date, kept(sa.Date, formats.Day())]
Until = Annotated[date, kept(sa.Date, formats.Until())]
Moment = Annotated[datetime, kept(sa.DateTime(timezone=True), formats.Moment())]
YesNo = Annotated[bool, kept(sa.Boolean, formats.YesNo())]
Count = Annotated[int, kept(sa.Integer, formats.Count())]
People = Annotated[int, kept(sa.Integer, formats.Count(unit="人"))]
Money = Annotated[Decimal, kept(sa.Numeric(14, 2), formats.Number(unit="元"))]
TenThousand = Annotated[Decimal, kept(sa.Numeric(14, 2), formats.Number(unit="万元"))]
SquareMetres = Annotated[Decimal, kept(sa.Numeric(14, 2), formats.Number(unit="㎡"))]
Coordinate = Annotated[Decimal, kept(sa.Numeric(10, 6), formats.Number(unit="度", places=6))]
File = Annotated[int, kept(sa.Integer, formats.File())]
