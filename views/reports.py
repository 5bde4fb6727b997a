"""A register on paper: its ledger, a few records side by side, the forms that the office prints."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import current_app, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import force_locale
from sqlalchemy.orm import Session

from app import masking
from app.audit import export_number
from app.clock import today
from app.language import _, chinese
from app.lookup import DatabaseLookup
from app.queries import read_ids
from app.register import Register
from app.scopes import scope_of
from imports import ledger as ledgers
from imports import ledger_sheet
from imports.ledger import Ledger
from views.comparison import FEWEST, MOST, Comparison
from views.downloads import made
from views.editing import Answer
from views.listing import ListPage
from views.pages import current_session, link_to, render
from views.printing import printed

#: records that a page holds, and a workbook: more is better narrowed first
ON_PAGE, IN_BOOK = 1000, 10_000


def office_of(session: Session) -> str:
    """Who files what this person prints: the person's 股室, else the bureau."""
    unit = scope_of(session).actor.org_unit_id
    name = DatabaseLookup(session).name("org_unit", unit) if unit else ""
    return name or str(current_app.config["BUREAU_NAME"])


def signed(session: Session, ledger: Ledger, day: date | None = None) -> Ledger:
    """The ledger with who files it, who prints it, and when."""
    ledger.office, ledger.person, ledger.day = office_of(session), scope_of(session).actor.full_name, day or today()
    return ledger


class Reports:
    """The printed side of a register; mixed into its view."""

    cls: type[Register]

    @expose("/ledger", methods=("GET",))
    @has_access
    @permission_name("export")
    def ledger(self) -> Answer:
        """The ledger as a page for the printer, with the list's filters."""
        session = current_session()
        page = ListPage(session, self.cls, request.args.to_dict(flat=False))
        made_ledger = self._ledger(session, page, most=ON_PAGE, cell=masking.shown, label=str)
        wider = ledgers.wider(scope_of(session), self.cls)
        return render(
            "reports/ledger.html",
            ledger=made_ledger,
            shares=ledger_sheet.shares(made_ledger),
            cls=self.cls,
            query=page.query(),
            wider=wider,
            home=link_to(self.cls, "list"),
        )

    @expose("/ledger.xlsx", methods=("GET",))
    @has_access
    @permission_name("export")
    def ledger_xlsx(self) -> Answer:
        """The ledger as a workbook ready for the printer, with all columns if asked; Chinese, whatever language is on."""
        session = current_session()
        with force_locale("zh_Hans"):
            page = ListPage(session, self.cls, request.args.to_dict(flat=False))
            made_ledger = self._ledger(session, page, wide=request.args.get("all") == "1", most=IN_BOOK, cell=masking.cell, label=chinese)
            made_ledger.number, name = export_number(), f"{made_ledger.title}{today():%Y%m%d}"
            return made(lambda out: ledger_sheet.write(made_ledger, out), name, "xlsx", number=made_ledger.number, register=self.cls.__key__)

    def _ledger(self, session: Session, page: ListPage, *, wide: bool = False, most: int, cell: ledgers.Cell, label: Any) -> Ledger:
        tests = page.listing.conditions()
        if "ids" in request.args:
            tests.append(self.cls.id.in_(read_ids(request.args.getlist("ids"))))
        order = page.listing.ordering()[:-1] if page.listing.order else ()
        found = ledgers.of_register(session, self.cls, tests, order=order, wide=wide, most=most, cell=cell, label=label)
        found.title = _("%(title)s台账", title=found.title)
        if chips := page.chips():
            found.notes.append(_("筛选条件：%(chips)s", chips="；".join(chip.text for chip in chips)))
        if len(found.entries) == most and "ids" not in request.args and (total := page.listing.count(session)) > most:
            found.notes.append(capped(most, total))
        return signed(session, found)

    @expose("/compare", methods=("GET",))
    @has_access
    @permission_name("read")
    def compare(self) -> Answer:
        """Two to five records side by side."""
        ids = read_ids(request.args.getlist("ids"))
        if not FEWEST <= len(ids) <= MOST:
            return render("reports/compare.html", cls=self.cls, page=None, count=len(ids), home=link_to(self.cls, "list")), 400
        page = self._comparison(ids)
        return render("reports/compare.html", cls=self.cls, page=page, home=link_to(self.cls, "list"), day=today())

    @expose("/compare.xlsx", methods=("GET",))
    @has_access
    @permission_name("read")
    def compare_xlsx(self) -> Answer:
        """The comparison as a workbook."""
        session, ids = current_session(), read_ids(request.args.getlist("ids"))
        if not FEWEST <= len(ids) <= MOST:
            return self.compare()
        ledger = signed(session, self._comparison(ids).ledger())
        if self.cls.__notice__:
            ledger.notes.append(str(self.cls.__notice__))
        ledger.number, name = export_number(), f"{ledger.title}{today():%Y%m%d}"
        return made(lambda out: ledger_sheet.write(ledger, out), name, "xlsx", number=ledger.number, register=self.cls.__key__)

    def _comparison(self, ids: list[int]) -> Comparison:
        return Comparison(current_session(), self.cls, ids, only=request.args.get("differ") == "1")

    @expose("/<int:pk>/<name>.docx", methods=("GET",))
    @has_access
    @permission_name("export")
    def form_docx(self, pk: int, name: str) -> Answer:
        """A record in one of the office's printed forms."""
        session = current_session()
        return printed(session, self.cls, pk, name, office_of(session))


def capped(most: int, total: int) -> str:
    """What a ledger says that does not hold everything."""
    return _("共 %(total)s 条，这里只列前 %(most)s 条；请先筛选，分几次打印", total=total, most=most)
