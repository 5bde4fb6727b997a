"""登录安全: what the security administrator looks after: locks, accounts that nobody uses, duties in one hand, sessions of others."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from werkzeug.wrappers import Response

from app import audit
from app.clock import local
from app.language import _
from app.roles import Role
from app.scopes import Scope
from app.signin import duties, guessing, sessions, two_step
from app.signin.sessions import Why
from views.fab_pages import of_server
from views.pages import current_session, render
from views.passwords import numbered
from views.signins import lines


def looks_after_accounts(scope: Scope) -> bool:
    """Whether somebody is the security administrator."""
    return Role.SECURITY_ADMIN in scope.actor.roles


class AccountSecurityView(BaseView):  # type: ignore[misc]
    """Locks, idle accounts, and the sessions of each account."""

    route_base = "/account-security"
    class_permission_name = "account_security"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("list")
    def index(self) -> str:
        """What needs looking after."""
        session = current_session()
        locked = [(row, f"{local(row.until):%H:%M}") for row in guessing.locks(session)]
        idle = [(account, of_server(account.last_login)) for account in duties.idle(session)]
        overlaps = [(account, duties.conflict(duties.names_of(account))) for account in duties.overlaps(session)]
        return render("accounts/security.html", locked=locked, idle=idle, overlaps=overlaps, days=duties.IDLE.days)

    @expose("/<int:pk>", methods=("GET",))
    @has_access
    @permission_name("list")
    def account(self, pk: int) -> str:
        """Where an account is signed in."""
        session, account = current_session(), numbered(str(pk))
        return render("accounts/account_security.html", account=account, lines=lines(session, account.id), two=two_step.is_on(session, account.id))

    @expose("/locks/<int:number>/lift", methods=("POST",))
    @has_access
    @permission_name("edit")
    def unlock(self, number: int) -> Response:
        """Let somebody sign in again before the time."""
        session = current_session()
        subject = (guessing.unlock(session, number, g.user.username) if 0 < number < 2**31 else "") or abort(404)
        session.commit()
        flash(_("“%(name)s”已解锁", name=subject), "success")
        return redirect(url_for(".index"))

    @expose("/<int:pk>/end", methods=("POST",))
    @has_access
    @permission_name("edit")
    def end(self, pk: int) -> Response:
        """End all sessions of an account."""
        session, account = current_session(), numbered(str(pk))
        count = sessions.end(session, Why.ADMINISTRATOR, account_id=account.id)
        session.commit()
        flash(_("已结束“%(name)s”的 %(count)s 个登录", name=account.full_name, count=count), "success")
        return redirect(url_for(".account", pk=pk))

    @expose("/<int:pk>/end/<int:number>", methods=("POST",))
    @has_access
    @permission_name("edit")
    def end_one(self, pk: int, number: int) -> Response:
        """End one session of an account."""
        session, account = current_session(), numbered(str(pk))
        if number not in {line.number for line in lines(session, account.id)}:
            abort(404)
        sessions.end(session, Why.ADMINISTRATOR, numbers=[number])
        session.commit()
        flash(_("已结束那里的登录"), "success")
        return redirect(url_for(".account", pk=pk))

    @expose("/<int:pk>/two-step/off", methods=("POST",))
    @has_access
    @permission_name("edit")
    def two_step_off(self, pk: int) -> Any:
        """Switch the second step of an account off, whose owner has lost the telephone."""
        session, account = current_session(), numbered(str(pk))
        if two_step.turn_off(session, account.id):
            session.commit()
            audit.note("two_step_off", subject=account.username)
            flash(_("“%(name)s”的两步验证已关闭", name=account.full_name), "success")
        return redirect(url_for(".account", pk=pk))
