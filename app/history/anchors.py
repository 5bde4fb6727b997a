"""Heads of the chain outside the database, signed, so that whoever owns the database cannot reckon the chain anew unseen.

A file takes a line at each seal. Where it lies is a setting: a folder that is copied away, or whose
lines are printed with the daily report, binds everybody. The key never enters the database.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.history.chain import Fault, Finding, Head

NAME = "heads.jsonl"


def signer(secret: str) -> Ed25519PrivateKey:
    """The key that a setting holds: 32 bytes in base64."""
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret))


def public_text(key: Ed25519PublicKey) -> str:
    """The public key as an auditor keeps it."""
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def public_key(text: str) -> Ed25519PublicKey:
    """The public key that `public_text` wrote."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text))


def signed(key: Ed25519PrivateKey, facts: dict[str, Any]) -> str:
    """Facts as a line with their signature."""
    return json.dumps({**facts, "signature": base64.b64encode(key.sign(_bytes(facts))).decode()}, ensure_ascii=False)


def opened(key: Ed25519PublicKey, line: str) -> dict[str, Any]:
    """The facts of a signed line; InvalidSignature when they are not what was signed."""
    try:
        facts = json.loads(line)
        signature = base64.b64decode(facts.pop("signature"))
    except (ValueError, KeyError, AttributeError) as error:
        raise InvalidSignature from error
    key.verify(signature, _bytes(facts))
    return dict(facts)


def _bytes(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()


def append(folder: Path, key: Ed25519PrivateKey, head: Head) -> None:
    """Add a head to the file; it is on the disk when this returns."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"position": head.position, "entry": head.entry, "digest": head.digest, "at": head.at.isoformat()}
    with (folder / NAME).open("a", encoding="utf-8") as file:
        file.write(signed(key, facts) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(file: Path, key: Ed25519PublicKey) -> tuple[list[Head], list[Finding]]:
    """The heads of a file, and what is wrong with its lines."""
    heads, findings = [], []
    lines: Sequence[str] = file.read_text(encoding="utf-8").splitlines() if file.exists() else ()
    for number, line in enumerate(lines, 1):
        try:
            facts = opened(key, line)
            heads.append(Head(facts["position"], facts["entry"], facts["digest"], datetime.fromisoformat(facts["at"])))
        except (InvalidSignature, KeyError):
            findings.append(Finding(Fault.ANCHOR, detail=str(number)))
    return heads, findings


def newest(folder: Path, key: Ed25519PublicKey) -> Head | None:
    """The last head of a folder's file, without reading all of it; None when there is none, or its signature is wrong."""
    file = folder / NAME
    if not file.exists():
        return None
    with file.open("rb") as lines:
        lines.seek(max(0, file.stat().st_size - 4096))
        last = lines.read().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        facts = opened(key, last.decode())
        return Head(facts["position"], facts["entry"], facts["digest"], datetime.fromisoformat(facts["at"]))
    except (InvalidSignature, KeyError, ValueError):
        return None
