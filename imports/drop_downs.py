"""The drop-downs of a template: which words a column offers, and the formulas that fetch them from a hidden sheet.

The formulas are those that Excel, WPS and LibreOffice share, and shorter than the 255 characters that a rule may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import sqlalchemy as sa
from openpyxl.utils import get_column_letter
from sqlalchemy.orm import Session

from app import code_lists, registry
from app.formats import Choice, Choices, Link, StateOf, YesNo
from app.language import chinese
from app.lookup import DatabaseLookup
from app.register import Register
from imports.leaving import Heading, live

SHEET = "选项"
#: as many records of another register as a list shows at once, and as many as it looks through for what somebody began to write
PICKED, SOUGHT = 500, 5000
#: as many of those that the register uses already as an empty cell offers first
USUAL = 50


@dataclass(frozen=True)
class Offer:
    """What a column offers: the words; those that go with a word of another column; those for an empty cell of many."""

    words: Sequence[str]
    #: the column on whose cell it depends, and the words that go with each of its words
    by: Heading | None = None
    groups: dict[str, list[str]] = field(default_factory=dict)
    #: whether the list follows what stands in the cell: places below a place
    sought: bool = False
    usual: Sequence[str] = ()


NOTHING = Offer(())


class Offers:
    """What the columns of a register offer to this person."""

    def __init__(self, session: Session, cls: type[Register], columns: Sequence[Heading]) -> None:
        self._session, self._cls, self._columns = session, cls, columns
        self._lookup = DatabaseLookup(session)
        self._lookup.prepare(column.field for column in columns)
        self._made: dict[Heading, Offer] = {}

    def of(self, column: Heading) -> Offer:
        """What a column offers."""
        if column not in self._made:
            self._made[column] = self._offer(column)
        return self._made[column]

    def _offer(self, column: Heading) -> Offer:
        fmt = column.field.format
        if isinstance(fmt, YesNo):
            return Offer(["是", "否"])
        if isinstance(fmt, StateOf):
            return Offer([chinese(state.label) for state in fmt.states])
        if isinstance(fmt, Choice):
            return self._words(column, fmt.options(self._lookup))
        return self._records(column, fmt.register) if isinstance(fmt, Link) else NOTHING

    def takes_more(self, column: Heading) -> bool:
        """Whether a cell may hold what the list does not offer: several words, new words, a name."""
        fmt = column.field.format
        return isinstance(fmt, (Choices, Link)) or column.field.one_row_each or (isinstance(fmt, Choice) and self._lookup.is_open(fmt.code_list))

    def _words(self, column: Heading, options: list[tuple[str, str]]) -> Offer:
        """The words; those that the declaration puts under a word of another field apart."""
        labels, by = [label for _code, label in options], self._deciding(column)
        if by is None:
            return Offer(labels)
        under = {word.code: word.under for word in code_lists.find(column.field.format.code_list).words}  # type: ignore[attr-defined]
        groups = {
            label: [offered for own, offered in options if code in under.get(own, ()) or not under.get(own)]
            for code, label in self._lookup.options(by.field.format.code_list)  # type: ignore[attr-defined]
        }
        return Offer(labels, by, {label: words for label, words in groups.items() if words and words != labels})

    def _deciding(self, column: Heading) -> Heading | None:
        """The column on which this one's words depend: one of the same kind of rows, or of the record."""
        wanted = [each for each in self._columns if each.field.key == column.field.narrowed_by and each.child in {column.child, None}]
        return max(wanted, key=lambda each: each.child is column.child, default=None) if column.field.narrowed_by else None

    def _records(self, column: Heading, register: str) -> Offer:
        cls = registry.need(register)
        table = cls.__table__
        ids = self._session.connection().scalars(sa.select(table.c.id).where(*live(self._session, cls)).order_by(table.c.id).limit(SOUGHT + 1)).all()
        self._lookup.prepare_ids(register, ids if len(ids) <= SOUGHT else ())
        if len(ids) <= PICKED:
            return Offer([self._lookup.handle(register, each) for each in ids])
        if len(ids) > SOUGHT:
            return NOTHING
        usual = self._session.connection().scalars(self._usual(column)).all()
        return Offer(sorted(self._lookup.handle(register, each) for each in ids), sought=True, usual=[self._lookup.handle(register, each) for each in usual])

    def _usual(self, column: Heading) -> sa.Select[tuple[int]]:
        kind = column.child or self._cls
        value = kind.__table__.c[column.field.attr]
        return sa.select(value).where(*live(self._session, kind), value.is_not(None)).group_by(value).order_by(sa.func.count().desc(), value).limit(USUAL)


class Lists:
    """The hidden sheet: a column for each list."""

    def __init__(self) -> None:
        self._columns: list[list[str | None]] = []

    def rows(self) -> list[tuple[str | None, ...]]:
        """The sheet's rows."""
        return list(zip_longest(*self._columns))

    def _add(self, words: Sequence[str | None]) -> str:
        self._columns.append(list(words))
        return get_column_letter(len(self._columns))

    def _range(self, words: Sequence[str]) -> str:
        letter = self._add(words)
        return f"'{SHEET}'!${letter}$1:${letter}${len(words)}"

    def rule(self, offer: Offer, cell: str, deciding: str) -> str:
        """The formula of a column's rule; `cell` is the column's first, `deciding` that of the column on which it depends."""
        if offer.groups:
            return self._by_group(offer, deciding)
        if offer.sought:
            return self._by_beginning(offer, cell)
        return self._range(offer.words)

    def _by_group(self, offer: Offer, deciding: str) -> str:
        """A column of words for each word of the other field, that word above; what is none of them (several, none yet) offers all."""
        height = max(len(words) for words in (offer.words, *offer.groups.values())) + 1
        first = self._add([None, *offer.words])
        letters = [self._add([label, *words]) for label, words in offer.groups.items()]
        step = f"IFERROR(MATCH({deciding},'{SHEET}'!${first}$1:${letters[-1]}$1,0)-1,0)"
        return f"OFFSET('{SHEET}'!${first}$2,0,{step},COUNTA(OFFSET('{SHEET}'!${first}$2:${first}${height},0,{step})),1)"

    def _by_beginning(self, offer: Offer, cell: str) -> str:
        """Sorted words: those that begin like what stands in the cell lie together. A county offers its towns."""
        words = self._range(offer.words)
        count = f'COUNTIF({words},{cell}&"*")'
        begun = f'OFFSET({words.partition(":")[0]},IFERROR(MATCH({cell}&"*",{words},0)-1,0),0,IF({count},{count},{len(offer.words)}),1)'
        return f'IF({cell}="",{self._range(offer.usual)},{begun})' if offer.usual else begun


__all__ = ["SHEET", "Lists", "Offer", "Offers"]
