"""The trace: every road leaves its entry, nobody bends it unseen, and people can read it."""

from __future__ import annotations

import contextvars
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app import registry
from app.clock import now, today
from app.database import db
from app.database_roles import TRACE_ROLE
from app.history import acts, anchors, chain, commands, events, read, search, setup
from app.history.chain import Fault
from app.history.tables import trace
from app.records import void
from app.register import Record, children, field_map
from app.scopes import SYSTEM, act_as
from app.search import keep
from imports.run import run
from models import Agency, Expert
from models.agency import Qualification
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.databases import Databases
from tests.journeys.visit import SAMPLES
from tests.people import AUDIT_ADMIN, CLERK, EXPERT_ADMIN, LEADER, OTHER_CLERK, OWN, SECTION_HEAD, SECURITY_ADMIN, VISITOR, Persona

SignIn = Callable[[Persona], Browser]
POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgresql")
only_postgresql = pytest.mark.skipif(not POSTGRESQL, reason="SQLite has no roles and one writer")


def office(session: Session, name: str = OWN) -> int:
    found = session.scalar(sa.select(registry.need("org_unit").id).where(registry.need("org_unit").name == name))  # type: ignore[attr-defined]
    assert found
    return int(found)


@pytest.fixture
def agency(session_of: SessionOf) -> Agency:
    """One that a clerk has registered."""
    session = session_of(CLERK)
    row = samples.make(session, Agency, 7, office(session))
    session.commit()
    return row


def entries(session: Session, **tests: Any) -> list[Any]:
    """What the trace holds, oldest first."""
    found = search.find(session.connection(), search.Wanted(**tests), 1000)
    session.rollback()
    return found[::-1]


# what leaves an entry ---------------------------------------------------------------------------


@pytest.mark.parametrize("cls", registry.tables(), ids=lambda cls: cls.__tablename__)
def test_every_register_leaves_its_trace_whoever_writes(session_of: SessionOf, cls: type[Record]) -> None:
    session = session_of()
    parent = samples.make(session, cls.__parent__, 11, office(session)) if hasattr(cls, "__parent__") else None
    row = samples.make(session, cls, 12, office(session), parent=parent) if parent is None else samples.make(session, cls, 12, parent=parent)
    session.commit()
    number = row.id
    with db.engine.begin() as other:  # another program
        other.exec_driver_sql(f"UPDATE \"{cls.__tablename__}\" SET void_reason = '旁路' WHERE id = {number}")
        other.exec_driver_sql(f'DELETE FROM "search_{cls.__tablename__}" WHERE rowid = {number}') if _searched(cls) else None
        other.exec_driver_sql(f'DELETE FROM "{cls.__tablename__}" WHERE id = {number}')
    versions = read.of_rows(session, cls, [number])
    assert [each.kind for each in versions] == ["insert", "update", "delete"]
    assert versions[0].actor == "system"
    assert versions[1].actor.startswith("database:")
    kept = {declared.attr: samples_value for declared in field_map(cls).values() if (samples_value := getattr(row, declared.attr)) is not None}
    assert {attr: versions[0].values[attr] for attr in kept} == kept
    assert versions[1].values["void_reason"] == "旁路"


def _searched(cls: type[Record]) -> bool:
    return f"search_{cls.__tablename__}" in sa.inspect(db.engine).get_table_names()


def test_an_act_says_who_from_where_by_which_road(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    browser = sign_in(CLERK)
    answer = browser.post(f"/agency/void/{agency.id}", {"reason": "重复登记"}, token_from=f"/agency/show/{agency.id}")
    assert answer.status_code == 302
    last = entries(session_of(), relation="agency")[-1]
    assert (last.kind, last.actor, last.roles, last.road, last.address) == ("update", "wang", "clerk", "page", "127.0.0.1")
    assert bool(last.role) == POSTGRESQL, "SQLite knows no roles"
    assert now() - last.at < timedelta(minutes=1)
    assert last.values["void_reason"] == "重复登记"
    assert last.before["void_reason"] is None


def test_an_import_is_one_act_with_its_batch(session_of: SessionOf) -> None:
    session = session_of(CLERK)
    result, _report = run(session, Agency, (SAMPLES / "中介机构名录.xlsx").read_bytes(), "中介机构名录.xlsx")
    found = entries(session_of(), relation="agency")
    assert found
    assert {(each.actor, each.road, each.batch) for each in found} == {("wang", "import", result.batch)}
    assert len({each.at for each in found}) == 1


def test_what_is_rolled_back_leaves_nothing(session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    before = len(entries(session))
    row = session.get(Agency, agency.id)
    assert row
    row.remark = "改了又不要"
    session.flush()
    session.rollback()
    assert len(entries(session)) == before
    row.remark = "这次算数"
    session.commit()
    assert entries(session)[-1].actor == "wang"


def test_a_savepoint_that_is_rolled_back_does_not_lose_the_actor(session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    with pytest.raises(RuntimeError), session.begin_nested():
        row.remark = "一"
        session.flush()
        raise RuntimeError
    row.remark = "二"
    session.commit()
    assert entries(session)[-1].actor == "wang"
    assert entries(session)[-1].values["remark"] == "二"


def test_the_next_transaction_is_not_the_last_ones_act(session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    acts.describe(session, reason="第一次", road="restore")
    row.remark = "一"
    session.commit()
    row.remark = "二"
    session.commit()
    first, second = entries(session)[-2:]
    assert (first.reason, first.road) == ("第一次", "restore")
    assert (second.reason, second.road) == ("", "command")


def test_rights_that_are_given_past_the_product_are_seen(session_of: SessionOf) -> None:
    with db.engine.begin() as other:
        user = other.exec_driver_sql("SELECT id FROM ab_user WHERE username = 'wang'").scalar()
        role = other.exec_driver_sql("SELECT id FROM ab_role WHERE name = 'security_admin'").scalar()
        other.exec_driver_sql(f"INSERT INTO ab_user_role (id, user_id, role_id) VALUES (9999, {user}, {role})")
        other.exec_driver_sql(f"UPDATE ab_user SET login_count = 5 WHERE id = {user}")
        other.exec_driver_sql(f"UPDATE ab_user SET email = 'x@y.z' WHERE id = {user}")
    given, changed = entries(session_of())[-2:]
    assert (given.relation, given.kind, given.actor.split(":")[0]) == ("ab_user_role", "insert", "database")
    assert (changed.relation, changed.kind, changed.values["email"]) == ("ab_user", "update", "x@y.z")
    assert "password" not in changed.values


def test_events_stand_in_the_same_trace(session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    number = events.note(session.connection(), "export", {"count": 3, "file": "名录.xlsx"}, of=Agency, row=agency.id)
    session.commit()
    found = search.one(session.connection(), number)
    assert found
    assert (found.kind, found.actor, found.relation, found.row) == ("export", "wang", "agency", agency.id)
    assert json.loads(found.image) == {"count": 3, "file": "名录.xlsx"}
    with pytest.raises(ValueError, match="only triggers"):
        events.note(session.connection(), "update")


def test_a_file_that_leaves_is_noted(app: Flask, sign_in: SignIn, session_of: SessionOf, agency: Agency, tmp_path: Path) -> None:
    browser = sign_in(CLERK)
    assert browser.get("/agency/export.xlsx?f.name=样例&q=13800000007").status_code == 200
    command_line = ["export", "agency", str(tmp_path / "名录.json"), "--as", "wang"]
    assert contextvars.Context().run(app.test_cli_runner().invoke, args=command_line).exit_code == 0  # a process of its own
    page, command = entries(session_of(), kind="export")
    assert (page.actor, page.road, command.actor, command.road) == ("wang", "page", "wang", "command")
    facts = json.loads(page.image)
    assert facts["path"] == "/agency/export.xlsx"
    assert facts["filters"] == ["f.name", "q"]
    assert facts["bytes"] > 1000
    assert "13800000007" not in page.image
    assert json.loads(command.image) == {"subject": "名录.json", "register": "agency", "count": 1, "filters": []}
    text = sign_in(AUDIT_ADMIN).get(f"/audit/{page.id}").data.decode()
    assert "/agency/export.xlsx" in text
    assert "导出" in text


# sealing and verifying --------------------------------------------------------------------------


@pytest.fixture
def anchored(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the heads go to."""
    monkeypatch.setitem(app.config, "TRACE_ANCHORS", str(tmp_path))
    return tmp_path


@pytest.fixture
def sealed(session_of: SessionOf, agency: Agency, anchored: Path) -> int:
    """A trace that is sealed and anchored: how many entries."""
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    row.remark = "封存之前"
    session.commit()
    session.close()
    return commands.seal()


def faults() -> list[Fault]:
    return [finding.fault for finding in commands.verdict().findings]


def bend(*statements: str) -> None:
    """As somebody who owns the database."""
    with db.engine.begin() as owner:
        if owner.dialect.name == "sqlite":
            for table in ("entry", "act", "link", "layout", "seal"):
                for kind in ("update", "delete"):
                    owner.exec_driver_sql(f"DROP TRIGGER IF EXISTS trace_{table}_no_{kind}")
        for statement in statements:
            owner.exec_driver_sql(statement if owner.dialect.name == "postgresql" else statement.replace("trace.", "trace_"))


def test_a_sound_trace_is_sound(sealed: int) -> None:
    found = commands.verdict()
    assert found.findings == []
    assert (found.entries, found.sealed, found.unsealed) == (sealed, sealed, 0)
    assert commands.seal() == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trace.entry SET image = replace(image, '封存之前', '封存之後') WHERE id = {last}",
        "UPDATE trace.entry SET row_id = row_id + 1 WHERE id = {last}",
        "UPDATE trace.act SET actor = 'li' WHERE id = (SELECT act FROM trace.entry WHERE id = {last})",
        "UPDATE trace.act SET reason = '事后补的' WHERE id = (SELECT act FROM trace.entry WHERE id = {last})",
        "UPDATE trace.layout SET columns = replace(columns, 'name', 'naam') WHERE relation = 'agency'",
    ],
)
def test_what_is_changed_in_an_entry_is_named(session_of: SessionOf, sealed: int, change: str) -> None:
    last = entries(session_of())[-1].id
    bend(change.format(last=last))
    found = [finding for finding in commands.verdict().findings if finding.fault is Fault.CHANGED]
    assert last in {finding.entry for finding in found}


def test_what_is_removed_is_named(session_of: SessionOf, sealed: int) -> None:
    last = entries(session_of())[-1].id
    bend(f"DELETE FROM trace.entry WHERE id = {last - 1}")
    missing = [finding for finding in commands.verdict().findings if finding.fault is Fault.MISSING]
    assert [finding.entry for finding in missing] == [last - 1]
    bend(f"DELETE FROM trace.link WHERE entry = {last - 1}")
    assert Fault.MISSING in faults()


def test_what_is_cut_off_is_found_back_to_the_last_anchor(session_of: SessionOf, sealed: int) -> None:
    last = entries(session_of())[-1].id
    bend(f"DELETE FROM trace.link WHERE entry = {last}", f"DELETE FROM trace.entry WHERE id = {last}")
    found = [finding for finding in commands.verdict().findings if finding.fault is Fault.CUT_OFF]
    assert [(finding.entry, finding.position, finding.detail) for finding in found] == [(last, sealed, "1")]


def test_a_chain_that_is_reckoned_anew_disagrees_with_its_anchors(session_of: SessionOf, sealed: int) -> None:
    last = entries(session_of())[-1].id
    bend(f"UPDATE trace.entry SET image = replace(image, '封存之前', '封存之後') WHERE id = {last}", "DELETE FROM trace.link", "DELETE FROM trace.seal")
    with db.engine.begin() as owner:
        assert chain.seal(owner) == sealed
    assert Fault.REWRITTEN in faults()
    assert Fault.CHANGED not in faults()


def test_an_anchor_that_is_changed_is_found(sealed: int, anchored: Path) -> None:
    file = anchored / anchors.NAME
    facts = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**facts, "position": 1}) + "\nnothing\n", encoding="utf-8")
    found = [finding.detail for finding in commands.verdict().findings if finding.fault is Fault.ANCHOR]
    assert found == ["1", "2"]


def test_a_row_that_is_changed_without_an_entry_is_named(session_of: SessionOf, agency: Agency, sealed: int) -> None:
    session = session_of(CLERK)
    samples.make(session, Qualification, 3, parent=session.get(Agency, agency.id))
    session.commit()
    commands.seal()
    silent = _silently(f"UPDATE agency SET remark = '悄悄改的' WHERE id = {agency.id}", "agency", "update")
    assert (silent.relation, silent.row) == ("agency", agency.id)
    gone = _silently(f"DELETE FROM qualification WHERE parent_id = {agency.id}", "qualification", "delete")
    assert gone.relation == "qualification"


def _silently(statement: str, table: str, kind: str) -> Any:
    """What verification says after a change with the table's trigger out of the way."""
    with db.engine.begin() as owner:
        if owner.dialect.name == "postgresql":
            owner.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER trace_{kind}")
            owner.exec_driver_sql(statement)
            owner.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER trace_{kind}")
        else:
            made = owner.exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE name = 'trace_{table}_{kind}'").scalar_one()
            owner.exec_driver_sql(f"DROP TRIGGER trace_{table}_{kind}")
            owner.exec_driver_sql(statement)
            owner.exec_driver_sql(made)
    return next(finding for finding in commands.verdict().findings if finding.fault is Fault.UNTRACED and finding.relation == table)


def test_a_table_whose_triggers_are_off_is_named_and_mended(sealed: int) -> None:
    with db.engine.begin() as owner:
        if owner.dialect.name == "postgresql":
            owner.exec_driver_sql("ALTER TABLE policy DISABLE TRIGGER trace_update")
            owner.exec_driver_sql("CREATE OR REPLACE FUNCTION trace.review_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        else:
            owner.exec_driver_sql("DROP TRIGGER trace_policy_update")
            owner.exec_driver_sql("DROP TRIGGER trace_review_insert")
            owner.exec_driver_sql("CREATE TRIGGER trace_review_insert AFTER INSERT ON review BEGIN SELECT 1; END")
    found = {finding.relation for finding in commands.verdict().findings if finding.fault is Fault.TRIGGER}
    assert found == {"policy", "review"}
    with db.engine.begin() as owner:
        if owner.dialect.name == "postgresql":
            owner.exec_driver_sql("ALTER TABLE policy ENABLE TRIGGER trace_update")
        setup.reconcile(owner)
    assert faults() == []


def test_what_waits_too_long_for_its_seal_is_said(session_of: SessionOf, sealed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of(CLERK)
    samples.make(session, Agency, 8, office(session))
    assert Fault.UNSEALED not in faults()
    monkeypatch.setattr(chain, "SOON", timedelta(seconds=-5))
    assert Fault.UNSEALED in faults()


def test_the_commands_speak(app: Flask, sealed: int, session_of: SessionOf) -> None:
    runner = app.test_cli_runner()
    good = runner.invoke(args=["trace", "verify"])
    assert good.exit_code == 0
    assert "没有发现改动" in good.output
    last = entries(session_of())[-1].id
    bend(f"UPDATE trace.entry SET image = replace(image, '封存之前', '封存之後') WHERE id = {last}")
    bad = runner.invoke(args=["trace", "verify"])
    assert bad.exit_code == 1
    assert f"第 {last} 条历史被改动过（安全生产中介服务机构" in bad.output or f"第 {last} 条历史被改动过（" in bad.output
    report = json.loads(runner.invoke(args=["trace", "verify", "--json"]).output)
    assert report["sound"] is False
    assert {"changed", "untraced"} == {finding["fault"] for finding in report["findings"]}
    key = runner.invoke(args=["trace", "key"]).output.strip()
    facts = anchors.opened(anchors.public_key(key), runner.invoke(args=["trace", "report", today().isoformat()]).output)
    assert facts["position"] == sealed
    assert sum(facts["counts"].values()) == sealed
    assert runner.invoke(args=["trace", "report", "昨天"]).exit_code == 1


def test_the_worker_keeps_up(app: Flask, agency: Agency, anchored: Path) -> None:
    commands.keep_up()
    with db.engine.connect() as connection:
        assert chain.head(connection) is not None
    assert (anchored / anchors.NAME).exists()
    assert len(list(anchored.glob("report-*.json"))) == 1


# late commits, other roles ----------------------------------------------------------------------


@only_postgresql
def test_an_entry_that_is_committed_late_is_sealed_and_none_twice(app: Flask, agency: Agency, anchored: Path) -> None:
    """Writers of very different length, a sealer beside them: every entry comes into the chain once."""
    stop = threading.Event()

    def write(number: int) -> None:
        with app.app_context():
            for turn in range(20):
                with db.engine.begin() as connection:
                    connection.exec_driver_sql(f"UPDATE agency SET remark = '{number}-{turn}' WHERE id = {agency.id} AND {number} = 0")
                    connection.exec_driver_sql(
                        f"INSERT INTO region (name, code, full_name, level, row_version) VALUES ('{number}-{turn}', 'x{number}-{turn}', 'y', 'z', 1)"
                    )
                    connection.exec_driver_sql(f"SELECT pg_sleep({0.02 if number else 0.001})")

    def seal() -> None:
        with app.app_context():
            while not stop.is_set():
                commands.seal()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    sealer = threading.Thread(target=seal)
    for each in (*writers, sealer):
        each.start()
    for each in writers:
        each.join()
    stop.set()
    sealer.join()
    commands.seal()
    found = commands.verdict()
    assert (found.unsealed, found.entries - found.sealed) == (0, 0)
    assert found.findings == []


@only_postgresql
def test_a_database_that_was_restored_elsewhere_goes_on(session_of: SessionOf, sealed: int) -> None:
    """Another server counts transactions anew, perhaps from far below: nothing is left out, nothing comes twice."""
    bend("INSERT INTO trace.seal (seen) VALUES ('999999999:999999999:')")
    session = session_of(CLERK)
    for number in (21, 22):
        samples.make(session, Agency, number, office(session))
        assert commands.seal() == 1
    assert commands.verdict().findings == []


@pytest.fixture
def separated(databases: Databases, tmp_path: Path) -> Iterator[tuple[sa.Engine, sa.Engine, Flask]]:
    """A database set up as the README says: engines of the application's role and of a superuser."""
    from app.factory import create_app

    databases.create("scratch")
    admin = sa.create_engine(databases._address("scratch"), poolclass=sa.NullPool)
    name = sa.make_url(databases._address("scratch")).database
    owner, application = f"{name}_owner", f"{name}_app"
    with admin.begin() as connection:
        for role in (owner, application):
            connection.exec_driver_sql(f"DROP ROLE IF EXISTS {role}")
        connection.exec_driver_sql(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'one'")
        connection.exec_driver_sql(f"GRANT CREATE ON DATABASE {name} TO {owner}")
        connection.exec_driver_sql(f"GRANT CREATE ON SCHEMA public TO {owner}")
    urls = {role: sa.make_url(databases._address("scratch")).set(username=role, password=word) for role, word in ((owner, "one"), (application, "two's"))}
    texts = {role: url.render_as_string(hide_password=False) for role, url in urls.items()}
    base = {"SECRET_KEY": "test", "JOBS_PATH": ":immediate:", "FILES_PATH": str(tmp_path), "TRACE_ANCHORS": str(tmp_path / "anchors")}
    app = create_app({**base, "DATABASE_URL": texts[application], "OWNER_DATABASE_URL": texts[owner]})
    with app.app_context():
        answer = app.test_cli_runner().invoke(args=["install"])
        assert answer.exit_code == 0, answer.output
        again = app.test_cli_runner().invoke(args=["install"])
        assert again.exit_code == 0, again.output
        app.config["OWNER_DATABASE_URL"] = ""
        yield db.engine, admin, app
        db.session.remove()
        db.engine.dispose()
    with admin.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {application} CASCADE")
        connection.exec_driver_sql(f"REASSIGN OWNED BY {owner} TO CURRENT_USER")
        connection.exec_driver_sql(f"DROP OWNED BY {owner} CASCADE")
        for role in (owner, application):
            connection.exec_driver_sql(f"DROP ROLE {role}")
    admin.dispose()


FORBIDDEN = (
    "UPDATE trace.entry SET image = 'x'", "DELETE FROM trace.entry", "TRUNCATE trace.entry", "DROP TABLE trace.entry", "ALTER TABLE trace.entry ADD x int",
    "INSERT INTO trace.entry (act, kind) VALUES (1, 'update')", "INSERT INTO trace.link VALUES (1, 1, 1, '')", "DELETE FROM trace.link", "DROP SCHEMA trace CASCADE",
    "UPDATE trace.act SET actor = 'x'", "UPDATE trace.layout SET columns = '[]'", "DELETE FROM trace.seal", "DROP VIEW trace.line",
    "ALTER TABLE agency DISABLE TRIGGER trace_insert", "DROP TRIGGER trace_insert ON agency", "TRUNCATE agency", "DROP TABLE agency CASCADE",
    "ALTER TABLE agency RENAME TO other", "CREATE RULE r AS ON INSERT TO agency DO INSTEAD NOTHING", "CREATE TABLE public.mine (i int)",
    "CREATE TRIGGER mine BEFORE INSERT ON agency FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SET session_replication_role = replica", f"SET ROLE {TRACE_ROLE}", "DROP FUNCTION trace.seal()", "SELECT trace.this_act()",
    "CREATE OR REPLACE FUNCTION trace.seal() RETURNS bigint LANGUAGE sql AS 'select 1::bigint'",
    "SELECT trace.open_act('database:owner', null, null, null, null, null, null)", "SELECT trace.note('update', 'agency', 1, '(1)')",
    "SELECT measure('ab_user')", "SELECT measure('agency; DROP TABLE agency')", "SELECT measure(null)", "DROP FUNCTION measure(text)",
    "CREATE OR REPLACE FUNCTION measure(relation text) RETURNS void LANGUAGE sql AS 'select'",
)  # fmt: skip


@only_postgresql
def test_the_applications_role_cannot_bend_the_trace(separated: tuple[sa.Engine, sa.Engine, Flask]) -> None:
    engine, admin, app = separated
    act_as(session := db.session(), SYSTEM)
    row = samples.make(session, Agency, 5, office(session))
    session.commit()
    commands.seal()
    for statement in FORBIDDEN:
        with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as refused:
            connection.exec_driver_sql(statement)
        assert refused.value.orig.sqlstate in {"42501", "P0001"}, f"{statement}: {refused.value.orig}"  # type: ignore[union-attr]
    assert commands.verdict().findings == []
    assert "有能力改动历史" not in app.test_cli_runner().invoke(args=["trace", "verify"]).output
    with admin.begin() as connection:
        number = connection.exec_driver_sql(f"SELECT max(id) FROM trace.entry WHERE row_id = {row.id} AND kind = 'insert'").scalar()
        connection.exec_driver_sql(f"UPDATE trace.entry SET image = overlay(image placing 'X' from 3 for 1) WHERE id = {number}")
    assert number in {finding.entry for finding in commands.verdict().findings if finding.fault is Fault.CHANGED}
    with admin.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM trace.entry WHERE id >= {number}")
        connection.exec_driver_sql(f"DELETE FROM trace.link WHERE entry >= {number}")
    assert Fault.CUT_OFF in faults()


@only_postgresql
def test_the_database_role_stands_beside_whoever_is_claimed(separated: tuple[sa.Engine, sa.Engine, Flask]) -> None:
    engine, _admin, _app = separated
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT trace.open_act('somebody', null, null, null, null, null, null)")
        connection.exec_driver_sql("UPDATE org_unit SET remark = 'x' WHERE id = 1")
        found = search.find(connection, search.Wanted(relation="org_unit"), 1)[0]
    assert (found.actor, found.role) == ("somebody", engine.url.username)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT set_config('trace.act', '1', true)")
        connection.exec_driver_sql("UPDATE org_unit SET remark = 'y' WHERE id = 1")
        found = search.find(connection, search.Wanted(relation="org_unit"), 1)[0]
    assert found.actor == f"database:{engine.url.username}"


@only_postgresql
def test_many_rows_are_measured_although_the_application_owns_no_table(separated: tuple[sa.Engine, sa.Engine, Flask]) -> None:
    """PostgreSQL skips ANALYZE by who does not own the table, with a warning that nobody reads."""
    engine, _admin, _app = separated
    act_as(session := db.session(), SYSTEM)
    lines = ["机构名称,统一社会信用代码", *(f"机构{number}号,{samples.credit_code(number)}" for number in range(1100))]
    _result, report = run(session, Agency, "\n".join(lines).encode(), "many.csv")
    assert report["counts"]["written"] == 1100, report["wrong"][:3]
    keep.refill(session, ["agency"], everything=True)
    with engine.connect() as connection:
        for table in ("agency", "search_agency"):
            assert connection.exec_driver_sql(f"SELECT reltuples FROM pg_class WHERE oid = '{table}'::regclass").scalar() == 1100, table
            assert connection.exec_driver_sql(f"SELECT last_analyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = '{table}'").scalar(), table


def test_sqlite_keeps_its_trace_from_slips(app: Flask, agency: Agency) -> None:
    if db.engine.dialect.name != "sqlite":
        return
    for statement in ("UPDATE trace_entry SET image = 'x'", "DELETE FROM trace_entry", "DELETE FROM trace_link", "UPDATE trace_act SET actor = 'x'"):
        with db.engine.begin() as connection, pytest.raises(sa.exc.IntegrityError, match="only ever added to"):
            if "link" in statement:
                chain.seal(connection)
            connection.exec_driver_sql(statement)


# reading ----------------------------------------------------------------------------------------


def test_a_record_has_its_history(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    old = row.name
    row.name = "改名后的公司"
    session.commit()
    samples.make(session, Qualification, 3, parent=row)
    session.commit()
    page = sign_in(CLERK).get(f"/agency/history/{agency.id}").data.decode()
    assert "改名后的公司" in page
    assert old in page
    assert "王经办" in page
    assert str(Qualification.__title__) in page
    assert f'href="/agency/history/{agency.id}"' in sign_in(CLERK).get(f"/agency/show/{agency.id}").data.decode()


def test_history_is_masked_and_in_scope(sign_in: SignIn, session_of: SessionOf) -> None:
    session = session_of(EXPERT_ADMIN)
    expert = samples.make(session, Expert, 7, office(session, "综合股"))
    session.commit()
    id_no, phone = expert.id_no, expert.phone
    expert.phone = "13911112222"
    session.commit()
    for person in (EXPERT_ADMIN, LEADER, AUDIT_ADMIN):
        browser = sign_in(person)
        number = entries(session_of(), relation="expert")[-1].id
        for path in (
            f"/expert/history/{expert.id}",
            f"/expert/history/{expert.id}/versions/{number}",
            "/expert/as-of",
            f"/audit/{number}",
            f"/audit/{number - 1}",
            "/audit/",
        ):
            text = browser.get(path).data.decode()
            assert not any(secret in text for secret in (id_no, phone, "13911112222")), f"{person.username} {path}"
    for person, path in (
        (VISITOR, f"/expert/history/{expert.id}"),
        (OTHER_CLERK, f"/expert/history/{expert.id}"),
        (CLERK, "/audit/"),
        (SECURITY_ADMIN, "/audit/"),
    ):
        assert sign_in(person).get(path).status_code in {302, 403, 404}, f"{person.username} {path}"


def test_other_offices_history_is_not_found(sign_in: SignIn, agency: Agency, session_of: SessionOf) -> None:
    number = entries(session_of(), relation="agency")[-1].id
    browser = sign_in(OTHER_CLERK)
    for path in (f"/agency/history/{agency.id}", f"/agency/history/{agency.id}/versions/{number}"):
        assert browser.get(path).status_code == 404
    assert agency.name not in browser.get("/agency/as-of").data.decode()


def test_a_version_is_put_back_as_a_new_entry(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    old_name, old_contact = agency.name, agency.contact
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    row.name, row.contact = "改错了的名字", "改对了的人"
    session.commit()
    first = entries(session_of(), relation="agency")[-2].id
    address = f"/agency/history/{agency.id}/versions/{first}"
    browser = sign_in(CLERK)
    assert "改错了的名字" in browser.get(address).data.decode()
    refused = browser.post(address, {"field": ["name"], "reason": ""})
    assert refused.status_code == 422
    assert "请写明为什么恢复" in refused.data.decode()
    assert browser.post(address, {"field": ["name"], "reason": "名字改错了"}).status_code == 302
    session.expire_all()
    row = session.get(Agency, agency.id)
    assert row
    assert (row.name, row.contact) == (old_name, "改对了的人")
    assert old_contact != row.contact
    last = entries(session_of(), relation="agency")[-1]
    assert (last.road, last.reason, last.actor) == ("restore", "名字改错了", "wang")


def test_who_may_not_change_may_not_put_back(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    row.name = "新名字"
    session.commit()
    first = entries(session_of(), relation="agency")[-2].id
    address = f"/agency/history/{agency.id}/versions/{first}"
    for person in (LEADER, SECTION_HEAD):
        assert sign_in(person).post(address, {"field": ["name"], "reason": "试试"}, token_from="/").status_code in {403, 422}
    session.expire_all()
    row = session.get(Agency, agency.id)
    assert row
    assert row.name == "新名字"


def test_a_childs_version_is_put_back_too(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    child = samples.make(session, Qualification, 3, parent=session.get(Agency, agency.id))
    session.commit()
    key = next(key for key, declared in field_map(Qualification).items() if declared.format.name in {"text", "certificate_number"})
    old = getattr(child, field_map(Qualification)[key].attr)
    setattr(child, field_map(Qualification)[key].attr, "改过")
    session.commit()
    first = entries(session_of(), relation="qualification")[-2].id
    answer = sign_in(CLERK).post(f"/agency/history/{agency.id}/versions/{first}", {"field": [key], "reason": "改错"})
    assert answer.status_code == 302, answer.data.decode()[-3000:]
    session.expire_all()
    assert getattr(session.get(Qualification, child.id), field_map(Qualification)[key].attr) == old


def test_a_register_as_it_stood(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    moment = now()
    name = row.name
    row.name = "后来的名字"
    session.commit()
    count, versions = read.as_of(session, Agency, moment, 25)
    assert (count, [version.values["name"] for version in versions]) == (1, [name])
    _count, later = read.as_of(session, Agency, now(), 25)
    assert later[0].values["name"] == "后来的名字"
    browser = sign_in(CLERK)
    assert "后来的名字" in browser.get("/agency/as-of").data.decode()
    assert "后来的名字" not in browser.get(f"/agency/as-of?day={today() - timedelta(days=1)}").data.decode()
    assert browser.get("/agency/as-of?day=gestern").status_code == 400


def test_the_audit_administrator_searches(sign_in: SignIn, session_of: SessionOf, agency: Agency) -> None:
    session = session_of(CLERK)
    row = session.get(Agency, agency.id)
    assert row
    void(session, row, "重复登记")
    session.commit()
    browser = sign_in(AUDIT_ADMIN)
    page = browser.get("/audit/?actor=wang&relation=agency&kind=update").data.decode()
    number = entries(session_of(), relation="agency")[-1].id
    assert f"/audit/{number}" in page
    assert f"/audit/{number - 1}" not in page
    entry = browser.get(f"/audit/{number}").data.decode()
    assert "重复登记" in entry
    assert "尚未封存" in entry
    commands.seal()
    assert "序号" in browser.get(f"/audit/{number}").data.decode()
    assert f"/audit/{number}" not in browser.get("/audit/?actor=li").data.decode()
    assert f"/audit/{number}" not in browser.get(f"/audit/?last={today() - timedelta(days=1)}").data.decode()
    assert f"/audit/{number}" in browser.get(f"/audit/?first={today()}&row={agency.id}").data.decode()
    for wrong in ("row=x", "first=x", "before=-1"):
        assert browser.get(f"/audit/?{wrong}").status_code == 400


def test_children_are_all_reachable() -> None:
    """A child's layout names the column by which its record's history finds it."""
    for cls in registry.tables():
        relation = next(each for each in setup.relations() if each.name == cls.__tablename__)
        assert bool(relation.parent) == (cls not in {entry.register for entry in registry.entries()})
    assert children(Agency)


def test_the_tables_names_on_both_databases() -> None:
    assert str(sa.select(trace("postgresql").entry.c.id)) == "SELECT trace.entry.id \nFROM trace.entry"
    assert "trace_entry" in str(sa.select(trace("sqlite").entry.c.id))
