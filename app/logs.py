"""What is written into the log: one line an event, with the request it belongs to, and no personal data.

Everything leaves through one formatter, so that other people's libraries are covered too: what a
database says about values is cut off, numbers of persons are masked, addresses lose their queries.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TextIO

from app.clock import SHANGHAI

#: the request that is being answered; empty in commands and background work
request_id: ContextVar[str] = ContextVar("request_id", default="")

#: what PostgreSQL adds to its sentence: `Key (id_no)=(…)`, `Failing row contains (…)`, `COPY agency, line 3, column mobile: "…"`
_VALUES = re.compile(r"\n(?:DETAIL|CONTEXT|QUERY|HINT|STATEMENT): .*?(?=\n\[SQL|\n\(Background|\n\n(?:The above|During)|\Z)", re.DOTALL)
_QUERY = re.compile(r"(\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) [^\s?\"']*|https?://[^\s?\"']*|(?<=[\s\"'])/[^\s?\"']*)\?[^\s\"']*")
#: ID numbers and bank cards (15 to 19 digits, the last may be an X), mobiles; no credit codes, which are public
_NUMBERS = re.compile(r"(?<![0-9A-Za-z])(?:(\d{3})\d{11,15}([0-9Xx])|((?:\+?86)?1[3-9]\d)\d{4}(\d{4}))(?![0-9A-Za-z])")
_MAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
#: those that say what we want to hear; of others only warnings are kept
_OURS = ("app", "views", "imports", "models", "gunicorn", "huey")


def without_values(message: str) -> str:
    """A database's message without what it adds about the values of a row."""
    return re.split(r"\n(?:DETAIL|CONTEXT|QUERY|STATEMENT): ", message, maxsplit=1)[0]


def scrub(text: str) -> str:
    """A text without values of rows, numbers of persons and queries of addresses."""
    text = _QUERY.sub(r"\1?…", _VALUES.sub("", text))
    text = _NUMBERS.sub(lambda found: f"{found[1] or found[3]}****{found[2] or found[4]}", text)
    return _MAIL.sub(r"…@\1", text)


class Plain(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in _facts(record).items())
        asked = f" [{request_id.get()}]" if request_id.get() else ""
        return f"{_moment(record)} {record.levelname} {record.name}{asked} {scrub(record.getMessage())}{scrub(facts)}{_trace(self, record, chr(10))}"


class Json(logging.Formatter):
    """A line for programs: one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _moment(record), "level": record.levelname, "logger": record.name, "message": scrub(record.getMessage())}
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= {name: scrub(value) if isinstance(value, str) else value for name, value in _facts(record).items()}
        if trace := _trace(self, record):
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=False)


FORMATS: dict[str, type[logging.Formatter]] = {"text": Plain, "json": Json}


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, SHANGHAI).isoformat(timespec="milliseconds")


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """What a line says beside its sentence: `log.info(…, extra={"facts": {…}})`."""
    facts = getattr(record, "facts", None)
    return facts if isinstance(facts, dict) else {}


def _trace(formatter: logging.Formatter, record: logging.LogRecord, before: str = "") -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    parts += [formatter.formatStack(record.stack_info)] if record.stack_info else []
    return before + scrub("\n".join(parts)) if parts else ""


class Stderr(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        """Standard error stays what it is."""


def configure(kind: str) -> None:
    """Let every logger of this process write through one handler; once more replaces it."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, Stderr)]:
        root.removeHandler(handler)
    handler = Stderr()
    handler.setFormatter(FORMATS[kind]())
    root.addHandler(handler)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    # the line of each request is ours
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
