"""Penalties on weights and outputs, with their gradients, under Keras's names.

>>> import numpy as np
>>> from fastrnn import regularizers
>>> penalty = regularizers.L2(0.5)
>>> penalty(np.array([1.0, 2.0])), penalty.gradient(np.array([1.0, 2.0]))
(2.5, array([1., 2.]))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.differentiation import gradient_of
from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_names import OLD_NAMES
from fastrnn.core.options import Configurable, Kind, NonNegative, choice, takes_options
from fastrnn.core.registry import Registry
from fastrnn.typing import Array

registry = Registry("regularizer", "keras.regularizers")

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
__getattr__ = lazy_attributes(__name__, {}, OLD_NAMES["regularizers"])


class Regularizer(Configurable):
    """Base class: subclass it and implement ``__call__``, with operators and ``fastrnn.ops``."""

    def __call__(self, x: Array) -> float:
        """Return the penalty on ``x``."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `__call__`.")

    def gradient(self, x: Array) -> Array:
        """Return the gradient of the penalty, of the shape and dtype of ``x``."""
        return gradient_of(self, x, 1.0, f"In regularizer {type(self).__name__}")


def penalty_gradient(penalty: Callable[[Array], Any], x: Array) -> Array:
    """Return the gradient of a regularizer, which may be a function of the user's."""
    own = getattr(penalty, "gradient", None)
    name = getattr(penalty, "__name__", type(penalty).__name__)
    found = gradient_of(penalty, x, 1.0, f"In regularizer {name!r}") if own is None else own(x)
    return np.asarray(found)


def _factor(default: float) -> Kind:
    """Return the kind of factors from 0 on, for which ``None`` means ``default``."""
    return Kind(lambda argument, v: to_number(argument, default if v is None else v, 0))


NoFactor = Annotated[float | None, _factor(0.0)]
UsualFactor = Annotated[float | None, _factor(0.01)]


@registry.register("l1_l2", "l1l2")
class L1L2(Regularizer):
    """l1·sum|x| + l2·sum x². By name, with no arguments, both factors are 0."""

    l1: float
    l2: float

    @takes_options
    def __init__(self, l1: NoFactor = 0.0, l2: NoFactor = 0.0) -> None:
        pass

    def __call__(self, x: Array) -> float:
        """Return the penalty on ``x``."""
        total = 0.0
        if self.l1:
            total += self.l1 * float(np.abs(x).sum(dtype=np.float64))
        if self.l2:
            total += self.l2 * float(np.square(x).sum(dtype=np.float64))
        return total

    def gradient(self, x: Array) -> Array:
        """Return l1·sign(x) + 2·l2·x."""
        return self.l1 * np.sign(x) + (2 * self.l2) * x


@registry.register("l1")
class L1(L1L2):
    """l1·sum|x|."""

    @takes_options
    def __init__(self, l1: UsualFactor = 0.01) -> None:
        super().__init__(l1=l1)


@registry.register("l2")
class L2(L1L2):
    """l2·sum x²."""

    @takes_options
    def __init__(self, l2: UsualFactor = 0.01) -> None:
        super().__init__(l2=l2)


@registry.register()
class OrthogonalRegularizer(Regularizer):
    """Pushes the rows or columns of a matrix to be orthogonal to each other.

    The penalty is factor · 1/2 · sum over pairs i ≠ j of |cos(v_i, v_j)| / number of pairs.

    Args:
        factor: not negative.
        mode: ``"rows"`` or ``"columns"``.
    """

    factor: float
    mode: str

    @takes_options
    def __init__(
        self,
        factor: NonNegative = 0.01,
        mode: Annotated[str, choice("rows", "columns")] = "rows",
    ) -> None:
        pass

    def _cosines(self, x: Array) -> tuple[Array, Array, Array, float]:
        if x.ndim != 2:
            raise ValueError(errors.bad_shape("x", x.shape, "rank 2"))
        vectors = x if self.mode == "rows" else x.T
        norms = np.sqrt(np.maximum(np.square(vectors).sum(axis=1, keepdims=True), 1e-12))
        unit = vectors / norms
        product = unit @ unit.T
        np.fill_diagonal(product, 0)
        n = len(vectors)
        return unit, norms, product, max(n * (n - 1) / 2, 1)

    def __call__(self, x: Array) -> float:
        """Return the penalty on ``x``."""
        _, _, product, pairs = self._cosines(x)
        return self.factor * 0.5 * float(np.abs(product).sum(dtype=np.float64)) / pairs

    def gradient(self, x: Array) -> Array:
        """Return the gradient of the penalty."""
        unit, norms, product, pairs = self._cosines(x)
        d_unit = (self.factor / pairs) * (np.sign(product) @ unit)
        d = (d_unit - unit * (unit * d_unit).sum(axis=1, keepdims=True)) / norms
        return d if self.mode == "rows" else np.ascontiguousarray(d.T)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer
