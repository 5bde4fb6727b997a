"""Passwords on pages: one's own, with the old one asked; another's, by the security administrator; the first one, before anything else."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, current_app, flash, g, jsonify, redirect, request, url_for
from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.views import ResetMyPasswordView, ResetPasswordView
from werkzeug.security import check_password_hash
from wtforms import PasswordField, ValidationError
from wtforms.validators import EqualTo, InputRequired

from app.accounts import Account
from app.language import Text, _, _l
from app.scopes import NotPermitted
from app.security import brings_token
from app.signin import guessing, passwords, sessions
from app.signin.guessing import Locked
from app.signin.sessions import Kind
from views.pages import current_session

#: what is open to somebody whose password must be changed first
_OPEN = ("OwnPassword.", "SignIn.", "LocaleView.", "static", "appbuilder.static", "favicon")


class Good:
    """A password that the rules of the installation accept."""

    def __call__(self, form: Any, field: Any) -> None:
        """Say the first thing that is wrong with it."""
        name = str(form["username"].data or "") if "username" in form else str(getattr(_whose(), "username", ""))
        for fault in passwords.faults(field.data or "", name):
            raise ValidationError(str(fault))


class NotBefore:
    """A password that the account has not had."""

    def __call__(self, form: Any, field: Any) -> None:
        """Say so when it has."""
        if passwords.used_before(current_session(), _whose(), field.data or ""):
            raise ValidationError(str(_l("这个密码用过了，请换一个新的。")))


class Own:
    """The present password of who is signed in; wrong ones count as at the sign-in."""

    def __call__(self, form: Any, field: Any) -> None:
        """Say so when it is another."""
        try:
            confirm(field.data or "")
        except Locked as locked:
            raise ValidationError(str(locked)) from None
        except WrongPassword:
            raise ValidationError(str(_l("现在的密码不对。"))) from None


class WrongPassword(Exception):
    """Whoever sits at the browser does not know the account's password."""


def confirm(password: str) -> None:
    """See that the person at the browser is the owner of the account; raises WrongPassword or Locked."""
    account = current_session().get(Account, g.user.id) or abort(404)
    guessing.attempt(account.username, sessions.address())
    if not check_password_hash(account.password, password):
        guessing.failed(account.username, sessions.address())
        raise WrongPassword
    guessing.succeeded(account.username, sessions.address())


def _whose() -> Any:
    """The account that the form is about: the one of the address, or one's own."""
    if request.endpoint and request.endpoint.startswith("AnyPassword."):
        return numbered(request.args.get("pk", ""))
    return current_session().get(Account, g.user.id)


def numbered(number: str) -> Account:
    """The account of that number; 404 when there is none."""
    account = current_app.appbuilder.sm.get_user_by_id(int(number)) if number.isascii() and number.isdecimal() and len(number) < 10 else None  # type: ignore[attr-defined]
    return account or abort(404)


def _field(label: Text, *validators: Any, known: bool = False) -> PasswordField:
    keeper = {"autocomplete": "current-password" if known else "new-password"}
    return PasswordField(label, validators=list(validators), widget=BS3PasswordFieldWidget(), render_kw=keeper)


class NewPassword(DynamicForm):  # type: ignore[misc]
    """A new password, twice."""

    password = _field(_l("新密码"), InputRequired(_l("请填写新密码")), Good(), NotBefore())
    conf_password = _field(_l("再写一遍"), EqualTo("password", message=_l("两次写的密码不一样")))


class OwnNewPassword(NewPassword):
    """The same, by who knows the present one."""

    old = _field(_l("现在的密码"), InputRequired(_l("请填写现在的密码")), Own(), known=True)


class OwnPassword(ResetMyPasswordView):  # type: ignore[misc]
    """One's own password."""

    class_permission_name = "ResetMyPasswordView"
    form = OwnNewPassword
    form_title = _l("修改密码")
    form_template = "accounts/password.html"
    form_columns = ["old", "password", "conf_password"]  # noqa: RUF012 - Flask-AppBuilder reads it off the class

    def render_template(self, template: str, **facts: Any) -> Any:
        """The page says which passwords are good enough, and why one must be changed."""
        account = current_session().get(Account, g.user.id)
        forced = account is not None and passwords.must_change(account)
        first = account is not None and account.password_changed_at is None
        form = facts["widgets"]["edit"].template_args["form"]
        return super().render_template(template, rules=passwords.said(), forced=forced, first=first, form=form, **facts)

    def form_post(self, form: Any) -> Any:
        """Change it: every other session ends, this browser gets a new one."""
        session, number = current_session(), g.user.id
        passwords.change(session, session.get(Account, number), form.password.data, by_owner=True)
        session.commit()
        manager = self.appbuilder.sm
        account = manager.get_user_by_id(number)
        account.verified = account.password
        manager.admit(account, Kind.BROWSER)
        flash(_("密码已修改。别处的登录都已退出。"), "success")
        return redirect(self.appbuilder.get_url_for_index)


class AnyPassword(ResetPasswordView):  # type: ignore[misc]
    """The security administrator gives an account a new password, which its owner must change at the next sign-in."""

    class_permission_name = "ResetPasswordView"
    form = NewPassword
    form_title = _l("重设密码")
    form_template = "accounts/password.html"
    form_columns = ["password", "conf_password"]  # noqa: RUF012 - Flask-AppBuilder reads it off the class

    def render_template(self, template: str, **facts: Any) -> Any:
        """The page says whose password it is and which are good enough."""
        return super().render_template(template, rules=passwords.said(), whose=_whose(), **facts)

    def form_get(self, form: Any) -> None:
        """The form of an account that there is, and is somebody else's."""
        self._other()

    def _other(self) -> Account:
        account = numbered(request.args.get("pk", ""))
        if account.id == g.user.id:
            raise NotPermitted(_l("自己的密码请在“我的账号”里修改：那里要先填现在的密码"))
        return account

    def form_post(self, form: Any) -> None:
        """Set the password of an account that there is, and is somebody else's."""
        account = self._other()
        passwords.change(current_session(), account, form.password.data, by_owner=False)
        current_session().commit()
        flash(_("密码已重设，%(name)s 的登录都已退出。请把新密码只告诉本人：第一次登录时必须修改。", name=account.full_name), "success")


def first_of_all() -> Any:
    """Before each request: whose password must be changed does that and nothing else."""
    person = current_app.appbuilder.sm.acting_user()  # type: ignore[attr-defined]
    if person is None or not passwords.must_change(person) or (request.endpoint or "").startswith(_OPEN):
        return None
    if brings_token() or request.path.startswith("/api/"):
        return jsonify(message=_("这个密码要先修改：请在网页上登录一次，换成自己的密码")), 403
    return redirect(url_for("OwnPassword.this_form_get"))


def install(app: Flask) -> None:
    """Ask before every request."""
    app.before_request(first_of_all)
