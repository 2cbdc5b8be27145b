"""CallContext: what a call tells the layers in it, and the pullback that it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastrnn.typing import Array

# d_inputs, d_weights = pullback(d_outputs); d_weights in the order of `trainable_weights`.
Pullback = Callable[[Any], tuple[Any, list[Array]]]


class Penalties(list[float]):
    """Penalties of a call, in the order in which they were met.

    Attributes:
        scale: what the pullback multiplies their gradients by.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale


@dataclass(slots=True)
class CallContext:
    """What one call of a model tells every layer in it.

    Attributes:
        training: whether dropout drops and batch statistics are updated.
        gradient: whether the call must return a pullback.
        input_gradient: whether the pullback must return the gradient of the inputs; layers for
            which that saves work return ``None`` where it need not.
        penalties: collects penalties, those on activities and those of ``add_loss``, during
            training and evaluation; ``None`` elsewhere.
    """

    training: bool = False
    gradient: bool = False
    input_gradient: bool = True
    penalties: Penalties | None = None


INFERENCE, TRAINING = CallContext(), CallContext(training=True)
