"""Descriptions of models that Keras 1 and 2 wrote, and Keras 3 in ``.h5``, in the form of today.

Only names and forms change here; what a description may make is decided where every other one is
read. What is not known is left as it is, and refused there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastrnn.core import old_arguments
from fastrnn.core.class_table import TABLES
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.serialization import TENSOR

Config = dict[str, Any]

_CLASSES = {
    "Model": "Functional",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "Convolution1D": "Conv1D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "InputLayerV1": "InputLayer",
}
_NETWORKS = ("Functional", "Model", "Sequential")
_WITH_STATES = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional")
# Options that change nothing, or that have the values below where they change nothing.
_DROPPED = {
    "batch_input_shape", "consume_less", "dropout_U", "dropout_W", "fused",
    "implementation", "input_dim", "input_dtype", "input_length", "input_shape", "renorm",
    "renorm_clipping", "renorm_momentum", "unroll", "use_cudnn", "virtual_batch_size",
    "experimental_autocast", "autocast", "quantization_config",
}  # fmt: skip
_MUST_BE: Config = {"time_major": False, "mode": 0, "ragged": False}


def version_number(text: object) -> int:
    """Return 1, 2 or 3 for the version of Keras that a file states; 1 where it states none."""
    if text is None:
        return 1
    first = str(text)[:1]
    return int(first) if first in ("1", "2", "3") else 2


def modern_model(data: object, version: int) -> Any:
    """Return the description of a model in the form of today.

    Args:
        data: what the attribute ``model_config`` holds.
        version: of Keras, 1, 2 or 3.

    Raises:
        RefusedConfig: an option has a value that changes what the model computes, and is not known.
    """
    if not isinstance(data, dict) or not isinstance(data.get("class_name"), str):
        return data
    config = data.get("config")
    if data["class_name"] == "Sequential" and isinstance(config, list):
        config = {"layers": config}
    return {"module": "keras.models", **_modern_layer({**data, "config": config}, version)}


def _modern_layer(data: Config, version: int) -> Config:
    """Return the description of a layer, or of a model inside another one."""
    old_class = data["class_name"]
    config = data.get("config")
    name = _CLASSES.get(old_class, old_class)
    if not isinstance(config, dict) or not isinstance(name, str):
        return data
    if name == "Sequential":
        config = _modern_sequential(config, version)
    elif name == "Functional":
        config = _modern_graph(config, version)
    else:
        config = _modern_options(name, config, version)
        if old_class == "CuDNNGRU":
            config["reset_after"] = True
    made = {**data, "class_name": name, "config": config}
    if version >= 3 and "module" not in data and _is_operation(name, config):
        made["module"] = "keras.src.ops.numpy"
    return made


def _is_operation(name: str, config: Config) -> bool:
    """Whether a description without a module is an operation: layers have more options."""
    a_layer = "dtype" in config and name in TABLES["keras.layers"].classes
    return "trainable" not in config and not a_layer


def _modern_options(name: str, old: Config, version: int) -> Config:
    config: Config = {}
    for key, value in old.items():
        if version == 1 and key not in _DROPPED:
            key = old_arguments.today(name, key) or key
        if name == "InputLayer" and key == "batch_input_shape":
            key = "batch_shape"
        if key in _MUST_BE:
            if value not in (_MUST_BE[key], None):
                message = f"`{key}` of {name} is {value!r}; known is {_MUST_BE[key]!r}."
                raise RefusedConfig("bad_config", message)
        elif not _is_dropped(name, key, value, version):
            config[key] = _modern_value(value, version)
    if name == "InputLayer":
        return {k: v for k, v in config.items() if k not in ("trainable", "sparse")}
    if name in ("GRU", "GRUCell") and version < 3:
        config.setdefault("reset_after", False)
    if name == "BatchNormalization" and isinstance(config.get("axis"), list):
        config["axis"] = config["axis"][0] if len(config["axis"]) == 1 else config["axis"]
    return config


def _is_dropped(name: str, key: str, value: object, version: int) -> bool:
    if key == "input_dim" and name == "Embedding":
        return False
    if key == "activity_regularizer":
        return value is None
    # `dropout_W` and `dropout_U`: of training; Keras 1 drops other things than Keras 3.
    return key in _DROPPED or (version == 1 and name == "Embedding" and key == "dropout")


def _modern_value(value: object, version: int) -> Any:
    """Return an option's value: a layer inside, an initializer, or plain data."""
    if isinstance(value, list):
        return [_modern_value(entry, version) for entry in value]
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    if value["class_name"] in TABLES["keras.layers"].classes or value["class_name"] in _CLASSES:
        return _modern_layer(value, version)
    config = value.get("config")
    if not isinstance(config, dict) or version >= 3:
        return value
    config = {key: entry for key, entry in config.items() if key != "dtype"}
    if value["class_name"] == "VarianceScaling" and config.get("distribution") == "normal":
        config["distribution"] = "truncated_normal"
    return {**value, "config": config}


def _modern_sequential(config: Config, version: int) -> Config:
    layers = [_modern_layer(layer, version) for layer in config.get("layers", [])]
    shape = _first_shape(config.get("layers", []))
    if shape is not None and layers and layers[0]["class_name"] != "InputLayer":
        first = config["layers"][0]
        options: Config = {"batch_shape": shape}
        if first["class_name"] == "Embedding":
            options["dtype"] = "int32"
        layers.insert(0, {"class_name": "InputLayer", "config": options})
    kept: Config = {key: config[key] for key in ("name", "trainable") if key in config}
    return {**kept, "layers": layers}


def _first_shape(layers: object) -> Any:
    """Return the shape of the inputs that the first layer of a chain states, or ``None``."""
    first = layers[0] if isinstance(layers, list) and layers else {}
    config = first.get("config") if isinstance(first, dict) else None
    if not isinstance(config, dict):
        return None
    if config.get("batch_input_shape"):
        return config["batch_input_shape"]
    inner = config.get("layer")
    return _first_shape([inner]) if inner is not None else None


# ---- graphs ------------------------------------------------------------------------------------


def _modern_graph(config: Config, version: int) -> Config:
    entries = config["layers"]
    networks = {entry["name"] for entry in entries if entry["class_name"] in _NETWORKS}
    chains = {entry["name"] for entry in entries if entry["class_name"] == "Sequential"}
    old_form = version < 3
    layers = []
    for entry in entries:
        layer = _modern_layer(entry, version)
        calls = entry["inbound_nodes"]
        if any(isinstance(call, list) for call in calls):
            has_states = layer["class_name"] in _WITH_STATES
            calls = [_modern_call(call, has_states, networks) for call in calls]
        layers.append({**layer, "inbound_nodes": calls})

    def end(key: list[Any]) -> list[Any]:
        name, place, index = key
        return [name, place - 1 if old_form and name in chains and place else place, index]

    ends = {key: _ends(config[key], end) for key in ("input_layers", "output_layers")}
    return {**config, "layers": layers, **ends}


def _ends(value: Any, end: Callable[[list[Any]], list[Any]]) -> Any:
    """Return the keys of inputs or outputs; a list of one alone as that one."""
    if isinstance(value, dict):
        return {key: _ends(entry, end) for key, entry in value.items()}
    if value and isinstance(value[0], str):
        return end(value)
    return [_ends(entry, end) for entry in value] if len(value) != 1 else _ends(value[0], end)


def _modern_call(call: list[Any], has_states: bool, networks: set[str]) -> Config:
    """Return a call that was written as a list of ``[layer, call, output, options]``."""

    def tensor(key: list[Any]) -> Config:
        name, place, index = key[:3]
        # A model's 0th call is its own graph.
        place = place - 1 if name in networks and place else place
        history = {"keras_history": [name, place, index]}
        return {"class_name": TENSOR, "config": history}

    def option(value: object) -> Any:
        if isinstance(value, list):
            is_key = len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int)
            return tensor(value) if is_key else [option(entry) for entry in value]
        return value

    keys = [call] if call and isinstance(call[0], str) else call
    tensors = [tensor(key) for key in keys]
    given = keys[0][3] if keys and len(keys[0]) > 3 and isinstance(keys[0][3], dict) else {}
    options = {key: option(value) for key, value in given.items() if value is not None}
    if has_states and len(tensors) > 1:
        return {"args": tensors[:1], "kwargs": {**options, "initial_state": tensors[1:]}}
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": options}


# ---- training ----------------------------------------------------------------------------------


def modern_training(data: object) -> Config | None:
    """Return how a model is compiled, from what the attribute ``training_config`` holds."""
    if not isinstance(data, dict) or not isinstance(data.get("optimizer_config"), dict):
        return None
    optimizer = dict(data["optimizer_config"])
    options = optimizer.get("config")
    if isinstance(options, dict):
        options = {k: v for k, v in options.items() if k not in _OF_OLD_OPTIMIZERS}
        if "lr" in options:
            options["learning_rate"] = options.pop("lr")
        optimizer["config"] = options
    parts = ("loss", "loss_weights", "metrics", "weighted_metrics")
    return {"optimizer": optimizer, **{part: _function_names(data.get(part)) for part in parts}}


_OF_OLD_OPTIMIZERS = (
    "decay",
    "schedule_decay",
    "jit_compile",
    "is_legacy_optimizer",
    "initial_decay",
)


def _function_names(value: object) -> Any:
    """Return losses and metrics; where one is a wrapped function, by the function's name."""
    if isinstance(value, list):
        return [_function_names(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    wrapped = value.get("class_name") in ("MeanMetricWrapper", "LossFunctionWrapper")
    if wrapped and isinstance(config, dict) and isinstance(config.get("fn"), str):
        return config["fn"]
    return {key: _function_names(entry) for key, entry in value.items()}
