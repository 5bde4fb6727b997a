"""What REST is sent: the body of a request, and how it becomes records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from app import families
from app.families import Row
from app.formats import Lookup
from app.language import Text, _l
from app.records import draft, save
from app.register import Child, Record, Register, children, fields

#: the road by which these records come in
ROAD = "api"


class Refused(Exception):
    """A request that is answered with a sentence: the status, the sentence, the errors by field."""

    def __init__(self, status: int, message: Text, errors: Mapping[str, list[Text]] | None = None) -> None:
        super().__init__()
        self.status, self.message, self.errors = status, message, errors


def sent_object() -> dict[str, Any]:
    """The JSON object that was sent."""
    if not request.is_json:
        raise Refused(400, _l("请求内容应为 JSON（Content-Type: application/json）"))
    try:
        body = request.get_json()
    except (BadRequest, RecursionError):
        raise Refused(400, _l("请求内容不是正确的 JSON")) from None
    if not isinstance(body, dict):
        raise Refused(400, _l("请求内容应为一个 JSON 对象"))
    return body


def invalid(errors: Mapping[str, list[Text]]) -> Refused:
    """The answer to values that cannot be kept."""
    return Refused(422, _l("有 %(count)s 项需要改正，没有保存", count=len(errors)), errors)


def same_version(row: Record, body: dict[str, Any]) -> None:
    """Take the version that the sender saw out of body or header; refuse when the record has moved on."""
    seen = [body.pop("row_version")] if "row_version" in body else []
    if "If-Match" in request.headers:
        text = request.headers["If-Match"].strip().removeprefix("W/").strip('"')
        seen.append(int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None)
    for version in seen:
        if isinstance(version, bool) or not isinstance(version, int):
            raise invalid({"row_version": [_l("版本号应为整数")]})
        if version != row.row_version:
            raise Refused(409, _l("这条记录已被别人修改过，请重新读取后再改"))


def without_unchanged(body: dict[str, Any], shown: Mapping[str, Any], cls: type[Record]) -> dict[str, Any]:
    """The body without what may only be read: sent back as it was it does no harm, changed it is refused."""
    writable = {declared.key for declared in fields(cls)}
    fixed = {key for key in body if key in shown and key not in writable}
    changed = sorted(key for key in fixed if body[key] != shown[key])
    if changed:
        nested = {child.__key__ for child in (children(cls) if issubclass(cls, Register) else ())}
        raise invalid({key: [_l("子表请按其自己的地址逐条修改") if key in nested else _l("这一项不能直接修改")] for key in changed})
    return {key: value for key, value in body.items() if key not in fixed}


def create(session: Session, cls: type[Register], body: dict[str, Any], lookup: Lookup) -> tuple[Record, dict[str, list[Text]]]:
    """A new record with its children, and the doubts; nothing is kept when anything is wrong."""
    kinds = {child.__key__: child for child in children(cls)}
    lists = {key: body.pop(key) for key in list(body) if key in kinds}
    odd = {key for key, rows in lists.items() if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows)}
    below = [Row(kinds[key], place, row) for key, rows in lists.items() if key not in odd for place, row in enumerate(rows)]
    family = families.register(session, cls, body, below, lookup, ROAD)
    errors = family.errors | {key: [_l("“%(title)s”应为对象的列表", title=kinds[key].__title__)] for key in odd}
    if errors:
        raise invalid(errors)
    return family.record, family.doubts


def write(
    session: Session, cls: type[Record], body: dict[str, Any], lookup: Lookup, *, row: Record | None = None, parent: Register | None = None
) -> tuple[Record, dict[str, list[Text]]]:
    """Change a record, or add or change a child; with the doubts."""
    result = draft(session, cls, body, lookup, row=row, parent=parent)
    if result.errors:
        raise invalid(result.errors)
    return save(session, result, row=row, parent=parent, source=ROAD), result.doubts


def kind_of(cls: type[Register], key: str) -> type[Child]:
    """The children of that name; 404 when the register has none."""
    for child in children(cls):
        if child.__key__ == key:
            return child
    raise Refused(404, _l("没有“%(key)s”这种子表", key=key[:40]))
