"""A contender in a process of its own: from its start to its commit, with the memory that it and its children had at most."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: how often the kernel is asked for the peaks that it keeps
PAUSE = 0.02


@dataclass(frozen=True)
class Taken:
    """What a run took: seconds by the clock, of the processor (the database server's apart), MB of the process and of its largest child."""

    seconds: float
    processor: float
    own: float
    child: float
    counts: dict[str, Any]


def measured(command: Sequence[object], environment: Mapping[str, str], folder: Path) -> Taken:
    """Run a command that says in JSON when it was `finished` and what it counted."""
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = subprocess.Popen([str(each) for each in command], cwd=folder, env=dict(environment), stdout=said)
        peaks = Peaks(process.pid)
        while process.poll() is None:
            peaks.look()
            time.sleep(PAUSE)
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        said.seek(0)
        answer = json.loads(said.read().splitlines()[-1])
    return Taken(answer["finished"] - started, peaks.processor, peaks.own, peaks.child, answer["counts"])


class Peaks:
    """The most memory that a process and its children had, and the processor's time, as far as seen."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.own = self.child = 0.0
        self._used: dict[int, float] = {}

    @property
    def processor(self) -> float:
        """Seconds of all of them."""
        return sum(self._used.values())

    def look(self) -> None:
        """Ask the kernel once."""
        with suppress(OSError, IndexError):
            self.own = max(self.own, _peak(self.number))
            self._used[self.number] = _seconds(self.number)
            mine = _command(self.number)
            for child in _below(self.number):
                if _command(child) == mine:  # not yet what it is about to become: it still shares our memory
                    continue
                self.child = max(self.child, _peak(child))
                self._used[child] = _seconds(child)


def _below(number: int) -> list[int]:
    direct = [int(each) for task in Path(f"/proc/{number}/task").iterdir() for each in (task / "children").read_text().split()]
    return [each for child in direct for each in (child, *_below(child))]


def _command(number: int) -> bytes:
    return Path(f"/proc/{number}/cmdline").read_bytes()


def _peak(number: int) -> float:
    line = next((line for line in Path(f"/proc/{number}/status").read_text().splitlines() if line.startswith("VmHWM")), "VmHWM 0")  # none once it has ended
    return int(line.split()[1]) / 1024


def _seconds(number: int) -> float:
    """User and system time, in hundredths as the kernel counts them."""
    parts = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / 100
