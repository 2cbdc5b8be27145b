"""Activations that are layers of their own: ReLU, LeakyReLU, PReLU, ELU and Softmax."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Unpack

import numpy as np
import numpy.typing as npt

from fastrnn import activations
from fastrnn.core import errors
from fastrnn.core.checks import to_int, to_number, to_real_array
from fastrnn.core.options import AxesOption, Finite, Kind, NonNegative, takes_options
from fastrnn.core.variable import Variable
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.stream_lowering import activation_ops
from fastrnn.layers.merging.merge import sum_to
from fastrnn.typing import ConstraintLike, InitializerLike, RegularizerLike

Array = npt.NDArray[Any]

# Added to what a mask hides from Softmax, as in Keras.
HIDDEN = -1e9


def _to_shared_axes(argument: str, value: Any) -> list[int] | None:
    given = value if isinstance(value, (list, tuple)) else [value]
    return None if value is None else [to_int(argument, axis) for axis in given]


SharedAxes = Annotated[int | Sequence[int] | None, Kind(_to_shared_axes)]


class Elementwise(Layer):
    """A function of every entry: a subclass implements ``evaluate`` and ``slope``."""

    supports_masking = True
    stepwise = True

    def evaluate(self, x: Array) -> Array:
        """Return the outputs for ``x``."""
        raise NotImplementedError

    def slope(self, x: Array, y: Array) -> Array:
        """Return the derivative at ``x``, where the output is ``y``."""
        raise NotImplementedError

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Apply the function."""
        outputs = self.evaluate(inputs)
        back: Pullback = lambda d: (d * self.slope(inputs, outputs), [])  # noqa: E731
        return outputs, back if context.gradient else None


@registry.register()
class ReLU(Elementwise):
    """x above the threshold, at most ``max_value``; below, negative_slope·(x - threshold).

    Args:
        max_value: the largest output, or ``None`` for no bound.
        negative_slope: slope below the threshold.
        threshold: where x begins to pass.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: any shape. Outputs: the same.

    Raises:
        ValueError: an argument is negative or no number.

    >>> import numpy as np
    >>> from fastrnn.layers import ReLU
    >>> ReLU(max_value=3.0)(np.array([[-1.0, 2.0, 5.0]]))
    array([[0., 2., 3.]], dtype=float32)
    """

    max_value: float | None
    negative_slope: float
    threshold: float

    @takes_options
    def __init__(
        self,
        max_value: NonNegative | None = None,
        negative_slope: NonNegative = 0.0,
        threshold: NonNegative = 0.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)

    def stream_ops(self, features: int) -> list[StreamStage] | None:
        """Return the activation, without options alone."""
        plain = (self.max_value, self.negative_slope, self.threshold) == (None, 0, 0)
        return activation_ops(activations.relu, features) if plain else None

    def evaluate(self, x: Array) -> Array:
        """Return the outputs for ``x``."""
        return activations.relu(x, **self._options())

    def slope(self, x: Array, y: Array) -> Array:
        """Return 1 where x passes, 0 where it is cut off, else the slope."""
        most = np.inf if self.max_value is None else self.max_value
        slope = np.where(x > self.threshold, x < most, self.negative_slope)
        return slope.astype(x.dtype, copy=False)

    def _options(self) -> dict[str, Any]:
        names = ("max_value", "negative_slope", "threshold")
        return {name: getattr(self, name) for name in names}


@registry.register()
class LeakyReLU(Elementwise):
    """x above 0, negative_slope·x below.

    Args:
        negative_slope: slope below 0; ``alpha`` is its old name.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: any shape. Outputs: the same.

    Raises:
        ValueError: the slope is negative or no number.

    >>> import numpy as np
    >>> from fastrnn.layers import LeakyReLU
    >>> LeakyReLU(0.5)(np.array([[-1.0, 2.0]]))
    array([[-0.5,  2. ]], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            message = "Argument `alpha` of LeakyReLU is deprecated: use `negative_slope`."
            warnings.warn(message, UserWarning, stacklevel=2)
        super().__init__(**kwargs)
        self.negative_slope = to_number("negative_slope", negative_slope, 0)

    def evaluate(self, x: Array) -> Array:
        """Return the outputs for ``x``."""
        return activations.leaky_relu(x, negative_slope=self.negative_slope)

    def slope(self, x: Array, y: Array) -> Array:
        """Return 1 above 0, else the slope."""
        return np.where(x > 0, x.dtype.type(1), x.dtype.type(self.negative_slope))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), "negative_slope": self.negative_slope}


@registry.register()
class ELU(Elementwise):
    """x above 0, alpha·(exp(x) - 1) below (Clevert et al., 2016).

    Args:
        alpha: minus the limit of the outputs for small x.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: any shape. Outputs: the same.

    Raises:
        ValueError: ``alpha`` is no number.

    >>> import numpy as np
    >>> from fastrnn.layers import ELU
    >>> ELU(2.0)(np.array([[-100.0, 2.0]]))
    array([[-2.,  2.]], dtype=float32)
    """

    alpha: float

    @takes_options
    def __init__(self, alpha: Finite = 1.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def evaluate(self, x: Array) -> Array:
        """Return the outputs for ``x``."""
        return activations.elu(x, alpha=self.alpha)

    def slope(self, x: Array, y: Array) -> Array:
        """Return 1 above 0, else alpha·exp(x)."""
        return np.where(x > 0, x.dtype.type(1), self.alpha * np.exp(np.minimum(x, 0)))


@registry.register()
class PReLU(Layer):
    """x above 0, alpha·x below, where alpha is learned (He et al., 2015).

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: as elsewhere.
        shared_axes: axes along which all entries have one alpha, the batch being axis 0: ``[1]``
            for one alpha per feature of sequences of any length.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: alpha, of the shape of a sample, 1 along the shared axes.
    Inputs: (batch, …). Outputs: the same.

    Raises:
        ValueError: an argument is unknown, or an axis that is not shared has no fixed length.

    >>> import numpy as np
    >>> from fastrnn.layers import PReLU
    >>> PReLU("ones", shared_axes=[1])(np.array([[[-1.0], [2.0]]])).ravel()
    array([-1.,  2.], dtype=float32)
    """

    supports_masking = True
    min_input_rank = 2

    shared_axes: list[int] | None

    @takes_options
    def __init__(
        self,
        alpha_initializer: InitializerLike = "Zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: SharedAxes = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.alpha: Variable

    def make_weights(self, input_shape: Any) -> None:
        """Make alpha."""
        shape = list(input_shape)
        for axis in self.shared_axes or []:
            if not 1 <= axis < len(shape):
                expected = f"axes of a sample of inputs of shape {tuple(shape)}"
                raise ValueError(errors.bad_argument("shared_axes", self.shared_axes, expected))
            shape[axis] = 1
        if None in shape[1:]:
            expected = f"fixed lengths of the axes that layer {self.name!r} does not share"
            remedy = "Name the axis of time in `shared_axes`."
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected, remedy))
        self.alpha = self.add_part("alpha", shape[1:])

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if a sample has not the shape of alpha."""
        super().check_inputs(inputs)
        sample, alpha = inputs.shape[1:], self.alpha.shape
        fits = len(sample) == len(alpha) and all(
            n in (1, size) for n, size in zip(alpha, sample, strict=True)
        )
        if not fits:
            expected = f"samples that fit alpha of shape {alpha}, layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Scale what is negative."""
        alpha, below = self.alpha.value, np.minimum(inputs, 0)
        outputs = np.maximum(inputs, 0) + alpha * below

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            slope = np.where(inputs > 0, 1, np.where(inputs < 0, alpha, 0))
            d_alpha = sum_to(d * below, (1, *alpha.shape)).reshape(alpha.shape)
            return d * slope.astype(d.dtype, copy=False), self.gradients_of((self.alpha, d_alpha))

        return outputs, pullback if context.gradient else None


@registry.register()
class Softmax(Layer):
    """exp(x) by its sum along ``axis``.

    Args:
        axis: the axis, or a tuple of axes that count as one.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Call arguments: ``mask``, of a shape that broadcasts to the inputs', True (or above 0.5) where
    an entry counts; the outputs of the others are 0.

    Raises:
        ValueError: the inputs have no such axis, or the mask does not fit.

    >>> import numpy as np
    >>> from fastrnn.layers import Softmax
    >>> Softmax()(np.zeros((1, 3)), mask=np.array([[True, True, False]]))
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    supports_masking = True
    stepwise = True
    min_input_rank = 1

    axis: int | tuple[int, ...]

    @takes_options
    def __init__(self, axis: AxesOption = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axes of the sum."""
        return self.axis if isinstance(self.axis, tuple) else (self.axis,)

    def stream_ops(self, features: int) -> list[StreamStage] | None:
        """Return the activation."""
        return activation_ops(activations.softmax, features)

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if the inputs have not the axes."""
        super().check_inputs(inputs)
        axes = self.mixed_axes
        if not all(-inputs.ndim <= axis < inputs.ndim for axis in axes):
            expected = f"axes {axes}, for layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Compute the shares."""
        keep = None if mask is None else _to_keep(mask, inputs.shape)
        x = inputs if keep is None else np.where(keep, inputs, inputs.dtype.type(HIDDEN))
        e = np.exp(x - x.max(axis=self.axis, keepdims=True))
        outputs = e / e.sum(axis=self.axis, keepdims=True)
        if keep is not None:
            outputs = np.where(keep, outputs, 0)

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            # Outputs that the mask sets to 0 have no part in either term.
            return outputs * (d - (d * outputs).sum(axis=self.axis, keepdims=True)), []

        return outputs, pullback if context.gradient else None


def _to_keep(mask: Any, shape: tuple[int, ...]) -> Array:
    """Return ``mask`` as bools, or raise ``ValueError`` if it does not broadcast to ``shape``."""
    mask = to_real_array("mask", mask)
    pairs = zip(mask.shape[::-1], shape[::-1], strict=False)
    if mask.ndim > len(shape) or any(n not in (1, size) for n, size in pairs):
        raise ValueError(errors.bad_shape("mask", mask.shape, f"one that broadcasts to {shape}"))
    return mask if mask.dtype == bool else mask > 0.5
