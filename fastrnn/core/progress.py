"""Progress of a loop over batches: a bar with ETA in a terminal, elsewhere one plain line."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

import numpy as np

from fastrnn.core.terminal import write

_WIDTH = 20
_SECONDS_BETWEEN_UPDATES = 0.1


class Progress:
    """Shows how far a loop is.

    Args:
        steps: number of steps, or ``None`` where it is not known.
        title: begins the line, e.g. ``"Epoch 1/5"``.
        live: whether to draw a bar while the loop runs, as ``is_terminal`` suggests.
        stream: where to print; standard output unless given.
    """

    def __init__(
        self, steps: int | None, title: str = "", live: bool = False, stream: TextIO | None = None
    ) -> None:
        self.steps, self.title, self.live = steps, title, live
        self.stream = stream
        self.start = time.perf_counter()
        self._next_update = self.start
        self._drawn = 0
        if live and title:
            write(title + "\n", self.stream)

    def update(self, step: int, logs: dict[str, float]) -> None:
        """Show that ``step`` steps are done; redraws at most ten times a second."""
        now = time.perf_counter()
        if not self.live or now < self._next_update:
            return
        self._next_update = now + _SECONDS_BETWEEN_UPDATES
        elapsed = now - self.start
        if self.steps:
            eta = elapsed / step * (self.steps - step)
            line = f"{self._bar(step)} {_duration(eta)} {_per_step(elapsed / step)}"
        else:
            line = f"{step}/Unknown {_duration(elapsed)} {_per_step(elapsed / step)}"
        self._draw(line + _logs_text(logs))

    def finish(self, step: int, logs: dict[str, float]) -> None:
        """Show the result: the full bar, or the one plain line."""
        elapsed = time.perf_counter() - self.start
        timing = f"{_duration(elapsed)} {_per_step(elapsed / max(step, 1))}"
        if self.live:
            self._draw(f"{self._bar(step)} {timing}{_logs_text(logs)}")
            write("\n", self.stream)
        else:
            begin = f"{self.title} - " if self.title else ""
            count = f"{step}/{self.steps or step}"
            write(f"{begin}{count} - {timing}{_logs_text(logs)}\n", self.stream)

    def _bar(self, step: int) -> str:
        total = self.steps or step
        done = _WIDTH * min(step, total) // max(total, 1)
        return f"{step}/{total} {'━' * done}{'╌' * (_WIDTH - done)}"

    def _draw(self, line: str) -> None:
        write("\r" + line.ljust(self._drawn), self.stream)
        self._drawn = len(line)


def is_terminal(stream: TextIO | None = None) -> bool:
    """Return whether a bar can be drawn on ``stream`` (standard output unless given)."""
    stream = sys.stdout if stream is None else stream
    return bool(getattr(stream, "isatty", lambda: False)())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def _per_step(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


def _logs_text(logs: dict[str, Any]) -> str:
    return "".join(f" - {name}: {_number(float(np.mean(logs[name])))}" for name in logs)


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
