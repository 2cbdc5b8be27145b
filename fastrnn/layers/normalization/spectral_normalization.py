"""SpectralNormalization."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastrnn import initializers
from fastrnn.core import errors
from fastrnn.core.options import PositiveInt, takes_options
from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import InnerLayer
from fastrnn.typing import MaskLike, Shape

Array = npt.NDArray[Any]


@registry.register()
class SpectralNormalization(Layer):
    """Divides the kernel of a layer by its largest singular value (Miyato et al., 2018).

    Each training call does so before the layer is computed, with an estimate of the singular value
    by power iteration, which the call improves.

    Args:
        layer: a layer with a ``kernel``, or with ``embeddings``.
        power_iterations: steps of the power iteration in each training call.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: those of the layer, and vector_u, (1, last axis of the kernel), which training by
    gradients does not change.

    Raises:
        ValueError: the layer has no such weight, or an argument is invalid.

    >>> from fastrnn.layers import Dense, SpectralNormalization
    >>> layer = SpectralNormalization(Dense(2, kernel_initializer="identity"), power_iterations=20)
    >>> layer(np.array([[3.0, 4.0]]), training=True).round(3)
    array([[3., 4.]], dtype=float32)
    """

    layer: Layer
    power_iterations: int

    @takes_options
    def __init__(
        self, layer: InnerLayer, power_iterations: PositiveInt = 1, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.kernel: Variable
        self.vector_u: Variable

    @property
    def sublayers(self) -> list[Layer]:
        """The layer inside."""
        return [self.layer]

    @property
    def weights(self) -> list[Variable]:
        """All weights: the kernel and vector_u, which are the layer's own, and the others."""
        own = {id(weight) for weight in self._variables}
        return self._variables + [w for w in self.layer.weights if id(w) not in own]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those of the layer inside."""
        return self.layer.trainable_weights if self._trainable else []

    variables, trainable_variables = weights, trainable_weights

    @property
    def saved_variables(self) -> list[Variable]:
        """The kernel, which stands in files a second time, and vector_u."""
        return [self.kernel, self.vector_u] if self.built else []

    def convert_inputs(self, inputs: Any) -> Any:
        """Convert as the layer inside does."""
        return self.layer.convert_inputs(inputs)

    def check_inputs(self, inputs: Array) -> None:
        """Check as the layer inside does."""
        self.layer.check_inputs(inputs)

    def make_weights(self, input_shape: Shape) -> None:
        """Build the layer inside, and make vector_u."""
        if not self.layer.built:
            self.layer.build(input_shape)
        kernel = getattr(self.layer, "kernel", None) or getattr(self.layer, "embeddings", None)
        if not isinstance(kernel, Variable):
            expected = "a layer with a `kernel` or `embeddings`"
            raise ValueError(errors.bad_argument("layer", self.layer.name, expected))
        self.kernel = kernel
        self._variables.append(kernel)
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
        )

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the layer's outputs."""
        return self.layer.compute_output_shape(input_shape)

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return the mask of the layer inside, which travels on though this one takes none."""
        return self.layer.compute_mask(inputs, mask)

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Any, Pullback | None]:
        """Run the layer; in training, normalize its kernel before."""
        if context.training and self.kernel.value.any():
            self._normalize()
        outputs, pull, _ = self.layer.run(inputs, context, mask)
        if pull is None or self._trainable:
            return outputs, pull
        return outputs, lambda d: (pull(d)[0], [])

    def _normalize(self) -> None:
        weights = self.kernel.value.reshape(-1, self.kernel.shape[-1])
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = _unit(u @ weights.T)
            u = _unit(v @ weights)
        sigma = (v @ weights @ u.T).item()
        self.vector_u.assign(u)
        self.kernel.assign(self.kernel.value / self.kernel.value.dtype.type(sigma))


def _unit(x: Array) -> Array:
    return x / np.sqrt(np.maximum((x * x).sum(), 1e-12))
