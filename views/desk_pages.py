"""The pages behind the desk's numbers: what falls due, what is missing, what changed, the plots as files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import abort, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session

from app import changes, due, gaps, masking
from app.charge import OFFICE_LABEL, ledgers, lists, live
from app.clock import local, midnight, today
from app.language import _, listed
from app.lookup import DatabaseLookup
from app.register import Register, field_map, missing, values_of
from app.scopes import Scope, scope_of
from views.charts import PLOTS, Charts, due_link, exportable, kind_label
from views.desk import ACTS, called, days_left, part_of, record_link
from views.downloads import made
from views.editing import Answer
from views.lines import SIZE, Page, Row, day_of, here, page_number
from views.pages import current_session, link_to, need, people, render
from views.plots import WRITERS, Plot

#: how far back the page of changes looks unless asked otherwise
RECENT_DAYS = 30


class DeskView(BaseView):  # type: ignore[misc]
    """Lines behind the numbers of the desk, always those that the person looks after."""

    route_base = "/desk"
    class_permission_name = "desk"
    default_view = "due"

    @expose("/due", methods=("GET",))
    @has_access
    @permission_name("read")
    def due(self) -> Answer:
        """What ends within a span of days."""
        session = current_session()
        span, found, kind = _span(), _kinds(scope_of(session)), _kind(scope_of(session))
        chosen = [kind] if kind else found
        page = Page(
            _title(span, kind), _("只列您负责的记录。"), _due_columns(), due.count(session, chosen, span), page_number(request.args), _("没有到期的项目。")
        )
        page.tabs = _due_tabs(span, kind) if len(found) > 1 or kind is None else []
        page.rows = [Row(line[0], link, line[1:]) for link, line in _due_lines(session, chosen, span, SIZE, (page.number - 1) * SIZE)]
        if exportable(scope_of(session), {each.register for each in chosen}):
            page.files = [(f".{name}", url_for(".due_file", kind=name, **_due_arguments())) for name in WRITERS]
        return render("desk/lines.html", page=page, choices=_choices(found, kind), today=today())

    @expose("/due.<kind>", methods=("GET",))
    @has_access
    @permission_name("export")
    def due_file(self, kind: str) -> Answer:
        """The same as a file."""
        write = WRITERS.get(kind) or abort(404)
        session = current_session()
        scope, chosen = scope_of(session), _kind(scope_of(session))
        allowed = exportable(scope, ledgers(scope))
        found = [each for each in ([chosen] if chosen else _kinds(scope)) if each.register in allowed]
        lines = [_due_columns(), *(line for _link, line in _due_lines(session, found, _span(), None, 0))]
        title = _title(_span(), chosen)
        return made(lambda out: write(title, lines, out), f"{title}{today():%Y%m%d}", kind)

    @expose("/incomplete/<register>", methods=("GET",))
    @has_access
    @permission_name("read")
    def incomplete(self, register: str) -> Answer:
        """The records of a register in which a later step will miss something."""
        session = current_session()
        scope = scope_of(session)
        cls = next((each for each in ledgers(scope) if each.__key__ == register), None) or abort(404)
        steps = gaps.steps(scope, cls)
        step = request.args.get("step", "")
        if step and step not in steps:
            abort(404)
        counts = gaps.counts(session, [cls]).get(cls, gaps.Gaps(0))
        page = Page(
            _("%(title)s：资料不全", title=cls.__title__),
            _("这些内容现在可以空着，办到下一步时必须有。点名称打开记录补填。"),
            [_("记录"), _("还缺")],
            counts.steps.get(step, 0) if step else counts.records,
            page_number(request.args),
            _("没有缺资料的记录。"),
        )
        page.tabs = [(_("全部"), here(step=None), not step)]
        page.tabs += [(f"{need(each)} {counts.steps.get(each, 0)}", here(step=each), each == step) for each in steps]
        page.rows = _incomplete(session, scope, cls, step, page.number)
        return render("desk/lines.html", page=page)

    @expose("/changes", methods=("GET",))
    @has_access
    @permission_name("read")
    def changes(self) -> Answer:
        """What was added or changed in a span of days."""
        session = current_session()
        scope = scope_of(session)
        known = [*ledgers(scope), *lists(scope)]
        key = request.args.get("register", "")
        cls = next((each for each in known if each.__key__ == key), None)
        if key and cls is None:
            abort(404)
        act = changes.Act.ADDED if request.args.get("act") == changes.Act.ADDED.value else None
        first, last = day_of(request.args, "from") or today() - timedelta(days=RECENT_DAYS), day_of(request.args, "to") or today()
        period, registers = changes.Period(midnight(first), midnight(_next(last))), [cls] if cls else known
        title = _("新增的记录") if act else _("变动的记录")
        quiet = _("%(first)s 至 %(last)s", first=first, last=last)
        count = changes.count(session, registers, period, act)
        page = Page(title, quiet, [_("记录"), _("登记表"), _("事项"), _("谁"), _("时间")], count, page_number(request.args), _("这段时间没有变动。"))
        page.tabs = [(_("全部"), here(register=None), cls is None), *((str(each.__title__), here(register=each.__key__), each is cls) for each in known)]
        page.rows = _changed(session, changes.page(session, registers, period, act, SIZE, (page.number - 1) * SIZE))
        return render("desk/lines.html", page=page)

    @expose("/plots", methods=("GET",))
    @has_access
    @permission_name("read")
    def plots(self) -> Answer:
        """The plots as a part of the desk, which asks for them once it stands."""
        charts = Charts(current_session())
        return render("desk/plots.html", plots=charts.all(), may_export=bool(exportable(charts.scope, charts.registers)))

    @expose("/plots/<name>.<kind>", methods=("GET",))
    @has_access
    @permission_name("export")
    def plot(self, name: str, kind: str) -> Answer:
        """The numbers of a plot as a file, of the registers that the person may export."""
        if name not in PLOTS or kind not in WRITERS:
            abort(404)
        session = current_session()
        scope = scope_of(session)
        return plot_file(PLOTS[name](Charts(session, exportable(scope, ledgers(scope)))), kind)


def plot_file(plot: Plot, kind: str) -> Answer:
    """A plot's table as a file."""
    return made(lambda out: WRITERS[kind](plot.title, plot.lines(), out), f"{plot.title}{today():%Y%m%d}", kind)


# what falls due -----------------------------------------------------------------------------------


def _kinds(scope: Scope) -> list[due.Kind]:
    return due.kinds(scope, ledgers(scope))


def _kind(scope: Scope) -> due.Kind | None:
    """The kind of end asked for; 404 when the person knows no such."""
    wanted = request.args.get("of", "")
    found = next((each for each in _kinds(scope) if each.key == wanted), None)
    return found if found or not wanted else abort(404)


def _span() -> due.Span:
    """The days asked for, else those that people look ahead."""
    asked = due.Span(day_of(request.args, "from"), day_of(request.args, "to"))
    return asked if asked != due.Span() else due.within(today(), due.WINDOWS[-1])


def _due_arguments() -> dict[str, Any]:
    """This page's arguments, for the file of the same lines."""
    return {name: value for name, value in request.args.items() if name in {"from", "to", "of"}}


def _title(span: due.Span, kind: due.Kind | None) -> str:
    name = f"：{kind_label(kind)}" if kind else ""
    day = today()
    if span == due.overdue(day):
        return _("已过期") + name
    days = next((days for days in due.WINDOWS if span == due.within(day, days)), None)
    return (_("%(days)s 天内到期", days=days) if days else _("到期的项目")) + name


def _due_tabs(span: due.Span, kind: due.Kind | None) -> list[tuple[str, str, bool]]:
    day = today()
    spans = [(_("已过期"), due.overdue(day)), *((_("%(days)s 天内", days=days), due.within(day, days)) for days in due.WINDOWS)]
    return [(label, due_link(each, kind), each == span) for label, each in spans]


def _choices(found: Iterable[due.Kind], kind: due.Kind | None) -> list[tuple[str, str, bool]]:
    """The kinds of ends to narrow to."""
    return [(_("全部种类"), here(of=None), kind is None), *((kind_label(each), here(of=each.key), each == kind) for each in found)]


def _due_columns() -> list[str]:
    return [_("记录"), _("登记表"), _("到期的内容"), _("到期日"), _("还剩"), str(OFFICE_LABEL)]


def _due_lines(session: Session, found: list[due.Kind], span: due.Span, most: int | None, skip: int) -> Iterable[tuple[str, list[Any]]]:
    """The link and the cells of each end, the latest first among those gone by."""
    day = today()
    items = due.items(session, found, span, most, skip, latest_first=span.first is None and span.last is not None and span.last < day)
    scope, lookup = scope_of(session), DatabaseLookup(session)
    lookup.prepare_ids("org_unit", [item.office for item in items if item.office])
    for item in items:
        office = lookup.name("org_unit", item.office) if item.office else ""
        cells = [str(item.kind.register.__title__), part_of(scope, item, lookup), item.day.isoformat(), days_left(day, item), office]
        yield record_link(item), [called(item.label, item.record), *cells]


# what is missing, what changed --------------------------------------------------------------------


def _incomplete(session: Session, scope: Scope, cls: type[Register], step: str, number: int) -> list[Row]:
    wanted = gaps.needed(scope, cls, step)
    statement = sa.select(cls).where(*live(scope, cls), gaps.lacking(cls, wanted)).order_by(cls.id.desc()).limit(SIZE).offset((number - 1) * SIZE)
    rows, keys, lookup = session.scalars(statement).all(), {each.key for each in wanted}, DatabaseLookup(session)
    found = []
    for row in rows:
        declared = field_map(cls)[cls.__label__]
        label = masking.shown(scope, declared, getattr(row, declared.attr), lookup)
        lacks = listed(str(each.label) for each in missing(cls, values_of(row)) if each.key in keys)
        page = "edit" if scope.refuses(cls, values_of(row), values_of(row), ()) is None else "show"
        found.append(Row(called(label, row.id), link_to(cls, page, pk=row.id), [lacks]))
    return found


def _changed(session: Session, found: list[changes.Change]) -> list[Row]:
    names = people(session, (change.who for change in found))
    return [
        Row(
            called(change.label, change.record),
            link_to(change.cls, "show", pk=change.record),
            [str(change.cls.__title__), str(ACTS[change.act]), names.get(change.who) or _("系统"), f"{local(change.when):%Y-%m-%d %H:%M}"],
        )
        for change in found
    ]


def _next(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day
