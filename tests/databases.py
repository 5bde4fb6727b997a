"""A real database for every test: one is prepared per worker, each test gets a copy.

SQLite copies a file; PostgreSQL creates from a template, and puts back what a test has changed. Which one, DATABASE_URL says; the
databases are made beside it and never are it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from tests.put_back import Prepared

#: runs beside each other on one server take a name each
NAME = os.environ.get("TEST_DATABASES", "yingshang_test")
#: whether this run is the one on PostgreSQL
POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgresql")


@dataclass
class Databases:
    """The prepared template and the copy that tests run on."""

    url: str
    folder: Path
    worker: str
    _prepared: dict[str, Prepared] = field(default_factory=dict)

    @classmethod
    def for_worker(cls, folder: Path, worker: str) -> Databases:
        return cls(os.environ.get("DATABASE_URL", ""), folder, worker)

    @property
    def postgresql(self) -> bool:
        return self.url.startswith("postgresql")

    @property
    def work(self) -> str:
        """The address that the application under test uses."""
        return self._address("work")

    @property
    def template(self) -> str:
        """The address that is prepared once."""
        return self._address("template")

    def _address(self, role: str) -> str:
        if self.postgresql:
            return sa.make_url(self.url).set(database=f"{NAME}_{self.worker}_{role}").render_as_string(hide_password=False)
        return f"sqlite:///{self.folder / f'{role}.db'}"

    def _server(self, *statements: str) -> None:
        engine = sa.create_engine(sa.make_url(self.url).set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    def create(self, role: str) -> None:
        """An empty database."""
        if self.postgresql:
            name = f"{NAME}_{self.worker}_{role}"
            self._server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        else:
            self._remove(role)

    def copy(self, source: str = "template", target: str = "work") -> None:
        """The prepared database again, whatever the last test left. Nobody may be connected to either."""
        if self.postgresql:
            prepared = self._prepared.pop(target, None)
            if prepared is not None and prepared.template == self._address(source) and prepared.put_back():
                self._prepared[target] = prepared
                return
            name, template = f"{NAME}_{self.worker}_{target}", f"{NAME}_{self.worker}_{source}"
            self._server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            self._server(f'ALTER DATABASE "{name}" SET synchronous_commit = off')  # nothing here outlives the machine
            if target == "work":
                self._prepared[target] = Prepared(self._address(target), self._address(source))
        else:
            self._remove(target)
            shutil.copy(self.folder / f"{source}.db", self.folder / f"{target}.db")

    def drop(self) -> None:
        """Leave nothing behind."""
        if self.postgresql:
            self._server(
                *(f'DROP DATABASE IF EXISTS "{NAME}_{self.worker}_{role}" WITH (FORCE)' for role in ("work", "template", "ground", "scratch", "bench"))
            )

    def _remove(self, role: str) -> None:
        for tail in ("", "-wal", "-shm"):
            (self.folder / f"{role}.db{tail}").unlink(missing_ok=True)
