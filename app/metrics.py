"""Numbers about the running product in the text that Prometheus reads: no name, no number of a record, no address.

Several gunicorn processes count into files of one folder (PROMETHEUS_MULTIPROC_DIR, which
gunicorn.conf.py makes), so that whichever answers tells of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_counted = CollectorRegistry()
_requests = Counter("yingshang_requests", "Answered requests", ["endpoint", "method", "status"], registry=_counted)
_seconds = Histogram(
    "yingshang_request_seconds", "Seconds until a request was answered", ["endpoint"], buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30), registry=_counted
)


def count(endpoint: str, method: str, status: int, seconds: float) -> None:
    """Count an answered request."""
    _requests.labels(endpoint, method if method in _METHODS else "other", status).inc()
    _seconds.labels(endpoint).observe(seconds)


def text(now: Iterable[tuple[str, str, Mapping[str, float]]]) -> bytes:
    """What was counted, and what is so at this moment: (name, meaning, {state or "": number})."""
    current = CollectorRegistry()
    for name, meaning, numbers in now:
        if set(numbers) == {""}:
            Gauge(name, meaning, registry=current).set(numbers[""])
        else:
            gauge = Gauge(name, meaning, ["state"], registry=current)
            for state, number in numbers.items():
                gauge.labels(state).set(number)
    return generate_latest(_all()) + generate_latest(current)


def _all() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return _counted
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
