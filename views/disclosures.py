"""脱敏授权: who needs to look more often today, or a file in clear, asks here; who answers for the office grants or refuses."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict, NotFound
from werkzeug.wrappers import Response

from app import disclosure, registry, revealing
from app.clock import local
from app.disclosure import PURPOSES, Decided, Disclosure, Kind, State, Unsaid
from app.language import Text, _, _l
from app.scopes import Scope, scope_of
from views.editing import Answer
from views.pages import current_session, link_to, people, render

STATES: dict[str, Text] = {State.WAITING: _l("等待处理"), State.GRANTED: _l("已同意"), State.REFUSED: _l("未同意")}


@dataclass(frozen=True)
class Line:
    """A request as people read it."""

    number: int
    who: str
    what: str
    why: str
    when: str
    state: str
    #: who decided, when, with which words, and what became of it
    decided: str
    #: where a consent to a file can be used
    link: str = ""


class DisclosuresView(BaseView):  # type: ignore[misc]
    """What waits, what was decided, and the form of a request."""

    route_base = "/disclosures"
    class_permission_name = "disclosures"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> Answer:
        """Requests that wait for the reader, the reader's own, decided ones; a form for who may ask."""
        return _page(current_session())

    @expose("/", methods=("POST",))
    @has_access
    @permission_name("read")
    def ask(self) -> Answer:
        """Ask to look more often today, or for one file in clear."""
        session, form = current_session(), request.form
        try:
            facts = {"register": form.get("register", ""), "amount": form.get("amount", "")}
            disclosure.ask(session, form.get("kind", ""), form.get("purpose", ""), form.get("note", ""), **facts)
        except Unsaid as error:
            session.rollback()
            return _page(session, error), 422
        session.commit()
        flash(_("申请已提交，等股室负责人或局领导处理"), "success")
        return redirect(url_for(".index"))

    @expose("/<int:number>/grant", methods=("POST",))
    @has_access
    @permission_name("read")
    def grant(self, number: int) -> Response:
        """Consent."""
        return _decide(number, grant=True)

    @expose("/<int:number>/refuse", methods=("POST",))
    @has_access
    @permission_name("read")
    def refuse(self, number: int) -> Response:
        """Refuse."""
        return _decide(number, grant=False)


def has_part(scope: Scope) -> bool:
    """Whether somebody asks or decides here."""
    return disclosure.may_ask(scope) or disclosure.may_decide(scope)


def _decide(number: int, *, grant: bool) -> Response:
    session = current_session()
    try:
        disclosure.decide(session, number if number < 2**31 else 0, grant=grant, words=request.form.get("words", ""))
    except LookupError:
        raise NotFound from None
    except Decided:
        raise Conflict(_("这个申请别人刚刚处理过了")) from None
    except Unsaid as error:
        session.rollback()
        flash(str(error.message), "danger")
        return redirect(url_for(".index"))
    session.commit()
    flash(_("已同意") if grant else _("已回复不同意"), "success")
    return redirect(url_for(".index"))


def _page(session: Session, wrong: Unsaid | None = None) -> str:
    scope = scope_of(session)
    waiting, own, decided = disclosure.waiting(session), disclosure.own(session), disclosure.lately(session)
    names = people(session, (name for each in (*waiting, *own, *decided) for name in (each.asker, each.decided_by)))
    username = scope.actor.username
    facts = {
        "waiting": [_line(each, names, username) for each in waiting],
        "own": [_line(each, names, username) for each in own],
        "decided": [_line(each, names, username) for each in decided],
        "asks": disclosure.may_ask(scope),
        "decides": disclosure.may_decide(scope),
        "registers": [(cls.__key__, cls.__title__) for cls in disclosure.exportable(scope)],
        "purposes": PURPOSES,
        "most": disclosure.MOST_MORE,
        "per_day": revealing.PER_DAY,
        "hours": disclosure.EXPORT_HOURS,
        "longest": disclosure.LONGEST,
        "wrong": wrong,
        "typed": {name: request.form.get(name, "") for name in ("kind", "register", "amount", "purpose", "note")},
    }
    if disclosure.may_ask(scope):
        most = revealing.allowed_today(session, username)
        facts |= {"today": most, "left": max(0, most - revealing.looked_today(session.connection(), username))}
    return render("disclosures.html", **facts)


def _line(each: Disclosure, names: dict[str, str], username: str) -> Line:
    cls = registry.find(each.register) if each.register else None
    what = (
        _("今天多查看 %(count)s 次", count=each.amount)
        if each.kind == Kind.REVEAL
        else _("导出“%(title)s”的完整信息", title=cls.__title__ if cls else each.register)
    )
    why = str(PURPOSES.get(each.purpose, each.purpose)) + (f"：{each.note}" if each.note else "")
    mine = each.asker == username
    open_file = mine and cls is not None and disclosure.is_good(each)
    return Line(
        each.id, _("我") if mine else names.get(each.asker, each.asker), what, why, f"{local(each.asked_at):%Y-%m-%d %H:%M}",
        str(STATES.get(each.state, each.state)), _decided(each, names), link_to(cls, "list") if open_file and cls is not None else "",
    )  # fmt: skip


def _decided(each: Disclosure, names: dict[str, str]) -> str:
    if each.decided_at is None:
        return ""
    said = [f"{names.get(each.decided_by or '', each.decided_by or '')} {local(each.decided_at):%Y-%m-%d %H:%M}"]
    if each.words:
        said.append(f"“{each.words}”")
    if each.used_at is not None:
        said.append(_("%(when)s 已导出，编号 %(number)s", when=f"{local(each.used_at):%m-%d %H:%M}", number=each.number))
    elif each.until is not None:
        said.append(_("%(when)s 前有效", when=f"{local(each.until):%m-%d %H:%M}"))
    return "；".join(said)
