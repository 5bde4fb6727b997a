"""A small load generator: a few connections kept alive, a fixed time, every answer looked at."""

from __future__ import annotations

import http.client
import http.cookiejar
import re
import statistics
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field

#: a connection is opened anew after so many requests, so that both workers get their share
REQUESTS_PER_CONNECTION = 10
#: gunicorn hangs up on a connection that rests for two seconds
RESTS = 1
TIMEOUT = 60


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    seconds: float
    headers: dict[str, str]


@dataclass
class Visitor:
    """A signed-in person at one server."""

    port: int
    cookies: str = ""
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)
    _left: int = 0
    _used: float = 0

    def sign_in(self, path: str, username: str, password: str) -> None:
        """Fill in the form of sign-in as a browser does."""
        jar = http.cookiejar.CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        url = f"http://127.0.0.1:{self.port}{path}"
        page = browser.open(url, timeout=TIMEOUT).read().decode()
        tokens = dict(re.findall(r'<input[^>]*name="(csrf\w+)"[^>]*value="([^"]+)"', page))
        form = urllib.parse.urlencode({"username": username, "password": password, **tokens}).encode()
        browser.open(url, form, timeout=TIMEOUT).read()
        self.cookies = "; ".join(f"{each.name}={each.value}" for each in jar)

    def get(self, path: str, **headers: str) -> Answer:
        """One request over the connection in use."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str]) -> Answer:
        """Send a form; where it leads is not followed."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"http://127.0.0.1:{self.port}{path}"}
        return self._ask("POST", path, urllib.parse.urlencode(form).encode(), headers)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        if self._connection is None or self._left == 0 or time.perf_counter() - self._used > RESTS:
            self.close()
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
            self._left = REQUESTS_PER_CONNECTION
        self._left -= 1
        started = time.perf_counter()
        self._connection.request(method, path, body, headers={"Cookie": self.cookies, **headers})
        answer = self._connection.getresponse()
        body = answer.read()
        self._used = time.perf_counter()
        return Answer(answer.status, body, self._used - started, {name.lower(): value for name, value in answer.getheaders()})

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def requests_in(visitor: Visitor, path: str, seconds: float, connections: int = 4) -> tuple[int, float]:
    """How many answers several connections get together, in how many seconds; an answer other than 200 stops the benchmark."""
    counts, wrong = [0] * connections, []
    finish = time.perf_counter() + seconds

    def work(place: int) -> None:
        mine = Visitor(visitor.port, visitor.cookies)
        while time.perf_counter() < finish and not wrong:
            try:
                status = mine.get(path).status
            except OSError as error:
                wrong.append(f"{type(error).__name__} for {path}")
                break
            if status != 200:
                wrong.append(f"{status} for {path}")
            counts[place] += 1
        mine.close()

    started = time.perf_counter()
    threads = [threading.Thread(target=work, args=(place,)) for place in range(connections)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if wrong:
        raise RuntimeError(wrong[0])
    return sum(counts), time.perf_counter() - started


def seconds_of(visitor: Visitor, path: str, times: int) -> list[float]:
    """How long single requests take, one after the other."""
    found = []
    for _ in range(times):
        answer = visitor.get(path)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} for {path}")
        found.append(answer.seconds)
    return found


def p95(values: list[float]) -> float:
    """The value that 95 of a hundred stay below."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
