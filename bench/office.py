"""The product as an office runs it: a database of its own, gunicorn as in the Procfile, workers. Whatever was started is stopped by its own number."""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from app.formats import credit_code_check
from bench.contenders import ROOT, _on_server

PASSWORD = "Weichang-2026"
START_SECONDS = 90
HEADINGS = ("机构名称", "统一社会信用代码", "机构类别", "法定代表人", "联系人", "联系人手机", "本地办公地址", "固定资产", "核验日期", "备注")
#: the accounts: as many clerks as one asks for, in one office
ACCOUNTS = """
import sys
from app.factory import create_app
from app.install import add_account
from app.roles import Role
with create_app().app_context():
    for number in range(int(sys.argv[1])):
        add_account(f"clerk{number}", [Role.CLERK], "基础股", name=f"经办{number}", password=sys.argv[2], chosen=True)
"""


def agencies(path: Path, count: int, first: int = 1, contact: str = "王敏") -> None:
    """A ledger of agencies in CSV, each with its own credit code."""
    kinds = ("安全评价", "检测检验", "安全培训")
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADINGS)
        for number in range(first, first + count):
            body = f"91130828MA{number:07d}"
            address = f"围场镇木兰北街{number % 900 + 1}号"
            out.writerow(
                (f"承德第{number}安全技术服务有限公司", body + credit_code_check(body), kinds[number % 3], "李建国", contact, f"138{number:08d}", address, f"{number % 977}.5", "2026-03-05", "")
            )  # fmt: skip


@dataclass
class Office:
    """A web server, workers, and the folder and database that they share."""

    folder: Path
    server: str = ""
    port: int = 8120
    queue: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The database."""
        if self.server:
            return sa.make_url(self.server).set(database="yingshang_bench_office").render_as_string(hide_password=False)
        return f"sqlite:///{self.folder.resolve() / 'office.db'}"

    @property
    def environment(self) -> dict[str, str]:
        """Its settings. Memory and disks are the machine's own."""
        settings = {"DATABASE_URL": self.url, "INSTANCE_DIR": str(self.folder.resolve()), "BACKUP_AT": "no", "PORT": str(self.port), "DISK_MEGABYTES": "1"}
        return (
            {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")} | settings | ({"JOBS_PATH": self.queue} if self.queue else {})
        )

    def make(self, people: int, stored: int) -> None:
        """A fresh database with accounts clerk0, clerk1 … and so many agencies."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.server:
            _on_server(self.url, 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)')
            _on_server(self.url, 'CREATE DATABASE "{}"')
        self._run("-m", "flask", "install")
        self._run("-c", ACCOUNTS, str(people), PASSWORD)
        if stored:
            agencies(self.folder / "stored.csv", stored)
            self._run("-m", "flask", "import", "run", "agency", str(self.folder / "stored.csv"), "--as", "clerk0", "--json")

    def _run(self, *command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=1800)

    def start(self, workers: int = 1) -> None:
        """Everything that the Procfile starts; the worker as often as asked."""
        lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())
        for name in ("web", *["worker"] * workers):
            program, *rest = shlex.split(lines[name].replace("$PORT", str(self.port)))
            command = [str(Path(sys.executable).with_name(Path(program).name)), *rest]
            log = (self.folder / f"{name}.log").open("ab")
            self.processes.append(subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True))
            log.close()
        finish = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > finish:
                raise RuntimeError(f"the server does not answer: see {self.folder / 'web.log'}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=30).read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            return False
        return True

    @property
    def dead(self) -> list[int]:
        """The numbers of those that ended by themselves."""
        return [each.pid for each in self.processes if each.poll() is not None]

    def stop(self) -> None:
        """End what was started, and only that; drop the database."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # a session of its own: its children and nobody else
                process.wait()
        self.processes.clear()
        if self.server:
            _on_server(self.url, 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)')

    def scalar(self, statement: str) -> int:
        """A number out of the database."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return int(connection.exec_driver_sql(statement).scalar() or 0)
