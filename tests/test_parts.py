"""A plan survives being packed: every value of every register, in every outcome, with children, problems and words."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale

import models  # noqa: F401 - announces the registers
from app import registry
from app.language import _l
from app.register import Register, field_map
from imports import parts
from imports.outcome import Outcome, PlannedChild, PlannedRecord
from imports.parts import Part
from imports.rows import Issue
from imports.targets import fed_children
from tests import samples
from tests.conftest import SessionOf

REGISTERS = [entry.register for entry in registry.entries()]


def planned(session: Any, cls: Any, number: int) -> dict[str, Any]:
    """A record's values, all of them filled in, as a plan has them."""
    return dict.fromkeys(field_map(cls)) | samples.values(session, cls, number)


@pytest.mark.parametrize("cls", REGISTERS, ids=lambda cls: cls.__key__)
def test_every_value_comes_back(session_of: SessionOf, cls: type[Register]) -> None:
    session = session_of()
    old, new = planned(session, cls, 1), planned(session, cls, 2)
    changes = {key: (old[key], new[key]) for key in new if old[key] != new[key]}
    below = [PlannedChild(kind, Outcome.NEW, [7], planned(session, kind, 3)) for kind in fed_children(cls)]
    issue = Issue("名录", 7, "联系电话", "phone", "bad_phone", _l("“%(label)s”必须填写", label=_l("机构名称")))
    part = Part(
        [
            PlannedRecord(cls, Outcome.NEW, [3, 4], new, {}, None, 0, below, [issue], [("scope", "新词")]),
            PlannedRecord(cls, Outcome.CHANGED, [5], new, changes, 12, 3),
            PlannedRecord(cls, Outcome.SAME, [6], old, {}, 13, 1),
            PlannedRecord(cls, Outcome.WRONG, [7], {}, issues=[issue]),
        ],
        [issue],
        [issue, issue],
    )
    back = parts.unpack(cls, parts.packed(parts.spelled(cls, part)))
    assert [record.outcome for record in back.records] == list(Outcome)
    fresh, changed, same, wrong = back.records
    assert (fresh.after, fresh.numbers, fresh.words) == (new, [3, 4], [("scope", "新词")])
    assert [(child.cls, child.after) for child in fresh.children] == [(child.cls, child.after) for child in below]
    assert (changed.after, changed.changes, changed.id, changed.version) == (new, changes, 12, 3)
    assert (same.after[cls.__label__], same.id, same.numbers) == (old[cls.__label__], 13, [6])
    assert wrong.issues == [issue]
    assert (len(back.wrong), len(back.doubtful)) == (1, 2)
    assert part.tally() == {"new": 1, "changed": 1, "same": 1, "wrong": 1, "issues": 1, "doubts": 2}


def test_a_sentence_is_said_in_the_readers_language(app: Flask) -> None:
    """What was found while the worker ran in Chinese is read in English by who reads English."""
    agency: Any = registry.need("agency")
    issue = Issue("名录", 7, "机构名称", "name", "required", _l("“%(label)s”必须填写", label=_l("机构名称")))
    [back] = parts.unpack(agency, parts.packed(parts.spelled(agency, Part(wrong=[issue])))).wrong
    with app.test_request_context():
        with force_locale("zh_Hans"):
            assert str(back.message) == "“机构名称”必须填写"
        with force_locale("en"):
            assert "机构名称" not in str(back.message)
            assert str(back.message) == str(issue.message)
