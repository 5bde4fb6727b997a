"""The same moments and days whatever zone the server lives in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import config
from app.clock import SHANGHAI, local
from tests.databases import Databases
from tests.people import CLERK, PASSWORD
from tests.samples import credit_code

ZONES = ("UTC", "America/New_York", "Asia/Shanghai", "Pacific/Kiritimati")
#: signs in, adds a record, and tells what was noted and what is shown
CHILD = """
import json, sys
import sqlalchemy as sa
from datetime import UTC, datetime
import app.clock
from app.factory import create_app
from app.database import db
from app.accounts import Account
from tests.conftest import Browser

app_ = create_app({"FILES_PATH": sys.argv[1], "JOBS_PATH": ":immediate:"})
browser = Browser(app_.test_client())
assert browser.post("/login/", {"username": sys.argv[2], "password": sys.argv[3]}).status_code == 302
code = sys.argv[4]
assert browser.post("/agency/add", {"name": "\u7532\u516c\u53f8", "uscc": code}).status_code == 302
with app_.app_context():
    account = db.session.scalar(sa.select(Account).where(Account.username == sys.argv[2]))
    changed = db.session.connection().execute(sa.text("SELECT max(changed_at) FROM agency")).scalar()
    told = {"last_login": str(account.last_login), "changed": str(changed), "days": []}
for moment in ("2026-03-31T15:59:59", "2026-03-31T16:00:00", "2026-12-31T16:00:00", "2026-03-08T07:30:00"):
    app.clock.now = lambda: datetime.fromisoformat(moment).replace(tzinfo=UTC)
    told["days"].append(str(app.clock.today()))
told["me"] = browser.get("/users/userinfo/").get_data(as_text=True)
print(json.dumps(told))
"""


def _told(zone: str, databases: Databases, tmp_path: Path, code: str) -> dict[str, Any]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environ |= {"TZ": zone, "DATABASE_URL": databases.work, "SECRET_KEY": "a key of the tests, long enough for tokens", "INSTANCE_DIR": str(tmp_path)}
    environ["PYTHONPATH"] = str(config.ROOT)
    command = [sys.executable, "-c", CHILD, str(tmp_path / "files"), CLERK.username, PASSWORD, code]
    done = subprocess.run(command, env=environ, cwd=config.ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_noted_and_shown_does_not_depend_on_the_servers_zone(app: Flask, databases: Databases, tmp_path: Path, zone: str) -> None:
    told = _told(zone, databases, tmp_path, credit_code(885))
    here = datetime.now(SHANGHAI)
    login = datetime.fromisoformat(told["last_login"]).replace(tzinfo=SHANGHAI)
    assert abs(here - login) < timedelta(minutes=3), "Flask-AppBuilder's moment, in Shanghai's time"
    assert f"{login:%Y-%m-%d %H:%M}" in told["me"]
    changed = datetime.fromisoformat(told["changed"])
    assert abs(datetime.now(UTC) - (changed if changed.tzinfo else changed.replace(tzinfo=UTC))) < timedelta(minutes=3)
    assert told["days"] == ["2026-03-31", "2026-04-01", "2027-01-01", "2026-03-08"], "a day begins at midnight in Shanghai"
    assert local(changed).utcoffset() == timedelta(hours=8)
