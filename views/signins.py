"""我的登录: where one is signed in, ending that, and the second step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import segno
from flask import abort, current_app, flash, g, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import audit
from app.clock import local
from app.language import Text, _, _l
from app.signin import sealed, sessions, two_step
from app.signin.guessing import Locked
from app.signin.sessions import Kind, Why
from views.pages import current_session, render
from views.passwords import WrongPassword, confirm

#: the names in a browser's own words, the most special first: Edge calls itself Chrome and Safari too
_BROWSERS = (
    (r"Edg/", "Edge"), (r"360SE|QihooBrowser|360EE", "360"), (r"MicroMessenger", "WeChat"), (r"QQBrowser", "QQ"), (r"Firefox/", "Firefox"),
    (r"OPR/", "Opera"), (r"Chrome/", "Chrome"), (r"Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    (r"Windows", "Windows"), (r"Android", "Android"), (r"iPhone|iPad", "iOS"), (r"Mac OS X", "macOS"), (r"Linux|X11|UOS|Kylin", "Linux"),
)  # fmt: skip
#: how long the page with the QR code is good
SECONDS = 900
PURPOSE = "new two-step secret"


@dataclass(frozen=True)
class Line:
    """A session as people read it."""

    number: int
    browser: str
    address: str
    since: str
    used: str
    here: bool


def lines(session: Session, account_id: int) -> list[Line]:
    """The living sessions of an account, the one of this request marked."""
    here = g.get("session_number", 0)
    return [
        Line(
            row.id,
            browser(row.agent, row.kind),
            row.address or "—",
            f"{local(row.created_at):%Y-%m-%d %H:%M}",
            f"{local(row.seen_at):%Y-%m-%d %H:%M}",
            row.id == here,
        )
        for row in sessions.living(session, account_id)
    ]


def browser(agent: str, kind: str) -> str:
    """What a browser says of itself, in two words."""
    if kind == Kind.PROGRAM:
        return _("程序（接口）")
    found = [next((name for pattern, name in table if re.search(pattern, agent)), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(part for part in found if part) or _("不认识的浏览器")


class SignInsView(BaseView):  # type: ignore[misc]
    """My sessions and my second step."""

    route_base = "/signins"
    class_permission_name = "signins"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("read")
    def index(self) -> str:
        """Where I am signed in."""
        session = current_session()
        facts = {
            "most": current_app.config["SESSIONS_PER_ACCOUNT"],
            "idle": current_app.config["SESSION_IDLE_MINUTES"],
            "hours": current_app.config["SESSION_HOURS"],
        }
        two = two_step.is_on(session, g.user.id)
        return render("accounts/signins.html", lines=lines(session, g.user.id), two=two, left=two_step.left(session, g.user.id), **facts)

    @expose("/<int:number>/end", methods=("POST",))
    @has_access
    @permission_name("read")
    def end(self, number: int) -> Response:
        """End one of my sessions."""
        session = current_session()
        if number not in {line.number for line in lines(session, g.user.id)}:
            abort(404)
        sessions.end(session, Why.OWNER, numbers=[number])
        session.commit()
        flash(_("已结束那里的登录"), "success")
        return redirect(url_for(".index"))

    @expose("/end-others", methods=("POST",))
    @has_access
    @permission_name("read")
    def end_others(self) -> Response:
        """End all of my sessions but this one."""
        session = current_session()
        count = sessions.end(session, Why.OWNER, account_id=g.user.id, but=g.get("session_number", 0))
        session.commit()
        flash(_("已结束别处的 %(count)s 个登录", count=count), "success")
        return redirect(url_for(".index"))

    @expose("/two-step", methods=("GET", "POST"))
    @has_access
    @permission_name("read")
    def two_step(self) -> Any:
        """Switch the second step on: with the password, and a code that shows that the telephone has the secret. Nothing is kept before that."""
        session = current_session()
        if two_step.is_on(session, g.user.id):
            return redirect(url_for(".index"))
        secret, wrong, status = two_step.new_secret(), "", 200
        if request.method == "POST":
            try:
                secret = sealed.unseal(request.form.get("secret", ""), f"{PURPOSE} {g.user.id}", within=SECONDS)
                codes, wrong, status = self._turned_on(session, secret)
            except sealed.Unreadable:
                codes, wrong, status = [], str(_l("这个页面放得太久了。请用手机重新扫描下面的二维码。")), 400
            if codes:
                return render("accounts/recovery_codes.html", codes=codes)
        picture = segno.make(two_step.address(secret, g.user.username, _("营商台账")), error="m").svg_inline(
            scale=5, border=3, omitsize=False, svgclass=None, lineclass=None
        )
        kept = sealed.seal(secret, f"{PURPOSE} {g.user.id}")
        return render("accounts/two_step.html", picture=Markup(picture), secret=secret, kept=kept, wrong=wrong), status  # noqa: S704 - made here, of digits

    def _turned_on(self, session: Session, secret: str) -> tuple[list[str], Text, int]:
        try:
            confirm(request.form.get("password", ""))
        except Locked as locked:
            return [], str(locked), 429
        except WrongPassword:
            return [], str(_l("现在的密码不对。")), 422
        codes = two_step.turn_on(session, g.user.id, secret, request.form.get("code", ""))
        if not codes:
            return [], str(_l("验证码不对。请看手机的时间是否准确，再填手机上正在显示的 6 位数字。")), 422
        session.commit()
        audit.note("two_step_on", subject=g.user.username)
        return codes, "", 200

    @expose("/two-step/off", methods=("POST",))
    @has_access
    @permission_name("read")
    def two_step_off(self) -> Response:
        """Switch the second step off, with the password."""
        session = current_session()
        try:
            confirm(request.form.get("password", ""))
        except Locked as locked:
            flash(str(locked), "danger")
        except WrongPassword:
            flash(_("现在的密码不对。"), "danger")
        else:
            if two_step.turn_off(session, g.user.id):
                session.commit()
                audit.note("two_step_off", subject=g.user.username)
                flash(_("两步验证已关闭"), "success")
        return redirect(url_for(".index"))
