"""Wrapper: the base of layers around another layer."""

from __future__ import annotations

from typing import Unpack

from fastrnn.layers.base.layer import Layer, LayerOptions, registry, takes_options
from fastrnn.layers.base.options import InnerLayer
from fastrnn.typing import Shape


@registry.register()
class Wrapper(Layer):
    """A layer around another one, whose weights are its own.

    A subclass says what it computes; ``build`` builds the layer inside for the same inputs.

    Args:
        layer: the layer inside.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.

    Raises:
        ValueError: ``layer`` is no layer.

    >>> from fastrnn.layers import Dense, Wrapper
    >>> wrapper = Wrapper(Dense(3))
    >>> wrapper.build((None, 4))
    >>> [weight.shape for weight in wrapper.weights]
    [(4, 3), (3,)]
    """

    layer: Layer

    @takes_options
    def __init__(self, layer: InnerLayer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    @property
    def sublayers(self) -> list[Layer]:
        """The layer inside."""
        return [self.layer]

    def make_weights(self, input_shape: Shape) -> None:
        """Build the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)
