"""Objective: what one output of a model is trained towards and measured by."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from fastrnn import losses, metrics
from fastrnn.core import errors
from fastrnn.core.tensor_array import tensor_array
from fastrnn.core.user_warnings import warn
from fastrnn.layers.base.tape import TapeTensor, note_function
from fastrnn.losses.alignment import align
from fastrnn.typing import Array, Identifier, LossLike, Nest


class Objective:
    """Loss and metrics of one output.

    Args:
        name: the output's name if the model has several; it begins the names in the logs.
        loss: identifier of the loss; ``None`` where the output is not trained.
        factor: of the loss in the total.
        metric_ids: identifiers of metrics that ignore sample weights, and of weighted ones.
    """

    def __init__(
        self,
        name: str | None,
        loss: LossLike,
        factor: float,
        metric_ids: tuple[list[Any], list[Any]],
    ) -> None:
        self.name, self.loss_id, self.factor, self.metric_ids = name, loss, factor, metric_ids
        # Made with the first batch, when shapes are known.
        self.loss: losses.Loss | None = None
        self.metrics: list[tuple[Any, bool]] | None = None  # and whether it is weighted
        self.tracker = metrics.Mean(name=f"{name}_loss")

    @property
    def is_trained(self) -> bool:
        """Whether there is a loss."""
        return self.loss_id is not None

    def resolve(self, y_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Make the loss and the metrics, some of which depend on the shapes."""
        if self.loss is None and self.is_trained:
            self.loss = make_loss(self.loss_id, y_shape, output_shape)
        if self.metrics is None:
            self.metrics = [
                (make_metric(identifier, y_shape, output_shape), weighted)
                for weighted, ids in zip((False, True), self.metric_ids, strict=True)
                for identifier in ids
            ]

    def check(self, y: Array, shape: tuple[int, ...], sample_weight: Array | None) -> None:
        """Raise ``ValueError`` if labels or weights do not fit outputs of ``shape``."""
        self.resolve(y.shape, shape)
        if self.loss is None:
            return
        labels, outputs = align(y, np.broadcast_to(np.float32(0.5), shape))
        self.loss.check_shapes(labels, outputs)
        if self.loss.broadcasts and labels.shape != outputs.shape:
            warn(
                f"Labels of shape {y.shape} are broadcast to outputs of shape {shape}, as Keras "
                "does: the loss compares each label with several outputs. If that is not meant, "
                "make the last layer and the labels agree."
            )
        self.loss.check_labels(labels)
        if sample_weight is not None:
            self.loss.check_sample_weight(labels, outputs, sample_weight)

    def value_and_gradient(
        self, y: Array, outputs: Array, sample_weight: Array | None, mask: Array | None
    ) -> tuple[float, Array | None]:
        """Return the loss times its factor, and its gradient."""
        if self.loss is None:
            return 0.0, None
        loss, gradient = self.loss.value_and_gradient(y, outputs, sample_weight, mask)
        self.tracker.add(loss, len(outputs))
        return self.factor * loss, gradient if self.factor == 1 else gradient * self.factor

    def weight_gradients(self) -> dict[int, Array]:
        """Return those of the last gradient to variables that the loss reads, by ``id``."""
        found = {} if self.loss is None else self.loss.weight_gradients
        return {key: self.factor * gradient for key, gradient in found.items()}

    def loss_of_tensors(self, y: Any, outputs: Any, sample_weight: Any, mask: Any) -> Any:
        """Return the loss times its factor, a tensor where the outputs are one."""
        self.resolve(np.shape(y), tuple(outputs.shape))
        if self.loss is None:
            return 0.0
        if not isinstance(outputs, TapeTensor):
            return self.factor * self.loss.value(y, np.asarray(outputs), sample_weight, mask)
        compute = self.loss.value_and_gradient
        loss = note_function(lambda values: compute(y, values, sample_weight, mask), outputs)
        self.tracker.add(float(loss), len(outputs.numpy()))
        return self.factor * loss

    def value(
        self, y: Array, outputs: Array, sample_weight: Array | None, mask: Array | None
    ) -> float:
        """Return the loss times its factor."""
        if self.loss is None:
            return 0.0
        loss = self.loss.value(y, outputs, sample_weight, mask)
        self.tracker.add(loss, len(outputs))
        return self.factor * loss

    def update(
        self, y: Array, outputs: Array, sample_weight: Array | None, mask: Array | None
    ) -> None:
        """Show a batch to the metrics."""
        for metric, weighted in self.metrics or []:
            weights = sample_weight if weighted else None
            # One of the user's need not take all of them.
            given = {} if weights is None else {"sample_weight": weights}
            if mask is not None and "mask" in inspect.signature(metric.update_state).parameters:
                given["mask"] = mask
            if type(metric).__module__.startswith("fastrnn."):
                metric.update_state(y, outputs, **given)
            else:  # one that may ask for `numpy()`
                metric.update_state(tensor_array(y), tensor_array(outputs), **given)


def is_crossentropy(identifier: Identifier) -> bool:
    """Whether the loss is the crossentropy that fits the shapes."""
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


def make_loss(
    identifier: Identifier, y_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> Any:
    """Return the loss that ``identifier`` means for labels and outputs of these shapes."""
    if is_crossentropy(identifier):
        identifier = f"{metrics.kind_for(y_shape, output_shape)}_crossentropy"
    return losses.get(identifier)


def make_metric(
    identifier: Identifier, y_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> Any:
    """Return the metric that ``identifier`` means for labels and outputs of these shapes."""
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        return metrics.accuracy_for(identifier, y_shape, output_shape)
    if is_crossentropy(identifier):
        metric = metrics.get(f"{metrics.kind_for(y_shape, output_shape)}_crossentropy")
        metric.name = identifier
        return metric
    metric = metrics.get(identifier)
    if not isinstance(metric, metrics.Metric):
        raise ValueError(errors.bad_argument("metrics", identifier, "names or metrics"))
    return metric


def per_output(argument: str, value: Nest, names: list[str]) -> list[Any]:
    """Return what ``value``, an argument of ``compile``, says of each output.

    Args:
        argument: name of the argument, in messages.
        value: one for all outputs, a list in their order, or a dict by their names.
        names: names of the outputs.

    Raises:
        ValueError: a list of another length, or a name that no output has.
    """
    if isinstance(value, dict) and "class_name" not in value:
        unknown = [key for key in value if key not in names]
        if unknown:
            raise ValueError(errors.not_one_of(argument, unknown[0], names))
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            expected = f"{len(names)} entries, one for each of {', '.join(names)}"
            raise ValueError(errors.bad_argument(argument, value, expected))
        return list(value)
    return [value] * len(names)


def as_list(value: Nest) -> list[Any]:
    """Return the items of a (nested) list, or the one item."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [item for entry in value.values() for item in as_list(entry)]
    if isinstance(value, (list, tuple)):
        return [item for entry in value for item in as_list(entry)]
    return [value]
