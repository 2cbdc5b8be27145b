"""Compiled: what a model is trained with and measured by: optimizer, loss and metrics."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors, losses, metrics, optimizers
from fastrnn.checks import to_number
from fastrnn.layers.base import Layer
from fastrnn.losses.alignment import align

Array = npt.NDArray[Any]


class Compiled(Layer):
    """A model with an optimizer, a loss and metrics, once ``compile`` has chosen them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: Any = None
        self.compiled = False
        self._loss_tracker = metrics.Mean(name="loss")
        self._loss_object: losses.Loss | None = None
        self._metric_ids: tuple[list[Any], list[Any]] = ([], [])
        # Made at the first batch, when shapes are known: (metric, whether it is weighted).
        self._metrics: list[tuple[Any, bool]] | None = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Choose how the model is trained and measured.

        Args:
            optimizer: name or object, see ``fastrnn.optimizers``.
            loss: name, object or function, see ``fastrnn.losses``.
            loss_weights: factor of the loss, or a list with one; ``None`` is 1.
            metrics: names or objects, see ``fastrnn.metrics``; sample weights do not touch them.
            weighted_metrics: the same, with sample weights.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted; they have
                no effect here.

        Raises:
            ValueError: a name is unknown. The model stays compiled as it was.
        """
        chosen = optimizers.get(optimizer)
        if not isinstance(chosen, optimizers.Optimizer):
            raise ValueError(errors.bad_argument("optimizer", optimizer, "an optimizer"))
        loss = _only("loss", loss)
        if isinstance(loss, str) and loss.lower() in ("crossentropy", "ce"):
            loss_object = None
        else:
            loss_object = losses.get(loss)
        ids = (as_list(metrics), as_list(weighted_metrics))
        for identifier in itertools.chain(*ids):
            _make_metric(identifier, (1, 1), (1, 1))
        factor = _only("loss_weights", loss_weights)
        self._loss_factor = 1.0 if factor is None else to_number("loss_weights", factor)
        self.optimizer, self.loss, self._loss_object = chosen, loss, loss_object
        self._metric_ids, self._metrics = ids, None
        self.compiled = True

    @property
    def metrics(self) -> list[Any]:
        """The tracker of the loss, and the metrics once shapes are known."""
        return [self._loss_tracker, *(metric for metric, _ in self._metrics or [])]

    @property
    def metrics_names(self) -> list[str]:
        """Names of ``metrics``, as the logs have them."""
        return list(self._logs())

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        for metric in self.metrics:
            metric.reset_state()

    def _require_loss(self) -> None:
        if not self.compiled:
            raise ValueError(
                "The model is not compiled: call model.compile(optimizer=…, loss=…) first."
            )
        if self.loss is None:
            raise ValueError(
                errors.bad_argument("loss", None, "a loss", "Give one to model.compile.")
            )

    def _resolve(self, y_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Make the loss and the metrics whose kind depends on the shapes."""
        if self._loss_object is None:
            self._loss_object = losses.get(
                f"{metrics.kind_for(y_shape, output_shape)}_crossentropy"
            )
        if self._metrics is None:
            self._metrics = [
                (_make_metric(identifier, y_shape, output_shape), weighted)
                for weighted, ids in zip((False, True), self._metric_ids, strict=True)
                for identifier in ids
            ]

    def _check_labels(self, x: Array, y: Array | None, sample_weight: Array | None) -> None:
        if y is None:
            raise ValueError(errors.bad_argument("y", None, "labels"))
        shape = self.compute_output_shape((len(y), *x.shape[1:]))
        self._resolve(y.shape, shape)
        assert self._loss_object is not None
        labels, outputs = align(y, np.broadcast_to(np.float32(0.5), shape))
        self._loss_object.check_shapes(labels, outputs)
        self._loss_object.check_labels(labels)
        if sample_weight is not None:
            self._loss_object.check_sample_weight(labels, outputs, sample_weight)

    def _track(
        self, loss: float, y: Array, outputs: Array, sample_weight: Any, mask: Any
    ) -> dict[str, float]:
        self._loss_tracker.add(loss, len(outputs))
        for metric, weighted in self._metrics or []:
            weights = sample_weight if weighted else None
            if isinstance(metric, metrics.MeanMetricWrapper):
                metric.update_state(y, outputs, weights, mask=mask)
            else:
                metric.update_state(y, outputs, sample_weight=weights)
        return self._logs()

    def _logs(self) -> dict[str, float]:
        logs = {"loss": self._loss_tracker.result()}
        for metric, weighted in self._metrics or []:
            name = metric.name
            if name in logs and weighted:
                name = f"weighted_{name}"
            for k in itertools.count(1):
                if name not in logs:
                    break
                name = f"{metric.name}_{k}"
            logs[name] = metric.result()
        return logs


def _make_metric(identifier: Any, y_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Any:
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        return metrics.accuracy_for(identifier, y_shape, output_shape)
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        metric = metrics.get(f"{metrics.kind_for(y_shape, output_shape)}_crossentropy")
        metric.name = identifier
        return metric
    metric = metrics.get(identifier)
    if not isinstance(metric, metrics.Metric):
        raise ValueError(errors.bad_argument("metrics", identifier, "names or metrics"))
    return metric


def _only(argument: str, value: Any) -> Any:
    """Return the one entry of a list or dict for a model of one output."""
    items = list(value.values()) if isinstance(value, dict) and "class_name" not in value else value
    if not isinstance(items, (list, tuple)):
        return items
    if len(items) != 1:
        raise ValueError(
            errors.bad_argument(argument, value, "one entry: the model has one output")
        )
    return items[0]


def as_list(value: Any) -> list[Any]:
    """Return the items of a (nested) list, or the one item."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [item for entry in value.values() for item in as_list(entry)]
    if isinstance(value, (list, tuple)):
        return [item for entry in value for item in as_list(entry)]
    return [value]
