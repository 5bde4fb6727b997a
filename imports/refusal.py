"""Why a file as a whole cannot be taken."""

from __future__ import annotations

from app.language import Text


class Refused(Exception):
    """A file that cannot be read or must not be: `code` for machines, `message` with the cure."""

    def __init__(self, code: str, message: Text) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return str(self.message)
