"""A chain: layers that each take what the one before gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.layers.base.context import CallContext, Pullback
from fastrnn.typing import Nest

Array = npt.NDArray[Any]


def several_outputs(name: str) -> str:
    """Return the message for a layer of a chain that has more than one output."""
    remedy = "In a Sequential model, leave `return_state` off."
    return errors.bad_argument("layer", name, "one output", remedy)


def run_chain(
    layers: Sequence[Any], inputs: Nest, context: CallContext, mask: Nest
) -> tuple[Any, Pullback | None, Any]:
    """Return outputs, pullback and the mask that travels on with the outputs.

    The pullback gives the gradients of all layers' weights, in the order of the layers.

    Args:
        layers: of the chain.
        inputs: what ``accept`` of the first layer returned.
        context: see ``CallContext``.
        mask: of the inputs.

    Raises:
        ValueError: a layer has several outputs.
    """
    outputs, pullbacks = inputs, []
    # Without a gradient of the inputs, the layers before the first weights need none at all.
    inner = context
    for k, layer in enumerate(layers):
        if k:
            if isinstance(outputs, tuple):
                raise ValueError(several_outputs(layers[k - 1].name))
            outputs = layer.accept(outputs)
        outputs, pullback, mask = layer.run(outputs, inner, mask)
        if context.gradient and (inner.input_gradient or layer.weights_of_call):
            pullbacks.append(pullback)
            inner = dataclasses.replace(context, input_gradient=True)
    if not context.gradient:
        return outputs, None, mask

    def pull(d_outputs: Any) -> tuple[Any, list[Array]]:
        d, d_weights = d_outputs, []
        for pullback in reversed(pullbacks):
            assert pullback is not None
            d, own = pullback(d)
            d_weights.append(own)
        return d, [gradient for own in reversed(d_weights) for gradient in own]

    return outputs, pull, mask
