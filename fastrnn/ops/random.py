"""Random numbers: on arrays they are drawn at once, while a trace is made they become nodes.

A node draws anew each time that its graph runs, by a ``SeedGenerator`` or without a seed; with an
integer as seed it draws the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.seed_generator import SeedGenerator, to_generator
from fastrnn.ops.arithmetic import multiply
from fastrnn.ops.dtypes import standard_dtype
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import Spec, require_known
from fastrnn.typing import Array, DTypeLike, TensorLike

Seed = int | SeedGenerator | None


def _spec(shape: Sequence[int], *args: Any, dtype: DTypeLike = None, **options: Any) -> Spec:
    return Spec(require_known("random", shape), standard_dtype(dtype))


@operation((), random=True, shape=_spec)
def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike = None,
    seed: Seed = None,
) -> Array:
    """Return numbers of a normal distribution."""
    lengths = require_known("random", shape)
    return to_generator(seed).normal(mean, stddev, lengths).astype(standard_dtype(dtype))


@operation((), random=True, shape=_spec)
def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike = None,
    seed: Seed = None,
) -> Array:
    """Return numbers of a normal distribution that are at most two deviations from its mean."""
    lengths, generator = require_known("random", shape), to_generator(seed)
    values = generator.normal(size=lengths)
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = generator.normal(size=int(beyond.sum()))
    return np.asarray(mean + stddev * values).astype(standard_dtype(dtype))


@operation((), random=True, shape=_spec)
def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike = None,
    seed: Seed = None,
) -> Array:
    """Return numbers from ``minval`` to below ``maxval``; integers for such a dtype."""
    lengths, kept = require_known("random", shape), standard_dtype(dtype)
    if "int" in kept:
        return to_generator(seed).integers(int(minval), int(maxval), lengths).astype(kept)
    return to_generator(seed).uniform(minval, maxval, lengths).astype(kept)


@operation((), random=True, shape=_spec)
def randint(
    shape: Sequence[int], minval: int, maxval: int, dtype: DTypeLike = "int32", seed: Seed = None
) -> Array:
    """Return integers from ``minval`` to below ``maxval``."""
    lengths, kept = require_known("random", shape), standard_dtype(dtype)
    return to_generator(seed).integers(int(minval), int(maxval), lengths).astype(kept)


@operation((None,), random=True, shape=lambda alpha, shape, dtype, seed: _spec(shape, dtype=dtype))
def gamma(shape: Sequence[int], alpha: Array, dtype: DTypeLike = None, seed: Seed = None) -> Array:
    """Return numbers of the gamma distributions ``alpha``."""
    lengths = require_known("random", shape)
    return np.asarray(to_generator(seed).gamma(alpha, size=lengths)).astype(standard_dtype(dtype))


def _of_two(a: Any, b: Any, shape: Any, dtype: Any, seed: Any) -> Spec:
    return _spec(shape, dtype=dtype)


@operation((None, None), random=True, shape=_of_two)
def beta(
    shape: Sequence[int], alpha: Array, beta: Array, dtype: DTypeLike = None, seed: Seed = None
) -> Array:
    """Return numbers of the beta distributions ``alpha`` and ``beta``."""
    lengths = require_known("random", shape)
    return np.asarray(to_generator(seed).beta(alpha, beta, lengths)).astype(standard_dtype(dtype))


@operation((None, None), random=True, shape=_of_two)
def binomial(
    shape: Sequence[int],
    counts: Array,
    probabilities: Array,
    dtype: DTypeLike = None,
    seed: Seed = None,
) -> Array:
    """Return how many of ``counts`` throws hit, each with a probability."""
    lengths, generator = require_known("random", shape), to_generator(seed)
    found = generator.binomial(np.asarray(counts).astype("int64"), probabilities, lengths)
    return np.asarray(found).astype(standard_dtype(dtype))


@operation(
    (None,),
    random=True,
    shape=lambda logits, num_samples, dtype, seed: Spec((logits.shape[0], num_samples), dtype),
)
def categorical(
    logits: Array, num_samples: int, dtype: DTypeLike = "int32", seed: Seed = None
) -> Array:
    """Return class numbers, (rows, num_samples), of the logits (rows, classes)."""
    if logits.ndim != 2:
        raise ValueError(errors.bad_shape("logits", logits.shape, "(rows, classes)"))
    # The greatest of logits with Gumbel's noise is a draw of the softmax.
    noise = to_generator(seed).gumbel(size=(logits.shape[0], num_samples, logits.shape[1]))
    return (logits[:, None] + noise).argmax(axis=-1).astype(standard_dtype(dtype))


def _kept_spec(inputs: Spec, rate: float, noise_shape: Any, seed: Any) -> Spec:
    return Spec(inputs.shape, inputs.dtype)


@operation((None,), random=True, types="float", shape=_kept_spec)
def _kept(inputs: Array, rate: float, noise_shape: Any, seed: Seed) -> Array:
    given = inputs.shape if noise_shape is None else noise_shape
    lengths = [n if m is None else m for m, n in zip(given, inputs.shape, strict=True)]
    kept = to_generator(seed).random(lengths) >= rate
    scaled = kept.astype(inputs.dtype) / inputs.dtype.type(1 - rate)
    return np.broadcast_to(scaled, inputs.shape).copy()


def dropout(
    inputs: TensorLike,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: Seed = None,
) -> Any:
    """Return ``inputs`` with a share of the entries set to 0, the others enlarged to make up.

    Args:
        inputs: array.
        rate: the share, from 0 to below 1.
        noise_shape: lengths of 1 along axes along which the same entries are dropped.
        seed: an integer, or a ``SeedGenerator``.
    """
    if not 0 <= rate < 1:
        raise ValueError(errors.bad_argument("rate", rate, "a number from 0 to below 1"))
    return inputs if rate == 0 else multiply(inputs, _kept(inputs, rate, noise_shape, seed))


@operation((None,), random=True, shape=lambda x, axis, seed: x.shape)
def shuffle(x: Array, axis: int = 0, seed: Seed = None) -> Array:
    """Return the entries along an axis in a random order."""
    return to_generator(seed).permutation(x, axis=axis)
