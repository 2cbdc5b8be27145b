"""Normalization: features brought to mean 0 and variance 1, measured once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Unpack

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_int, to_real_array
from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.structures import fixed
from fastrnn.typing import Array, ArrayLike, MaskLike, Shape


@registry.register()
class Normalization(Layer):
    """(inputs - mean) / sqrt(variance), with numbers that are given or that ``adapt`` measures.

    Args:
        axis: the axis, or axes, whose entries have a mean and a variance each; ``None`` for one of
            each. The batch is axis 0.
        mean, variance: the numbers, if they are known: of the shape of ``axis``' lengths, or one
            that broadcasts to it. Both or none.
        invert: whether to compute inputs·sqrt(variance) + mean instead.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights, unless mean and variance are given: mean, variance, and count, which stays 0; none is
    changed by training. Inputs: any shape. Outputs: the same.

    Raises:
        ValueError: ``axis`` is none of the inputs' axes, or has no fixed length; or only one of
            mean and variance is given, or their shapes do not fit.

    >>> import numpy as np
    >>> from fastrnn.layers import Normalization
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[1.0, 30.0]]))
    array([[-1.,  1.]], dtype=float32)
    """

    supports_masking = True
    stepwise = True
    min_input_rank = 1

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        given = () if axis is None else axis if isinstance(axis, (list, tuple)) else (axis,)
        self.axis = tuple(to_int("axis", a) for a in given)
        self.invert = bool(invert)
        if (mean is None) != (variance is None):
            argument = "mean" if mean is None else "variance"
            expected = "an array beside the other one"
            remedy = "Where they are not adapted, both `mean` and `variance` must be set."
            raise ValueError(errors.bad_argument(argument, None, expected, remedy))
        self.input_mean = None if mean is None else to_real_array("mean", mean)
        self.input_variance = None if variance is None else to_real_array("variance", variance)
        if self.input_mean is not None and self.input_variance is not None:
            shape = self.input_mean.shape
            if self.input_variance.shape != shape:
                expected = f"{shape}, that of `mean`"
                raise ValueError(errors.bad_shape("variance", self.input_variance.shape, expected))
            if len(shape) > len(self.axis):
                expected = f"at most one axis for each of axis={self.axis}"
                raise ValueError(errors.bad_shape("mean", shape, expected))
        self.adapt_mean: Variable | None = None
        self.adapt_variance: Variable | None = None
        self._broadcast: tuple[int, ...] = ()
        self._reduced: tuple[int, ...] = ()

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axes whose entries have numbers of their own."""
        return self.axis

    def make_weights(self, input_shape: Shape) -> None:
        """Make mean, variance and count, unless the first two are given."""
        rank = len(input_shape)
        kept = {axis % rank for axis in self.axis if -rank <= axis < rank}
        if len(kept) != len(self.axis) or any(input_shape[axis] is None for axis in kept):
            expected = f"fixed lengths of the axes {self.axis} for layer {self.name!r}"
            remedy = (
                f"All `axis` values must be in the range [-{rank}, {rank})."
                if len(kept) != len(self.axis)
                else "All `axis` values to be kept must have a known length."
            )
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected, remedy))
        self._reduced = tuple(axis for axis in range(rank) if axis not in kept)
        self._broadcast = fixed(n if k in kept else 1 for k, n in enumerate(input_shape))
        self.input_features = input_shape[-1] if rank - 1 in kept else None
        lengths = fixed(input_shape[axis] for axis in sorted(kept))
        if self.input_mean is not None:
            try:
                np.broadcast_to(self.input_mean, lengths)
            except ValueError:
                expected = f"{lengths}, the lengths of the axes {self.axis}"
                raise ValueError(
                    errors.bad_shape("mean", self.input_mean.shape, expected)
                ) from None
            return
        self.adapt_mean = self.add_weight(lengths, "zeros", trainable=False, name="mean")
        self.adapt_variance = self.add_weight(lengths, "ones", trainable=False, name="variance")
        # Keras has it, and never counts.
        self._variables.append(Variable(np.zeros((), "int32"), name="count", trainable=False))

    @property
    def mean(self) -> Array | None:
        """The mean, in a shape that broadcasts to the inputs'; ``None`` before the build."""
        return self._arranged(self.input_mean, self.adapt_mean)

    @property
    def variance(self) -> Array | None:
        """The variance, likewise."""
        return self._arranged(self.input_variance, self.adapt_variance)

    def _arranged(self, given: Array | None, adapted: Variable | None) -> Array | None:
        if not self.built:
            return None
        value = given if adapted is None else adapted.value
        lengths = tuple(n for k, n in enumerate(self._broadcast) if k not in self._reduced)
        return np.broadcast_to(np.asarray(value, self.dtype), lengths).reshape(self._broadcast)

    def adapt(self, data: Any) -> None:
        """Measure mean and variance; what was measured before is forgotten.

        Args:
            data: an array; or an iterable of batches, arrays or tuples that begin with one, such as
                ``utils.timeseries_dataset_from_array`` makes.

        Raises:
            TypeError: it is neither.
            ValueError: there is no batch, shapes do not fit, or mean and variance were given.
        """
        if self.input_mean is not None:
            expected = "None: mean and variance were given to the layer"
            raise ValueError(errors.bad_argument("data", type(data).__name__, expected))
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in _batches(data):
            if not self.built:
                self.build(batch.shape)
            rows = self._count_rows(batch.shape)
            own_mean = batch.mean(axis=self._reduced, dtype=np.float64)
            own_variance = batch.var(axis=self._reduced, dtype=np.float64)
            # Chan et al., 1983: moments of two parts joined.
            count += rows
            share, between = rows / count, own_mean - mean
            variance = variance + (own_variance - variance) * share
            variance = variance + between**2 * (share * (1 - share))
            mean = mean + between * share
        if count == 0:
            raise ValueError(errors.bad_argument("data", data, "no empty iterable"))
        assert self.adapt_mean is not None
        assert self.adapt_variance is not None
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _count_rows(self, shape: tuple[int, ...]) -> int:
        """Return how many numbers of a batch each mean is taken over."""
        pairs = zip(shape, self._broadcast, strict=False)
        fits = len(shape) == len(self._broadcast) and all(
            k in self._reduced or n == wanted for k, (n, wanted) in enumerate(pairs)
        )
        if not fits or 0 in shape:
            kept = {k: n for k, n in enumerate(self._broadcast) if k not in self._reduced}
            expected = f"rank {len(self._broadcast)} with axes of lengths {kept}, none empty"
            raise ValueError(errors.bad_shape("data", shape, expected))
        return math.prod(shape[axis] for axis in self._reduced)

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Normalize, or the inverse."""
        mean, variance = self.mean, self.variance
        assert mean is not None
        assert variance is not None
        deviation = np.maximum(np.sqrt(variance), inputs.dtype.type(config.epsilon()))
        if self.invert:
            outputs = mean + inputs * deviation
            return outputs, (lambda d: (d * deviation, [])) if context.gradient else None
        outputs = (inputs - mean) / deviation
        return outputs, (lambda d: (d / deviation, [])) if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            **{name: None if value is None else value.tolist() for name, value in given.items()},
        }


def _batches(data: Any) -> Iterator[Array]:
    """Yield the arrays of an array, or of an iterable of batches."""
    if hasattr(data, "shape"):
        yield to_real_array("data", data)
        return
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        # By index: a data set may be one that has no end when it is iterated over.
        batches: Any = (data[k] for k in range(len(data)))
    elif hasattr(data, "__iter__"):
        batches = data
    else:
        expected = "an array, or an iterable of batches"
        raise TypeError(errors.bad_argument("data", type(data).__name__, expected))
    for batch in batches:
        first = batch[0] if isinstance(batch, tuple) and batch else batch
        if not hasattr(first, "shape"):
            expected = "batches that are arrays, or tuples that begin with one"
            remedy = "Pass numpy.asarray(data)."
            raise TypeError(errors.bad_argument("data", type(first).__name__, expected, remedy))
        yield to_real_array("data", first)
