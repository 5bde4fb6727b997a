"""Every setting: its environment variable, what it is when nobody sets it, what it means.

A value that makes no sense stops the start and names the variable and the choices. A secret may
also be read from a file: `SECRET_KEY_FILE=/run/secrets/key` stands for `SECRET_KEY`.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
INSTANCE = Path(os.environ.get("INSTANCE_DIR") or ROOT / "instance")


class SettingError(RuntimeError):
    """A setting whose value makes no sense."""


def text(_name: str, value: str) -> str:
    return value


def whole(name: str, value: str) -> int:
    if not value.isdigit():
        raise SettingError(f"{name}={value!r}: a whole number is expected")
    return int(value)


def yes_no(name: str, value: str) -> bool:
    if value.lower() not in {"1", "0", "yes", "no", "true", "false", "on", "off"}:
        raise SettingError(f"{name}={value!r}: choose yes or no")
    return value.lower() in {"1", "yes", "true", "on"}


def database(name: str, value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingError(f"{name}={value!r}: choose sqlite:///… or postgresql+psycopg://…")
    return value


def optional_database(name: str, value: str) -> str:
    return database(name, value) if value else ""


def queue(name: str, value: str) -> str:
    """A file, or the address of a server; what is wrong is said without it: it may hold a password."""
    scheme, separator, _rest = value.partition("://")
    if not separator:
        return value
    wanted = f"{name}: a path (a SQLite file), postgresql://user:password@host/database or redis://:password@host:6379/0 is expected"
    if scheme not in {"postgresql", "postgresql+psycopg", "redis", "rediss"}:
        raise SettingError(f"{wanted}, not {scheme}://…")
    try:
        parts = urlsplit(value)
        database, _port = parts.path.strip("/"), parts.port
    except ValueError:
        raise SettingError(f"{wanted}; the port is not a number") from None
    if not parts.hostname:
        raise SettingError(f"{wanted}; the host is missing")
    if scheme.startswith("postgresql") and not database:
        raise SettingError(f"{wanted}; the database is missing")
    if scheme.startswith("redis") and database and not database.isdigit():
        raise SettingError(f"{wanted}; the database of Redis is a number")
    return value


def key(name: str, value: str) -> str:
    try:
        if len(base64.b64decode(value, validate=True)) == 32:
            return value
    except binascii.Error:
        pass
    raise SettingError(f"{name}: 32 bytes in base64 are expected")


def keys(name: str, value: str) -> str:
    return " ".join(key(name, each) for each in value.split())


def choice(*words: str) -> Callable[[str, str], str]:
    """One of a few words."""

    def read_word(name: str, value: str) -> str:
        if value not in words:
            raise SettingError(f"{name}={value!r}: choose {' or '.join(words)}")
        return value

    return read_word


def time_of_day(name: str, value: str) -> str:
    if value != "no" and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise SettingError(f"{name}={value!r}: a time such as 02:30 is expected, or no")
    return value


def language(name: str, value: str) -> str:
    if value not in {"zh_Hans", "en"}:
        raise SettingError(f"{name}={value!r}: choose zh_Hans or en")
    return value


def profile(name: str, value: str) -> str:
    if value not in {"mlps", "asvs"}:
        raise SettingError(f"{name}={value!r}: choose mlps or asvs")
    return value


def positive(name: str, value: str) -> int:
    if whole(name, value) < 1:
        raise SettingError(f"{name}={value!r}: a whole number from 1 on is expected")
    return int(value)


@dataclass(frozen=True)
class Setting:
    """One setting: the environment variable and what it means."""

    name: str
    default: str | Callable[[], str]
    read: Callable[[str, str], Any]
    meaning: str


def _kept(name: str, make: Callable[[], str]) -> Callable[[], str]:
    """A secret of this installation, made once: what it signs or seals outlives a restart, machines share nothing."""

    def read_or_make() -> str:
        path = INSTANCE / name
        if not path.exists():
            INSTANCE.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(make(), encoding="ascii")
        return path.read_text(encoding="ascii").strip()  # an editor leaves a newline

    return read_or_make


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


SETTINGS = (
    Setting("DATABASE_URL", lambda: f"sqlite:///{INSTANCE / 'yingshang.db'}", database, "The database: a SQLite file, or PostgreSQL for an office."),
    Setting("OWNER_DATABASE_URL", "", optional_database, "The same PostgreSQL database as its owner: for `flask install` and migrations alone."),
    Setting(
        "SECRET_KEY",
        _kept("secret_key", lambda: secrets.token_urlsafe(48)),
        text,
        "Signs sessions and forms. Made once under the instance folder when not set.",
    ),
    Setting(
        "JOBS_PATH", lambda: str(INSTANCE / "jobs.db"), queue, "The queue of background work: a SQLite file of its own, or a database of PostgreSQL or Redis."
    ),
    Setting("FILES_PATH", lambda: str(INSTANCE / "files"), text, "The folder that keeps attachments."),
    Setting("EXPORTS_PATH", lambda: str(INSTANCE / "exports"), text, "The folder where large exports wait to be fetched, seven days at most."),
    Setting("TRACE_ANCHORS", lambda: str(INSTANCE / "anchors"), text, "The folder outside the database that keeps the signed heads of the trace."),
    Setting(
        "TRACE_KEY", _kept("trace_key", _new_key), key, "Signs the heads of the trace (32 bytes, base64). Made once under the instance folder when not set."
    ),
    Setting(
        "MASTER_KEY",
        _kept("master_key", _new_key),
        key,
        "Wraps the keys of sensitive values (32 bytes, base64). Made once under the instance folder when not set: without it they are lost, so keep a copy.",
    ),
    Setting("FORMER_MASTER_KEYS", "", keys, "Master keys of before, blanks between them, until `flask keys rotate` has wrapped everything anew."),
    Setting(
        "INDEX_KEY",
        _kept("index_key", _new_key),
        key,
        "By which equal sensitive values are found (32 bytes, base64). Made once under the instance folder when not set; never changed.",
    ),
    Setting("BUREAU_NAME", "围场满族蒙古族自治县应急管理局", text, "The bureau as ledgers and printed forms name it (填报单位)."),
    Setting("APP_LANGUAGE", "zh_Hans", language, "The language of people who have not chosen one."),
    Setting("UPLOAD_MEGABYTES", "50", whole, "The largest file that may be uploaded."),
    Setting("HTTPS_ONLY", "no", yes_no, "Whether the session cookie travels only over TLS."),
    Setting("SESSION_IDLE_MINUTES", "30", positive, "A sign-in that nobody used for so long is over."),
    Setting("SESSION_HOURS", "12", positive, "How long a sign-in lasts at most."),
    Setting("SESSIONS_PER_ACCOUNT", "5", positive, "In how many browsers at once one account may be signed in, and how many programs beside them."),
    Setting("SECURITY_PROFILE", "mlps", profile, "The rules of passwords: mlps (GB/T 22239, 等保) or asvs (OWASP ASVS 5)."),
    Setting("TRUSTED_PROXIES", "0", whole, "How many proxies stand before the product and note in X-Forwarded-For from where a request came."),
    Setting("LOG_FORMAT", "text", choice("text", "json"), "Whether the log is written for people or for programs."),
    Setting("BACKUP_PATH", lambda: str(INSTANCE / "backups"), text, "The folder for the backups of each night."),
    Setting("BACKUP_KEEP", "14", whole, "How many days the backups of each night are kept."),
    Setting("BACKUP_AT", "02:30", time_of_day, "When the worker makes a backup each night, in Shanghai's time; no: never."),
    Setting("BACKUP_DATABASE_URL", "", optional_database, "The database as a role that may read all of it; DATABASE_URL when not set."),
    Setting("DISK_MEGABYTES", "500", whole, "How much room a disk must have left for /readyz to be content."),
    Setting("METRICS_TOKEN", "", text, "What programs bring to read /metrics; when not set, only those on this machine read it."),
)


def read(environ: dict[str, str] | None = None) -> dict[str, Any]:
    """All settings by name, from the environment; SettingError names the first wrong one."""
    source = dict(os.environ) if environ is None else environ
    return {setting.name: _read(setting, source) for setting in SETTINGS}


def _read(setting: Setting, environ: dict[str, str]) -> Any:
    value = environ.get(setting.name, "")
    from_file = environ.get(f"{setting.name}_FILE", "")
    if from_file:
        value = Path(from_file).read_text(encoding="utf-8").strip()
    if not value:
        value = setting.default() if callable(setting.default) else setting.default
    return setting.read(setting.name, value)
