"""A filter in force, in words."""

from __future__ import annotations

from app.formats import Choices, Lookup
from app.language import _, listed
from app.periods import PERIODS
from app.queries import Filter


def saying(each: Filter, lookup: Lookup) -> str:
    """What a filter asks for."""
    label, fmt = str(each.field.label), each.field.format
    if each.kind == "empty":
        return _("%(label)s：未填", label=label) if each.values[0] else _("%(label)s：已填", label=label)
    if each.kind == "like":
        return _("%(label)s含“%(text)s”", label=label, text=listed(each.raw))
    if each.kind == "within":
        return _("%(label)s：%(value)s", label=label, value=str(PERIODS[each.raw[0]].label))
    values = listed(fmt.show([value] if isinstance(fmt, Choices) else value, lookup) for value in each.values)
    sign = {"from": "≥ ", "to": "≤ ", "over": "> ", "under": "< "}.get(each.kind, "")
    return _("%(label)s：%(value)s", label=label, value=sign + (values or _("未填")))


def sent_as(each: Filter) -> tuple[str, ...]:
    """The arguments that a filter may have come as."""
    name = f"f.{each.field.key}"
    return (name, f"{name}.any") if each.kind == "any" else (f"{name}.{each.kind}",)
