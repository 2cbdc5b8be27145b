"""BatchNormalization."""

from __future__ import annotations

from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_mask
from fastrnn.core.options import (
    Finite,
    Integer,
    Kind,
    NonNegative,
    OnlyNone,
    Unused,
    choice,
    takes_options,
)
from fastrnn.core.variable import Variable
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.capabilities import OnnxGraph
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.stream_lowering import values_of
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import Array, ConstraintLike, InitializerLike, MaskLike, RegularizerLike, Shape


@registry.register()
class BatchNormalization(Layer):
    """Brings each feature to mean 0 and variance 1 over the batch (Ioffe and Szegedy, 2015).

    In training, gamma·(x - mean) / sqrt(variance + epsilon) + beta with the mean and the biased
    variance of the batch over all axes but ``axis``, masked steps left out; elsewhere, and while
    ``trainable`` is off, with moving averages of both, which training updates.

    Args:
        axis: the axis of the features.
        momentum: weight of the old value in the moving averages.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer,
            moving_variance_initializer, beta_regularizer, gamma_regularizer, beta_constraint,
            gamma_constraint: as elsewhere.
        renorm, renorm_clipping, synchronized: accepted at their defaults only.
        renorm_momentum: accepted and without effect.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: gamma, beta, moving_mean, moving_variance, each (features,); the last two are not
    trained by gradients.

    >>> import numpy as np
    >>> from fastrnn.layers import BatchNormalization
    >>> BatchNormalization()(np.array([[1.0], [3.0]]), training=True).round(2)
    array([[-1.],
           [ 1.]], dtype=float32)
    """

    supports_masking = True
    stepwise = True

    axis: int
    momentum: float
    epsilon: float
    center: bool
    scale: bool
    min_input_rank = 2

    moving_mean_initializer: InitializerLike
    moving_variance_initializer: InitializerLike

    @takes_options
    def __init__(
        self,
        axis: Integer = -1,
        momentum: Finite = 0.99,
        epsilon: NonNegative = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        renorm: Annotated[bool, Kind(choice(False).convert, in_config=False)] = False,
        renorm_clipping: OnlyNone = None,
        renorm_momentum: Unused[float] = 0.99,
        synchronized: Annotated[bool, choice(False)] = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None
        self.moving_mean: Variable
        self.moving_variance: Variable

    def make_weights(self, input_shape: Shape) -> None:
        """Make the weights."""
        rank = len(input_shape)
        features = input_shape[self.axis] if -rank <= self.axis < rank else None
        if features is None:
            expected = f"a fixed length of axis {self.axis} for layer {self.name!r}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        shape = (features,)
        if self.axis in (-1, rank - 1):
            self.input_features = shape[0]
        if self.scale:
            self.gamma = self.add_part("gamma", shape)
        if self.center:
            self.beta = self.add_part("beta", shape)
        self.moving_mean = self.add_weight(
            shape, initializer=self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape,
            initializer=self.moving_variance_initializer,
            trainable=False,
            name="moving_variance",
        )

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axis of the features."""
        return (self.axis,)

    def stream_ops(self, features: int) -> list[StreamStage]:
        """Return a scaling by the moving averages."""
        variance = self.moving_variance.value
        weights = values_of(mean=self.moving_mean, gamma=self.gamma, beta=self.beta)
        weights["rate"] = 1 / np.sqrt(variance + variance.dtype.type(self.epsilon))
        return [StreamStage("scale", features, features, weights)]

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator, between transpositions: ONNX has the features in axis 1."""
        order = list(range(len(call.tensors[0].shape)))
        order.insert(1, order.pop(self.axis))
        moving = (self.moving_mean, self.moving_variance)
        weights = [
            graph.constant(np.full(moving[0].shape, fill, self.dtype))
            if weight is None
            else graph.weight(weight)
            for weight, fill in ((self.gamma, 1), (self.beta, 0))
        ]
        weights += map(graph.weight, moving)
        moved = order != sorted(order)
        name = graph.node("Transpose", inputs, perm=order) if moved else inputs[0]
        name = graph.node("BatchNormalization", [name, *weights], epsilon=self.epsilon)
        back = [int(axis) for axis in np.argsort(order)]
        return [graph.node("Transpose", [name], perm=back) if moved else name]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Normalise; in training, with the batch's own statistics."""
        # Features last and everything else in rows, (N, C): the statistics are over rows.
        moved = np.moveaxis(inputs, self.axis, -1)
        x = np.ascontiguousarray(moved).reshape(-1, moved.shape[-1])
        keep = to_mask(mask, inputs.shape[:-1])
        if keep is not None:
            # The mask has all axes of the inputs but the last, which is not always that of x.
            whole = np.broadcast_to(keep[..., None], inputs.shape)
            keep = np.moveaxis(whole, self.axis, -1).reshape(x.shape)
        from_batch = context.training and self._trainable
        if from_batch:
            mean, variance, count = _moments(x, keep)
            self._update_moving(mean, variance)
        else:
            mean, variance, count = self.moving_mean.value, self.moving_variance.value, None
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normal = (x - mean) * inverse
        outputs = normal * self.gamma.value if self.gamma is not None else normal
        if self.beta is not None:
            outputs = outputs + self.beta.value

        def restore(rows: Array) -> Array:
            return np.ascontiguousarray(np.moveaxis(rows.reshape(moved.shape), -1, self.axis))

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d = np.moveaxis(d_outputs, self.axis, -1).reshape(x.shape)
            d_gamma, d_beta = (d * normal).sum(axis=0), d.sum(axis=0)
            d_weights = self.gradients_of((self.gamma, d_gamma), (self.beta, d_beta))
            slope = inverse * self.gamma.value if self.gamma is not None else inverse
            dx = d * slope
            if count is not None:
                # Mean and variance depend on every kept row in equal shares.
                through = (d_beta + normal * d_gamma) * (slope / count)
                dx -= through if keep is None else through * keep
            return restore(dx), d_weights

        return restore(outputs), pullback if context.gradient else None

    def _update_moving(self, mean: Array, variance: Array) -> None:
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.value *= self.momentum
            moving.value += (1 - self.momentum) * value


def _moments(x: Array, keep: Array | None) -> tuple[Array, Array, Any]:
    """Return mean, biased variance (C,) and the numbers of rows that they stand for."""
    if keep is None:
        mean = x.mean(axis=0)
        return mean, np.square(x - mean).mean(axis=0), x.dtype.type(len(x))
    count = keep.sum(axis=0, dtype=x.dtype) + x.dtype.type(config.epsilon())
    mean = np.where(keep, x, 0).sum(axis=0) / count
    return mean, np.square(np.where(keep, x - mean, 0)).sum(axis=0) / count, count
