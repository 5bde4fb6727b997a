"""Moments are kept in UTC and read in Shanghai, whatever zone the server runs in."""

import os
import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def settle() -> None:
    """Let this process live in Shanghai: Flask-AppBuilder notes moments in the server's zone, without saying which."""
    os.environ["TZ"] = str(SHANGHAI)
    time.tzset()


def now() -> datetime:
    """This moment, with its zone."""
    return datetime.now(UTC)


def local(moment: datetime) -> datetime:
    """A kept moment in Shanghai; SQLite gives moments back without their zone."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(SHANGHAI)


def today() -> date:
    """The day it is in Shanghai."""
    return local(now()).date()


def midnight(day: date) -> datetime:
    """When a day begins here, in UTC: SQLite keeps moments without their zone."""
    return datetime.combine(day, datetime.min.time(), SHANGHAI).astimezone(UTC)
