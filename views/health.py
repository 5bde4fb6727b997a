"""For machines that watch: does the process live, can it do its work, in numbers. No sign-in, no session."""

from __future__ import annotations

import hmac

from flask import Flask, current_app, jsonify, request
from werkzeug.wrappers import Response

from app import access, health, metrics

_LOOPBACK = access.networks("127.0.0.0/8, ::1")
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def _lives() -> Response:
    return jsonify(status="ok")


def _ready() -> Response:
    found = health.problems()
    answer = jsonify(status="failing" if found else "ok", problems=[{"name": name, "message": str(sentence)} for name, sentence in found])
    answer.status_code = 503 if found else 200
    return answer


def _metrics() -> Response:
    if not _may_see_numbers():
        return Response(status=404)
    return Response(metrics.text(health.numbers()), mimetype="text/plain; version=0.0.4")


def _may_see_numbers() -> bool:
    """Whoever brings the token; without one set, programs on this machine that no proxy speaks for."""
    token = current_app.config["METRICS_TOKEN"]
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    return access.within(access.peer(request.environ), _LOOPBACK) and not any(name in request.headers for name in _FORWARDED)


_ANSWERS = {"healthz": _lives, "readyz": _ready, "metrics": _metrics}


def _at_once() -> Response | None:
    """Answer before anybody asks who is signed in: that needs the database."""
    return _ANSWERS[request.endpoint]() if request.endpoint in _ANSWERS else None


def install(app: Flask) -> None:
    """Add the addresses; before anything else looks at a request."""
    for name, answer in _ANSWERS.items():
        app.add_url_rule(f"/{name}", name, answer, methods=("GET",))
    app.before_request(_at_once)
