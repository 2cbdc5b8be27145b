"""Compiled: what a model is trained with and measured by: optimizer, loss and metrics."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import losses, metrics, optimizers
from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.nest import is_nested, is_shape, leaves, rebuild
from fastrnn.layers.base.layer import Layer
from fastrnn.models.trainer.data import each
from fastrnn.models.trainer.objective import (
    Objective,
    as_list,
    is_crossentropy,
    make_metric,
    per_output,
)

Array = npt.NDArray[Any]


class Compiled(Layer):
    """A model with an optimizer, losses and metrics, once ``compile`` has chosen them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: Any = None
        self.compiled = False
        self._loss_tracker = metrics.Mean(name="loss")
        self._chosen: dict[str, Any] = {}
        # One for each output; made at the first batch.
        self._objectives: list[Objective] = []

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
            loss: name, object or function, see ``fastrnn.losses``. For a model of several outputs,
                one for all, a list, or a dict by their names; ``None`` among them for an output
                that is not trained.
            loss_weights: factor of the loss, or a list or dict of them; ``None`` is 1.
            metrics: names or objects, see ``fastrnn.metrics``; sample weights do not touch them.
                For several outputs, a list with an entry for each, or a dict.
            weighted_metrics: the same, with sample weights.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted; they have
                no effect here.

        Raises:
            ValueError: a name is unknown. The model stays compiled as it was.
        """
        chosen = optimizers.get(optimizer)
        if not isinstance(chosen, optimizers.Optimizer):
            raise ValueError(errors.bad_argument("optimizer", optimizer, "an optimizer"))
        for identifier in _losses_in(loss):
            if not is_crossentropy(identifier):
                losses.get(identifier)
        for identifier in itertools.chain(as_list(metrics), as_list(weighted_metrics)):
            make_metric(identifier, (1, 1), (1, 1))
        for factor in as_list(loss_weights):
            to_number("loss_weights", factor)
        specified = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics}
        specified["weighted_metrics"] = weighted_metrics
        names = self.names_of_outputs
        objectives = _make_objectives(specified, names) if names is not None else []
        self.optimizer, self.loss, self._chosen = chosen, loss, specified
        self._objectives = objectives
        self.compiled = True

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return what ``compile_from_config`` needs, ``None`` before ``compile``."""
        from fastrnn.models.trainer.compile_config import compile_config

        return compile_config(self)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with the arguments that ``get_compile_config`` returned.

        What of them is not known is left out, with a warning.
        """
        from fastrnn.models.trainer.compile_config import compile_from_config

        compile_from_config(self, config)

    @property
    def names_of_outputs(self) -> list[str] | None:
        """Names by which losses and metrics are told apart; ``None`` where not known yet."""
        return [self.name]

    @property
    def metrics(self) -> list[Any]:
        """The tracker of the loss, and the metrics once shapes are known."""
        made = [metric for o in self._objectives for metric, _ in o.metrics or []]
        return [self._loss_tracker, *made]

    @property
    def metrics_names(self) -> list[str]:
        """Names of ``metrics``, as the logs have them."""
        return list(self._logs())

    @property
    def trackers(self) -> list[Any]:
        """All that sees each batch: ``metrics``, and the trackers of the outputs' losses."""
        return [*self.metrics, *(objective.tracker for objective in self._objectives)]

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        for tracker in self.trackers:
            tracker.reset_state()

    def _require_compiled(self) -> None:
        if not self.compiled:
            raise ValueError(
                "The model is not compiled: call model.compile(optimizer=…, loss=…) first."
            )

    def _require_loss(self) -> None:
        self._require_compiled()
        if not _losses_in(self.loss):
            raise ValueError(
                errors.bad_argument("loss", None, "a loss", "Give one to model.compile.")
            )

    def _in_outputs_order(self, argument: str, values: Any) -> list[Any]:
        """Return one entry of ``values`` (labels, sample weights) for each output."""
        names = self.names_of_outputs or [self.name]
        if not self._objectives:
            self._objectives = _make_objectives(self._chosen, names)
        if len(names) == 1:
            if isinstance(values, (list, dict)) and len(values) != 1:
                expected = "one array: the model has one output"
                raise ValueError(errors.bad_argument(argument, f"{len(values)} arrays", expected))
            return (
                list(values.values())
                if isinstance(values, dict)
                else (values if isinstance(values, list) else [values])
            )
        if argument == "sample_weight" and (values is None or isinstance(values, np.ndarray)):
            return [values] * len(names)
        if is_nested(values):
            values = self.flat_outputs(values)
        if isinstance(values, dict):
            return per_output(argument, values, names)
        if not isinstance(values, list) or len(values) != len(names):
            received = f"{len(values)} arrays" if isinstance(values, list) else "one array"
            expected = f"{len(names)} arrays, one for each of {', '.join(names)}"
            raise ValueError(errors.bad_argument(argument, received, expected))
        return values

    def flat_outputs(self, values: Any) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        return leaves(values)

    def _check_labels(self, x: Any, y: Any, sample_weight: Any) -> None:
        if y is None:
            raise ValueError(errors.bad_argument("y", None, "labels"))
        labels = self._in_outputs_order("y", y)
        weights = self._in_outputs_order("sample_weight", sample_weight)
        shapes = self._output_shapes(x)
        for objective, label, weight, shape in zip(
            self._objectives, labels, weights, shapes, strict=True
        ):
            if label is None:
                if objective.is_trained:
                    received = f"no labels of {objective.name!r}"
                    raise ValueError(errors.bad_argument("y", received, "labels for each loss"))
                continue
            objective.check(label, (len(label), *shape[1:]), weight)

    def _output_shapes(self, x: Any) -> list[Any]:
        """Return the shapes of the outputs for inputs ``x``."""
        shapes = self.compute_output_shape(each(lambda array: array.shape, x))
        return leaves(shapes, is_shape)

    def _losses(
        self, y: Any, outputs: Any, sample_weight: Any, mask: Any, gradient: bool
    ) -> tuple[float, Any]:
        """Return the total loss and, in the structure of the outputs, its gradient."""
        total, gradients = 0.0, []
        for objective, *batch in self._by_output(y, outputs, sample_weight, mask):
            if gradient:
                loss, d = objective.value_and_gradient(*batch)
                gradients.append(d)
            else:
                loss = objective.value(*batch)
            total += loss
        if not gradient:
            return total, None
        return total, rebuild(outputs, gradients)

    def _by_output(self, y: Any, outputs: Any, sample_weight: Any, mask: Any) -> Any:
        values = leaves(outputs)
        masks = leaves(mask)
        labels = self._in_outputs_order("y", y)
        weights = self._in_outputs_order("sample_weight", sample_weight)
        return zip(self._objectives, labels, values, weights, masks, strict=True)

    def _track(
        self, loss: float, y: Any, outputs: Any, sample_weight: Any, mask: Any
    ) -> dict[str, float]:
        for objective, *batch in self._by_output(y, outputs, sample_weight, mask):
            if batch[0] is not None:
                objective.update(*batch)
        first = leaves(outputs)[0]
        self._loss_tracker.add(loss, len(first))
        return self._logs()

    def _logs(self) -> dict[str, float]:
        logs = {"loss": self._loss_tracker.result()}
        several = len(self._objectives) > 1
        trained = [objective for objective in self._objectives if objective.is_trained]
        if len(trained) > 1:
            for objective in trained:
                logs[f"{objective.name}_loss"] = objective.tracker.result()
        for objective in self._objectives:
            prefix = f"{objective.name}_" if several else ""
            for metric, weighted in objective.metrics or []:
                logs[_free_name(metric.name, prefix, weighted, logs)] = metric.result()
        return logs


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


def _losses_in(loss: Any) -> list[Any]:
    """Return the identifiers in what was given as loss."""
    if isinstance(loss, dict) and "class_name" in loss:
        return [loss]
    return [identifier for identifier in as_list(loss) if identifier is not None]


def _make_objectives(chosen: dict[str, Any], names: list[str]) -> list[Objective]:
    metric_arguments = ("metrics", "weighted_metrics")
    if len(names) == 1:
        ids = [as_list(chosen[argument]) for argument in metric_arguments]
        factor = _only("loss_weights", chosen["loss_weights"])
        return [_objective(None, _only("loss", chosen["loss"]), factor, ids)]
    lists = {key: per_output(key, value, names) for key, value in chosen.items()}
    return [
        _objective(
            name,
            lists["loss"][k],
            lists["loss_weights"][k],
            [as_list(lists[argument][k]) for argument in metric_arguments],
        )
        for k, name in enumerate(names)
    ]


def _objective(name: str | None, loss: Any, factor: Any, ids: list[list[Any]]) -> Objective:
    number = 1.0 if factor is None else to_number("loss_weights", factor)
    return Objective(name, loss, number, (ids[0], ids[1]))


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
