"""Inspection: what a file holds, as plain data; no model is made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.deserialization import FORBIDDEN
from fastrnn.formats.archive_format import CONFIG, METADATA
from fastrnn.formats.containers.hdf5 import SIGNATURE, Group, open_hdf5
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.containers.safetensors import stored_tensors
from fastrnn.formats.containers.zip_archive import open_archive
from fastrnn.formats.keras.archive import HDF5_MEMBER, KERAS, hdf5_arrays
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.native.archive import NATIVE, npy_arrays
from fastrnn.formats.places import OPTIMIZER
from fastrnn.formats.source import Readable, Source, open_source
from fastrnn.formats.stored import Stored
from fastrnn.interop.onnx import require_onnx

# Options that say what a layer is; others are in the file itself.
_OPTIONS = (
    "batch_shape", "batch_input_shape", "input_shape", "units", "input_dim", "output_dim",
    "filters", "kernel_size", "activation", "recurrent_activation", "merge_mode", "rate",
    "return_sequences", "return_state", "go_backwards", "stateful", "reset_after", "time_major",
    "mask_zero", "axis", "dtype",
)  # fmt: skip
_ONNX_START = b"\x08"  # of a field that every ONNX file has, written first: its version
_USUAL = (None, False, "float32")
_VERSIONS = ("keras_version", "fastrnn_version", "format_version", "backend", "date_saved")


def inspect_file(source: Readable, name: str = "") -> dict[str, Any]:
    """Return what a file of a model, or of weights, holds, as plain data.

    Formats are told by the content, not by the file's name. All of the file is read and checked.

    Args:
        source: a path, bytes, or an open file.
        name: what messages call it; the path unless given.

    Returns:
        A dict of ``file``, ``bytes``, ``format``, ``versions``, ``model``, ``layers`` (name, class,
        options and depth of each), ``compiled``, ``weights`` and ``optimizer`` (path, shape, dtype
        and bytes of each array), ``parameters``, ``not_finite`` (paths of arrays with NaN or
        infinity) and ``refused`` (what ``load_model`` does not make, if anything).

    Raises:
        ModelFileError: the file is refused.
        FileNotFoundError: there is no such file.
    """
    with open_source(source, name) as opened:
        start = opened.read_at(0, 9)
        read: Callable[[Source], dict[str, Any]] = _zip_contents
        if start[: len(SIGNATURE)] == SIGNATURE:
            read = _hdf5_contents
        elif start[8:] == b"{":  # behind the length of its header
            read = _safetensors_contents
        elif start[:1] == _ONNX_START:
            read = _onnx_contents
        return {"file": opened.name, "bytes": opened.size, **read(opened)}


def _zip_contents(opened: Source) -> dict[str, Any]:
    with open_archive(opened.file, opened.name) as archive:
        for member in archive.names:
            archive.read(member)  # all checksums
        if CONFIG not in archive.names:
            if not all(member.endswith(".npy") for member in archive.names):
                raise ModelFileError("not_a_model", archive.source, "neither a model nor arrays")
            return {"format": "weights.npz", **_arrays(npy_arrays(archive))}
        config = parse_json(archive.read(CONFIG), f"{archive.source}, {CONFIG}")
        metadata = parse_json(archive.read(METADATA), f"{archive.source}, {METADATA}")
        versions = metadata if isinstance(metadata, dict) else {}
        chosen = KERAS if HDF5_MEMBER in archive.names else NATIVE
        with chosen.open_arrays(archive) as stored:
            return {
                "format": chosen.suffix.removeprefix("."),
                "versions": {key: versions[key] for key in _VERSIONS if key in versions},
                **_description(config),
                **_arrays(stored),
            }


def _safetensors_contents(opened: Source) -> dict[str, Any]:
    return {"format": "safetensors", **_arrays(stored_tensors(opened))}


def _onnx_contents(opened: Source) -> dict[str, Any]:
    require_onnx("Reading an ONNX file")
    from fastrnn.interop.onnx.file import read_file
    from fastrnn.interop.onnx.reader.inspection import describe, stored_constants

    file = read_file(opened.file, opened.name)
    return {"format": "onnx", **describe(file), **_arrays(stored_constants(file))}


def _hdf5_contents(opened: Source) -> dict[str, Any]:
    with open_hdf5(opened.file, opened.name) as root:
        found: dict[str, Any] = {"format": "weights.h5"}
        for group in (root, *root.groups.values()):
            if "layer_names" in group.attributes:
                found["format"] = "h5 of Keras 1 or 2, weights"
        found["versions"] = {
            key: root.attribute(key) for key in _VERSIONS if key in root.attributes
        }
        config = _json_attribute(root, "model_config")
        if config is not None:
            found["format"] = "h5 of Keras 1 or 2, model"
            found |= _description(config, _json_attribute(root, "training_config"))
        return {**found, **_arrays(hdf5_arrays(root))}


def _json_attribute(group: Group, name: str) -> Any:
    if name not in group.attributes:
        return None
    text = group.attribute(name)
    place = f"{group.place}, attribute {name}"
    if not isinstance(text, str):
        raise ModelFileError("hdf5_attribute", place, "no text")
    return parse_json(text.encode(), place)


# ---- arrays ------------------------------------------------------------------------------------


def _arrays(stored: Mapping[str, Stored | npt.NDArray[Any]]) -> dict[str, Any]:
    """Return what is known of the arrays, after all of them have been read."""
    found: dict[str, Any] = {"weights": [], "optimizer": [], "not_finite": []}
    for path, array in stored.items():
        of_optimizer = path.split("/")[0] in (OPTIMIZER, "optimizer_weights")
        size = math.prod(array.shape) * array.dtype.itemsize
        entry = {"path": path, "shape": list(array.shape), "dtype": array.dtype.name, "bytes": size}
        found["optimizer" if of_optimizer else "weights"].append(entry)
        values = array if isinstance(array, np.ndarray) else array.read(array.shape)
        if not np.isfinite(values).all():
            found["not_finite"].append(path)
    found["parameters"] = sum(math.prod(entry["shape"]) for entry in found["weights"])
    return found


# ---- descriptions ------------------------------------------------------------------------------


def _description(config: object, training: object = None) -> dict[str, Any]:
    """Return what a description says, as far as it is one."""
    found: dict[str, Any] = {"model": _entry(config, 0), "layers": [], "compiled": {}}
    found["layers"] = list(_layers(config, 0))
    compiled = config.get("compile_config") if isinstance(config, dict) else None
    compiled = training if isinstance(training, dict) else compiled
    if isinstance(compiled, dict):
        optimizer = compiled.get("optimizer", compiled.get("optimizer_config"))
        names = {"optimizer": _class_of(optimizer), "loss": compiled.get("loss")}
        found["compiled"] = {key: value for key, value in names.items() if value is not None}
    # Of how a model is compiled, what is not known is left out.
    model = config
    if isinstance(config, dict) and compiled:
        model = {key: value for key, value in config.items() if key != "compile_config"}
    found["refused"] = sorted({name for name in _classes(model) if name in FORBIDDEN})
    return found


def _layers(data: object, depth: int) -> Iterator[dict[str, Any]]:
    """Give the layers inside a model or wrapper, each before those inside it."""
    config = data.get("config") if isinstance(data, dict) else None
    inner: list[Any] = config if isinstance(config, list) else []  # Sequential of Keras 1
    if isinstance(config, dict):
        for key in ("layers", "layer", "backward_layer", "cell", "cells"):
            value = config.get(key)
            inner = [*inner, *(value if isinstance(value, list) else [value])]
    for layer in inner:
        if isinstance(layer, dict) and "class_name" in layer:
            yield _entry(layer, depth)
            yield from _layers(layer, depth + 1)


def _entry(data: object, depth: int) -> dict[str, Any]:
    config = data.get("config") if isinstance(data, dict) else None
    config = config if isinstance(config, dict) else {}
    options = {key: _class_of(config.get(key)) for key in _OPTIONS}
    options = {key: value for key, value in options.items() if value not in _USUAL}
    name = config.get("name", data.get("name") if isinstance(data, dict) else None)
    return {"name": name, "class": _class_of(data), "options": options, "depth": depth}


def _class_of(data: object) -> Any:
    """Return the class that a description names; the value itself if it is none."""
    if not isinstance(data, dict) or "class_name" not in data:
        return data
    if data["class_name"] in ("function", "DTypePolicy", "Policy"):
        config = data.get("config")
        return config.get("name") if isinstance(config, dict) else config
    return data["class_name"]


def _classes(data: object) -> Iterator[str]:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str):
                yield value["class_name"]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
