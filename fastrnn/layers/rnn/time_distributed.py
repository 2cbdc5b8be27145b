"""TimeDistributed."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_mask
from fastrnn.core.nest import holds_shapes
from fastrnn.layers.base.capabilities import OnnxGraph, describes_forward, not_in_onnx
from fastrnn.layers.base.layer import (
    CallContext,
    Pullback,
    iterate_layers,
    registry,
)
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.core.wrapper import Wrapper
from fastrnn.layers.normalization.batch_normalization import BatchNormalization
from fastrnn.layers.rnn.base import RecurrentLayer
from fastrnn.typing import Array, MaskLike, Shape


@registry.register()
class TimeDistributed(Wrapper):
    """Applies a layer to every time step.

    All steps are computed at once, as one larger batch. Where that would not be the same, with
    batch statistics in training or kept states, the layer runs step by step.

    Args:
        layer: any layer with one output.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.

    Inputs: (batch, timesteps, …). Outputs: (batch, timesteps, …).

    Raises:
        ValueError: ``layer`` is no layer, or one with several outputs.

    >>> import numpy as np
    >>> from fastrnn.layers import Dense, TimeDistributed
    >>> TimeDistributed(Dense(3))(np.zeros((2, 5, 4))).shape
    (2, 5, 3)
    """

    supports_masking = True
    min_input_rank = 2
    input_axes = "(batch, timesteps, …)"
    stepwise = True

    def convert_inputs(self, inputs: Any) -> Any:
        """Convert as the layer inside does."""
        if isinstance(inputs, (list, tuple)) and any(hasattr(x, "shape") for x in inputs):
            raise ValueError(_one_sequence(self.name, f"{len(inputs)} arrays"))
        return self.layer.convert_inputs(inputs)

    @property
    def takes_integers(self) -> bool:
        """What the layer inside takes."""
        return self.layer.takes_integers

    def stream_layers(self) -> list[Any]:
        """Return the layers that run on each step; the layer itself where there is one of steps."""
        inside = self.layer.stream_layers()
        alone = not any(isinstance(inner, RecurrentLayer) for inner in inside)
        return inside if alone and describes_forward(type(self), "stream_layers") else [self]

    def refuse_stream(self, first: bool) -> str | None:
        """Return why the layer cannot be run one time step at a time."""
        known = describes_forward(type(self), "stream_layers")
        return "the layer inside has time steps of its own" if known else self.stream_refusal

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the layer inside, which has to treat each step alike by itself."""
        if not (self.layer.stepwise and self.layer.mixed_axes == (-1,)):
            expected = "a layer inside that computes along the features alone"
            raise ValueError(not_in_onnx(self, type(self.layer).__name__, expected))
        return graph.layer(self.layer, inputs, call)

    def arrange(self, inputs: Any) -> Any:
        """Return the symbolic input; several are refused, as in Keras."""
        if isinstance(inputs, (list, tuple, dict)):
            raise ValueError(_one_sequence(self.name, f"{len(inputs)} tensors"))
        return inputs

    def make_weights(self, input_shape: Shape) -> None:
        """Build the layer inside for one step."""
        if len(input_shape) < 2:
            raise ValueError(errors.bad_shape("input_shape", input_shape, self.input_axes))
        if not self.layer.built:
            self.layer.build((input_shape[0], *input_shape[2:]))

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, timesteps, …)."""
        batch, timesteps, *rest = input_shape
        inner = self.layer.compute_output_shape((batch, *rest))
        self._require_one(holds_shapes(inner))
        return (inner[0], timesteps, *inner[1:])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the steps, and of what is inside them where the layer inside says so.

        Where the mask has more axes than (batch, timesteps) and the layer inside ends it, a step
        counts in which anything counts.
        """
        if mask is None or np.ndim(mask) <= 2:
            return mask
        keep = np.asarray(mask, dtype=bool)
        batch, timesteps, *rest = keep.shape
        folded = np.reshape(inputs, (batch * timesteps, *np.shape(inputs)[2:]))
        inner = self.layer.compute_mask(folded, keep.reshape(batch * timesteps, *rest))
        if inner is None:
            return keep.any(axis=tuple(range(2, keep.ndim)))
        return np.reshape(inner, (batch, timesteps, *np.shape(inner)[1:]))

    def _require_one(self, several: bool) -> None:
        if several:
            expected = "a layer with one output (`return_state` off)"
            raise ValueError(errors.bad_argument("layer", self.layer.name, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Run the layer on all steps."""
        # The layer inside may be called in parts: its own activity penalty does not count here.
        inner = CallContext(context.training, context.gradient, context.input_gradient)
        if mask is not None and np.shape(mask)[:2] != inputs.shape[:2]:
            expected = f"{inputs.shape[:2]}, (batch, timesteps), at its front"
            raise ValueError(errors.bad_shape("mask", np.shape(mask), expected))
        if self._needs_steps(context):
            return self._forward_by_step(inputs, inner, mask)
        return self._forward_folded(inputs, inner, mask)

    def _needs_steps(self, context: CallContext) -> bool:
        return any(
            layer.stateful or (context.training and isinstance(layer, BatchNormalization))
            for layer in iterate_layers(self.layer)
        )

    def _forward_folded(
        self, inputs: Array, context: CallContext, mask: MaskLike
    ) -> tuple[Array, Pullback | None]:
        batch, timesteps = inputs.shape[:2]
        folded = inputs.reshape(batch * timesteps, *inputs.shape[2:])
        # A mask of steps says nothing about what is inside a step; one of more axes does.
        inner_mask = None
        if mask is not None and np.ndim(mask) > 2:
            inner_mask = np.reshape(mask, (batch * timesteps, *np.shape(mask)[2:]))
        outputs, pull, _ = self.layer.run(self.layer.accept(folded), context, inner_mask)
        self._require_one(not isinstance(outputs, np.ndarray))
        result = outputs.reshape(batch, timesteps, *outputs.shape[1:])
        if pull is None:
            return result, None

        def pullback(d_outputs: Array) -> tuple[Any, list[Array]]:
            d_folded, d_weights = pull(d_outputs.reshape(outputs.shape))
            d_inputs = None if d_folded is None else d_folded.reshape(inputs.shape)
            return d_inputs, d_weights if self._trainable else []

        return result, pullback

    def _forward_by_step(
        self, inputs: Array, context: CallContext, mask: MaskLike
    ) -> tuple[Array, Pullback | None]:
        steps, pulls = [], []
        mask = None if mask is None else to_mask(mask, np.shape(mask))
        for t in range(inputs.shape[1]):
            step = np.ascontiguousarray(inputs[:, t])
            step_mask = None if mask is None else mask[:, t]
            outputs, pull, _ = self.layer.run(self.layer.accept(step), context, step_mask)
            self._require_one(not isinstance(outputs, np.ndarray))
            steps.append(outputs)
            pulls.append(pull)
        result = np.stack(steps, axis=1)
        if not context.gradient:
            return result, None

        def pullback(d_outputs: Array) -> tuple[Any, list[Array]]:
            d_steps: list[Any] = []
            total: list[Array] = []
            for t, pull in enumerate(pulls):
                assert pull is not None
                d_step, d_weights = pull(np.ascontiguousarray(d_outputs[:, t]))
                d_steps.append(d_step)
                total = [a + b for a, b in zip(total, d_weights, strict=True)] if t else d_weights
            d_inputs = None if d_steps[0] is None else np.stack(d_steps, axis=1)
            return d_inputs, total if self._trainable else []

        return result, pullback


def _one_sequence(name: str, received: str) -> str:
    """Say that a layer takes one input."""
    remedy = "Join them first, e.g. by Concatenate, or apply the inner layer to the sequences."
    expected = f"one sequence of inputs for layer {name!r}"
    return errors.bad_argument("inputs", received, expected, remedy)
