"""Loop: ``fit``, ``evaluate`` and ``predict`` of a model, batch by batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.callbacks import Callback, CallbackList, History, ProgbarLogger
from fastrnn.core import errors
from fastrnn.core.checks import to_choice, to_number, to_positive_int
from fastrnn.core.old_keywords import takes_old_keywords
from fastrnn.layers.base.layer import INFERENCE
from fastrnn.layers.base.structures import copy_if_aliased
from fastrnn.models.trainer.batches import ArrayBatches, Batches, known_length, make_batches
from fastrnn.models.trainer.checks import (
    ClassWeight,
    check_data,
    first_batch,
    split_off,
    training_batches,
    validation_batches,
)
from fastrnn.models.trainer.cursor import DataCursor
from fastrnn.models.trainer.objective import as_list
from fastrnn.models.trainer.packing import pack_x_y_sample_weight
from fastrnn.models.trainer.steps import Logs, as_result, checked_logs, is_standard
from fastrnn.models.trainer.trainable import Trainable
from fastrnn.models.trainer.truncation import Truncation
from fastrnn.typing import Nest

Callbacks = Callback | Sequence[Callback] | None
# Trains on a batch (x, y, sample_weight) and returns the logs.
TrainStep = Callable[..., Logs]


@dataclass
class Validation:
    """What ``fit`` evaluates after epochs.

    Attributes:
        batches: the data.
        steps: batches of each validation; ``None`` is all.
        freq: validate after each so many epochs, or after those listed (from 1).
    """

    batches: Batches
    steps: int | None
    freq: int | Sequence[int]

    def is_due(self, epoch: int) -> bool:
        """Whether ``epoch``, from 1, ends with a validation."""
        if isinstance(self.freq, (int, np.integer)):
            return bool(epoch % self.freq == 0)
        return epoch in self.freq


@takes_old_keywords
def fit(
    self: Trainable,
    x: Nest = None,
    y: Nest = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int | str = "auto",
    callbacks: Callbacks = None,
    validation_split: float = 0.0,
    validation_data: Nest = None,
    shuffle: bool = True,
    class_weight: ClassWeight = None,
    sample_weight: Nest = None,
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
    standard = is_standard(self, "train_step")
    epochs = to_positive_int("epochs", epochs)
    _check_counts(initial_epoch, steps_per_epoch, validation_steps, validation_freq)
    batches = training_batches(self, x, y, sample_weight, class_weight, batch_size, shuffle)
    held_out: Batches | None = None
    if validation_data is not None:
        held_out = validation_batches(self, validation_data, validation_batch_size or batch_size)
    elif to_number("validation_split", validation_split, 0, 1):
        batches, held_out = split_off(batches, validation_split, class_weight is not None)
    check_data(self, batches, labelled=standard)
    validation = None
    if held_out is not None:
        check_data(self, held_out, labelled=is_standard(self, "test_step"))
        validation = Validation(held_out, validation_steps, validation_freq)
    steps = steps_per_epoch or known_length(batches)
    truncation = None
    if truncated_bptt is not None:
        truncation = Truncation(truncated_bptt)
        truncation.prepare(self, *first_batch(self, batches)[:2])
    hooks = _callback_list(self, callbacks, verbose, epochs, steps, add_history=True)
    self.history, self.stop_training = hooks.find(History), False
    self.cursor = DataCursor(batches, steps_per_epoch, initial_epoch)
    try:
        _train(self, self.cursor, epochs, hooks, truncation, validation)
    finally:
        self.cursor = None
    return self.history


def _check_counts(
    initial_epoch: int,
    steps_per_epoch: int | None,
    validation_steps: int | None,
    validation_freq: int | Sequence[int],
) -> None:
    """Raise ``ValueError`` if an argument of ``fit`` counts nothing."""
    if not isinstance(initial_epoch, (int, np.integer)) or initial_epoch < 0:
        expected = "an integer, 0 or more"
        raise ValueError(errors.bad_argument("initial_epoch", initial_epoch, expected))
    _check_steps("steps_per_epoch", steps_per_epoch)
    _check_steps("validation_steps", validation_steps)
    if not isinstance(validation_freq, (list, tuple, set, range)):
        to_positive_int("validation_freq", validation_freq)


def _train(
    model: Trainable,
    cursor: DataCursor,
    epochs: int,
    hooks: CallbackList,
    truncation: Truncation | None,
    validation: Validation | None,
) -> None:
    """Train from the cursor on, until so many epochs are done or a callback ends it."""
    assert model.optimizer is not None
    logs: Logs = {}
    window_step = functools.partial(_train_on_window, model)
    hooks.on_train_begin()
    for epoch in range(cursor.epoch, epochs):
        if not cursor.step:
            model.reset_metrics()
        hooks.on_epoch_begin(epoch)
        for step, batch in enumerate(cursor.rest_of_epoch(), cursor.step):
            hooks.on_train_batch_begin(step)
            if truncation is None:
                logs = checked_logs("train_step", model.train_step(pack_x_y_sample_weight(*batch)))
            else:
                logs = truncation.train(window_step, *batch)
            hooks.on_train_batch_end(step, logs)
            if model.stop_training:
                break
        standard = is_standard(model, "train_step")
        logs = model.objectives.logs() if standard else dict(logs)
        if validation is not None and validation.is_due(epoch + 1):
            results = _evaluate(model, hooks, validation.batches, validation.steps)
            logs |= {f"val_{name}": value for name, value in results.items()}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_weights)
    hooks.on_train_end(logs)


def _train_on_window(model: Trainable, x: Nest, y: Nest, sample_weight: Nest) -> Logs:
    return checked_logs("train_step", model.train_step(pack_x_y_sample_weight(x, y, sample_weight)))


@takes_old_keywords
def evaluate(
    self: Trainable,
    x: Nest = None,
    y: Nest = None,
    batch_size: int | None = None,
    verbose: int | str = "auto",
    sample_weight: Nest = None,
    steps: int | None = None,
    callbacks: Callbacks = None,
    return_dict: bool = False,
) -> float | list[float] | Logs:
    """Return the loss and the metrics on ``x`` and ``y``, in inference mode.

    Args are those of ``fit``.

    Returns:
        The loss, or a list of the loss and the metrics if there are any; with ``return_dict``
        a dict.

    Raises:
        ValueError: as ``fit``.
    """
    standard = is_standard(self, "test_step")
    to_choice("return_dict", return_dict, (False, True))
    _check_steps("steps", steps)
    batches = make_batches(x, y, sample_weight, batch_size, False, self.convert_inputs)
    check_data(self, batches, labelled=standard)
    hooks = _callback_list(self, callbacks, verbose, 1, steps or known_length(batches))
    return as_result(_evaluate(self, hooks, batches, steps), return_dict)


def _evaluate(model: Trainable, hooks: CallbackList, batches: Batches, steps: int | None) -> Logs:
    """Return the logs of a pass over the data, in inference mode."""
    model.reset_metrics()
    hooks.on_test_begin()
    logs: Logs = {}
    for step, batch in enumerate(DataCursor(batches, steps).rest_of_epoch()):
        hooks.on_test_batch_begin(step)
        logs = checked_logs("test_step", model.test_step(pack_x_y_sample_weight(*batch)))
        hooks.on_test_batch_end(step, logs)
    hooks.on_test_end(logs)
    return logs


@takes_old_keywords
def predict(
    self: Trainable,
    x: Nest,
    batch_size: int | None = None,
    verbose: int | str = "auto",
    steps: int | None = None,
    callbacks: Callbacks = None,
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
        if x.ndim and len(x) <= size:  # one batch, nobody who watches
            x = self.accept(x)
            return copy_if_aliased(self.run(x, INFERENCE)[0], x)
    _check_steps("steps", steps)
    batches = make_batches(x, None, None, batch_size, False, self.convert_inputs)
    check_data(self, batches, labelled=False)
    hooks = _callback_list(self, callbacks, verbose, 1, steps or known_length(batches))
    hooks.on_predict_begin()
    parts = []
    for step, (inputs, *_) in enumerate(DataCursor(batches, steps).rest_of_epoch()):
        hooks.on_predict_batch_begin(step)
        clean = inputs if isinstance(batches, ArrayBatches) else self.accept(inputs)
        outputs = copy_if_aliased(self.run(clean, INFERENCE)[0], clean)
        parts.append(outputs)
        hooks.on_predict_batch_end(step, {"outputs": outputs})
    hooks.on_predict_end({})
    if not parts:
        raise ValueError(errors.bad_argument("x", "no batch", "at least one batch"))
    return parts[0] if len(parts) == 1 else _join(parts)


def _callback_list(
    model: Trainable,
    callbacks: Callbacks,
    verbose: int | str,
    epochs: int,
    steps: int | None,
    add_history: bool = False,
) -> CallbackList:
    """Return the given callbacks, and those that are always there where none is given."""
    if verbose != "auto" and not isinstance(verbose, (int, np.integer)):
        raise ValueError(errors.not_one_of("verbose", verbose, ("auto", 0, 1, 2)))
    if verbose == "auto":
        verbose = 1 if config.is_interactive_logging_enabled() else 2
    verbose = int(verbose) * (verbose in (1, 2))  # others are silent
    if isinstance(callbacks, CallbackList):
        return callbacks
    given: list[Any] = as_list(callbacks)
    defaults = {History: add_history, ProgbarLogger: bool(verbose)}
    for kind, wanted in defaults.items():
        if wanted and not any(isinstance(callback, kind) for callback in given):
            given.append(kind())
    params = {"verbose": verbose, "epochs": epochs, "steps": steps}
    return CallbackList(given, model, params)


def _join(parts: list[Any]) -> Any:
    """Return the outputs of all batches, in the structure of one."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: _join([part[key] for part in parts]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_join(list(output)) for output in zip(*parts, strict=True))
    shapes = list(dict.fromkeys(part.shape[1:] for part in parts))
    if len(shapes) > 1:
        expected = "batches whose outputs have one length, to be joined"
        remedy = "Pad them to one length, or call predict_on_batch for each batch."
        raise ValueError(errors.bad_argument("x", f"outputs of {shapes[:5]}", expected, remedy))
    return np.concatenate(parts)


def _check_steps(argument: str, steps: int | None) -> None:
    if steps is not None:
        to_positive_int(argument, steps)
