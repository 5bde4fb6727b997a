"""What people see when something goes wrong: what happened and what to do, in their language.

Programs get JSON. Faults of ours (5xx) are shown outside the frame, which may need what is broken.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, current_app, jsonify, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from app import outage
from app.attachments import too_large
from app.database import db
from app.language import Text, _l
from app.logs import request_id
from app.queries import QueryError
from app.scopes import NotPermitted
from views.pages import render

log = logging.getLogger(__name__)

#: what happened, what to do
SENTENCES: dict[int, tuple[Text, Text]] = {
    400: (_l("这个请求看不懂"), _l("网址或提交的内容不完整。请返回上一页重新操作。")),
    401: (_l("请先登录"), _l("登录后再打开这个页面。")),
    403: (_l("您不能这样操作"), _l("您的角色没有这项权限。需要的话，请联系系统管理员。")),
    404: (_l("没有找到"), _l("页面或记录不存在，或者不在您的查看范围内。请检查网址，或从菜单重新进入。")),
    405: (_l("这个网址不能这样打开"), _l("请从页面上的按钮操作，不要直接输入或刷新这个网址。")),
    409: (_l("现在不能这样操作"), _l("记录的状态已经变了。请返回后刷新页面再看。")),
    413: (_l("内容太大"), _l("请缩小文件或分几次提交。")),
    415: (_l("内容的类型不对"), _l("请检查提交的内容类型。")),
    422: (_l("填写的内容有问题"), _l("请返回上一页改正后再提交。")),
    429: (_l("操作太频繁"), _l("请稍等一分钟再试。")),
    500: (_l("系统出错了"), _l("错误已经记录下来。请稍后再试；如果一直这样，请联系系统管理员。")),
    503: outage.Outage.AWAY.value[1:],
    507: outage.Outage.FULL.value[1:],
}


def register_errors(app: Flask) -> None:
    """Put the handlers on the application."""
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(QueryError, _query)
    app.register_error_handler(NotPermitted, _not_permitted)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(DataError, _data)
    app.register_error_handler(IntegrityError, _integrity)
    app.register_error_handler(Exception, _fault)


def answer(status: int, what: Text = "", todo: Text = "") -> tuple[Response | str, int]:
    """The page or the JSON of an error."""
    title, advice = SENTENCES.get(status, SENTENCES[500 if status >= 500 else 400])
    what, todo = str(what or title), str(todo or advice)
    if request.path.startswith("/api/"):
        number = {"request_id": request_id.get()} if status >= 500 else {}
        return jsonify(message=what if what != str(title) and status < 500 else f"{what}。{todo}", **number), status
    if status >= 500:
        return _bare(status, what, todo), status
    try:
        return render("errors/error.html", status=status, what=what, todo=todo), status
    except SQLAlchemyError:
        log.exception("the frame of an error page could not be shown")
        return _bare(status, what, todo), status


def _bare(status: int, what: str, todo: str) -> str:
    """The page outside the frame. Not by `render_template`, which would look up who is signed in: in the database that may be gone."""
    return current_app.jinja_env.get_template("errors/bare.html").render(status=status, what=what, todo=todo)


def _rollback() -> None:
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session.remove()


def _http(error: HTTPException) -> Any:
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        return _fault(error.original_exception)  # raised before there was a view to ask for
    _rollback()
    status = error.code or 500
    if status < 400:
        return error
    if status == 413:
        return answer(413, todo=too_large(current_app.config["UPLOAD_MEGABYTES"]))
    own = error.description if isinstance(error.description, str) and not (error.description or "").isascii() else ""
    page, _status = answer(status, own)
    told = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    return page, status, told


def _csrf(_error: CSRFError) -> Any:
    _rollback()
    return answer(400, _l("页面已过期，没有保存"), _l("为了安全，每个页面只在登录期间有效。请返回上一页，刷新后重新提交。"))


def _query(error: QueryError) -> Any:
    _rollback()
    return answer(400, error.message, _l("请检查网址里的筛选条件，或清除筛选后再试。"))


def _not_permitted(error: NotPermitted) -> Any:
    _rollback()
    return answer(403, error.message)


def _stale(_error: StaleDataError) -> Any:
    _rollback()
    return answer(409, _l("这条记录刚刚被别人修改过，您的操作没有保存"))


def _data(error: DataError) -> Any:
    _rollback()
    log.warning("a value does not fit its column: %s", error.orig)
    return answer(400, _l("有一项内容超出了允许的范围"))


def _integrity(error: IntegrityError) -> Any:
    _rollback()
    log.warning("the database refused a row: %s", error.orig)
    return answer(409, _l("没有保存：与已有的记录重复，或还有别的记录引用它"), _l("请刷新页面看现在的内容，再重新操作。"))


def _fault(error: BaseException) -> Any:
    _rollback()
    if (found := outage.of(error)) is not None:
        status, what, todo = found.value
        log.error("%s: %s", found.name, str(getattr(error, "orig", error)))
        page, status = answer(status, what, todo)
        return page, status, {"Retry-After": "30"}
    if current_app.config.get("PROPAGATE_EXCEPTIONS") or current_app.testing:
        raise error
    log.error("a request failed: %s %s", request.method, request.path, exc_info=error)
    return answer(500)
