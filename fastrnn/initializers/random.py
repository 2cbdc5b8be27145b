"""Initial values that are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, TypedDict, Unpack

import numpy as np

from fastrnn.core import errors, random
from fastrnn.core.checks import to_choice, to_int, to_list
from fastrnn.core.options import (
    ConfigOrder,
    Finite,
    Kind,
    NonNegative,
    Positive,
    choice,
    extends_options,
    takes_options,
)
from fastrnn.core.seed_generator import SeedGenerator, to_generator, to_seed_or_generator
from fastrnn.core.seed_generator import registry as seeds
from fastrnn.initializers.base import Initializer, registry, to_dtype
from fastrnn.typing import Array, DTypeLike

# Standard deviation of a standard normal distribution cut off at ±2.
_TRUNCATED_STDDEV = 0.87962566103423978


# A config has the seed that was given; what is drawn for None is not written.
GivenSeed = Annotated[
    int | SeedGenerator | None,
    Kind(to_seed_or_generator, seeds.serialize, attribute="_given_seed"),
]


class Seed(TypedDict, total=False):
    """The option of all initializers here."""

    seed: int | SeedGenerator | None


class RandomInitializer(Initializer):
    """Base class of the initializers that draw. The seed is drawn here if it is not given.

    The same seed gives the same values at each call; a ``SeedGenerator`` gives others.
    """

    config_order: ClassVar[ConfigOrder] = (..., "seed")

    @takes_options
    def __init__(self, seed: GivenSeed = None) -> None:
        if isinstance(seed, SeedGenerator):
            self.seed: int | SeedGenerator = seed
        else:
            self.seed = random.draw_seed() if seed is None else random.to_seed(seed)

    def generator(self) -> np.random.Generator:
        """Return a generator in its first state."""
        return to_generator(self.seed)


@registry.register("normal")
class RandomNormal(RandomInitializer):
    """Normal distribution."""

    mean: float
    stddev: float

    @extends_options
    def __init__(
        self, mean: Finite = 0.0, stddev: NonNegative = 0.05, **options: Unpack[Seed]
    ) -> None:
        super().__init__(**options)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Draw from the distribution."""
        return self.generator().normal(self.mean, self.stddev, shape).astype(to_dtype(dtype))


@registry.register()
class TruncatedNormal(RandomNormal):
    """Normal distribution, cut off at two standard deviations from the mean."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Draw from the distribution."""
        return _truncated_normal(self.generator(), self.mean, self.stddev, shape, to_dtype(dtype))


@registry.register("uniform")
class RandomUniform(RandomInitializer):
    """Uniform distribution from ``minval`` to ``maxval``."""

    minval: float
    maxval: float

    @extends_options
    def __init__(
        self, minval: Finite = -0.05, maxval: Finite = 0.05, **options: Unpack[Seed]
    ) -> None:
        super().__init__(**options)
        if self.minval > self.maxval:
            expected = f"a number not above maxval={maxval}"
            raise ValueError(errors.bad_argument("minval", minval, expected))

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Draw from the distribution."""
        return self.generator().uniform(self.minval, self.maxval, shape).astype(to_dtype(dtype))


def _to_axis_list(argument: str, axes: Any) -> list[int] | None:
    return None if axes is None else [to_int(argument, axis) for axis in to_list(argument, axes)]


def _to_distribution(argument: str, value: object) -> str:
    known = ("truncated_normal", "untruncated_normal", "uniform", "normal")
    found: str = to_choice(argument, value, known)
    return "truncated_normal" if found == "normal" else found


AxisList = Annotated[Sequence[int] | None, Kind(_to_axis_list)]
Distribution = Annotated[str, Kind(_to_distribution)]


@registry.register()
class VarianceScaling(RandomInitializer):
    """A distribution whose variance is ``scale`` / n, n being the number of inputs or outputs.

    Args:
        scale: positive.
        mode: what n is: ``"fan_in"``, ``"fan_out"``, or ``"fan_avg"``, their mean.
        distribution: ``"truncated_normal"``, ``"untruncated_normal"`` or ``"uniform"``.
        seed: integer or ``None``.
        input_axes, output_axes: axes of a shape whose lengths, multiplied, are its inputs and its
            outputs; both or none of them. By default the last but one and the last, times the
            axes before them.

    Raises:
        ValueError: an argument is none of these.
    """

    scale: float
    mode: str
    distribution: str
    input_axes: list[int] | None
    output_axes: list[int] | None

    @extends_options
    def __init__(
        self,
        scale: Positive = 1.0,
        mode: Annotated[str, choice("fan_in", "fan_out", "fan_avg")] = "fan_in",
        distribution: Distribution = "truncated_normal",
        *,
        input_axes: AxisList = None,
        output_axes: AxisList = None,
        **options: Unpack[Seed],
    ) -> None:
        super().__init__(**options)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Draw from the distribution."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        generator, dtype = self.generator(), to_dtype(dtype)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return generator.uniform(-limit, limit, shape).astype(dtype)
        if self.distribution == "untruncated_normal":
            return generator.normal(0, math.sqrt(variance), shape).astype(dtype)
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return _truncated_normal(generator, 0, stddev, shape, dtype)


class _NamedScaling(VarianceScaling):
    """A variance scaling with a name of its own: fixed scale, mode and distribution."""

    _arguments: tuple[float, str, str]

    config_order = ("seed",)

    @takes_options
    def __init__(
        self,
        seed: GivenSeed = None,
        input_axes: AxisList = None,
        output_axes: AxisList = None,
    ) -> None:
        scale, mode, distribution = self._arguments
        super().__init__(
            scale, mode, distribution, seed=seed, input_axes=input_axes, output_axes=output_axes
        )


@registry.register()
class GlorotUniform(_NamedScaling):
    """Glorot and Bengio, 2010: variance 2 / (inputs + outputs), uniform."""

    _arguments = (1.0, "fan_avg", "uniform")


@registry.register()
class GlorotNormal(_NamedScaling):
    """Glorot and Bengio, 2010: variance 2 / (inputs + outputs), truncated normal."""

    _arguments = (1.0, "fan_avg", "truncated_normal")


@registry.register()
class HeUniform(_NamedScaling):
    """He et al., 2015: variance 2 / inputs, uniform."""

    _arguments = (2.0, "fan_in", "uniform")


@registry.register()
class HeNormal(_NamedScaling):
    """He et al., 2015: variance 2 / inputs, truncated normal."""

    _arguments = (2.0, "fan_in", "truncated_normal")


@registry.register()
class LecunUniform(_NamedScaling):
    """LeCun et al., 1998: variance 1 / inputs, uniform."""

    _arguments = (1.0, "fan_in", "uniform")


@registry.register()
class LecunNormal(_NamedScaling):
    """LeCun et al., 1998: variance 1 / inputs, truncated normal."""

    _arguments = (1.0, "fan_in", "truncated_normal")


@registry.register("OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns times ``gain`` (Saxe et al., 2014).

    The leading axes of a shape of more than two dimensions count as one.
    """

    gain: float

    @extends_options
    def __init__(self, gain: Finite = 1.0, **options: Unpack[Seed]) -> None:
        super().__init__(**options)

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Draw from the distribution."""
        if len(shape) < 2:
            raise ValueError(errors.bad_argument("shape", tuple(shape), "two dimensions or more"))
        rows, columns = math.prod(shape[:-1]), shape[-1]
        draw = self.generator().normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(draw)
        # Signs that make the decomposition unique, hence the distribution uniform.
        q *= np.sign(np.diagonal(r))
        q = q.T if rows < columns else q
        return (self.gain * q).reshape(shape).astype(to_dtype(dtype))


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Return the number of inputs and of outputs of a unit with weights of ``shape``."""
    if input_axes is not None and output_axes is not None:
        return _product("input_axes", shape, input_axes), _product(
            "output_axes", shape, output_axes
        )
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def _product(argument: str, shape: Sequence[int], axes: Sequence[int]) -> int:
    try:
        return math.prod(shape[axis] for axis in axes)
    except IndexError:
        expected = f"axes of a weight of shape {tuple(shape)}"
        raise ValueError(errors.bad_argument(argument, axes, expected)) from None


def _truncated_normal(
    generator: np.random.Generator,
    mean: float,
    stddev: float,
    shape: Sequence[int],
    dtype: DTypeLike,
) -> Array:
    from scipy.special import ndtr, ndtri

    uniform = generator.uniform(ndtr(-2.0), ndtr(2.0), shape)
    return (mean + stddev * ndtri(uniform)).astype(dtype)
