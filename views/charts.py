"""The four plots of the desk: what there is, how far it has come, what came in, what ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from app import due, figures
from app.charge import by_office, ledgers
from app.clock import today
from app.formats import StateOf
from app.language import _
from app.lookup import DatabaseLookup
from app.register import Child, PublishState, Register
from app.roles import Verb
from app.scopes import Scope, scope_of
from views.pages import link_to
from views.plots import Bar, Cell, Plot

#: colours that say how things stand
AMBER, GREEN, RED, GREY = 2, 3, 5, 8


class Charts:
    """The plots of one person; `registers` are those that the person looks after."""

    def __init__(self, session: Session, registers: Sequence[type[Register]] | None = None) -> None:
        self.session = session
        self.scope: Scope = scope_of(session)
        self.registers = ledgers(self.scope) if registers is None else list(registers)
        self.today: date = today()
        self.kinds = due.kinds(self.scope, self.registers)
        self.ahead = figures.months(self.today, 12)
        self._office = ""
        self.during = figures.year_until(self.today)
        self._census: dict[type[Register], list[figures.Cell]] | None = None

    # shared by plots and the rest of the desk -------------------------------------------------

    @property
    def office(self) -> str:
        """The name of the person's office, as a filter takes it."""
        if not self._office and self.scope.actor.org_unit_id:
            self._office = DatabaseLookup(self.session).handle("org_unit", self.scope.actor.org_unit_id)
        return self._office

    def tallies(self, by: Callable[[figures.Cell], Any]) -> Iterable[tuple[type[Register], dict[Any, int]]]:
        """Each register's records by one property; they are counted once."""
        if self._census is None:
            self._census = figures.census(self.session, self.registers, self.during)
        return ((cls, figures.tally(cells, by)) for cls, cells in self._census.items())

    def list_of(self, cls: type[Register], **filters: str) -> str:
        """The list of exactly the records that the person looks after, with these filters."""
        own = {"f.org_unit": self.office} if by_office(self.scope, cls) and self.office else {}
        return link_to(cls, "list", **own, **{f"f.{name}": value for name, value in filters.items()})

    # the plots ------------------------------------------------------------------------------

    def all(self) -> list[Plot]:
        """The plots that show something."""
        return [plot for plot in (make(self) for make in PLOTS.values()) if not plot.empty]

    def records(self) -> Plot:
        """How many records there are, public or not."""
        states = [*PublishState]
        plot = Plot("records", _("各登记表有多少条记录"), "bars", _("登记表"), [str(state.label) for state in states], unit=_("条"))
        plot.colours = [GREY, AMBER, GREEN, RED]
        for cls, counts in self.tallies(lambda cell: cell.published):
            cells = [Cell(counts.get(state.value, 0), self.list_of(cls, publish_state=state.value)) for state in states]
            plot.bars.append(Bar(str(cls.__title__), cells))
        return plot.without_empty_series()

    def states(self) -> Plot:
        """How far the records of one register have come."""
        plot = Plot("states", _("办到哪一步"), "bars", _("状态"), [_("记录数")], group_head=_("登记表"), unit=_("条"))
        for cls, counts in self.tallies(lambda cell: cell.state):
            declared = figures.state_field(self.scope, cls)
            if declared is None or not isinstance(declared.format, StateOf) or not any(counts.values()):
                continue
            for value, label in declared.format.options():
                if counts.get(value):
                    plot.bars.append(Bar(label, [Cell(counts[value], self.list_of(cls, **{declared.key: value}))], str(cls.__title__)))
        return plot

    def added(self) -> Plot:
        """What came in during the last twelve months."""
        counts = dict(self.tallies(lambda cell: cell.month))
        plot = Plot("added", _("近 12 个月新增"), "columns", _("月份"), [str(cls.__title__) for cls in counts], unit=_("条"))
        for place, month in enumerate(self.during, start=1):
            cells = [Cell(found.get(place, 0), _added_in(cls, month)) for cls, found in counts.items()]
            plot.bars.append(Bar(month.label, cells))
        return plot.without_empty_series()

    def expiring(self) -> Plot:
        """What ends in the twelve months to come."""
        plot = Plot("expiring", _("今后 12 个月到期"), "columns", _("月份"), [kind_label(kind) for kind in self.kinds], unit=_("项"))
        counts = due.monthly(self.session, self.kinds, self.ahead)
        for place, month in enumerate(self.ahead):
            span = due.Span(month.first, month.after - timedelta(days=1))
            cells = [Cell(counts[kind][place], due_link(span, kind)) for kind in self.kinds]
            plot.bars.append(Bar(month.label, cells))
        return plot.without_empty_series()


PLOTS: Mapping[str, Callable[[Charts], Plot]] = MappingProxyType(
    {"records": Charts.records, "states": Charts.states, "added": Charts.added, "expiring": Charts.expiring}
)


def exportable(scope: Scope, registers: Iterable[type[Register]]) -> list[type[Register]]:
    """The registers whose numbers the person may take away."""
    return [cls for cls in registers if scope.may(cls, Verb.EXPORT)]


def kind_label(kind: due.Kind) -> str:
    """In words, what ends: 中介机构·资质·有效期至 without the middle where the register itself carries the day."""
    middle = [str(kind.cls.__title__)] if issubclass(kind.cls, Child) else []
    return "·".join([str(kind.register.__title__), *middle, str(kind.declared.label)])


def due_link(span: due.Span, kind: due.Kind | None = None) -> str:
    """The page of what ends within a span."""
    days = {"from": span.first, "to": span.last}
    asked: dict[str, Any] = {name: day.isoformat() for name, day in days.items() if day}
    asked |= {"of": kind.key} if kind else {}
    return url_for("DeskView.due", **asked)


def _added_in(cls: type[Register], month: figures.Month) -> str:
    days: dict[str, Any] = {"from": month.first.isoformat(), "to": (month.after - timedelta(days=1)).isoformat()}
    return url_for("DeskView.changes", register=cls.__key__, act="added", **days)
