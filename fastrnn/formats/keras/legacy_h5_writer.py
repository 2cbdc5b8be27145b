"""Whole models and weights written to ``.h5`` in the layout of Keras 1 and 2, as Keras 3 does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from fastrnn import losses
from fastrnn.core.class_table import to_snake_case
from fastrnn.core.variable import Variable
from fastrnn.formats.containers.hdf5 import import_h5py
from fastrnn.formats.keras.archive import KERAS_VERSION
from fastrnn.formats.keras.legacy_weights import TOP_LEVEL, in_legacy_order, own_in_legacy_order
from fastrnn.formats.protocols import SavableModel
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Config

_ATTRIBUTE_BYTES = 64512  # that fit into the header of a group
_OF_OPTIMIZERS = "optimizer"


def write_legacy_model(
    file: BinaryIO, model: SavableModel, description: Config, optimizer: Optimizer | None
) -> None:
    """Write a model: its description as attributes, its weights and the optimizer's state.

    Args:
        file: where to.
        model: the model.
        description: what ``serialize_keras_object`` returns of it.
        optimizer: whose state is written; ``None`` is none.
    """
    with import_h5py().File(file, "w") as root:
        config = {key: value for key, value in description.items() if key != "compile_config"}
        config["class_name"] = description["registered_name"] or description["class_name"]
        _note_version(root)
        root.attrs["model_config"] = json.dumps(config, allow_nan=False).encode()
        training = description.get("compile_config")
        if training is not None:
            text = json.dumps(_training_config(training), allow_nan=False)
            root.attrs["training_config"] = text.encode()
        _write_layers(root.create_group("model_weights"), model)
        if optimizer is not None:
            _write_variables(root.create_group("optimizer_weights"), optimizer.variables)


def write_legacy_weights(file: BinaryIO, model: SavableModel) -> None:
    """Write the weights of a model alone."""
    with import_h5py().File(file, "w") as root:
        _write_layers(root, model)


def _training_config(compiled: Config) -> Config:
    """Return how a model is compiled, in the older form."""
    others = {key: value for key, value in compiled.items() if key != _OF_OPTIMIZERS}
    described = compiled[_OF_OPTIMIZERS]
    name = described["registered_name"] or described["class_name"]
    others["loss"] = _long_names(others.get("loss"))
    return {**others, "optimizer_config": {**described, "class_name": name}}


def _long_names(loss: Any) -> Any:
    """Return the losses without the short names, which Keras 3 does not read in this layout."""
    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _long_names(entry) for key, entry in loss.items()}
    if isinstance(loss, list):
        return [_long_names(entry) for entry in loss]
    if isinstance(loss, str) and loss in losses.registry.classes:
        return to_snake_case(losses.registry.classes[loss].__name__)
    return loss


def _note_version(group: Any) -> None:
    group.attrs["backend"] = b"numpy"
    group.attrs["keras_version"] = KERAS_VERSION.encode()


def _write_layers(group: Any, model: SavableModel) -> None:
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    _note_version(group)
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        _write_variables(group.create_group(layer.name), in_legacy_order(layer))
    _write_variables(group.create_group(TOP_LEVEL), own_in_legacy_order(model))


def _write_variables(group: Any, variables: Sequence[Variable]) -> None:
    names = _different([variable.path for variable in variables])
    _write_names(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        group[name] = variable.value


def _different(names: list[str]) -> list[str]:
    """Return the names with numbers behind those that come again."""
    return [f"{n}_{k}" if (k := names[:place].count(n)) else n for place, n in enumerate(names)]


def _write_names(group: Any, attribute: str, names: Sequence[str]) -> None:
    """Write a list of names as an attribute, or as several that are short enough."""
    encoded = np.array([name.encode() for name in names])
    parts = [encoded]
    while any(part.nbytes > _ATTRIBUTE_BYTES for part in parts):
        parts = np.array_split(encoded, len(parts) + 1)
    for k, part in enumerate(parts):
        group.attrs[attribute if len(parts) == 1 else f"{attribute}{k}"] = part
