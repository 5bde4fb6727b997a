"""Two languages, each complete: no stray English in the Chinese pages, no Chinese sentence in the English ones."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from types import ModuleType

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask_babel import force_locale

import config
import models  # noqa: F401 - announces the registers
from app import registry
from app.language import listed
from app.register import children, fields
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import PEOPLE, SECURITY_ADMIN, SYSADMIN, Persona
from tests.test_generic import ENTRIES, keeper
from tests.test_matrix import office_id

pytestmark = pytest.mark.one_database
#: words that are the same in every language: file types, units, codes, names of the product's parts
SAME = {
    "xlsx", "xls", "csv", "pdf", "jpg", "png", "docx", "doc", "ofd", "zip", "txt", "English", "https", "http", "com", "example", "REST", "www",
    "APJ", "URL", "Ctrl", "Esc", "Excel", "Word", "yingshang", "invalid", "html", "json",
}  # fmt: skip
HAN = re.compile(r"[\u3400-\u9fff]+")


def visible(page: bytes) -> str:
    """What a person reads on a page: text, and the hints that stand in attributes."""
    soup = BeautifulSoup(page, "html.parser")
    for hidden in soup(["script", "style", "template"]):
        hidden.decompose()
    hints = [each.get(name, "") for each in soup.find_all(True) for name in ("placeholder", "title", "aria-label", "alt", "data-label")]
    buttons = [each.get("value", "") for each in soup.find_all("input", {"type": ["submit", "button"]})]
    return "\n".join([soup.get_text("\n"), *hints, *buttons])


def paths(key: str, row: int) -> list[str]:
    found = [
        f"/{key}/list/",
        f"/{key}/list/?f.remark.empty=1&q=zz",
        f"/{key}/show/{row}",
        f"/{key}/add",
        f"/{key}/edit/{row}",
        f"/{key}/import",
        f"/{key}/show/0",
    ]
    return found + [f"/{key}/{row}/{child.__key__}/add" for child in children(ENTRIES[key].register) if child.__gate__.value == "ordinary"]


def data(session: object) -> set[str]:
    """Words that are data: of code lists, offices, people, and the samples."""
    words = {person.name for person in PEOPLE} | {"中文"}
    for key in ("code", "org_unit", "region"):
        table = registry.need(key).__table__
        columns = [column for column in table.columns if isinstance(column.type, sa.String)]
        words |= {str(value) for row in session.connection().execute(sa.select(*columns)) for value in row if value}  # type: ignore[attr-defined]
    return words


@pytest.fixture
def catalogue() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", config.ROOT / "translations" / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_english_catalogue_is_complete(catalogue: ModuleType) -> None:
    assert catalogue.findings() == []


def _row(session_of: SessionOf, key: str) -> tuple[int, set[str]]:
    session = session_of()
    row = samples.make(session, ENTRIES[key].register, 5, office_id(session, keeper(key).office or "基础股"))
    shown = {str(getattr(row, declared.attr)) for declared in fields(type(row))}
    return row.id, shown | data(session)


@pytest.mark.parametrize("key", ENTRIES)
def test_chinese_pages_speak_chinese(app: Flask, session_of: SessionOf, sign_in: Callable[[Persona], Browser], key: str) -> None:
    row, words = _row(session_of, key)
    browser = sign_in(keeper(key))
    stray: dict[str, set[str]] = {}
    for path in paths(key, row):
        text = visible(browser.get(path).data)
        for word in sorted((word for word in words if len(word) > 2), key=len, reverse=True):
            text = text.replace(word, " ")
        found = set(re.findall(r"\b[A-Za-z]{3,}\b", text)) - SAME - {each for word in words for each in re.findall(r"[A-Za-z]+", word)}
        if found:
            stray[path] = found
    assert not stray


@pytest.mark.parametrize("key", ENTRIES)
def test_english_pages_speak_english(app: Flask, session_of: SessionOf, sign_in: Callable[[Persona], Browser], key: str) -> None:
    row, words = _row(session_of, key)
    browser = sign_in(keeper(key))
    browser.get("/lang/en")
    pieces = {piece for word in words for piece in HAN.findall(word)}
    stray: dict[str, set[str]] = {}
    for path in paths(key, row):
        found = {piece for piece in HAN.findall(visible(browser.get(path).data)) if piece not in pieces}
        if found:
            stray[path] = found
    assert not stray


FRAME = ("/", "/users/userinfo/", "/resetmypassword/form", "/signins/")
ACCOUNTS = ("/users/list/", "/users/add", "/roles/list/", "/groups/list/", "/groups/add", "/account-security/")


@pytest.mark.parametrize(("person", "path"), [(SYSADMIN, path) for path in FRAME] + [(SECURITY_ADMIN, path) for path in ACCOUNTS])
def test_the_frame_speaks_both(app: Flask, session_of: SessionOf, sign_in: Callable[[Persona], Browser], person: Persona, path: str) -> None:
    browser, words = sign_in(person), data(session_of())
    answer = browser.client.get(path, follow_redirects=True)
    assert answer.status_code == 200
    names = {word for person in PEOPLE for word in (person.username, *(role.value for role in person.roles))}
    names |= {part for name in names for part in name.split("_")} | SAME
    assert not set(re.findall(r"\b[A-Za-z]{3,}\b", visible(answer.data).replace("_", " "))) - names - {"public"}
    browser.get("/lang/en")
    found = set(HAN.findall(visible(browser.client.get(path, follow_redirects=True).data)))
    assert not {piece for piece in found if not any(piece in word for word in words)}


def test_sign_in_speaks_both(app: Flask, sign_in: Callable[[Persona], Browser]) -> None:
    browser = Browser(app.test_client())
    assert not set(re.findall(r"\b[A-Za-z]{3,}\b", visible(browser.get("/login/").data))) - SAME
    browser.get("/lang/en")
    assert set(HAN.findall(visible(browser.get("/login/").data))) <= {"中文"}


def test_words_in_a_row_are_put_as_the_language_does(app: Flask) -> None:
    with app.test_request_context():
        for language, said in (("zh_Hans", "甲、乙"), ("en", "甲, 乙"), ("zh_Hans", "甲、乙")):
            with force_locale(language):
                assert listed(["甲", "乙"]) == said
