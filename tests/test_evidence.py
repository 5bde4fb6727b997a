"""Evidence of the trace: it is checked elsewhere without a database, and whatever was done to it is named."""

from __future__ import annotations

import contextvars
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from app.clock import now, today
from app.database import db
from app.history import anchors, evidence, evidence_check, evidence_live, search, upkeep
from app.history.evidence import HEADS, KEY, LINKS, LIST, MANIFEST, README, SIGNATURE
from app.history.evidence_check import Checked, Flaw
from app.history.search import Wanted
from app.history.tables import trace
from app.scopes import SYSTEM, act_as
from models import Expert
from models.policy import Policy, Publication
from tests import samples
from tests.conftest import Browser, SessionOf
from tests.people import AUDIT_ADMIN, CLERK, EVERYBODY, EXPERT_ADMIN, Persona
from tests.test_history import anchored, bend, entries, office  # noqa: F401 - fixtures

SignIn = Callable[[Persona], Browser]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def busy(session_of: SessionOf, anchored: Path) -> Policy:  # noqa: F811
    """A policy that was changed, that has a child, sealed in several steps with others' entries between."""
    session = session_of(CLERK)
    row = samples.make(session, Policy, 7, office(session))
    upkeep.seal()
    for number, text in enumerate(("第一次", "第二次", "第三次"), 20):
        row.remark = text
        session.flush()
        samples.make(session, Policy, number, office(session))
        upkeep.seal()
    samples.make(session, Publication, 3, parent=row)
    session.commit()
    return row


@pytest.fixture
def make(busy: Policy, tmp_path: Path) -> Callable[..., Path]:
    """Makes a file of evidence: of the agency, or of what is wanted."""

    def write(wanted: Wanted | None = None) -> Path:
        act_as(db.session(), SYSTEM)
        order = evidence.order(db.session(), wanted or Wanted(relation="policy", row=busy.id), "测试")
        file = tmp_path / f"证据{time.monotonic_ns()}.zip"
        with file.open("wb") as out:
            evidence.write(db.session(), order, out)
        return file

    return write


def parts(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_parts(file: Path, members: dict[str, bytes]) -> Path:
    """The same file with other members."""
    other = file.with_name(f"改{file.name}")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return other


def links(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in parts(file)[LINKS].splitlines()]


def flaws(found: Checked) -> set[Flaw]:
    return {fault.flaw for fault in found.faults}


def own_key() -> Any:
    return upkeep.signer().public_key()


def rows(file: Path) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(parts(file)[LIST]), read_only=True)
    return list(book.worksheets[0].iter_rows(values_only=True))


# what it holds ----------------------------------------------------------------------------------


def test_a_record_leaves_with_all_that_happened_to_it_and_its_children(session_of: SessionOf, busy: Policy, make: Callable[..., Path]) -> None:
    file = make()
    kept = links(file)
    every = entries(session_of())
    child = [entry for entry in every if entry.relation == "publication"]
    wanted = [entry.id for entry in every if (entry.relation, entry.row) == ("policy", busy.id)] + [entry.id for entry in child]
    assert sorted(link["entry"] for link in kept) == sorted(wanted)
    assert len(kept) == 5
    with db.engine.connect() as connection:
        for link in kept:
            entry = search.one(connection, link["entry"])
            assert entry
            assert (entry.position, entry.digest) == (link["position"], link["digest"])
            assert hashlib.sha256(bytes.fromhex(link["before"]) + link["line"].encode()).hexdigest() == link["digest"]
    head, *lines = rows(file)
    assert head == (
        "封存序号",
        "历史编号",
        "时间",
        "谁",
        "账号",
        "当时的角色",
        "数据库账号",
        "途径",
        "地址",
        "原因",
        "做了什么",
        "对象",
        "栏目",
        "原来",
        "改为",
    )
    changed = [line for line in lines if line[12] == "备注" and line[13] == "第一次"]
    assert [(line[3], line[4], line[5], line[10], line[14]) for line in changed] == [("王经办", "wang", "经办人", "修改", "第二次")]
    text = parts(file)[README].decode()
    assert "flask trace check-evidence" in text
    assert f"#{busy.id}" in text
    assert "5 条" in text


def test_a_period_leaves_whole(session_of: SessionOf, make: Callable[..., Path]) -> None:
    file = make(Wanted(first=today() - timedelta(days=1), last=today()))
    with db.engine.connect() as connection:
        link = trace(connection.dialect.name).link
        assert [each["entry"] for each in links(file)] == list(connection.scalars(sa.select(link.c.entry).order_by(link.c.position)))
    found = evidence_check.check(file, own_key())
    assert found.faults == []
    assert found.anchored == found.entries, "nothing is missing in between: the heads of the time prove every one"
    by_one = make(Wanted(first=today(), last=today(), actor="wang"))
    assert 0 < len(links(by_one)) < len(links(file))
    with pytest.raises(evidence.NothingFound):
        make(Wanted(first=today() + timedelta(days=1), last=today() + timedelta(days=1)))


def test_what_a_head_proves_is_told_from_what_the_signature_declares(make: Callable[..., Path]) -> None:
    """Of a record, others' entries lie between: only what a head of its time ends with is proved by that head."""
    found = evidence_check.check(make(), own_key())
    assert found.faults == []
    assert 0 < found.anchored < found.entries


def test_the_list_is_masked_and_no_line_shows_what_a_mask_hides(app: Flask, session_of: SessionOf, make: Callable[..., Path]) -> None:
    session = session_of(EXPERT_ADMIN)
    expert = samples.make(session, Expert, 7, office(session, "综合股"))
    session.commit()
    secrets = [str(value) for value in (expert.id_no, expert.phone, expert.bank_account, expert.email, expert.address)]
    with db.engine.begin() as other:  # another program, which knows no encryption
        other.exec_driver_sql(f"UPDATE expert SET phone = '13911112222' WHERE id = {expert.id}")
    file = make(Wanted(relation="expert", row=expert.id))
    for content in parts(file).values():
        assert not [secret for secret in (*secrets, "13911112222") if secret.encode() in content]
    every = "\n".join(str(cell) for row in rows(file) for cell in row)
    assert not [secret for secret in (*secrets, "13911112222") if secret in every]
    assert expert.name in every
    assert "联系电话" in every
    withheld = [link for link in links(file) if link["line"] is None]
    assert len(withheld) == 1, "what another program wrote in clear does not leave"
    assert any("b1:" in (link["line"] or "") for link in links(file)), "what is encrypted leaves as it was sealed"
    found = evidence_check.check(file, own_key())
    assert found.faults == []
    assert found.withheld == len(withheld)
    with db.engine.connect() as connection:
        evidence_live.compare(connection, file, found)
    assert (found.faults, found.compared) == ([], len(links(file))), "the database still proves them"


def test_an_entry_that_was_bent_before_is_told_when_the_evidence_is_made(session_of: SessionOf, busy: Policy, make: Callable[..., Path]) -> None:
    upkeep.seal()
    last = entries(session_of(), relation="policy", row=busy.id)[1]
    bend(f"UPDATE trace.entry SET image = replace(image, '第一次', '第壹次') WHERE id = {last.id}")
    file = make()
    assert json.loads(parts(file)[MANIFEST])["broken"] == [last.position]
    found = evidence_check.check(file, own_key())
    assert [(fault.flaw, fault.position, fault.entry) for fault in found.faults] == [(Flaw.CHANGED, last.position, last.id)]


# what was done to it ----------------------------------------------------------------------------


def test_a_byte_changed_in_any_part_is_named(make: Callable[..., Path]) -> None:
    file = make()
    members = parts(file)
    assert set(members) == {README, MANIFEST, SIGNATURE, KEY, LINKS, HEADS, LIST}
    for name, content in members.items():
        place = len(content) // 2
        bent = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        for key in (own_key(), None):
            found = evidence_check.check(with_parts(file, {**members, name: bent}), key)
            wanted = Flaw.SIGNATURE if name in {MANIFEST, SIGNATURE} else Flaw.FILE
            named = {fault.name for fault in found.faults if fault.flaw is wanted}
            assert named == {MANIFEST if wanted is Flaw.SIGNATURE else name}, (name, found.faults)


def test_no_byte_of_the_file_itself_changes_unseen(make: Callable[..., Path]) -> None:
    """Each byte that carries anything: a change is found, or what is packed is the same."""
    file = make()
    members, content, bent = parts(file), file.read_bytes(), file.with_name("弯.zip")
    for place in range(0, len(content), 7):
        bent.write_bytes(content[:place] + bytes([content[place] ^ 0x11]) + content[place + 1 :])
        found = evidence_check.check(bent, own_key())
        assert not found.sound or parts(bent) == members, place


def test_each_change_of_an_entry_is_named_by_its_number(make: Callable[..., Path]) -> None:
    file = make()
    members, kept = parts(file), links(file)
    for place, link in enumerate(kept):
        for change in ({"line": link["line"].replace("wang", "li")}, {"entry": link["entry"] + 1}, {"digest": "00" * 32}, {"before": "11" * 32}):
            other = [*kept[:place], {**link, **change}, *kept[place + 1 :]]
            found = evidence_check.check(_with_links(file, members, other), own_key())
            assert (Flaw.CHANGED, link["position"]) in {(fault.flaw, fault.position) for fault in found.faults}, change
            assert Flaw.FILE in flaws(found)


def _with_links(file: Path, members: dict[str, bytes], kept: list[dict[str, Any]]) -> Path:
    return with_parts(file, {**members, LINKS: b"".join(json.dumps(link, ensure_ascii=False).encode() + b"\n" for link in kept)})


def test_an_entry_taken_out_put_in_or_moved_is_named(make: Callable[..., Path]) -> None:
    file = make()
    members, kept = parts(file), links(file)
    for place, link in enumerate(kept):
        found = evidence_check.check(_with_links(file, members, kept[:place] + kept[place + 1 :]), own_key())
        gone = [(fault.position, fault.last) for fault in found.faults if fault.flaw is Flaw.TAKEN_OUT]
        assert gone == [(link["position"], link["position"])]
    everything = evidence_check.check(_with_links(file, members, []), own_key())
    assert sum((fault.last or 0) - (fault.position or 0) + 1 for fault in everything.faults if fault.flaw is Flaw.TAKEN_OUT) == len(kept)
    strange = {**kept[0], "position": kept[-1]["position"] + 1}
    for other in ([*kept, strange], [kept[1], kept[0], *kept[2:]], [kept[0], *kept]):
        assert Flaw.PUT_IN in flaws(evidence_check.check(_with_links(file, members, other), own_key()))


def test_members_that_are_gone_double_or_new_are_named(make: Callable[..., Path]) -> None:
    file = make()
    members = parts(file)
    for name in members:
        found = evidence_check.check(with_parts(file, {key: value for key, value in members.items() if key != name}), own_key())
        assert Flaw.ABSENT in flaws(found)
        assert name in {fault.name for fault in found.faults}
    assert Flaw.EXTRA in flaws(evidence_check.check(with_parts(file, {**members, "补充.txt": b"x"}), own_key()))
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(LINKS, members[LINKS])
    assert Flaw.EXTRA in flaws(evidence_check.check(file, own_key()))


def _signed_anew(file: Path, key: Ed25519PrivateKey, change: Callable[[dict[str, bytes]], None]) -> Path:
    """What somebody makes who changes the file and has a key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    members = parts(file)
    change(members)
    members[KEY] = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    facts = json.loads(members[MANIFEST])
    facts["key"] = anchors.public_text(key.public_key())
    facts["files"] = {name: {"sha256": hashlib.sha256(members[name]).hexdigest(), "bytes": len(members[name])} for name in facts["files"]}
    members[MANIFEST] = json.dumps(facts, ensure_ascii=False).encode()
    members[SIGNATURE] = key.sign(members[MANIFEST])
    return with_parts(file, members)


def test_another_key_is_named(make: Callable[..., Path]) -> None:
    file, other = make(), Ed25519PrivateKey.generate()
    assert flaws(evidence_check.check(file, other.public_key())) >= {Flaw.OTHER_KEY}
    forged = _signed_anew(file, other, lambda members: members.update({LIST: b"PK"}))
    assert Flaw.OTHER_KEY in flaws(evidence_check.check(forged, own_key()))
    alone = evidence_check.check(forged)
    assert alone.own_key, "with its own key it must be said whose key that is"
    assert alone.key == anchors.public_text(other.public_key())
    assert Flaw.ANCHOR in flaws(alone), "it cannot sign what was signed at the time"


def test_who_has_the_key_and_rewrites_an_entry_disagrees_with_the_heads_of_the_time(make: Callable[..., Path], anchored: Path) -> None:  # noqa: F811
    """Heads inside the file, and those that somebody copied away."""
    file = make(Wanted(first=today(), last=today()))

    def rewrite(members: dict[str, bytes]) -> None:
        before, out = "", []
        for line in members[LINKS].splitlines():
            link = json.loads(line)
            link["line"] = link["line"].replace("第二次", "第贰次")
            link["before"] = before
            before = link["digest"] = hashlib.sha256(bytes.fromhex(before) + link["line"].encode()).hexdigest()
            out.append(json.dumps(link, ensure_ascii=False))
        members[LINKS] = "\n".join(out).encode()
        facts = json.loads(members[MANIFEST])
        facts["head"]["digest"] = before
        members[MANIFEST] = json.dumps(facts).encode()

    forged = _signed_anew(file, upkeep.signer(), rewrite)
    assert flaws(evidence_check.check(forged, own_key())) == {Flaw.REWRITTEN}
    bare = _signed_anew(file, upkeep.signer(), lambda members: (rewrite(members), members.update({HEADS: b""}))[0])
    assert flaws(evidence_check.check(bare, own_key())) == set(), "only the heads betray it"
    heads, wrong = anchors.read(anchored / anchors.NAME, own_key())
    assert wrong == []
    assert flaws(evidence_check.check(bare, own_key(), heads)) == {Flaw.REWRITTEN}


def test_the_database_is_held_to_the_evidence(session_of: SessionOf, busy: Policy, make: Callable[..., Path]) -> None:
    file = make()
    one, two = (next(link for link in links(file) if word in link["line"]) for word in ("第一次", "第二次"))
    bend(
        f"UPDATE trace.entry SET image = replace(image, '第一次', '第壹次') WHERE id = {one['entry']}",
        f"DELETE FROM trace.entry WHERE id = {two['entry']}",
    )
    found = evidence_check.check(file, own_key())
    assert found.faults == []
    with db.engine.connect() as connection:
        evidence_live.compare(connection, file, found)
    assert {(fault.flaw, fault.entry) for fault in found.faults} == {(Flaw.LIVE_OTHER, one["entry"]), (Flaw.LIVE_GONE, two["entry"])}


# roads ------------------------------------------------------------------------------------------


def command(app: Flask, *arguments: str) -> Any:
    return contextvars.Context().run(app.test_cli_runner().invoke, args=["trace", *arguments])


def test_the_commands_make_and_check_it(app: Flask, busy: Policy, session_of: SessionOf, tmp_path: Path) -> None:
    file = tmp_path / "机构.zip"
    made = command(app, "evidence", "--register", "policy", "--row", str(busy.id), "--out", str(file))
    assert made.exit_code == 0, made.output
    assert "5 条历史" in made.output
    noted = entries(session_of(), kind="export")[-1]
    assert json.loads(noted.image) == {"subject": "机构.zip", "register": "policy", "row": busy.id, "count": 5, "bytes": file.stat().st_size}
    key = command(app, "key").output.strip()
    good = command(app, "check-evidence", str(file), "--public-key", key)
    assert good.exit_code == 0, good.output
    assert "没有发现改动" in good.output
    assert "与数据库里的历史逐条比对了 5 条" in good.output
    assert "自带的公钥" in command(app, "check-evidence", str(file)).output
    bent = with_parts(file, {**parts(file), LIST: b"PK"})
    bad = command(app, "check-evidence", str(bent), "--json")
    assert bad.exit_code == 1
    assert [(fault["flaw"], fault["name"]) for fault in json.loads(bad.output)["faults"]] == [("file", LIST)]
    for wrong in (["--register", "agency"], ["--from", "2026-01-01"], ["--from", "昨天", "--to", "今天"], ["--register", "nothing", "--row", "1"]):
        assert command(app, "evidence", *wrong, "--out", str(tmp_path / "x.zip")).exit_code == 1
    nothing = command(app, "evidence", "--register", "agency", "--row", "999999", "--out", str(tmp_path / "x.zip"))
    assert (nothing.exit_code, [path.name for path in tmp_path.glob("*x.zip*")]) == (1, [])


def elsewhere(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another machine: another key, and a database that is not there."""
    folder.mkdir(exist_ok=True)
    own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "FLASK_APP"}}
    settings = {
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
        "TRACE_KEY": b64encode(os.urandom(32)).decode(),
        "TRACE_ANCHORS": str(folder),
        "SECRET_KEY": "x",
        "JOBS_PATH": str(folder / "jobs.db"),
        "FILES_PATH": str(folder),
    }
    line = [sys.executable, "-m", "flask", "--app", "app.factory:create_app", "trace", "check-evidence", *arguments]
    return subprocess.run(line, cwd=ROOT, env={**own, **settings}, capture_output=True, text=True, timeout=120, check=False)


def test_another_machine_checks_it_without_a_database(make: Callable[..., Path], tmp_path: Path) -> None:
    file = make()
    good = elsewhere(tmp_path / "other", str(file), "--public-key", anchors.public_text(own_key()))
    assert good.returncode == 0, good.stderr
    assert "没有发现改动" in good.stdout
    assert "没有与数据库比对" in good.stdout
    kept = links(file)
    kept[2]["line"] = kept[2]["line"].replace("wang", "li")
    bad = elsewhere(tmp_path / "other", str(_with_links(file, parts(file), kept)), "--public-key", anchors.public_text(own_key()))
    assert bad.returncode == 1
    assert f"封存序号 {kept[2]['position']} 的历史（第 {kept[2]['entry']} 条）与它的摘要不符" in bad.stdout


def test_common_tools_check_it_too(make: Callable[..., Path], tmp_path: Path) -> None:
    """As the file's own instructions say: openssl for the signature, any SHA-256 for the rest."""
    members = parts(make())
    for name, content in members.items():
        (tmp_path / name).write_bytes(content)
    line = "openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in manifest.json -sigfile manifest.sig"
    assert line in members[README].decode()
    assert subprocess.run(line.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
    facts = json.loads(members[MANIFEST])
    assert {name: kept["sha256"] for name, kept in facts["files"].items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in members.items() if name not in {MANIFEST, SIGNATURE}
    }


def test_the_audit_administrator_takes_it_from_the_page(sign_in: SignIn, busy: Policy, session_of: SessionOf, tmp_path: Path) -> None:
    browser = sign_in(AUDIT_ADMIN)
    assert "导出证据</button>" not in browser.get("/audit/").data.decode()
    address = f"/audit/?relation=policy&row={busy.id}"
    assert "导出证据</button>" in browser.get(address).data.decode()
    answer = browser.post(f"/audit/evidence.zip?relation=policy&row={busy.id}", token_from=address)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    (tmp_path / "页面.zip").write_bytes(answer.data)
    found = evidence_check.check(tmp_path / "页面.zip", own_key())
    assert (found.faults, found.entries) == ([], 5)
    assert found.manifest["maker"] == "沈审计（shen）"
    noted = entries(session_of(), kind="export")
    assert [(entry.actor, json.loads(entry.image)["filters"]) for entry in noted] == [("shen", ["relation", "row"])]
    assert browser.post("/audit/evidence.zip", token_from=address).status_code == 400
    assert browser.post(f"/audit/evidence.zip?relation=agency&row={10**7}", token_from=address).status_code == 400
    assert browser.get(f"/audit/evidence.zip?relation=policy&row={busy.id}").status_code == 405, "it seals, so it is asked by a form"


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.username or "visitor")
def test_nobody_else_takes_it(sign_in: SignIn, busy: Policy, person: Persona) -> None:
    browser = sign_in(person)
    answer = browser.post(f"/audit/evidence.zip?relation=policy&row={busy.id}", token_from="/" if person.username else "/login/")
    assert (answer.mimetype == "application/zip") == (person is AUDIT_ADMIN)
    assert (browser.get("/audit/report").status_code == 200) == (person is AUDIT_ADMIN)
    assert (browser.get(f"/audit/looks/policy/{busy.id}").status_code == 200) == (person is AUDIT_ADMIN)


def test_more_than_a_page_takes_is_refused(sign_in: SignIn, busy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("views.audit.MOST", 3)
    answer = sign_in(AUDIT_ADMIN).post(f"/audit/evidence.zip?first={today()}&last={today()}", token_from="/audit/")
    assert answer.status_code == 400
    assert "超过 3 条" in answer.data.decode()


# verified every night, reported every day -------------------------------------------------------


def test_the_worker_verifies_once_a_day_and_keeps_what_came_of_it(app: Flask, busy: Policy, session_of: SessionOf, monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep.seal()
    morning = now().astimezone(upkeep.local(now()).tzinfo).replace(hour=3)
    monkeypatch.setattr(upkeep, "now", lambda: morning)
    assert upkeep.verification_due() == []
    monkeypatch.setattr(upkeep, "now", lambda: morning.replace(hour=4))
    assert upkeep.verification_due() == [(f"{morning:%Y%m%d}",)]
    assert upkeep.verification_due() == [], "another worker asks"
    assert upkeep.verification_cut_off() == [(f"{morning:%Y%m%d}",)], "the worker was killed"
    upkeep.verify_daily(f"{morning:%Y%m%d}")
    assert upkeep.verification_cut_off() == []
    kept = json.loads(entries(session_of(), kind="verified")[-1].image)
    assert (kept["sound"], kept["findings"]) == (True, 0)
    upkeep.seal()
    last = entries(session_of(), relation="policy", row=busy.id)[1]
    bend(f"UPDATE trace.entry SET image = replace(image, '第一次', '第壹次') WHERE id = {last.id}")
    upkeep.verify_daily(f"{morning:%Y%m%d}")
    entry = entries(session_of(), kind="verified")[-1]
    assert (entry.actor, entry.road, json.loads(entry.image)["sound"]) == ("system", "job", False)
    assert last.id in {kept["entry"] for kept in json.loads(entry.image)["named"]}


def test_the_report_of_a_day_says_what_there_was(app: Flask, sign_in: SignIn, busy: Policy, session_of: SessionOf) -> None:
    assert app.test_client().post("/login/", data={"username": "wang", "password": "x"}).status_code in {200, 302, 400}
    assert sign_in(CLERK).get("/audit/").status_code in {302, 403}
    browser = sign_in(AUDIT_ADMIN)
    page = browser.get("/audit/report").data.decode()
    assert "还没有核验过" in page
    assert "无权操作，被拒绝" in page
    assert "GET /audit/" in page
    upkeep.seal()
    assert command(app, "verify").exit_code == 0
    page = browser.get(f"/audit/report?day={today()}").data.decode()
    assert "还没有核验过" not in page
    assert "没有发现改动" in page
    assert "核验历史，发现" not in browser.get("/audit/").data.decode()
    last = entries(session_of(), relation="policy", row=busy.id)[1]
    bend(f"UPDATE trace.entry SET image = replace(image, '第一次', '第壹次') WHERE id = {last.id}")
    assert command(app, "verify").exit_code == 1
    assert f"第 {last.id} 条历史被改动过" in browser.get("/audit/report").data.decode()
    assert "核验历史，发现" in browser.get("/audit/").data.decode()
    assert "这一天没有留下历史" in browser.get("/audit/report?day=2020-01-01").data.decode()
    assert browser.get("/audit/report?day=昨天").status_code == 400
