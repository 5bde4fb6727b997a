"""A workbook through the pages, from the choice of the file to the word that it is done: ours and Django's admin, served alike."""

from __future__ import annotations

import http.cookiejar
import statistics
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from bench.contenders import GUNICORN, ROOT, START_SECONDS
from bench.importers import Importer

USERNAME, PASSWORD = "bench", "Weichang-2026"
TIMEOUT = 600


class Forms(HTMLParser):
    """The forms of a page: where each is sent to, and what is in it; of buttons the last one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((facts.get("action", ""), {}))
        if not self.found:
            return
        values, kind, name = self.found[-1][1], facts.get("type", "text"), facts.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in facts or "xlsx" in facts.get("value", "")):
            values[self._select] = facts.get("value", "")
        elif name and tag in ("input", "button") and kind != "file" and (kind not in ("radio", "checkbox") or "checked" in facts):
            values[name] = facts.get("value", "")

    def with_field(self, name: str) -> tuple[str, dict[str, str]]:
        """The form that has a field."""
        return next(each for each in self.found if name in each[1])


@dataclass
class Browser:
    """A signed-in person."""

    port: int
    opener: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    )
    bytes: int = 0
    address: str = ""

    def get(self, path: str) -> str:
        """A page, after whatever leads on from there."""
        return self._open(urllib.request.Request(self._url(path)))

    def fetch(self, path: str) -> bytes:
        """A file."""
        with self.opener.open(self._url(path), timeout=TIMEOUT) as answer:
            return bytes(answer.read())

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}" if path.startswith("/") else path or self.address

    def _open(self, request: urllib.request.Request) -> str:
        with self.opener.open(request, timeout=TIMEOUT) as answer:
            body = answer.read()
            self.bytes, self.address = len(body), answer.url
        return str(body.decode())

    def post(self, path: str, values: dict[str, str], file: Path | None = None, name: str = "") -> str:
        """Send a form as a browser does."""
        edge = uuid.uuid4().hex
        parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in values.items()]
        if file:
            head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
            parts += [head.encode(), file.read_bytes(), b"\r\n"]
        body = b"".join(parts) + f"--{edge}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "Referer": self.address}
        return self._open(urllib.request.Request(self._url(path), body, headers))

    def sign_in(self, path: str) -> None:
        """The form of sign-in."""
        _action, values = Forms(self.get(path)).with_field("username")
        self.post("", values | {"username": USERNAME, "password": PASSWORD})


def settled(browser: Browser, page: str, pause: float = 0.1) -> str:
    """The page of a batch once it does not look again by itself; raises TimeoutError."""
    address, finish = browser.address, time.monotonic() + TIMEOUT
    while "js-reload" in page:
        if time.monotonic() > finish:
            raise TimeoutError(address)
        time.sleep(pause)
        page = browser.get(address)
    return page


def confirm(browser: Browser, page: str, pause: float = 0.1) -> str:
    """Import what a preview shows, and wait for the end."""
    _action, values = Forms(page).with_field("digest")
    return settled(browser, browser.post("", values | {"bad_rows": "stop", "wish": "confirm"}), pause)


def ours(browser: Browser, file: Path) -> int:
    """Upload, look at the preview, confirm, wait for the end; the preview's bytes."""
    _action, values = Forms(browser.get("/bench_import/import")).with_field("mode")
    page = settled(browser, browser.post("", values, file, "file"))
    preview = browser.bytes
    confirm(browser, page)
    return preview


def django(browser: Browser, file: Path) -> int:
    """The same in Django's admin."""
    _action, values = Forms(browser.get("/admin/django_import/ledger/import/")).with_field("format")
    page = browser.post("", values, file, "import_file")
    preview = browser.bytes
    action, values = Forms(page).with_field("import_file_name")
    browser.post(action if action.startswith("/") else "/admin/django_import/ledger/process_import/", values)
    return preview


WAYS = {
    "ours": (ours, "/login/", "bench.import_ours:app", [("-m", "flask", "--app", "bench.import_ours", "worker")]),
    "peer": (django, "/admin/login/?next=/admin/", "bench.peers.django_import.site:application", []),
}


def compare(file: Path, rows: int, importers: list[Importer], rounds: int, port: int) -> None:
    """Each in turn, a fresh database and servers of its own each time; prints medians."""
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in WAYS}
    chosen = {name: next(each for each in importers if each.family == name) for name in WAYS}
    for each in chosen.values():
        each.install()
        each.prepare(file)
    for _ in range(rounds):
        for name, each in chosen.items():
            each.clone("empty", "work")
            found[name].append(_through(name, each, file, rows, port))
    (mine, bytes_), (theirs, more) = (tuple(statistics.median(run[place] for run in found[name]) for place in (0, 1)) for name in WAYS)
    print(f"\nthrough the pages, {rows:,} rows: ours {mine:.2f} s and {bytes_:,.0f} bytes of preview, Django's admin {theirs:.2f} s and {more:,.0f} bytes")
    print(f"ours is {theirs / mine:.1f}x faster, its preview {100 * bytes_ / more:.2f}% of the bytes", flush=True)


def _through(name: str, importer: Importer, file: Path, rows: int, port: int) -> tuple[float, int]:
    way, sign_in, application, beside = WAYS[name]
    environment = importer.environment("work")
    commands = [("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *GUNICORN, application), *beside]
    # the peer is served without our gunicorn.conf.py
    folder, environment["PYTHONPATH"] = (ROOT if name == "ours" else importer.folder), str(ROOT)
    log = (importer.folder / f"{name}.log").open("ab")
    started = [subprocess.Popen([str(importer.python), *command], cwd=folder, env=environment, stdout=log, stderr=log) for command in commands]
    try:
        browser = Browser(port)
        _await(browser, sign_in)
        browser.sign_in(sign_in)
        begun = time.perf_counter()
        preview = way(browser, file)
        seconds = time.perf_counter() - begun
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)
        log.close()
    count, _stored = importer.stored("work", [])
    if count != rows:
        raise RuntimeError(f"{name}: {count} rows through the pages instead of {rows}")
    return seconds, preview


def _await(browser: Browser, path: str) -> None:
    finish = time.monotonic() + START_SECONDS
    while True:
        try:
            browser.get(path)
            break
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) or time.monotonic() > finish:
                raise
        time.sleep(0.2)
