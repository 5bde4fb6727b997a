"""What the documents say is tried: a register added by the book, and nothing else, passes the generic roads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import config
from app import registry

ROOT = config.ROOT
BOOK = ROOT / "docs" / "add-a-register.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", BOOK.read_text(encoding="utf-8"), re.DOTALL)


def _copy_project(into: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)
    for catalogue in ROOT.glob("translations/*/LC_MESSAGES/*.mo"):
        shutil.copy(catalogue, into / catalogue.relative_to(ROOT))


def _insert(path: Path, opening: str, line: str, import_line: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert opening in text, f"{path.name} has no {opening!r} to add a line behind"
    text = text.replace(opening, opening + "\n" + line.rstrip("\n"), 1)
    path.write_text(text.replace("from models.agency", f"{import_line}\nfrom models.agency", 1), encoding="utf-8")


@pytest.fixture
def by_the_book(tmp_path: Path) -> Path:
    """A copy of the project with the book's register added by its four steps."""
    project = tmp_path / "project"
    _copy_project(project)
    the_class, entry, role = blocks("python")
    (project / "models" / "training.py").write_text(the_class, encoding="utf-8")
    _insert(project / "models" / "__init__.py", "REGISTERS = (", entry, "from models.training import Training")
    _insert(project / "models" / "roles.py", "MappingProxyType(\n    {", "        " + role.strip(), "from models.training import Training")
    return project


def _run(project: Path, *command: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DATABASE_URL", "FLASK"))}
    environ |= {"INSTANCE_DIR": str(project / "instance"), "PYTHONPATH": str(project)}
    done = subprocess.run([sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, env=environ, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.skipif(os.environ.get("DATABASE_URL", "").startswith("postgresql"), reason="the copy has a database of its own, SQLite")
def test_a_register_by_the_book_passes_every_generic_road(by_the_book: Path) -> None:
    _run(by_the_book, "flask", "db", "upgrade")
    _run(by_the_book, "flask", "db", "migrate", "-m", "add training")
    _run(by_the_book, "flask", "install")
    assert not list((by_the_book / "instance").glob("*.db-wal")), "a command that has ended leaves everything in the file itself"
    _run(by_the_book, "flask", "db", "check")
    said = _run(by_the_book, "flask", "registers", "show", "training", "--json")
    assert '"key": "training_no"' in said
    # one person of each kind of right; the registers that are there are walked by everybody
    asked = "training and (test_generic or wang or qian or zhou or wu or visitor)"
    passed = _run(by_the_book, "pytest", "-q", "-p", "no:cacheprovider", "-k", asked, "tests/test_matrix.py", "tests/test_generic.py")
    assert re.search(r"\d+ passed", passed), passed
    assert "failed" not in passed


def test_every_register_is_described() -> None:
    text = (ROOT / "docs" / "registers.md").read_text(encoding="utf-8")
    for entry in registry.entries():
        assert f"`{entry.register.__key__}`" in text, entry.register.__key__


#: a test as docs/security.md names it, perhaps with its module
TEST = re.compile(r"`(?:tests/)?(?:(test_\w+)\.py::)?(test_\w+)(?:\.py)?`")


def test_every_test_that_a_promise_names_is_there() -> None:
    modules = [(path.stem, path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py")]
    named = TEST.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    stems = {stem for stem, _text in modules}
    assert len(named) > 100
    for module, name in named:
        defined = any(f"def {name}(" in text for stem, text in modules if stem == (module or stem))
        assert defined or (not module and name in stems), f"{module}::{name}"
