"""Addresses of our static files, each with a hash of its content: browsers keep them for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, redirect, url_for


class Assets:
    """The hashes of the files that pages name, read once (again when a file changes, while developing)."""

    def __init__(self, app: Flask) -> None:
        self._folder = Path(str(app.static_folder))
        self._fresh = bool(app.config.get("TEMPLATES_AUTO_RELOAD"))
        self._hashes: dict[str, str] = {}

    def address(self, name: str) -> str:
        """The address of a file under app/static; FileNotFoundError names one that is not there."""
        if name not in self._hashes or self._fresh:
            self._hashes[name] = hashlib.sha256((self._folder / name).read_bytes()).hexdigest()[:12]
        return url_for("static", filename=name, v=self._hashes[name])


def install(app: Flask) -> None:
    """Give templates the function `asset`, and browsers our icon."""
    address = Assets(app).address
    app.jinja_env.globals["asset"] = address
    # browsers ask for it beside answers that are no page of ours (JSON, files)
    app.add_url_rule("/favicon.ico", "favicon", lambda: redirect(address("icon.svg")))
