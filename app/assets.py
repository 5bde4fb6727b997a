"""Addresses of our static files, each with a hash of its content: browsers keep them for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, redirect, request, url_for


class Assets:
    """The addresses of the files that pages name, worked out once (again when a file changes, while developing)."""

    def __init__(self, app: Flask) -> None:
        self._folder = Path(str(app.static_folder))
        self._fresh = bool(app.config.get("TEMPLATES_AUTO_RELOAD"))
        self._known: dict[tuple[str, str], str] = {}

    def address(self, name: str) -> str:
        """The address of a file under app/static; FileNotFoundError names one that is not there."""
        key = (request.script_root, name)
        if key not in self._known or self._fresh:
            digest = hashlib.sha256((self._folder / name).read_bytes()).hexdigest()
            self._known[key] = url_for("static", filename=name, v=digest[:12])
        return self._known[key]


def install(app: Flask) -> None:
    """Give templates the function `asset`, and browsers our icon."""
    address = Assets(app).address
    app.jinja_env.globals["asset"] = address
    # browsers ask for it beside answers that are no page of ours (JSON, files)
    app.add_url_rule("/favicon.ico", "favicon", lambda: redirect(address("icon.svg")))
