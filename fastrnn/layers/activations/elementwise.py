"""Elementwise activations with options: ReLU, LeakyReLU and ELU."""

from __future__ import annotations

import warnings
from typing import Any, Unpack

import numpy as np

from fastrnn import activations
from fastrnn.core.checks import to_number
from fastrnn.core.options import Finite, NonNegative, takes_options
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.stream_lowering import activation_ops
from fastrnn.typing import Array, MaskLike


class Elementwise(Layer):
    """A function of every entry: a subclass implements ``evaluate`` and ``derivative``."""

    supports_masking = True
    stepwise = True

    def evaluate(self, x: Array) -> Array:
        """Return the outputs for ``x``."""
        raise NotImplementedError

    def derivative(self, x: Array, y: Array) -> Array:
        """Return the derivative at ``x``, where the output is ``y``."""
        raise NotImplementedError

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Apply the function."""
        outputs = self.evaluate(inputs)
        back: Pullback = lambda d: (d * self.derivative(inputs, outputs), [])  # noqa: E731
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

    def derivative(self, x: Array, y: Array) -> Array:
        """Return 1 where x passes, 0 where it is cut off, else the slope."""
        most = np.inf if self.max_value is None else self.max_value
        found = np.where(x > self.threshold, x < most, self.negative_slope)
        return found.astype(x.dtype, copy=False)

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

    def derivative(self, x: Array, y: Array) -> Array:
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

    def derivative(self, x: Array, y: Array) -> Array:
        """Return 1 above 0, else alpha·exp(x)."""
        return np.where(x > 0, x.dtype.type(1), self.alpha * np.exp(np.minimum(x, 0)))
