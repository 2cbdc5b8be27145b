"""HasLosses: what a layer adds to the loss beside that of its model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors, tracing
from fastrnn.core.nest import flatten
from fastrnn.layers.base import symbolic
from fastrnn.layers.base.context import CallContext, Pullback
from fastrnn.layers.base.structures import as_list
from fastrnn.layers.base.weights import HasWeights
from fastrnn.regularizers import penalty_gradient
from fastrnn.typing import Nest


class HasLosses(HasWeights):
    """Penalties on activities, and what ``add_loss`` is given.

    Attributes:
        activity_regularizer: penalty on the layer's outputs.
        call_losses: what ``add_loss`` was given in the last call.
        call_penalties: all penalties of the last call on arrays.
    """

    activity_regularizer: Any
    call_losses: Sequence[float] = ()
    call_penalties: Sequence[float] | None = None

    def add_loss(self, loss: Nest) -> None:
        """Add to the loss of training and evaluation, from within ``call``.

        Args:
            loss: a tensor, or a list of them; its sum counts.

        Raises:
            ValueError: it is a tensor of a functional model, or no tensor.
        """
        trace = tracing.active()
        for value in flatten(loss):
            if trace is not None:
                trace.losses.append((self, value))
            elif symbolic.is_symbolic(value) or callable(value):
                expected = "a tensor within `call`"
                remedy = "Put a layer into the model whose `call` calls self.add_loss."
                raise ValueError(errors.bad_argument("loss", value, expected, remedy))
            else:
                self.call_losses = [*self.call_losses, float(np.sum(value))]

    @property
    def losses(self) -> list[Any]:
        """What ``add_loss`` was given in the last call, and the penalties on the weights."""
        trace = tracing.active()
        tensors = None if trace is None else trace.losses_of(self)
        if tensors is not None:
            return tensors
        found = self.call_penalties
        if found is None:
            found = [value for layer in _with_inner(self) for value in layer.call_losses]
        return [*found, *self.weight_penalties]

    def activity_penalties(self, outputs: Any) -> list[float]:
        """Return the activity penalty of every output, divided by the batch."""
        return [float(self.activity_regularizer(y)) / y.shape[0] for y in as_list(outputs)]

    def with_penalty_gradient(self, outputs: Any, d_outputs: Any, scale: float = 1.0) -> Any:
        """Return ``d_outputs`` plus the gradients of the outputs' activity penalties."""
        penalty = self.activity_regularizer
        d_penalty = [
            penalty_gradient(penalty, y) / y.dtype.type(y.shape[0]) for y in as_list(outputs)
        ]
        if scale != 1:
            d_penalty = [d * d.dtype.type(scale) for d in d_penalty]
        given = as_list(d_outputs) if d_outputs is not None else [None] * len(d_penalty)
        total = [p if d is None else d + p for d, p in zip(given, d_penalty, strict=True)]
        return tuple(total) if isinstance(outputs, tuple) else total[0]

    def add_activity_penalty(
        self, outputs: Any, pullback: Pullback | None, context: CallContext
    ) -> Pullback | None:
        """Add penalty(output) / batch for every output; its gradient joins d_outputs."""
        assert context.penalties is not None
        context.penalties.extend(self.activity_penalties(outputs))
        if pullback is None:
            return None
        penalties = context.penalties
        return lambda d: pullback(self.with_penalty_gradient(outputs, d, penalties.scale))


def _with_inner(layer: Any) -> list[Any]:
    """Return a layer and all layers inside it."""
    return [layer, *(found for inner in layer.sublayers for found in _with_inner(inner))]
