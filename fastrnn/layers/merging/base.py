"""MultiInputLayer, and the broadcasting of shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from fastrnn.core import errors
from fastrnn.core.checks import to_float_array
from fastrnn.layers.base.layer import Layer, LayerOptions
from fastrnn.typing import Array, ArrayLike, Shape

# Of each input: where it counts, with axes to broadcast to it, or True.
Masks = list[Array | bool]
Gradients = Callable[[Array], list[Array]]


class MultiInputLayer(Layer):
    """A layer of a list of inputs. Its pullback returns a list of gradients."""

    supports_masking = True
    least_inputs = 1
    most_inputs: float = math.inf

    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def convert_inputs(self, inputs: Sequence[ArrayLike]) -> list[Array]:
        """Return the inputs as arrays of the layer's dtype."""
        if not isinstance(inputs, (list, tuple)):
            expected, remedy = "a list of arrays", f"{self.name!r} must be called on a list."
            raise ValueError(errors.bad_argument("inputs", type(inputs).__name__, expected, remedy))
        return [to_float_array(f"inputs[{k}]", x, self.dtype) for k, x in enumerate(inputs)]

    def check_inputs(self, inputs: list[Array]) -> None:
        """Raise ``ValueError`` if the inputs do not fit each other."""
        self.compute_output_shape([x.shape for x in inputs])

    def check_count(self, shapes: Any) -> None:
        """Raise ``ValueError`` if there are too few inputs or too many."""
        listed = isinstance(shapes, (list, tuple)) and all(
            isinstance(shape, (list, tuple)) for shape in shapes
        )
        if not listed or not self.least_inputs <= len(shapes) <= self.most_inputs:
            least, most = self.least_inputs, self.most_inputs
            number = f"exactly {least}" if most == least else f"{least} or more"
            remedy = f"The layer should be called on {number} inputs."
            expected = f"a list of arrays for {self.name!r}"
            raise ValueError(errors.bad_argument("inputs", shapes, expected, remedy))

    def masks_of(self, inputs: Any, mask: Any) -> list[Any] | None:
        """Return the masks, one for each input; ``None`` if there are none at all.

        Raises:
            ValueError: they are no list of masks of a list of inputs.
        """
        if mask is None:
            return None
        for argument, value in (("mask", mask), ("inputs", inputs)):
            if not isinstance(value, (list, tuple)):
                remedy = f"`{argument}` should be a list."
                received = type(value).__name__
                raise ValueError(errors.bad_argument(argument, received, "a list", remedy))
        if len(mask) != len(inputs):
            remedy = "`inputs` and `mask` should have the same length."
            expected = f"{len(inputs)} masks"
            raise ValueError(errors.bad_argument("mask", f"{len(mask)} masks", expected, remedy))
        return list(mask)

    def make_weights(self, input_shape: Sequence[Shape]) -> None:
        """Check that the shapes fit each other."""
        self.compute_output_shape(input_shape)


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape that two of one rank broadcast to, or raise ``ValueError``."""
    if any(None not in (m, n) and 1 not in (m, n) and m != n for m, n in zip(a, b, strict=True)):
        raise ValueError(errors.bad_shape("inputs", b, f"one that broadcasts with {a}"))
    batch = a[0] if b[0] in (None, 1) else b[0]
    rest = zip(a[1:], b[1:], strict=True)
    return (batch, *(None if None in (m, n) else n if m == 1 else m for m, n in rest))


def sum_to(d: Array, shape: Shape) -> Array:
    """Return ``d``, of the same rank, summed over the axes along which ``shape`` was repeated."""
    repeated = tuple(k for k, n in enumerate(shape) if n == 1 and d.shape[k] != 1)
    return d.sum(axis=repeated, keepdims=True) if repeated else d
