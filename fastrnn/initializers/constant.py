"""Initial values that are not drawn: constants, the identity, a Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_real_array
from fastrnn.core.deserialization import deserialize
from fastrnn.core.options import Finite, Flag, Kind, choice, takes_options
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.initializers.base import Initializer, registry, to_dtype
from fastrnn.typing import Array, ArrayLike, DTypeLike


@registry.register("zero")
class Zeros(Initializer):
    """All entries are 0."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Return zeros."""
        return np.zeros(shape, to_dtype(dtype))


@registry.register("one")
class Ones(Initializer):
    """All entries are 1."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Return ones."""
        return np.ones(shape, to_dtype(dtype))


def _to_value(argument: str, value: Any) -> Any:
    value = deserialize(value) if isinstance(value, dict) else value
    to_real_array(argument, value)
    return value


@registry.register()
class Constant(Initializer):
    """All entries are ``value``, or those of an array that broadcasts to the shape.

    >>> import numpy as np
    >>> Constant(np.array([1.0, 2.0]))((2, 2))
    array([[1., 2.],
           [1., 2.]], dtype=float32)
    """

    value: ArrayLike

    @takes_options
    def __init__(
        self, value: Annotated[ArrayLike, Kind(_to_value, serialize_keras_object)] = 0.0
    ) -> None:
        pass

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Return ``value`` everywhere."""
        return np.full(shape, self.value, to_dtype(dtype))


@registry.register("IdentityInitializer")
class Identity(Initializer):
    """The identity matrix times ``gain``; for 2-D shapes only."""

    gain: float

    @takes_options
    def __init__(self, gain: Finite = 1.0) -> None:
        pass

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Return a matrix with ``gain`` on its diagonal."""
        if len(shape) != 2:
            raise ValueError(errors.bad_argument("shape", tuple(shape), "two dimensions"))
        return np.eye(*shape, dtype=to_dtype(dtype)) * np.asarray(self.gain, to_dtype(dtype))


@registry.register("STFTInitializer")
class STFT(Initializer):
    """Kernels of a convolution that computes a short-time Fourier transform.

    Args:
        side: ``"real"`` or ``"imag"``, the part of the transform.
        window: name of a window of ``scipy.signal.windows``, an array, or ``None``.
        scaling: ``"density"`` or ``"spectrum"``, what the window is divided by: the root of the sum
            of its squares, or the sum of its absolute values; ``None`` for neither.
        periodic: whether a window by name is periodic, else symmetric.

    Shapes: (window length, 1, frequencies), the frequencies being those up to half the length of
    the transform: length // 2 + 1.

    >>> STFT("imag")((8, 1, 5)).shape
    (8, 1, 5)
    """

    config_order = ("side", "window", "periodic")

    side: str
    window: str | ArrayLike | None
    scaling: str | None
    periodic: bool

    @takes_options
    def __init__(
        self,
        side: Annotated[str, choice("real", "imag")] = "real",
        window: str | ArrayLike | None = "hann",
        scaling: Annotated[str | None, choice("density", "spectrum", None)] = "density",
        periodic: Flag = False,
    ) -> None:
        if isinstance(window, str):
            self._window_values(1)
        elif window is not None:
            to_real_array("window", window)

    def _window_values(self, length: int) -> Array:
        """Return the window, (length,), in double precision."""
        if isinstance(self.window, str):
            from scipy.signal import get_window

            try:
                return np.asarray(get_window(self.window, length, self.periodic), np.float64)
            except ValueError:
                expected = "the name of a window of scipy.signal.windows"
                raise ValueError(errors.bad_argument("window", self.window, expected)) from None
        values = np.asarray(self.window, np.float64)
        if values.shape != (length,):
            expected = f"({length},), the length of the kernel"
            raise ValueError(errors.bad_shape("window", values.shape, expected))
        return values

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Return cosines or sines times the window."""
        if len(shape) != 3:
            expected = "(window length, 1, frequencies)"
            raise ValueError(errors.bad_shape("shape", shape, expected))
        length, _, frequencies = shape
        turns = np.arange(length)[:, None, None] * np.arange(frequencies)
        angles = -2 * np.pi * turns / max(2 * (frequencies - 1), 1)
        kernel = np.cos(angles) if self.side == "real" else np.sin(angles)
        if self.window is not None:
            window = self._window_values(length)
            if self.scaling == "density":
                window = window / np.sqrt(np.square(window).sum())
            elif self.scaling == "spectrum":
                window = window / np.abs(window).sum()
            kernel = kernel * window[:, None, None]
        return kernel.astype(to_dtype(dtype))
