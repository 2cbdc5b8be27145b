"""Trainer: fit, evaluate, predict and the batch methods of a model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.callbacks import CallbackList, History, ProgbarLogger
from fastrnn.checks import to_choice, to_number, to_positive_int, to_real_array
from fastrnn.layers.base import CallContext
from fastrnn.models.compiled import Compiled
from fastrnn.models.data import (
    ArrayBatches,
    Batch,
    Batches,
    EpochStream,
    IterableBatches,
    arrays_in,
    class_weights_to_sample_weights,
    count_samples,
    each,
    known_length,
    make_batches,
    split,
    to_labels,
    unpack,
)
from fastrnn.models.objective import as_list
from fastrnn.models.quantize import require_trainable

Array = npt.NDArray[Any]


class Trainer(Compiled):
    """The training methods of a model. What the model computes is its subclass's business."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stop_training = False
        self.history: History | None = None  # of the last `fit`

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
        assert self.optimizer is not None
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
        self.optimizer.finalize_variable_values(self.trainable_weights)
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
        return parts[0] if len(parts) == 1 else _join(parts)

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
        penalties: list[float] = []
        context = CallContext(
            training=True, gradient=True, input_gradient=False, penalties=penalties
        )
        outputs, pullback, mask = self.run_masked(x, context)
        loss, gradient = self._losses(y, outputs, sample_weight, mask, gradient=True)
        assert pullback is not None
        _, gradients = pullback(gradient)
        variables = self.trainable_weights
        for k, variable in enumerate(variables):
            if variable.regularizer is not None:
                gradients[k] = gradients[k] + variable.regularizer.gradient(variable.value)
        total = loss + sum(penalties) + sum(self.losses)
        self.optimizer.apply(gradients, variables)
        return self._track(total, y, outputs, sample_weight, mask)

    def _test_step(self, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
        penalties: list[float] = []
        outputs, _, mask = self.run_masked(x, CallContext(penalties=penalties))
        loss, _ = self._losses(y, outputs, sample_weight, mask, gradient=False)
        total = loss + sum(penalties) + sum(self.losses)
        return self._track(total, y, outputs, sample_weight, mask)

    # ---- checks before anything changes ----

    def _make_batches(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: bool
    ) -> Batches:
        size = batch_size
        if batch_size is _WHOLE:
            x = self.convert_inputs(x)
            size = max(count_samples(x), 1) if all(a.ndim for a in arrays_in(x)) else 1
        return make_batches(x, y, sample_weight, size, shuffle, self.convert_inputs)

    def _training_batches(
        self, x: Any, y: Any, batch_size: Any, shuffle: bool, class_weight: Any, sample_weight: Any
    ) -> Batches:
        require_trainable(self)
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
            self._check_inputs(batches.part(slice(0, size))[0])
            # A model of a fixed batch size cannot take a last batch that is shorter.
            self._check_inputs(batches.part(slice((batches.samples - 1) // size * size, None))[0])
            if labelled:
                self._check_labels(batches.x, batches.y, batches.sample_weight)

    def _check_inputs(self, x: Any) -> None:
        if not self.built:
            self.build(each(lambda array: array.shape, x))
        self.check_inputs(x)

    def _check_batch(self, x: Any, y: Any, sample_weight: Any) -> Batch:
        """Return a batch as arrays, or raise ``ValueError`` if it does not fit the model."""
        x = self.convert_inputs(x)
        self._check_inputs(x)
        samples = count_samples(x)
        y = to_labels("y", y, samples, "x")
        sample_weight = to_labels("sample_weight", sample_weight, samples, "x")
        self._check_labels(x, y, sample_weight)
        return x, y, sample_weight

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
        given: list[Any] = as_list(callbacks)
        defaults = {History: add_history, ProgbarLogger: bool(verbose)}
        for kind, wanted in defaults.items():
            if wanted and not any(isinstance(callback, kind) for callback in given):
                given.append(kind())
        params = {"verbose": verbose, "epochs": epochs, "steps": steps}
        return CallbackList(given, self, params)


# Stands for "all samples in one batch".
_WHOLE: Any = object()


def _join(parts: list[Any]) -> Any:
    """Return the outputs of all batches, in the structure of one."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: _join([part[key] for part in parts]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_join(list(output)) for output in zip(*parts, strict=True))
    return np.concatenate(parts)


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
