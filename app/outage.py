"""What it means when the database or the disk fails: away, busy, full, read-only, damaged. In words, with the status.

Everything else that SQLAlchemy raises is a fault of ours (a wrong statement is one too, though
SQLite calls that an operational error).
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import NamedTuple

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.encryption.envelope import Unreadable
from app.language import Text, _l


class Trouble(NamedTuple):
    """What happened, what to do, and the status that says so to programs."""

    status: int
    what: Text
    todo: Text


class Outage(Enum):
    """What is the matter with the database or the disk."""

    AWAY = Trouble(503, _l("数据库暂时连不上"), _l("您的内容没有保存。请稍等片刻再试；如果一直这样，请联系系统管理员。"))
    BUSY = Trouble(503, _l("数据库正忙"), _l("别人正在写入大量数据，您的内容没有保存。请稍等片刻再试。"))
    FULL = Trouble(507, _l("服务器的磁盘满了"), _l("您的内容没有保存。请联系系统管理员清理磁盘，然后再试。"))
    READ_ONLY = Trouble(503, _l("数据库现在只能读，不能写"), _l("您的内容没有保存。请联系系统管理员检查数据库的权限和磁盘。"))
    DAMAGED = Trouble(503, _l("数据库文件读不出来"), _l("您的内容没有保存。请马上联系系统管理员检查磁盘，必要时从备份恢复。"))
    KEYS = Trouble(503, _l("敏感信息的密钥不对，读不出来"), _l("您的内容没有保存。请联系系统管理员检查 MASTER_KEY 和 INDEX_KEY（flask keys check）。"))


#: PostgreSQL's codes: exact ones, or the first letters of a class
_CODES = {
    "53100": Outage.FULL, "53": Outage.BUSY, "55P03": Outage.BUSY, "40": Outage.BUSY, "57014": Outage.BUSY, "25006": Outage.READ_ONLY,
    "XX001": Outage.DAMAGED, "XX002": Outage.DAMAGED, "58": Outage.DAMAGED, "08": Outage.AWAY, "57P": Outage.AWAY, "42P01": Outage.AWAY, "28": Outage.AWAY,
    "3D000": Outage.AWAY,
}  # fmt: skip
#: SQLite's sentences; older ones have no code that Python tells
_SENTENCES = {
    "is locked": Outage.BUSY, "is full": Outage.FULL, "readonly database": Outage.READ_ONLY, "disk i/o error": Outage.DAMAGED, "malformed": Outage.DAMAGED,
    "not a database": Outage.DAMAGED, "unable to open": Outage.AWAY, "no such table": Outage.AWAY,
}  # fmt: skip
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def of(error: BaseException | None) -> Outage | None:
    """What outage an error tells of, or the error behind it: libraries wrap a full disk into errors of their own."""
    while error is not None:
        if (found := _of(error)) is not None:
            return found
        error = error.__cause__ or error.__context__
    return None


def _of(error: BaseException) -> Outage | None:
    if isinstance(error, PoolTimeout):
        return Outage.BUSY
    if isinstance(error, OSError):
        return Outage.FULL if error.errno in _NO_ROOM else Outage.READ_ONLY if error.errno == errno.EROFS else None
    if isinstance(error, Unreadable):
        return Outage.KEYS
    if not isinstance(error, DBAPIError):
        return None
    code = getattr(error.orig, "sqlstate", None)
    if code:
        return next((outage for known, outage in _CODES.items() if code.startswith(known)), Outage.AWAY if error.connection_invalidated else None)
    if type(error.orig).__module__.startswith("sqlite3"):
        text = str(error.orig).lower()
        return next((outage for known, outage in _SENTENCES.items() if known in text), None) if isinstance(error, DatabaseError) else None
    return Outage.AWAY if error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError)) else None


__all__ = ["Outage", "Trouble", "of"]
