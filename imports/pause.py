"""The collector of cycles rests while many values are made that hold none: it would look through all of them again and again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_resting = 0


@contextmanager
def without_collector() -> Iterator[None]:
    """Let the collector rest until the last that asked for it is done; what is no longer referred to is freed all the same."""
    global _resting  # noqa: PLW0603 - the collector is one for the whole process
    with _lock:
        _resting += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _resting -= 1
            if not _resting:
                gc.enable()


__all__ = ["without_collector"]
