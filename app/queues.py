"""Where tasks wait: a SQLite file, PostgreSQL or Redis, as one setting says. What lies there is signed: nobody else's task is run."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from huey import Huey, MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey
from huey.serializer import SignedSerializer
from redis.connection import ConnectionPool

from app.database import NOT_FOREVER

#: runs every task at once, in the caller: for tests and for one-off commands
IMMEDIATE = ":immediate:"
#: what goes wrong with a queue that is away, locked or full; ValueError: what lies there is not signed by us
TROUBLE = (sqlite3.Error, psycopg.Error, redis.RedisError, OSError, ValueError)
_NAME = "yingshang"
#: a schema of its own on PostgreSQL: migrations look through `public`
_SCHEMA = "jobs"
#: any number, the same for all who may create the tables at once
_LOCK = 20250917
#: a server that does not answer keeps nobody waiting for ever, in seconds
_REDIS: dict[str, Any] = {"socket_connect_timeout": 10, "socket_timeout": 30, "health_check_interval": 30}


def queue_of(where: str, secret: str) -> Huey:
    """The queue at an address that `config.py` has let through; asks no server yet. `secret` signs what is put there."""
    common: dict[str, Any] = {"name": _NAME, "results": False, "serializer": SignedSerializer(secret, salt="jobs")}
    if where == IMMEDIATE:
        return MemoryHuey(immediate=True, **common)
    if where.startswith(("redis://", "rediss://")):
        return RedisHuey(connection_pool=ConnectionPool.from_url(where, **_REDIS), **common)
    if where.startswith(("postgresql://", "postgresql+psycopg://")):
        return _on_postgresql(where, common)
    return SqliteHuey(filename=where, **common)


def told(where: str) -> str:
    """An address without its password, for people."""
    parts = urlsplit(where)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}" if parts.hostname else where


def _on_postgresql(where: str, common: dict[str, Any]) -> Huey:
    """Each connection looks whether the tables are there: the server may have been away at the start."""

    def connected() -> psycopg.Connection[Any]:
        connection = psycopg.connect(where.replace("+psycopg", "", 1), options=f"-c search_path={_SCHEMA}", **NOT_FOREVER)
        found = connection.execute("SELECT to_regclass('huey_task')").fetchone()
        if found is None or found[0] is None:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
            for statement in queue.storage.ddl:
                connection.execute(statement)
        connection.commit()
        return connection

    queue = PostgresHuey(connection=connected, create_tables=False, **common)
    return queue


__all__ = ["IMMEDIATE", "TROUBLE", "queue_of", "told"]
