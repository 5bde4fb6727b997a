"""Signing in and out: the form, its second step, and the tokens of programs."""

from __future__ import annotations

import json
from typing import Any

from flask import current_app, g, jsonify, redirect, request, session, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.views import AuthDBView
from flask_jwt_extended import create_access_token, create_refresh_token, get_jwt, jwt_required
from flask_login import logout_user
from werkzeug.wrappers import Response

from app import audit
from app.language import Text, _, _l
from app.signin import guessing, passwords, sealed, sessions, two_step
from app.signin.guessing import Locked
from app.signin.sessions import Kind, Why
from views.fab_pages import local_path
from views.pages import current_session, render

#: how long the second step may take
SECONDS = 300
PURPOSE = "second step"
WRONG_CODE: Text = _l("验证码不对或已经用过。请等手机上显示下一个验证码再试；手机不在身边的话，请填一个恢复码。")


def next_page() -> str:
    """Where a person goes on after signing in: a page of this site, whatever the address or the Host header says."""
    wanted = request.args.get("next", "")
    return local_path(wanted) or local_path(wanted, request.host) or url_for("HomeView.index")


class SignIn(AuthDBView):  # type: ignore[misc]
    """Signing out takes a POST: a picture on another site must not sign anybody out."""

    @expose("/login/", methods=("GET", "POST"))
    @no_cache
    def login(self) -> Any:
        """Sign in; a wrong name or password is said at the form, which keeps the name."""
        if g.user is not None and g.user.is_authenticated:
            return redirect(next_page())
        form = LoginForm_db()
        if not form.validate_on_submit():
            return self._form(form, over=self._why_over() if request.method == "GET" else "")
        try:
            account = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
        except Locked as locked:
            return self._locked(form, locked)
        if not account:
            return self._form(form, wrong=True)
        if two_step.is_on(current_session(), account.id):
            session["second_step"] = sealed.seal(json.dumps([account.id, sessions.hashed(account.verified)]), PURPOSE)
            return redirect(url_for(".second_step", next=next_page()))
        if not self.appbuilder.sm.admit(account, Kind.BROWSER):
            return self._form(form, wrong=True)
        return redirect(next_page())

    def _form(self, form: Any, *, wrong: bool = False, over: Text = "", status: int = 200, headers: dict[str, str] | None = None) -> Any:
        return self.render_template(self.login_template, title=self.title, form=form, wrong=wrong, over=over), status, headers or {}

    def _locked(self, form: Any, locked: Locked) -> Any:
        return self._form(form, over=str(locked), status=429, headers={"Retry-After": str(locked.seconds)})

    def _why_over(self) -> Text:
        token = session.pop("_user_id", None)
        said = sessions.why_over(current_session(), str(token)) if token else ""
        if said:
            session.pop("_flashes", None)  # "access denied" says less
        return said

    @expose("/login/code", methods=("GET", "POST"))
    @no_cache
    def second_step(self) -> Any:
        """Ask for the code of the telephone."""
        account = self._half_in()
        if account is None:
            return redirect(url_for(".login", next=next_page()))
        wrong: Text = ""
        status, headers = 200, {}
        if request.method == "POST":
            try:
                if code_is_right(account, request.form.get("code", "")):
                    return redirect(next_page() if self.appbuilder.sm.admit(account, Kind.BROWSER) else url_for(".login", next=next_page()))
                wrong = WRONG_CODE
            except Locked as locked:
                wrong, status, headers = str(locked), 429, {"Retry-After": str(locked.seconds)}
        return render("accounts/second_step.html", wrong=wrong), status, headers

    def _half_in(self) -> Any:
        """The account whose password was right a moment ago, as long as that is its password."""
        try:
            number, password = json.loads(sealed.unseal(session.get("second_step", ""), PURPOSE, within=SECONDS))
        except sealed.Unreadable:
            return None
        account = self.appbuilder.sm.get_user_by_id(number)
        if account is None or not account.is_active or sessions.hashed(account.password) != password:
            return None
        account.verified = account.password
        return account

    @expose("/logout/", methods=("GET", "POST"))
    @no_cache
    def logout(self) -> Any:
        """Ask on GET, sign out on POST."""
        if request.method == "GET":
            return render("sign_out.html")
        if g.user is not None and g.user.is_authenticated:
            audit.note("sign_out", subject=g.user.username)
            sessions.end(current_session(), Why.SIGNED_OUT, account_id=g.user.id)
            current_session().commit()
        logout_user()
        session.clear()
        return redirect(self.appbuilder.get_url_for_index)


def code_is_right(account: Any, code: str) -> bool:
    """Whether the second step is done; a wrong code counts like a wrong password. Raises Locked."""
    guessing.attempt(account.username, sessions.address())
    if two_step.accepts(current_session(), account.id, code):
        return True
    guessing.failed(account.username, sessions.address())
    return False


class TokenApi(SecurityApi):  # type: ignore[misc]
    """Tokens of programs: bound to a session, which ends like a person's."""

    @expose("/login", methods=["POST"])
    def login(self) -> Response | tuple[Response, int] | tuple[Response, int, dict[str, str]]:
        """Sign a program in
        ---
        post:
          description: >-
            A token for 15 minutes and, if wished, one that renews it. Both end with the session: 30 minutes without use, 12 hours at most,
            and at once when the account's password, roles or standing change.
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [username, password]
                  properties:
                    username: {type: string, minLength: 1}
                    password: {type: string, minLength: 1}
                    provider: {type: string, enum: [db]}
                    refresh: {type: boolean}
                    code: {type: string, description: 'The code of the telephone, for accounts with a second step'}
          responses:
            200:
              description: The tokens
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token: {type: string}
                      refresh_token: {type: string}
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            403:
              $ref: '#/components/responses/403'
            429:
              description: Too many failures; Retry-After says when to try again
        """
        body = request.get_json(silent=True) if request.is_json else None
        if not isinstance(body, dict) or not all(isinstance(body.get(name), str) and body[name] for name in ("username", "password")):
            return jsonify(message=_("请以 JSON 提交 username 和 password")), 400
        if body.get("provider", "db") != "db":
            return jsonify(message=_("这里只能用本系统的账号和密码登录")), 400
        try:
            return self._admitted(body)
        except Locked as locked:
            return jsonify(message=str(locked)), 429, {"Retry-After": str(locked.seconds)}

    def _admitted(self, body: dict[str, Any]) -> Response | tuple[Response, int]:
        manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
        account = manager.auth_user_db(body["username"], body["password"])
        if not account:
            return jsonify(message=_("账号或密码不对")), 401
        if two_step.is_on(current_session(), account.id):
            code = body.get("code")
            if not isinstance(code, str) or not code:
                return jsonify(message=_("这个账号开启了两步验证：请在 code 里写上手机上的验证码")), 401
            if not code_is_right(account, code):
                return jsonify(message=str(WRONG_CODE)), 401
        if passwords.must_change(account):
            return jsonify(message=_("这个密码要先修改：请在网页上登录一次，换成自己的密码")), 403
        number = manager.admit(account, Kind.PROGRAM)
        if not number:
            return jsonify(message=_("账号或密码不对")), 401
        tokens = {"access_token": create_access_token(str(account.id), fresh=True, additional_claims={"sid": number})}
        if body.get("refresh"):
            tokens["refresh_token"] = create_refresh_token(str(account.id), additional_claims={"sid": number})
        return jsonify(tokens)

    @expose("/refresh", methods=["POST"])
    @jwt_required(refresh=True)
    def refresh(self) -> Response:
        """Renew the token
        ---
        post:
          description: A new token of the same session, for the one that renews
          responses:
            200:
              description: The token
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token: {type: string}
            401:
              $ref: '#/components/responses/401'
          security:
            - jwt_refresh: []
        """
        claims = get_jwt()
        return jsonify(access_token=create_access_token(claims["sub"], fresh=False, additional_claims={"sid": claims["sid"]}))
