"""The trace as the audit administrator searches it: who did what to which record, when, from where; as evidence; day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session

from app.clock import today
from app.history import anchors, chain, evidence, looks, search, upkeep
from app.history.commands import in_words
from app.history.evidence import NothingFound
from app.history.search import Entry, Wanted
from app.history.telling import Teller, class_of, facts_of
from app.history.words import ROADS, kind_label, titles
from app.language import _, _l, listed
from app.queries import QueryError
from app.register import Register
from app.roles import Role
from app.scopes import Scope, scope_of
from views.downloads import made
from views.editing import Answer
from views.lines import SIZE, day_of, here
from views.looks import sheet
from views.pages import current_session, render

#: entries that a file of evidence takes here, in some ten seconds; the command takes any number
MOST = 20_000
#: what a day's report shows one by one, and how many of them
NOTABLE = (
    "sign_in_failed", "locked", "refused", "reveal", "export", "truncate", "roles_changed", "account_added", "account_switched", "verified",
)  # fmt: skip
SHOWN = 200


def may_audit(scope: Scope) -> bool:
    """Whether somebody may search the trace."""
    return Role.AUDIT_ADMIN in scope.actor.roles


@dataclass(frozen=True)
class Shown:
    """An entry as a line of the page."""

    entry: Entry
    when: str
    who: str
    act: str
    subject: str
    fields: str
    road: str
    link: str


class AuditView(BaseView):  # type: ignore[misc]
    """Search the trace."""

    route_base = "/audit"
    class_permission_name = "audit"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> Answer:
        """The newest entries that answer."""
        session = current_session()
        connection = session.connection()
        wanted = _wanted()
        found = search.find(connection, wanted, SIZE + 1, _number("before"))
        older = here(before=found[SIZE - 1].id) if len(found) > SIZE else ""
        kinds = [(kind, kind_label(kind)) for kind in search.kinds(connection)]
        roads = [(key, str(label)) for key, label in ROADS.items()]
        facts = {"titles": titles(), "kinds": kinds, "roads": roads, "args": request.args, "provable": _provable(wanted)}
        return render("accounts/audit.html", lines=_lines(session, found[:SIZE]), older=older, record=_record(wanted), alarm=_alarm(session), **facts)

    @expose("/<int:number>", methods=("GET",))
    @has_access
    @permission_name("read")
    def entry(self, number: int) -> Answer:
        """One entry: the act, what it changed, its place in the chain."""
        session = current_session()
        entry = search.one(session.connection(), number) if number < 2**63 else None
        if entry is None:
            abort(404)
        teller = _teller(session, [entry])
        changes, details = teller.changes(entry) if entry.values else [], teller.details(entry)
        return render("accounts/audit_entry.html", shown=_shown(teller, entry), entry=entry, roles=teller.roles(entry.roles), changes=changes, details=details)

    @expose("/evidence.zip", methods=("POST",))
    @has_access
    @permission_name("read")
    def evidence(self) -> Answer:
        """What the filter finds, as a file that can be checked elsewhere. Asked by a form: it seals what waits."""
        session, wanted = current_session(), _wanted()
        if not _provable(wanted):
            raise QueryError(_l("请先选定从哪天到哪天，或一条记录（登记和记录编号），再导出证据"))
        order = evidence.order(session, wanted, "{0.full_name}（{0.username}）".format(scope_of(session).actor))
        if search.count(session.connection(), order.wanted, MOST + 1) > MOST:
            raise QueryError(_l("超过 %(most)s 条，请缩短日期，或请系统管理员用 flask trace evidence 导出", most=MOST))
        try:
            return made(lambda out: evidence.write(session, order, out), f"历史证据_{_file_name(wanted)}", "zip")
        except NothingFound:
            raise QueryError(_l("没有符合条件的历史，没有可导出的证据")) from None

    @expose("/looks/<relation>/<int:row>", methods=("GET",))
    @has_access
    @permission_name("read")
    def looks(self, relation: str, row: int) -> Answer:
        """Who looked at a record, whether it still stands or not."""
        cls = class_of(relation)
        if cls is None or not issubclass(cls, Register) or row >= 2**31 or not looks.since(current_session(), cls, row):
            abort(404)
        return sheet(current_session(), cls, row, looks.label(current_session(), cls, row), ((_("历史记录"), url_for(".index", relation=relation, row=row)),))

    @expose("/report", methods=("GET",))
    @has_access
    @permission_name("read")
    def report(self) -> Answer:
        """What a day left in the trace."""
        session, day = current_session(), day_of(request.args, "day") or today()
        return render("accounts/audit_report.html", **_day(session, day))


def _day(session: Session, day: date) -> dict[str, Any]:
    connection, wanted = session.connection(), Wanted(first=day, last=day)
    counts = search.counts(connection, wanted)
    kinds = [(kind_label(kind), counts[kind], url_for("AuditView.index", kind=kind, first=day, last=day)) for kind in counts]
    notable = search.newest(connection, wanted, NOTABLE, SHOWN + 1)
    return {
        "day": day, "today": today(), "kinds": sorted(kinds, key=lambda each: -each[1]), "total": sum(counts.values()),
        "notable": _lines(session, notable[:SHOWN]), "shown": SHOWN if len(notable) > SHOWN else 0,
        "head": chain.head(connection), "unsealed": chain.unsealed(connection), "anchor": anchors.newest(upkeep.folder(), upkeep.signer().public_key()),
        "kept": upkeep.kept_report(day).exists(), "verification": _verification(session),
        "yesterday": url_for("AuditView.report", day=day - timedelta(days=1)),
        "tomorrow": url_for("AuditView.report", day=day + timedelta(days=1)) if day < today() else "",
    }  # fmt: skip


@dataclass(frozen=True)
class Verification:
    """How the last verification ended."""

    when: str
    road: str
    sound: bool
    entries: int
    findings: int
    #: the first of them, in words
    named: list[str]


def _verification(session: Session) -> Verification | None:
    entry = upkeep.last_verification(session.connection())
    facts = facts_of(entry) if entry is not None else None
    if entry is None or facts is None:
        return None
    teller = _teller(session, [entry])
    named = [in_words(upkeep.finding_of(kept)) for kept in facts["named"]]
    return Verification(teller.when(entry), teller.road(entry.road), facts["sound"], facts["entries"], facts["findings"], named)


def _alarm(session: Session) -> Verification | None:
    """The last verification, when it found anything."""
    found = _verification(session)
    return found if found is not None and not found.sound else None


def _provable(wanted: Wanted) -> bool:
    """Whether a filter is narrow enough for evidence."""
    return bool((wanted.first and wanted.last) or (wanted.relation and wanted.row is not None))


def _record(wanted: Wanted) -> str:
    """The page that says who looked at the record that the filter names."""
    cls = class_of(wanted.relation)
    named = cls is not None and issubclass(cls, Register) and wanted.row is not None
    return url_for("AuditView.looks", relation=wanted.relation, row=wanted.row) if named else ""


def _file_name(wanted: Wanted) -> str:
    parts = (wanted.relation, wanted.row, wanted.actor, wanted.kind, wanted.first, wanted.last)
    return "_".join(str(part) for part in parts if part not in ("", None))


def _wanted() -> Wanted:
    args = request.args
    actor, relation, kind, road, number = (args.get(name, "").strip() for name in ("actor", "relation", "kind", "road", "number"))
    return Wanted(actor, relation, kind, road, _number("row"), _number("batch"), day_of(args, "first"), day_of(args, "last"), number=number)


def _number(name: str) -> int | None:
    """A number among the arguments; QueryError when it is none."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise QueryError(_l("“%(name)s”应为 1 到 %(most)s 的整数", name=name, most=10**17))
    return int(text)


def _teller(session: Session, entries: list[Entry]) -> Teller:
    teller = Teller(session, scope_of(session))
    teller.prepare(entries)
    return teller


def _lines(session: Session, entries: list[Entry]) -> list[Shown]:
    teller = _teller(session, entries)
    return [_shown(teller, entry) for entry in entries]


def _shown(teller: Teller, entry: Entry) -> Shown:
    labels = [change.label for change in teller.changes(entry)] if entry.kind == "update" else []
    return Shown(
        entry, teller.when(entry), teller.who(entry), teller.act(entry.kind), teller.subject(entry), listed(labels[:6]), teller.road(entry.road),
        url_for("AuditView.entry", number=entry.id),
    )  # fmt: skip
