"""What keeps the trace provable: sealing and anchoring, verifying it every night, a signed report of each day."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app.clock import local, now, today
from app.database import db
from app.history import acts, anchors, chain, events, search
from app.history.chain import Finding
from app.history.search import Entry, Wanted

log = logging.getLogger(__name__)
#: the hour from which on a day's verification falls due, in Shanghai: after the backup
HOUR = 4
#: findings that an entry of a verification names
NAMED = 20
_CLAIM = ".verified-"


def folder() -> Path:
    """The folder outside the database that keeps the heads."""
    return Path(current_app.config["TRACE_ANCHORS"])


def signer() -> Ed25519PrivateKey:
    """The key of this installation."""
    return anchors.signer(current_app.config["TRACE_KEY"])


def seal() -> int:
    """Seal what has been committed and anchor the new head; how many entries."""
    with db.engine.begin() as connection:
        count = chain.seal(connection)
        head = chain.head(connection) if count else None
    if head is not None:
        anchors.append(folder(), signer(), head)
    return count


# verifying ------------------------------------------------------------------------------------------


def verdict(file: Path | None = None, key: Ed25519PublicKey | None = None) -> chain.Verdict:
    """Verify the trace against the anchors in a file, or in the installation's own."""
    heads, wrong = anchors.read(file or folder() / anchors.NAME, key or signer().public_key())
    with db.engine.connect() as connection:
        found = chain.verify(connection, heads)
        connection.rollback()
    found.findings += wrong
    return found


def verify(road: str) -> chain.Verdict:
    """Verify the trace against the installation's own anchors and keep what came of it, as an entry."""
    begun = time.monotonic()
    found = verdict()
    named = [{key: value for key, value in asdict(each).items() if value not in (None, "")} for each in found.findings[:NAMED]]
    facts = {"sound": found.sound, "entries": found.entries, "sealed": found.sealed, "seconds": round(time.monotonic() - begun, 1)}
    try:
        with db.engine.begin() as connection:
            events.note(connection, "verified", {**facts, "findings": len(found.findings), "named": named}, errand=acts.Errand(road=road))
    except SQLAlchemyError:  # whoever asked has the verdict all the same
        log.exception("the trace could not take the outcome of its verification")
    return found


def verification_due() -> list[tuple[Any, ...]]:
    """What the worker asks all the time: the day whose verification falls to it now."""
    moment = local(now())
    return [(f"{moment:%Y%m%d}",)] if moment.hour >= HOUR and _claim(f"{moment:%Y%m%d}") else []


def _claim(day: str) -> bool:
    """Whether this worker is the first that asks."""
    folder().mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(folder() / f"{_CLAIM}{day}", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True


def verification_cut_off() -> list[tuple[Any, ...]]:
    """What a worker that was killed had begun today and not ended."""
    day = f"{today():%Y%m%d}"
    if not (folder() / f"{_CLAIM}{day}").exists():
        return []
    with db.engine.connect() as connection:
        last = last_verification(connection)
    return [] if last is not None and last.at is not None and local(last.at).date() == today() else [(day,)]


def verify_daily(day: str) -> None:
    """Verify once a day; what is wrong is logged, and stands on the audit administrator's pages."""
    for old in folder().glob(f"{_CLAIM}*"):
        if old.name != f"{_CLAIM}{day}":
            old.unlink(missing_ok=True)
    found = verify("job")
    if not found.sound:
        log.error("the trace is not sound: %s findings; flask trace verify names them", len(found.findings))


def last_verification(connection: sa.Connection) -> Entry | None:
    """The newest entry of a verification."""
    found = search.find(connection, Wanted(kind="verified"), 1)
    return found[0] if found else None


def finding_of(kept: dict[str, Any]) -> Finding:
    """A finding as `verify` kept it."""
    return Finding(**{**kept, "fault": chain.Fault(kept["fault"])})


# reporting ------------------------------------------------------------------------------------------


def report(day: date) -> str:
    """What a day left in the trace, with the head of the chain, signed: to be printed or mailed away."""
    with db.engine.connect() as connection:
        counts, head = search.counts(connection, Wanted(first=day, last=day)), chain.head(connection)
    facts: dict[str, Any] = {"day": day.isoformat(), "counts": counts}
    if head is not None:
        facts |= {"position": head.position, "entry": head.entry, "digest": head.digest, "at": f"{local(head.at):%Y-%m-%d %H:%M:%S}"}
    return anchors.signed(signer(), facts)


def kept_report(day: date) -> Path:
    """Where the worker keeps the report of a day."""
    return folder() / f"report-{day.isoformat()}.json"


def keep_report() -> None:
    """Write yesterday's report beside the anchors, once."""
    day = today() - timedelta(days=1)
    file = kept_report(day)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(report(day) + "\n", encoding="utf-8")


def keep_up() -> None:
    """What the worker does again and again: seal, and once a day report."""
    seal()
    keep_report()
