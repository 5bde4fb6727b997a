"""What a REST list asks: Flask-AppBuilder's `q` (rison or JSON) and the page's own arguments, read alike."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import prison
from flask import request
from prison.decoder import ParserException
from sqlalchemy.orm import Session

from app.formats import Lookup
from app.language import _l
from app.queries import Filter, Listing, QueryError, filterable, read_filter, read_listing
from app.register import Record
from app.scopes import scope_of

#: Flask-AppBuilder's operators and the kind of filter each stands for
OPERATORS = {"eq": "any", "in": "any", "rel_o_m": "any", "ct": "like", "ge": "from", "le": "to", "gt": "over", "lt": "under", "empty": "empty"}
#: what `q` may hold
KEYS = ("filters", "order_column", "order_direction", "page", "page_size", "columns", "search", "voided")
#: the page's arguments that REST takes over; `q` is taken, so the search is called `search`
ARGUMENTS = ("q", "search", "sort", "page", "size", "voided")
FIRST_PAGE, LONGEST = 1, 20_000


def listing_of(session: Session, cls: type[Record], lookup: Lookup) -> tuple[Listing, list[str] | None]:
    """The list asked for and the columns wanted (None: all); QueryError names what makes no sense."""
    asked = _asked(request.args.get("q", ""))
    arguments = _arguments() | _plain(asked)
    listing = read_listing(session, cls, arguments, lookup)
    listing.filters += _filters(session, cls, asked.get("filters") or [], lookup)
    return listing, _columns(asked.get("columns"))


def _arguments() -> dict[str, list[Any]]:
    """The arguments of the address, by the names that lists know."""
    for name in request.args:
        if name not in ARGUMENTS and not name.startswith("f."):
            raise QueryError(_l("没有“%(name)s”这个参数", name=name[:40]))
    found = {name: values for name, values in request.args.lists() if name not in {"q", "search"}}
    return found | {"q": request.args.getlist("search")}


def _asked(text: str) -> dict[str, Any]:
    """What `q` says; an object in JSON begins with a brace, in rison with a bracket."""
    if not text.strip():
        return {}
    if len(text) > LONGEST:
        raise QueryError(_l("参数 q 太长"))
    try:
        asked = json.loads(text) if text.lstrip().startswith("{") else prison.loads(text)
    except (ParserException, ValueError, LookupError, TypeError, RecursionError):
        raise QueryError(_l("参数 q 不是正确的 rison 或 JSON")) from None
    if not isinstance(asked, dict):
        raise QueryError(_l("参数 q 应为一个对象，例如 (page:0,page_size:25)"))
    for key in asked:
        if key not in KEYS:
            raise QueryError(_l("参数 q 里没有“%(key)s”，可用的有：%(keys)s", key=str(key)[:40], keys="、".join(KEYS)))
    return asked


def _plain(asked: dict[str, Any]) -> dict[str, list[str]]:
    """Order, page and search of `q` as a page's arguments."""
    arguments: dict[str, list[str]] = {}
    if asked.get("order_column"):
        direction = asked.get("order_direction") or "asc"
        if direction not in ("asc", "desc"):
            raise QueryError(_l("排序方向应为 asc 或 desc"))
        arguments["sort"] = ["-" * (direction == "desc") + _text(asked, "order_column")]
    if "page" in asked:
        arguments["page"] = [str(_whole(asked, "page", 0, 999_999) + FIRST_PAGE)]
    if "page_size" in asked:
        arguments["size"] = [str(_whole(asked, "page_size", 1, 100))]
    if asked.get("search"):
        arguments["q"] = [_text(asked, "search")]
    if "voided" in asked:
        arguments["voided"] = ["1" if asked["voided"] in (True, 1) else "0"]
    return arguments


def _text(asked: dict[str, Any], key: str) -> str:
    value = asked[key]
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise QueryError(_l("“%(name)s”应为文字", name=key))
    return str(value)


def _whole(asked: dict[str, Any], key: str, least: int, most: int) -> int:
    value = asked[key]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise QueryError(_l("“%(name)s”应为 %(least)s 到 %(most)s 的整数", name=key, least=least, most=most))
    return value


def _columns(wanted: Any) -> list[str] | None:
    if wanted in (None, []):
        return None
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise QueryError(_l("“%(name)s”应为字段名的列表", name="columns"))
    return wanted


def _filters(session: Session, cls: type[Record], wanted: Any, lookup: Lookup) -> Iterable[Filter]:
    if not isinstance(wanted, list):
        raise QueryError(_l("filters 应为列表，每项写明 col、opr、value"))
    allowed = filterable(scope_of(session), cls)
    found = [read_filter(cls, allowed, *_filter(each), lookup) for each in wanted]
    return [each for each in found if each is not None]


def _filter(wanted: Any) -> tuple[str, list[Any]]:
    """One filter of `q` as a page's argument: its name and its values."""
    if not isinstance(wanted, dict) or not isinstance(wanted.get("col"), str) or "value" not in wanted:
        raise QueryError(_l("filters 应为列表，每项写明 col、opr、value"))
    column, operator, value = wanted["col"], wanted.get("opr", "eq"), wanted["value"]
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise QueryError(_l("没有“%(name)s”这种比较，可用的有：%(all)s", name=str(operator)[:40], all="、".join(OPERATORS)))
    kind = OPERATORS[operator]
    if kind == "empty" or value is None:
        return f"f.{column}.empty", ["0" if kind == "empty" and value in (False, 0, "0") else "1"]
    values = value if operator == "in" and isinstance(value, list) else [value]
    if any(isinstance(each, (list, dict)) for each in values) or not values:
        raise QueryError(_l("筛选条件“%(label)s”的值不对", label=column[:40]))
    return f"f.{column}.{kind}", values
