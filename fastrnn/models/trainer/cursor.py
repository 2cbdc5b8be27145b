"""DataCursor: batches epoch by epoch, from any point on."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import random
from fastrnn.models.trainer.batches import Batch, Batches, known_length


class DataCursor:
    """Batches epoch by epoch.

    With a number of steps, an epoch goes on where the one before it stopped; where the data end,
    it ends early, and the next one starts again from the beginning.

    Args:
        batches: the data.
        steps: batches in an epoch, or ``None`` for all.
        epoch: number of the first epoch.

    Attributes:
        epoch: number of the epoch that is running, or comes next.
        step: number of its batches so far.
    """

    def __init__(self, batches: Batches, steps: int | None, epoch: int = 0) -> None:
        self.batches, self.steps = batches, steps
        self.epoch, self.step = epoch, 0
        # A pass over the data; the number of its batches so far, and the state of the generator
        # that has drawn their order, at its beginning.
        self._pass: Iterator[Batch] | None = None
        self._given = 0
        self._order = self._generator_state()

    def rest_of_epoch(self) -> Iterator[Batch]:
        """Yield the batches of the epoch that are left, then go on to the next epoch."""
        if self._pass is None:
            self._begin_pass()
        assert self._pass is not None
        self.batches.on_epoch_begin()
        left = None if self.steps is None else self.steps - self.step
        for batch in itertools.islice(self._pass, left):
            self._given += 1
            self.step += 1
            yield batch
        ended = self.steps is None or self.step < self.steps
        if ended or self._given == known_length(self.batches):
            self._pass = None
        if ended and self.steps is not None:
            warnings.warn(
                f"The data ended after {self.step} of {self.steps} steps of the epoch. "
                "Give more data, or fewer steps.",
                UserWarning,
                stacklevel=2,
            )
        self.batches.on_epoch_end()
        self.epoch, self.step = self.epoch + 1, 0

    def _begin_pass(self) -> None:
        self._order = self._generator_state()
        self._pass, self._given = iter(self.batches), 0

    def _generator_state(self) -> npt.NDArray[np.uint8]:
        generator = self.batches.generator
        return np.zeros(0, np.uint8) if generator is None else random.state_of(generator)

    def state(self) -> dict[str, Any]:
        """Return the place in the data, as integers and the bytes of a generator's state."""
        passing = self._pass is not None
        return {
            "epoch": self.epoch,
            "step": self.step,
            "given": self._given if passing else 0,
            "order": self._order if passing else self._generator_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go to the place in the data that ``state`` returned, for the same data."""
        self.epoch, self.step = int(state["epoch"]), int(state["step"])
        if self.batches.generator is not None and state["order"].size:
            random.set_state(self.batches.generator, state["order"])
        given = int(state["given"])
        if given:
            self._begin_pass()
            assert self._pass is not None
            self._given = sum(1 for _ in itertools.islice(self._pass, given))
