"""Random numbers under the names of Keras 1 and 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastrnn import config, ops
from fastrnn.backend.values import variable
from fastrnn.core.variable import Variable
from fastrnn.typing import DTypeLike, Shape

__all__ = [
    "dropout", "random_bernoulli", "random_binomial", "random_normal", "random_normal_variable",
    "random_uniform", "random_uniform_variable", "truncated_normal",
]  # fmt: skip


def _random(name: str) -> Callable[..., Any]:
    from fastrnn import random

    found: Callable[..., Any] = getattr(random, name)
    return found


def random_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return numbers of a normal distribution."""
    return _random("normal")(shape, mean, stddev, dtype=dtype, seed=seed)


def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return numbers of a normal distribution, those beyond two deviations drawn again."""
    return _random("truncated_normal")(shape, mean, stddev, dtype=dtype, seed=seed)


def random_uniform(
    shape: Shape,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike = None,
    seed: Any = None,
) -> Any:
    """Return numbers from ``minval`` to before ``maxval``."""
    return _random("uniform")(shape, minval, maxval, dtype=dtype, seed=seed)


def random_bernoulli(
    shape: Shape, p: float = 0.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return ones with the probability ``p``, zeros otherwise."""
    drawn = _random("uniform")(shape, 0.0, 1.0, seed=seed)
    return ops.cast(ops.less(drawn, p), dtype or config.floatx())


random_binomial = random_bernoulli


def random_normal_variable(shape: Shape, mean: float, scale: float, **options: Any) -> Variable:
    """Return a variable of numbers of a normal distribution."""
    return variable(random_normal(shape, mean, scale, seed=options.get("seed")))


def random_uniform_variable(shape: Shape, low: float, high: float, **options: Any) -> Variable:
    """Return a variable of numbers from ``low`` to before ``high``."""
    return variable(random_uniform(shape, low, high, seed=options.get("seed")))


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Return ``x`` with a share ``level`` of its entries set to 0, the others scaled up."""
    return _random("dropout")(x, level, noise_shape, seed=seed)
