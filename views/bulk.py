"""Many records changed or voided at once: choose, look at the preview, confirm. Mixed into a register's view."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Conflict, ServiceUnavailable

from app import bulk, masking
from app.bulk import BulkChange, Change, Done, Edit, Mode, Outcome, Selection, TooMany, Void, Work
from app.clock import now
from app.formats import FormatError
from app.language import _, _l, listed
from app.lookup import DatabaseLookup
from app.queries import read_ids
from app.register import Register, field_map
from app.roles import Verb
from app.scopes import NotPermitted, scope_of
from views.bulk_form import BulkForm
from views.bulk_preview import BulkPreview
from views.editing import Answer
from views.pages import current_session, link_to, people, render

#: what was previewed and never confirmed is forgotten after a day
KEPT = timedelta(days=1)
#: how often to try again when somebody else writes the same records at the same moment
TRIES = 3
#: arguments that choose no record: where to go back to, and those of a page
_OTHERS = frozenset({"ids", "back", "again", "page", "after", "before", "last", "size"})


def choice_of(sent: MultiDict[str, str]) -> dict[str, list[str]]:
    """The arguments that choose records (ticked ones, or all that match a list's), and where to go back to."""
    every = sent.get("all") == "1"
    return {name: values for name, values in sent.to_dict(flat=False).items() if name == "back" or (name not in _OTHERS if every else name == "ids")}


def selection_of(chosen: dict[str, list[str]]) -> Selection:
    """The records that the arguments choose."""
    if "all" in chosen:
        return Selection(arguments={name: values for name, values in chosen.items() if name not in {"all", "back"}})
    return Selection(tuple(read_ids(chosen.get("ids", []))))


class Bulk:
    """The pages of a change of many records."""

    cls: type[Register]

    @expose("/bulk", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def bulk(self) -> Answer:
        """Choose what to change in the ticked records, or in all that match; leads to the preview."""
        desk = Desk(current_session(), self.cls, choice_of(request.args))
        rows = desk.rows()
        if not rows:
            return redirect(desk.back)
        form = BulkForm(desk.session, self.cls, rows, desk.back)
        if request.method == "GET":
            again = request.args.get("again", "")
            return form.opened(desk.planned(int(again)).changes if re.fullmatch("[0-9]{1,9}", again) else [])
        changes = form.receive(request.form)
        return form.page() if changes is None else desk.promise(Edit(desk.session, self.cls, changes), rows)

    @expose("/bulk/void", methods=("POST",))
    @has_access
    @permission_name("void")
    def bulk_void(self) -> Answer:
        """Take the reason for voiding the ticked records, or all that match; leads to the preview."""
        chosen = choice_of(request.args if "all" in request.args else request.form)
        desk = Desk(current_session(), self.cls, chosen | {"back": request.form.getlist("back")})
        rows = desk.rows()
        if not rows:
            return redirect(desk.back)
        try:
            work = Void(desk.session, self.cls, request.form.get("reason", ""))
        except FormatError as error:
            flash(str(error.message), "danger")
            return redirect(desk.back)
        return desk.promise(work, rows)

    @expose("/bulk/<int:change_id>", methods=("GET", "POST"))
    @has_access
    @permission_name("edit")
    def bulk_preview(self, change_id: int) -> Answer:
        """What would change, record by record; once confirmed, it is done and the list opens again."""
        desk = Desk(current_session(), self.cls, {})
        change = desk.planned(change_id)
        desk.chosen = change.chosen
        if change.finished_at is not None:
            flash(_("这次批量操作已经完成，没有再次执行。"), "info")
            return redirect(desk.back)
        if request.method == "POST":
            desk.carry_out(change, request.form.get("digest", ""))
            return redirect(desk.back)
        page = BulkPreview(desk.session, self.cls, change, desk.work(change), request.args)
        again = link_to(self.cls, "bulk") + "?" + urlencode({**change.chosen, "again": change.id}, doseq=True) if change.changes else ""
        return render("register/bulk_preview.html", cls=self.cls, page=page, change=change, again=again, back=desk.back)


class Desk:
    """What one person does with the records chosen in a list."""

    def __init__(self, session: Session, cls: type[Register], chosen: dict[str, list[str]]) -> None:
        self.session, self.cls, self.chosen = session, cls, chosen

    @property
    def back(self) -> str:
        """The list to go back to: the register's own, whatever was sent."""
        home, back = link_to(self.cls, "list"), (self.chosen.get("back") or [""])[0]
        return back if re.fullmatch(re.escape(home) + r"(\?[^\s\\]*)?", back) else home

    def rows(self) -> list[Any]:
        """The chosen records; none, and a word why, where there are none or too many."""
        selection = selection_of(self.chosen)
        try:
            rows = list(selection.rows(self.session, self.cls))
        except TooMany:
            flash(_("一次最多处理 %(most)s 条，现在选中的超过了。请先用筛选缩小范围，分几次处理。", most=bulk.MOST), "danger")
            return []
        missing = len(selection.ids) - len(rows)
        if not rows and not missing:
            flash(_("请先勾选记录") if selection.arguments is None else _("没有符合条件的记录。"), "danger")
        elif missing > 0:
            flash(_("有 %(count)s 条不存在，或不在您的查看范围内，没有选入", count=missing), "warning")
        return rows

    def promise(self, work: Work, rows: list[Any]) -> Answer:
        """Keep what would happen, and show it."""
        stale = sa.delete(BulkChange).where(
            BulkChange.operator == work.scope.actor.username, BulkChange.finished_at.is_(None), BulkChange.created_at < now() - KEPT
        )
        self.session.execute(stale)
        change = bulk.promise(self.session, work, self.chosen, rows)
        self.session.commit()
        return redirect(link_to(self.cls, "bulk_preview", change_id=change.id))

    def planned(self, change_id: int) -> BulkChange:
        """A change that this person planned in this register, with the right that it takes."""
        change = self.session.get(BulkChange, change_id) if 0 < change_id < 2**31 else None
        scope = scope_of(self.session)
        if change is None or change.register != self.cls.__key__ or change.operator != scope.actor.username:
            abort(404)
        if not scope.may(self.cls, Verb.VOID if change.reason else Verb.EDIT):
            raise NotPermitted(_l("您的角色不能修改“%(title)s”", title=self.cls.__title__))
        return change

    def work(self, change: BulkChange) -> Work:
        """What was planned, as this person may do it now."""
        if change.reason:
            return Void(self.session, self.cls, change.reason)
        work = Edit(self.session, self.cls, [Change(key, Mode(mode), raw) for key, mode, raw in change.changes])
        if len(work.declared) != len(work.changes):
            raise NotPermitted(_l("您的角色不能修改这一项了，请返回重新选择"))
        return work

    def carry_out(self, change: BulkChange, digest: str) -> None:
        """Do what the page showed; records that others have changed since are left alone."""
        if digest != change.digest:
            raise Conflict(_("这个预览已经过时，请返回列表重新选择"))
        change_id = change.id
        for _try in range(TRIES):
            try:
                done = bulk.carry_out(self.session, self.work(change), change)
                self.session.commit()
                break
            except StaleDataError:
                self.session.rollback()
                change = self.planned(change_id)
        else:
            raise ServiceUnavailable(_("这些记录正在被别人修改，没有写入任何内容，请稍后再试"))
        self._tell(change, done)

    def _tell(self, change: BulkChange, done: Done | None) -> None:
        if done is None:
            flash(_("这次批量操作已经完成，没有再次执行。"), "info")
            return
        said = _("已作废 %(count)s 条记录", count=done.changed) if change.reason else _("已修改 %(count)s 条记录", count=done.changed)
        refused = change.counts[Outcome.REFUSED.value]
        flash(said + (_("；另有 %(count)s 条不能处理，没有改动", count=refused) if refused else ""), "success")
        if done.left:
            flash(self._left(done.left), "warning")

    def _left(self, left: list[int]) -> str:
        """Which records somebody else was first at, by name and by whom."""
        label, scope, lookup = field_map(self.cls)[self.cls.__label__], scope_of(self.session), DatabaseLookup(self.session)
        rows = self.session.scalars(sa.select(self.cls).where(self.cls.id.in_(left[:10]))).all()
        who = people(self.session, [row.changed_by for row in rows])
        names = [f"{masking.shown(scope, label, getattr(row, label.attr), lookup) or f'#{row.id}'}（{who.get(row.changed_by or '', '')}）" for row in rows]
        count = len(left)
        if not names:
            return _("有 %(count)s 条在预览之后被别人改过，没有改动", count=count)
        return _("有 %(count)s 条在预览之后被别人改过，没有改动：%(names)s", count=count, names=listed(names) + ("…" if count > len(names) else ""))
