"""Trainer: compile, fit, evaluate, predict and the batch methods of a model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors, losses, metrics, optimizers
from fastrnn.callbacks import CallbackList, History, ProgbarLogger
from fastrnn.checks import to_choice, to_number, to_positive_int, to_real_array
from fastrnn.layers.base import CallContext, Layer
from fastrnn.losses.alignment import align
from fastrnn.models.data import (
    ArrayBatches,
    Batches,
    EpochStream,
    IterableBatches,
    check_length,
    class_weights_to_sample_weights,
    known_length,
    make_batches,
    split,
    unpack,
)

Array = npt.NDArray[Any]


class Trainer(Layer):
    """The training methods of a model. What the model computes is its subclass's business."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: Any = None
        self.compiled = False
        self.stop_training = False
        self.history: History | None = None  # of the last `fit`
        self._loss_tracker = metrics.Mean(name="loss")
        self._loss_object: losses.Loss | None = None
        self._metric_ids: tuple[list[Any], list[Any]] = ([], [])
        # Made at the first batch, when shapes are known: (metric, whether it is weighted).
        self._metrics: list[tuple[Any, bool]] | None = None

    # ---- compile ----

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
        ids = (_as_list(metrics), _as_list(weighted_metrics))
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

    # ---- fit, evaluate, predict ----

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Train on batches of ``x`` and ``y``.

        Args:
            x: inputs (samples, …), or an object that gives batches (x, y[, sample_weight]).
            y: labels (samples, …).
            batch_size: samples in a batch, 32 unless given.
            epochs: number of the last epoch: passes over the data, less ``initial_epoch``.
            verbose: 0 silent, 1 a bar (a line an epoch where the output is no terminal), 2 a line
                an epoch; ``"auto"`` is 1.
            callbacks: see ``fastrnn.callbacks``.
            validation_split: share of the samples, the last ones, kept for validation.
            validation_data: (x, y[, sample_weight]), or an object that gives batches.
            shuffle: whether the order of the samples is drawn anew for each epoch.
            class_weight: weight of the samples by their label.
            sample_weight: weight of each sample (samples,), or each step (samples, timesteps).
            initial_epoch: number of the first epoch, from 0.
            steps_per_epoch: batches in an epoch, all unless given.
            validation_steps: batches of each validation, all unless given.
            validation_batch_size: as ``batch_size``, for validation.
            validation_freq: validate after each so many epochs, or after those listed (from 1).

        Returns:
            The ``History`` of loss and metrics by epoch.

        Raises:
            ValueError: shapes, types or labels do not fit the model or each other. For arrays this
                is found before anything changes.
        """
        self._require_loss()
        epochs = to_positive_int("epochs", epochs)
        if not isinstance(initial_epoch, (int, np.integer)) or initial_epoch < 0:
            expected = "an integer, 0 or more"
            raise ValueError(errors.bad_argument("initial_epoch", initial_epoch, expected))
        _check_steps("steps_per_epoch", steps_per_epoch)
        _check_steps("validation_steps", validation_steps)
        if isinstance(validation_freq, (int, np.integer)):
            to_positive_int("validation_freq", validation_freq)
        batches = self._training_batches(x, y, batch_size, shuffle, class_weight, sample_weight)
        validation = self._validation_batches(validation_data, validation_batch_size or batch_size)
        if validation is None and to_number("validation_split", validation_split, 0, 1):
            if not isinstance(batches, ArrayBatches):
                expected = "0 for data that comes in batches"
                raise ValueError(
                    errors.bad_argument("validation_split", validation_split, expected)
                )
            batches, validation = split(batches, validation_split)
        for data in (batches, validation):
            self._check_data(data)
        steps = steps_per_epoch or known_length(batches)
        hooks = self._callback_list(callbacks, verbose, epochs, steps, add_history=True)
        self.history = hooks.find(History)
        self.stop_training = False
        self._train_epochs(
            hooks, batches, range(initial_epoch, epochs), steps_per_epoch, validation,
            validation_steps, validation_freq,
        )  # fmt: skip
        return self.history

    def _train_epochs(
        self,
        hooks: CallbackList,
        batches: Batches,
        epochs: range,
        steps: int | None,
        validation: Batches | None,
        validation_steps: int | None,
        validation_freq: int | Sequence[int],
    ) -> None:
        logs: dict[str, float] = {}
        hooks.on_train_begin()
        stream = EpochStream(batches, steps)
        for epoch in epochs:
            self.reset_metrics()
            hooks.on_epoch_begin(epoch)
            for step, batch in enumerate(stream.epoch()):
                hooks.on_train_batch_begin(step)
                logs = self._train_step(*batch)
                hooks.on_train_batch_end(step, logs)
                if self.stop_training:
                    break
            logs = self._logs()
            if validation is not None and _is_due(epoch + 1, validation_freq):
                results = self._test_loop(hooks, validation, validation_steps)
                logs |= {f"val_{name}": value for name, value in results.items()}
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        hooks.on_train_end(logs)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and the metrics on ``x`` and ``y``, in inference mode.

        Args are those of ``fit``.

        Returns:
            The loss, or a list of the loss and the metrics if there are any; with ``return_dict``
            a dict.

        Raises:
            ValueError: as ``fit``.
        """
        self._require_loss()
        to_choice("return_dict", return_dict, (False, True))
        _check_steps("steps", steps)
        batches = self._make_batches(x, y, sample_weight, batch_size, False)
        self._check_data(batches)
        hooks = self._callback_list(callbacks, verbose, 1, steps or known_length(batches))
        return _as_result(self._test_loop(hooks, batches, steps), return_dict)

    def _test_loop(
        self, hooks: CallbackList, batches: Batches, steps: int | None
    ) -> dict[str, float]:
        self.reset_metrics()
        hooks.on_test_begin()
        logs = {}
        for step, batch in enumerate(itertools.islice(batches, steps)):
            hooks.on_test_batch_begin(step)
            logs = self._test_step(*batch)
            hooks.on_test_batch_end(step, logs)
        hooks.on_test_end(logs)
        return logs

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs for ``x``, computed batch by batch in inference mode.

        Args:
            x: inputs (samples, …), or an object that gives batches.
            batch_size: samples in a batch, 32 unless given.
            verbose: as in ``fit``.
            steps: number of batches, all unless given.
            callbacks: see ``fastrnn.callbacks``.

        Raises:
            ValueError: the inputs do not fit the model.
        """
        _check_steps("steps", steps)
        batches = self._make_batches(x, None, None, batch_size, False)
        self._check_data(batches, labelled=False)
        hooks = self._callback_list(callbacks, verbose, 1, steps or known_length(batches))
        hooks.on_predict_begin()
        parts = []
        for step, batch in enumerate(itertools.islice(batches, steps)):
            hooks.on_predict_batch_begin(step)
            outputs = self.predict_on_batch(batch[0])
            parts.append(outputs)
            hooks.on_predict_batch_end(step, {"outputs": outputs})
        hooks.on_predict_end({})
        if not parts:
            raise ValueError(errors.bad_argument("x", "no batch", "at least one batch"))
        if isinstance(parts[0], tuple):
            return tuple(np.concatenate(output) for output in zip(*parts, strict=True))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    # ---- one batch ----

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch, in inference mode."""
        return self(x)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Train on one batch; return its loss before the update and metrics, as ``evaluate``."""
        self._require_loss()
        to_choice("return_dict", return_dict, (False, True))
        data = self._training_batches(x, y, _WHOLE, False, class_weight, sample_weight)
        self._check_data(data)
        self.reset_metrics()
        return _as_result(self._train_step(*next(iter(data))), return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return loss and metrics of one batch, in inference mode."""
        self._require_loss()
        to_choice("return_dict", return_dict, (False, True))
        data = self._make_batches(x, y, sample_weight, _WHOLE, False)
        self._check_data(data)
        self.reset_metrics()
        return _as_result(self._test_step(*next(iter(data))), return_dict)

    def _train_step(self, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
        assert self.optimizer is not None
        assert self._loss_object is not None
        penalties: list[float] = []
        context = CallContext(training=True, gradient=True, penalties=penalties)
        outputs, pullback, mask = self.run_masked(x, context)
        loss, gradient = self._loss_object.value_and_gradient(y, outputs, sample_weight, mask)
        if self._loss_factor != 1:
            gradient = gradient * self._loss_factor
        assert pullback is not None
        _, gradients = pullback(gradient)
        variables = self.trainable_weights
        for k, variable in enumerate(variables):
            if variable.regularizer is not None:
                gradients[k] = gradients[k] + variable.regularizer.gradient(variable.value)
        total = loss * self._loss_factor + sum(penalties) + sum(self.losses)
        self.optimizer.apply(gradients, variables)
        return self._track(total, y, outputs, sample_weight, mask)

    def _test_step(self, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
        assert self._loss_object is not None
        penalties: list[float] = []
        outputs, _, mask = self.run_masked(x, CallContext(penalties=penalties))
        loss = self._loss_object.value(y, outputs, sample_weight, mask)
        total = loss * self._loss_factor + sum(penalties) + sum(self.losses)
        return self._track(total, y, outputs, sample_weight, mask)

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

    # ---- checks before anything changes ----

    def _require_loss(self) -> None:
        if not self.compiled:
            raise ValueError(
                "The model is not compiled: call model.compile(optimizer=…, loss=…) first."
            )
        if self.loss is None:
            raise ValueError(
                errors.bad_argument("loss", None, "a loss", "Give one to model.compile.")
            )

    def _make_batches(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: bool
    ) -> Batches:
        size = batch_size
        if batch_size is _WHOLE:
            x = self.convert_inputs(x)
            size = max(len(x), 1) if x.ndim else 1
        return make_batches(x, y, sample_weight, size, shuffle, self.convert_inputs)

    def _training_batches(
        self, x: Any, y: Any, batch_size: Any, shuffle: bool, class_weight: Any, sample_weight: Any
    ) -> Batches:
        if class_weight is not None:
            if sample_weight is not None:
                expected = "None beside `class_weight`"
                received = type(sample_weight).__name__
                raise ValueError(errors.bad_argument("sample_weight", received, expected))
            if y is None:
                raise ValueError(errors.bad_argument("y", None, "labels, with `class_weight`"))
            sample_weight = class_weights_to_sample_weights(to_real_array("y", y), class_weight)
        return self._make_batches(x, y, sample_weight, batch_size, bool(shuffle))

    def _validation_batches(self, data: Any, batch_size: int | None) -> Batches | None:
        if data is None:
            return None
        if isinstance(data, (tuple, list)):
            return self._make_batches(*unpack(data), batch_size, False)
        return self._make_batches(data, None, None, batch_size, False)

    def _check_data(self, batches: Batches | None, labelled: bool = True) -> None:
        """Build the model, and raise ``ValueError`` if the data do not fit it.

        Data that come in batches are checked batch by batch, the first one now.
        """
        if isinstance(batches, IterableBatches):
            batches.check = self._check_batch if labelled else None
            x, y, sample_weight = batches.peek()
            if labelled:
                self._check_batch(x, y, sample_weight)
            else:
                self._check_inputs(self.convert_inputs(x))
        elif batches is not None:
            size = batches.batch_size
            self._check_inputs(batches.x[:size])
            # A model of a fixed batch size cannot take a last batch that is shorter.
            self._check_inputs(batches.x[(len(batches.x) - 1) // size * size :])
            if labelled:
                self._check_labels(batches.x, batches.y, batches.sample_weight)

    def _check_inputs(self, x: Array) -> None:
        if not self.built:
            self.build(x.shape)
        self.check_inputs(x)

    def _check_batch(self, x: Any, y: Any, sample_weight: Any) -> None:
        x = self.convert_inputs(x)
        self._check_inputs(x)
        if y is not None:
            y = to_real_array("y", y)
            check_length("y", y, len(x), "x")
        if sample_weight is not None:
            sample_weight = to_real_array("sample_weight", sample_weight)
            check_length("sample_weight", sample_weight, len(x), "x")
        self._check_labels(x, y, sample_weight)

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

    def _callback_list(
        self,
        callbacks: Any,
        verbose: Any,
        epochs: int,
        steps: int | None,
        add_history: bool = False,
    ) -> CallbackList:
        """Return the given callbacks, and those that are always there where none is given."""
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(errors.not_one_of("verbose", verbose, ("auto", 0, 1, 2)))
        verbose = 1 if verbose == "auto" else int(verbose)
        if isinstance(callbacks, CallbackList):
            return callbacks
        given: list[Any] = _as_list(callbacks)
        defaults = {History: add_history, ProgbarLogger: bool(verbose)}
        for kind, wanted in defaults.items():
            if wanted and not any(isinstance(callback, kind) for callback in given):
                given.append(kind())
        params = {"verbose": verbose, "epochs": epochs, "steps": steps}
        return CallbackList(given, self, params)


# Stands for "all samples in one batch".
_WHOLE: Any = object()


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


def _as_list(value: Any) -> list[Any]:
    """Return the items of a (nested) list, or the one item."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [item for entry in value.values() for item in _as_list(entry)]
    if isinstance(value, (list, tuple)):
        return [item for entry in value for item in _as_list(entry)]
    return [value]


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


def _as_result(logs: dict[str, float], return_dict: bool) -> Any:
    if return_dict:
        return dict(sorted(logs.items()))
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _check_steps(argument: str, steps: int | None) -> None:
    if steps is not None:
        to_positive_int(argument, steps)


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    return (
        epoch % frequency == 0 if isinstance(frequency, (int, np.integer)) else epoch in frequency
    )
