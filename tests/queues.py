"""The places where tasks may wait, as far as this machine has them: a file, PostgreSQL, Redis."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import redis
import sqlalchemy as sa

from tests.databases import NAME

FILE, POSTGRESQL, REDIS = "file", "postgresql", "redis"
KINDS = (FILE, POSTGRESQL, REDIS)
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
SERVER = os.environ.get("DATABASE_URL", "") if os.environ.get("DATABASE_URL", "").startswith("postgresql") else "postgresql://postgres@127.0.0.1:5432/postgres"
#: databases of Redis have numbers; runs beside each other take one each
NUMBER = 15 - int(WORKER.removeprefix("gw")) % 8 if WORKER != "main" else 6


def address_of(kind: str, folder: Path) -> str:
    """The address of an empty queue; skips the test where its server does not answer."""
    if kind == FILE:
        return str(folder / "jobs.db")
    return _on_postgresql() if kind == POSTGRESQL else _on_redis()


def _absent(server: str) -> NoReturn:
    """A newcomer's machine need not have every server; where changes land, none may be left out (`.ci/run`)."""
    if "EVERY_SERVER" in os.environ:
        pytest.fail(f"no {server} answers here")
    pytest.skip(f"no {server} answers here")


def _on_postgresql() -> str:
    name = f"{NAME}_{WORKER}_queue"
    url = sa.make_url(SERVER).set(drivername="postgresql")
    try:
        with psycopg.connect(url.set(database="postgres").render_as_string(hide_password=False), autocommit=True, connect_timeout=3) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError:
        _absent("PostgreSQL")
    return url.set(database=name).render_as_string(hide_password=False)


def _on_redis() -> str:
    address = f"redis://127.0.0.1:6379/{NUMBER}"
    with redis.Redis.from_url(address, socket_connect_timeout=3) as server:
        try:
            server.flushdb()
        except redis.ConnectionError:
            _absent("Redis")
    return address


def drop(address: str) -> None:
    """Leave nothing behind."""
    if address.startswith("postgresql"):
        url = sa.make_url(address)
        with psycopg.connect(url.set(database="postgres").render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')
    elif address.startswith("redis"):
        with redis.Redis.from_url(address) as server:
            server.flushdb()
