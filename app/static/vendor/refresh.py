"""Fetch the front end's libraries from npm again, and draw the icons that the project names.

python app/static/vendor/refresh.py            everything, as manifest.json says
python app/static/vendor/refresh.py --icons    the icons only, after a page names a new one

Run by hand when a version changes; the product itself fetches nothing. The icons become one style
sheet of masks (no font): `<i class="ti ti-plus" aria-hidden="true"></i>`.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SUMS = HERE / "SHA256SUMS"
ICONS = HERE / "icons" / "icons.css"
NAMED = re.compile(r"\bti-([a-z0-9]+(?:-[a-z0-9]+)*)\b")


def fetch(package: dict[str, Any], folder: Path) -> tarfile.TarFile:
    """The package as npm keeps it."""
    made = subprocess.run(  # noqa: S603 - names and versions out of our own manifest
        ["npm", "pack", "--silent", f"{package['name']}@{package['version']}"],  # noqa: S607 - npm of whoever refreshes
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return tarfile.open(folder / made.stdout.strip().splitlines()[-1])


def read(archive: tarfile.TarFile, name: str) -> bytes:
    """One file of a package; source maps stay away, so their mention goes too."""
    held = archive.extractfile(f"package/{name}")
    if held is None:
        raise FileNotFoundError(name)
    return re.sub(rb"\n?(//|/\*)# sourceMappingURL=\S+( ?\*/)?\s*$", b"\n", held.read())


def copy(package: dict[str, Any], folder: Path) -> None:
    """Put the package's files where the manifest says."""
    with fetch(package, folder) as archive:
        for name, target in package["files"].items():
            path = HERE / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(read(archive, name))


def named_icons() -> list[str]:
    """The icons that templates, views, registers and scripts name."""
    places = [*(ROOT / "app" / "templates").rglob("*.html"), *(ROOT / "app" / "static" / "js").glob("*.js")]
    for folder in ("app", "models", "views"):
        places += [path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts and HERE not in path.parents]
    return sorted({name for path in places for name in NAMED.findall(path.read_text(encoding="utf-8"))})


def drawing(svg: str) -> str:
    """An icon as the address of a picture: black strokes, which the mask turns into the text's colour."""
    slim = re.sub(r"<!--.*?-->|\s*class=\"[^\"]*\"|<path stroke=\"none\"[^>]*>", "", svg, flags=re.DOTALL)
    slim = re.sub(r"\s+", " ", slim.replace("currentColor", "#000")).replace("> <", "><").strip()
    return "data:image/svg+xml," + quote(slim.replace('"', "'"), safe="<>=/:' -.,")


def icons(package: dict[str, Any], folder: Path) -> None:
    """Write the style sheet of the icons; an unknown name stops with that name."""
    lines = [
        "/* Made by refresh.py out of @tabler/icons (MIT): do not edit. */",
        ".ti{display:inline-block;width:1.25em;height:1.25em;vertical-align:-.25em;flex:none}",
        ".ti{background:currentColor;-webkit-mask:var(--ti) center/contain no-repeat;mask:var(--ti) center/contain no-repeat}",
    ]
    with fetch(package, folder) as archive:
        known = set(archive.getnames())
        for name in named_icons():
            kind = "filled" if name.endswith("-filled") else "outline"
            path = f"icons/{kind}/{name.removesuffix('-filled')}.svg"
            if f"package/{path}" not in known:
                raise SystemExit(f"@tabler/icons has no icon called {name}")
            lines.append(f'.ti-{name}{{--ti:url("{drawing(read(archive, path).decode())}")}}')
        for name, target in package["files"].items():
            (HERE / target).parent.mkdir(parents=True, exist_ok=True)
            (HERE / target).write_bytes(read(archive, name))
    ICONS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Refresh what was asked for and note the sums of all files."""
    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if "--icons" not in sys.argv:
            for package in manifest["packages"]:
                copy(package, folder)
        icons(manifest["icons"], folder)
    kept = sorted(path for path in HERE.rglob("*") if path.is_file() and path.parent != HERE and "__pycache__" not in path.parts)
    SUMS.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(HERE).as_posix()}\n" for path in kept), encoding="ascii")


if __name__ == "__main__":
    main()
