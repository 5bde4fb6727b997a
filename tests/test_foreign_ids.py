"""Guessing numbers leads nowhere (promise T02): every address that takes one is asked for what is somebody else's, by everybody.

The addresses come from the map of the application: one that takes an argument which nobody here knows how to fill fails by its name.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from app import documents, masking, registry
from app.database import db
from app.fields import Gate
from app.register import Register, children, field_map, fields
from app.roles import LEDGER, UNDOERS, Role, Rows
from app.scopes import SYSTEM, Scope
from imports.commit import BadRows
from tests import foreign
from tests.conftest import Browser
from tests.databases import Databases
from tests.expectations import ALL, may
from tests.foreign import MARK, PDF, SOMEBODY, Ground
from tests.people import AUDIT_ADMIN, CLERK, EVERYBODY, LEADER, OTHER, OWN, SECURITY_ADMIN, SYSADMIN, TOWN_SUPERVISOR, Persona
from tests.test_forgery import writes as writes  # noqa: PLC0414 - a fixture

SignIn = Callable[[Persona], Browser]

#: arguments that number a row; the others are words
IDS = {"pk", "child_id", "file_id", "entry", "batch_id", "change_id", "number", "row"}
#: rules that take words only: nothing in them belongs to anybody
WORDS = {
    "export", "words", "static", "appbuilder.static", "OpenApi.get", "SwaggerView.show", "LocaleView.index", "HelpView.topic",
    "DeskView.due_file", "DeskView.incomplete", "DeskView.plot", "OverviewView.coverage", "OverviewView.plot", "PrintedForms.upload",
}  # fmt: skip
#: whose work it is to open every row behind these addresses: to them nothing there is foreign
KEEPERS = {
    "KeeperView": SYSADMIN, "AuditView": AUDIT_ADMIN, "AccountView": SECURITY_ADMIN, "GroupView": SECURITY_ADMIN, "RoleView": SECURITY_ADMIN,
}  # fmt: skip
#: pages that answer refusals: no right, not signed in, a token that a visitor has not
REFUSED = {302, 400, 401, 403, 404, 405}
#: of a session, whether it goes on: when it was last used is noted as one walks
COLUMNS = {"account_session": "id, ended_at"}


@dataclass(frozen=True)
class Case:
    """One way to fill in an address, and what is asked under it."""

    why: str
    parts: Mapping[str, Any]
    query: Mapping[str, Any] | None = None
    #: what the answer may be for somebody who may use the road
    statuses: frozenset[int] = frozenset({404})


@pytest.fixture(scope="module")
def ground(application: Flask, databases: Databases) -> Ground:
    with application.app_context():
        db.engine.dispose()
    databases.copy()
    made = foreign.lay(application)
    with application.app_context():  # what was noted as the ground was laid is written by now
        db.engine.dispose()
    databases.copy("work", "ground")
    return made


@pytest.fixture
def app(application: Flask, databases: Databases, ground: Ground, bare_errors: None) -> Iterator[Flask]:
    """The application on the laid ground."""
    with application.app_context():
        db.engine.dispose()
    databases.copy("ground")
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


def state(app: Flask) -> dict[str, str]:
    """A digest of each table, but of the trace, which notes the refusals."""
    found = {}
    with app.app_context(), db.engine.connect() as connection:
        for table in sorted(sa.inspect(connection).get_table_names()):
            if not table.startswith("trace"):
                rows = connection.execute(sa.text(f'SELECT {COLUMNS.get(table, "*")} FROM "{table}"'))
                found[table] = hashlib.sha256("".join(sorted(str(tuple(row)) for row in rows)).encode()).hexdigest()
    return found


# how an address is filled ------------------------------------------------------------------------


class Walk:
    """One person before every address."""

    def __init__(self, app: Flask, ground: Ground, person: Persona, browser: Browser) -> None:
        self.app, self.ground, self.person, self.browser = app, ground, person, browser
        self.views = {view.blueprint.name: view for view in app.appbuilder.baseviews if view.blueprint}  # type: ignore[attr-defined]
        self.permissions = {each for role in person.roles for each in ground.permissions.get(role.value, ())}
        self.registers = [entry.register for entry in registry.entries()]
        self.token = browser.token("/" if person.username else "/login/")

    def may_use(self, rule: Rule) -> bool:
        """Whether the person has the permission that the road asks for."""
        blueprint, _dot, method = rule.endpoint.rpartition(".")
        view = self.views[blueprint]
        if method == "reveal" and not (Role.PRIVACY_VIEW in self.person.roles and masking.hides(Scope(SYSTEM), getattr(view, "cls", None) or view.register)):
            return False  # beside the right to read, a role of its own, and something to show
        if blueprint == "DisclosuresView" and rule.arguments and not {Role.SECTION_HEAD, Role.LEADER}.intersection(self.person.roles):
            return False
        named = getattr(getattr(view, method), "_permission_name", None) or method  # an action is a permission of its own
        permission = view.method_permission_name.get(method, named)
        return (f"can_{permission.removeprefix('can_')}", view.class_permission_name) in self.permissions

    def cases(self, rule: Rule) -> list[Case]:
        """The ways to fill in a rule; KeyError and a failure by name where nobody has said how."""
        blueprint, _dot, method = rule.endpoint.rpartition(".")
        view = self.views.get(blueprint)
        if rule.endpoint in WORDS or (method in WORDS and hasattr(view, "cls")):
            assert not rule.arguments & IDS, f"{rule.rule}: takes a number, and is said to take words only"
            return []
        if KEEPERS.get(blueprint) is self.person:
            return []
        cls = getattr(view, "cls", None) or getattr(view, "register", None)
        if isinstance(cls, type) and issubclass(cls, Register):
            return self._of_register(rule, cls)
        filled = FRAME.get(rule.endpoint)
        assert filled is not None, f"{rule.rule} ({rule.endpoint}): nobody has said how to fill it with foreign numbers"
        return filled(self)

    def hidden(self, cls: type[Register]) -> bool:
        """Whether the third office's record is beyond the person's reach."""
        entry = registry.entry_of(cls)
        if self.person is TOWN_SUPERVISOR and entry.rights[Role.SUPERVISOR].read is Rows.REGIONS and "region" in field_map(cls):
            return True
        return may(entry.rights, self.person).reads != ALL

    def _of_register(self, rule: Rule, cls: type[Register]) -> list[Case]:
        key, arguments = cls.__key__, rule.arguments
        unknown = arguments - IDS - {"kind", "name", "key"}
        assert not unknown, f"{rule.rule}: nobody has said how to fill {sorted(unknown)}"
        if {"batch_id", "change_id", "number"} & arguments:
            return self._of_owner(rule, cls)
        office = OTHER if self.person.office == OTHER else OWN
        near, far = self.ground.near[key, office], self.ground.far[key]
        forms = documents.forms_of(cls)
        words = {"key": may(registry.entry_of(cls).rights, self.person).probe, "name": forms[0].name if forms else "nothing"}
        found = []
        for kind in [child.__key__ for child in children(cls) if child.__key__ in far.children] or ["nothing"] if "kind" in arguments else [""]:
            for why, row, beside in (("foreign", far, far), ("own parent, foreign part", near, far), ("foreign parent, own part", far, near)):
                parts = {"pk": row.id, "child_id": beside.children.get(kind, 1), "file_id": beside.file, "entry": beside.entry, "kind": kind} | words
                filled = {name: parts[name] for name in arguments}
                within = not self.hidden(cls) and why == "foreign"
                if within or (why != "foreign" and (filled == found[-1].parts if found else False)):
                    continue
                if why == "foreign" or len(arguments & IDS) > 1:
                    found.append(Case(why, filled, statuses=self._statuses(cls, kind, why)))
            if rule.endpoint.endswith(".check_child"):  # it names the child beside the address
                found.append(Case("own parent, foreign part", {"pk": near.id, "kind": kind}, {"child": far.children.get(kind, 1)}))
        return found

    def _statuses(self, cls: type[Register], kind: str, why: str) -> frozenset[int]:
        """What is not within reach is not there. Who sees the record and may not change it, or no such children, hears that before any part is looked up."""
        rights, parent = registry.entry_of(cls).rights, may(registry.entry_of(cls).rights, self.person)
        seen = why == "own parent, foreign part" or not self.hidden(cls)
        gates = {gate for role in self.person.roles if role in rights for gate in rights[role].gates}
        writes = all(child.__gate__ in gates for child in children(cls) if child.__key__ == kind) and bool(parent.edits)
        return frozenset({403, 404}) if why != "foreign" and seen and not writes else frozenset({404})

    def _of_owner(self, rule: Rule, cls: type[Register]) -> list[Case]:
        name = next(iter(rule.arguments & IDS))
        attribute = {"batch_id": "batch", "change_id": "bulk", "number": "view"}[name]
        if rule.endpoint.endswith(".undo"):
            attribute = "done"
        theirs = getattr(self.ground.kept[SOMEBODY, cls.__key__], attribute)
        elsewhere = self.registers[self.registers.index(cls) - 1].__key__
        allowed = may(registry.entry_of(cls).rights, self.person)
        takes_back = attribute == "done" and allowed.adds and allowed.edits == ALL and bool(UNDOERS.intersection(self.person.roles))
        found = [] if takes_back else [Case("somebody else's", {name: theirs})]
        if self.person.username:
            found.append(Case("one's own, of another register", {name: getattr(self.ground.kept[self.person.username, elsewhere], attribute)}))
        if attribute == "view" and not rule.endpoint.endswith("opens"):
            found.append(Case("shared with one's office", {name: self.ground.shared[cls.__key__]}))
        return found

    # what is sent -----------------------------------------------------------------------------

    def send(self, rule: Rule, method: str, case: Case) -> Any:
        """The request that would do harm, if it was let."""
        with self.app.test_request_context():
            address = rule.build(dict(case.parts))
        assert address is not None, rule
        sent: dict[str, Any] = {"query_string": dict(case.query or {})}
        headers = {"X-CSRFToken": self.token}
        if address[1].startswith("/api/"):
            if method in {"POST", "PUT"}:
                sent["json"] = {self._field(rule, case): "外人改过"}
            elif method == "DELETE":
                sent["query_string"]["reason"] = "外人作废"
        elif method == "POST":
            sent["data"] = self._form(rule, case)
        return self.browser.client.open(address[1], method=method, headers=headers, **sent)

    def _field(self, rule: Rule, case: Case) -> str:
        view = self.views[rule.endpoint.rpartition(".")[0]]
        child = next((each for each in children(view.register) if each.__key__ == case.parts.get("kind")), None)
        return child.__label__ if child is not None else may(registry.entry_of(view.register).rights, self.person).probe

    def _form(self, rule: Rule, case: Case) -> dict[str, Any]:
        """What the page itself would send, with the versions and digests that are right."""
        blueprint, _dot, method = rule.endpoint.rpartition(".")
        cls = getattr(self.views[blueprint], "cls", None)
        if cls is None:
            return {"target": "1", "last_day": "2026-01-01", "id": self.ground.templates[""], "name": "外人", "label": "外人", **(case.query or {})}
        kept, far = self.ground.kept[SOMEBODY, cls.__key__], self.ground.far[cls.__key__]
        version = far.versions.get(str(case.parts.get("kind")), far.version) if "child_id" in case.parts else far.version
        probe = may(registry.entry_of(cls).rights, self.person).probe
        child = next((each for each in children(cls) if each.__key__ == case.parts.get("kind")), None)
        data: dict[str, Any] = {
            "row_version": version, "reason": "外人要改", "field": probe, probe: "外人改过", "name": "外人的视图", "shared": "1",
            "bad_rows": BadRows.SKIP.value,
            "digest": {"preview": kept.batch_digest, "undo": kept.done_digest}.get(method, kept.bulk_digest),
        }  # fmt: skip
        if child is not None:
            data[child.__label__] = "外人改过"
        if method == "file_add":
            data = {"file": (io.BytesIO(PDF), "外人.pdf")}
        return data


def _numbered(**names: str) -> Callable[[Walk], list[Case]]:
    """A rule of the frame: which number of the ground goes into which argument."""

    def fill(walk: Walk) -> list[Case]:
        numbers = {"account": walk.ground.accounts[SOMEBODY], "session": walk.ground.sessions[SOMEBODY], "entry": walk.ground.far["agency"].entry, "row": 1}
        return [Case("somebody else's", {name: numbers.get(what, what) for name, what in names.items()})]

    return fill


def _session_of_another(walk: Walk) -> list[Case]:
    """The security administrator ends sessions of an account: not by the number of another's."""
    if walk.person is not SECURITY_ADMIN:
        return _numbered(pk="account", number="session")(walk)
    accounts = walk.ground.accounts
    return [Case("a session of another account", {"pk": accounts["wang"], "number": walk.ground.sessions[SOMEBODY]})]


def _unless_security(**names: str) -> Callable[[Walk], list[Case]]:
    return lambda walk: [] if walk.person is SECURITY_ADMIN else _numbered(**names)(walk)


def _template(walk: Walk) -> list[Case]:
    """A form that one looks after, with a template of another form; nobody looks after a form that there is not."""
    form = next(iter(documents.forms().values()))
    parts = {"register": form.register.__key__, "name": form.name}
    return [Case("a template of another form", parts, {"id": walk.ground.templates[""]}), Case("no form", {"register": "agency", "name": "nothing"})]


def _request(walk: Walk) -> list[Case]:
    """Another office's request; a leader decides on everybody's."""
    return [] if walk.person is LEADER else [Case("another office's", {"number": walk.ground.request})]


def _export(walk: Walk) -> list[Case]:
    return [Case("somebody else's", {"number": walk.ground.export}), Case("nobody's", {"number": "1"})]


def _looks(walk: Walk) -> list[Case]:
    return [Case("somebody else's", {"relation": "agency", "row": walk.ground.far["agency"].id})]


FRAME: dict[str, Callable[[Walk], list[Case]]] = {
    "AuditView.looks": _looks,
    "DisclosuresView.grant": _request,
    "DisclosuresView.refuse": _request,
    "ExportsView.show": _export,
    "ExportsView.file": _export,
    "SignInsView.end": _numbered(number="session"),
    "AuditView.entry": _numbered(number="entry"),
    "KeeperView.accept": _numbered(pk="row"),
    "KeeperView.merge": _numbered(pk="row"),
    "KeeperView.retire": _numbered(pk="row"),
    "AccountSecurityView.account": _unless_security(pk="account"),
    "AccountSecurityView.end": _unless_security(pk="account"),
    "AccountSecurityView.two_step_off": _unless_security(pk="account"),
    "AccountSecurityView.end_one": _session_of_another,
    "AccountSecurityView.unlock": _numbered(number="row"),
    "AccountView.show": _numbered(pk="account"),
    "AccountView.edit": _numbered(pk="account"),
    "AccountView.delete": _numbered(pk="account"),
    "AccountView.action": _numbered(name="signins", pk="account"),
    "GroupView.show": _numbered(pk="row"),
    "GroupView.edit": _numbered(pk="row"),
    "GroupView.delete": _numbered(pk="row"),
    "GroupView.action": _numbered(name="muldelete", pk="row"),
    "RoleView.show": _numbered(pk="row"),
    "PrintedForms.template": _template,
    "PrintedForms.sample": _template,
    "PrintedForms.use": _template,
}


# the walk ----------------------------------------------------------------------------------------


def _allowed(walk: Walk, rule: Rule, method: str, case: Case) -> set[int]:
    if not walk.may_use(rule) or (not walk.person.username and method != "GET"):
        return REFUSED
    return set(case.statuses) | ({405} if method == "GET" and rule.endpoint.endswith((".action", ".delete")) else set())


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.username or "visitor")
def test_what_is_somebody_elses_is_not_there(app: Flask, ground: Ground, sign_in: SignIn, writes: list[str], person: Persona) -> None:
    walk = Walk(app, ground, person, sign_in(person))
    secrets = {text for key, found in ground.secrets.items() for text in found if walk.hidden(registry.need(key)) or text in ground.private}
    before = state(app)
    wrong, asked = [], 0
    for rule in app.url_map.iter_rules():
        if not rule.arguments:
            continue
        cases = walk.cases(rule)
        if cases and not walk.may_use(rule):
            cases = cases[:1]
        for case in cases:
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):  # type: ignore[operator]
                writes.clear()
                answer = walk.send(rule, method, case)
                asked += 1
                where = f"{method} {rule.rule} {dict(case.parts)} ({case.why})"
                if answer.status_code not in _allowed(walk, rule, method, case):
                    wrong.append(f"{where}: {answer.status_code}")
                body = answer.get_data().decode(errors="replace")
                if str(MARK)[1:] in body and (found := [text for text in secrets if text in body]):
                    wrong.append(f"{where}: tells {found}")
                if writes:
                    wrong.append(f"{where}: {writes}")
    assert not wrong, f"{len(wrong)} of {asked}:\n" + "\n".join(wrong)
    assert asked > 150
    after = state(app)
    assert {table for table in before | after if before.get(table) != after.get(table)} == set()


@pytest.mark.parametrize("person", [CLERK, SYSADMIN, SECURITY_ADMIN, AUDIT_ADMIN], ids=lambda person: person.username)
def test_numbers_that_no_row_has_are_not_there(app: Flask, ground: Ground, sign_in: SignIn, writes: list[str], person: Persona) -> None:
    """Nought, and what is too large for a column of the database or for its numbers at all."""
    walk = Walk(app, ground, person, sign_in(person))
    wrong = []
    for rule in app.url_map.iter_rules():
        if not (numbers := rule.arguments & IDS):
            continue
        words = {"kind": "nothing", "name": "nothing", "key": "remark", "relation": "agency"}
        for number in (0, 2**31, 2**63) if walk.may_use(rule) else ():
            case = Case("too large", {name: number if name in numbers else words[name] for name in rule.arguments})
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):  # type: ignore[operator]
                writes.clear()
                try:
                    status = walk.send(rule, method, case).status_code
                except Exception as error:  # noqa: BLE001 - the application lets faults through while it is tested
                    wrong.append(f"{method} {rule.rule} {number}: {error!r}"[:200])
                    continue
                opens = rule.endpoint.endswith("view_opens") and number == 0  # nought: the plain list again
                if not opens and (status not in {404, 405} or writes):
                    wrong.append(f"{method} {rule.rule} {number}: {status} {writes}")
    assert not wrong, "\n".join(wrong)


LINKS = [
    (entry.register, declared)
    for entry in registry.entries()
    for declared in fields(entry.register)
    if declared.format.name == "link" and declared.gate is Gate.ORDINARY and registry.entry_of(registry.need(declared.format.register)).rights is LEDGER  # type: ignore[attr-defined]
]


@pytest.mark.parametrize(("cls", "declared"), LINKS, ids=lambda each: getattr(each, "__key__", "") or each.key)
def test_a_record_is_not_linked_with_what_its_keeper_does_not_see(app: Flask, ground: Ground, sign_in: SignIn, cls: Any, declared: Any) -> None:
    """A link is a number too: by form and by REST."""
    walk = Walk(app, ground, CLERK, sign_in(CLERK))
    near, far = ground.near[cls.__key__, OWN], ground.far[declared.format.register]
    secrets = ground.secrets[declared.format.register]
    before = state(app)
    headers = {"X-CSRFToken": walk.token}
    answers = [
        walk.browser.client.put(f"/api/v1/{cls.__key__}/{near.id}", json={declared.key: far.id}, headers=headers),
        walk.browser.client.post(f"/{cls.__key__}/edit/{near.id}", data={declared.key: far.id, "row_version": near.version}, headers=headers),
        walk.browser.client.post(f"/{cls.__key__}/{near.id}/check", data={declared.key: far.id}, headers=headers),
        walk.browser.client.get(f"/{cls.__key__}/list/", query_string={f"f.{declared.key}": far.id}),
        walk.browser.client.post(f"/{cls.__key__}/bulk?ids={near.id}", data={"fields": declared.key, declared.key: far.id}, headers=headers),
    ]
    assert [answer.status_code for answer in answers[:2]] == [422, 422]
    for answer in answers:
        assert answer.status_code < 500
        assert not [text for text in secrets if text in answer.text], answer.request.path
    after = state(app)
    assert {table for table in before | after if before.get(table) != after.get(table)} == set()
