"""The state of a training, as arrays: all that it needs to go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastrnn.core import errors, random
from fastrnn.layers.base.layer import Layer, iterate_layers
from fastrnn.layers.rnn.carrying import loops_of
from fastrnn.metrics import Metric
from fastrnn.typing import Array


def training_state(model: Any) -> dict[str, Array]:
    """Return the state of the ``fit`` of ``model`` that is running.

    It holds the weights, the optimizer's variables, the states that recurrent layers have kept, the
    states of all generators (dropout, the order of the samples), what the metrics have seen of the
    epoch, and the place in the data.
    """
    arrays: dict[str, Any] = {
        name: variable.value for name, variable in _named_variables(model).items()
    }
    for k, loop in enumerate(_stateful_loops(model)):
        arrays |= {f"states/{k}/{j}": state for j, state in enumerate(loop.states)}
    for k, generator in enumerate(_generators(model)):
        arrays[f"generators/{k}"] = random.state_of(generator)
    for k, metric in enumerate(model.objectives.trackers):
        arrays |= {f"metrics/{k}/{name}": value for name, value in _numbers(metric).items()}
    arrays |= {f"stream/{name}": value for name, value in model.cursor.state().items()}
    return {name: np.asarray(value) for name, value in arrays.items()}


def restore_training_state(model: Any, arrays: dict[str, Array]) -> None:
    """Let the ``fit`` of ``model`` that begins go on from a state.

    Raises:
        ValueError: the state is that of another model, optimizer or data. Nothing is changed then.
    """
    variables = _named_variables(model)
    _check(arrays, training_state(model))
    for name, variable in variables.items():
        variable.value[...] = arrays[name]
    for k, loop in enumerate(_stateful_loops(model)):
        loop.states = [arrays[f"states/{k}/{j}"] for j in range(len(loop.states))]
    for k, generator in enumerate(_generators(model)):
        random.set_state(generator, arrays[f"generators/{k}"])
    for k, metric in enumerate(model.objectives.trackers):
        for name, array in _part(arrays, f"metrics/{k}/").items():
            setattr(metric, name, array if array.ndim else array.item())
    model.cursor.set_state(_part(arrays, "stream/"))


def _part(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {k.removeprefix(prefix): array for k, array in arrays.items() if k.startswith(prefix)}


def _check(arrays: dict[str, Array], own: dict[str, Array]) -> None:
    """Raise ``ValueError`` if names or shapes differ, but for what metrics have seen."""

    def shapes(of: dict[str, Array]) -> set[Any]:
        return {(name, a.shape) for name, a in of.items() if not name.startswith("metrics/")}

    differences = sorted(shapes(arrays) ^ shapes(own))
    if differences:
        received = ", ".join(f"{name} {shape}" for name, shape in differences)
        expected = "that of a training of the same model, optimizer and data"
        raise ValueError(errors.bad_argument("state", f"other or missing: {received}", expected))


def _named_variables(model: Any) -> dict[str, Any]:
    """Return weights and the variables of the optimizer, under their numbers."""
    model.optimizer.build(model.trainable_weights)
    groups = {"weights": model.weights, type(model.optimizer).__name__: model.optimizer.variables}
    return {f"{name}/{k}": v for name, group in groups.items() for k, v in enumerate(group)}


def _layers(model: Layer) -> Iterator[Layer]:
    yield from {id(layer): layer for layer in iterate_layers(model)}.values()


def _stateful_loops(model: Layer) -> list[Any]:
    return [loop for layer in _layers(model) for loop in loops_of(layer) if loop.states is not None]


def _generators(model: Layer) -> list[np.random.Generator]:
    found = map(random.generator_of, _layers(model))
    return [generator for generator in found if generator is not None]


def _numbers(metric: Metric) -> dict[str, Any]:
    """Return the attributes of a metric that are numbers or arrays."""
    kinds = (int, float, np.number, np.ndarray)
    return {name: value for name, value in vars(metric).items() if isinstance(value, kinds)}
