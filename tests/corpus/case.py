"""One workbook of the corpus, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from app.formats import credit_code_check
from tests.corpus.pages import Page

Row = Mapping[str, object]


@dataclass(frozen=True)
class Case:
    """`rows`: each data row's number and all that it must say; `left`: each row left out, and why; the rest as the plan reports it."""

    name: str
    build: Callable[[], bytes]
    rows: Mapping[int, Row] = field(default_factory=dict)
    left: Mapping[int, str] = field(default_factory=dict)
    wrong: tuple[tuple[int, str, str], ...] = ()
    doubtful: tuple[tuple[int, str, str], ...] = ()
    sheets: tuple[str, ...] = ()  # left out whole
    unread: tuple[str, ...] = ()  # headings that feed nothing
    register: str = "agency"
    refused: str = ""


def uscc(number: int) -> str:
    body = f"91130828MA{number:07d}"
    return body + credit_code_check(body)


HEAD: list[object] = ["机构名称", "统一社会信用代码", "联系人", "联系电话", "固定资产（万元）", "专职安全评价师人数", "核验日期", "备注"]


def line(number: int) -> list[object]:
    """An agency as a tidy row has it."""
    return [
        f"围场第{number}安全技术服务有限公司",
        uscc(number),
        "吴海燕",
        f"0314-75{number:05d}",
        100 + number,
        20 + number,
        date(2026, 3, number),
        f"第{number}家",
    ]


def says(number: int, **other: object) -> dict[str, object]:
    """What that row must say."""
    said: dict[str, object] = {
        "name": f"围场第{number}安全技术服务有限公司", "uscc": uscc(number), "contact": "吴海燕", "office_phone": f"0314-75{number:05d}",
        "fixed_assets": 100 + number, "full_time_evaluators": 20 + number, "verified_on": date(2026, 3, number), "remark": f"第{number}家",
    }  # fmt: skip
    return {key: value for key, value in (said | other).items() if value is not None}


def page(*lines: list[object], head: list[object] | None = None, **facts: object) -> Page:
    return Page([HEAD if head is None else head, *lines], **facts)  # type: ignore[arg-type]


def cells(number: int, **other: object) -> list[object]:
    """A tidy row with some cells otherwise, by field."""
    keys = ["name", "uscc", "contact", "office_phone", "fixed_assets", "full_time_evaluators", "verified_on", "remark"]
    return [other.get(key, value) for key, value in zip(keys, line(number), strict=True)]
