"""A register's REST resource in OpenAPI 3.0, out of its declaration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.exceptions import DuplicateComponentNameError

from app.disclosure import LONGEST, PURPOSES
from app.fields import Field, Gate
from app.formats import Choices, Link, Moment
from app.formats.numbers import Number
from app.language import Text, _, _l
from app.register import Record, Register, Source, children, fields
from views.api_query import OPERATORS

Json = dict[str, Any]

_VERSION: Json = {"type": "integer"}
_ERRORS: dict[int, Text] = {
    400: _l("请求的写法不对"), 401: _l("没有登录，或令牌无效"), 403: _l("角色不允许"), 404: _l("没有这条记录，或无权查看"),
    409: _l("重复，或已被别人修改、作废"), 412: _l("记录已不是 If-Match 里的版本"), 422: _l("有的值不能保存，逐项说明"), 429: _l("今天查看完整信息的次数到了上限"),
}  # fmt: skip


def describe(spec: APISpec, cls: type[Register], base: str) -> None:
    """Add the paths and schemas of one register."""
    _common(spec)
    for kind in (cls, *children(cls)):
        _component(spec, _name(kind), _read_schema(kind))
        _component(spec, f"{_name(kind)}.new", _write_schema(kind, new=True))
        _component(spec, f"{_name(kind)}.change", _write_schema(kind, new=False))
    spec.path(f"{base}/_info", operations={"get": _info(cls)})
    spec.path(f"{base}/", operations={"get": _list(cls), "post": _post(cls)})
    spec.path(f"{base}/{{pk}}", operations={"get": _get(cls), "put": _put(cls), "delete": _void(cls)})
    if any(declared.sensitive for kind in (cls, *children(cls)) for declared in fields(kind)):
        spec.path(f"{base}/{{pk}}/reveal", operations={"post": _reveal(cls)})
    for child in children(cls):
        spec.path(f"{base}/{{pk}}/{child.__key__}/", operations={"post": _post(child)})
        spec.path(f"{base}/{{pk}}/{child.__key__}/{{child_id}}", operations={"put": _put(child), "delete": _void(child)})


# operations -------------------------------------------------------------------------------------


def _info(cls: type[Record]) -> Json:
    return _operation(cls, "info", _("%(title)s：各项的说明和自己的权限", title=cls.__title__), {200: {"type": "object"}}, errors=(401, 403))


def _list(cls: type[Record]) -> Json:
    page = {"count": {"type": "integer"}, "ids": {"type": "array", "items": {"type": "integer"}}, "result": {"type": "array", "items": _ref(cls)}}
    operation = _operation(cls, "list", _("%(title)s：按条件列出", title=cls.__title__), {200: _object(page)}, errors=(400, 401, 403))
    query = _json({"$ref": "#/components/schemas/register.query"})
    operation["parameters"] = [
        {"name": "q", "in": "query", "description": _("筛选、排序、分页，写成 rison 或 JSON"), "content": query},
        {"name": "search", "in": "query", "schema": {"type": "string"}, "description": _("在可检索的各项里查找")},
    ]
    return operation


def _get(cls: type[Record]) -> Json:
    return _operation(cls, "get", _("%(title)s：一条记录", title=cls.__title__), {200: _one(cls)}, errors=(401, 403, 404))


def _post(cls: type[Record]) -> Json:
    operation = _operation(cls, "add", _("%(title)s：新增", title=cls.__title__), {201: _one(cls)}, errors=(400, 401, 403, 404, 409, 422))
    return operation | {"requestBody": {"required": True, "content": _json(_ref(cls, ".new"))}}


def _put(cls: type[Record]) -> Json:
    summary = _("%(title)s：修改送来的各项，其余不变", title=cls.__title__)
    operation = _operation(cls, "change", summary, {200: _one(cls)}, errors=(400, 401, 403, 404, 409, 412, 422))
    operation["parameters"].append({"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": _("读取时的 row_version，不一致就拒绝")})
    return operation | {"requestBody": {"required": True, "content": _json(_ref(cls, ".change"))}}


def _reveal(cls: type[Record]) -> Json:
    summary = _("%(title)s：查看完整信息，说明用途，逐次记录", title=cls.__title__)
    shown = _object({"id": {"type": "integer"}, "result": {"type": "object"}, "left": {"type": "integer"}, "recorded": {"type": "string"}})
    operation = _operation(cls, "reveal", summary, {200: shown}, errors=(400, 401, 403, 404, 422, 429))
    purposes = "；".join(f"{key} {label}" for key, label in PURPOSES.items())
    asked = {"purpose": {"type": "string", "enum": list(PURPOSES), "description": purposes}, "note": {"type": "string", "maxLength": LONGEST}}
    return operation | {"requestBody": {"required": True, "content": _json(_object(asked) | {"required": ["purpose"]})}}


def _void(cls: type[Record]) -> Json:
    done = _object({"id": {"type": "integer"}, "message": {"type": "string"}})
    operation = _operation(cls, "void", _("%(title)s：作废", title=cls.__title__), {200: done}, errors=(400, 401, 403, 404, 409, 412, 422))
    reason: Json = {"type": "string", "maxLength": 500, "description": _("作废原因")}
    operation["parameters"].append({"name": "reason", "in": "query", "schema": reason, "description": _("作废原因，写在这里或请求内容里")})
    return operation | {"requestBody": {"content": _json(_object({"reason": reason, "row_version": _VERSION}))}}


def _operation(cls: type[Record], verb: str, summary: str, answers: dict[int, Json], errors: Iterable[int]) -> Json:
    ids = ["pk", "child_id"] if not issubclass(cls, Register) else ["pk"]
    used = {"list": 0, "info": 0, "add": len(ids) - 1}.get(verb, len(ids))
    responses: Json = {str(code): {"description": "OK", "content": _json(schema)} for code, schema in answers.items()}
    responses |= {str(code): {"$ref": f"#/components/responses/register.{code}"} for code in errors}
    return {
        "operationId": f"{verb}_{_name(cls).replace('.', '_')}",
        "summary": summary,
        "tags": [_name(cls).partition(".")[0]],
        "security": [{"jwt": []}, {"session": [], "csrf": []}, *([{}] if verb in {"list", "get", "info"} else [])],
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "integer"}} for name in ids[:used]],
        "responses": responses,
    }


# schemas ----------------------------------------------------------------------------------------


def _read_schema(cls: type[Record]) -> Json:
    facts: Json = {"id": {"type": "integer", "readOnly": True}}
    for declared in fields(cls):
        facts[declared.key] = _read(declared)
        if isinstance(declared.format, Link):
            facts[f"{declared.key}_label"] = {"type": "string", "nullable": True, "description": _("%(label)s的名称", label=declared.label)}
    facts |= _envelope()
    if issubclass(cls, Register):
        facts |= {child.__key__: {"type": "array", "items": _ref(child), "description": str(child.__title__)} for child in children(cls)}
    return _object(facts) | {"title": str(cls.__title__)}


def _envelope() -> Json:
    text, moment = {"type": "string", "nullable": True}, {**Moment().schema(), "nullable": True}
    states = {"type": "string", "nullable": True, "enum": [*(each.value for each in Source), None]}
    return {
        "row_version": _VERSION, "source": states, "created_by": text, "created_at": moment,
        "changed_by": text, "changed_at": moment, "voided_at": moment, "void_reason": text,
    }  # fmt: skip


def _write_schema(cls: type[Record], *, new: bool) -> Json:
    open_fields = [declared for declared in fields(cls) if declared.gate is not Gate.SYSTEM]
    facts: Json = {declared.key: _write(declared) for declared in open_fields}
    if not new:
        facts["row_version"] = _VERSION | {"description": _("读取时的版本，不一致就拒绝")}
    elif issubclass(cls, Register):
        facts |= {child.__key__: {"type": "array", "items": _ref(child, ".new"), "description": str(child.__title__)} for child in children(cls)}
    required = [declared.key for declared in open_fields if new and declared.required and declared.default is None]
    return _object(facts) | ({"required": required} if required else {}) | {"title": str(cls.__title__)}


def _read(declared: Field) -> Json:
    """What comes out; sensitive values come masked, and then follow no pattern."""
    schema = declared.format.schema()
    if declared.sensitive:
        schema = {"type": "string"} if schema.get("type") == "string" else {"anyOf": [schema, {"type": "string"}]}
    return _labelled(schema, declared)


def _write(declared: Field) -> Json:
    """What may be sent: the value as it comes out, or as people write it."""
    schema = declared.format.schema()
    if isinstance(declared.format, Link):
        schema = {"anyOf": [schema, {"type": "string"}]}
    elif isinstance(declared.format, Number):
        schema = {"anyOf": [{"type": "number"}, {"type": "string"}]}
    elif schema.get("type") == "string":
        schema = {"type": "string"} | {key: schema[key] for key in ("maxLength",) if "minLength" not in schema and key in schema}
    elif isinstance(declared.format, Choices):
        schema = {"anyOf": [schema, {"type": "string"}]}
    return _labelled(schema, declared)


def _labelled(schema: Json, declared: Field) -> Json:
    words = [str(declared.label), str(declared.help), _("敏感信息，只给掩码；完整的要按用途查看（reveal）") if declared.sensitive else ""]
    facts = {**schema, "description": "；".join(word for word in words if word)}
    if not declared.required:
        facts["nullable"] = True
        if "enum" in facts:
            facts["enum"] = [*facts["enum"], None]
    return facts


def _query_schema() -> Json:
    condition = _object({"col": {"type": "string"}, "opr": {"type": "string", "enum": list(OPERATORS)}, "value": {}}) | {"required": ["col", "value"]}
    return _object(
        {
            "filters": {"type": "array", "items": condition}, "order_column": {"type": "string"},
            "order_direction": {"type": "string", "enum": ["asc", "desc"]}, "page": {"type": "integer", "minimum": 0},
            "page_size": {"type": "integer", "minimum": 1, "maximum": 100}, "columns": {"type": "array", "items": {"type": "string"}},
            "search": {"type": "string"}, "voided": {"type": "boolean"},
        }
    )  # fmt: skip


def _common(spec: APISpec) -> None:
    """What every register's resource refers to; added by the first."""
    if "register.query" in spec.components.schemas:
        return
    sentence: Json = {"message": {"type": "string"}}
    by_field: Json = {"errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}}
    spec.components.schema("register.query", _query_schema())
    spec.components.schema("register.refusal", _object(sentence))
    spec.components.schema("register.invalid", _object(sentence | by_field))
    for code, meaning in _ERRORS.items():
        schema = "register.invalid" if code == 422 else "register.refusal"
        spec.components.response(f"register.{code}", {"description": str(meaning), "content": _json({"$ref": f"#/components/schemas/{schema}"})})
    for name, scheme in {
        "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "session": {"type": "apiKey", "in": "cookie", "name": "session"},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
    }.items():
        try:
            spec.components.security_scheme(name, scheme)
        except DuplicateComponentNameError:
            continue  # Flask-AppBuilder's own resources have described it


def _component(spec: APISpec, name: str, schema: Json) -> None:
    spec.components.schema(name, schema)


def _name(cls: type[Record]) -> str:
    return cls.__key__ if issubclass(cls, Register) else f"{cls.__parent__.__key__}.{cls.__key__}"  # type: ignore[attr-defined]


def _ref(cls: type[Record], tail: str = "") -> Json:
    return {"$ref": f"#/components/schemas/{_name(cls)}{tail}"}


def _one(cls: type[Record]) -> Json:
    doubts = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    return _object({"id": {"type": "integer"}, "result": _ref(cls), "doubts": doubts})


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
