"""Small secrets that the product must read again, encrypted by a key that is not in the database."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


class Unreadable(ValueError):
    """Sealed with another SECRET_KEY, or damaged."""


def seal(text: str, purpose: str) -> str:
    """Encrypt for one purpose: what is sealed for one is not read for another."""
    return _fernet(purpose).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str, purpose: str, within: int | None = None) -> str:
    """Read again; Unreadable when that is not possible, or it is older than so many seconds."""
    try:
        return _fernet(purpose).decrypt(sealed.encode(), ttl=within).decode()
    except InvalidToken:
        raise Unreadable from None


def _fernet(purpose: str) -> Fernet:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"yingshang {purpose}".encode()).derive(secret)
    return Fernet(base64.urlsafe_b64encode(key))
