"""The contenders of the import benchmark and their databases."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa

from bench.contenders import ROOT, _on_server
from bench.import_process import Taken, measured

TABLE = "bench_import"
OURS = ("-c", "import gc; gc.disable(); from bench.import_ours import main; main()")  # as wsgi.py begins
PEER = ("-c", "from bench.peers.django_import.site import main; main()")
FLOOR = ("-m", "bench.import_floor")
PEER_PACKAGES = ("django==5.2.19", "django-import-export[xlsx]==4.4.3", f"gunicorn=={version('gunicorn')}", f"psycopg[binary]=={version('psycopg')}")


@dataclass(eq=False)
class Importer:
    """One way to import: who does it, with which words, beginning with which database."""

    name: str
    family: str
    program: tuple[str, ...]
    words: tuple[str, ...]
    more: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    folder: Path = field(default=Path(), repr=False)
    server: str = ""

    @property
    def python(self) -> Path:
        """The interpreter of its environment; ours is the one that runs the benchmark."""
        return self.folder / f"env-{self.family}" / "bin" / "python" if self.packages else Path(sys.executable)

    def install(self) -> None:
        """Its environment, kept from one run to the next."""
        done = self.python.parent / "installed"
        if self.packages and (not done.exists() or done.read_text() != "\n".join(self.packages)):
            venv.create(self.python.parent.parent, with_pip=True, clear=True)
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--quiet", "--quiet", "--disable-pip-version-check", *self.packages], check=True)
            done.write_text("\n".join(self.packages))

    def url(self, database: str) -> str:
        """The address of one of the family's databases."""
        if self.server:
            return sa.make_url(self.server).set(database=f"yingshang_bench_{self.family}_{database}").render_as_string(hide_password=False)
        return f"sqlite:///{self.folder / self.family / f'{database}.db'}"

    def environment(self, database: str) -> dict[str, str]:
        """Its settings."""
        url = self.url(database).replace("+psycopg", "") if self.packages else self.url(database)
        settings = {"DATABASE_URL": url, "INSTANCE_DIR": str(self.folder / self.family), "SECRET_KEY": "a key of the benchmark, long enough"}
        # everybody's modules are compiled once, as in an installation
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FLASK_") and key != "PYTHONDONTWRITEBYTECODE"}
        return kept | settings | {"PYTHONWARNINGS": "ignore"}

    def prepare(self, full: Path) -> None:
        """The family's two grounds: no rows, and the rows of a file."""
        (self.folder / self.family).mkdir(parents=True, exist_ok=True)
        self._fresh("empty")
        subprocess.run([self.python, *self.program, "prepare"], check=True, cwd=ROOT, env=self.environment("empty"), stdout=subprocess.DEVNULL)
        self.clone("empty", "full")
        self.run("full", full)
        engine = sa.create_engine(self.url("full"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE" if self.server else "ANALYZE")

    def run(self, database: str, file: Path, words: tuple[str, ...] = ()) -> Taken:
        """Import a file into a database."""
        command = [self.python, *self.program, *(words or self.words), file, *self.more]
        return measured(command, self.environment(database), ROOT)

    def _fresh(self, database: str) -> None:
        self.drop(database)
        if self.server:
            _on_server(self.url(database), 'CREATE DATABASE "{}"')

    def drop(self, database: str) -> None:
        """Leave nothing of a database."""
        if self.server:
            _on_server(self.url(database), 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)')
        for end in ("", "-wal", "-shm"):
            (self.folder / self.family / f"{database}.db{end}").unlink(missing_ok=True)

    def clone(self, source: str, target: str) -> None:
        """A database as another one is."""
        self.drop(target)
        if self.server:
            _on_server(self.url(target), f'CREATE DATABASE "{{}}" TEMPLATE "{sa.make_url(self.url(source)).database}"')
            return
        old, new = (sqlite3.connect(self.folder / self.family / f"{name}.db") for name in (source, target))
        old.backup(new)
        old.close()
        new.close()

    def stored(self, database: str, codes: list[str]) -> tuple[int, dict[str, tuple[str, int, str]]]:
        """How many rows there are, and what some of them say."""
        engine = sa.create_engine(self.url(database), poolclass=sa.NullPool)
        table = sa.table(TABLE, *(sa.column(name) for name in ("code", "name", "staff", "note")))
        with engine.connect() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            rows = connection.execute(sa.select(table).where(table.c.code.in_(codes)))
            return count, {row.code: (row.name, row.staff, row.note) for row in rows}

    def clear(self) -> None:
        """Drop everything but the environment."""
        for database in ("work", "full", "empty"):
            self.drop(database)
        shutil.rmtree(self.folder / self.family, ignore_errors=True)


def everybody(folder: Path, server: str) -> list[Importer]:
    """The floor, ours with the trace and without it, django-import-export as its manual shows its bulk mode, and with all its manual's advice."""
    found = [
        Importer("floor", "floor", FLOOR, ("run",)),
        Importer("ours", "ours", OURS, ("run",)),
        Importer("ours, no trace", "ours", OURS, ("run",), ("--no-trace",)),
        Importer("peer, bulk", "peer", PEER, ("bulk",), packages=PEER_PACKAGES),
        Importer("peer, tuned", "peer", PEER, ("tuned",), packages=PEER_PACKAGES),
    ]
    for each in found:
        each.folder, each.server = folder, server
    return found
