"""The contenders: an environment, a database, a server each. Whatever was started is stopped by its own number."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa

from bench import rows
from bench.load import Visitor

ROOT = Path(__file__).resolve().parent.parent
USERNAME, PASSWORD = "bench", "Weichang-2026"
#: the same for everybody
GUNICORN = ("--workers", "2", "--threads", "4", "--no-control-socket", "--timeout", "120", "--log-level", "warning")
START_SECONDS = 90
PREPARE_SECONDS = 1800


@dataclass(eq=False)
class Contender:
    """One of those that are compared."""

    name: str
    port: int
    application: str
    prepare: str
    sign_in: str
    #: the list of a table, and the list searched for a word
    pages: str
    search: str
    rest: str = ""
    #: what is to do once the rows are there
    finish: str = ""
    packages: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()
    url: str = ""
    process: subprocess.Popen[bytes] | None = None
    visitor: Visitor = field(default_factory=lambda: Visitor(0))

    @property
    def python(self) -> Path:
        """The interpreter of its environment; ours is the one that runs the benchmark."""
        return self.folder.parent / f"env-{self.name}" / "bin" / "python" if self.packages else Path(sys.executable)

    @property
    def environment(self) -> dict[str, str]:
        """Its settings."""
        url = self.url if self.name != "django" else self.url.replace("+psycopg", "")
        settings = {"DATABASE_URL": url, "INSTANCE_DIR": str(self.folder), "SECRET_KEY": "a key of the benchmark, long enough", "PYTHONWARNINGS": "ignore"}
        return {key: value for key, value in os.environ.items() if not key.startswith("FLASK_")} | settings

    def install(self) -> None:
        """Its environment, kept from one run to the next."""
        done = self.python.parent / "installed"
        if self.packages and (not done.exists() or done.read_text() != "\n".join(self.packages)):
            venv.create(self.python.parent.parent, with_pip=True, clear=True)
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--quiet", "--quiet", "--disable-pip-version-check", *self.packages], check=True)
            done.write_text("\n".join(self.packages))

    def make_database(self, server: str, sizes: dict[str, int]) -> None:
        """A fresh database with its rows."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.url = f"sqlite:///{self.folder / 'bench.db'}"
        if server:
            self.url = sa.make_url(server).set(database=f"yingshang_bench_{self.name}").render_as_string(hide_password=False)
            self.drop_database()
            _on_server(self.url, 'CREATE DATABASE "{}"')
        self._run(self.prepare)
        for table, count in sizes.items():
            rows.fill(self.url, table, count, self.more)
        if self.finish:
            self._run(self.finish)
            rows.analyze(self.url, sizes)

    def _run(self, code: str) -> None:
        subprocess.run([self.python, "-c", code], check=True, cwd=ROOT, env=self.environment | {"PREPARE": "1"}, timeout=PREPARE_SECONDS)

    def drop_database(self) -> None:
        """Leave nothing on the server."""
        if self.url.startswith("postgresql"):
            _on_server(self.url, 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)')

    def start(self) -> None:
        """Serve, and sign in."""
        command = [self.python, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", *GUNICORN, self.application]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, start_new_session=True)
        finish = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > finish or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} does not answer")
            time.sleep(0.2)
        self.visitor = Visitor(self.port)
        self.visitor.sign_in(self.sign_in, USERNAME, PASSWORD)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.sign_in}", timeout=30).read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            return False
        return True

    def processor_seconds(self) -> float:
        """What its workers have used of the processor so far: steadier than rates where others use the machine too."""
        assert self.process is not None
        numbers = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        parts = [Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in numbers]
        return sum(int(user) + int(system) for *_, user, system in (part[:13] for part in parts)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End the server that this object started, and only that; remove its data."""
        self.visitor.close()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own: the workers and nobody else
                self.process.wait()
        self.drop_database()
        shutil.rmtree(self.folder, ignore_errors=True)


def _on_server(url: str, statement: str) -> None:
    address = sa.make_url(url)
    engine = sa.create_engine(address.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement.format(address.database))


def everybody(folder: Path, port: int) -> list[Contender]:
    """Ours, Django's admin, plain Flask-AppBuilder."""
    envelope = {
        "org_unit_id": "(SELECT id FROM org_unit WHERE name = '基础股')",
        "row_version": "1", "source": "'import'", "publish_state": "'private'", "created_at": "CURRENT_TIMESTAMP", "changed_at": "CURRENT_TIMESTAMP",
    }  # fmt: skip
    fab_packages = ("flask-appbuilder==5.3.0", "sqlalchemy<2.1", "marshmallow==3.26.2", "marshmallow-sqlalchemy==1.4.2", "wtforms<3.3")
    serving = (f"gunicorn=={version('gunicorn')}", f"psycopg[binary]=={version('psycopg')}")
    made = [
        Contender("ours", port, "bench.forty:app", "from bench.forty import prepare; prepare()", "/login/", "/{}/list/", "/{}/list/?q={}", "/api/v1/{}/", "from bench.forty import finish; finish()", more=envelope),
        Contender(
            "django", port + 1, "bench.peers.django_admin.site:application", "from bench.peers.django_admin.site import prepare; prepare()",
            "/admin/login/?next=/admin/", "/admin/django_admin/{}/", "/admin/django_admin/{}/?q={}", packages=("django==5.2.19", *serving),
        ),
        Contender("fab", port + 2, "bench.peers.fab:app", "import bench.peers.fab", "/login/", "/{}/list/", "/{}/list/?_flt_2_name={}", "/api/v1/{}/", packages=(*fab_packages, *serving)),
    ]  # fmt: skip
    for each in made:
        each.folder = folder / each.name
    return made
