"""Steps: what one step of a cell is given and what it returns, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from fastrnn.activations import Activation

Array = npt.NDArray[Any]
States = tuple[Array, ...]
Tape = tuple[Any, ...]


@dataclass
class Weights:
    """The weights of a cell by name; those with G·H columns are cut into gates.

    W, U and b are the familiar ones: ``W[g]`` (F, H), ``U[g]`` (H, H), ``b[g]`` (H,) or (2, H).
    """

    parts: dict[str, Any]
    activation: Activation
    recurrent_activation: Activation
    epsilon: float  # added to variances

    def __getitem__(self, name: str) -> Any:
        return self.parts[name]

    @property
    def W(self) -> list[Array]:
        """The kernel, gate by gate."""
        return list(self.parts["kernel"])

    @property
    def U(self) -> list[Array]:
        """The recurrent kernel, gate by gate."""
        return list(self.parts["recurrent_kernel"])

    @property
    def b(self) -> list[Array]:
        """The bias, gate by gate."""
        return list(self.parts["bias"])


@dataclass
class StepGradients:
    """What one backward step gives.

    Attributes:
        dx: of x as each gate sees it, before the gate's dropout mask.
        dh: of h_{t-1} as each gate sees it, likewise.
        states: of the states before the step, but for the way through ``dh``.
        weights: what the step adds to the gradient of each weight, cut as ``Weights`` are.
    """

    dx: list[Array]
    dh: list[Array]
    states: States
    weights: dict[str, Any]


Step = Callable[[Weights, list[Array], list[Array], States], tuple[States, Tape]]
StepBackward = Callable[
    [Weights, list[Array], list[Array], States, Tape, States],
    StepGradients,
]


def through_inputs(
    w: Weights, x: list[Array], da: list[Array]
) -> tuple[list[Array], dict[str, Any]]:
    """Return dx and the gradients of W and b through x·W + b, for those of pre-activations."""
    dx = [d @ W.T for d, W in zip(da, w.W, strict=True)]
    dW = [x_g.T @ d for x_g, d in zip(x, da, strict=True)]
    return dx, {"kernel": dW, "bias": [d.sum(axis=0) for d in da]}
