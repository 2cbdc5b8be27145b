"""Weights from torch and for torch: state dicts, without torch itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.formats.containers.safetensors import read_safetensors
from fastrnn.formats.pickles import refuse_pickle
from fastrnn.formats.protocols import LayerContainer
from fastrnn.interop.directions import directions_of
from fastrnn.interop.read_graph import ReadGraph
from fastrnn.interop.torch.levels import Level, is_recurrent, levels_of, to_tensors
from fastrnn.layers import (
    BatchNormalization,
    Dense,
    Embedding,
    Input,
    LayerNormalization,
    TimeDistributed,
)
from fastrnn.layers.base.layer import Layer
from fastrnn.typing import Array

# A state dict, arrays or tensors by name, or the path of a file of them.
StateDict: TypeAlias = str | os.PathLike[str] | Mapping[str, object]
# torch's module for the name of each layer.
ModuleNames: TypeAlias = Mapping[str, str] | None

# For layers that are no recurrent ones: torch's name of each of their weights.
_NAMES: dict[type, dict[str, str]] = {
    Dense: {"kernel": "weight", "bias": "bias"},
    Embedding: {"embeddings": "weight"},
    LayerNormalization: {"gamma": "weight", "beta": "bias"},
    BatchNormalization: {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
}
# A counter of torch's batch normalization, which has no use here.
_IGNORED = "num_batches_tracked"


def read_torch(
    state_dict: StateDict,
    prefix: str | None = None,
    nonlinearity: str = "tanh",
    return_sequences: bool = True,
    return_state: bool = False,
    dtype: str | None = None,
) -> ReadGraph:
    """Return the layers that a recurrent module of torch amounts to; see ``Model.from_torch``."""
    to_choice("nonlinearity", nonlinearity, ("tanh", "relu"))
    module, tensors = _sole_module(_to_arrays(state_dict), prefix)
    levels = levels_of(module, tensors)
    if dtype is None:
        wide = all(tensor.dtype == np.float64 for tensor in tensors.values())
        dtype = "float64" if wide else "float32"
    last = len(levels) - 1
    layers = [
        level.make_layer(
            nonlinearity,
            dtype,
            return_sequences=return_sequences or k < last,
            return_state=return_state,
        )
        for k, level in enumerate(levels)
    ]
    inputs = Input((None, levels[0].features), dtype=dtype)
    arrays = [[array for weights in level.weights for array in weights] for level in levels]
    weights = list(zip(layers, arrays, strict=True))
    if not return_state:
        return ReadGraph([inputs], chain=layers, weights=weights)
    outputs, states = inputs, []
    for layer in layers:
        outputs, *own = layer(outputs)
        states += own
    return ReadGraph([inputs], [outputs, *states], weights=weights)


def load_from_torch(model: Layer, state_dict: StateDict, names: ModuleNames = None) -> None:
    """Set the weights of a model; see ``Model.load_torch_state_dict``."""
    layers = list(_layers_with_weights(model.sublayers))
    parts = _parts_of(_to_arrays(state_dict))
    arrays = [
        array
        for layer, module, part in _pairs(layers, parts, _modules_for(layers, names))
        for array in _weights_for(layer, module, part)
    ]
    variables = [variable for layer in layers for variable in layer.weights]
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def weights_to_torch(model: Layer, names: ModuleNames = None) -> dict[str, Array]:
    """Return the weights of a model by torch's names; see ``Model.to_torch``."""
    layers = list(_layers_with_weights(model.sublayers))
    alone = all(directions_of(layer) for layer in layers)
    modules = _modules_for(layers, names)
    if modules is None:
        modules = ["" if alone else layer.name for layer in layers]
    stacks: dict[str, list[Any]] = {}
    for layer, module in zip(layers, modules, strict=True):
        stacks.setdefault(module, []).append(layer)
    return {
        f"{_start(module)}{name}": tensor
        for module, stack in stacks.items()
        for name, tensor in _tensors_of(module, stack).items()
    }


# ---- tensors and modules ----


def _to_arrays(state_dict: StateDict) -> dict[str, Array]:
    """Return the arrays of a state dict, or of a file of one."""
    if isinstance(state_dict, (str, os.PathLike)):
        refuse_pickle(state_dict)
        state_dict = read_safetensors(state_dict)
    if not isinstance(state_dict, Mapping):
        expected = "arrays or tensors by name: module.state_dict()"
        raise ValueError(errors.bad_argument("state_dict", type(state_dict).__name__, expected))
    return {
        name: _to_array(name, value)
        for name, value in state_dict.items()
        if not str(name).endswith(_IGNORED)
    }


def _to_array(name: object, value: Any) -> Array:
    """Return a tensor as an array of floats; narrow types become float32."""
    for method in ("detach", "cpu"):
        value = getattr(value, method, lambda value=value: value)()
    # NumPy has no bfloat16.
    if "bfloat16" in str(getattr(value, "dtype", "")):
        value = value.float() if hasattr(value, "float") else value.astype(np.float32)
    array = np.asarray(value)
    if not isinstance(name, str) or array.dtype.kind != "f":
        raise ValueError(errors.bad_dtype(f"state_dict[{name!r}]", array.dtype, "floats"))
    return array if array.dtype == np.float64 else array.astype(np.float32)


def _start(module: str) -> str:
    """Return what the names of a module's tensors begin with."""
    return f"{module.removesuffix('.')}." if module else ""


def _sole_module(tensors: dict[str, Array], prefix: str | None) -> tuple[str, dict[str, Array]]:
    """Return what the names of the recurrent module begin with, and its tensors without that."""
    starts = {name[: name.rfind(".") + 1] for name in tensors if is_recurrent(_last(name))}
    if prefix is None:
        if len(starts) != 1:
            remedy = f"Pass prefix= one of {sorted(starts)}." if starts else ""
            expected = "the tensors of one nn.RNN, nn.LSTM or nn.GRU"
            raise ValueError(errors.bad_argument("state_dict", [*tensors], expected, remedy))
        (start,) = starts
        others = [name for name in tensors if not is_recurrent(name.removeprefix(start))]
        if others:
            remedy = (
                f"Pass prefix={start.removesuffix('.')!r} to leave them out, or build the whole "
                "model and call load_torch_state_dict."
            )
            expected = "recurrent tensors alone"
            raise ValueError(errors.bad_argument("state_dict", others, expected, remedy))
    else:
        start = _start(prefix)
        if start not in starts:
            known = [name.removesuffix(".") for name in starts]
            raise ValueError(errors.not_one_of("prefix", prefix, known))
    own = {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
    return start, {name: t for name, t in own.items() if prefix is None or is_recurrent(name)}


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _parts_of(tensors: dict[str, Array]) -> dict[str, list[Any]]:
    """Return for each module its levels, or a list with its tensors if it is not recurrent."""
    modules: dict[str, dict[str, Array]] = {}
    for name, tensor in tensors.items():
        modules.setdefault(name.rpartition(".")[0], {})[_last(name)] = tensor
    return {
        module: levels_of(_start(module), own) if any(map(is_recurrent, own)) else [own]
        for module, own in modules.items()
    }


# ---- layers ----


def _layers_with_weights(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield the layers that torch has modules for; raise ``ValueError`` for others."""
    for layer in layers:
        if isinstance(layer, TimeDistributed):
            yield from _layers_with_weights([layer.layer])
        elif isinstance(layer, LayerContainer):
            yield from _layers_with_weights(layer.layers)
        elif directions_of(layer) or type(layer) in _NAMES:
            if not layer.built:
                raise ValueError(f"Layer {layer.name!r} has no weights yet: call the model once.")
            yield layer
        elif layer.weights:
            kinds = ["recurrent layers", "Bidirectional", *(cls.__name__ for cls in _NAMES)]
            raise ValueError(errors.not_one_of("layer", layer.name, kinds))


def _modules_for(layers: list[Any], names: ModuleNames) -> list[str] | None:
    """Return torch's module for each layer, or ``None`` where ``names`` is."""
    if names is None:
        return None
    own = [layer.name for layer in layers]
    if not isinstance(names, Mapping) or set(names) != set(own):
        raise ValueError(errors.bad_argument("names", names, f"a module for each of {own}"))
    return [names[name] for name in own]


def _pairs(
    layers: list[Any], parts: dict[str, list[Any]], modules: list[str] | None
) -> list[tuple[Any, str, Any]]:
    """Return each layer with its module, and the level or the tensors of it that are the layer's.

    Raises:
        ValueError: they are not as many.
    """
    if modules is None:
        modules = [module for module, own in parts.items() for _ in own]
    left = {module: list(own) for module, own in parts.items()}
    counts = {module: modules.count(module) for module in {*modules, *parts}}
    if len(modules) != len(layers) or counts != {m: len(own) for m, own in parts.items()}:
        received = [f"{module} ({len(own)})" for module, own in parts.items()]
        expected = f"a module or a level of one for each of {[layer.name for layer in layers]}"
        raise ValueError(errors.bad_argument("state_dict", received, expected))
    return [(x, module, left[module].pop(0)) for x, module in zip(layers, modules, strict=True)]


def _weights_for(layer: Layer, module: str, part: Any) -> list[Array]:
    """Return the arrays of a layer's weights, or raise ``ValueError`` if they do not fit."""
    if isinstance(part, Level):
        part.check_layer(layer, module)
        arrays = [array for weights in part.weights for array in weights]
    else:
        names = [_NAMES.get(type(layer), {}).get(v.name, v.name) for v in layer.weights]
        if set(part) != set(names):
            received: Any = [f"{_start(module)}{name}" for name in part]
            expected = f"the tensors {names} for layer {layer.name!r}"
            raise ValueError(errors.bad_argument("state_dict", received, expected))
        arrays = [_turned(layer, part[name]) for name in names]
    shapes = [variable.shape for variable in layer.weights]
    if [array.shape for array in arrays] != shapes:
        received = f"{module}: weights of shapes {[array.shape for array in arrays]}"
        raise ValueError(
            errors.bad_argument("state_dict", received, f"{shapes} for {layer.name!r}")
        )
    return arrays


def _turned(layer: Layer, array: Array) -> Array:
    """Return an array of ours for torch, or one of torch's for us: a linear map is transposed."""
    return array.T if isinstance(layer, Dense) else array


def _tensors_of(module: str, stack: list[Any]) -> dict[str, Array]:
    """Return the tensors of the layers that are one module, by names without it.

    Raises:
        ValueError: torch has no such module.
    """
    first = stack[0]
    if len(stack) == 1 and type(first) in _NAMES:
        names = _NAMES[type(first)]
        return {names[v.name]: _turned(first, v.numpy()).copy() for v in first.weights}
    if len({_kind(layer) for layer in stack}) > 1:
        received = {layer.name: module for layer in stack}
        expected = "recurrent layers of one kind and size in a module"
        remedy = "Give them modules of their own: names={'lstm': 'first', 'lstm_1': 'second'}."
        raise ValueError(errors.bad_argument("names", received, expected, remedy))
    return {
        name: tensor
        for level, layer in enumerate(stack)
        for name, tensor in to_tensors(layer, level).items()
    }


def _kind(layer: Layer) -> tuple[Any, ...]:
    """Return what the levels of one recurrent module have in common."""
    cells = [direction.cell for direction in directions_of(layer)]
    options = [
        (cell.spec.name, cell.units, cell.output_size, cell.use_bias, cell.activation.name)
        for cell in cells
    ]
    return tuple(options) or (layer.name,)
