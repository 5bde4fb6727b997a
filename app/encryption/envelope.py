"""Values as the database holds them: each under a data key of its own, which the master key wraps.

The master key and the key of the blind index lie outside the database. A wrapped data key lies in
the table `data_key`, never beside its value: so a new master key wraps the data keys anew and
touches no record and no entry of the trace, and a data key that is destroyed takes its value with
it wherever that stands, in the trace too.

    e1:KEY:BODY            KEY names the data key, BODY is nonce and AES-256-GCM text in base64
    b1:INDEX:KEY:BODY      with a blind index before it: equal values of a column have equal ones
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app, has_app_context

#: how many characters a data key's name and a blind index have
NAME = 22
PLAIN, INDEXED = "e1:", "b1:"
#: the first character, counted from 1 as SQL does
INDEX_AT = len(INDEXED) + 1
KEY_AT = {False: len(PLAIN) + 1, True: len(INDEXED) + NAME + 2}
#: how a sealed file begins
FILE = b"ysb1"
#: the name of the row that proves which keys are right
PROOF = "proof"
_NONCE = 12


class Unreadable(ValueError):
    """The master key is another one, the data key is destroyed, or the value was bent."""


class Destroyed:
    """What stands in the place of a value whose data key was destroyed."""


DESTROYED = Destroyed()


@dataclass(frozen=True)
class DataKey:
    """A data key as the database holds it: its name, itself wrapped, and which master key wraps it."""

    id: str
    wrapped: str
    master: str


class Envelope:
    """Seals and opens values with the keys of this installation.

    `master` seals, `former` only open: what the rotation has not come to yet.
    """

    def __init__(self, master: bytes, index: bytes, former: Sequence[bytes] = ()) -> None:
        self.master = fingerprint(master)
        self._wrappers = {fingerprint(key): AESGCM(key) for key in (*former, master)}
        self._index = index

    def seal(self, text: str, place: str, *, indexed: bool) -> tuple[str, DataKey]:
        """A value as its column holds it, and the new data key, to be kept in the same transaction. `place` is `table.column`."""
        name, secret = _text(secrets.token_bytes(16)), AESGCM.generate_key(256)
        nonce = secrets.token_bytes(_NONCE)
        body = f"{name}:{_text(nonce + AESGCM(secret).encrypt(nonce, text.encode(), place.encode()))}"
        key = DataKey(name, self._wrap(name, secret), self.master)
        return (f"{INDEXED}{self.index(text, place)}:{body}" if indexed else f"{PLAIN}{body}"), key

    def open(self, stored: str, place: str, key: DataKey | None) -> str:
        """What a column holds, read; text that was never sealed, as it is. Unreadable without its key."""
        name = key_of(stored)
        if name is None:
            return stored
        if key is None:
            raise Unreadable("its data key is not there")
        secret = self._unwrap(DataKey(name, key.wrapped, key.master))
        try:
            raw = _raw(stored.rpartition(":")[2])
            return AESGCM(secret).decrypt(raw[:_NONCE], raw[_NONCE:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Unreadable("the value was bent") from error

    def index(self, text: str, place: str) -> str:
        """The blind index of a value: nobody without its key finds the value by trying all there are."""
        return _text(hmac.digest(self._index, f"{place}\0{text}".encode(), hashlib.sha256)[:16])

    def rewrap(self, key: DataKey) -> DataKey:
        """The same data key under the present master key."""
        return DataKey(key.id, self._wrap(key.id, self._unwrap(key)), self.master)

    def proof(self) -> DataKey:
        """A row by which a database knows its master key and its index key again."""
        return DataKey(PROOF, f"{self.index('', PROOF)}:{self._wrap(PROOF, AESGCM.generate_key(256))}", self.master)

    def check(self, proof: DataKey) -> None:
        """Raise Unreadable unless these are the keys that the proof was made with."""
        mark, _colon, wrapped = proof.wrapped.partition(":")
        if mark != self.index("", PROOF):
            raise Unreadable("INDEX_KEY is not the one of this database")
        self._unwrap(DataKey(PROOF, wrapped, proof.master))

    def _wrap(self, name: str, secret: bytes) -> str:
        nonce = secrets.token_bytes(_NONCE)
        return _text(nonce + self._wrappers[self.master].encrypt(nonce, secret, name.encode()))

    def _unwrap(self, key: DataKey) -> bytes:
        wrapper, raw = self._wrappers.get(key.master), _raw(key.wrapped)
        if wrapper is None:
            raise Unreadable(f"the master key {key.master} is not among those of this installation")
        try:
            return wrapper.decrypt(raw[:_NONCE], raw[_NONCE:], key.id.encode())
        except InvalidTag as error:
            raise Unreadable("the data key was bent") from error

    # whole files ----------------------------------------------------------------------------------

    def seal_bytes(self, content: bytes, place: str) -> bytes:
        """A file with its wrapped data key in front: no trace keeps it, so that the key may lie beside it."""
        name, secret, nonce = _text(secrets.token_bytes(16)), AESGCM.generate_key(256), secrets.token_bytes(_NONCE)
        head = f"{self.master}:{name}:{self._wrap(name, secret)}:".encode()
        return FILE + head + nonce + AESGCM(secret).encrypt(nonce, content, place.encode())

    def open_bytes(self, stored: bytes, place: str) -> bytes:
        """A file, read; one that was never sealed, as it is."""
        if not stored.startswith(FILE):
            return stored
        key, body = _head(stored)
        try:
            return AESGCM(self._unwrap(key)).decrypt(body[:_NONCE], body[_NONCE:], place.encode())
        except InvalidTag as error:
            raise Unreadable("the file was bent") from error

    def rewrap_bytes(self, stored: bytes) -> bytes | None:
        """A file whose data key is wrapped by the present master key; None when it is already."""
        if not stored.startswith(FILE):
            return None
        key, body = _head(stored)
        if key.master == self.master:
            return None
        new = self.rewrap(key)
        return FILE + f"{new.master}:{new.id}:{new.wrapped}:".encode() + body


def _head(stored: bytes) -> tuple[DataKey, bytes]:
    master, name, wrapped, body = stored.removeprefix(FILE).split(b":", 3)
    return DataKey(name.decode(), wrapped.decode(), master.decode()), body


def key_of(stored: str) -> str | None:
    """The name of the data key that a value needs; None when it was never sealed."""
    for indexed, prefix in ((True, INDEXED), (False, PLAIN)):
        start = KEY_AT[indexed] - 1
        if stored.startswith(prefix) and stored[start + NAME : start + NAME + 1] == ":":
            return stored[start : start + NAME]
    return None


def fingerprint(key: bytes) -> str:
    """A name for a master key that tells nothing of it."""
    return hashlib.sha256(b"yingshang master key" + key).hexdigest()[:8]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def from_settings(settings: Mapping[str, str]) -> Envelope:
    """The keys that the settings name."""
    former = [base64.b64decode(each) for each in settings["FORMER_MASTER_KEYS"].split()]
    return Envelope(base64.b64decode(settings["MASTER_KEY"]), base64.b64decode(settings["INDEX_KEY"]), former)


#: the keys outside an application (child processes, benches, tests of the engine alone)
_elsewhere: list[Envelope] = []


def use(keys: Envelope) -> None:
    """Take these keys where no application runs."""
    _elsewhere[:] = [keys]


def install(app: Flask, settings: Mapping[str, str]) -> None:
    """Give the application the keys that its settings name."""
    app.extensions["envelope"] = from_settings(settings)
    use(app.extensions["envelope"])


def envelope() -> Envelope:
    """The keys of the running application; LookupError where there are none."""
    if has_app_context():
        found: Envelope = current_app.extensions["envelope"]
        return found
    if not _elsewhere:
        raise LookupError("no keys: sensitive values can be neither read nor written")
    return _elsewhere[0]
