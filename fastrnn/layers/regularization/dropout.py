"""Dropout of all kinds, GaussianNoise and ActivityRegularization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn import activations, regularizers
from fastrnn.core import errors, random
from fastrnn.core.checks import to_positive_int
from fastrnn.core.options import Kind, Share, takes_options
from fastrnn.core.seed_generator import to_generator
from fastrnn.layers.base.layer import CommonOptions, Layer, LayerOptions, registry
from fastrnn.layers.base.options import Seed
from fastrnn.layers.base.pass_through import PassThrough
from fastrnn.typing import Array, DTypeLike, ShapeLike


def dropout_factors(
    generator: np.random.Generator, shape: Sequence[int], rate: float, dtype: Any
) -> Array:
    """Return factors of ``shape``: 0 with probability ``rate``, else 1 / (1 - rate)."""
    if rate >= 1:
        return np.zeros(shape, dtype)
    keep = random.keep_mask(generator, shape, rate)
    return keep * np.asarray(1 / (1 - rate), dtype)


def _to_noise_shape(argument: str, value: object) -> tuple[int | None, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(errors.bad_argument(argument, value, "a tuple"))
    return tuple(None if n is None else to_positive_int(argument, n) for n in value)


NoiseShape = Annotated[ShapeLike, Kind(_to_noise_shape)] | None


@registry.register()
class Dropout(PassThrough):
    """Sets a random share of the inputs to zero in training, and scales the others up.

    Args:
        rate: the share, from 0 to 1.
        noise_shape: shape of the random mask, broadcast to the inputs; ``None`` in it, or for all
            of it, means the inputs' size. (batch, 1, features) drops whole features.
        seed: integer, a ``random.SeedGenerator``, or ``None`` for one that is drawn.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: an argument is out of range.

    >>> import numpy as np
    >>> from fastrnn.layers import Dropout
    >>> Dropout(0.5)(np.ones((1, 3)))  # not training
    array([[1., 1., 1.]], dtype=float32)
    """

    config_order = (*Layer.config_order, "rate", "seed")

    rate: float
    noise_shape: tuple[int | None, ...] | None

    @takes_options
    def __init__(
        self,
        rate: Share,
        noise_shape: NoiseShape = None,
        seed: Seed = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.generator = to_generator(seed)

    @property
    def is_disturbing(self) -> bool:
        """Whether something is dropped."""
        return self.rate > 0

    def disturb(self, inputs: Array) -> tuple[Array, Array]:
        """Drop."""
        shape = self._mask_shape(inputs.shape)
        factors = dropout_factors(self.generator, shape, self.rate, inputs.dtype)
        return inputs * factors, factors

    def _mask_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.noise_shape is None:
            return shape
        if len(self.noise_shape) != len(shape) or any(
            n not in (None, 1, size) for n, size in zip(self.noise_shape, shape, strict=True)
        ):
            expected = f"one that broadcasts with noise_shape={self.noise_shape}"
            raise ValueError(errors.bad_shape("inputs", shape, expected))
        return tuple(
            size if n is None else n for n, size in zip(self.noise_shape, shape, strict=True)
        )


@registry.register()
class SpatialDropout1D(Dropout):
    """Dropout of whole features: all steps of a sequence lose the same ones.

    Args:
        rate: the share, from 0 to 1.
        seed: integer, a ``random.SeedGenerator``, or ``None`` for one that is drawn.
        name, dtype: see ``Layer``.

    Inputs: (batch, timesteps, features). Outputs: the same.

    Raises:
        ValueError: ``rate`` is out of range.

    >>> import numpy as np
    >>> from fastrnn.layers import SpatialDropout1D
    >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 3, 4)), training=True)
    >>> bool((y[:, 0] == y[:, 2]).all())
    True
    """

    input_rank = 3
    input_axes = "(batch, timesteps, features)"

    rate: float
    seed: int | None

    def __init__(
        self,
        rate: float,
        seed: Seed = None,
        name: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(rate, (None, 1, None), seed, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


@registry.register()
class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance of what ``selu`` gives (Klambauer et al., 2017).

    A share of the inputs becomes selu's limit for small x; then all are scaled and shifted.

    Args:
        rate, noise_shape, seed, **kwargs: see ``Dropout``.

    Raises:
        ValueError: an argument is out of range.

    >>> import numpy as np
    >>> from fastrnn.layers import AlphaDropout
    >>> AlphaDropout(0.5)(np.ones((1, 3)))  # not training
    array([[1., 1., 1.]], dtype=float32)
    """

    def disturb(self, inputs: Array) -> tuple[Array, Array]:
        """Drop, scale and shift."""
        number = inputs.dtype.type
        shape = self._mask_shape(inputs.shape)
        keep = random.keep_mask(self.generator, shape, self.rate)
        limit = -activations.SELU_ALPHA * activations.SELU_SCALE
        # What is kept has variance 1 - rate, what is dropped is one number: see the paper. Keras
        # fails at rate 1, where nothing is kept.
        scale = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5 if self.rate < 1 else 0.0
        shift = -scale * limit * self.rate
        outputs = np.where(keep, inputs, number(limit)) * number(scale) + number(shift)
        return outputs, keep * number(scale)


@registry.register()
class GaussianDropout(PassThrough):
    """Multiplies the inputs by noise of mean 1 in training (Srivastava et al., 2014).

    Args:
        rate: as that of ``Dropout`` with the same variance: sqrt(rate / (1 - rate)) is the standard
            deviation of the noise.
        seed: integer, a ``random.SeedGenerator``, or ``None`` for one that is drawn.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: ``rate`` is out of range, 0 to 1; or it is 1, in training.

    >>> import numpy as np
    >>> from fastrnn.layers import GaussianDropout
    >>> GaussianDropout(0.5)(np.ones((1, 3)))  # not training
    array([[1., 1., 1.]], dtype=float32)
    """

    rate: float

    @takes_options
    def __init__(self, rate: Share, seed: Seed = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.generator = to_generator(seed)

    @property
    def is_disturbing(self) -> bool:
        """Whether there is noise."""
        return self.rate > 0

    def disturb(self, inputs: Array) -> tuple[Array, Array]:
        """Multiply by noise."""
        if self.rate == 1:
            expected = "less than 1, for noise of finite variance"
            raise ValueError(errors.bad_argument("rate", self.rate, expected))
        stddev = inputs.dtype.type((self.rate / (1 - self.rate)) ** 0.5)
        noise = 1 + stddev * self.generator.standard_normal(inputs.shape, dtype=inputs.dtype)
        return inputs * noise, noise


@registry.register()
class GaussianNoise(PassThrough):
    """Adds noise of a normal distribution in training.

    Args:
        stddev: its standard deviation.
        seed: integer, a ``random.SeedGenerator``, or ``None`` for one that is drawn.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: ``stddev`` is out of range, 0 to 1.

    >>> import numpy as np
    >>> from fastrnn.layers import GaussianNoise
    >>> GaussianNoise(0.5)(np.ones((1, 3)))  # not training
    array([[1., 1., 1.]], dtype=float32)
    """

    stddev: float

    @takes_options
    def __init__(self, stddev: Share, seed: Seed = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.generator = to_generator(seed)

    @property
    def is_disturbing(self) -> bool:
        """Whether there is noise."""
        return self.stddev > 0

    def disturb(self, inputs: Array) -> tuple[Array, None]:
        """Add noise."""
        noise = self.generator.standard_normal(inputs.shape, dtype=inputs.dtype)
        return inputs + noise * inputs.dtype.type(self.stddev), None


@registry.register()
class ActivityRegularization(PassThrough):
    """Hands the inputs through, and adds a penalty on them to the loss.

    Args:
        l1: factor of the sum of absolute values.
        l2: factor of the sum of squares.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    >>> import numpy as np
    >>> from fastrnn.layers import ActivityRegularization
    >>> ActivityRegularization(l2=0.1)(np.ones((1, 2)))
    array([[1., 1.]], dtype=float32)
    """

    @takes_options
    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[CommonOptions]) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
