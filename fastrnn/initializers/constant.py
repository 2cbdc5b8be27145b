"""Initial values that are not drawn: constants, the identity, a Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice, to_number, to_real_array
from fastrnn.initializers.base import Array, Initializer, registry, to_dtype


@registry.register("zero")
class Zeros(Initializer):
    """All entries are 0."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Return zeros."""
        return np.zeros(shape, to_dtype(dtype))


@registry.register("one")
class Ones(Initializer):
    """All entries are 1."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Return ones."""
        return np.ones(shape, to_dtype(dtype))


@registry.register()
class Constant(Initializer):
    """All entries are ``value``."""

    def __init__(self, value: float = 0.0) -> None:
        to_real_array("value", value)
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Return ``value`` everywhere."""
        return np.full(shape, self.value, to_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"value": self.value}


@registry.register("IdentityInitializer")
class Identity(Initializer):
    """The identity matrix times ``gain``; for 2-D shapes only."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = to_number("gain", gain)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Return a matrix with ``gain`` on its diagonal."""
        if len(shape) != 2:
            raise ValueError(errors.bad_argument("shape", tuple(shape), "two dimensions"))
        return np.eye(*shape, dtype=to_dtype(dtype)) * np.asarray(self.gain, to_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"gain": self.gain}


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

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        self.side = to_choice("side", side, ("real", "imag"))
        self.window = window
        self.scaling = to_choice("scaling", scaling, ("density", "spectrum", None))
        self.periodic = bool(periodic)
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

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        names = ("side", "window", "periodic", "scaling")
        return {name: getattr(self, name) for name in names}
