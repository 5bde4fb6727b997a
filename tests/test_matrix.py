"""Persona x register x road: who reads and writes which rows, on every road there is.

What should be is in `expectations.py`, written by hand; the registers come from the registry, so
that a new register is walked without another line, and a new road without a check here fails.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

import models  # noqa: F401 - announces the registers
from app import documents, registry
from app.accounts import Account
from app.database import db
from app.fields import Gate
from app.history import acts, search
from app.lookup import DatabaseLookup
from app.register import PublishState, Register, children, field_map, fields
from app.registry import Entry
from app.roles import Role, Rows
from app.scopes import SYSTEM, act_as
from app.search.record import searched
from app.search.text import normal
from imports.batch import ImportBatch
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.databases import POSTGRESQL
from tests.expectations import ALL, MINE, OFFICE, OTHER, OTHER_PUBLISHED, OWN, May, may
from tests.people import EVERYBODY, EXPERT_ADMIN, LEGAL, PRIVACY_CLERK, SYSADMIN, TOWN_SUPERVISOR, VISITOR, Persona
from tests.people import OTHER as OTHER_OFFICE
from tests.people import OWN as OWN_OFFICE

ENTRIES = {entry.register.__key__: entry for entry in registry.entries()}
TOWN, NEXT_TOWN = "130828100", "130828101"


@dataclass
class Ground:
    """Four rows of a register, one of each kind, and where the people work."""

    entry: Entry
    rows: dict[str, int]
    labels: dict[str, str]
    versions: dict[str, int]
    children: dict[str, tuple[str, int]]
    own_office: int
    other_office: int

    @property
    def cls(self) -> type[Register]:
        return self.entry.register

    @property
    def key(self) -> str:
        return self.cls.__key__


def office_id(session: Any, name: str) -> int:
    cls = registry.find("org_unit")
    assert cls is not None
    return int(session.scalar(sa.select(cls.id).where(cls.name == name)))  # type: ignore[attr-defined]


def lay(session: Any, entry: Entry) -> Ground:
    """The four rows, each with one child of the first kind that the keepers write."""
    cls = entry.register
    own, other = office_id(session, OWN_OFFICE), office_id(session, OTHER_OFFICE)
    place = field_map(cls).get("region")
    ground = Ground(entry, {}, {}, {}, {}, own, other)
    for number, kind in enumerate(sorted(ALL), start=701):
        row = samples.make(session, cls, number, own if kind in MINE else other, kind.endswith("published"))
        for condition in cls.published_if():
            if hasattr(condition.right, "value"):  # type: ignore[attr-defined]
                setattr(row, condition.left.key, condition.right.value)  # type: ignore[attr-defined]
        if place is not None:
            setattr(row, place.attr, _region(session, TOWN if kind in MINE else NEXT_TOWN))
        session.commit()
        ground.rows[kind], ground.labels[kind], ground.versions[kind] = row.id, samples.label_of(row), row.row_version
        for child in children(cls):
            if child.__gate__ is Gate.ORDINARY and all(_sampled(child, key) for key in child.__keys__[0]):
                ground.children[kind] = (child.__key__, samples.make(session, child, number, parent=row).id)
                break
    return ground


def _sampled(child: Any, key: str) -> bool:
    return field_map(child)[key].format.name != "link"


def _region(session: Any, code: str) -> int:
    cls = registry.find("region")
    assert cls is not None
    return int(session.scalar(sa.select(cls.id).where(cls.code == code)))  # type: ignore[attr-defined]


def expected(entry: Entry, person: Persona) -> May:
    """The table, narrowed to the region of a supervisor where the register knows places."""
    allowed = may(entry.rights, person)
    if person is LEGAL and (
        legal := [each.key for each in fields(entry.register) if each.gate is Gate.LEGAL and each.format.name in {"text", "long_text", "document_number"}]
    ):
        return May(ALL, ALL, probe=legal[0], exports=allowed.exports)
    regional = entry.rights[Role.SUPERVISOR].read is Rows.REGIONS
    if person is TOWN_SUPERVISOR and regional and "region" in field_map(entry.register):
        return May(MINE, exports=allowed.exports)
    return allowed


@dataclass
class Walk:
    """One persona on all roads of one register."""

    app: Flask
    browser: Browser
    person: Persona
    ground: Ground
    allowed: May

    @property
    def client(self) -> FlaskClient:
        return self.browser.client

    def url(self, tail: str) -> str:
        return f"/{self.ground.key}/{tail}"

    def rest(self, tail: str = "") -> str:
        return f"/api/v1/{self.ground.key}/{tail}"

    def kept(self, kind: str) -> Any:
        """The row as the database has it."""
        with self.app.app_context():
            act_as(db.session(), SYSTEM)
            row = db.session.get(self.ground.cls, self.ground.rows[kind])
            db.session.refresh(row)
            db.session.expunge(row)
            return row

    def count(self, cls: Any = None) -> int:
        with self.app.app_context():
            act_as(db.session(), SYSTEM)
            return int(db.session.scalar(sa.select(sa.func.count()).select_from((cls or self.ground.cls).__table__)))

    def headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.browser.token("/")} if self.person.username else {}

    def send(self, method: str, tail: str, body: dict[str, Any]) -> Any:
        return self.client.open(self.rest(tail), method=method, json=body, headers=self.headers())


def road_list(walk: Walk) -> None:
    answer = walk.client.get(walk.url("list/?size=100"))
    if not walk.allowed.reads:
        assert answer.status_code in {302, 403}
        return
    assert answer.status_code == 200
    page = answer.data.decode()
    for kind, row in walk.ground.rows.items():
        assert (f'/{walk.ground.key}/show/{row}"' in page) == (kind in walk.allowed.reads), kind


def road_list_parts(walk: Walk) -> None:
    """What htmx puts into the list, the panel of filters, the choice of columns: no row more, no field more."""
    part = walk.client.get(walk.url("list/?size=100"), headers={"HX-Request": "true", "HX-Target": "results"})
    panel, columns = (walk.client.get(walk.url(tail)) for tail in ("filters", "columns"))
    if not walk.allowed.reads:
        assert {answer.status_code for answer in (part, panel, columns)} <= {302, 403}
        return
    for kind, row in walk.ground.rows.items():
        assert (f'data-id="{row}"' in part.text) == (kind in walk.allowed.reads), kind
    assert panel.status_code == 200
    assert columns.status_code == (200 if walk.person.username else 403)
    public = {declared.key for declared in fields(walk.ground.cls) if declared.public}
    everything = {declared.key for declared in fields(walk.ground.cls)}
    asked = {key for key in everything if f'name="f.{key}' in panel.text}
    assert asked <= {declared.key for declared in fields(walk.ground.cls) if not declared.sensitive}
    assert walk.person is not VISITOR or asked <= public
    label = walk.ground.cls.__label__
    walk.browser.post(walk.url("columns"), {"columns": [label]}, token_from=_token_page(walk))
    _reset_columns(walk)


def _token_page(walk: Walk) -> str:
    return "/" if walk.person.username else "/login/"


def _reset_columns(walk: Walk) -> None:
    """The list as it was; what a person without rights sent has left nothing."""
    from app.saved_views import SavedView

    with walk.app.app_context():
        made = db.session.scalars(sa.select(SavedView).where(SavedView.register == walk.ground.key)).all()
        assert len(made) == bool(walk.allowed.reads and walk.person.username)
        for each in made:
            db.session.delete(each)
        db.session.commit()


def road_views(walk: Walk) -> None:
    """A view shared with the own office opens for its people only, shows each of them no more rows, and is its owner's alone."""
    from app.saved_views import SavedView

    with walk.app.app_context():
        shared = SavedView(register=walk.ground.key, owner="somebody", name="共享", org_unit_id=walk.ground.own_office, query="size=100")
        db.session.add(shared)
        db.session.commit()
        number = shared.id
    opened = walk.client.get(walk.url(f"list/?view={number}"))
    mine = bool(walk.allowed.reads) and walk.person.office == OWN_OFFICE
    assert (opened.status_code == 200) == mine, opened.status_code
    for kind, row in walk.ground.rows.items():
        assert (f'data-id="{row}"' in opened.text) == (mine and kind in walk.allowed.reads), kind
    for tail, data in (("", {"name": "改名"}), ("/delete", {})):
        assert walk.browser.post(walk.url(f"views/{number}{tail}"), data, token_from=_token_page(walk)).status_code in {302, 403, 404}
    assert (walk.browser.post(walk.url(f"views/{number}/opens"), token_from=_token_page(walk)).status_code == 302) >= mine
    walk.browser.post(walk.url("views"), {"name": "自己的", "query": "sort=-" + walk.ground.cls.__label__}, token_from=_token_page(walk))
    with walk.app.app_context():
        found = {view.name: view for view in db.session.scalars(sa.select(SavedView).where(SavedView.register == walk.ground.key))}
        assert found["共享"].owner == "somebody"
        assert (found[""].opens_id == number if "" in found else False) == mine
        assert ("自己的" in found) == bool(walk.allowed.reads and walk.person.username)
        for view in found.values():
            db.session.delete(view)
        db.session.commit()


def road_show(walk: Walk) -> None:
    for kind, row in walk.ground.rows.items():
        answer = walk.client.get(walk.url(f"show/{row}"))
        assert (answer.status_code == 200) == (kind in walk.allowed.reads), (kind, answer.status_code)
        assert answer.status_code in {200, 404, 403, 302}


def road_history(walk: Walk) -> None:
    """What happened to a record, an old version of it, the register on a day: staff within scope, sensitive values masked; and nothing is put back."""
    said = []
    for kind, row in walk.ground.rows.items():
        allowed = walk.allowed.exports and kind in walk.allowed.reads
        with walk.app.app_context():
            found = search.find(db.session.connection(), search.Wanted(relation=walk.ground.cls.__tablename__, row=row, kind="insert"), 1)[0]
        for address in (f"history/{row}", f"history/{row}/versions/{found.id}", f"history/{row}/looks"):
            answer = walk.client.get(walk.url(address))
            assert (answer.status_code == 200) == allowed, (kind, address, answer.status_code)
            assert answer.status_code in {200, 302, 403, 404}
            said.append(answer.text)
        before = walk.kept(kind)
        data = {"field": [walk.allowed.probe], "reason": "恢复"}
        walk.browser.post(walk.url(f"history/{row}/versions/{found.id}"), data, token_from="/login/" if not walk.person.username else "/")
        assert walk.kept(kind).row_version == before.row_version or kind in walk.allowed.edits, kind
        secrets = [
            getattr(before, each.attr) for each in fields(walk.ground.cls) if each.sensitive and each.format.name in {"resident_id", "bank_card", "mobile"}
        ]
        assert not [secret for secret in secrets if secret and any(str(secret) in text for text in said)], kind
    answer = walk.client.get(walk.url("as-of"))
    assert (answer.status_code == 200) == walk.allowed.exports
    if walk.allowed.exports:
        pages = answer.text + "".join(walk.client.get(walk.url(f"as-of?page={number}")).text for number in range(2, 4))
        strangers = [label for kind, label in walk.ground.labels.items() if kind not in walk.allowed.reads and label in pages]
        assert not strangers


def road_edit(walk: Walk) -> None:
    for kind, row in walk.ground.rows.items():
        answer = walk.client.get(walk.url(f"edit/{row}"))
        assert (answer.status_code == 200) == (kind in walk.allowed.edits), (kind, answer.status_code)
        before = walk.kept(kind)
        data = {walk.allowed.probe: _probe(walk, kind), "row_version": before.row_version}
        walk.browser.post(walk.url(f"edit/{row}"), data, token_from="/login/" if not walk.person.username else "/")
        assert (walk.kept(kind).row_version != before.row_version) == (kind in walk.allowed.edits), kind


def _probe(walk: Walk, kind: str) -> str:
    if walk.allowed.probe == "publish_state":
        now = walk.kept(kind).publish_state
        return PublishState.WITHDRAWN.value if now != PublishState.WITHDRAWN.value else PublishState.PENDING.value
    return f"改{walk.kept(kind).row_version}"


def road_move_out_of_scope(walk: Walk) -> None:
    for kind in walk.ground.rows:
        row = walk.kept(kind)
        elsewhere = walk.ground.other_office if kind in MINE else walk.ground.own_office
        walk.send("PUT", str(row.id), {"org_unit": elsewhere, "row_version": row.row_version})
        moved = walk.kept(kind).org_unit_id == elsewhere
        may_move = kind in walk.allowed.edits and (walk.allowed.probe == "handler" or (walk.allowed.adds and walk.allowed.edits == ALL))
        assert moved == may_move, kind
        if moved:
            _put_back(walk, row)


def _put_back(walk: Walk, row: Any) -> None:
    with walk.app.app_context():
        act_as(db.session(), SYSTEM)
        kept = db.session.get(walk.ground.cls, row.id)
        kept.org_unit_id = row.org_unit_id
        db.session.commit()


def road_rest_read(walk: Walk) -> None:
    listed = walk.client.get(walk.rest("?q=(page_size:100)"))
    if not walk.allowed.reads:
        assert listed.status_code in {401, 403}
    else:
        assert {kind for kind, row in walk.ground.rows.items() if row in listed.json["ids"]} == set(walk.allowed.reads)
    for kind, row in walk.ground.rows.items():
        answer = walk.client.get(walk.rest(str(row)))
        assert (answer.status_code == 200) == (kind in walk.allowed.reads), kind
        if answer.status_code == 200 and walk.person is VISITOR:
            public = {declared.key for declared in fields(walk.ground.cls) if declared.public}
            assert {declared.key for declared in fields(walk.ground.cls)} & answer.json["result"].keys() <= public


def road_rest_write(walk: Walk) -> None:
    for kind in walk.ground.rows:
        before = walk.kept(kind)
        answer = walk.send("PUT", str(before.id), {walk.allowed.probe: _probe(walk, kind)})
        done = walk.kept(kind).row_version != before.row_version
        assert done == (kind in walk.allowed.edits), (kind, answer.status_code, answer.json)
        assert answer.status_code < 500
        assert done or answer.status_code in {400, 401, 403, 404}, (kind, answer.status_code, answer.json)


def road_rest_add(walk: Walk) -> None:
    body = _new_body(walk, 801)
    before = walk.count()
    answer = walk.send("POST", "", body)
    assert (walk.count() > before) == walk.allowed.adds, (answer.status_code, answer.json)
    assert answer.status_code < 500
    if walk.allowed.adds and walk.allowed.edits != ALL:
        stolen = walk.send("POST", "", _new_body(walk, 802) | {"org_unit": walk.ground.other_office if OWN in walk.allowed.edits else walk.ground.own_office})
        assert stolen.status_code == 403, stolen.json


def _new_body(walk: Walk, number: int) -> dict[str, Any]:
    with walk.app.app_context():
        act_as(db.session(), SYSTEM)
        made = samples.consistent(walk.ground.cls, samples.values(db.session(), walk.ground.cls, number), None)
        known = field_map(walk.ground.cls)
        keep = {key for each in walk.ground.cls.__keys__ for key in each} | {walk.ground.cls.__label__} | {key for key in known if known[key].required}
        return {key: known[key].format.dump(made[key]) for key in keep if made.get(key) is not None}


def road_foreign_parent(walk: Walk) -> None:
    for kind, (child_key, child_id) in walk.ground.children.items():
        child = next(each for each in children(walk.ground.cls) if each.__key__ == child_key)
        before = walk.count(child)
        parent = walk.ground.rows[kind]
        with walk.app.app_context():
            act_as(db.session(), SYSTEM)
            made = samples.consistent(child, samples.values(db.session(), child, 907), None)
            known = field_map(child)
            body = {key: known[key].format.dump(made[key]) for key in made if made[key] is not None and known[key].gate is Gate.ORDINARY}
        answer = walk.send("POST", f"{parent}/{child_key}/", body)
        writes = kind in walk.allowed.edits and walk.allowed.adds
        assert (walk.count(child) > before) == writes, (kind, answer.status_code, answer.json)
        assert walk.client.get(walk.url(f"{parent}/{child_key}/add")).status_code == 200 if writes else True
        stray = walk.send("PUT", f"{walk.ground.rows[OTHER]}/{child_key}/{child_id}", {}) if kind != OTHER else None
        assert stray is None or stray.status_code in {401, 403, 404}, "a child answers only under its own parent"


def road_new_record(walk: Walk) -> None:
    """The form of a new record with a child: checked without a trace, then saved, both or neither."""
    token_from = "/" if walk.person.username else "/login/"
    child = next((each for each in children(walk.ground.cls) if each.__sheet__ and each.__gate__ is Gate.ORDINARY and _sampled_whole(each)), None)
    data = _new_body(walk, 851)
    if child is not None:
        with walk.app.app_context():
            act_as(db.session(), SYSTEM)
            made = samples.consistent(child, samples.values(db.session(), child, 851), None)
            known = field_map(child)
            data |= {f"{child.__key__}-0.{key}": known[key].format.dump(made[key]) for key in child.__keys__[0]}
    before = walk.count(), walk.count(child)
    answer = walk.browser.post(walk.url("check"), data, token_from=token_from)
    assert (answer.status_code == 200) == walk.allowed.adds, answer.status_code
    assert (walk.count(), walk.count(child)) == before, "a check writes nothing"
    answer = walk.browser.post(walk.url("add"), data, token_from=token_from)
    page = answer.data.decode()[:2000]
    assert (walk.count() > before[0]) == walk.allowed.adds, (answer.status_code, page)
    assert child is None or (walk.count(child) > before[1]) == walk.allowed.adds, (answer.status_code, page)


def _sampled_whole(child: Any) -> bool:
    return all(_sampled(child, key) for key in child.__keys__[0]) and all(not each.required or each.key in child.__keys__[0] for each in fields(child))


def road_check(walk: Walk) -> None:
    """The checks of existing forms: open to those who may change the row, and without a trace."""
    token = {"csrf_token": walk.browser.token("/" if walk.person.username else "/login/")}
    for kind, row in walk.ground.rows.items():
        before = walk.kept(kind).row_version
        answer = walk.client.post(walk.url(f"{row}/check"), data=token | {walk.allowed.probe: _probe(walk, kind)})
        assert (answer.status_code == 200) == (kind in walk.allowed.edits), (kind, answer.status_code)
        assert walk.kept(kind).row_version == before, kind
    for kind, (child_key, child_id) in walk.ground.children.items():
        writes = kind in walk.allowed.edits and walk.allowed.adds
        for query in ("", f"?child={child_id}"):
            answer = walk.client.post(walk.url(f"{walk.ground.rows[kind]}/{child_key}/check{query}"), data=token)
            assert (answer.status_code == 200) == writes, (kind, query, answer.status_code)


def road_picker(walk: Walk) -> None:
    for kind, label in walk.ground.labels.items():
        answer = walk.client.get(walk.url("lookup"), query_string={"q": label})
        if not walk.person.username:
            assert answer.status_code in {302, 401, 403}
            continue
        found = {each["id"] for each in answer.json["results"]} if answer.status_code == 200 else set()
        assert len(found) <= 50
        assert (walk.ground.rows[kind] in found) == (kind in walk.allowed.reads), kind


def road_search(walk: Walk) -> None:
    """List, page and palette of the search: rows in scope by what the persona reads, and nothing by anything else."""
    readable = [declared for declared in searched(walk.ground.cls) if walk.person is not VISITOR or declared.public]
    for kind, row in walk.ground.rows.items():
        kept = walk.kept(kind)
        asked = fields(walk.ground.cls) if kind == OTHER_PUBLISHED else [field_map(walk.ground.cls)[walk.ground.cls.__label__]]
        for declared in (each for each in asked if isinstance(getattr(kept, each.attr), str) and (each.search or each.sensitive)):
            text = getattr(kept, declared.attr)
            shown = kind in walk.allowed.reads and any(normal(text) in normal(str(getattr(kept, each.attr) or "")) for each in readable)
            for name, found in _searches(walk, text).items():
                assert (f'/{walk.ground.key}/show/{row}"' in found) == shown, (name, kind, declared.key, text)


def _searches(walk: Walk, text: str) -> dict[str, str]:
    """What each road of the search answers; nothing where it is closed."""
    paths = {"list": walk.url("list/"), "page": "/search", "palette": "/search.json"}
    answers = {name: walk.client.get(path, query_string={"q": text}) for name, path in paths.items()}
    rest = walk.client.get(walk.rest(), query_string={"search": text})
    found = {name: answer.text if answer.status_code == 200 else "" for name, answer in answers.items()}
    return found | {"rest": "".join(f'/{walk.ground.key}/show/{each}"' for each in rest.json["ids"]) if rest.status_code == 200 else ""}


def road_file(walk: Walk) -> None:
    for kind, row in walk.ground.rows.items():
        upload = {"file": (io.BytesIO(b"%PDF-1.4 made for a test"), "安全生产许可证 扫描件.pdf")}
        token_from = "/" if walk.person.username else "/login/"
        answer = walk.browser.post(walk.url(f"{row}/files"), upload, token_from=token_from, content_type="multipart/form-data")
        done = answer.status_code in {200, 201, 302} and "login" not in answer.headers.get("Location", "")
        assert done == (kind in walk.allowed.edits), (kind, answer.status_code)
        stored = _attachment(walk, row)
        got = walk.client.get(walk.url(f"{row}/files/{stored}"), buffered=True)
        assert (got.status_code == 200) == (kind in walk.allowed.reads and bool(walk.person.username)), (kind, got.status_code)
        inline = walk.client.get(walk.url(f"{row}/files/{stored}?inline=1"), buffered=True)
        assert inline.status_code == got.status_code, kind


def _attachment(walk: Walk, row: int) -> int:
    """An attachment of the row, put there by the system if the persona could not."""
    from app.attachments import Attachment, keep

    with walk.app.app_context():
        act_as(db.session(), SYSTEM)
        found = db.session.scalar(sa.select(Attachment.id).where(Attachment.register == walk.ground.key, Attachment.record_id == row))
        if found is None:
            record = db.session.get(walk.ground.cls, row)
            kept = keep(db.session(), record, "证照.pdf", b"%PDF-1.4 made for a test")
            db.session.commit()
            found = kept.id
        return int(found)


def road_export(walk: Walk) -> None:
    answer = walk.client.get(walk.url("export.csv"), buffered=True)
    if not walk.allowed.exports:
        assert answer.status_code in {302, 403}
        return
    assert answer.status_code == 200
    text = answer.data.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text)))
    for kind, label in walk.ground.labels.items():
        assert (label in text) == (kind in walk.allowed.reads), kind
    filled = walk.client.get(walk.url("template.xlsx?filled=1"), buffered=True)
    assert filled.status_code in {200, 403}
    text = _spoken(filled)
    for kind, label in walk.ground.labels.items():
        assert label not in text or kind in walk.allowed.reads, kind


def road_ledger(walk: Walk) -> None:
    """The ledger as page and as workbook: the rows that the export would hold."""
    asked = "&".join(f"ids={row}" for row in walk.ground.rows.values())  # by number: a ledger's page holds a thousand rows at most
    for address in (f"ledger?{asked}", f"ledger.xlsx?all=1&{asked}"):
        answer = walk.client.get(walk.url(address), buffered=True)
        if not walk.allowed.exports:
            assert answer.status_code in {302, 403}
            continue
        assert answer.status_code == 200
        said = _said(answer)
        for kind, label in walk.ground.labels.items():
            assert (label in said) == (kind in walk.allowed.reads), (address, kind)


def _said(answer: Any) -> str:
    """The text of a page, or of a workbook's cells."""
    if answer.mimetype == "text/html":
        return str(answer.text)
    cells = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True)
    return "\n".join(str(cell) for row in cells for cell in row if cell is not None)


def road_compare(walk: Walk) -> None:
    """Two rows beside each other: only where both are within reach; visitors read public fields."""
    kinds = list(walk.ground.rows)
    for one, two in zip(kinds, kinds[1:] + kinds[:1], strict=True):
        for page in ("compare", "compare.xlsx") if one == kinds[0] else ("compare",):
            query = {"ids": [walk.ground.rows[one], walk.ground.rows[two]]}
            answer = walk.client.get(walk.url(page), query_string=query, buffered=True)
            assert (answer.status_code == 200) == ({one, two} <= walk.allowed.reads), (one, two, answer.status_code)
            if answer.status_code == 200 and walk.person is VISITOR:
                private = {str(each.label) for each in fields(walk.ground.cls) if not each.public} - {str(each.label) for each in _public(walk)}
                said = {str(row) for row in _said(answer).split("\n")}
                assert not private & said


def _public(walk: Walk) -> list[Any]:
    return [each for kind in (walk.ground.cls, *children(walk.ground.cls)) for each in fields(kind) if each.public]


def road_form(walk: Walk) -> None:
    """A record in print: for staff who read it, and only in registers that print such a form."""
    forms = documents.forms_of(walk.ground.cls)
    for kind, row in walk.ground.rows.items():
        allowed = walk.allowed.exports and kind in walk.allowed.reads
        for form in forms:
            answer = walk.client.get(walk.url(f"{row}/{form.name}.docx"), buffered=True)
            assert (answer.status_code == 200) == allowed, (kind, answer.status_code)
        assert walk.client.get(walk.url(f"{row}/nothing.docx")).status_code in {302, 403, 404}


def road_policy_contrast(walk: Walk) -> None:
    """Policies beside their interpretations: a page of that one register."""
    if walk.ground.key != "policy":
        return
    for address in ("/policy-contrast/", "/policy-contrast/contrast.xlsx"):
        answer = walk.client.get(address, buffered=True)
        assert (answer.status_code == 200) == walk.allowed.exports, answer.status_code
        for kind, label in walk.ground.labels.items() if walk.allowed.exports else ():
            assert (label in _said(answer)) == (kind in walk.allowed.reads), (address, kind)


def road_import(walk: Walk) -> None:
    page = walk.client.get(walk.url("import"))
    assert (page.status_code == 200) == walk.allowed.adds, page.status_code
    known = field_map(walk.ground.cls)
    body = _new_body(walk, 803)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([str(known[key].label) for key in body])
    writer.writerow([_written(value) for value in body.values()])
    before = walk.count()
    status = _import_as(walk, text.getvalue().encode())
    assert (walk.count() > before) == walk.allowed.adds, status
    for road in ("answer.xlsx", "errors.xlsx", "reading", "columns"):
        of_nobody = walk.client.get(walk.url(f"import/{2**31 - 2}/{road}")).status_code
        assert of_nobody in ({404} if walk.allowed.adds else {302, 403}), (road, of_nobody)


def _written(value: Any) -> str:
    return "、".join(value) if isinstance(value, list) else str(value)


def _import_as(walk: Walk, data: bytes) -> str:
    """The command line's road: the same pipeline as the page's."""
    from app.accounts import actor_of
    from app.scopes import VISITOR as NOBODY
    from app.scopes import NotPermitted
    from imports.run import run

    with walk.app.app_context():
        session = db.session()
        account = session.scalar(sa.select(Account).where(Account.username == walk.person.username))
        act_as(session, actor_of(account) if account else NOBODY)
        try:
            _result, report = run(session, walk.ground.cls, data, "新增.csv")
        except NotPermitted as error:
            return str(error)
        return json.dumps(report["wrong"], ensure_ascii=False)


def road_undo(walk: Walk) -> None:
    """An import of this person that changed all four rows: taking it back reaches the rows that the person may change, and no other."""
    number = _import_of_four(walk)
    address, token_from = walk.url(f"import/{number}/undo"), "/" if walk.person.username else "/login/"
    page = walk.client.get(address)
    assert (page.status_code == 200) == walk.allowed.adds, page.status_code
    digest = BeautifulSoup(page.data, "html.parser").find("input", {"name": "digest"})
    walk.browser.post(address, {"digest": digest["value"] if digest is not None else ""}, token_from=token_from)  # type: ignore[index]
    back = {kind for kind in walk.ground.rows if walk.kept(kind).remark != "批量导入"}
    assert back == (set(walk.allowed.edits) if walk.allowed.adds else set())
    strangers = [label for kind, label in walk.ground.labels.items() if kind not in walk.allowed.reads and label in page.text]
    assert not strangers


def _import_of_four(walk: Walk) -> int:
    """What an import leaves behind that changed the four rows."""
    with walk.app.app_context():
        session = db.session()
        act_as(session, SYSTEM)
        facts = {"register": walk.ground.key, "file_name": "四条.csv", "sha256": "0" * 64, "mode": "upsert", "bad_rows": "stop", "state": "done"}
        batch = ImportBatch(**facts, operator=walk.person.username)
        session.add(batch)
        session.flush()
        acts.describe(session, road="import", batch=batch.id)
        for row in session.scalars(sa.select(walk.ground.cls).where(walk.ground.cls.id.in_(walk.ground.rows.values()))):
            row.remark, row.import_batch = "批量导入", batch.id
        session.commit()
        return batch.id


def road_bulk(walk: Walk) -> None:
    """All four rows at once: what is confirmed touches exactly the rows that the persona may change."""
    token_from = "/" if walk.person.username else "/login/"
    rows = walk.ground.rows
    before = {kind: walk.kept(kind).row_version for kind in rows}
    query = "&".join(f"ids={row}" for row in rows.values())
    page = walk.client.get(walk.url(f"bulk?{query}"))
    assert (page.status_code == 200) == bool(walk.allowed.edits), page.status_code
    key = walk.allowed.probe
    # words that no row holds yet: what is there already is no change
    form = {"fields": key, key: _probe(walk, OWN) if key == "publish_state" else "成批改过"}
    planned = walk.browser.post(walk.url(f"bulk?{query}"), form, token_from=token_from)
    _confirm(walk, planned, token_from)
    assert {kind for kind in rows if walk.kept(kind).row_version != before[kind]} == set(walk.allowed.edits), planned.status_code
    if planned.status_code == 302 and walk.allowed.edits:
        page = walk.client.get(walk.url("bulk?all=1&voided=1"))
        assert (page.status_code == 200) == bool(walk.allowed.reads)


def _confirm(walk: Walk, planned: Any, token_from: str) -> None:
    """Confirm the preview that an answer leads to, if it leads to one."""
    address = planned.headers.get("Location", "")
    if "/bulk/" in address:
        page = BeautifulSoup(walk.client.get(address).data, "html.parser")
        hidden = set(walk.ground.rows) - set(walk.allowed.reads)
        assert not any(walk.ground.labels[kind] in page.get_text() for kind in hidden), "a row beyond the persona's reach"
        digest = page.find("input", {"name": "digest"})
        walk.browser.post(address, {"digest": digest["value"] if digest else ""}, token_from=token_from)


def road_bulk_void(walk: Walk) -> None:
    """The same for voiding."""
    token_from = "/" if walk.person.username else "/login/"
    for tail in ("bulk/void", "bulk/void?all=1"):
        planned = walk.browser.post(walk.url(tail), {"ids": list(walk.ground.rows.values()), "reason": "测试作废"}, token_from=token_from)
        _confirm(walk, planned, token_from)
        assert {kind for kind in walk.ground.rows if walk.kept(kind).voided_at} == set(walk.allowed.voids), tail
        _unvoid(walk)


def road_cell(walk: Walk) -> None:
    """One cell: whoever may edit the row may change its state where the probe is simple enough, and nobody else."""
    token_from = "/" if walk.person.username else "/login/"
    key = walk.allowed.probe
    for kind, row in walk.ground.rows.items():
        before = walk.kept(kind)
        writes = kind in walk.allowed.edits and field_map(walk.ground.cls)[key].format.widget in {"text", "select"}
        assert (walk.client.get(walk.url(f"{row}/cell/{key}")).status_code == 200) == writes, kind
        walk.browser.post(walk.url(f"{row}/cell/{key}"), {key: _probe(walk, kind), "row_version": before.row_version}, token_from=token_from)
        assert (walk.kept(kind).row_version != before.row_version) == writes, kind


def road_child_pages(walk: Walk) -> None:
    """The pages of an existing child: its form and its voiding, under every kind of parent."""
    token_from = "/" if walk.person.username else "/login/"
    for kind, (child_key, child_id) in walk.ground.children.items():
        child = next(each for each in children(walk.ground.cls) if each.__key__ == child_key)
        writes = kind in walk.allowed.edits and walk.allowed.adds
        address = walk.url(f"{walk.ground.rows[kind]}/{child_key}/{child_id}")
        assert (walk.client.get(f"{address}/edit").status_code == 200) == writes, kind
        in_place = walk.client.get(f"{address}/edit", headers={"HX-Request": "true"})
        assert ("ys-editing" in in_place.data.decode()) == writes, kind
        walk.browser.post(f"{address}/void", {"reason": "测试作废"}, token_from=token_from)
        with walk.app.app_context():
            act_as(db.session(), SYSTEM)
            voided = db.session.connection().scalar(sa.select(child.__table__.c.voided_at).where(child.__table__.c.id == child_id))
        assert bool(voided) == writes, kind


def road_file_void(walk: Walk) -> None:
    from app.attachments import Attachment

    token_from = "/" if walk.person.username else "/login/"
    for kind, row in walk.ground.rows.items():
        stored = _attachment(walk, row)
        walk.browser.post(walk.url(f"{row}/files/{stored}/void"), {"reason": "测试作废"}, token_from=token_from)
        with walk.app.app_context():
            voided = db.session.scalar(sa.select(Attachment.voided_at).where(Attachment.id == stored))
        assert bool(voided) == (kind in walk.allowed.edits), kind


def road_void(walk: Walk) -> None:
    token_from = "/" if walk.person.username else "/login/"
    for kind, row in walk.ground.rows.items():
        walk.browser.post(walk.url(f"void/{row}"), {"reason": "测试作废", "row_version": walk.kept(kind).row_version}, token_from=token_from)
        assert bool(walk.kept(kind).voided_at) == (kind in walk.allowed.voids), kind
    _unvoid(walk)


def road_rest_void(walk: Walk) -> None:
    for kind, row in walk.ground.rows.items():
        answer = walk.client.delete(walk.rest(f"{row}?reason=测试"), headers=walk.headers())
        assert bool(walk.kept(kind).voided_at) == (kind in walk.allowed.voids), (kind, answer.status_code, answer.json)


def _unvoid(walk: Walk) -> None:
    with walk.app.app_context():
        act_as(db.session(), SYSTEM)
        for row in walk.ground.rows.values():
            record = db.session.get(walk.ground.cls, row)
            record.voided_at = None
        db.session.commit()


def road_desk(walk: Walk) -> None:
    """The pages behind the desk's numbers, and its plots, name and count no row beyond reach."""
    client = walk.client
    pages = [client.get(f"/desk/changes?register={walk.ground.key}"), client.get(f"/desk/incomplete/{walk.ground.key}"), client.get("/desk/due?to=9000-01-01")]
    for answer in pages:
        assert answer.status_code in {200, 302, 403, 404}
        for kind, row in walk.ground.rows.items():
            named = f'/{walk.ground.key}/show/{row}"' in answer.text or f'/{walk.ground.key}/edit/{row}"' in answer.text
            assert not named or kind in walk.allowed.reads, kind
    if walk.person.office and walk.allowed.reads == OFFICE and walk.allowed.edits:
        assert all(f'/{walk.ground.key}/show/{walk.ground.rows[kind]}"' in pages[0].text for kind in MINE)
    files = [client.get("/desk/due.csv?to=9000-01-01"), client.get("/desk/plots/records.csv")]
    for answer in files:
        assert answer.status_code in {200, 302, 403}
    if files[0].status_code == 200:
        text = files[0].data.decode("utf-8-sig")
        assert all(label not in text or kind in walk.allowed.reads for kind, label in walk.ground.labels.items())
        seen = len(walk.allowed.reads & walk.ground.rows.keys())
        counted = [row for row in csv.reader(io.StringIO(files[1].data.decode("utf-8-sig"))) if row[0] == walk.ground.cls.__title__]
        assert all(sum(map(int, row[1:])) <= seen for row in counted)


def secrets_of(walk: Walk) -> dict[str, dict[str, str]]:
    """By kind of row: the sensitive values that it and its children hold, as people would read them in full."""
    found: dict[str, dict[str, str]] = {}
    with walk.app.app_context():
        session = db.session()
        act_as(session, SYSTEM)
        lookup = DatabaseLookup(session)
        for kind, number in walk.ground.rows.items():
            rows = [session.get(walk.ground.cls, number)]
            for child in children(walk.ground.cls):
                rows += session.scalars(sa.select(child).where(child.parent_id == number, child.voided_at.is_(None))).all()
            pairs = [(row, each) for row in rows for each in fields(type(row)) if each.sensitive and getattr(row, each.attr) not in (None, "")]
            found[kind] = {f"{type(row).__key__}.{each.key}": each.format.show(getattr(row, each.attr), lookup) for row, each in pairs}
        session.rollback()
    return found


def _strangers(walk: Walk) -> None:
    """Give each row a child of every kind that has sensitive fields."""
    with walk.app.app_context():
        session = db.session()
        act_as(session, SYSTEM)
        for number in walk.ground.rows.values():
            for place, child in enumerate(children(walk.ground.cls)):
                if any(each.sensitive for each in fields(child)):
                    samples.make(session, child, 640 + place, parent=session.get(walk.ground.cls, number))


def _spoken(answer: Any) -> str:
    """What an answer carries, workbooks and documents unpacked."""
    if answer.data[:2] != b"PK":
        return str(answer.get_data(as_text=True))
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        return "".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


def _roads_of_values(walk: Walk) -> Iterator[tuple[str, Any]]:
    """Every road that carries values, with every sensitive field asked for where one can ask."""
    client, cls = walk.client, walk.ground.cls
    columns = [each.key for each in fields(cls) if each.sensitive] or [cls.__label__]
    walk.browser.post(walk.url("columns"), {"columns": [cls.__label__, *columns]}, token_from=_token_page(walk))
    ids = "&".join(f"ids={row}" for row in walk.ground.rows.values())
    pages = [
        "list/?size=100",
        "export.xlsx",
        "export.csv",
        "template.xlsx?filled=1",
        f"ledger?{ids}",
        f"ledger.xlsx?all=1&{ids}",
        f"compare?{ids}",
        f"compare.xlsx?{ids}",
        "filters",
        "columns",
        "as-of",
    ]
    pages += [f"as-of?page={page}" for page in (2, 3)]
    for tail in pages:
        yield tail, client.get(walk.url(tail), buffered=True)
    for row in walk.ground.rows.values():
        for tail in (f"show/{row}", f"edit/{row}", f"history/{row}", f"reveal/{row}"):
            yield tail, client.get(walk.url(tail))
        for form in documents.forms_of(cls):
            yield form.name, client.get(walk.url(f"{row}/{form.name}.docx"), buffered=True)
        for key in columns:
            yield f"cell {key}", client.get(walk.url(f"{row}/cell/{key}"))
        yield "rest item", client.get(walk.rest(str(row)))
        yield from _refusals(walk, row)
    yield "rest list", client.get(walk.rest("?q=(page_size:100)"))
    yield "rest columns", client.get(walk.rest(f"?q=(page_size:100,columns:!({','.join(columns)}))"))
    yield "palette", client.get("/search.json", query_string={"q": walk.ground.labels[OWN]})
    yield "search", client.get("/search", query_string={"q": walk.ground.labels[OWN]})
    for desk in ("/", f"/desk/changes?register={walk.ground.key}", f"/desk/incomplete/{walk.ground.key}", "/desk/due.csv?to=9000-01-01", "/desk/plots"):
        yield desk, client.get(desk, buffered=True)
    yield "audit", client.get(f"/audit/?relation={cls.__tablename__}")
    yield from _children_in_forms(walk)
    yield from _imported_again(walk)
    planned = walk.browser.post(walk.url(f"bulk?{ids}"), {"fields": walk.allowed.probe, walk.allowed.probe: "成批"}, token_from=_token_page(walk))
    if "/bulk/" in planned.headers.get("Location", ""):
        yield "bulk preview", client.get(planned.headers["Location"])
    _reset_columns(walk)


def _refusals(walk: Walk, row: int) -> Iterator[tuple[str, Any]]:
    """What the second of two writers is told: by REST (409, 412) and by the form."""
    headers = walk.headers()
    yield "409", walk.client.put(walk.rest(str(row)), json={walk.allowed.probe: "x", "row_version": 999}, headers=headers)
    yield "412", walk.client.put(walk.rest(str(row)), json={walk.allowed.probe: "x"}, headers=headers | {"If-Match": '"999"'})
    yield "form 409", walk.browser.post(walk.url(f"edit/{row}"), {walk.allowed.probe: "x", "row_version": "999"}, token_from=_token_page(walk))


def _children_in_forms(walk: Walk) -> Iterator[tuple[str, Any]]:
    with walk.app.app_context():
        act_as(db.session(), SYSTEM)
        found = [
            (child.__key__, row, number)
            for child in children(walk.ground.cls)
            if any(each.sensitive for each in fields(child))
            for row in walk.ground.rows.values()
            for number in db.session.scalars(sa.select(child.id).where(child.parent_id == row))
        ]
        db.session.rollback()
    for key, row, number in found:
        yield f"{key} form", walk.client.get(walk.url(f"{row}/{key}/{number}/edit"))


def _imported_again(walk: Walk) -> Iterator[tuple[str, Any]]:
    """The own export with one cell spoilt: preview, and the list of what is wrong."""
    taken = walk.client.get(walk.url("export.csv"), buffered=True)
    if taken.status_code != 200 or not walk.allowed.adds:
        return
    text = taken.data.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    spoilt = io.StringIO()
    csv.writer(spoilt).writerows(
        [lines[0], *[[*line[:-1], "改过的备注" if "备注" in lines[0][-1] else line[-1]] for line in lines[1:]], ["坏"] * len(lines[0])]
    )
    upload = {"file": (io.BytesIO(spoilt.getvalue().encode("utf-8-sig")), "回.csv")}
    sent = walk.browser.post(walk.url("import"), upload, token_from="/", content_type="multipart/form-data")
    if "/import/" in sent.headers.get("Location", ""):
        checked = sent.headers["Location"].removesuffix("/columns").removesuffix("/reading")
        for tail in ("", "?outcome=same", "?outcome=changed", "?outcome=wrong", "?outcome=doubtful"):
            yield "import preview", walk.client.get(checked + tail)
        for step in ("reading", "columns"):
            yield step, walk.client.get(f"{checked}/{step}")
        yield "errors", walk.client.get(f"{checked}/errors.xlsx", buffered=True)


def road_masks(walk: Walk) -> None:
    """Field x mask: the full value of a sensitive field stands on no road, whoever asks; the label of a hidden child neither."""
    if not _has_secrets(walk.ground.cls):
        return
    _strangers(walk)
    secrets = secrets_of(walk)
    assert all(secrets.values()), "nothing to hide, nothing tested"
    every = {(name, value) for found in secrets.values() for name, value in found.items() if len(value) > 3}
    for road, answer in _roads_of_values(walk):
        text = _spoken(answer)
        leaked = [name for name, value in every if value in text]
        assert not leaked, (road, leaked)


def _has_secrets(cls: type[Register]) -> bool:
    return any(each.sensitive for kind in (cls, *children(cls)) for each in fields(kind))


def road_reveal(walk: Walk) -> None:
    """The one act that shows them: for who holds the role, in rows within reach, with one entry each; and a file with consent only."""
    if not _has_secrets(walk.ground.cls):
        assert walk.client.post(walk.rest("1/reveal"), json={}).status_code in {400, 401, 403, 404}
        return
    secrets, token_from = secrets_of(walk), _token_page(walk)
    for kind, row in walk.ground.rows.items():
        allowed = Role.PRIVACY_VIEW in walk.person.roles and kind in walk.allowed.reads
        page = walk.browser.post(walk.url(f"reveal/{row}"), {"purpose": "handle"}, token_from=token_from)
        assert (page.status_code == 200) == allowed, (kind, page.status_code)
        answer = walk.client.post(walk.rest(f"{row}/reveal"), json={"purpose": "handle"}, headers=walk.headers())
        assert (answer.status_code == 200) == allowed, (kind, answer.status_code)
        text = BeautifulSoup(page.data, "html.parser").get_text()
        for name, value in secrets[kind].items():
            known = name.partition(".")[0] == walk.ground.key or (allowed and _reads_child(walk, kind, name))
            assert (value in text) == (allowed and known) or len(value) <= 3, (kind, name)
        with walk.app.app_context():
            noted = search.find(db.session.connection(), search.Wanted(kind="reveal", relation=walk.ground.cls.__tablename__, row=row), 9)
            assert len(noted) == 2 * allowed, kind
            assert not [value for value in secrets[kind].values() for each in noted if len(value) > 3 and value in each.image]
            db.session.rollback()
    assert walk.browser.post(walk.url("export-clear"), {}, token_from=token_from).status_code in {302, 403}


def _reads_child(walk: Walk, kind: str, name: str) -> bool:
    """Of another office's rows one sees the children that are published themselves."""
    child = next(each for each in children(walk.ground.cls) if each.__key__ == name.partition(".")[0])
    return kind in MINE or not list(child.published_if())


ROADS: tuple[Callable[[Walk], None], ...] = (
    road_masks,
    road_reveal,
    road_list,
    road_show,
    road_history,
    road_picker,
    road_search,
    road_rest_read,
    road_export,
    road_desk,
    road_edit,
    road_move_out_of_scope,
    road_rest_write,
    road_rest_add,
    road_foreign_parent,
    road_new_record,
    road_check,
    road_file,
    road_ledger,
    road_compare,
    road_form,
    road_policy_contrast,
    road_list_parts,
    road_views,
    road_import,
    road_undo,
    road_file_void,
    road_child_pages,
    road_cell,
    road_bulk,
    road_bulk_void,
    road_void,
    road_rest_void,
)


#: the longest roads, which one person of each kind walks on SQLite
LONG = (road_masks, road_search)
#: and who on PostgreSQL too: a mask is put on what was read, wherever from, and the search has tests of its own on both; these keep registers, one may look
#: behind the masks
THERE_TOO = (PRIVACY_CLERK, EXPERT_ADMIN, SYSADMIN)


def _kind(entry: Entry, person: Persona) -> tuple[object, ...]:
    """What the conditions of a person's statements depend on."""
    place = (person.office == OWN_OFFICE, person.office == OTHER_OFFICE, person.regions) if expected(entry, person).reads else ()
    return (*(entry.rights.get(role) for role in person.roles), Role.PRIVACY_VIEW in person.roles, *place)


def _of_each_kind(entry: Entry) -> list[Persona]:
    """One person of each kind: who has the same rights in the same place sends the same statements."""
    return list({_kind(entry, person): person for person in reversed(EVERYBODY)}.values())


def _walks() -> Iterator[Any]:
    """Everybody in every register; on PostgreSQL one person of each kind."""
    for key, entry in ENTRIES.items():
        for person in _of_each_kind(entry) if POSTGRESQL else EVERYBODY:
            yield pytest.param(person, key, id=f"{person.username or 'visitor'}-{key}")


@pytest.mark.parametrize(("person", "key"), [*_walks()])
def test_every_road(app: Flask, bare_errors: None, session_of: SessionOf, sign_in: Callable[[Persona], Browser], person: Persona, key: str) -> None:
    entry = ENTRIES[key]
    ground = lay(session_of(), entry)
    walk = Walk(app, sign_in(person), person, ground, expected(entry, person))
    failures = []
    long_too = person in (THERE_TOO if POSTGRESQL else _of_each_kind(entry))
    for road in ROADS:
        if road in LONG and not long_too:
            continue
        try:
            road(walk)
        except AssertionError as error:
            failures.append(f"{road.__name__}: {error}")
    assert not failures, "\n".join(failures)


#: which road walks which handler; a handler that nobody walks is a hole
WALKED = {
    "page": {
        "list": road_list, "filters": road_list_parts, "columns": road_list_parts,
        "views": road_views, "view_edit": road_views, "view_delete": road_views, "view_opens": road_views, "show": road_show,
        "history": road_history, "version": road_history, "looks": road_history, "as_of": road_history, "add": road_new_record, "edit": road_edit, "void": road_void, "lookup": road_picker, "words": road_picker,
        "bulk": road_bulk, "bulk_preview": road_bulk, "bulk_void": road_bulk_void, "cell": road_cell,
        "child_add": road_foreign_parent, "child_edit": road_child_pages, "child_void": road_child_pages,
        "check_new": road_new_record, "check": road_check, "check_child": road_check,
        "export": road_export, "template": road_export, "upload": road_import, "preview": road_import, "reading": road_import, "mapping": road_import, "errors": road_import, "answer": road_import, "undo": road_undo,
        "ledger": road_ledger, "ledger_xlsx": road_ledger, "compare": road_compare, "compare_xlsx": road_compare, "form_docx": road_form,
        "reveal": road_reveal, "export_clear": road_reveal, "file_add": road_file, "file": road_file, "file_void": road_file_void,
    },
    "rest": {
        "info": road_rest_read, "get_list": road_rest_read, "get": road_rest_read, "post": road_rest_add, "put": road_rest_write,
        "reveal": road_reveal, "delete": road_rest_void, "post_child": road_foreign_parent, "put_child": road_foreign_parent, "delete_child": road_foreign_parent,
    },
    "search": {"/search": road_search, "/search.json": road_search},
}  # fmt: skip


def test_no_handler_is_without_a_road(app: Flask) -> None:
    handlers: dict[str, set[str]] = {"page": set(), "rest": set(), "search": set()}
    for rule in app.url_map.iter_rules():
        first = rule.rule.removeprefix("/api/v1").split("/")[1]
        if first in ENTRIES:
            handlers["rest" if rule.rule.startswith("/api/") else "page"].add(rule.endpoint.rpartition(".")[2])
        elif rule.endpoint.startswith("SearchView."):
            handlers["search"].add(rule.rule)
    for kind, found in handlers.items():
        assert found, f"no {kind} handlers at all"
        assert found <= WALKED[kind].keys(), f"{kind}: {sorted(found - WALKED[kind].keys())} is walked by no road"


def test_every_register_has_its_place_in_the_table() -> None:
    for entry in registry.entries():
        for person in EVERYBODY:
            may(entry.rights, person)


def test_the_lookup_reads_within_scope(app: Flask, session_of: SessionOf) -> None:
    """A picker's find never leads to a row that its list would not show."""
    session = session_of()
    ground = lay(session, ENTRIES[next(iter(ENTRIES))])
    reader = session_of(VISITOR)
    lookup = DatabaseLookup(reader)
    assert not lookup.find(ground.key, ground.labels[OTHER])
