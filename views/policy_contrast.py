"""政策及解读对照台账: documents beside their interpretations, with the days that lie between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import force_locale
from sqlalchemy.orm import Session

from app import masking
from app.clock import today
from app.fields import Field
from app.language import _, _l, chinese
from app.lookup import DatabaseLookup
from app.register import field_of
from app.roles import Verb
from app.scopes import Scope, scope_of
from imports import ledger_sheet
from imports.export import permitted
from imports.ledger import Cell, Entry, Head, Ledger
from models.policy import Policy, PolicyInterpretation
from views.downloads import made
from views.editing import Answer
from views.listing import ListPage
from views.pages import current_session, link_to, render
from views.reports import IN_BOOK, ON_PAGE, capped, signed

TITLE = _l("政策及解读对照台账")
OWN = (Policy.title, Policy.doc_no, Policy.issuer, Policy.formed_on, Policy.published_on)
BESIDE = (
    PolicyInterpretation.form, PolicyInterpretation.interpreter, PolicyInterpretation.drafted_on, PolicyInterpretation.signed_on,
    PolicyInterpretation.published_on,
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """How an interpretation stands to its document: a sentence, days between, whether somebody must act."""

    text: str
    days: int | None = None
    tone: str = ""  # good, late, missing


@dataclass
class Line:
    """A policy with its interpretations, as the page shows it."""

    id: int
    entry: Entry
    standings: list[Standing]


@dataclass
class Contrast:
    """The whole table and its sum."""

    ledger: Ledger
    lines: list[Line]
    published: int
    interpreted: int

    @property
    def share(self) -> int:
        """Interpreted documents among the published ones, in per cent."""
        return round(100 * self.interpreted / self.published) if self.published else 0


def standing(policy: Any, interpretation: Any | None) -> Standing:
    """三同步: the interpretation comes out on the day of the document."""
    if interpretation is None:
        return Standing(_("未解读"), tone="missing")
    if interpretation.published_on is None:
        return Standing(_("解读未发布"), tone="missing")
    if policy.published_on is None:
        return Standing(_("文件未发布"))
    days = (interpretation.published_on - policy.published_on).days
    if days > 0:
        return Standing(_("晚 %(days)s 天", days=days), days, "late")
    return Standing(_("同日发布") if days == 0 else _("早 %(days)s 天", days=-days), days, "good")


def may_contrast(scope: Scope) -> bool:
    """Whether somebody may have the table."""
    return scope.may(Policy, Verb.EXPORT)


class PolicyContrast(BaseView):  # type: ignore[misc]
    """The page and the workbook; whoever may export policies may have them."""

    route_base = "/policy-contrast"
    class_permission_name = Policy.__key__
    default_view = "contrast"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("export")
    def contrast(self) -> Answer:
        """The table as a page for the printer, with the filters of the list of policies."""
        session = current_session()
        page = ListPage(session, Policy, request.args.to_dict(flat=False))
        only = request.args.get("missing") == "1"
        found = contrast_of(session, page, ON_PAGE, masking.shown, str, only=only)
        facts = {"query": page.query(), "only": only, "home": link_to(Policy, "list"), "scope": scope_of(session), "link_to": link_to}
        return render("reports/policy_contrast.html", found=found, ledger=found.ledger, cls=Policy, **facts)

    @expose("/contrast.xlsx", methods=("GET",))
    @has_access
    @permission_name("export")
    def contrast_xlsx(self) -> Answer:
        """The table as a workbook ready for the printer."""
        session = current_session()
        with force_locale("zh_Hans"):
            page = ListPage(session, Policy, request.args.to_dict(flat=False))
            found = contrast_of(session, page, IN_BOOK, masking.cell, chinese, only=request.args.get("missing") == "1")
            return made(lambda out: ledger_sheet.write(found.ledger, out), f"{chinese(TITLE)}{today():%Y%m%d}", "xlsx")


def contrast_of(session: Session, page: ListPage, most: int, cell: Cell, label: Any, *, only: bool) -> Contrast:
    """The policies that the list would show, each with its interpretations."""
    scope, lookup = permitted(session, Policy), DatabaseLookup(session)
    own, beside = _readable(scope, OWN), _readable(scope, BESIDE)
    tests = [*page.listing.conditions(), Policy.voided_at.is_(None)]
    if only:
        out = sa.select(PolicyInterpretation.parent_id).where(PolicyInterpretation.voided_at.is_(None), PolicyInterpretation.published_on.is_not(None))
        tests.append(Policy.id.not_in(out))
    order = page.listing.ordering() if page.listing.order else [Policy.published_on.desc().nulls_last(), Policy.id.desc()]
    policies = session.scalars(sa.select(Policy).where(*tests).order_by(*order).limit(most)).all()
    below = _interpretations(session, [policy.id for policy in policies])
    lookup.prepare([*own, *beside])
    heads = [
        *(Head(str(label(each.label)), whole=each.format.ordered) for each in own),
        *(Head(str(label(each.label)), nested=True, whole=each.format.ordered) for each in beside),
    ]
    heads += [Head(label(_l("间隔（天）")), nested=True), Head(label(_l("情况")), nested=True)]
    lines = [_line(scope, lookup, own, beside, policy, below.get(policy.id, []), cell) for policy in policies]
    total = session.scalar(sa.select(sa.func.count(Policy.id)).where(*tests)) or 0
    ledger = Ledger(label(TITLE), heads, [line.entry for line in lines], total=total)
    chips = [chip.text for chip in page.chips()] + ([_("只看未解读")] if only else [])
    ledger.notes += [_("筛选条件：%(chips)s", chips="；".join(chips))] if chips else []
    ledger.notes += [capped(most, total)] if total > most else []
    out_now = [policy for policy in policies if policy.published_on is not None]
    done = [policy for policy in out_now if any(each.published_on for each in below.get(policy.id, []))]
    return Contrast(signed(session, ledger), lines, len(out_now), len(done))


def _readable(scope: Scope, attributes: tuple[Any, ...]) -> list[Field]:
    """The declared fields of these attributes that the reader may see."""
    return [field_of(each) for each in attributes if field_of(each) in scope.readable(each.class_)]


def _interpretations(session: Session, ids: list[int]) -> dict[int, list[Any]]:
    """The live interpretations of these policies, in order."""
    found: dict[int, list[Any]] = {}
    own = PolicyInterpretation
    statement = sa.select(own).where(own.parent_id.in_(ids), own.voided_at.is_(None)).order_by(own.published_on.asc().nulls_last(), own.seq, own.id)
    for row in session.scalars(statement):
        found.setdefault(row.parent_id, []).append(row)
    return found


def _line(scope: Scope, lookup: DatabaseLookup, own: list[Field], beside: list[Field], policy: Any, below: list[Any], cell: Cell) -> Line:
    standings = [standing(policy, each) for each in below or [None]]
    lines: list[list[object]] = []
    for row, each in zip(below or [None], standings, strict=True):
        cells = [cell(scope, declared, getattr(row, declared.attr), lookup) if row is not None else None for declared in beside]
        lines.append([*cells, each.days, each.text])
    return Line(policy.id, Entry([cell(scope, declared, getattr(policy, declared.attr), lookup) for declared in own], lines), standings)
