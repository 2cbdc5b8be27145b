"""Objectives: what a model is trained towards and measured by, once ``compile`` has chosen it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from fastrnn import losses, metrics
from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.nest import flatten, is_nested, unflatten
from fastrnn.models.trainer.objective import (
    Objective,
    as_list,
    is_crossentropy,
    make_metric,
    per_output,
)
from fastrnn.typing import Array, LossLike, MetricLike, Nest

_METRICS = ("metrics", "weighted_metrics")


class HasOutputs(Protocol):
    """A model, as its objectives see it."""

    name: str

    @property
    def names_of_outputs(self) -> list[str] | None:
        """Names by which losses and metrics are told apart; ``None`` where not known yet."""
        ...

    def flat_outputs(self, values: Nest) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        ...


class Objectives:
    """The losses and metrics of all outputs of a model.

    Args:
        model: the model.
        chosen: ``loss``, ``loss_weights``, ``metrics`` and ``weighted_metrics``, as ``compile``
            takes them; nothing where it has not been called.

    Raises:
        ValueError: a name is unknown, or the outputs are others.
    """

    def __init__(self, model: HasOutputs, chosen: Mapping[str, Any] | None = None) -> None:
        self._model = model
        self.chosen = dict(chosen or {})
        self.loss_tracker = metrics.Mean(name="loss")
        for identifier in _losses_in(self.chosen.get("loss")):
            if not is_crossentropy(identifier):
                losses.get(identifier)
        for identifier in itertools.chain(*(as_list(self.chosen.get(name)) for name in _METRICS)):
            make_metric(identifier, (1, 1), (1, 1))
        for factor in as_list(self.chosen.get("loss_weights")):
            to_number("loss_weights", factor)
        # One for each output; made at the first batch where the outputs are not known before.
        self._by_output: list[Objective] = []
        if chosen is not None and (names := model.names_of_outputs) is not None:
            self._by_output = _make(self.chosen, names)

    @property
    def has_loss(self) -> bool:
        """Whether an output is trained."""
        return bool(_losses_in(self.chosen.get("loss")))

    @property
    def metrics(self) -> list[Any]:
        """The tracker of the loss, and the metrics once shapes are known."""
        made = [metric for o in self._by_output for metric, _ in o.metrics or []]
        return [self.loss_tracker, *made]

    @property
    def trackers(self) -> list[Any]:
        """All that sees each batch: ``metrics``, and the trackers of the outputs' losses."""
        return [*self.metrics, *(objective.tracker for objective in self._by_output)]

    def reset(self) -> None:
        """Forget the batches."""
        for tracker in self.trackers:
            tracker.reset_state()

    # ---- one batch ----

    def check(self, y: Nest, sample_weight: Nest, shapes: Sequence[tuple[int, ...]]) -> None:
        """Raise ``ValueError`` if labels or weights do not fit outputs of ``shapes``."""
        if y is None:
            raise ValueError(errors.bad_argument("y", None, "labels"))
        labels = self._in_order("y", y)
        weights = self._in_order("sample_weight", sample_weight)
        for objective, label, weight, shape in zip(
            self._by_output, labels, weights, shapes, strict=True
        ):
            if label is None:
                if objective.is_trained:
                    received = f"no labels of {objective.name!r}"
                    raise ValueError(errors.bad_argument("y", received, "labels for each loss"))
                continue
            objective.check(label, (len(label), *shape[1:]), weight)

    def loss(self, y: Nest, outputs: Nest, sample_weight: Nest, mask: Nest) -> float:
        """Return the total loss."""
        batches = self._batches(y, outputs, sample_weight, mask)
        return sum((objective.value(*batch) for objective, *batch in batches), 0.0)

    @property
    def weight_gradients(self) -> dict[int, Array]:
        """Gradients that losses of the user's have to variables which they read, by ``id``."""
        sums: dict[int, Array] = {}
        for objective in self._by_output:
            for key, gradient in objective.weight_gradients().items():
                sums[key] = sums[key] + gradient if key in sums else gradient
        return sums

    def loss_and_gradient(
        self, y: Nest, outputs: Nest, sample_weight: Nest, mask: Nest
    ) -> tuple[float, Any]:
        """Return the total loss and, in the structure of the outputs, its gradient."""
        total, gradients = 0.0, []
        for objective, *batch in self._batches(y, outputs, sample_weight, mask):
            loss, d = objective.value_and_gradient(*batch)
            total += loss
            gradients.append(d)
        return total, unflatten(outputs, gradients)

    def loss_of_tensors(self, y: Nest, outputs: Nest, sample_weight: Nest) -> Any:
        """Return the total loss, a tensor where the outputs are tensors of a ``GradientTape``."""
        total: Any = 0.0
        for objective, *batch in self._batches(y, outputs, sample_weight, _masks(outputs)):
            total = objective.loss_of_tensors(*batch) + total
        return total

    def update_metrics(self, y: Nest, outputs: Nest, sample_weight: Nest) -> None:
        """Show a batch to the metrics."""
        if y is None:
            return
        arrays = unflatten(outputs, [np.asarray(output) for output in flatten(outputs)])
        for objective, *batch in self._batches(y, arrays, sample_weight, _masks(outputs)):
            if batch[0] is not None:
                objective.resolve(np.shape(batch[0]), batch[1].shape)
                objective.update(*batch)

    def track(
        self, loss: float, y: Nest, outputs: Nest, sample_weight: Nest, mask: Nest
    ) -> dict[str, float]:
        """Show a batch, whose total loss with all penalties is known, to the metrics.

        Returns:
            The logs: means of what has been seen.
        """
        for objective, *batch in self._batches(y, outputs, sample_weight, mask):
            if batch[0] is not None:
                objective.update(*batch)
        self.loss_tracker.add(loss, len(flatten(outputs)[0]))
        return self.logs()

    def logs(self) -> dict[str, float]:
        """Return the means of what has been seen, by their names."""
        logs = {"loss": self.loss_tracker.result()}
        trained = [objective for objective in self._by_output if objective.is_trained]
        if len(trained) > 1:
            for objective in trained:
                logs[f"{objective.name}_loss"] = objective.tracker.result()
        for objective in self._by_output:
            prefix = f"{objective.name}_" if len(self._by_output) > 1 else ""
            for metric, weighted in objective.metrics or []:
                result = metric.result()
                if isinstance(result, dict):
                    logs |= {f"{prefix}{key}": _as_number(value) for key, value in result.items()}
                else:
                    logs[_free_name(metric.name, prefix, weighted, logs)] = _as_number(result)
        return logs

    def _batches(self, y: Nest, outputs: Nest, sample_weight: Nest, mask: Nest) -> Iterator[Any]:
        """Give each output's objective with its labels, values, sample weights and mask."""
        labels = self._in_order("y", y)
        weights = self._in_order("sample_weight", sample_weight)
        return zip(self._by_output, labels, flatten(outputs), weights, flatten(mask), strict=True)

    def _in_order(self, argument: str, values: Nest) -> list[Any]:
        """Return one entry of ``values`` (labels, sample weights) for each output."""
        names = self._model.names_of_outputs or [self._model.name]
        if not self._by_output:
            self._by_output = _make(self.chosen, names)
        if len(names) == 1:
            return _sole_entry(argument, values)
        if argument == "sample_weight" and (values is None or isinstance(values, np.ndarray)):
            return [values] * len(names)
        if is_nested(values):
            values = self._model.flat_outputs(values)
        if isinstance(values, dict):
            return per_output(argument, values, names)
        if not isinstance(values, list) or len(values) != len(names):
            received = f"{len(values)} arrays" if isinstance(values, list) else "one array"
            expected = f"{len(names)} arrays, one for each of {', '.join(names)}"
            raise ValueError(errors.bad_argument(argument, received, expected))
        return values


def _as_number(result: Any) -> Any:
    """Return the result of a metric as a number; one of several numbers as an array."""
    if isinstance(result, float):
        return result
    array = np.asarray(result)
    return float(array.reshape(())) if array.size == 1 else array


def _masks(outputs: Nest) -> Any:
    """Return the masks that came with the outputs of a call in a ``GradientTape``."""
    return unflatten(outputs, [getattr(output, "mask", None) for output in flatten(outputs)])


def _sole_entry(argument: str, values: Nest) -> list[Any]:
    """Return what is given for the one output, in a list."""
    if not isinstance(values, (list, dict)):
        return [values]
    if len(values) != 1:
        expected = "one array: the model has one output"
        raise ValueError(errors.bad_argument(argument, f"{len(values)} arrays", expected))
    return list(values.values()) if isinstance(values, dict) else values


def _free_name(name: str, prefix: str, weighted: bool, logs: dict[str, float]) -> str:
    """Return the name of a metric in the logs that no other one has."""
    free = prefix + name
    if free in logs and weighted:
        free = f"{prefix}weighted_{name}"
    for k in itertools.count(1):
        if free not in logs:
            break
        free = f"{prefix}{name}_{k}"
    return free


def _losses_in(loss: Nest) -> list[Any]:
    """Return the identifiers in what was given as loss."""
    if isinstance(loss, dict) and "class_name" in loss:
        return [loss]
    return [identifier for identifier in as_list(loss) if identifier is not None]


def _make(chosen: dict[str, Any], names: list[str]) -> list[Objective]:
    """Return the objective of each output."""
    if len(names) == 1:
        ids = [as_list(chosen[argument]) for argument in _METRICS]
        factor = _only("loss_weights", chosen["loss_weights"])
        return [_objective(None, _only("loss", chosen["loss"]), factor, ids)]
    lists = {key: per_output(key, value, names) for key, value in chosen.items()}
    return [
        _objective(
            name,
            lists["loss"][k],
            lists["loss_weights"][k],
            [as_list(lists[argument][k]) for argument in _METRICS],
        )
        for k, name in enumerate(names)
    ]


def _objective(
    name: str | None, loss: LossLike, factor: float | None, ids: list[list[MetricLike]]
) -> Objective:
    number = 1.0 if factor is None else to_number("loss_weights", factor)
    return Objective(name, loss, number, (ids[0], ids[1]))


def _only(argument: str, value: Nest) -> Any:
    """Return the one entry of a list or dict for a model of one output."""
    items = list(value.values()) if isinstance(value, dict) and "class_name" not in value else value
    if not isinstance(items, (list, tuple)):
        return items
    if len(items) != 1:
        raise ValueError(
            errors.bad_argument(argument, value, "one entry: the model has one output")
        )
    return items[0]
