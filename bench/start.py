"""How long the server takes to start when nothing changed: a fresh process from nothing to a ready application.

.venv/bin/python bench/start.py [rounds]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5


def measure(code: str) -> float:
    """Seconds that a fresh process needs for a piece of code."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    bare = [measure("import flask_appbuilder, flask_migrate") for _ in range(ROUNDS)]
    ours = [measure("from app.factory import create_app; create_app()") for _ in range(ROUNDS)]
    print(
        f"libraries alone {statistics.median(bare):.2f} s, the application {statistics.median(ours):.2f} s, ratio {statistics.median(ours) / statistics.median(bare):.2f}"
    )
