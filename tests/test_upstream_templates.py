"""Our templates and mends stand beside those of one release of Flask-AppBuilder: an upgrade cannot drift away unseen."""

from __future__ import annotations

import json
import re

import pytest

from tests import upstream

#: what Bootstrap 3, its icons and jQuery look like; frame and policy know none of them
OLD = re.compile(
    r"\bdata-(toggle|target|dismiss|parent|provide|ride|slide)\b|\bpanel-(heading|body|title|primary)|\bbtn-(default|xs)\b|\bcontrol-label\b|\binput-group-addon\b"
    r"|\bglyphicon\b|\bfa fa-|\bhelp-(block|inline)\b|\bwell\b|\bpull-(left|right)\b|\bsr-only\b|\bcol-xs-|\bcol-\w\w-offset|\bstyle=|<center>|\$\(|jQuery"
    r"|google\.|\bAdmin(Actions|Filters)\b|js/ab_|\bonclick="
)
RENEW = "read what changed upstream, bring ours up to it, then run: .venv/bin/python -m tests.upstream"


def test_upstream_is_as_it_was_when_ours_was_written() -> None:
    kept, now = json.loads(upstream.KEPT.read_text(encoding="utf-8")), upstream.hashes()
    changed = sorted(name for name in kept.keys() & now.keys() if kept[name] != now[name])
    assert not changed, f"{changed}: {RENEW}"
    assert not kept.keys() - now.keys(), f"overridden no longer, or gone upstream: {sorted(kept.keys() - now.keys())}: {RENEW}"
    assert not now.keys() - kept.keys(), f"overridden and not noted: {sorted(now.keys() - kept.keys())}: {RENEW}"


def test_everything_that_we_override_is_still_there_to_override() -> None:
    assert not upstream.names(upstream.OURS) - upstream.names(upstream.THEIRS)


@pytest.mark.parametrize("name", sorted(upstream.names(upstream.THEIRS)))
def test_no_page_of_the_old_look_is_left(name: str) -> None:
    ours = upstream.OURS / name
    text = (ours if ours.exists() else upstream.THEIRS / name).read_text(encoding="utf-8")
    found = OLD.search(text)
    assert found is None, f"{name} has {found.group()!r} in it" + ("" if ours.exists() else ": override it in app/templates/appbuilder")


def test_the_marks_of_the_old_look_are_known() -> None:
    """The pattern finds what it looks for: most of upstream's pages."""
    marked = [name for name in upstream.names(upstream.THEIRS) if OLD.search((upstream.THEIRS / name).read_text(encoding="utf-8"))]
    assert len(marked) > 30


def test_what_our_copies_of_adding_and_editing_stand_for() -> None:
    """FAB throws the form away when a record is refused; when it keeps it, take ours out of views/fab_pages.py."""
    fab = (upstream.FAB / "baseviews.py").read_text(encoding="utf-8")
    assert fab.count("finally:\n                    return None") == 2
