"""Graph: the calls of layers between the inputs and the outputs of a functional model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.nest import flatten, is_node, is_shape, unflatten
from fastrnn.core.variable import Variable
from fastrnn.layers.base.chain import run_chain
from fastrnn.layers.base.context import CallContext, Pullback
from fastrnn.layers.base.symbolic import Node, SymbolicTensor, map_tensors, tensors_in
from fastrnn.typing import Nest

Array = npt.NDArray[Any]


class Graph:
    """The nodes between ``inputs`` and ``outputs``.

    Attributes:
        nodes: in an order in which they can be computed.
        layers: in Keras's order: by their distance from the outputs, farthest first, and then in
            the order in which a search from the outputs meets them. Inputs are among them, as
            tensors.
        chain: the layers in the order of their calls, if each takes what the one before it gives
            and nothing else; ``None`` for other graphs.
        fixed_inputs: the inputs, by ``id``, that get no gradient.

    Raises:
        ValueError: an output does not depend on the inputs alone.
    """

    def __init__(self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        self._given = {id(tensor) for tensor in self.inputs}
        self.fixed_inputs: set[int] = set()
        self.nodes: list[Node] = []
        met: dict[int, Any] = {}
        finished: set[int] = set()
        for tensor in self.outputs:
            self._visit(tensor, met, finished)
        self.layers = self._sorted_layers(list(met.values()))
        self.chain = self._find_chain()

    def _visit(self, tensor: SymbolicTensor, met: dict[int, Any], finished: set[int]) -> None:
        """Append the nodes that ``tensor`` needs, depth first."""
        # A stack of tensors still to be visited, and of nodes whose tensors all are.
        stack: list[Any] = [tensor]
        while stack:
            item = stack.pop()
            if isinstance(item, Node):
                self.nodes.append(item)
                continue
            source = self._source(item)
            if source is item:
                met.setdefault(id(item), item)
            elif id(source) not in finished:
                finished.add(id(source))
                met.setdefault(id(source.layer), source.layer)
                stack.append(source)
                stack.extend(reversed(source.tensors))

    def _source(self, tensor: SymbolicTensor) -> Any:
        """Return the tensor itself if it is one of the inputs, else the node that gives it."""
        if id(tensor) in self._given:
            return tensor
        if tensor.node is None:
            expected = f"all inputs of the model; {tensor!r} is missing"
            received = [given.name for given in self.inputs]
            raise ValueError(errors.bad_argument("inputs", received, expected))
        return tensor.node

    def _sorted_layers(self, met: list[Any]) -> list[Any]:
        node_depth: dict[int, int] = {}
        depth: dict[int, int] = {id(tensor): 0 for tensor in self.inputs}
        for node in reversed(self.nodes):
            layer = id(node.layer)
            depth[layer] = max(node_depth.get(id(node), 0), depth.get(layer, 0))
            node_depth[id(node)] = depth[layer]
            for tensor in node.tensors:
                source = self._source(tensor)
                depths = depth if source is tensor else node_depth
                depths[id(source)] = max(depth[layer] + 1, depths.get(id(source), 0))
        used = set(map(id, met))
        unused = [tensor for tensor in self.inputs if id(tensor) not in used]
        return sorted([*met, *unused], key=lambda item: -depth[id(item)])

    def _find_chain(self) -> list[Any] | None:
        link: Any = self.inputs[0] if self.inputs else None
        for node in self.nodes:
            if not node.is_plain or node.inputs is not link:
                return None
            link = node.result
        alone = len(self.inputs) == len(self.outputs) == 1 and self.outputs[0] is link
        return [node.layer for node in self.nodes] if alone else None

    def shapes(self, input_shapes: Sequence[Any]) -> list[Any]:
        """Return the shapes of the outputs for inputs of other shapes."""
        known = {id(t): tuple(s) for t, s in zip(self.inputs, input_shapes, strict=True)}
        for node in self.nodes:
            inputs, options = (
                map_tensors(lambda t: SymbolicTensor(known[id(t)], t.dtype, t.name), value)
                for value in (node.inputs, node.options)
            )
            shapes = node.layer.call_specs(inputs, options)[0]
            for tensor, shape in zip(node.outputs, flatten(shapes, is_shape), strict=True):
                known[id(tensor)] = shape
        return [known[id(tensor)] for tensor in self.outputs]

    def run(
        self, arrays: Sequence[Any], context: CallContext, masks: Sequence[Any]
    ) -> tuple[list[Any], Pullback | None, list[Any]]:
        """Compute the outputs, their pullback and their masks.

        The pullback takes a list of gradients of the outputs, ``None`` among them, and returns
        those of the inputs and a dict of those of the weights, by ``id``.
        """
        if self.chain is not None:
            inputs = self.chain[0].accept(arrays[0]) if self.chain else arrays[0]
            result, pull_chain, mask = run_chain(self.chain, inputs, context, masks[0])
            by_weight = None if pull_chain is None else _by_weight(self.chain, pull_chain)
            return [result], by_weight, [mask]
        values = dict(zip(map(id, self.inputs), arrays, strict=True))
        known_masks = dict(zip(map(id, self.inputs), masks, strict=True))
        # Tensors whose gradient is wanted: by the caller, or by weights that they depend on.
        wanted = set(values) - self.fixed_inputs if context.input_gradient else set()
        calls: list[tuple[Node, list[Variable], Pullback]] = []
        for node in self.nodes:
            if not context.gradient:
                run_node(node, context, values, known_masks)
                continue
            through = any(id(tensor) in wanted for tensor in node.tensors)
            weights = node.layer.weights_of_call
            needed = through or bool(weights)
            inner = CallContext(context.training, needed, through, context.penalties)
            pullback = run_node(node, inner, values, known_masks)
            if needed:
                assert pullback is not None
                calls.append((node, weights, pullback))
                wanted.update(id(tensor) for tensor in node.outputs)
        outputs = [values[id(tensor)] for tensor in self.outputs]
        out_masks = [known_masks[id(tensor)] for tensor in self.outputs]
        if not context.gradient:
            return outputs, None, out_masks

        def pull(d_outputs: list[Any]) -> tuple[Any, Any]:
            gradients: dict[int, Any] = {}
            for tensor, d in zip(self.outputs, d_outputs, strict=True):
                _accumulate(gradients, id(tensor), d)
            d_weights: dict[int, Array] = {}
            for call in reversed(calls):
                pull_node(*call, gradients, d_weights)
            return [gradients.get(id(tensor)) for tensor in self.inputs], d_weights

        return outputs, pull, out_masks


def _by_weight(layers: Sequence[Any], pull: Pullback) -> Pullback:
    """Return the pullback of a graph, as ``Graph.run`` gives it, for that of a chain."""
    weights = [weight for layer in layers for weight in layer.weights_of_call]

    def pull_one(d_outputs: list[Any]) -> tuple[Any, Any]:
        if d_outputs[0] is None:
            return [None], {}
        d_inputs, gradients = pull(d_outputs[0])
        d_weights: dict[int, Array] = {}
        for weight, gradient in zip(weights, gradients, strict=True):
            _accumulate(d_weights, id(weight), gradient)
        return [d_inputs], d_weights

    return pull_one


def run_node(
    node: Node, context: CallContext, values: dict[int, Any], masks: dict[int, Any]
) -> Pullback | None:
    """Compute the outputs of a node into ``values`` and ``masks``; return its pullback."""
    layer = node.layer
    if node.is_plain:
        given, made = id(node.inputs), id(node.result)
        inputs = layer.accept(values[given])
        values[made], pullback, masks[made] = layer.run(inputs, context, masks[given])
        return pullback
    if "training" in node.options:
        context = dataclasses.replace(context, training=bool(node.options["training"]))
    inputs = layer.accept(map_tensors(lambda tensor: values[id(tensor)], node.inputs))
    options = {
        name: map_tensors(lambda tensor: values[id(tensor)], value)
        for name, value in node.options.items()
        if name != "training"
    }
    mask = options.pop("mask", None)
    travelling = _masks_of(node.inputs, masks)
    if layer.has_own_call:
        others = {name: _masks_of(node.options[name], masks) for name in options}
        result, pullback, out_mask = layer.run(
            inputs, context, mask, [travelling, others], **options
        )
    else:
        mask = travelling if mask is None else mask
        # With tensors among the options, the mask only travels past the layer, as in Keras.
        used = layer.masks_beside_tensors or all(isinstance(v, bool) for v in options.values())
        result, pullback, out_mask = layer.run(inputs, context, mask if used else None, **options)
        if not used:
            out_mask = layer.compute_mask(inputs, mask)
    results = flatten(result)
    out_masks = flatten(out_mask) if is_node(out_mask) else [out_mask] * len(results)
    for tensor, value, m in zip(node.outputs, results, out_masks, strict=True):
        values[id(tensor)], masks[id(tensor)] = value, m
    return pullback


def _masks_of(value: Nest, masks: dict[int, Any]) -> Any:
    """Return the masks of an argument in its structure; ``None`` if there is none."""
    found = [masks.get(id(leaf)) for leaf in flatten(value)]
    return None if all(mask is None for mask in found) else unflatten(value, found)


def pull_node(
    node: Node,
    weights: list[Variable],
    pullback: Pullback,
    gradients: dict[int, Any],
    d_weights: dict[int, Array],
) -> None:
    """Carry the gradients of a node's outputs to its inputs and weights."""
    d_outputs = [gradients.pop(id(tensor), None) for tensor in node.outputs]
    if all(d is None for d in d_outputs):
        return
    d_inputs, own = pullback(unflatten(node.result, d_outputs))
    for variable, gradient in zip(weights, own, strict=True):
        _accumulate(d_weights, id(variable), gradient)
    for leaf, d in zip(node.differentiated, flatten(d_inputs), strict=False):
        _accumulate(gradients, id(leaf), d)


def _accumulate(sums: dict[int, Any], key: int, value: Nest) -> None:
    """Add a gradient to what is there; never in place: arrays may be shared."""
    if value is not None:
        sums[key] = sums[key] + value if key in sums else value


def check_tensors(argument: str, value: Nest) -> list[SymbolicTensor]:
    """Return the tensors of a tensor, or of nested lists, tuples and dicts of tensors.

    Raises:
        ValueError: there is none, or something else among them.
    """
    tensors = tensors_in(value)
    if not tensors or len(tensors) != len(flatten(value)):
        expected = "what Input returns or a layer called on it, or a list or dict of them"
        raise ValueError(errors.bad_argument(argument, type(value).__name__, expected))
    return tensors
