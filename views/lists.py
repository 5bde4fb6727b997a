"""The list's addresses: the page and its parts, the panel of filters, the choice of columns."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, current_app, flash, make_response, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import disclosure
from app.language import _
from app.queries import QueryError
from app.register import Register
from app.roles import Verb
from app.saved_views import own_list, own_view, readable_keys
from app.scopes import scope_of
from views.listing import ListPage, standard
from views.pages import current_session, endpoint_of, link_to, render

#: by the id of the element that the answer goes into
_PARTS = {"results": "register/list_results.html", "list": "register/list_body.html"}


class Lists:
    """The list of a register; mixed into its view."""

    cls: type[Register]

    @expose("/list/", methods=("GET",))
    @has_access
    @permission_name("read")
    def list(self) -> Response:
        """The records that match, one page of them; for htmx only the part that changes."""
        if not asks_for_part():
            return _varied(make_response(self._render("register/list.html", self._page())))
        target = "results" if request.headers.get("HX-Target") == "results" else "list"
        try:
            page = self._page()
            answer = make_response(self._render(_PARTS[target], page, part=True))
        except QueryError as error:
            return _varied(make_response(render("register/list_refused.html", message=error.message, target=target, home=link_to(self.cls, "list"))))
        answer.headers["HX-Push-Url"] = page.here
        return _varied(answer)

    @expose("/filters", methods=("GET",))
    @has_access
    @permission_name("read")
    def filters(self) -> Response:
        """A control for every field that can narrow the list."""
        return _varied(make_response(self._render("register/list_panel.html", self._page(), part=asks_for_part())))

    @expose("/columns", methods=("GET", "POST"))
    @has_access
    @permission_name("read")
    def columns(self) -> Any:
        """Which columns the list shows, in which order: the person's own, or those of a view of theirs."""
        if not scope_of(current_session()).actor.username:
            abort(403)
        if request.method == "POST":
            return self._keep_columns()
        page = self._page()
        chosen = {declared.key for declared in page.fields}
        others = [declared for declared in page.scope.readable(self.cls) if declared.key not in chosen]
        return _varied(make_response(self._render("register/list_columns.html", page, part=asks_for_part(), others=others)))

    def _keep_columns(self) -> Any:
        session = current_session()
        keys = readable_keys(session, self.cls, request.form.getlist("columns"))
        query = request.form.get("query", "")[:4000]
        back = redirect(link_to(self.cls, "list") + (f"?{query}" if query else ""))
        usual = [declared.key for declared in standard(scope_of(session).readable(self.cls))]
        if "reset" not in request.form and not keys:
            flash(_("请至少勾选一列"), "danger")
            return back
        number = request.form.get("of", "")
        view = own_view(session, self.cls, int(number)) if number.isdecimal() and len(number) < 10 else None
        kept = view or own_list(session, self.cls)
        kept.columns = ",".join([] if "reset" in request.form or (view is None and keys == usual) else keys)
        session.commit()
        return back

    def _page(self) -> ListPage:
        return ListPage(current_session(), self.cls, request.args.to_dict(flat=False))

    def _render(self, template: str, page: ListPage, **facts: Any) -> str:
        scope = page.scope
        allowed = {verb.value: scope.may(self.cls, verb) for verb in Verb}
        return render(
            template,
            page=page,
            cls=self.cls,
            may=allowed,
            staff=bool(scope.actor.username),
            printing=self._printing(page),
            clear_export=bool(disclosure.usable(page.session, self.cls)),
            **facts,
        )

    def _printing(self, page: ListPage) -> str:
        """The address of the register's printed ledger with the same filters; empty where there is none."""
        if f"{endpoint_of(self.cls)}.ledger" not in current_app.view_functions:
            return ""
        return page.home.removesuffix("list/") + "ledger"


def asks_for_part() -> bool:
    """Whether htmx asks for a part of a page (not for a whole one, after going back)."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _varied(answer: Response) -> Response:
    """The same address answers with a page or with a part of it: no cache may take one for the other."""
    answer.vary.add("HX-Request")
    return answer
