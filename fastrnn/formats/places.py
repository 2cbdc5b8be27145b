"""Places: where the variables of a model stand in files, named as Keras names them.

A place is the path of attributes and class names that leads to a layer:
``layers/bidirectional_1/forward_layer/cell``. Names of layers do not count, so a file fits a model
that was made anew.
"""

from __future__ import annotations

import collections
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fastrnn.core.class_table import to_snake_case
from fastrnn.core.user_warnings import warn
from fastrnn.core.variable import Variable
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.protocols import SavableLayer, SavableModel
from fastrnn.formats.stored import Stored
from fastrnn.layers.operations.operation_layer import OperationLayer
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Array

OPTIMIZER = "optimizer"
# Parts of places that Keras's files have beside a model's weights, or had in older versions.
_BESIDE = (
    OPTIMIZER, "seed_generator", "_seed_generator", "_metrics", "metrics", "_loss_tracker",
    "idf_weights",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A layer or optimizer, where it stands in a model, and the variables of its own."""

    path: str
    owner: SavableLayer | Optimizer
    variables: Sequence[Variable]

    def paths(self) -> list[str]:
        """Return the path of each variable."""
        group = f"{self.path}/vars" if self.path else "vars"
        return [f"{group}/{k}" for k in range(len(self.variables))]

    def fits(self, stored: Mapping[str, Stored]) -> bool:
        """Whether a file has an array of the right shape for each variable."""
        pairs = zip(self.paths(), self.variables, strict=True)
        return all(path in stored and stored[path].shape == v.shape for path, v in pairs)


def fitting(places: Sequence[Place], stored: Mapping[str, Stored], source: str) -> list[Place]:
    """Return the places that fit a file, with a warning that names the others."""
    kept = [place for place in places if place.fits(stored)]
    skipped = [place.owner.name for place in places if not place.fits(stored)]
    if skipped:
        warn(skipped_layers(source, skipped))
    return kept


def skipped_layers(source: str, names: Sequence[str]) -> str:
    """Say which layers a file does not fit."""
    message = f"{source}: other shapes or numbers of weights in {', '.join(names[:10])}"
    return f"{message}: these layers keep theirs."


# ---- places ------------------------------------------------------------------------------------


def places_of(model: SavableLayer) -> list[Place]:
    """Return the places of a model and of all layers in it, each layer once."""
    return list(_walk(model, "", set()))


def optimizer_places(model: SavableModel) -> list[Place]:
    """Return the place of a model's optimizer, in a list; nothing if it has none."""
    optimizer = model.optimizer
    return [] if optimizer is None else [Place(OPTIMIZER, optimizer, optimizer.variables)]


def _walk(layer: SavableLayer, path: str, seen: set[int]) -> Iterator[Place]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield Place(path, layer, layer.saved_variables)
    inner = {id(sublayer): sublayer for sublayer in layer.sublayers}
    for name, value in layer.saved_attributes:
        below = f"{path}/{name}" if path else name
        if id(value) in inner:
            yield from _walk(inner[id(value)], below, seen)
        elif isinstance(value, (list, tuple, dict)):
            yield from _walk_container(value, below, inner, seen)


def _walk_container(
    value: list[object] | tuple[object, ...] | dict[str, object],
    path: str,
    inner: Mapping[int, SavableLayer],
    seen: set[int],
) -> Iterator[Place]:
    counts: collections.Counter[str] = collections.Counter()
    for entry in value.values() if isinstance(value, dict) else value:
        nested = isinstance(entry, (list, tuple, dict))
        # Keras's operators are no layers, and have no number among them.
        if not nested and (id(entry) not in inner or isinstance(entry, OperationLayer)):
            continue
        name = "container" if nested else to_snake_case(type(entry).__name__)
        below = f"{path}/{name}_{counts[name]}" if counts[name] else f"{path}/{name}"
        counts[name] += 1
        if isinstance(entry, (list, tuple, dict)):
            yield from _walk_container(entry, below, inner, seen)
        else:
            yield from _walk(inner[id(entry)], below, seen)


# ---- reading -----------------------------------------------------------------------------------


def count_scalars(stored: Mapping[str, Stored]) -> int:
    """Return how many numbers a file has, its optimizer's not counted."""
    return sum(
        math.prod(array.shape)
        for path, array in stored.items()
        if not path.startswith(f"{OPTIMIZER}/")
    )


def load_weights(
    places: Sequence[Place],
    stored: Mapping[str, Stored],
    source: str,
    strict_finite: bool = False,
    skip_mismatch: bool = False,
) -> None:
    """Read the values of all variables; all of them first, then set them.

    Args:
        places: where the variables stand.
        stored: the arrays of the file.
        source: the file's name, for messages.
        strict_finite: whether NaN and infinity are refused; else they are reported.
        skip_mismatch: whether layers that do not fit the file keep their weights, with a warning.

    Raises:
        ModelFileError: ``unexpected_weights``, ``not_finite``, or an array cannot be read or has
            another shape. Nothing is changed then.
    """
    if skip_mismatch:
        set_values(read_values(fitting(places, stored, source), stored), source, strict_finite)
        return
    expected = [path for place in places for path in place.paths()]
    missing = [path for path in expected if path not in stored]
    if missing:
        message = f"no array {missing[0]!r}, and {len(missing) - 1} others"
        raise ModelFileError("unexpected_weights", source, message)
    known = set(expected)
    for path in stored:
        if path not in known and not any(part in _BESIDE for part in path.split("/")):
            message = f"the array {path!r}, for which the model has no weight"
            raise ModelFileError("unexpected_weights", source, message)
    set_values(read_values(places, stored), source, strict_finite)


def set_values(
    values: Sequence[tuple[Variable, Array]], source: str, strict_finite: bool = False
) -> None:
    """Set variables to what a file has for them, which should be finite.

    Raises:
        ModelFileError: ``not_finite``, if ``strict_finite``; else there is a warning.
    """
    broken = [v.path for v, array in values if not np.isfinite(array).all()]
    message = f"NaN or infinity in {', '.join(broken[:5])}"
    if broken and strict_finite:
        raise ModelFileError("not_finite", source, message)
    for variable, array in values:
        variable.value[...] = array
    if broken:
        warnings.warn(f"{source}: {message}.", UserWarning, stacklevel=4)


def read_values(
    places: Sequence[Place], stored: Mapping[str, Stored]
) -> list[tuple[Variable, Array]]:
    """Return the variables and the values that a file has for them."""
    return [
        (variable, stored[path].read(variable.shape))
        for place in places
        for variable, path in zip(place.variables, place.paths(), strict=True)
    ]


def load_optimizer(model: SavableModel, stored: Mapping[str, Stored], source: str) -> None:
    """Set the variables of a model's optimizer, if it has one and the file has them.

    Raises:
        ModelFileError: an array cannot be read, or has another shape.
    """
    optimizer = model.optimizer
    if optimizer is None:
        return
    count = sum(path.startswith(f"{OPTIMIZER}/vars/") for path in stored)
    if count > len(optimizer.variables):
        optimizer.build(model.trainable_weights)
    places = optimizer_places(model)
    if count == 0:
        return
    if count != len(optimizer.variables):
        message = f"{source}: the optimizer's state does not fit, and is left out."
        warnings.warn(message, UserWarning, stacklevel=3)
        return
    missing = [path for path in places[0].paths() if path not in stored]
    if missing:
        raise ModelFileError("unexpected_weights", source, f"no array {missing[0]!r}")
    for variable, array in read_values(places, stored):
        variable.value[...] = array
