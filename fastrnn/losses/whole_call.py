"""Losses whose ``__call__`` is the user's: the whole of it is traced."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.losses.alignment import to_labels, to_predictions
from fastrnn.typing import Array, ArrayLike, MaskLike, WeightsLike


def value(
    self: Any,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: WeightsLike = None,
    mask: MaskLike = None,
) -> float:
    """Return the loss as one number; the mask is not the call's."""
    return float(np.sum(np.asarray(self(*_given(y_true, y_pred, sample_weight)))))


def value_and_gradient(
    self: Any,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: WeightsLike = None,
    mask: MaskLike = None,
) -> tuple[float, Array]:
    """Return the loss, summed where it is several numbers, and its gradient."""
    given = _given(y_true, y_pred, sample_weight)
    traced = self._traces.follow(lambda *tensors: self(*tensors), tuple(given))
    # Nothing is trained through labels and weights.
    traced.graph.fixed_inputs = {id(tensor) for tensor in traced.inputs} - {id(traced.inputs[1])}
    values, pull = traced.evaluate(given, gradient=True)
    d_inputs, d_weights = pull(np.ones_like(values))
    self.weight_gradients.clear()
    self.weight_gradients.update(d_weights)
    d_pred = np.zeros_like(given[1]) if d_inputs[1] is None else d_inputs[1]
    return float(np.sum(values)), np.asarray(d_pred, given[1].dtype)


def _given(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike) -> list[Array]:
    predictions = to_predictions(y_pred)
    given = [to_labels(y_true).astype(predictions.dtype, copy=False), predictions]
    return (
        given if sample_weight is None else [*given, np.asarray(sample_weight, predictions.dtype)]
    )
