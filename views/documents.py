"""Where staff look after the templates of printed forms: download, upload, try, use, go back."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import documents, placeholders, word
from app.attachments import clean_name
from app.clock import local
from app.documents import FormTemplate, PrintedForm
from app.language import _, chinese
from app.scopes import Scope, scope_of
from views.downloads import made
from views.editing import Answer
from views.pages import current_session, people, render
from views.reports import office_of


def keeps_forms(scope: Scope) -> bool:
    """Whether somebody looks after the templates of some form."""
    return any(scope.actor.roles & form.keepers for form in documents.forms().values())


class PrintedForms(BaseView):  # type: ignore[misc]
    """The templates of the printed forms that the reader looks after."""

    route_base = "/printed-forms"
    class_permission_name = "printed_forms"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("keep")
    def index(self) -> Answer:
        """Every form with its templates and placeholders."""
        return self._page(current_session())

    def _page(self, session: Session, about: str = "", message: str = "", status: int = 200) -> Answer:
        kept = [form for form in documents.forms().values() if scope_of(session).actor.roles & form.keepers]
        templates = {form.key: documents.history(session, form) for form in kept}
        names = people(session, [who for each in templates.values() for row in each for who in (row.uploaded_by, row.used_by)])
        described = {form.key: placeholders.described(form) for form in kept}
        facts = {"forms": kept, "templates": templates, "described": described, "around": placeholders.AROUND, "names": names, "local": local}
        return render("reports/templates.html", about=about, message=message, **facts), status

    @expose("/<register>/<name>/template.docx", methods=("GET",))
    @has_access
    @permission_name("keep")
    def template(self, register: str, name: str) -> Answer:
        """The template in use, one of the others by its number, or the one that came with the product."""
        session, form = current_session(), self._form(register, name)
        if request.args.get("shipped") == "1":
            content = form.shipped()
        else:
            chosen = self._chosen(session, form, request.args.get("id", ""))
            content = chosen.content if chosen else documents.template_of(session, form)
        return made(lambda out: out.write(content), f"{chinese(form.title)}模板", "docx")

    @expose("/<register>/<name>/sample.docx", methods=("GET",))
    @has_access
    @permission_name("keep")
    def sample(self, register: str, name: str) -> Answer:
        """The template filled with the fields' own labels: shows where everything goes."""
        session, form = current_session(), self._form(register, name)
        chosen = self._chosen(session, form, request.args.get("id", ""))
        content = chosen.content if chosen else documents.template_of(session, form)
        try:
            made_document = word.fill(content, placeholders.sample(session, form, office_of(session)))
        except word.BadTemplate as error:
            return self._page(session, form.key, str(error.message), 422)
        return made(lambda out: out.write(made_document), f"{chinese(form.title)}试填", "docx")

    @expose("/<register>/<name>/upload", methods=("POST",))
    @has_access
    @permission_name("keep")
    def upload(self, register: str, name: str) -> Answer:
        """Take a template: looked into, tried, kept; not in use until somebody says so."""
        session, form = current_session(), self._form(register, name)
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            return self._page(session, form.key, _("请先选择改好的 Word 模板（.docx）"), 422)
        with sent.stream as stream:
            content = stream.read(word.MOST_UPLOAD + 1)
        try:
            word.inspect(content)
            word.fill(content, placeholders.sample(session, form, office_of(session)))
        except word.BadTemplate as error:
            return self._page(session, form.key, str(error.message), 422)
        kept = documents.keep(session, form, clean_name(sent.filename), content)
        session.commit()
        flash(_("“%(name)s”已上传并试填成功。请打开试填样张看一看，没有问题再启用。", name=kept.original_name), "success")
        return self._back(form)

    @expose("/<register>/<name>/use", methods=("POST",))
    @has_access
    @permission_name("keep")
    def use(self, register: str, name: str) -> Answer:
        """Print with another template from now on; without a number, with the one that came with the product."""
        session, form = current_session(), self._form(register, name)
        chosen = self._chosen(session, form, request.form.get("id", ""))
        if chosen is not None:
            try:
                word.fill(chosen.content, placeholders.sample(session, form, office_of(session)))
            except word.BadTemplate as error:
                return self._page(session, form.key, str(error.message), 422)
        documents.use(session, form, chosen)
        session.commit()
        said = _("已启用“%(name)s”", name=chosen.original_name) if chosen else _("已恢复使用系统自带的模板")
        flash(said, "success")
        return self._back(form)

    def _form(self, register: str, name: str) -> PrintedForm:
        """The form, if the reader looks after it."""
        form = documents.forms().get(f"{register}.{name}")
        if form is None or not scope_of(current_session()).actor.roles & form.keepers:
            abort(404)
        return form

    def _chosen(self, session: Session, form: PrintedForm, number: str) -> FormTemplate | None:
        """One of the form's uploaded templates; None when no number is given."""
        if not number:
            return None
        found = session.get(FormTemplate, int(number)) if number.isdecimal() and number.isascii() and len(number) < 10 else None
        return found if found is not None and found.form == form.key else abort(404)

    def _back(self, form: PrintedForm) -> Response:
        return redirect(url_for(f"{type(self).__name__}.index") + f"#{form.key}")
