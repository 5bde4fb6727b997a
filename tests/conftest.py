"""One application per worker, one fresh copy of a prepared database per test that asks for it."""

from __future__ import annotations

import base64
import contextvars
import gc
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy.orm import Session

from app import database
from app.accounts import Account, actor_of
from app.database import db
from app.encryption import data_keys
from app.scopes import SYSTEM, VISITOR, act_as
from app.signin import passwords
from tests.databases import POSTGRESQL, Databases
from tests.people import PASSWORD, PEOPLE, Persona

#: what the tests start beside themselves reads the same values
os.environ |= {
    "MASTER_KEY": base64.b64encode(b"the master key of all the tests.").decode(),
    "INDEX_KEY": base64.b64encode(b"the index key of all the tests..").decode(),
}
#: how the product hashes passwords, and where Flask-AppBuilder keeps the hash that it works out for names that nobody has
SLOW, NOBODY = passwords.METHOD, "AUTH_DB_FAKE_PASSWORD_HASH_CHECK"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what would say the same again: tests that ask for no database, and those marked so."""
    if not POSTGRESQL:
        return
    again = [item for item in items if "databases" not in item.fixturenames or item.get_closest_marker("one_database")]  # type: ignore[attr-defined]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item not in set(again)]


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases.for_worker(tmp_path_factory.mktemp("databases"), os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield made
    made.drop()


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """People sign in thousands of times, and the hash that accounts have is slow on purpose: here it is the same with the least work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "METHOD", "scrypt:256:8:1")
        yield


@pytest.fixture
def slow_hashes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes as the product makes them."""
    monkeypatch.setattr(passwords, "METHOD", SLOW)
    monkeypatch.setitem(app.config, NOBODY, app.config[f"{NOBODY}_SLOW"])


@pytest.fixture(scope="session")
def application(databases: Databases, tmp_path_factory: pytest.TempPathFactory, quick_hashes: None) -> Flask:
    """The application, over a database with roles, lists, regions and the personas."""
    from flask_migrate import upgrade

    from app.factory import create_app
    from app.install import add_account, sync_permissions
    from models.seed import seed

    def settings(url: str) -> dict[str, Any]:
        return {
            "DATABASE_URL": url,
            "SECRET_KEY": "a key of the tests, long enough for tokens",
            "JOBS_PATH": ":immediate:",
            "FILES_PATH": str(tmp_path_factory.mktemp("files")),
            "EXPORTS_PATH": str(tmp_path_factory.mktemp("exports")),
            "TRACE_ANCHORS": str(tmp_path_factory.mktemp("anchors")),
        }

    databases.create("template")
    first = create_app(settings(databases.template))
    with first.app_context():
        upgrade()
        act_as(db.session(), SYSTEM)
        seed(db.session())
        data_keys.settle(db.session.connection())
        db.session.commit()
        sync_permissions()
        for person in PEOPLE:
            add_account(person.username, list(person.roles), person.office, person.regions, person.name, PASSWORD, chosen=True)
        db.session.remove()
    with first.app_context():  # what the first context noted was written as it ended
        db.engine.dispose()
    app = create_app(settings(databases.work))
    app.config["TESTING"] = True
    app.config[f"{NOBODY}_SLOW"], app.config[NOBODY] = app.config[NOBODY], passwords.hash_of("nobody's")
    app.test_client_class = Client
    gc.freeze()  # what stands by now stays to the end: looking through it for garbage took a twentieth of the walks
    return app


@pytest.fixture
def app(application: Flask, databases: Databases) -> Iterator[Flask]:
    """The application with its database as prepared."""
    with application.app_context():
        db.engine.dispose()
    databases.copy()
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def bare_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an error says, without the frame around it: the walks are refused thousands of times, and drawing frames took most of their time."""
    monkeypatch.setattr("views.errors.render", lambda _template, what, todo, **_facts: escape(f"{what} {todo}"))


SessionOf = Callable[..., Session]


@pytest.fixture
def session_of(app: Flask) -> Iterator[SessionOf]:
    """A session that acts for a persona (None: the system)."""
    opened: list[Session] = []

    def open_session(person: Persona | None = None) -> Session:
        with app.app_context():
            session = database.open_session()
            session.expire_on_commit = False
        opened.append(session)
        actor = SYSTEM
        if person is not None:
            account = session.scalar(sa.select(Account).where(Account.username == person.username)) if person.username else None
            actor = actor_of(account) if account else VISITOR
        act_as(session, actor)
        return session

    with app.app_context():
        yield open_session
        for session in opened:
            session.close()


class Client(FlaskClient):
    """Sends each request from outside any application context, as browsers do.

    Inside one, Flask lets all requests share its `g`, and with it who is signed in.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("buffered", True)  # a file that is sent is closed
        return contextvars.Context().run(super().open, *args, **kwargs)


#: in a form, or in the head of a page
TOKEN = re.compile(r'<(?:input|meta)[^>]*name="csrf[_-]token"[^>]*(?:value|content)="([^"]+)"')


class Browser:
    """A signed-in client that fills in forms as a browser does: with the token that the page carries."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.get = client.get
        #: the token of the first page: the desk is dear to draw, and hundreds of posts ask for it
        self.home = ""

    def token(self, path: str = "/login/") -> str:
        if path == "/" and self.home:
            return self.home
        found = TOKEN.search(self.client.get(path).get_data(as_text=True))
        assert found is not None, f"{path} carries no token"
        if path == "/":
            self.home = found[1]
        return found[1]

    def post(self, path: str, data: dict[str, Any] | None = None, token_from: str = "", **kwargs: Any) -> Any:
        token = self.token(token_from or path)
        return self.client.post(path, data={**(data or {}), "csrf_token": token}, **kwargs)


@pytest.fixture
def sign_in(app: Flask) -> Callable[[Persona], Browser]:
    """Sign a persona in and return the browser; a visitor just gets a browser."""

    def enter(person: Persona) -> Browser:
        browser = Browser(app.test_client())
        if person.username:
            answer = browser.post("/login/", {"username": person.username, "password": PASSWORD})
            assert answer.status_code == 302, answer.data.decode()[:500]
        return browser

    return enter


class Statements:
    """The SQL statements that a block ran."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __len__(self) -> int:
        return len(self.texts)


@pytest.fixture
def statements(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """Counts statements: clear `texts`, act, look at the length. What is remembered for a while is remembered throughout."""
    monkeypatch.setattr("app.security.SECONDS_REMEMBERED", float("inf"))
    seen = Statements()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.texts.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)
