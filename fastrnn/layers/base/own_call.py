"""OwnCall: layers and models whose ``call`` the user wrote, as in Keras.

``call`` is traced, see ``fastrnn.layers.base.traced``, and its graph is what runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn.core import tracing
from fastrnn.core.nest import flatten, is_shape, unflatten
from fastrnn.core.variable import Variable, name_scope
from fastrnn.layers.base import symbolic
from fastrnn.layers.base.call_signature import CallSignature, shapes_for
from fastrnn.layers.base.call_values import (
    arrays_and_masks,
    bools,
    in_structure,
    numbers_as_arrays,
    shapes_in_call,
    tensors_for,
    with_masks,
)
from fastrnn.layers.base.context import CallContext, Penalties, Pullback
from fastrnn.layers.base.place import raise_with_place
from fastrnn.layers.base.structures import check_gradients, copy_if_aliased
from fastrnn.layers.base.symbolic import Node, SymbolicTensor
from fastrnn.layers.base.traced import TracedCall, TracedPullback, Traces, tensors_of_variables
from fastrnn.layers.base.weights import HasWeights
from fastrnn.typing import Array, Nest

# Lengths that stand for unknown ones in a shape that is asked for.
_STAND_INS = (5, 7)


class OwnCall(HasWeights):
    """The methods of layers with a ``call`` of the user's: see ``Layer.__init_subclass__``.

    Attributes:
        call: that of the user.
        call_signature: its parameters.
        compute_mask, activity_penalties, with_penalty_gradient: those of all layers.
    """

    call: Callable[..., Any]
    call_signature: CallSignature
    call_penalties: Sequence[float] | None
    has_own_build: bool
    supports_masking: bool
    activity_regularizer: Any
    nodes: list[Node]
    compute_mask: Callable[..., Any]
    activity_penalties: Callable[..., list[float]]
    with_penalty_gradient: Callable[..., Any]
    _traces: Traces

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs for arrays; on symbolic tensors, note the call.

        Args:
            *args: those of ``call``: arrays, or lists and dicts of arrays, converted to the layer's
                dtype where they are floats; or symbolic tensors.
            **kwargs: those of ``call``, and ``training`` and ``mask`` also where it does not ask.

        Raises:
            TypeError: ``call`` does not take the arguments, or needs values.
        """
        inputs, options, training, mask = self.call_signature.bind(args, kwargs)
        tensors = [inputs, mask, *options.values()]
        if tracing.active() is not None or symbolic.tensors_in(tensors):
            given = {**options, "training": training, "mask": mask}
            return note(self, inputs, {k: v for k, v in given.items() if v is not None})
        inputs, options, mask = self._converted(inputs), self._converted(options), bools(mask)
        training = self.call_signature.default_training if training is None else training
        penalties = Penalties()
        context = CallContext(bool(training), penalties=penalties)
        outputs = self.run(inputs, context, mask, **options)[0]
        self.call_penalties = penalties
        return copy_if_aliased(outputs, [inputs, options])

    def vjp(self, *args: Any, **kwargs: Any) -> tuple[Any, Pullback]:
        """Compute the outputs, and a function that carries gradients back: see ``Layer.vjp``."""
        inputs, options, training, mask = self.call_signature.bind(args, kwargs)
        inputs, options, mask = self._converted(inputs), self._converted(options), bools(mask)
        context = CallContext(training=bool(training), gradient=True)
        pullback: Any
        outputs, pullback, _ = self.run(inputs, context, mask, **options)

        def checked_pullback(d_outputs: Any) -> tuple[Any, list[Array]]:
            d_outputs = check_gradients(d_outputs, outputs)
            d_inputs, d_weights = pullback(d_outputs)
            return copy_if_aliased(d_inputs, d_outputs), d_weights

        return copy_if_aliased(outputs, [inputs, options]), checked_pullback

    def accept(self, inputs: Nest) -> Any:
        """Return inputs as arrays, floats in the layer's dtype."""
        return self.convert_inputs(inputs)

    def convert_inputs(self, inputs: Nest) -> Any:
        """Return inputs as arrays, floats in the layer's dtype."""
        if type(inputs) is np.ndarray and inputs.dtype.name == self.dtype:
            return inputs if inputs.flags.c_contiguous else np.ascontiguousarray(inputs)
        return self._converted(numbers_as_arrays(inputs))

    def check_inputs(self, inputs: Nest) -> None:
        """Leave the inputs to ``call``."""

    def _converted(self, value: Nest) -> Any:
        """Return arrays of an argument in the types that ``call`` gets them in."""
        if isinstance(value, dict):
            return {key: self._converted(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return unflatten(value, [self._converted(entry) for entry in flatten(value)])
        if isinstance(value, Variable) or not hasattr(value, "__array__"):
            return value
        array = np.asarray(value)
        if array.dtype.kind == "f" and array.dtype.name != self.dtype:
            array = array.astype(self.dtype)
        return np.ascontiguousarray(array) if array.ndim else array

    # ---- weights ----

    def make_weights_inside(self, input_shape: Nest) -> None:
        """Make the weights of the layers inside, by following ``call``."""
        if self.call_signature.needs_more:
            return  # a cell, or a layer of several inputs: its first call tells
        _specs_of(self, [tensors_for(input_shape, self.dtype), {}, None, {}], training=False)

    def build_for(self, inputs: Nest) -> None:
        """Make the weights for arrays, by following ``call``."""
        _follow(self, [inputs, {}, None, {}], training=False)

    # ---- computing ----

    def run(
        self,
        inputs: Nest,
        context: CallContext,
        mask: Nest = None,
        travelling: tuple[Any, dict[str, Any]] | None = None,
        **options: Any,
    ) -> tuple[Any, Pullback | None, Any]:
        """Run the graph of ``call``.

        Args:
            inputs: the first argument: arrays that ``accept`` returned.
            context: see ``CallContext``.
            mask: of the inputs, for ``call`` if it asks.
            travelling: the masks that came with the inputs, and by their names with the other
                arguments. Of a sole tensor, ``call`` gets it as ``mask``; else as ``query_mask``.
            options: the other arguments.
        """
        takes = self.call_signature.takes_mask and mask is not None
        if type(inputs) is np.ndarray and not options:  # most calls
            key = (inputs.shape, inputs.dtype, context.training, takes)
            traced = self._traces.find(key)
            if traced is None:
                traced = _follow(self, [inputs, {}, mask, {}], context.training)
                self._traces.enter(key, traced)
            arrays, known = ([inputs, mask], [mask, None]) if takes else ([inputs], [mask])
        else:
            with_inputs, others = travelling or (mask, {})
            mask, masks = self.call_signature.masks(inputs, options, mask, with_inputs, others)
            traced = _follow(self, [inputs, options, mask, masks], context.training)
            arrays, known = arrays_and_masks(inputs, options, mask, masks, with_inputs, others)
            mask = with_inputs if mask is None else mask
        result, pull, out_mask = traced.run(arrays, context, known)
        if traced.returns_weights is not False:
            result = self._without_weights(traced, result)
        if self.activity_regularizer is not None and context.penalties is not None:
            context.penalties.extend(self.activity_penalties(result))
            pull = None if pull is None else _with_penalty(self, result, pull, context.penalties)
        if self.supports_masking:
            out_mask = with_masks(out_mask, result, self.compute_mask(inputs, mask))
        if pull is None:
            return result, None, out_mask
        weights = self.trainable_weights

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            d_arrays, by_id = pull(d_result)
            d_weights = [
                by_id[id(v)] if id(v) in by_id else np.zeros_like(v.value) for v in weights
            ]
            return in_structure(d_arrays, inputs, options), d_weights

        return result, pullback, out_mask

    def _without_weights(self, traced: TracedCall, result: Any) -> Any:
        """Return the outputs, copied where they are views of weights: they may be changed."""
        kept = copy_if_aliased(result, [variable.value for variable in self.weights])
        traced.returns_weights = any(
            a is not b for a, b in zip(flatten(result), flatten(kept), strict=True)
        )
        return kept

    def forward(
        self, inputs: Nest, context: CallContext, **options: Any
    ) -> tuple[Any, Pullback | None]:
        """Compute the outputs and the pullback."""
        return self.run(inputs, context, **options)[:2]

    # ---- shapes ----

    def compute_output_shape(self, *shapes: Any, **named: Any) -> Any:
        """Return the shapes of the outputs for arguments of these shapes, in their order."""
        named = {name.removesuffix("_shape"): shape for name, shape in named.items()}
        bound = self.call_signature.bind(shapes, named)
        options = {name: tensors_for(shape, self.dtype) for name, shape in bound.options.items()}
        return self.call_specs(tensors_for(bound.inputs, self.dtype), options)[0]

    def output_shapes_for(self, inputs: Nest) -> Any:
        """Return the shapes of the outputs for arrays."""
        return _outputs_of(self, _follow(self, [inputs, {}, None, {}], training=False))[0]

    def follow_shapes(self, input_shape: Nest, training: bool) -> TracedCall:
        """Return the traced ``call`` for inputs of these shapes."""
        return _follow(self, [tensors_for(input_shape, self.dtype), {}, None, {}], training)

    def call_specs(self, inputs: Nest, options: dict[str, Any]) -> tuple[Any, Any]:
        """Return shapes and dtypes of the outputs of a call on symbolic tensors.

        Args:
            inputs: the first argument.
            options: the others, ``training`` and ``mask`` among them.
        """
        options = dict(options)
        training, mask = bool(options.pop("training", False)), options.pop("mask", None)
        return _specs_of(self, [inputs, options, mask, {}], training)


def note(layer: OwnCall, inputs: Nest, options: dict[str, Any]) -> Any:
    """Keep a call on symbolic tensors as a node, and return its outputs.

    Args:
        layer: of the call.
        inputs: its first argument.
        options: the others, ``training`` and ``mask`` among them.
    """
    inputs, options = tensors_of_variables(inputs), tensors_of_variables(options)
    shapes, dtypes = layer.call_specs(inputs, options)
    if _overrides_shape(layer):
        arguments = layer.call_signature.tensor_arguments(inputs, options)
        shapes = layer.compute_output_shape(
            **shapes_for(layer.compute_output_shape, arguments, shapes_in_call)
        )
        dtypes = None
    node = Node(layer, inputs, options, shapes, dtypes)
    if tracing.active() is None:
        layer.nodes.append(node)
    return node.result


def build(layer: OwnCall, inputs: Nest, options: dict[str, Any]) -> None:
    """Build a layer for these arguments, by a ``build`` of the user's if there is one."""
    if layer.built or layer._is_building:
        return
    if not layer.has_own_build:
        _build_as_base(layer, shapes_in_call(inputs))
        return
    arguments = layer.call_signature.tensor_arguments(inputs, options)
    layer.build(**shapes_for(layer.build, arguments, shapes_in_call))


def _build_as_base(layer: OwnCall, shapes: Nest) -> None:
    """Make the weights that the built-in layer has on which the layer's class stands."""
    if type(layer).make_weights is not HasWeights.make_weights:
        with layer.building(shapes):
            layer.make_weights_of_base(shapes)
    elif type(layer).build is not HasWeights.build:  # a model
        layer.build(shapes)


def _follow(layer: OwnCall, arguments: Sequence[Any], training: bool) -> TracedCall:
    """Return the traced ``call`` of a layer for arrays or symbolic tensors.

    Args:
        layer: the layer.
        arguments: the inputs, the options, the mask and the masks of the options.
        training: what ``call`` is told, if it asks.

    Raises:
        Exception: what ``call`` raises; the message says where.
    """
    inputs, options, mask, masks = arguments
    signature, names = layer.call_signature, list(options)
    build(layer, inputs, options)

    def call(inputs: Nest, values: Sequence[Any], mask: Nest, masks: dict[str, Any]) -> Any:
        noted = tracing.active()
        assert noted is not None
        noted.training = training
        given = {**dict(zip(names, values, strict=True)), **masks}
        if signature.takes_training:
            given["training"] = training
        if mask is not None:
            given["mask"] = mask
        with contextlib.nullcontext() if layer._is_building else name_scope(layer.name):
            return signature.call(layer.call, inputs, given)

    values = list(options.values())
    taken = (inputs, values, mask if signature.takes_mask else None, masks)
    try:
        traced: TracedCall = layer._traces.follow(call, taken, tuple(names), training)
    except Exception as error:
        kind = type(layer).__name__
        raise_with_place(error, f"In `call` of layer {layer.name!r} ({kind})")
    if not traced.checked:
        _require_kept(layer, traced)
        traced.checked = True
    if not layer.built:
        layer.built = True
        layer._build_shape = layer._build_shape or shapes_in_call(inputs)
    return traced


def _specs_of(layer: OwnCall, arguments: Sequence[Any], training: bool) -> tuple[Any, list[str]]:
    """Return shapes and dtypes of the outputs of ``call`` for symbolic tensors."""
    try:
        return _outputs_of(layer, _follow(layer, arguments, training))
    except Exception:
        if tracing.active() is not None or not _has_unknown(arguments):
            raise
    # Code that needs lengths gets some; what differs with them is unknown.
    found = [
        _outputs_of(layer, _follow(layer, _with_lengths(arguments, n), training))
        for n in _STAND_INS
    ]
    (shapes, dtypes), (others, _) = found
    pairs = zip(flatten(shapes, is_shape), flatten(others, is_shape), strict=True)
    common = [tuple(a if a == b else None for a, b in zip(*pair, strict=True)) for pair in pairs]
    return unflatten(shapes, common, is_shape), dtypes


def _outputs_of(layer: OwnCall, traced: TracedCall) -> tuple[Any, list[str]]:
    results = flatten(traced.outputs)
    shapes = unflatten(traced.outputs, [tuple(getattr(y, "shape", ())) for y in results])
    return shapes, [str(getattr(y, "dtype", layer.dtype)) for y in results]


def _has_unknown(arguments: Sequence[Any]) -> bool:
    tensors = symbolic.tensors_in(list(arguments))
    return any(None in tensor.shape for tensor in tensors)


def _with_lengths(arguments: Sequence[Any], length: int) -> list[Any]:
    """Return arguments with ``length`` in the place of each unknown length of a tensor."""

    def fill(tensor: SymbolicTensor) -> SymbolicTensor:
        shape = tuple(length if n is None else n for n in tensor.shape)
        return SymbolicTensor(shape, tensor.dtype, tensor.name)

    return [symbolic.map_tensors(fill, argument) for argument in arguments]


def _require_kept(layer: OwnCall, traced: TracedCall) -> None:
    """Raise ``ValueError`` if ``call`` makes layers anew: each call would forget their weights."""
    kept = {id(variable) for variable in layer.weights}
    used = {id(node.layer): node.layer for node in traced.graph.nodes}.values()
    lost = [v.path for inner in used for v in inner.weights if id(v) not in kept]
    if lost:
        raise ValueError(
            f"The weights {', '.join(lost)} belong to layers that are no attributes of "
            f"{type(layer).__name__} {layer.name!r}: make them in `__init__` and keep them on "
            "`self`."
        )


def _with_penalty(layer: OwnCall, result: Nest, pull: TracedPullback, penalties: Penalties) -> Any:
    return lambda d: pull(layer.with_penalty_gradient(result, d, penalties.scale))


def _overrides_shape(layer: OwnCall) -> bool:
    return type(layer).compute_output_shape is not vars(OwnCall)["compute_output_shape"]
