"""What the trace must hold beside changes of records: who signed in, who was refused, whose role changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, has_request_context, request
from werkzeug.wrappers import Response

from app.database import db

log = logging.getLogger("audit")


def note(kind: str, *, subject: str = "", details: Mapping[str, Any] | None = None, actor: str | None = None) -> None:
    """Leave one entry: what happened, to which account or address, by whom, from where. Never a password, a code or a token."""
    entry = {"kind": kind, "subject": subject, "actor": _actor() if actor is None else actor, "from": request.remote_addr if has_request_context() else ""}
    log.info(json.dumps({**entry, "details": dict(details or {})}, ensure_ascii=False, default=str))


def _actor() -> str:
    """Who acts, as the scope of the session says; empty for a visitor and before anybody acts."""
    scope = db.session().info.get("scope")
    return str(scope.actor.username) if scope is not None else ""


def _refused(answer: Response) -> Response:
    if answer.status_code == 403:
        note("refused", subject=f"{request.method} {request.path}"[:300])
    return answer


def install(app: Flask) -> None:
    """Note each act that was refused for want of a right, on whatever page."""
    app.after_request(_refused)
