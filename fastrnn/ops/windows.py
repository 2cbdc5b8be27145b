"""Windows: parts of sequences, of which convolutions and poolings are made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from fastrnn.typing import Array


class Windows(NamedTuple):
    """Windows of ``size`` steps, ``dilation`` apart, that begin every ``stride`` steps.

    Attributes:
        size: steps of a window.
        stride: steps from one window to the next.
        padding: ``"valid"``, whole windows alone; ``"same"``, as many as there are strides, the odd
            missing step behind; ``"causal"``, the same with all missing steps before.
        dilation: steps from one entry of a window to the next.

    >>> windows = Windows(2, 1, "same")
    >>> windows.count(3), windows.margins(3)
    (3, (0, 1))
    >>> windows.of(np.arange(3.0).reshape(1, 3, 1), 0)[0, :, :, 0]
    array([[0., 1.],
           [1., 2.],
           [2., 0.]])
    """

    size: int
    stride: int
    padding: str
    dilation: int = 1

    @property
    def span(self) -> int:
        """Steps from the first to the last of a window."""
        return (self.size - 1) * self.dilation + 1

    def count(self, steps: int) -> int:
        """Return how many windows a sequence has."""
        if self.padding == "valid":
            return max(0, (steps - self.span) // self.stride + 1)
        return -(-steps // self.stride)

    def margins(self, steps: int) -> tuple[int, int]:
        """Return how many steps are missing before the first and behind the last window."""
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return self.span - 1, 0
        missing = max((self.count(steps) - 1) * self.stride + self.span - steps, 0)
        return missing // 2, missing - missing // 2

    def of(self, x: Array, fill: float, margins: tuple[int, int] | None = None) -> Array:
        """Return a view (batch, windows, size, channels) of ``x``, padded with ``fill``.

        Args:
            x: (batch, steps, channels).
            fill: what missing steps hold.
            margins: how many are missing; ``None`` is what the padding says.
        """
        before, behind = self.margins(x.shape[1]) if margins is None else margins
        if before or behind:
            x = np.pad(x, ((0, 0), (before, behind), (0, 0)), constant_values=fill)
        if x.shape[1] < self.span:
            return np.zeros((len(x), 0, self.size, x.shape[2]), x.dtype)
        view = np.lib.stride_tricks.sliding_window_view(x, self.span, axis=1)
        return np.moveaxis(view[:, :: self.stride, :, :: self.dilation], -1, 2)

    def add(
        self,
        parts: Iterable[Array],
        shape: tuple[int, ...],
        margins: tuple[int, int] | None = None,
    ) -> Array:
        """Return the gradient of a sequence of ``shape`` for that of its windows.

        Args:
            parts: the gradient of each entry of the windows, (batch, windows, channels).
            shape: (batch, steps, channels).
            margins: see ``of``.
        """
        batch, steps, channels = shape
        before, behind = self.margins(steps) if margins is None else margins
        parts = list(parts)
        d = np.zeros((batch, before + steps + behind, channels), parts[0].dtype)
        reach = max((parts[0].shape[1] - 1) * self.stride + 1, 0)
        for k, part in enumerate(parts):
            first = k * self.dilation
            d[:, first : first + reach : self.stride] += part
        return np.ascontiguousarray(d[:, before : before + steps])
