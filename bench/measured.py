"""What a measured process says of itself: one line of JSON at its end. Imports nothing of anybody's."""

import json
import resource
import time


def peak() -> float:
    """The most memory that the process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(started: float, first: float, before: float) -> None:
    """Seconds in all, seconds to the first byte, MB at most, and how many of them beyond what it held before it began."""
    print(json.dumps({"seconds": time.perf_counter() - started, "first": first, "peak": peak(), "more": peak() - before}))
