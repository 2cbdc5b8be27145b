"""Truncated back-propagation through time: long sequences, trained on window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.rnn.base import RecurrentLayer
from fastrnn.layers.rnn.carrying import carried_states
from fastrnn.layers.rnn.rnn import RNN
from fastrnn.models.trainer.batches import Batch, arrays_in, count_samples, each
from fastrnn.models.trainer.trainable import Trainable
from fastrnn.typing import Nest

Array = npt.NDArray[Any]
ARGUMENT = "truncated_bptt"

RECURRENT = (RecurrentLayer, RNN)


class Truncation:
    """Cuts batches of sequences into windows along time, between which states are carried.

    Args:
        steps: time steps in a window; the last one of a batch may have fewer.

    Raises:
        ValueError: ``steps`` is no positive integer.

    >>> import numpy as np
    >>> from fastrnn import Input, Sequential
    >>> from fastrnn.layers import LSTM
    >>> model = Sequential([Input((None, 3)), LSTM(4, return_sequences=True)])
    >>> model.compile("adam", "mse")
    >>> x, y = np.zeros((2, 100, 3)), np.zeros((2, 100, 4))
    >>> history = model.fit(x, y, truncated_bptt=25, verbose=0)
    >>> int(model.optimizer.iterations)
    4
    """

    def __init__(self, steps: int) -> None:
        self.steps = to_positive_int(ARGUMENT, steps)
        self._recurrent: list[Any] = []

    def prepare(self, model: Trainable, x: Nest, y: Nest) -> None:
        """Find the layers of a built model that carry states.

        Args:
            model: the model.
            x: inputs of one batch: an array, or a list or dict of arrays.
            y: its labels, likewise.

        Raises:
            ValueError: a layer mixes time steps, an output has no time axis, or the data have not.
        """
        shapes = each(lambda array: array.shape, x)
        self._recurrent = _recurrent_layers(model.calls(shapes))
        if count_steps(x, y) > self.steps:
            self._check_window(model, x)

    def _check_window(self, model: Trainable, x: Nest) -> None:
        try:
            model.check_inputs(each(lambda array: array[:, : self.steps], x))
        except ValueError as error:
            expected = f"an Input of any number of time steps for windows of {self.steps}"
            remedy = "Write Input((None, features))."
            raise ValueError(errors.bad_argument(ARGUMENT, self.steps, expected, remedy)) from error

    def train(self, train_step: Callable[..., Any], x: Nest, y: Nest, sample_weight: Nest) -> Any:
        """Call ``train_step`` with each window of a batch; return what the last call returned.

        Raises:
            ValueError: the data have no time axis; nothing is trained then.
        """
        result = None
        timesteps = count_steps(x, y)
        with carried_states(self._recurrent, count_samples(x)):
            for window in self._windows(x, y, sample_weight, timesteps):
                result = train_step(*window)
        return result

    def _windows(self, x: Nest, y: Nest, sample_weight: Nest, timesteps: int) -> Iterator[Batch]:
        def cut(value: Nest) -> Any:
            return each(lambda array: _steps_of(array, start, end, timesteps), value)

        for start in range(0, timesteps, self.steps):
            end = start + self.steps
            yield cut(x), cut(y), cut(sample_weight)


def _steps_of(array: Array, start: int, end: int, timesteps: int) -> Array:
    """Return some steps of an array; all of it if it has no entry for each step, as weights may."""
    has_steps = array.ndim > 1 and array.shape[1] == timesteps
    return np.ascontiguousarray(array[:, start:end]) if has_steps else array


def count_steps(x: Nest, y: Nest) -> int:
    """Return the number of time steps, axis 1, of all inputs and labels of a batch.

    Raises:
        ValueError: an array has no such axis, or another number than the first input.
    """
    first = arrays_in(x)[0]
    for name, value in {"x": x, "y": y}.items():
        for array in arrays_in(value):
            if array is not None and (array.ndim < 2 or array.shape[1] != first.shape[1]):
                steps = first.shape[1] if first.ndim > 1 else "timesteps"
                expected = f"(batch, {steps}, …), an entry for each step, with `{ARGUMENT}`"
                raise ValueError(errors.bad_shape(name, array.shape, expected))
    return int(first.shape[1])


def _recurrent_layers(calls: list[Node]) -> list[Any]:
    """Return the recurrent layers of a model, and check that no layer looks at other steps.

    Raises:
        ValueError: one does, or a recurrent layer is called more than once.
    """
    found: list[Any] = []
    for node in calls:
        layer = node.layer
        shapes = [tensor.shape for tensor in node.tensors]
        inside = layer.calls(shapes if len(shapes) > 1 else shapes[0])
        if inside is not None:
            inner = _recurrent_layers(inside)
        else:
            _require_stepwise(node)
            inner = [layer] if isinstance(layer, RECURRENT) else []
        if any(one is other for one in inner for other in found):
            _refuse(layer.name, "is called more than once, and would share its states")
        found += inner
    return found


def _require_stepwise(node: Node) -> None:
    layer = node.layer
    if isinstance(layer, RECURRENT):
        if layer.go_backwards:
            _refuse(layer.name, "goes backwards")
        if "initial_state" in node.options:
            _refuse(layer.name, "is given an initial state")
    elif not layer.stepwise:
        remedy = "If it does not, wrap it in TimeDistributed."
        _refuse(layer.name, "may look at more than one time step", remedy)
    elif any(axis % node.outputs[0].ndim == 1 for axis in layer.mixed_axes):
        _refuse(layer.name, "computes along the time axis")
    if node.outputs[0].ndim < 3:
        _refuse(layer.name, "gives no outputs for each step", "Use `return_sequences=True`.")


def _refuse(name: str, reason: str, remedy: str = "") -> None:
    message = f"Argument `{ARGUMENT}` cannot be used with this model: layer {name!r} {reason}."
    raise ValueError(f"{message} {remedy}".rstrip())
