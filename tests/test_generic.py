"""What every register does, out of its declaration: round trips, pages, templates, options."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from bs4 import BeautifulSoup
from flask import Flask

import models  # noqa: F401 - announces the registers
from app import registry
from app.register import Register, children, fields
from app.roles import Role
from imports.run import run
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, EXPERT_ADMIN, LEADER, SYSADMIN, Persona
from tests.test_matrix import office_id

ENTRIES = {entry.register.__key__: entry for entry in registry.entries()}
KEYS = pytest.mark.parametrize("key", ENTRIES)


def keeper(key: str) -> Persona:
    """Somebody who keeps the register."""
    rights = ENTRIES[key].rights
    for person, role in ((CLERK, Role.CLERK), (EXPERT_ADMIN, Role.EXPERT_ADMIN), (SYSADMIN, Role.SYSADMIN)):
        if role in rights and rights[role].gates:
            return person
    raise AssertionError(f"nobody keeps {key}")


def fill(session: Any, cls: type[Register], count: int, office: int | None) -> list[Any]:
    rows = []
    for number in range(1, count + 1):
        row = samples.make(session, cls, 500 + number, office)
        for child in children(cls):
            if child.__sheet__:
                samples.make(session, child, 500 + number, parent=row)
        rows.append(row)
    return rows


def exported(app: Flask, key: str, name: str, tmp_path: Any, *more: str) -> Any:
    path = tmp_path / name
    done = app.test_cli_runner().invoke(args=["export", key, str(path), *more])
    assert done.exit_code == 0, done.output
    return path


@KEYS
@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_what_goes_out_comes_in_as_the_same(app: Flask, session_of: SessionOf, tmp_path: Any, key: str, suffix: str) -> None:
    session, cls = session_of(), ENTRIES[key].register
    fill(session, cls, 5, office_id(session, "基础股"))
    path = exported(app, key, f"out.{suffix}", tmp_path)
    _result, report = run(session_of(), cls, path.read_bytes(), path.name)
    assert report["wrong"] == []
    counts = report["counts"]
    assert (counts["new"], counts["changed"], counts["written"]) == (0, 0, 0), report
    assert counts["same"] >= 5
    assert all(child["new"] == child["changed"] == 0 for child in counts["children"].values())


@KEYS
def test_json_holds_every_field_as_stored(app: Flask, session_of: SessionOf, tmp_path: Any, key: str) -> None:
    session, cls = session_of(), ENTRIES[key].register
    row = fill(session, cls, 1, office_id(session, "基础股"))[0]
    found = json.loads(exported(app, key, "out.json", tmp_path).read_text(encoding="utf-8"))
    label = samples.label_of(row)
    written = next(each for each in found if label in map(str, each.values()))
    assert {declared.key for declared in fields(cls)} <= written.keys()


@KEYS
def test_the_filled_in_template_is_understood(app: Flask, session_of: SessionOf, tmp_path: Any, key: str) -> None:
    path = tmp_path / "template.xlsx"
    assert app.test_cli_runner().invoke(args=["template", key, str(path)]).exit_code == 0
    book = openpyxl.load_workbook(path)
    assert "填表说明" in book.sheetnames
    _result, report = run(session_of(), ENTRIES[key].register, path.read_bytes(), path.name)
    assert report["counts"]["written"] == 0, "the example row is not data"
    assert report["counts"]["wrong"] == 0, report["wrong"]


@KEYS
def test_no_picker_carries_more_than_fifty_options(app: Flask, session_of: SessionOf, sign_in: Callable[[Persona], Browser], key: str) -> None:
    session, person = session_of(), keeper(key)
    row = fill(session, ENTRIES[key].register, 1, office_id(session, person.office or "基础股"))[0]
    browser = sign_in(person)
    for path in ("list/", "add", f"edit/{row.id}", f"show/{row.id}"):
        answer = browser.get(f"/{key}/{path}")
        assert answer.status_code == 200, path
        page = BeautifulSoup(answer.data, "html.parser")
        assert all(len(select.find_all("option")) <= 51 for select in page.find_all("select")), path
        assert all(len(group.find_all("input")) <= 50 for group in page.find_all(attrs={"role": "group"})), path


@KEYS
def test_a_form_takes_what_it_showed_and_keeps_what_was_typed(app: Flask, session_of: SessionOf, sign_in: Callable[[Persona], Browser], key: str) -> None:
    session, person = session_of(), keeper(key)
    row = fill(session, ENTRIES[key].register, 1, office_id(session, person.office or "基础股"))[0]
    browser = sign_in(person)
    form = BeautifulSoup(browser.get(f"/{key}/edit/{row.id}").data, "html.parser")
    shown = typed(form)
    answer = browser.client.post(f"/{key}/edit/{row.id}", data=shown)
    assert answer.status_code == 302, BeautifulSoup(answer.data, "html.parser").get_text()[:2000]
    required = next(declared for declared in fields(ENTRIES[key].register) if declared.required)
    form = typed(BeautifulSoup(browser.get(f"/{key}/edit/{row.id}").data, "html.parser"))
    answer = browser.client.post(f"/{key}/edit/{row.id}", data={**form, required.key: "", "remark": "这段话不能丢"})
    assert answer.status_code == 422
    assert "这段话不能丢" in answer.data.decode()


def typed(page: BeautifulSoup) -> dict[str, Any]:
    """The form's controls as a browser would send them."""
    sent: dict[str, Any] = {}
    form = max(page.find_all("form"), key=lambda each: len(each.find_all(["input", "select", "textarea"])))
    for control in form.find_all(["input", "select", "textarea"]):
        name = control.get("name")
        if not name or control.get("type") in {"file", "submit", "button"} or control.has_attr("disabled"):
            continue
        if control.name == "select":
            chosen = [option.get("value", "") for option in control.find_all("option") if option.has_attr("selected")]
            sent[name] = chosen if control.has_attr("multiple") else (chosen or [""])[0]
        elif control.get("type") in {"checkbox", "radio"}:
            if control.has_attr("checked"):
                sent.setdefault(name, []).append(control.get("value", "on"))
        elif control.name == "textarea":
            sent[name] = control.get_text().removeprefix("\n")
        else:
            sent[name] = control.get("value", "")
    return sent


@KEYS
def test_odd_arguments_are_refused_in_words(app: Flask, sign_in: Callable[[Persona], Browser], key: str) -> None:
    browser = sign_in(keeper(key))
    for query in (
        "page=abc",
        "page=0",
        "size=100000",
        "sort=nothing",
        "f.nothing=1",
        "page=99999999999999",
        "f.publish_state=%00",
        "q=%00%ff",
        "sort=-",
        "f.remark.from=1",
    ):
        answer = browser.get(f"/{key}/list/?{query}")
        assert answer.status_code in {200, 400}, (query, answer.status_code)
    for path in ("show/abc", "show/999999999999999999999", "edit/-1", "show/0"):
        assert browser.get(f"/{key}/{path}").status_code == 404, path


@KEYS
def test_formula_looking_text_stays_text(app: Flask, session_of: SessionOf, tmp_path: Any, key: str) -> None:
    session, cls = session_of(), ENTRIES[key].register
    row = fill(session, cls, 1, office_id(session, "基础股"))[0]
    row.remark = "=1+1"
    session.commit()
    book = openpyxl.load_workbook(io.BytesIO(exported(app, key, "out.xlsx", tmp_path).read_bytes()))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert any(cell.value == "=1+1" for cell in cells)
    assert not any(cell.data_type == "f" for cell in cells)
    text = exported(app, key, "out.csv", tmp_path).read_text(encoding="utf-8-sig")
    assert "=1+1" in text
    assert ",=1+1" not in text


def test_leaders_read_everything_everywhere(app: Flask, sign_in: Callable[[Persona], Browser]) -> None:
    browser = sign_in(LEADER)
    for key in ENTRIES:
        assert browser.get(f"/{key}/list/").status_code == 200, key
