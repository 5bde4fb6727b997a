"""The overview for leaders, supervisors and the legal reviewer: who keeps what, how completely, how lately."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session

from app import figures, gaps, masking
from app.charge import OFFICE_LABEL, ledgers
from app.clock import local, now, today
from app.fields import Field
from app.gaps import Standing
from app.language import _
from app.lookup import DatabaseLookup
from app.register import Register, fields
from app.scopes import scope_of
from imports import history
from models.policy import Policy
from views import coverage
from views.charts import AMBER, GREEN, RED, exportable
from views.desk_pages import plot_file
from views.editing import Answer
from views.lines import SIZE, Page, Row, page_number
from views.pages import current_session, link_to, render
from views.plots import WRITERS, Bar, Cell, Plot

A_YEAR = timedelta(days=365)


class OverviewView(BaseView):  # type: ignore[misc]
    """The state of the registers, office by office."""

    route_base = "/overview"
    class_permission_name = "overview"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> Answer:
        """All figures on one page."""
        session = current_session()
        overview = Overview(session, ledgers(scope_of(session)))
        return render("desk/overview.html", overview=overview, plots=[plot for plot in overview.plots() if not plot.empty])

    @expose("/plots/<name>.<kind>", methods=("GET",))
    @has_access
    @permission_name("export")
    def plot(self, name: str, kind: str) -> Answer:
        """The numbers of a figure as a file, of the registers that the person may export."""
        session = current_session()
        scope = scope_of(session)
        plots = Overview(session, exportable(scope, ledgers(scope))).plots() if kind in WRITERS else []
        return plot_file(next((plot for plot in plots if plot.name == name), None) or abort(404), kind)

    @expose("/coverage/<standing>", methods=("GET",))
    @has_access
    @permission_name("read")
    def coverage(self, standing: str) -> Answer:
        """The documents whose review has come so far."""
        session = current_session()
        scope = scope_of(session)
        if standing not in coverage.LABELS or not coverage.known(scope):
            abort(404)
        office = _office()
        number, lookup = page_number(request.args), DatabaseLookup(session)
        count, rows = coverage.documents(session, standing, office, SIZE, (number - 1) * SIZE)
        shown = [field_of(Policy, column) for column in (Policy.title, Policy.doc_no, Policy.formed_on, Policy.org_unit_id)]
        lookup.prepare_rows(rows, shown)
        title = _("涉及经营者的政策文件：%(state)s", state=coverage.LABELS[standing])
        page = Page(title, "", [str(declared.label) for declared in shown], count, number, _("没有这样的文件。"))
        page.tabs = [(str(label), url_for(".coverage", standing=each, office=office), each == standing) for each, label in coverage.LABELS.items()]
        for row in rows:
            label, *cells = (masking.shown(scope, declared, getattr(row, declared.attr), lookup) for declared in shown)
            page.rows.append(Row(label, link_to(Policy, "show", pk=row.id), cells))
        return render("desk/lines.html", page=page)


def field_of(cls: type[Register], column: Any) -> Field:
    """The declaration behind a column."""
    return next(declared for declared in fields(cls) if declared.attr == column.key)


def _office() -> int | None:
    text = request.args.get("office", "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        abort(404)
    return int(text) if text else None


class Overview:
    """The figures, each read once."""

    def __init__(self, session: Session, registers: list[type[Register]]) -> None:
        self.session, self.registers = session, registers
        self.standings = gaps.standings(session, registers, now() - A_YEAR)
        self.lookup = DatabaseLookup(session)
        self.offices = self._offices()

    def _offices(self) -> list[int | None]:
        """The offices that keep something, in their own order; records of no office last."""
        kept = {office for found in self.standings.values() for office in found}
        self.lookup.prepare_ids("org_unit", [office for office in kept if office])
        named: list[int | None] = [*sorted(office for office in kept if office)]
        return named + ([None] if None in kept else [])

    def office(self, office: int | None) -> str:
        """An office's name."""
        return (self.lookup.name("org_unit", office) or f"#{office}") if office else _("未分配")

    def list_of(self, cls: type[Register], office: int | None) -> str:
        """The list of an office's records."""
        only = {"f.org_unit": self.lookup.handle("org_unit", office)} if office else {"f.org_unit.empty": "1"}
        return link_to(cls, "list", **only)

    def total(self, cls: type[Register]) -> Standing:
        """A register as a whole."""
        return sum(self.standings[cls].values(), start=Standing())

    def headline(self) -> list[tuple[str, str, str]]:
        """What one should know first: number, what it is, the figure below."""
        whole = sum((self.total(cls) for cls in self.registers), start=Standing())
        found = [(f"{whole.rows:,}", _("条记录"), "offices")]
        if whole.cells:
            found.append((share(whole.filled, whole.cells), _("资料完整"), "completeness"))
        if whole.rows:
            found.append((share(whole.stale, whole.rows), _("一年以上没有变动"), "age"))
        return found

    def plots(self) -> list[Plot]:
        """The figures in their order."""
        reviewed = coverage.known(scope_of(self.session)) and Policy in self.registers
        return [self.by_office(), self.completeness(), self.age(), *([self.reviews()] if reviewed else []), self.imports()]

    def by_office(self) -> Plot:
        """Records by register and office."""
        plot = Plot("offices", _("各股室登记了多少"), "bars", str(OFFICE_LABEL), [str(cls.__title__) for cls in self.registers], unit=_("条"), open=True)
        for office in self.offices:
            cells = [Cell(self._standing(cls, office).rows, self.list_of(cls, office)) for cls in self.registers]
            plot.bars.append(Bar(self.office(office), cells))
        plot.foot = [Cell(self.total(cls).rows, link_to(cls, "list")) for cls in self.registers]
        return plot

    def _standing(self, cls: type[Register], office: int | None) -> Standing:
        return self.standings[cls].get(office, Standing())

    def completeness(self) -> Plot:
        """The share of what later steps need that is filled in."""
        asked = [cls for cls in self.registers if self.total(cls).cells]
        plot = Plot("completeness", _("资料完整度"), "table", str(OFFICE_LABEL), [str(cls.__title__) for cls in asked])
        plot.quiet = _("下一步办理需要的内容填了多少，不含附件和敏感信息。")
        for office in self.offices:
            plot.bars.append(Bar(self.office(office), [_share_cell(self._standing(cls, office)) for cls in asked]))
        plot.foot = [_share_cell(self.total(cls), url_for("DeskView.incomplete", register=cls.__key__)) for cls in asked]
        return plot

    def age(self) -> Plot:
        """When a register was last touched, and what nobody touched for a year."""
        plot = Plot("age", _("数据新旧"), "table", _("登记表"), [_("记录数"), _("最近变动日期"), _("一年以上没有变动"), _("占比")])
        for cls in self.registers:
            found = self.total(cls)
            day = f"{local(found.changed_at):%Y-%m-%d}" if found.changed_at else "—"
            cells = [Cell(found.rows, link_to(cls, "list")), Cell(0, text=day), Cell(found.stale), _percent(found.stale, found.rows)]
            plot.bars.append(Bar(str(cls.__title__), cells))
        return plot

    def imports(self) -> Plot:
        """What was imported, month by month, of the registers that the person sees whole."""
        scope, during = scope_of(self.session), figures.year_until(today())
        whole = [cls for cls in self.registers if scope.rows(cls) is None]
        plot = Plot("imports", _("近 12 个月导入"), "columns", _("月份"), [_("没有问题的行"), _("有问题的行"), _("批次"), _("有问题的占比")], unit=_("行"))
        plot.drawn, plot.colours = 2, [GREEN, RED]
        for month, found in zip(during, history.by_month(self.session, whole, during), strict=True):
            cells = [Cell(found.rows - found.wrong), Cell(found.wrong), Cell(found.batches), _percent(found.wrong, found.rows)]
            plot.bars.append(Bar(month.label, cells))
        return plot

    def reviews(self) -> Plot:
        """Documents that affect operators, by how far their review has come."""
        labels = [str(label) for label in coverage.LABELS.values()]
        plot = Plot("reviews", _("公平竞争审查覆盖"), "bars", str(OFFICE_LABEL), labels, unit=_("件"))
        plot.colours = [GREEN, AMBER, RED]
        plot.quiet = _("只数“涉及经营者经济活动”的政策文件。")
        found = coverage.counts(self.session)
        self.lookup.prepare_ids("org_unit", [office for office in found if office])
        for office, counts in sorted(found.items(), key=lambda pair: pair[0] or 2**31):
            cells = [Cell(counts.get(each, 0), url_for("OverviewView.coverage", standing=each, office=office or 0)) for each in coverage.LABELS]
            plot.bars.append(Bar(self.office(office), cells))
        return plot


def share(part: int, whole: int) -> str:
    """A share as people read it; never 100% while something is missing."""
    if not whole:
        return "—"
    percent = 100 * part / whole
    return f"{min(int(percent), 99) if part < whole and percent > 1 else round(percent)}%"


def _percent(part: int, whole: int) -> Cell:
    return Cell(round(100 * part / whole) if whole else 0, text=share(part, whole))


def _share_cell(found: Standing, link: str = "") -> Cell:
    return Cell(round(100 * found.filled / found.cells) if found.cells else 0, link, share(found.filled, found.cells))
