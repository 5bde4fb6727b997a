"""A database as one file, and back: SQLite by its backup API, PostgreSQL by pg_dump and psql.

Both copy what was committed at one moment, while others go on writing, and both put it back in one
transaction.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.conninfo import make_conninfo

from app.language import Text, _l
from app.logs import without_values
from app.search.kept import PREFIX

Copied = tuple[str, str, dict[str, int]]
_TABLES = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"""
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
_MINUTES = 60


class Refused(Exception):
    """No backup, or none that is taken; the message says why and what to do."""

    def __init__(self, message: Text) -> None:
        super().__init__()
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class Damaged(Refused):
    """A backup that is not as it was written."""


def copy(url: str, target: Path) -> Copied:
    """Copy the database into a file: its kind, its migration, its rows."""
    return _copy_sqlite(_path(url), target) if url.startswith("sqlite") else _copy_postgresql(url, target)


def put_back(url: str, source: Path, *, owner: bool) -> None:
    """Put such a file in the place of the database, or leave that as it is."""
    if url.startswith("sqlite"):
        _put_back_sqlite(_path(url), source)
    else:
        _put_back_postgresql(url, source, owner=owner)


def occupied(url: str) -> bool:
    """Whether the database holds anything."""
    return any(counted(url).values())


def counted(url: str) -> dict[str, int]:
    """The rows of each table."""
    if url.startswith("sqlite"):
        if not _path(url).exists():
            return {}
        with closing(sqlite3.connect(_path(url))) as connection:
            return _count_sqlite(connection)
    try:
        with psycopg.connect(_conninfo(url, password=True)) as connection:
            return _count_postgresql(connection)
    except psycopg.Error as error:
        raise Refused(_failed(str(error))) from error


# SQLite -------------------------------------------------------------------------------------------


def _path(url: str) -> Path:
    return Path(sa.make_url(url).database or "")


def _copy_sqlite(path: Path, target: Path) -> Copied:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source, closing(sqlite3.connect(target)) as out:
            source.backup(out)  # all pages in one step: nobody writes in between
            out.execute("PRAGMA journal_mode = DELETE")
            _sound(out)
            return "sqlite", _migration_sqlite(out), _count_sqlite(out)
    except sqlite3.Error as error:
        raise Refused(_failed(str(error))) from error


def _put_back_sqlite(path: Path, source: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as content, closing(sqlite3.connect(path, timeout=30)) as out:
            _sound(content)
            out.execute("PRAGMA journal_mode = WAL")
            content.backup(out)
    except sqlite3.Error as error:
        raise Refused(_failed(str(error))) from error


def _sound(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Damaged(_l("数据库文件已损坏，请从以前的备份恢复"))


def _migration_sqlite(connection: sqlite3.Connection) -> str:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return row[0] if row else ""


def _count_sqlite(connection: sqlite3.Connection) -> dict[str, int]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")]
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names if not name.startswith(PREFIX)}


# PostgreSQL ---------------------------------------------------------------------------------------


def _conninfo(url: str, *, password: bool = False) -> str:
    parts = sa.make_url(url)
    named: dict[str, Any] = {
        "host": parts.host,
        "port": parts.port,
        "user": parts.username,
        "dbname": parts.database,
        "password": parts.password if password else None,
    }
    return make_conninfo("", **{name: value for name, value in {**parts.query, **named}.items() if value})


def _copy_postgresql(url: str, target: Path) -> Copied:
    """pg_dump sees the very moment that the rows are counted in: it shares the snapshot."""
    try:
        with psycopg.connect(_conninfo(url, password=True)) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            rows = _count_postgresql(connection)
            known = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
            row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone() if known and known[0] else None
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
            _run(url, "pg_dump", "--format=custom", f"--snapshot={snapshot[0] if snapshot else ''}", f"--file={target}")
    except psycopg.Error as error:
        raise Refused(_failed(str(error))) from error
    return "postgresql", str(row[0]) if row else "", rows


def _count_postgresql(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for schema, table in connection.execute(_TABLES).fetchall():
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(str(schema), str(table)))).fetchone()
        found[str(table) if schema == "public" else f"{schema}.{table}"] = int(str(row[0])) if row else 0
    return {name: count for name, count in found.items() if not name.startswith(PREFIX)}


def _put_back_postgresql(url: str, source: Path, *, owner: bool) -> None:
    """Everything goes and comes in one transaction: when a statement fails, what was there stays."""
    script, before = source.with_name("restore.sql"), source.with_name("before.sql")
    _run(url, "pg_restore", *(() if owner else ("--no-owner", "--no-privileges")), f"--file={script}", str(source), connect=False)
    with psycopg.connect(_conninfo(url, password=True)) as connection:
        schemas = [str(row[0]) for row in connection.execute(_SCHEMAS).fetchall()]
        drops = [sql.SQL("DROP SCHEMA {} CASCADE;").format(sql.Identifier(name)).as_string(connection) for name in schemas]
    fresh = ["CREATE SCHEMA public AUTHORIZATION pg_database_owner;", "GRANT USAGE ON SCHEMA public TO PUBLIC;"]
    before.write_text("\n".join(["SET lock_timeout = '30s';", *drops, *fresh, "SET lock_timeout = 0;"]), encoding="utf-8")
    _run(url, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={before}", f"--file={script}", "--output=/dev/null")


def _run(url: str, program: str, *arguments: str, connect: bool = True) -> None:
    """Run one of PostgreSQL's own programs; the password travels in the environment, which others cannot read."""
    found = shutil.which(program)
    if found is None:
        raise Refused(_l("这台机器上没有 %(program)s，请安装 PostgreSQL 客户端（postgresql-client），版本不低于服务器", program=program))
    secret = sa.make_url(url).password
    environ = {**os.environ, "LC_MESSAGES": "C", **({"PGPASSWORD": str(secret)} if secret else {})}
    where = (f"--dbname={_conninfo(url)}",) if connect else ()
    try:
        done = subprocess.run([found, *where, *arguments], env=environ, capture_output=True, text=True, timeout=_MINUTES * 60, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise Refused(_l("%(program)s 运行超过 %(minutes)s 分钟，已停止", program=program, minutes=_MINUTES)) from None
    if done.returncode:
        raise Refused(_failed(done.stderr))


def _failed(said: str) -> Text:
    return _l("数据库没有照办，什么也没有改变：%(why)s", why=without_values(said).strip()[:600])
