"""Progbar: the progress of a loop of one's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastrnn.core.checks import to_choice
from fastrnn.core.progress import Progress, is_terminal


class Progbar:
    """Shows how far a loop is, with means of values.

    Args:
        target: number of steps; ``None`` where it is not known.
        width, interval, unit_name: accepted; the bar has its own.
        verbose: 0 silent, 1 a bar, 2 a line at the end.
        stateful_metrics: names of values that are shown as they are; of others, the means.

    Raises:
        ValueError: ``verbose`` is none of these.

    >>> from fastrnn.utils import Progbar
    >>> bar = Progbar(3, verbose=0)
    >>> for step in range(3):
    ...     bar.add(1, values=[("loss", step / 2)])
    >>> bar.means()
    {'loss': 0.5}
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Sequence[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.verbose = to_choice("verbose", verbose, (0, 1, 2))
        self.stateful_metrics = set(stateful_metrics or ())
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._seen = 0
        self._shown = Progress(target, "", self.verbose == 1 and is_terminal())
        self._finished = False

    def update(
        self,
        current: int,
        values: Sequence[tuple[str, float]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Show that ``current`` steps are done.

        Args:
            current: number of steps so far.
            values: pairs of a name and a value of the steps since the last call.
            finalize: whether the loop ends here; at ``target``, unless given.
        """
        steps = max(current - self._seen, 1)
        for name, value in values or ():
            kept = name in self.stateful_metrics
            self._sums[name] = float(value) * (1 if kept else steps) + (
                0 if kept else self._sums.get(name, 0.0)
            )
            self._counts[name] = 1 if kept else self._counts.get(name, 0) + steps
        self._seen = current
        ends = self.target is not None and current >= self.target if finalize is None else finalize
        if not self.verbose or self._finished:
            return
        if ends:
            self._finished = True
            self._shown.finish(current, self.means())
        elif current:
            self._shown.update(current, self.means())

    def add(self, n: int, values: Sequence[tuple[str, float]] | None = None) -> None:
        """Show that ``n`` more steps are done."""
        self.update(self._seen + n, values)

    def means(self) -> dict[str, float]:
        """Return what is shown of the values."""
        return {name: float(np.divide(s, self._counts[name])) for name, s in self._sums.items()}
