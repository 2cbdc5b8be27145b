"""Whole models and weights in ``.h5``, as Keras 1 and 2 wrote them, and Keras 3 still can.

The model is described in attributes; the weights stand in a group for each layer, whose attribute
``weight_names`` orders them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastrnn.core.user_warnings import warn
from fastrnn.core.variable import Variable
from fastrnn.formats.building import refusals
from fastrnn.formats.containers.hdf5 import Dataset, Group
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.keras.legacy_config import modern_model, modern_training, version_number
from fastrnn.formats.keras.legacy_weights import (
    HARD_SIGMOID_FACTOR,
    TOP_LEVEL,
    in_legacy_order,
    modern_arrays,
    own_in_legacy_order,
    scaled_parts,
)
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.places import OPTIMIZER, load_optimizer, set_values, skipped_layers
from fastrnn.formats.protocols import SavableModel
from fastrnn.formats.stored import Stored
from fastrnn.typing import Array

_LARGEST_PARTS = 1000  # of an attribute that is too long for one


def legacy_description(root: Group) -> tuple[object, str]:
    """Return the description of a file's model in the form of today, and where it stands.

    Raises:
        ModelFileError: the file is refused.
    """
    where = f"{root.source}, model_config"
    data = parse_json(_text(root, "model_config"), where)
    with refusals(where):
        config = modern_model(data, version_of(root))
    if "training_config" in root.attributes and isinstance(config, dict):
        training = parse_json(_text(root, "training_config"), f"{root.source}, training_config")
        with refusals(where):
            config["compile_config"] = modern_training(training)
    return config, where


def _text(root: Group, name: str) -> bytes:
    value = root.attribute(name)
    if not isinstance(value, str):
        raise ModelFileError("not_json", f"{root.source}, {name}", "no text")
    return value.encode()


def version_of(root: Group) -> int:
    """Return Keras's version, 1, 2 or 3, by which a file was written."""
    for group in (root, root.groups.get("model_weights")):
        if group is not None and "keras_version" in group.attributes:
            return version_number(group.attribute("keras_version"))
    return version_number(None)


def is_legacy(root: Group) -> bool:
    """Whether a file has weights in the older form."""
    return "model_weights" in root.groups or bool(_parts(root, "layer_names"))


# A layer, or the model itself, its variables, and the datasets for them.
_LayerArrays = tuple[Any, list[Variable], list[Dataset]]


class LegacyArrays:
    """The arrays of a file in the older form."""

    def __init__(self, root: Group, strict_finite: bool = False) -> None:
        self._root, self._version, self._strict = root, version_of(root), strict_finite
        self._weights = root.groups.get("model_weights", root)

    @property
    def scalars(self) -> int:
        """How many numbers there are for weights."""
        return sum(int(np.prod(d.shape, dtype=object)) for d in self._weights.all_datasets())

    def load_weights(
        self, model: SavableModel, by_name: bool = False, skip_mismatch: bool = False
    ) -> None:
        """Set the weights of a model, by the names of its layers, or else by their order.

        Args:
            model: the model.
            by_name: whether the layers that the file has under their names get weights, and no
                others.
            skip_mismatch: whether layers that do not fit keep their weights, with a warning.

        Raises:
            ModelFileError: the file has others. Nothing is changed then.
        """
        source, values, skipped = self._root.source, [], []
        for layer, variables, datasets in self._by_layer(model, by_name):
            arrays = [dataset.read(dataset.shape) for dataset in datasets]
            try:
                arrays = _fitting(layer, variables, arrays, source)
            except ModelFileError:
                if not skip_mismatch:
                    raise
                skipped.append(layer.name)
                continue
            values += list(zip(variables, arrays, strict=True))
        if skipped:
            warn(skipped_layers(source, skipped))
        taken = {id(variable) for variable, _ in values}
        layers = [layer for layer in model.layers if {id(v) for v in layer.weights} <= taken]
        scaled = scaled_parts(layers, source) if self._version < 3 else []
        set_values(values, source, self._strict)
        for part in scaled:
            part *= HARD_SIGMOID_FACTOR

    def _by_layer(self, model: SavableModel, by_name: bool) -> list[_LayerArrays]:
        """Return the layers that have weights, their variables, and the datasets of each."""
        layers = [layer for layer in model.layers if layer.weights]
        found: Mapping[str, list[Dataset]] = {
            name: self._datasets(name) for name in _names(self._weights, "layer_names")
        }
        found = {name: datasets for name, datasets in found.items() if datasets}
        if by_name:
            layers = [layer for layer in layers if layer.name in found]
            found = {layer.name: found[layer.name] for layer in layers}
        if len(found) != len(layers):
            message = f"{len(found)} layers with weights, where the model has {len(layers)}"
            raise ModelFileError("unexpected_weights", self._root.source, message)
        names = [layer.name for layer in layers]
        order: Sequence[str] = names if set(names) == set(found) else list(found)
        pairs: list[_LayerArrays] = [
            (layer, in_legacy_order(layer), found[name])
            for layer, name in zip(layers, order, strict=True)
        ]
        own = own_in_legacy_order(model)
        if TOP_LEVEL in self._weights.groups and own and not by_name:
            pairs.append((model, own, self._datasets(TOP_LEVEL)))
        paths = [dataset.path for *_, datasets in pairs for dataset in datasets]
        if len(set(paths)) != len(paths):  # each would be read as often as it is named
            message = "an array that is several weights"
            raise ModelFileError("unexpected_weights", self._root.source, message)
        return pairs

    def _datasets(self, name: str) -> list[Dataset]:
        group = self._weights.group(name)
        return [group.dataset(path) for path in _names(group, "weight_names")]

    def load_optimizer(self, model: SavableModel) -> None:
        """Set the variables of the optimizer, where Keras 3 wrote them; older ones are others."""
        group = self._root.groups.get("optimizer_weights")
        if group is None or self._version < 3:
            return
        names = _names(group, "weight_names")
        stored: dict[str, Stored] = {
            f"{OPTIMIZER}/vars/{k}": group.dataset(name) for k, name in enumerate(names)
        }
        load_optimizer(model, stored, self._root.source)


def _fitting(
    layer: Any, variables: Sequence[Any], arrays: Sequence[Array], source: str
) -> list[Array]:
    """Return a layer's arrays in the form of today, or raise ``ModelFileError``."""
    try:
        fitting = modern_arrays(layer, arrays)
    except (ValueError, IndexError) as error:
        message = f"the arrays of layer {layer.name!r} do not fit each other: {error}"
        raise ModelFileError("unexpected_shape", source, message) from error
    if len(fitting) != len(variables):
        message = f"{len(fitting)} arrays of layer {layer.name!r}, which has {len(variables)}"
        raise ModelFileError("unexpected_weights", source, message)
    for variable, array in zip(variables, fitting, strict=True):
        if array.shape != variable.shape:
            message = f"shape {array.shape}, where {variable.path!r} has {variable.shape}"
            raise ModelFileError("unexpected_shape", source, message)
    return fitting


def _names(group: Group, name: str) -> list[str]:
    """Return a list of names, which may be spread over several attributes."""
    names: list[str] = []
    for part in _parts(group, name):
        value = group.attribute(part)
        if isinstance(value, list):
            names += value
        elif isinstance(value, str) or value.size:  # an empty list is an array of numbers
            raise ModelFileError("hdf5_attribute", group.place, f"no list of names in {part!r}")
    return names


def _parts(group: Group, name: str) -> list[str]:
    if name in group.attributes:
        return [name]
    parts: list[str] = []
    while f"{name}{len(parts)}" in group.attributes and len(parts) < _LARGEST_PARTS:
        parts.append(f"{name}{len(parts)}")
    return parts
