"""What the trace must hold beside changes of records: who signed in, who was refused, whose role changed."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from flask import Flask, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.clock import today
from app.database import db
from app.history import acts, events
from app.scopes import Actor

log = logging.getLogger("audit")

#: without those that are taken for one another when somebody reads them out
_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def export_number() -> str:
    """A number for a file that leaves, by which it is found in the trace: the day and six signs of chance."""
    return f"DC{today():%y%m%d}-{''.join(secrets.choice(_SIGNS) for _place in range(6))}"


def note(kind: str, *, subject: str = "", details: Mapping[str, Any] | None = None, actor: str | None = None) -> None:
    """Leave one entry: what happened, to which account or address, by whom, from where. Never a password, a code or a token.

    It is written when the request or command is over, in a transaction of its own: what is refused
    is rolled back, and on SQLite a second writer would wait for the first.
    """
    errand = acts.errand_of(db.session())
    if actor is not None:
        errand = replace(errand, actor=Actor(actor))
    facts = {"subject": subject, **(details or {})}
    log.info(
        json.dumps(
            {"kind": kind, "actor": errand.actor.username, "from": errand.address, "subject": subject, "details": dict(details or {})},
            ensure_ascii=False,
            default=str,
        )
    )
    g.setdefault("notes", []).append((kind, facts, errand))


def _write(_error: BaseException | None) -> None:
    """Put what was noted into the trace."""
    notes = g.pop("notes", [])
    for errand, group in groupby(notes, key=lambda each: each[2]):
        try:
            with db.engine.begin() as connection:
                for kind, facts, _errand in group:
                    events.note(connection, kind, facts, errand=errand)
        except SQLAlchemyError:  # the answer is given already; the log has the line
            log.exception("the trace could not take what happened")


def _refused(answer: Response) -> Response:
    if answer.status_code == 403:
        note("refused", subject=f"{request.method} {request.path}"[:300])
    return answer


def install(app: Flask) -> None:
    """Note each act that was refused for want of a right, on whatever page. Installed before the database, whose session then ends first."""
    app.after_request(_refused)
    app.teardown_appcontext(_write)
