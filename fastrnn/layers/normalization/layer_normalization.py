"""LayerNormalization and UnitNormalization: over the features of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_axes
from fastrnn.core.options import Flag, Kind, NonNegative, takes_options
from fastrnn.core.variable import Variable
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.stream_lowering import values_of
from fastrnn.layers.base.structures import fixed
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import Array, ConstraintLike, InitializerLike, MaskLike, RegularizerLike, Shape


def _to_listed_axes(argument: str, value: object) -> int | list[int]:
    axes = to_axes(argument, value)
    return list(axes) if isinstance(axes, tuple) else axes


# An axis, or a list of them, as Keras's configurations have it.
ListedAxes = Annotated[int | Sequence[int], Kind(_to_listed_axes)]


class NormalizationOptions(LayerOptions, total=False):
    """The options of layers with a gamma and a beta."""

    epsilon: float
    center: bool
    scale: bool
    beta_initializer: InitializerLike
    gamma_initializer: InitializerLike
    beta_regularizer: RegularizerLike
    gamma_regularizer: RegularizerLike
    beta_constraint: ConstraintLike
    gamma_constraint: ConstraintLike


@registry.register()
class LayerNormalization(Layer):
    """gamma·(x - mean)/sqrt(variance + epsilon) + beta, of each sample (Ba et al., 2016).

    Args:
        axis: axis or axes over which mean and variance are taken.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: see ``fastrnn.initializers``.
        beta_regularizer, gamma_regularizer: see ``fastrnn.regularizers``.
        beta_constraint, gamma_constraint: see ``fastrnn.constraints``.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: gamma and beta, of the shape of the axes. Outputs: as the inputs.

    Raises:
        ValueError: an axis is none of the inputs', or has no fixed length.

    >>> from fastrnn.layers import LayerNormalization
    >>> LayerNormalization()(np.array([[1.0, 3.0]])).round(2)
    array([[-1.,  1.]], dtype=float32)
    """

    supports_masking = True
    stepwise = True

    axis: int | list[int]
    epsilon: float
    center: bool
    scale: bool

    @takes_options
    def __init__(
        self,
        axis: ListedAxes = -1,
        epsilon: NonNegative = 1e-3,
        center: Flag = True,
        scale: Flag = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _axes_of(self, shape: Shape) -> tuple[int, ...]:
        return normalized_axes(self.axis, shape)

    def make_weights(self, input_shape: Shape) -> None:
        """Make gamma and beta."""
        shape = [input_shape[axis] for axis in self._axes_of(input_shape)]
        if None in shape:
            expected = f"fixed lengths of axis {self.axis}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        if self.scale:
            self.gamma = self.add_part("gamma", fixed(shape))
        if self.center:
            self.beta = self.add_part("beta", fixed(shape))

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axes that mean and variance are taken over."""
        return as_axes(self.axis)

    @property
    def stream_features(self) -> int | None:
        """The length of the weights, if there are some."""
        return self.weights[0].shape[0] if self.weights else None

    def stream_ops(self, features: int) -> list[StreamStage]:
        """Return the normalization of a row."""
        weights = values_of(gamma=self.gamma, beta=self.beta)
        return [StreamStage("normalize", features, features, weights, epsilon=self.epsilon)]

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator, which takes the last axes alone."""
        shape, axes = call.tensors[0].shape, as_axes(self.axis)
        rank = len(shape)
        if [axis % rank for axis in axes] != list(range(rank - len(axes), rank)):
            raise ValueError(not_in_onnx(self, f"axis={self.axis}", "the last axes"))
        ones = np.ones([shape[axis] or 1 for axis in axes], self.dtype)
        gamma = graph.constant(ones) if self.gamma is None else graph.weight(self.gamma)
        names = [inputs[0], gamma, *([] if self.beta is None else [graph.weight(self.beta)])]
        return [graph.node("LayerNormalization", names, axis=-len(axes), epsilon=self.epsilon)]

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the inputs."""
        self._axes_of(input_shape)
        return tuple(input_shape)

    def check_inputs(self, inputs: Array) -> None:
        """Raise ``ValueError`` if the axes have not the lengths of the weights."""
        axes = self._axes_of(inputs.shape)
        for weight in (self.gamma, self.beta):
            if weight is not None and weight.shape != tuple(inputs.shape[axis] for axis in axes):
                expected = f"lengths {weight.shape} of axes {axes}, as {self.name!r} was built"
                raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Normalize."""
        axes = self._axes_of(inputs.shape)
        shape = [n if k in axes else 1 for k, n in enumerate(inputs.shape)]
        others = tuple(k for k in range(inputs.ndim) if k not in axes)
        centred = inputs - inputs.mean(axis=axes, keepdims=True)
        variance = (centred * centred).mean(axis=axes, keepdims=True)
        rate = 1 / np.sqrt(variance + inputs.dtype.type(self.epsilon))
        x_hat = centred * rate
        gamma = None if self.gamma is None else self.gamma.value.reshape(shape)
        outputs = x_hat if gamma is None else x_hat * gamma
        if self.beta is not None:
            outputs = outputs + self.beta.value.reshape(shape)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d_gamma = (d_outputs * x_hat).sum(axis=others)
            d_weights = self.gradients_of(
                (self.gamma, d_gamma), (self.beta, d_outputs.sum(axis=others))
            )
            d = d_outputs if gamma is None else d_outputs * gamma
            mean = d.mean(axis=axes, keepdims=True)
            along = (d * x_hat).mean(axis=axes, keepdims=True)
            return rate * (d - mean - x_hat * along), d_weights

        return outputs, pullback if context.gradient else None


@registry.register()
class UnitNormalization(Layer):
    """x / |x|, the Euclidean norm taken over an axis or axes.

    Args:
        axis: the axis or axes.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    >>> from fastrnn.layers import UnitNormalization
    >>> UnitNormalization()(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]], dtype=float32)
    """

    supports_masking = True
    stepwise = True

    axis: int | list[int]

    @takes_options
    def __init__(self, axis: ListedAxes = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axes of the norm."""
        return as_axes(self.axis)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the inputs."""
        normalized_axes(self.axis, input_shape)
        return tuple(input_shape)

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Normalize; a norm below 1e-6 counts as 1e-6, as in Keras."""
        axes = normalized_axes(self.axis, inputs.shape)
        square = (inputs * inputs).sum(axis=axes, keepdims=True)
        rate = 1 / np.sqrt(np.maximum(square, inputs.dtype.type(1e-12)))
        outputs = inputs * rate

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            along = (d_outputs * outputs).sum(axis=axes, keepdims=True)
            return rate * (d_outputs - outputs * np.where(square > 1e-12, along, 0)), []

        return outputs, pullback if context.gradient else None


def as_axes(axis: int | Sequence[int]) -> tuple[int, ...]:
    """Return an axis, or several, as a tuple."""
    return (axis,) if isinstance(axis, int) else tuple(axis)


def normalized_axes(axis: int | Sequence[int], shape: Shape) -> tuple[int, ...]:
    """Return the axes counted from the front, in order, or raise ``ValueError``."""
    rank = len(shape)
    axes = as_axes(axis)
    if not all(-rank <= k < rank for k in axes):
        raise ValueError(errors.bad_argument("axis", axis, f"axes of shape {tuple(shape)}"))
    return tuple(sorted({k % rank for k in axes}))
