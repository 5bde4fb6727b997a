"""The page of whoever keeps the code lists: words that wait, and what to do with each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app import code_lists, keeper, registry
from app.formats import Day, FormatError
from app.language import _
from app.lookup import plain_word
from app.register import Record, Register
from app.roles import Verb
from app.scopes import NotPermitted, Scope, scope_of
from views.pages import current_session, find, link_to_record, render
from views.record import Action, RecordPage

WINDOW = 20


@dataclass(frozen=True)
class Used:
    """Where a word stands, as the keeper sees it: how often, and the records that the keeper may open."""

    where: str
    count: int
    rows: list[tuple[str, str]]


@dataclass(frozen=True)
class Waiting:
    """A word that waits for the keeper."""

    entry: Any
    used: list[Used]
    #: entries of the list that look alike, to merge into
    near: list[tuple[int, str]]


def may_keep(scope: Scope) -> bool:
    """Whether somebody may change the words of the lists."""
    return scope.may(registry.need("code"), Verb.EDIT)


class KeeperView(BaseView):  # type: ignore[misc]
    """字典维护: pending words by list; accept, merge, retire."""

    route_base = "/words"
    class_permission_name = "code"
    default_view = "index"

    @expose("/", methods=("GET",))
    @has_access
    @permission_name("edit")
    def index(self) -> str:
        """The lists with their words that wait, a window of words of one list; or one entry, whatever its state."""
        session, cls = _keeping(), registry.need("code")
        one = _asked(session, cls)
        wanted = one.code_list if one else request.args.get("list", "")
        counts = _pending_counts(session, cls)
        chosen = wanted if one or wanted in counts else next(iter(counts), "")
        entries = [one] if one else _pending(session, cls, chosen)
        words = [_waiting(session, cls, entry) for entry in entries]
        tabs = [(key, _title(key), count) for key, count in counts.items()]
        return render("keeper.html", tabs=tabs, chosen=chosen, words=words, one=one, more=0 if one else counts.get(chosen, 0) - len(words))

    @expose("/<int:pk>/accept", methods=("POST",))
    @has_access
    @permission_name("edit")
    def accept(self, pk: int) -> Response:
        """Take the word into its list."""
        session, entry = _open(pk)
        keeper.accept(session, entry)
        session.commit()
        flash(_("已采用“%(label)s”", label=entry.label), "success")
        return _back(entry)

    @expose("/<int:pk>/merge", methods=("POST",))
    @has_access
    @permission_name("edit")
    def merge(self, pk: int) -> Response:
        """Merge the word into another entry; its records follow."""
        session, entry = _open(pk)
        number = request.form.get("target", "")
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            flash(_("请先选择要并入的词条"), "danger")
            return _back(entry)
        target = find(session, registry.need("code"), int(number))
        try:
            count = keeper.merge(session, entry, target)
        except keeper.CannotKeep as error:
            session.rollback()
            flash(str(error.message), "danger")
            return _back(entry)
        session.commit()
        flash(_("“%(word)s”已并入“%(label)s”，改写了 %(count)s 处；以后写“%(word)s”也认得。", word=entry.label, label=target.label, count=count), "success")
        return _back(entry)

    @expose("/<int:pk>/retire", methods=("POST",))
    @has_access
    @permission_name("edit")
    def retire(self, pk: int) -> Response:
        """Offer the word no longer after a day."""
        session, entry = _open(pk)
        try:
            day = Day().parse(request.form.get("last_day", ""))
            if day is None:
                raise FormatError("no_day", _("请填写停用日期"))
            keeper.retire(session, entry, day)
        except (FormatError, keeper.CannotKeep) as error:
            session.rollback()
            flash(str(error.message), "danger")
            return _back(entry)
        session.commit()
        flash(_("“%(label)s”到 %(day)s 为止可选；已经登记的不受影响。", label=entry.label, day=day), "success")
        return _back(entry)

    @expose("/entries", methods=("GET",))
    @has_access
    @permission_name("edit")
    def entries(self) -> dict[str, Any]:
        """Up to twenty accepted entries of a list, for the picker."""
        session, cls = _keeping(), registry.need("code")
        text = plain_word(request.args.get("q", "")[:100])
        entries = session.scalars(_accepted(cls, request.args.get("list", "")))
        fitting = [entry for entry in entries if text in plain_word(entry.label) or text in plain_word(entry.aliases or "")]
        return {"results": [{"id": entry.id, "text": entry.label} for entry in fitting[:WINDOW]]}


def _keeping() -> Session:
    session = current_session()
    if not may_keep(scope_of(session)):
        raise NotPermitted(_("只有字典管理员可以维护字典"))
    return session


def _open(pk: int) -> tuple[Session, Any]:
    session = _keeping()
    entry = find(session, registry.need("code"), pk)
    if entry.voided_at is not None:
        raise Conflict(_("这个词条已经处理过了"))
    return session, entry


def _back(entry: Any) -> Response:
    return redirect(f"/words/?list={entry.code_list}")


def _asked(session: Session, cls: type[Register]) -> Any:
    """The entry that the address names; None when it names none."""
    number = request.args.get("entry", "")
    if not number:
        return None
    return find(session, cls, int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0, cls.voided_at.is_(None))


def _title(key: str) -> str:
    known = {each.key: str(each.title) for each in code_lists.every()}
    return known.get(key, key)


def _pending_counts(session: Session, cls: Any) -> dict[str, int]:
    statement = sa.select(cls.code_list, sa.func.count(cls.id)).where(cls.voided_at.is_(None), cls.word_state == "pending")
    return dict(session.execute(statement.group_by(cls.code_list).order_by(cls.code_list)).tuples().all())


def _pending(session: Session, cls: Any, code_list: str) -> list[Any]:
    statement = sa.select(cls).where(cls.voided_at.is_(None), cls.word_state == "pending", cls.code_list == code_list)
    return list(session.scalars(statement.order_by(cls.id).limit(WINDOW)))


def _accepted(cls: Any, code_list: str) -> sa.Select[Any]:
    statement = sa.select(cls).where(cls.voided_at.is_(None), cls.word_state == "accepted", cls.code_list == code_list)
    return statement.order_by(cls.sort, cls.id)


def _waiting(session: Session, cls: type[Register], entry: Any) -> Waiting:
    used = [_used(session, use, entry.code) for use in keeper.uses(session, entry.code_list, entry.code)]
    letters = set(plain_word(entry.label))
    entries = [(len(letters & set(plain_word(each.label))), each) for each in session.scalars(_accepted(cls, entry.code_list))]
    best = sorted((pair for pair in entries if pair[0]), key=lambda pair: (-pair[0], len(pair[1].label)))[:3]
    return Waiting(entry, used, [(each.id, each.label) for _score, each in best])


def _used(session: Session, use: keeper.Use, code: str) -> Used:
    place = use.place
    cls: type[Record] = place.cls
    owner = registry.owner(cls)  # type: ignore[arg-type]
    where = f"{owner.__title__} · {place.field.label}" if cls is owner else f"{owner.__title__} · {cls.__title__} · {place.field.label}"
    scope = scope_of(session)
    rows = [(text, link_to_record(scope, above.__key__, number)) for above, number, text in keeper.readable_rows(session, place, code)]
    return Used(where, use.count, [(text, link) for text, link in rows if link])


def keeping(page: RecordPage) -> Iterable[Action]:
    """The way from an entry of 字典 to what its keeper may do with it."""
    if page.cls is registry.need("code") and page.live and may_keep(page.scope):
        yield Action(_("并入或停用…"), url_for("KeeperView.index", entry=page.row.id), "ti-arrow-merge")


__all__ = ["KeeperView", "keeping", "may_keep"]
