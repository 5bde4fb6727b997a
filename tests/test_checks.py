"""Every check fires on a register that breaks it, and the bureau's own registers are sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

import models
from app import registry
from app.checks import UnsoundDeclarations, check_registers, ensure_sound
from app.code_lists import CodeList
from app.fields import Day, Mobile, Name, Phone, Until, field, link, one_of
from app.register import Base, Child, Register
from app.registry import Entry
from app.roles import LEDGER, Grant, Rows
from models.reference import OrgUnit

assert models
LISTS = ["known"]
_MODULES = count()
KNOWN, UNKNOWN = CodeList("known", "有"), CodeList("unknown", "没有")


@pytest.fixture
def declare() -> Iterator[Callable[..., Any]]:
    """Declares throw-away classes and takes their tables out of the metadata again."""
    made: list[Any] = []
    modules = _MODULES  # a class of the same name needs another module, or SQLAlchemy warns

    def make(base: type[Any], key: str, annotations: dict[str, Any], **body: Any) -> Any:
        space = {"__tablename__": key, "__key__": key, "__title__": "坏台账", "__annotations__": annotations, "__module__": f"broken{next(modules)}", **body}
        made.append(type("Broken" + base.__name__, (base,), space))
        return made[-1]

    yield make
    for cls in made:
        Base.metadata.remove(cls.__table__)


def found(register: type[Register], rights: Any = LEDGER) -> set[tuple[str, str]]:
    entries = [Entry(register, rights, "测试"), Entry(OrgUnit, LEDGER, "测试")]
    return {(finding.id, finding.where) for finding in check_registers(entries, LISTS) if finding.where.startswith("Broken")}


NAME = {"name": Mapped[Name]}

BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "a label used twice": ({**NAME, "other": Mapped[Name | None]}, {"name": field("名称"), "other": field("名称", sheet=False)}, "Y001", "BrokenRegister"),
    "an alias claimed twice": (
        {**NAME, "other": Mapped[Name | None]},
        {"name": field("名称"), "other": field("别名", aliases=("名称",))},
        "Y002",
        "BrokenRegister",
    ),
    "no format": ({**NAME, "bare": Mapped[int | None]}, {"name": field("名称"), "bare": field("数")}, "Y003", "BrokenRegister.bare"),
    "no label": ({**NAME, "other": Mapped[Name | None]}, {"name": field("名称"), "other": field("")}, "Y004", "BrokenRegister.other"),
    "a name that is no field": (NAME, {"name": field("名称"), "__names__": ("nick",)}, "Y006", "BrokenRegister"),
    "a label that is no field": ({"name": Mapped[Name | None]}, {"name": field("名称"), "__label__": "title"}, "Y006", "BrokenRegister"),
    "sensitive and public": (
        {**NAME, "mobile": Mapped[Mobile | None]},
        {"name": field("名称"), "mobile": field("手机", sensitive=True, public=True)},
        "Y008",
        "BrokenRegister.mobile",
    ),
    "sensitive and searched": (
        {**NAME, "mobile": Mapped[Mobile | None]},
        {"name": field("名称"), "mobile": field("手机", sensitive=True, search=True)},
        "Y008",
        "BrokenRegister.mobile",
    ),
    "searched, though no text": (
        {**NAME, "kind": Mapped[Annotated[str, one_of(KNOWN)] | None], "day": Mapped[Day | None]},
        {"name": field("名称", search=True), "kind": field("类别", search=True), "day": field("日期")},
        "Y015",
        "BrokenRegister.kind",
    ),
    "an unknown code list": (
        {**NAME, "kind": Mapped[Annotated[str, one_of(UNKNOWN)] | None]},
        {"name": field("名称"), "kind": field("类别")},
        "Y009",
        "BrokenRegister.kind",
    ),
    "required beside the key": (
        {**NAME, "kind": Mapped[Annotated[str, one_of(KNOWN)]]},
        {"name": field("名称"), "kind": field("类别")},
        "Y013",
        "BrokenRegister.kind",
    ),
}


@pytest.mark.parametrize(("annotations", "body", "check", "where"), BROKEN.values(), ids=BROKEN)
def test_a_slip_is_found(declare: Callable[..., Any], annotations: dict[str, Any], body: dict[str, Any], check: str, where: str) -> None:
    assert found(declare(Register, "t_broken", annotations, **body)) == {(check, where)}


def test_a_key_of_no_field(declare: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLAlchemy refuses an index on no column itself; the check also sees keys that were changed later."""
    register = declare(Register, "t_broken", dict(NAME), name=field("名称"))
    monkeypatch.setattr(register, "__keys__", (("nothing",),))
    assert found(register) == {("Y005", "BrokenRegister")}


def test_a_spill_that_does_not_fit(declare: Callable[..., Any]) -> None:
    day, mobile = field("日期"), field("手机")
    body = {"name": field("名称"), "day": day, "mobile": mobile, "phone": field("电话", spill=day), "until": field("止", spill=mobile)}
    annotations = {**NAME, "day": Mapped[Day | None], "mobile": Mapped[Mobile | None], "phone": Mapped[Phone | None], "until": Mapped[Until | None]}
    register = declare(Register, "t_broken", annotations, **body)
    assert found(register) == {("Y007", "BrokenRegister.phone"), ("Y007", "BrokenRegister.until")}


def test_a_link_to_no_register(declare: Callable[..., Any]) -> None:
    register = declare(Register, "t_broken", {**NAME, "peer_id": Mapped[Annotated[int, link("t_broken")] | None]}, name=field("名称"), peer_id=field("关联"))
    assert found(register) == set()
    lonely = check_registers([Entry(OrgUnit, LEDGER, "测试")], LISTS)
    assert lonely == []
    alone = check_registers([Entry(register, LEDGER, "测试")], LISTS)
    assert [(finding.id, finding.where) for finding in alone] == [("Y010", "BrokenRegister.org_unit")]


def test_rights_of_no_role(declare: Callable[..., Any]) -> None:
    register = declare(Register, "t_broken", dict(NAME), name=field("名称"))
    assert found(register, {"janitor": Grant(Rows.ALL)}) == {("Y011", "BrokenRegister")}


def test_keys_of_registers_and_children(declare: Callable[..., Any]) -> None:
    register = declare(Register, "t_broken", dict(NAME), name=field("名称"), __key__="Broken-1")
    declare(Child, "t_name", {"body": Mapped[Name]}, body=field("内容"), __key__="name", __parent__=register, __label__="body")
    assert found(register) == {("Y014", "BrokenRegister"), ("Y012", "BrokenChild")}


def test_no_register_is_called_like_a_table_of_the_search(declare: Callable[..., Any]) -> None:
    register = declare(Register, "search_t_broken", dict(NAME), name=field("名称"))
    assert found(register) == {("Y014", "BrokenRegister")}


def test_a_child_of_the_sheet_claims_no_heading_of_its_parent(declare: Callable[..., Any]) -> None:
    register = declare(Register, "t_broken", dict(NAME), name=field("名称"))
    child = declare(Child, "t_rows", {"body": Mapped[Name]}, body=field("内容", aliases=("名称",)), __key__="rows_", __parent__=register, __label__="body")
    assert found(register) == {("Y002", "BrokenRegister")}
    child.__sheet__ = False
    assert found(register) == set()


def test_what_is_derived_or_has_a_default_may_be_required(declare: Callable[..., Any]) -> None:
    def derive(cls: Any, values: Any, parent: Any = None) -> dict[str, Any]:
        return {"nick": "x"}

    body = {"name": field("名称"), "nick": field("昵称"), "kind": field("类别", default="a"), "derive": classmethod(derive)}
    register = declare(Register, "t_broken", {**NAME, "nick": Mapped[Name], "kind": Mapped[Annotated[str, one_of(KNOWN)]]}, **body)
    assert found(register) == set()


def test_a_plain_column_is_nobodys_business(declare: Callable[..., Any]) -> None:
    register = declare(Register, "t_broken", {**NAME, "token": Mapped[str | None]}, name=field("名称"), token=mapped_column(sa.String(8)))
    assert found(register) == set()


def test_the_server_does_not_start_with_findings(declare: Callable[..., Any]) -> None:
    register = declare(Register, "t_broken", {**NAME, "other": Mapped[Name | None]}, name=field("名称"), other=field(""))
    with pytest.raises(UnsoundDeclarations, match=r"Y004 BrokenRegister\.other: the field has no label") as caught:
        ensure_sound([Entry(register, LEDGER, "测试"), Entry(OrgUnit, LEDGER, "测试")], LISTS)
    assert len(caught.value.findings) == 1


def test_the_registers_of_the_bureau_are_sound() -> None:
    assert registry.entries()
    assert [str(finding) for finding in check_registers()] == []
    ensure_sound()
