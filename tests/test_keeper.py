"""The keeper of the code lists: words that wait, and what merging does to the records that hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask

from app import keeper
from app.register import Source
from models.agency import Agency, Qualification
from models.expert import Expert
from models.reference import CodeEntry
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import CLERK, OTHER, OWN, SYSADMIN, VISITOR, Persona
from tests.test_matrix import office_id

SignIn = Callable[[Persona], Browser]
WORD, LIST = "高处作业安全技术", "expert_speciality"


@pytest.fixture
def waiting(session_of: SessionOf) -> Any:
    """A new word of an open list, held by two experts: one in several words, one alone; and by a voided one."""
    session = session_of()
    entry = CodeEntry(code_list=LIST, code=WORD, label=WORD, word_state="pending", source=Source.FORM.value)
    session.add(entry)
    session.commit()
    first, second = (samples.make(session, Expert, number, office_id(session, office)) for number, office in ((21, OWN), (22, OTHER)))
    known = session.scalar(sa.select(CodeEntry.code).where(CodeEntry.code_list == LIST, CodeEntry.word_state == "accepted").limit(1))
    first.specialities, first.speciality_group = [known, WORD], known
    second.specialities, second.speciality_group = [WORD], WORD
    session.commit()
    return entry


def held(session_of: SessionOf, number: int) -> Any:
    session = session_of()
    return session.get(Expert, number)


def entry_named(session: Any, label: str) -> Any:
    return session.scalar(sa.select(CodeEntry).where(CodeEntry.code_list == LIST, CodeEntry.label == label, CodeEntry.voided_at.is_(None)))


def other_word(session: Any) -> Any:
    return session.scalars(sa.select(CodeEntry).where(CodeEntry.code_list == LIST, CodeEntry.word_state == "accepted").order_by(CodeEntry.id)).all()[2]


def test_the_page_says_how_often_a_word_is_used_and_names_no_record_out_of_reach(waiting: Any, sign_in: SignIn) -> None:
    page = BeautifulSoup(sign_in(SYSADMIN).get("/words/").data, "html.parser")
    word = page.select_one(f"section[aria-labelledby=word-{waiting.id}]")
    text = word.get_text(" ", strip=True)
    assert WORD in text
    assert "专业特长： 2 处" in text or "专业特长：2 处" in text
    assert "张" not in text, "a system administrator reads no expert"
    assert not word.select("a[href^='/expert/']")


@pytest.mark.parametrize("person", [CLERK, VISITOR], ids=["clerk", "visitor"])
def test_nobody_else_keeps_lists(waiting: Any, sign_in: SignIn, session_of: SessionOf, person: Persona) -> None:
    browser = sign_in(person)
    assert browser.get("/words/").status_code in {302, 403}
    assert browser.get(f"/words/entries?list={LIST}").status_code in {302, 403}
    target = other_word(session_of())
    for act, data in (("accept", {}), ("merge", {"target": target.id}), ("retire", {"last_day": "2026-12-31"})):
        browser.post(f"/words/{waiting.id}/{act}", data, token_from="/login/" if person is VISITOR else "/")
    assert entry_named(session_of(), WORD).word_state == "pending"


def test_an_accepted_word_is_offered(waiting: Any, sign_in: SignIn, session_of: SessionOf) -> None:
    browser = sign_in(SYSADMIN)
    assert browser.post(f"/words/{waiting.id}/accept", token_from="/words/").status_code == 302
    assert entry_named(session_of(), WORD).word_state == "accepted"
    assert WORD in {each["text"] for each in browser.get(f"/words/entries?list={LIST}&q={WORD[:2]}").json["results"]}


def test_merging_rewrites_every_record_and_keeps_the_word_as_an_alias(waiting: Any, sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of()
    first, second = session.scalars(sa.select(Expert).order_by(Expert.id)).all()
    versions = first.row_version, second.row_version
    target = other_word(session)
    known = first.specialities[0]
    answer = sign_in(SYSADMIN).post(f"/words/{waiting.id}/merge", {"target": target.id}, token_from="/words/", follow_redirects=True)
    assert "改写了 3 处" in answer.data.decode()
    first, second = held(session_of, first.id), held(session_of, second.id)
    assert first.specialities == ([known, target.code] if target.code != known else [known])
    assert first.speciality_group == known, "what held another word stays"
    assert (second.specialities, second.speciality_group) == ([target.code], target.code)
    assert first.row_version == versions[0] + 1, "a form opened before must notice"
    assert second.row_version > versions[1]
    session = session_of()
    assert entry_named(session, WORD) is None
    from app.lookup import DatabaseLookup

    assert DatabaseLookup(session).word(LIST, WORD) == target.code


def test_a_word_merges_only_into_an_accepted_one_of_its_list(waiting: Any, sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of()
    foreign = session.scalar(sa.select(CodeEntry).where(CodeEntry.code_list != LIST).limit(1))
    for target in (foreign.id, waiting.id, "x", ""):
        sign_in(SYSADMIN).post(f"/words/{waiting.id}/merge", {"target": target}, token_from="/words/")
        assert entry_named(session_of(), WORD).word_state == "pending"
    assert held(session_of, session.scalar(sa.select(sa.func.max(Expert.id)))).specialities == [WORD]


def test_a_retired_word_keeps_its_meaning_and_is_offered_no_longer(waiting: Any, sign_in: SignIn, session_of: SessionOf) -> None:
    browser = sign_in(SYSADMIN)
    browser.post(f"/words/{waiting.id}/retire", {"last_day": "明天"}, token_from="/words/")
    assert entry_named(session_of(), WORD).effective_to is None
    browser.post(f"/words/{waiting.id}/retire", {"last_day": "2020-12-31"}, token_from="/words/")
    from app.lookup import DatabaseLookup

    lookup = DatabaseLookup(session_of())
    assert WORD not in dict(lookup.options(LIST))
    assert lookup.label(LIST, WORD) == WORD
    assert "没有等待确认的词" in browser.get("/words/").data.decode()


def test_places_are_every_field_of_the_list_children_too(app: Flask) -> None:
    assert {(place.cls, place.field.key) for place in keeper.places(LIST)} == {(Expert, "speciality_group"), (Expert, "specialities")}
    assert (Qualification, "cert_type") in {(place.cls, place.field.key) for place in keeper.places("cert_type")}
    assert all(place.cls is not Agency for place in keeper.places(LIST))


def test_an_entrys_page_leads_its_keeper_on(waiting: Any, sign_in: SignIn) -> None:
    link = f"/words/?entry={waiting.id}"
    assert link in sign_in(SYSADMIN).get(f"/code/show/{waiting.id}").text
    assert link not in sign_in(CLERK).get(f"/code/show/{waiting.id}").text
    assert WORD in sign_in(SYSADMIN).get(link).text
