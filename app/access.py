"""A number for every request: in its answer, in each line of the log, on the page that says what went wrong.

Outside Flask, so that an answer which Flask could not finish has it too. The line of a request
names neither its query nor its body: people search for names and numbers there.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from wsgiref.headers import Headers

from flask import Flask, request
from werkzeug.wsgi import ClosingIterator

from app import metrics
from app.logs import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
#: asked by machines every few seconds: they would drown what people did
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


def new_id() -> str:
    """Twelve digits in three groups, which a person can read out on the telephone."""
    digits = f"{secrets.randbelow(10**12):012}"
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


class Access:
    """The application with a number and a line in the log for each request."""

    def __init__(self, wrapped: WSGIApplication, proxies: int) -> None:
        self._wrapped = wrapped
        self._proxies = proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        number = self._given(environ) or new_id()
        remembered = request_id.set(number)
        started, told = time.perf_counter(), {"status": 0}

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            told["status"] = int(status[:3])
            Headers(headers)[HEADER] = number
            return start_response(status, headers, exc_info)

        def done() -> None:
            request_id.set(number)  # a server may close the answer elsewhere than it began it
            note(environ, told["status"] or 500, time.perf_counter() - started)
            request_id.set("")

        try:
            body = self._wrapped(environ, start)
        except BaseException:
            done()
            raise
        finally:
            request_id.reset(remembered)
        return _Numbered(body, number, done)

    def _given(self, environ: WSGIEnvironment) -> str:
        """The number that a proxy of ours gave; where there is none, what a stranger sends counts for nothing."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        return given if _GIVEN.fullmatch(given) and self._proxies else ""


class _Numbered(ClosingIterator):
    """The answer's body; what goes wrong while it is sent is logged under its number."""

    def __init__(self, body: Iterable[bytes], number: str, done: Callable[[], None]) -> None:
        super().__init__(body, done)
        self._number = number

    def __next__(self) -> bytes:
        request_id.set(self._number)
        return super().__next__()


def peer(environ: WSGIEnvironment) -> str:
    """The address that the connection comes from, whatever a header says."""
    return str(environ.get("werkzeug.proxy_fix.orig", environ).get("REMOTE_ADDR") or "")


Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def networks(text: str) -> Networks:
    """Addresses and networks with commas between them; ValueError for anything else."""
    return tuple(ipaddress.ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip())


def within(address: str, known: Networks) -> bool:
    """Whether an address lies in one of the networks."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in known)


def note(environ: WSGIEnvironment, status: int, seconds: float) -> None:
    """Count a request and write its line."""
    path, method = str(environ.get("PATH_INFO", "")), str(environ.get("REQUEST_METHOD", ""))
    metrics.count(str(environ.get("yingshang.endpoint") or "none"), method, status, seconds)
    if path in _QUIET and status < 400:
        return
    # gunicorn and werkzeug hand the path on as bytes read as latin-1
    path = path.encode("latin-1", "replace").decode("utf-8", "replace")[:200]
    facts = {"method": method, "path": path, "status": status, "seconds": round(seconds, 3), "from": environ.get("REMOTE_ADDR", "")}
    log.info("request", extra={"facts": facts})


def _name_endpoint() -> None:
    """Remember by which of our addresses a request came: metrics count those, of which there are few."""
    request.environ["yingshang.endpoint"] = request.endpoint or "none"


def install(app: Flask) -> None:
    """Put the number and the line around the application."""
    app.before_request(_name_endpoint)
    app.wsgi_app = Access(app.wsgi_app, app.config["TRUSTED_PROXIES"])  # type: ignore[method-assign]
    app.jinja_env.globals["request_id"] = request_id.get
