"""ModelGraph: the calls of a model's layers, between inputs and outputs in lists and dicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastrnn.core import errors
from fastrnn.core.checks import to_real_array
from fastrnn.core.nest import Test, flatten, flatten_up_to, is_shape, never, paths, unflatten
from fastrnn.core.strings import to_strings
from fastrnn.layers.base.graph import Graph, check_tensors
from fastrnn.layers.base.layer import Layer, iterate_layers
from fastrnn.layers.base.symbolic import SymbolicTensor, map_tensors, unique
from fastrnn.models.trainer.batches import sole_array
from fastrnn.typing import Array, Nest


class ModelGraph(Graph):
    """A graph whose inputs and outputs have names and stand in a structure.

    Args:
        inputs: a tensor, or a list or dict of tensors.
        outputs: the same.

    Attributes:
        input_structure: ``inputs`` as they were given.
        output_structure: ``outputs`` as they were given.
        names_of_outputs: keys of the outputs where they are in dicts, else names of the layers that
            give them, made different.

    Raises:
        ValueError: something else is given, an input comes twice, or an output needs other inputs.
    """

    def __init__(self, inputs: Nest, outputs: Nest) -> None:
        given, wanted = check_tensors("inputs", inputs), check_tensors("outputs", outputs)
        if len(unique(given)) < len(given):
            expected = "each input once"
            raise ValueError(errors.bad_argument("inputs", [t.name for t in given], expected))
        super().__init__(given, wanted)
        self.input_structure, self.output_structure = inputs, outputs
        self.names_of_outputs = paths(outputs, different([tensor.name for tensor in wanted]))

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [tensor.name for tensor in self.inputs]

    # ---- structure ----

    def in_order(self, inputs: Nest, is_leaf: Test = never) -> list[Any]:
        """Return what is given for each input: in their structure, in a list, or by their names.

        Raises:
            ValueError: there are too few or too many, or others.
        """
        structure, sole = self.input_structure, len(self.inputs) == 1
        found = flatten_up_to(structure, inputs, is_leaf)
        if found is None:
            found = flatten_up_to(self.inputs, inputs, is_leaf)
        if found is None and sole:
            found = flatten_up_to(self.inputs[0], inputs, is_leaf)
        if found is None and isinstance(inputs, dict):
            names = self.input_names  # in their order, which need not be that of dicts
            if all(name in inputs for name in names):
                found = flatten_up_to(self.inputs, [inputs[name] for name in names], is_leaf)
        if found is not None:
            return found
        if isinstance(inputs, dict):
            keys = [*structure] if isinstance(structure, dict) else self.input_names
            raise ValueError(errors.bad_argument("inputs", [*inputs], f"the keys {keys}"))
        received = f"{len(inputs)} entries" if isinstance(inputs, (list, tuple)) else "an array"
        expected = f"a list of {len(self.inputs)} arrays: {', '.join(self.input_names)}"
        raise ValueError(errors.bad_argument("inputs", received, expected))

    def as_inputs(self, values: list[Any]) -> Any:
        """Return one value, or several in the structure of the inputs."""
        return values[0] if len(values) == 1 else unflatten(self.input_structure, values)

    def as_outputs(self, values: list[Any]) -> Any:
        """Return values in the structure of the outputs."""
        return unflatten(self.output_structure, values)

    def flat_outputs(self, values: Nest) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        found = flatten_up_to(self.output_structure, values)
        return flatten(values) if found is None else found

    # ---- inputs ----

    def convert_inputs(self, inputs: Nest) -> Any:
        """Return the array, or the arrays in the structure of the inputs.

        Raises:
            ValueError: there are too few or too many, or something is no array of numbers.
        """
        if len(self.inputs) == 1:
            if isinstance(inputs, dict):
                inputs = self.in_order(inputs)[0]
            shape = self.inputs[0].shape
            sole = sole_array(inputs, lambda x: x.ndim == len(shape))
            return with_rank(_to_array("inputs", sole, self.inputs[0]), shape)
        arrays = zip(self.inputs, self.in_order(inputs), strict=True)
        return self.as_inputs(
            [
                with_rank(_to_array(f"inputs[{k}]", array, tensor), tensor.shape)
                for k, (tensor, array) in enumerate(arrays)
            ]
        )

    def check_inputs(self, inputs: Nest, name: str) -> None:
        """Raise ``ValueError`` if arrays are not of the shapes that model ``name`` was made for.

        The number of samples counts only where layers keep states for each of them.
        """
        arrays = flatten(inputs)
        for tensor, array in zip(self.inputs, arrays, strict=True):
            if not fits_shape(array.shape[1:], tensor.shape[1:]):
                text = f"{tensor.shape}, those of {tensor.name!r} of model {name!r}"
                raise ValueError(errors.bad_shape("inputs", array.shape, text))
            check_batch_size(tensor.shape, array.shape, [node.layer for node in self.nodes])
            if 0 in array.shape:
                raise ValueError(errors.bad_shape("inputs", array.shape, "no axis of length 0"))
        if len(arrays) > 1 and len({array.shape[:1] for array in arrays}) > 1:
            received = [array.shape for array in arrays]
            expected = "as many samples in each array"
            raise ValueError(errors.bad_argument("inputs", received, expected))

    def output_shape(self, input_shape: Nest) -> Any:
        """Return the shapes of the outputs for inputs of other shapes, in their structure."""
        return self.as_outputs(self.shapes(self.in_order(input_shape, is_shape)))

    # ---- description ----

    def shapes_of_layers(self) -> dict[int, Any]:
        """Return the shape, or the tuple of shapes, of each layer's outputs, by its ``id``."""
        return {
            id(node.layer): tuple(shapes) if len(shapes) > 1 else shapes[0]
            for node in self.nodes
            if (shapes := [tensor.shape for tensor in node.outputs])
        }

    def connections(self) -> dict[str, str] | None:
        """Return for each layer the outputs that its calls take, as text; ``None`` for a chain."""
        called = [id(node.layer) for node in self.nodes]
        chain = len(set(called)) == len(called) and all(len(n.tensors) == 1 for n in self.nodes)
        if chain and len({id(node.tensors[0].node) for node in self.nodes}) == len(self.nodes):
            return None
        texts: dict[str, list[str]] = {item.name: [] for item in self.layers}
        for node in self.nodes:
            for tensor in node.tensors:
                place = 0 if tensor.node is None else tensor.node.layer.nodes.index(tensor.node)
                texts[node.layer.name].append(f"{tensor.name}[{place}][{tensor.index}]")
        return {name: ", ".join(found) or "-" for name, found in texts.items()}

    def stream_layers(self, name: str) -> list[Layer]:
        """Return the layers that a stream of model ``name`` runs, those of models among them.

        Raises:
            ValueError: the calls are no chain from one input to one output.
        """
        given, layers = self.inputs[0], []
        for node in self.nodes:
            kind = node.layer.class_name
            alone = node.inputs is given and len(node.tensors) == 1
            if len(self.inputs) > 1 or not alone:
                reason = "it takes something else than the output of the layer before it"
                raise ValueError(errors.not_streamable(node.layer.name, kind, reason))
            if node.options.get("training"):
                reason = "it is called with training=True"
                raise ValueError(errors.not_streamable(node.layer.name, kind, reason))
            layers += node.layer.stream_layers()
            given = node.outputs[0]
        if self.outputs != [given]:
            reason = "a stream gives the one output of the last layer"
            raise ValueError(errors.not_streamable(name, "Model", reason))
        return layers


def with_rank(array: Array, shape: Sequence[int | None]) -> Array:
    """Return an array with a last axis of 1 more or less, where ``shape`` has it so, as Keras.

    >>> import numpy as np
    >>> with_rank(np.zeros((8, 5)), (None, 5, 1)).shape
    (8, 5, 1)
    >>> with_rank(np.zeros((8, 5, 1)), (None, 5)).shape
    (8, 5)
    """
    if array.ndim == len(shape) - 1 and shape[-1] == 1 and array.ndim:
        return array[..., None]
    if array.ndim == len(shape) + 1 and array.shape[-1] == 1:
        return array[..., 0]
    return array


def fits_shape(shape: Sequence[int], expected: Sequence[int | None]) -> bool:
    """Whether a shape has the rank and the sizes that are expected; ``None`` is any size."""
    return len(shape) == len(expected) and all(
        n is None or size in (n, None) for n, size in zip(expected, shape, strict=True)
    )


def check_batch_size(
    expected: Sequence[int | None], shape: Sequence[int], layers: Sequence[Any]
) -> None:
    """Raise ``ValueError`` for another number of samples than layers keep states of."""
    fixed = expected[0]
    if fixed is None or shape[0] == fixed:
        return
    keeper = next((inner for k in layers for inner in iterate_layers(k) if inner.stateful), None)
    if keeper is not None:
        text = f"batches of {fixed} samples, whose states layer {keeper.name!r} keeps"
        remedy = f"Pass batch_size={fixed}, and as many samples as fill whole batches."
        raise ValueError(errors.bad_shape("inputs", shape, text, remedy))


def _to_array(argument: str, value: Any, tensor: SymbolicTensor) -> Array:
    """Return an array of strings or of numbers, as the input wants."""
    if tensor.dtype == "string":
        return to_strings(argument, value)
    return to_real_array(argument, value)


def map_shapes(structure: Nest) -> Any:
    """Return the shapes of the tensors in a structure."""
    return map_tensors(lambda tensor: tensor.shape, structure)


def different(names: list[str]) -> list[str]:
    """Return the names with numbers behind those that come again."""
    return [
        name if names.count(name) == 1 else f"{name}_{names[:k].count(name)}".removesuffix("_0")
        for k, name in enumerate(names)
    ]
