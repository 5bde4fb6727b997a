"""What a printed form may name: every field of the record by its label, its children as lists.

    {{ 审查编号 }}                        the field as the reader sees it
    {{ 是否适用例外规定_勾选 }}            ☑是　□否
    {%tr for 行 in 竞争影响评估 %} … {{ 行.审查标准 }} … {%tr endfor %}

A name is the label without punctuation; the field's key works too. Values are texts, masked as
everywhere; nothing but texts, lists and mappings reaches a template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.orm import Session

from app import masking
from app.clock import today
from app.documents import PrintedForm
from app.fields import Field
from app.formats import Choice, Choices, File, StateOf, YesNo
from app.language import Text, _l, chinese
from app.lookup import DatabaseLookup
from app.register import Child, Record, children, field_of
from app.scopes import SYSTEM, Scope, scope_of

TICKED, OPEN = "☑", "□"
TICKS = "_勾选"
CODE = "_编号"
NUMBER = "序号"
#: what every form may name besides the record
AROUND: Mapping[str, Text] = {
    "表名": _l("这份表的名称"),
    "填报单位": _l("打印人的股室；没有股室的，写本局名称"),
    "打印日期": _l("打印的日期"),
    "打印人": _l("打印人的姓名"),
}

Values = dict[str, Any]
Say = Callable[[Field, Any], str]


@dataclass(frozen=True)
class Named:
    """A placeholder in words: what it stands for, how it is written, with ticks and code where there are choices."""

    label: str
    name: str
    ticks: str = ""
    code: str = ""


@dataclass
class NamedList:
    """The placeholders of a kind of children."""

    title: str
    name: str
    fields: list[Named] = field(default_factory=list)


def name_of(label: Text) -> str:
    """A label as a name that templates can write: 是否具有排除、限制竞争效果 without the 、."""
    return re.sub(r"\W", "", chinese(label))


def printable(scope: Scope, cls: type[Record]) -> list[Field]:
    """The fields that a form may print for this reader."""
    return [declared for declared in scope.readable(cls) if not isinstance(declared.format, File)]


def _has_ticks(declared: Field) -> bool:
    return isinstance(declared.format, (Choice, StateOf, YesNo))


def _has_code(declared: Field) -> bool:
    return isinstance(declared.format, Choice) and not isinstance(declared.format, Choices)


# what there is to name ----------------------------------------------------------------------------


def described(form: PrintedForm) -> tuple[list[Named], list[NamedList]]:
    """The placeholders of a form, in words; those of all fields, whoever reads."""
    lists = []
    for kind in children(form.register):
        named = [Named(NUMBER, f"行.{NUMBER}"), *(_named(each, "行.") for each in _all(kind))]
        lists.append(NamedList(str(kind.__title__), name_of(kind.__title__), named))
    return [_named(each) for each in _all(form.register)], lists


def _named(declared: Field, before: str = "") -> Named:
    name = before + name_of(declared.label)
    return Named(str(declared.label), name, name + TICKS if _has_ticks(declared) else "", name + CODE if _has_code(declared) else "")


def _all(cls: type[Record]) -> list[Field]:
    return printable(Scope(SYSTEM), cls)


# values -------------------------------------------------------------------------------------------


def filled(session: Session, form: PrintedForm, row: Any, office: str) -> Values:
    """The values of one record for this reader; Chinese, whatever language is on."""
    with force_locale("zh_Hans"):
        scope, lookup = scope_of(session), DatabaseLookup(session)
        own = printable(scope, form.register)
        kinds = {kind: printable(scope, kind) for kind in children(form.register)}
        lookup.prepare([*own, *(each for declared in kinds.values() for each in declared)])
        lookup.prepare_rows([row], own)
        values = {**_blank(form), **_around(form, office, scope.actor.full_name), **_record(scope, lookup, own, row)}
        for kind, declared in kinds.items():
            rows = _children(session, kind, row.id) if declared else []
            lookup.prepare_rows(rows, declared)
            _list(values, kind, _whole(form, kind, lookup, [_record(scope, lookup, declared, each) for each in rows]))
        return values


def sample(session: Session, form: PrintedForm, office: str) -> Values:
    """Values that show where everything goes: each field says its own label. No record is read."""
    with force_locale("zh_Hans"):
        lookup = DatabaseLookup(session)
        values = {**_around(form, office, scope_of(session).actor.full_name), **_samples(_all(form.register), lookup)}
        for kind in children(form.register):
            _list(values, kind, _whole(form, kind, lookup, [_samples(_all(kind), lookup) for _ in range(2)]))
        return values


def _around(form: PrintedForm, office: str, person: str) -> Values:
    day = today()
    said = (chinese(form.title), office, f"{day.year}年{day.month}月{day.day}日", person)
    return dict(zip(AROUND, said, strict=True))


def _blank(form: PrintedForm) -> Values:
    """Every name of the form, empty: what a reader may not see prints as nothing."""
    values: Values = {}
    for declared in _all(form.register):
        values |= _said(declared, "", "")
    return values


def _said(declared: Field, text: str, ticks: str, code: str = "") -> Values:
    """What one field gives a template, under its label and under its key."""
    name = name_of(declared.label)
    said = {name: text, declared.key: text}
    if _has_ticks(declared):
        said[name + TICKS] = ticks
    if _has_code(declared):
        said[name + CODE] = code
    return said


def _record(scope: Scope, lookup: DatabaseLookup, declared: list[Field], row: Any) -> Values:
    values: Values = {}
    for each in declared:
        value = getattr(row, each.attr)
        text = masking.shown(scope, each, value, lookup)
        values |= _said(each, text, _ticks(each, value, lookup), value or "") if scope.clear(each) else _said(each, text, text, text)
    return values


def _samples(declared: list[Field], lookup: DatabaseLookup) -> Values:
    values: Values = {}
    for each in declared:
        text = f"〔{chinese(each.label)}〕"
        values |= _said(each, text, _ticks(each, None, lookup), text)
    return values


def _ticks(declared: Field, value: Any, lookup: DatabaseLookup) -> str:
    """Every choice with a box, those that hold ticked; empty for fields without choices."""
    fmt = declared.format
    if isinstance(fmt, YesNo):
        options: list[tuple[Any, str]] = [(True, "是"), (False, "否")]
    elif isinstance(fmt, StateOf):
        options = [(state.value, chinese(state.label)) for state in fmt.states]
    elif isinstance(fmt, Choice):
        options = list(fmt.options(lookup))
    else:
        return ""
    chosen = value if isinstance(value, list) else [value]
    known = {code for code, _label in options}
    lapsed = [(code, fmt.show(code if not isinstance(value, list) else [code], lookup)) for code in chosen if code is not None and code not in known]
    return "　".join(f"{TICKED if code in chosen else OPEN}{label}" for code, label in options + lapsed)


def _children(session: Session, kind: type[Child], parent_id: int) -> list[Any]:
    own: Any = kind
    return list(session.scalars(sa.select(own).where(own.parent_id == parent_id, own.voided_at.is_(None)).order_by(own.id)))


def _list(values: Values, kind: type[Child], rows: list[Values]) -> None:
    numbered = [{NUMBER: str(number), **row} for number, row in enumerate(rows, start=1)]
    values[name_of(kind.__title__)] = values[kind.__key__] = numbered


def _whole(form: PrintedForm, kind: type[Child], lookup: DatabaseLookup, rows: list[Values]) -> list[Values]:
    """The rows; of a list that the form prints whole, one for each word, answered or not, then what stands outside it."""
    declared = next((field_of(attribute) for attribute in form.whole if attribute.class_ is kind), None)
    if declared is None or not isinstance(declared.format, Choice):
        return rows
    coded = name_of(declared.label) + CODE
    answered = {row[coded]: row for row in rows}
    blank: Values = {}
    for each in _all(kind):
        blank |= _said(each, "", _ticks(each, None, lookup))
    words = ((code, {**blank, **_said(declared, label, "", code)}) for code, label in declared.format.options(lookup))
    found = [answered.pop(code, empty) for code, empty in words]
    return found + list(answered.values())
