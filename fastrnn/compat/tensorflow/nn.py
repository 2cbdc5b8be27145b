"""`tf.nn`: activation functions, losses on logits, and parts of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fastrnn
from fastrnn import ops
from fastrnn.compat.tensorflow.names import attributes, gives_tensors
from fastrnn.compat.tensorflow.table import NN


@gives_tensors
def gelu(features: Any, approximate: bool = False) -> Any:
    """Return the Gaussian error linear unit, exact unless ``approximate``."""
    return ops.gelu(features, approximate=approximate)


@gives_tensors
def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1) -> Any:
    """Return the crossentropy of each sample, of logits (..., classes) and probabilities."""
    return ops.negative(ops.sum(ops.multiply(labels, ops.log_softmax(logits, axis)), axis=axis))


softmax_cross_entropy_with_logits_v2 = softmax_cross_entropy_with_logits


@gives_tensors
def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any) -> Any:
    """Return the crossentropy of each sample, of logits (..., classes) and class numbers (...)."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


@gives_tensors
def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any) -> Any:
    """Return max(x, 0) - x z + log(1 + exp(-abs(x))) for logits x and labels z."""
    linear = ops.subtract(ops.relu(logits), ops.multiply(logits, labels))
    return ops.add(linear, ops.log1p(ops.exp(ops.negative(ops.abs(logits)))))


@gives_tensors
def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any) -> Any:
    """Return the crossentropy of sigmoids, in which labels of 1 weigh ``pos_weight``."""
    positive = ops.multiply(ops.multiply(labels, pos_weight), ops.softplus(ops.negative(logits)))
    return ops.add(positive, ops.multiply(ops.subtract(1, labels), ops.softplus(logits)))


@gives_tensors
def l2_loss(t: Any) -> Any:
    """Return half of the sum of squares."""
    return ops.divide(ops.sum(ops.square(t)), 2)


@gives_tensors
def embedding_lookup(params: Any, ids: Any) -> Any:
    """Return the rows of a table (rows, features) at ``ids``."""
    return ops.take(params, ids, axis=0)


@gives_tensors
def bias_add(value: Any, bias: Any, data_format: str | None = None) -> Any:
    """Return ``value`` plus a bias of its last axis."""
    return ops.add(value, bias)


@gives_tensors
def dropout(
    x: Any, rate: Any = None, noise_shape: Any = None, seed: Any = None, keep_prob: Any = None
) -> Any:
    """Return ``x`` with a share ``rate`` of its entries set to 0, the others scaled up."""

    rate = 1 - keep_prob if rate is None else rate
    return fastrnn.random.dropout(x, rate, noise_shape=noise_shape, seed=seed)


@gives_tensors
def conv1d(
    input: Any,
    filters: Any,
    stride: int,
    padding: str,
    data_format: str = "NWC",
    dilations: Any = None,
) -> Any:
    """Return the convolution of inputs (batch, steps, channels)."""
    return ops.conv(
        input, filters, strides=stride, padding=padding.lower(), dilation_rate=dilations or 1
    )


@gives_tensors
def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float
) -> Any:
    """Return (x - mean) / sqrt(variance + epsilon) * scale + offset."""
    factor = ops.rsqrt(ops.add(variance, variance_epsilon))
    factor = factor if scale is None else ops.multiply(factor, scale)
    result = ops.multiply(ops.subtract(x, mean), factor)
    return result if offset is None else ops.add(result, offset)


def _pool(name: str, input: Any, ksize: Any, strides: Any, padding: str) -> Any:
    sizes = [int(n if not isinstance(n, Sequence) else n[-1]) for n in (ksize, strides)]
    return getattr(ops, name)(input, sizes[0], strides=sizes[1], padding=padding.lower())


@gives_tensors
def max_pool1d(input: Any, ksize: Any, strides: Any, padding: str) -> Any:
    """Return the greatest value of each window of inputs (batch, steps, channels)."""
    return _pool("max_pool", input, ksize, strides, padding)


@gives_tensors
def avg_pool1d(input: Any, ksize: Any, strides: Any, padding: str) -> Any:
    """Return the mean of each window of inputs (batch, steps, channels)."""
    return _pool("average_pool", input, ksize, strides, padding)


PLACES = {name: f"compat.tensorflow.math:{name}" for name in ("l2_normalize", "top_k")}
__getattr__, __dir__ = attributes("nn", PLACES, NN)
