"""The pages of saved views: keep what the list shows under a name, share it, open with it, take it away."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from flask import abort, flash, make_response, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session

from app.language import _
from app.lookup import DatabaseLookup
from app.register import Register
from app.saved_views import SavedView, Unkept, fill, keep, own_list, own_view, read_views
from app.scopes import scope_of
from views.listing import ListPage
from views.lists import asks_for_part
from views.pages import current_session, link_to, render


class SavedViews:
    """Saved views of a register; mixed into its view. Signed-in people only."""

    cls: type[Register]

    @expose("/views", methods=("GET", "POST"))
    @has_access
    @permission_name("read")
    def views(self) -> Any:
        """The views that one may open, and a form that keeps the list as it is under a name."""
        session = _signed_in()
        if request.method == "POST":
            return self._add(session)
        page = ListPage(session, self.cls, request.args.to_dict(flat=False))
        office = bool(page.scope.actor.org_unit_id)
        answer = make_response(render("register/list_views.html", page=page, cls=self.cls, office=office, part=asks_for_part()))
        answer.vary.add("HX-Request")
        return answer

    def _add(self, session: Session) -> Any:
        view = SavedView()
        try:
            self._fill(session, view)
            keep(session, self.cls, view, request.form.get("name", ""), shared="shared" in request.form)
        except Unkept as error:
            return self._refused(session, error)
        if "opens" in request.form:
            own_list(session, self.cls).opens_id = view.id
        session.commit()
        flash(_("已保存视图“%(name)s”", name=view.name), "success")
        return redirect(link_to(self.cls, "list", view=view.id))

    @expose("/views/<int:number>", methods=("POST",))
    @has_access
    @permission_name("read")
    def view_edit(self, number: int) -> Any:
        """Rename or share a view of one's own, or let it keep the list as it is now."""
        session = _signed_in()
        view = self._own(session, number)
        try:
            if "query" in request.form:
                self._fill(session, view)
            else:
                keep(session, self.cls, view, request.form.get("name", ""), shared="shared" in request.form)
        except Unkept as error:
            return self._refused(session, error)
        session.commit()
        flash(_("已保存视图“%(name)s”", name=view.name), "success")
        return redirect(link_to(self.cls, "list", view=view.id))

    @expose("/views/<int:number>/delete", methods=("POST",))
    @has_access
    @permission_name("read")
    def view_delete(self, number: int) -> Any:
        """Take away a view of one's own; the records stay as they are."""
        session = _signed_in()
        view = self._own(session, number)
        session.delete(view)
        session.commit()
        flash(_("已删除视图“%(name)s”，记录没有变动", name=view.name), "success")
        return redirect(link_to(self.cls, "list", view=0))

    @expose("/views/<int:number>/opens", methods=("POST",))
    @has_access
    @permission_name("read")
    def view_opens(self, number: int) -> Any:
        """Let the list open with a view, or (0) with all records again."""
        session = _signed_in()
        if number and read_views(session, self.cls).find(number) is None:
            abort(404)
        own_list(session, self.cls).opens_id = number or None
        session.commit()
        flash(_("以后打开这张登记表，先显示这个视图") if number else _("以后打开这张登记表，先显示全部记录"), "success")
        return redirect(link_to(self.cls, "list", view=number))

    def _own(self, session: Session, number: int) -> SavedView:
        view = own_view(session, self.cls, number) if 0 < number < 2**31 else None
        return view or abort(404)

    def _fill(self, session: Session, view: SavedView) -> None:
        form = request.form
        fill(session, self.cls, view, form.get("query", ""), form.get("columns", "").split(","), DatabaseLookup(session))

    def _refused(self, session: Session, error: Unkept) -> Any:
        """Back to the list as it was, with the reason."""
        session.rollback()
        flash(str(error.message), "danger")
        arguments = parse_qs(request.form.get("query", "")[:4000])
        return redirect(link_to(self.cls, "list", **arguments))


def _signed_in() -> Session:
    session = current_session()
    if not scope_of(session).actor.username:
        abort(403)
    return session
