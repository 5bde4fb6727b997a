"""Help: every page is there in both languages and speaks the language it is for."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import config
from tests.conftest import Browser
from tests.people import CLERK, VISITOR, Persona
from views.help import TOPICS

pytestmark = pytest.mark.one_database
SignIn = Callable[[Persona], Browser]
FOLDER = config.ROOT / "app" / "templates" / "help"


@pytest.mark.parametrize("name", TOPICS)
def test_each_task_has_a_page_in_both_languages(sign_in: SignIn, name: str) -> None:
    browser = sign_in(CLERK)
    page = browser.get(f"/help/{name}").data.decode()
    assert (FOLDER / "zh" / f"{name}.html").read_text(encoding="utf-8").strip()[:20] in page
    browser.get("/lang/en")
    page = browser.get(f"/help/{name}").data.decode()
    article = re.search(r"<article.*?</article>", page, re.DOTALL)
    assert article
    assert len(article.group()) > 200
    assert not re.search(r"[\u3400-\u9fff]", article.group())


def test_help_has_no_page_that_is_in_no_list() -> None:
    for language in ("zh", "en"):
        assert {path.stem for path in (FOLDER / language).glob("*.html")} == set(TOPICS)


def test_an_unknown_page_and_a_visitor_get_none(sign_in: SignIn) -> None:
    assert sign_in(CLERK).get("/help/secrets").status_code == 404
    assert sign_in(VISITOR).get("/help/import").status_code in {302, 403}
