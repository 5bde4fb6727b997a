"""Valid values for every field of every register, out of the declarations."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import registry
from app.clock import now
from app.fields import Field, Gate
from app.formats import Link, credit_code_check, resident_id_check
from app.lookup import DatabaseLookup
from app.register import Child, PublishState, Record, fields, values_of


def credit_code(number: int) -> str:
    body = f"91130828{number:09d}"
    return body + credit_code_check(body)


def resident_id(number: int) -> str:
    body = f"130828{1970 + number % 30}0315{number % 1000:03d}"
    return body + resident_id_check(body)


def sample(declared: Field, number: int, lookup: DatabaseLookup) -> Any:
    """A value that the field keeps, different for different numbers where the format allows."""
    fmt = declared.format
    day = date(2026, 1, 1) + timedelta(days=number % 300)
    plain: dict[str, Any] = {
        "text": f"{declared.key}样例{number}"[: getattr(fmt, "length", 200)],
        "long_text": f"说明第一行{number}\n第二行",
        "person_name": f"张{chr(0x4E00 + number)}",
        "words": f"甲{number}、乙",
        "code": f"C{number:04d}",
        "credit_code": credit_code(number),
        "resident_id": resident_id(number),
        "bank_card": "6222020200112233445"[:18] + "0",
        "document_number": f"围应急〔2026〕{number % 9000 + 1}号",
        "certificate_number": f"冀安检2024-{number:03d}",
        "phone": "0314-7620011",
        "mobile": f"1380000{number % 10000:04d}",
        "email": f"a{number}@example.com",
        "url": f"https://example.com/{number}",
        "date": day,
        "date_until": day + timedelta(days=400),
        "datetime": now(),
        "yes_no": False,
        "count": number % 100 + 1,
        "number": Decimal(number % 1000 + 1),
    }
    if fmt.name in plain:
        return plain[fmt.name]
    if fmt.name == "state":
        return declared.default or fmt.options()[0][0]  # type: ignore[attr-defined]
    if hasattr(fmt, "code_list"):
        options = lookup.options(fmt.code_list)  # type: ignore[attr-defined]
        word = options[number % len(options)][0] if options else f"词{number}"
        return [word] if fmt.name == "choices" else word
    return None  # links and files are set by the tests that are about them


def values(session: Session, cls: type[Record], number: int) -> dict[str, Any]:
    """Values by attribute for a whole new row that breaks no rule."""
    lookup = DatabaseLookup(session)
    made = {declared.key: sample(declared, number, lookup) for declared in fields(cls) if declared.gate in {Gate.ORDINARY, Gate.LEGAL}}
    return made


def make(session: Session, cls: type[Record], number: int, office: int | None = None, published: bool = False, parent: Record | None = None) -> Any:
    """A saved row (session: the system's)."""
    made = consistent(cls, values(session, cls, number), parent)
    made.update(
        {declared.key: _linked(session, declared, number, office) for declared in fields(cls) if declared.required and isinstance(declared.format, Link)}
    )
    row = cls(**{declared.attr: made.get(declared.key) for declared in fields(cls) if declared.key in made})
    if isinstance(row, Child):
        assert parent is not None
        row.parent_id = parent.id
    else:
        row.org_unit_id = office
        row.publish_state = PublishState.PUBLISHED.value if published else PublishState.PRIVATE.value
    session.add(row)
    session.commit()
    return row


def _linked(session: Session, declared: Field, number: int, office: int | None) -> int:
    """A record that a link may point at: one that is there, or a new one."""
    target: Any = registry.need(declared.format.register)  # type: ignore[attr-defined]
    found = session.scalar(sa.select(target.id).limit(1))
    return int(found or make(session, target, number, office).id)


def consistent(cls: type[Record], made: dict[str, Any], parent: Record | None) -> dict[str, Any]:
    """Values without those that contradict others: what follows from others is left to follow."""
    above = values_of(parent) if parent is not None else None
    for key in cls.derive({**made}, above):
        made[key] = cls.derive({**made}, above)[key]
    for problem in cls.check(made, above):
        made[problem.field] = None
    problems = list(cls.check(made, above))
    assert not problems, [str(problem.message) for problem in problems]
    return made


def label_of(row: Any) -> str:
    """What people call the row, as lists show it."""
    return str(getattr(row, {each.key: each.attr for each in fields(type(row))}[type(row).__label__]))
