"""Trainer: fit, evaluate, predict and the batch methods of a model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.callbacks import CallbackList, History, ProgbarLogger
from fastrnn.core import errors
from fastrnn.core.checks import to_choice, to_number, to_positive_int
from fastrnn.models.trainer.data import (
    ArrayBatches,
    Batches,
    known_length,
    split,
)
from fastrnn.models.trainer.epochs import EpochStream
from fastrnn.models.trainer.objective import as_list
from fastrnn.models.trainer.steps import Steps, as_result
from fastrnn.models.trainer.truncation import Truncation

Array = npt.NDArray[Any]
TrainStep = Callable[[Any, Any, Any], dict[str, float]]


class Trainer(Steps):
    """The training methods of a model. What the model computes is its subclass's business."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stop_training = False
        self.history: History | None = None  # of the last `fit`
        # The place in the data of the `fit` that is running; `on_train_begin` may change it.
        self.epochs: EpochStream | None = None

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
        *,
        truncated_bptt: int | None = None,
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
            truncated_bptt: not in Keras: train on windows of so many time steps, one after the
                other, instead of whole sequences: truncated back-propagation through time
                (Williams and Peng, 1990). Recurrent layers begin each batch with zeros and carry
                their states from window to window, without gradient; each window makes an update,
                draws dropout masks, and counts as a batch in the mean of the loss. Inputs, labels
                and weights of steps are cut along axis 1, so the model's inputs are of any number
                of steps, ``Input((None, features))``, and its outputs are sequences. Its layers
                may not look at other time steps, but for ``SimpleRNN``, ``LSTM``, ``GRU`` and
                ``RNN``. Those that are stateful keep their states between batches too.

        Returns:
            The ``History`` of loss and metrics by epoch.

        Raises:
            ValueError: shapes, types or labels do not fit the model or each other. For arrays this
                is found before anything changes.
        """
        standard = self._is_standard("train_step")
        epochs = to_positive_int("epochs", epochs)
        if not isinstance(initial_epoch, (int, np.integer)) or initial_epoch < 0:
            expected = "an integer, 0 or more"
            raise ValueError(errors.bad_argument("initial_epoch", initial_epoch, expected))
        _check_steps("steps_per_epoch", steps_per_epoch)
        _check_steps("validation_steps", validation_steps)
        if not isinstance(validation_freq, (list, tuple, set, range)):
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
            if class_weight is not None:
                validation.sample_weight = None  # they weigh in training alone
        self._check_data(batches, labelled=standard)
        if validation is not None:
            self._check_data(validation, labelled=self._is_standard("test_step"))
        train_step: TrainStep = functools.partial(self._run_step, "train_step")
        if truncated_bptt is not None:
            train_step = self._truncated_step(train_step, truncated_bptt, batches)
        steps = steps_per_epoch or known_length(batches)
        hooks = self._callback_list(callbacks, verbose, epochs, steps, add_history=True)
        self.history = hooks.find(History)
        self.stop_training = False
        try:
            self._train_epochs(
                hooks, train_step, batches, range(initial_epoch, epochs), steps_per_epoch,
                validation, validation_steps, validation_freq,
            )  # fmt: skip
        finally:
            self.epochs = None
        return self.history

    def _truncated_step(self, train_step: TrainStep, steps: Any, batches: Batches) -> TrainStep:
        """Return what trains on a batch window by window."""
        truncation = Truncation(steps)
        truncation.prepare(self, *self._first_batch(batches)[:2])
        return functools.partial(truncation.train, train_step)

    def _train_epochs(
        self,
        hooks: CallbackList,
        train_step: TrainStep,
        batches: Batches,
        epochs: range,
        steps: int | None,
        validation: Batches | None,
        validation_steps: int | None,
        validation_freq: int | Sequence[int],
    ) -> None:
        assert self.optimizer is not None
        logs: dict[str, float] = {}
        self.epochs = stream = EpochStream(batches, steps, epochs.start)
        hooks.on_train_begin()
        for epoch in range(stream.epoch, epochs.stop):
            if not stream.step:
                self.reset_metrics()
            hooks.on_epoch_begin(epoch)
            for step, batch in enumerate(stream.rest_of_epoch(), stream.step):
                hooks.on_train_batch_begin(step)
                logs = train_step(*batch)
                hooks.on_train_batch_end(step, logs)
                if self.stop_training:
                    break
            logs = self._logs() if self._is_standard("train_step") else dict(logs)
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
        standard = self._is_standard("test_step")
        to_choice("return_dict", return_dict, (False, True))
        _check_steps("steps", steps)
        batches = self._make_batches(x, y, sample_weight, batch_size, False)
        self._check_data(batches, labelled=standard)
        hooks = self._callback_list(callbacks, verbose, 1, steps or known_length(batches))
        return as_result(self._test_loop(hooks, batches, steps), return_dict)

    def _test_loop(
        self, hooks: CallbackList, batches: Batches, steps: int | None
    ) -> dict[str, float]:
        self.reset_metrics()
        hooks.on_test_begin()
        logs = {}
        for step, batch in enumerate(EpochStream(batches, steps).rest_of_epoch()):
            hooks.on_test_batch_begin(step)
            logs = self._run_step("test_step", *batch)
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
        if verbose == 0 and not callbacks and steps is None and isinstance(x, np.ndarray):
            size = 32 if batch_size is None else to_positive_int("batch_size", batch_size)
            if x.ndim and len(x) <= size:
                return self.predict_on_batch(x)  # one batch, nobody who watches
        _check_steps("steps", steps)
        batches = self._make_batches(x, None, None, batch_size, False)
        self._check_data(batches, labelled=False)
        hooks = self._callback_list(callbacks, verbose, 1, steps or known_length(batches))
        hooks.on_predict_begin()
        parts = []
        for step, batch in enumerate(EpochStream(batches, steps).rest_of_epoch()):
            hooks.on_predict_batch_begin(step)
            outputs = self.predict_on_batch(batch[0])
            parts.append(outputs)
            hooks.on_predict_batch_end(step, {"outputs": outputs})
        hooks.on_predict_end({})
        if not parts:
            raise ValueError(errors.bad_argument("x", "no batch", "at least one batch"))
        return parts[0] if len(parts) == 1 else _join(parts)

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


def _join(parts: list[Any]) -> Any:
    """Return the outputs of all batches, in the structure of one."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: _join([part[key] for part in parts]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_join(list(output)) for output in zip(*parts, strict=True))
    return np.concatenate(parts)


def _check_steps(argument: str, steps: int | None) -> None:
    if steps is not None:
        to_positive_int(argument, steps)


def _is_due(epoch: int, frequency: int | Sequence[int]) -> bool:
    return (
        epoch % frequency == 0 if isinstance(frequency, (int, np.integer)) else epoch in frequency
    )
