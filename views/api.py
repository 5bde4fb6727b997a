"""The REST resource of a register: /api/v1/<key>/, one class for all of them.

It keeps Flask-AppBuilder's addresses, arguments and answers, and goes through the same drafts, scope
and masks as the pages. A browser may use it with its session and a CSRF token, a program with a token
of its own (Authorization: Bearer …); then the session counts for nothing.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, request
from flask_appbuilder import AppBuilder
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_jwt_extended import verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from jwt.exceptions import InvalidTokenError
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app import revealing
from app.clock import local
from app.database import conflict_of, db
from app.disclosure import Unsaid
from app.formats import FormatError
from app.language import Text, _l
from app.queries import QueryError
from app.records import void
from app.register import Child, Record, Register, children, values_of
from app.registry import Entry
from app.revealing import TooMany
from app.roles import Verb
from app.scopes import NotPermitted, scope_of
from app.security import brings_token
from views.api_body import Refused, create, invalid, kind_of, same_version, sent_object, without_unchanged, write
from views.api_query import listing_of
from views.api_rows import Reader, revealed
from views.openapi import describe


class RegisterApi(BaseApi):  # type: ignore[misc]
    """One register as a REST resource; `add_register_api` makes a subclass for each."""

    entry: Entry
    allow_browser_login = True

    @property
    def register(self) -> type[Register]:
        """The register that this resource serves."""
        return self.entry.register

    def create_blueprint(self, *args: Any, **kwargs: Any) -> Blueprint:
        """The blueprint, with the check of who sent the request and the answers to what goes wrong."""
        blueprint = super().create_blueprint(*args, **kwargs)
        blueprint.before_request(check_sender)
        answer_errors(blueprint)
        return blueprint

    def add_api_spec(self, api_spec: Any) -> None:
        """Describe the resource from the register's declaration."""
        self.add_apispec_components(api_spec)
        describe(api_spec, self.register, self.route_base)

    # reading --------------------------------------------------------------------------------

    @expose("/_info", methods=("GET",))
    @protect()
    @permission_name("read")
    def info(self) -> Response:
        """The fields and children of the register, and what the caller may do with it."""
        _may_read(db.session(), self.register)
        reader = Reader(db.session())
        nested = [child for child in children(self.register) if reader.scope.readable(child)]
        allowed = [each for each in sorted(self.base_permissions) if self.appbuilder.sm.has_access(each, self.class_permission_name)]
        return self.response(200, **reader.described(self.register), children=[reader.described(child) for child in nested], permissions=allowed)

    @expose("/", methods=("GET",))
    @protect()
    @permission_name("read")
    def get_list(self) -> Response:
        """The records that match, one page of them."""
        session, cls = db.session(), self.register
        _may_read(session, cls)
        reader = Reader(session)
        listing, columns = listing_of(session, cls, reader.lookup)
        return self.response(200, **reader.page(listing, columns))

    @expose("/<pk>", methods=("GET",))
    @protect()
    @permission_name("read")
    def get(self, pk: str) -> Response:
        """One record with its children."""
        return self._answer(200, _row(db.session(), self.register, pk))

    # writing --------------------------------------------------------------------------------

    @expose("/", methods=("POST",))
    @protect()
    @permission_name("add")
    def post(self) -> Response:
        """A new record, with children if their lists are sent along."""
        session, cls = db.session(), self.register
        reader = Reader(session)
        if not reader.scope.may_add(cls):
            raise NotPermitted(_l("您的角色不能新增“%(title)s”", title=cls.__title__))
        record, doubts = create(session, cls, sent_object(), reader.lookup)
        session.commit()
        return self._answer(201, record, doubts)

    @expose("/<pk>", methods=("PUT",))
    @protect()
    @permission_name("edit")
    def put(self, pk: str) -> Response:
        """Change the fields that are sent; the others stay."""
        session = db.session()
        reader, row = Reader(session), _live(session, self.register, pk)
        _may_change(session, row)
        body = sent_object()
        same_version(session, row, body)
        body = without_unchanged(body, reader.whole(row), self.register)
        record, doubts = write(session, self.register, body, reader.lookup, row=row)
        session.commit()
        return self._answer(200, record, doubts)

    @expose("/<pk>", methods=("DELETE",))
    @protect()
    @permission_name("void")
    def delete(self, pk: str) -> Response:
        """Void the record; the reason is required."""
        session = db.session()
        row = _live(session, self.register, pk)
        reason = scope_of(session).refuses_void(self.register, values_of(row))
        if reason is not None:
            raise NotPermitted(reason)
        return self._void(session, row)

    # full values ----------------------------------------------------------------------------

    @expose("/<pk>/reveal", methods=("POST",))
    @protect()
    @permission_name("read")
    def reveal(self, pk: str) -> Response:
        """The sensitive values of a record and its children, for a purpose; noted before they are answered."""
        session, scope = db.session(), scope_of(db.session())
        if not revealing.may_reveal(scope, self.register):
            raise NotPermitted(_l("您没有“敏感信息查看”的角色，不能查看完整信息"))
        row, body = _row(session, self.register, pk), sent_object()
        try:
            seen = revealing.reveal(session, row, body.get("purpose"), body.get("note", ""))
        except Unsaid as error:
            raise invalid({error.field: [error.message]}) from None
        except TooMany as error:
            raise Refused(429, error.message) from None
        return self.response(200, id=row.id, result=revealed(scope, seen), left=seen.left, recorded=local(seen.at).isoformat(timespec="seconds"))

    # children -------------------------------------------------------------------------------

    @expose("/<pk>/<kind>/", methods=("POST",))
    @protect()
    @permission_name("edit")
    def post_child(self, pk: str, kind: str) -> Response:
        """A new child of the record."""
        session = db.session()
        child, parent = self._open_parent(session, pk, kind)
        record, doubts = write(session, child, sent_object(), Reader(session).lookup, parent=parent)
        session.commit()
        return self._answer(201, record, doubts)

    @expose("/<pk>/<kind>/<child_id>", methods=("PUT",))
    @protect()
    @permission_name("edit")
    def put_child(self, pk: str, kind: str, child_id: str) -> Response:
        """Change a child of the record."""
        session = db.session()
        child, parent = self._open_parent(session, pk, kind)
        row, reader, body = _child(session, child, parent, child_id), Reader(session), sent_object()
        same_version(session, row, body)
        body = without_unchanged(body, reader.whole(row), child)
        record, doubts = write(session, child, body, reader.lookup, row=row, parent=parent)
        session.commit()
        return self._answer(200, record, doubts)

    @expose("/<pk>/<kind>/<child_id>", methods=("DELETE",))
    @protect()
    @permission_name("edit")
    def delete_child(self, pk: str, kind: str, child_id: str) -> Response:
        """Void a child of the record; the reason is required."""
        session = db.session()
        child, parent = self._open_parent(session, pk, kind)
        return self._void(session, _child(session, child, parent, child_id))

    def _open_parent(self, session: Session, pk: str, kind: str) -> tuple[type[Child], Register]:
        """The kind of children and the record they belong to, whose children the caller may write."""
        child = kind_of(self.register, kind)
        parent = _live(session, self.register, pk)
        reason = scope_of(session).refuses_child(child, values_of(parent))
        if reason is not None:
            raise NotPermitted(reason)
        return child, parent

    # answers --------------------------------------------------------------------------------

    def _void(self, session: Session, row: Record) -> Response:
        body = sent_object() if request.data else {}
        same_version(session, row, body)
        try:
            void(session, row, body.get("reason") or request.args.get("reason") or "")
        except FormatError as error:
            raise invalid({"reason": [error.message]}) from None
        session.commit()
        return self.response(200, id=row.id, message=str(_l("已作废")))

    def _answer(self, status: int, record: Record, doubts: dict[str, list[Text]] | None = None) -> Response:
        answer: dict[str, Any] = {"id": record.id, "result": Reader(db.session()).whole(record)}
        if doubts:
            answer["doubts"] = in_words(doubts)
        response: Response = self.response(status, **answer)
        if "row_version" in answer["result"]:  # visitors get no version
            response.set_etag(str(record.row_version))
        return response

    def response_403(self) -> Response:
        """What `protect` answers to a role without the permission."""
        return self.response(403, message=str(_l("您的角色不能这样操作“%(title)s”", title=self.register.__title__)))


def add_register_api(appbuilder: AppBuilder, entry: Entry) -> RegisterApi:
    """Serve a register at /api/v1/<key>/, under the permissions can_read, can_add, can_edit, can_void."""
    key = entry.register.__key__
    facts = {"entry": entry, "resource_name": key, "class_permission_name": key, "__doc__": f"REST resource of {key}."}
    return appbuilder.add_api(type(f"{entry.register.__name__}Api", (RegisterApi,), facts))  # type: ignore[no-any-return]


# rows -------------------------------------------------------------------------------------------


def _row(session: Session, cls: type[Record], pk: str, *tests: sa.ColumnElement[bool]) -> Any:
    """The record of that number within the caller's scope; 404 when there is none."""
    number = int(pk) if pk.isascii() and pk.isdecimal() and len(pk) <= 10 else 0
    row = session.scalar(sa.select(cls).where(cls.id == number, *tests)) if 0 < number < 2**31 else None
    if row is None:
        raise Refused(404, _l("没有这条记录，或您无权查看"))
    return row


def _live(session: Session, cls: type[Record], pk: str, *tests: sa.ColumnElement[bool]) -> Any:
    row = _row(session, cls, pk, *tests)
    if row.voided_at is not None:
        raise Refused(409, _l("这条记录已作废，不能再修改"))
    return row


def _child(session: Session, cls: type[Child], parent: Register, pk: str) -> Any:
    return _live(session, cls, pk, cls.parent_id == parent.id)


def _may_read(session: Session, cls: type[Record]) -> None:
    """Flask-AppBuilder lets in whoever the public may let in; a role without the register reads nothing of it."""
    if not scope_of(session).may(cls, Verb.READ):
        raise NotPermitted(_l("您的角色不能查看“%(title)s”", title=cls.__title__))


def _may_change(session: Session, row: Record) -> None:
    """Refuse those who may write nothing in this row, before looking at what they sent."""
    scope, cls, values = scope_of(session), type(row), values_of(row)
    if not scope.writable(cls, values):
        raise NotPermitted(scope.refuses(cls, values, values, ()) or _l("您的角色只能查看“%(title)s”，不能修改", title=cls.__title__))


# who sent it, and what went wrong -----------------------------------------------------------------


def check_sender() -> None:
    """A token must be good, even where visitors may read; a session must show that no other site sent the request."""
    if brings_token():
        verify_jwt_in_request()
    elif current_user.is_authenticated and current_app.config["WTF_CSRF_ENABLED"]:
        current_app.extensions["csrf"].protect()


def in_words(errors: Any) -> dict[str, list[str]]:
    """Sentences by field, in the caller's language."""
    return {key: [str(each) for each in found] for key, found in errors.items()}


def answer_errors(blueprint: Blueprint) -> None:
    """Answer with JSON and a sentence; what was half done is undone."""
    blueprint.register_error_handler(Refused, lambda error: _refusal(error.status, error.message, error.errors, **error.facts))
    blueprint.register_error_handler(QueryError, lambda error: _refusal(400, error.message))
    blueprint.register_error_handler(CSRFError, lambda _error: _refusal(400, _l("缺少有效的 CSRF 令牌，请在请求头 X-CSRFToken 里带上")))
    blueprint.register_error_handler(JWTExtendedException, _no_token)
    blueprint.register_error_handler(InvalidTokenError, _no_token)
    blueprint.register_error_handler(NotPermitted, lambda error: _refusal(403, error.message))
    blueprint.register_error_handler(StaleDataError, lambda _error: _refusal(409, _l("这条记录刚被别人修改过，请重新读取后再改")))
    blueprint.register_error_handler(IntegrityError, _broken_rule)
    blueprint.register_error_handler(DataError, lambda _error: _refusal(422, _l("有的值数据库放不下，没有保存")))
    blueprint.register_error_handler(HTTPException, _other)


def _refusal(status: int, message: Text, errors: Any = None, **more: Any) -> Response:
    db.session.rollback()
    facts: dict[str, Any] = {"message": str(message), **more}
    if errors is not None:
        facts["errors"] = in_words(errors)
    return BaseApi.response(status, **facts)  # type: ignore[no-any-return]


def _no_token(_error: Exception) -> Response:
    answer = _refusal(401, _l("请先登录，或带上有效的令牌"))
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _broken_rule(error: IntegrityError) -> Response:
    if conflict_of(error):
        return _refusal(409, _l("已有相同的记录，不能重复登记"))
    return _refusal(422, _l("有的值指向不存在的记录，没有保存"))


def _other(error: HTTPException) -> Response:
    status = error.code or 500
    sentences = {404: _l("没有这个地址"), 405: _l("这个地址不支持该方法"), 413: _l("请求内容太大"), 500: _l("系统出错，已记入日志，请联系管理员")}
    return _refusal(status, sentences.get(status) or _l("无法处理这个请求"))
