"""`tf.random`: numbers drawn with fastrnn's generator."""

from __future__ import annotations

import random as python_random
from typing import Any

import fastrnn
from fastrnn.compat.tensorflow.names import attributes, gives_tensors
from fastrnn.typing import DTypeLike


def set_seed(seed: int) -> None:
    """Seed everything random in fastrnn, which draws its seeds from Python; NumPy is left alone."""
    python_random.seed(int(seed))


def _shape(shape: Any) -> Any:
    return (shape,) if isinstance(shape, int) else tuple(shape)


@gives_tensors
def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return numbers of a normal distribution."""
    return fastrnn.random.normal(_shape(shape), mean, stddev, dtype=dtype, seed=seed)


@gives_tensors
def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return numbers of a normal distribution, those beyond two deviations drawn again."""
    return fastrnn.random.truncated_normal(_shape(shape), mean, stddev, dtype=dtype, seed=seed)


@gives_tensors
def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: DTypeLike = None, seed: Any = None
) -> Any:
    """Return numbers from ``minval`` to before ``maxval``; whole ones for a dtype of integers."""
    if dtype is not None and "int" in str(dtype):
        return fastrnn.random.randint(_shape(shape), minval, maxval, dtype=dtype, seed=seed)
    return fastrnn.random.uniform(
        _shape(shape), minval, 1.0 if maxval is None else maxval, dtype=dtype, seed=seed
    )


@gives_tensors
def shuffle(value: Any, seed: Any = None) -> Any:
    """Return ``value`` in another order along its first axis."""
    return fastrnn.random.shuffle(value, seed=seed)


@gives_tensors
def categorical(logits: Any, num_samples: int, dtype: DTypeLike = "int64", seed: Any = None) -> Any:
    """Return class numbers (batch, num_samples), drawn for each row of logits (batch, classes)."""
    return fastrnn.random.categorical(logits, num_samples, dtype=dtype or "int64", seed=seed)


multinomial = categorical
__getattr__, __dir__ = attributes("random", {}, {})
