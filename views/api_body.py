"""What REST is sent: the body of a request, and how it becomes records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from app import families, masking
from app.clock import local
from app.families import Row
from app.formats import Lookup
from app.history import read
from app.language import Text, _l
from app.records import draft, save
from app.register import Child, Record, Register, children, fields
from app.scopes import scope_of
from views.pages import people

#: the road by which these records come in
ROAD = "api"


class Refused(Exception):
    """A request that is answered with a sentence: the status, the sentence, the errors by field, what else the sender should know."""

    def __init__(self, status: int, message: Text, errors: Mapping[str, list[Text]] | None = None, **facts: Any) -> None:
        super().__init__()
        self.status, self.message, self.errors, self.facts = status, message, errors, facts


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


def same_version(session: Session, row: Record, body: dict[str, Any]) -> None:
    """Take the version that the sender saw out of body or header; refuse when the record has moved on.

    Of a header it is a precondition (412, RFC 9110 13.1.1), of the body a conflict (409); both say who changed what since.
    """
    seen = [(409, body.pop("row_version"))] if "row_version" in body else []
    if "If-Match" in request.headers:
        text = request.headers["If-Match"].strip().removeprefix("W/").strip('"')
        seen.append((412, int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None))
    for status, version in seen:
        if isinstance(version, bool) or not isinstance(version, int):
            raise invalid({"row_version": [_l("版本号应为整数")]})
        if version != row.row_version:
            raise Refused(status, _l("这条记录已被别人修改过，请重新读取后再改"), conflict=_since(session, row, version))


def _since(session: Session, row: Record, seen: int) -> dict[str, Any]:
    """Who changed a record since the version that somebody saw, and in which fields, as the sender may read them."""
    scope, cls = scope_of(session), type(row)
    old = read.with_version(session, cls, row.id, seen)
    changed = {}
    for declared in scope.readable(cls) if old is not None else ():
        before, now = old.values.get(declared.attr), getattr(row, declared.attr)  # type: ignore[union-attr]
        if before != now:
            changed[declared.key] = {"before": masking.dumped(scope, declared, before), "now": masking.dumped(scope, declared, now)}
    name = people(session, [row.changed_by]).get(row.changed_by or "", "")
    return {"row_version": row.row_version, "changed_by": name, "changed_at": local(row.changed_at).isoformat(timespec="seconds"), "fields": changed}


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
