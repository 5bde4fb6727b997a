"""What pages load: all of it ours, named in the manifest, untouched since it was fetched; icons that are drawn."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from flask import Flask

import config

VENDOR = config.ROOT / "app" / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
PACKAGES = [*MANIFEST["packages"], MANIFEST["icons"]]


def test_the_manifest_names_version_and_licence_of_everything() -> None:
    named = {target for package in PACKAGES for target in package["files"].values()} | {"icons/icons.css"}
    kept = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file() and path.parent != VENDOR and path.suffix != ".pyc"}
    assert kept == named
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", package["version"]) and package["licence"] for package in PACKAGES)


def test_nothing_vendored_was_edited() -> None:
    sums = dict(reversed(line.split("  ")) for line in (VENDOR / "SHA256SUMS").read_text(encoding="ascii").splitlines())  # type: ignore[misc]
    assert sums == {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in sums}
    assert len(sums) == sum(len(package["files"]) for package in PACKAGES) + 1


def test_every_icon_that_is_named_is_drawn() -> None:
    drawn = set(re.findall(r"\.ti-([a-z0-9-]+)\{", (VENDOR / "icons" / "icons.css").read_text(encoding="utf-8")))
    places = [*(config.ROOT / "app" / "templates").rglob("*.html"), *(config.ROOT / "app" / "static" / "js").glob("*.js")]
    places += [path for folder in ("models", "views") for path in (config.ROOT / folder).rglob("*.py")]
    named = {name for path in places for name in re.findall(r"\bti-([a-z0-9]+(?:-[a-z0-9]+)*)\b", path.read_text(encoding="utf-8"))}
    assert named, "no icon is named anywhere: the test looks in the wrong place"
    assert not named - drawn, "run app/static/vendor/refresh.py --icons"


@pytest.mark.parametrize("path", sorted((config.ROOT / "app" / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_template_holds_what_the_policy_forbids(path: object) -> None:
    """Inline styles and handlers do not run under the policy; a script needs the nonce."""
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert not re.search(r"\sstyle=|\son[a-z]+=\"|javascript:", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "nonce=" in script, script


def test_a_page_sends_the_policy_and_files_are_kept_for_good(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    nonces = set(re.findall(r'<script[^>]* nonce="([^"]+)"', answer.text))
    assert len(nonces) == 1
    assert f"script-src 'nonce-{nonces.pop()}'" in policy
    assert "unsafe" not in policy
    assert client.get("/").headers["Content-Security-Policy"] != policy
    address = re.search(r'href="(/static/css/frame\.css\?v=[^"]+)"', answer.text)
    assert address
    assert "immutable" in client.get(address.group(1)).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/css/frame.css").headers.get("Cache-Control", "")


def test_a_class_is_drawn_in_one_sheet() -> None:
    """Two sheets that draw one name draw over each other: a word of two meanings."""
    owners: dict[str, set[str]] = {}
    for path in (config.ROOT / "app" / "static" / "css").glob("*.css"):
        for name in re.findall(r"^(\.ys-[a-z-]+) \{", path.read_text(encoding="utf-8"), re.MULTILINE):
            owners.setdefault(name, set()).add(path.name)
    assert len(owners) > 50
    assert {name: sheets for name, sheets in owners.items() if len(sheets) > 1} == {}
