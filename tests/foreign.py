"""One ground for everybody who asks for what is somebody else's: rows of three offices, and what one account keeps."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import bulk, disclosure, documents, registry
from app.accounts import Account
from app.attachments import keep
from app.bulk import BulkChange, Change, Edit, Mode
from app.clock import now
from app.database import db
from app.history import search
from app.install import add_account
from app.register import Child, Register, children, field_map, fields
from app.roles import Role
from app.saved_views import SavedView
from app.scopes import SYSTEM, act_as
from app.signin import sessions
from imports import plan as planning
from imports import undo_judge
from imports.batch import BatchState, ImportBatch
from imports.commit import BadRows
from imports.export_job import ExportJob, ExportState
from imports.outcome import Mode as ImportMode
from tests import samples
from tests.people import OTHER, OWN, PASSWORD, PEOPLE
from tests.test_matrix import NEXT_TOWN, TOWN, _region, office_id

#: whose everything is that no persona has: an account and an office of its own
SOMEBODY, THIRD = "zu", "矿山股"
#: in every value of what is hidden
MARK = 8417
PDF = b"%PDF-1.4 made for a test"
#: kinds of values long enough to be nobody else's
_TELLING = {"text", "long_text", "code", "credit_code", "resident_id", "certificate_number", "document_number", "mobile", "email", "url"}


@dataclass
class Rows:
    """A record and what hangs on it."""

    id: int
    version: int
    file: int
    entry: int
    children: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)


@dataclass
class Kept:
    """What one account keeps of a register."""

    batch: int
    batch_digest: str
    #: an import that was written, and what its undo promises
    done: int
    done_digest: str
    bulk: int
    bulk_digest: str
    view: int


@dataclass
class Ground:
    """Of every register a record for each office that somebody works in, one that nobody does, and what people keep of it."""

    near: dict[tuple[str, str], Rows] = field(default_factory=dict)
    far: dict[str, Rows] = field(default_factory=dict)
    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    #: texts by which one knows what is hidden
    secrets: dict[str, set[str]] = field(default_factory=dict)
    #: those of what one account keeps, which nobody else sees whatever the role
    private: set[str] = field(default_factory=set)
    accounts: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, int] = field(default_factory=dict)
    templates: dict[str, int] = field(default_factory=dict)
    #: a request to see what is masked, of the third office
    request: int = 0
    #: the number of an export
    export: str = ""
    permissions: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


def lay(app: Flask) -> Ground:
    """Put it into the database that the application works on."""
    ground = Ground()
    with app.app_context():
        session = db.session()
        act_as(session, SYSTEM)
        add_account(SOMEBODY, [Role.CLERK], THIRD, name="祖某某", password=PASSWORD, chosen=True)
        for place, entry in enumerate(registry.entries()):
            _rows(session, ground, entry.register, place)
        for entry in registry.entries():
            _kept(session, ground, entry.register)
        _frame(session, ground)
        session.commit()
        ground.permissions = _permissions(session)
        db.session.remove()
    return ground


def _rows(session: Any, ground: Ground, cls: type[Register], place: int) -> None:
    for number, office in enumerate((OWN, OTHER), start=8101 + place):
        ground.near[cls.__key__, office] = _record(session, cls, number + place, office, TOWN)[0]
    rows, secrets = _record(session, cls, MARK, THIRD, NEXT_TOWN)
    ground.far[cls.__key__], ground.secrets[cls.__key__] = rows, secrets


def _record(session: Any, cls: type[Register], number: int, office: str, region: str) -> tuple[Rows, set[str]]:
    row = samples.make(session, cls, number, office_id(session, office))
    if "region" in field_map(cls) and "region_id" in cls.__table__.columns:
        row.region_id = _region(session, region)
        session.commit()
    file = keep(session, row, f"附件{number}号.pdf", PDF)
    made = Rows(row.id, 0, file.id, 0)
    secrets = _secrets(row) | ({file.original_name} if number == MARK else set())
    for child in children(cls):
        if all(_plain(child, key) for key in child.__keys__[0]) if child.__keys__ else True:
            below = samples.make(session, child, number, parent=row)
            made.children[child.__key__], made.versions[child.__key__] = below.id, below.row_version
            secrets |= _secrets(below)
    session.commit()
    session.refresh(row)
    made.version = row.row_version
    made.entry = search.find(session.connection(), search.Wanted(relation=cls.__tablename__, row=row.id, kind="insert"), 1)[0].id
    return made, secrets


def _plain(child: type[Child], key: str) -> bool:
    return field_map(child)[key].format.name != "link"


def _secrets(row: Any) -> set[str]:
    texts = {str(value) for each in fields(type(row)) if each.format.name in _TELLING and (value := getattr(row, each.attr))}
    return {text for text in texts if str(MARK) in text or str(MARK)[1:] in text[-4:]}


def _kept(session: Any, ground: Ground, cls: type[Register]) -> None:
    """What somebody keeps, as the pages make it; and the same as everybody else's own."""
    key = cls.__key__
    batch, change = _batch(session, cls), _change(session, ground, cls)
    view = SavedView(register=key, owner=SOMEBODY, name=f"祖的视图{MARK}", query="size=100")
    done = _again(batch, state=BatchState.DONE.value)
    shared = SavedView(register=key, owner=SOMEBODY, name="大家的视图", query="size=100", org_unit_id=office_id(session, OWN))
    session.add_all([batch, change, view, shared, done])
    session.flush()
    ground.private |= {batch.file_name, view.name}
    ground.secrets[key] |= ground.private
    ground.shared[key] = shared.id
    promise = undo_judge.make(session, cls, done.id).digest()
    ground.kept[SOMEBODY, key] = Kept(batch.id, batch.digest or "", done.id, promise, change.id, change.digest, view.id)
    for person in PEOPLE:
        own = [
            _again(each, **facts)
            for each, facts in (
                (batch, {"operator": person.username}),
                (done, {"operator": person.username}),
                (change, {"operator": person.username}),
                (view, {"owner": person.username}),
            )
        ]
        session.add_all(own)
        session.flush()
        ground.kept[person.username, key] = Kept(own[0].id, batch.digest or "", own[1].id, promise, own[2].id, change.digest, own[3].id)


def _again(row: Any, **facts: Any) -> Any:
    values = {column.key: getattr(row, column.key) for column in type(row).__table__.columns if column.key != "id"}
    return type(row)(**(values | facts))


def _batch(session: Any, cls: type[Register]) -> ImportBatch:
    """A file that is ready to be confirmed."""
    made = samples.consistent(cls, samples.values(session, cls, MARK + 1), None)
    known, text = field_map(cls), io.StringIO()
    keep_keys = [key for key in {part for each in cls.__keys__ for part in each} | {cls.__label__} if made.get(key) is not None]
    csv.writer(text).writerows([[str(known[key].label) for key in keep_keys], [known[key].format.dump(made[key]) for key in keep_keys]])
    data, name = text.getvalue().encode(), f"祖的名单{MARK}.csv"
    plan = planning.make(session, cls, data, name)
    facts = {
        "register": cls.__key__,
        "file_name": name,
        "sha256": plan.sha256,
        "content": data,
        "mode": ImportMode.UPSERT.value,
        "bad_rows": BadRows.STOP.value,
    }
    return ImportBatch(
        **facts, state=BatchState.PLANNED.value, digest=plan.digest, counts=plan.counts(), report=plan.summary(), operator=SOMEBODY, created_at=now()
    )


def _change(session: Any, ground: Ground, cls: type[Register]) -> BulkChange:
    """A change of many records that is ready to be confirmed."""
    rows = [session.get(cls, ground.far[cls.__key__].id)]
    change = bulk.promise(session, Edit(session, cls, [Change("remark", Mode.SET, "祖改过")]), {"ids": [str(rows[0].id)]}, rows)
    change.operator = SOMEBODY
    return change


def _frame(session: Any, ground: Ground) -> None:
    ground.accounts = dict(session.execute(sa.select(Account.username, Account.id)).tuples().all())
    for name, number in ground.accounts.items():
        verified = session.connection().scalar(sa.select(Account.__table__.c.password).where(Account.__table__.c.id == number))
        ground.sessions[name] = sessions.begin(session, number, sessions.Kind.BROWSER, verified)[1]
    for form in documents.forms().values():
        ground.templates[form.key] = documents.keep(session, form, "别的模板.docx", form.shipped()).id
    other = documents.FormTemplate(
        form="nowhere.form", original_name="别处的模板.docx", content=b"PK", size=2, sha256="0" * 64, uploaded_by=SOMEBODY, uploaded_at=now()
    )
    session.add(other)
    session.flush()
    ground.templates[""] = other.id
    facts = {"kind": disclosure.Kind.REVEAL.value, "amount": 5, "purpose": disclosure.Purpose.VERIFY.value, "asker": SOMEBODY}
    request = disclosure.Disclosure(**facts, org_unit_id=office_id(session, THIRD))
    session.add(request)
    session.flush()
    ground.request = request.id
    job = ExportJob(number="DC261128-ZUZUZU", register="agency", kind="csv", name=f"祖的导出{MARK}", operator=SOMEBODY, state=ExportState.DONE.value)
    session.add(job)
    session.flush()
    ground.export, ground.private = job.number, ground.private | {job.name}


def _permissions(session: Any) -> dict[str, set[tuple[str, str]]]:
    """The permissions of each role, as the database has them."""
    rows = session.execute(
        sa.text(
            "SELECT r.name, p.name, v.name FROM ab_permission_view_role l JOIN ab_role r ON r.id = l.role_id "
            "JOIN ab_permission_view pv ON pv.id = l.permission_view_id JOIN ab_permission p ON p.id = pv.permission_id "
            "JOIN ab_view_menu v ON v.id = pv.view_menu_id"
        )
    )
    found: dict[str, set[tuple[str, str]]] = {}
    for role, permission, view in rows:
        found.setdefault(role, set()).add((permission, view))
    return found
