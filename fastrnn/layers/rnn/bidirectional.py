"""Bidirectional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.options import Kind, choice, takes_options
from fastrnn.engines.dispatch import rnn_backward_concurrently, rnn_forward_concurrently
from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import Initial
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.rnn.base import RecurrentLayer
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.layers.rnn.rnn import RNN
from fastrnn.layers.rnn.states import KeepsStates, flat
from fastrnn.typing import Array, ArrayLike, MaskLike, Nest, Shape

MERGE_MODES = ("concat", "sum", "ave", "mul", None)


def _to_direction(argument: str, value: object) -> Any:
    layer = registry.deserialize(value) if isinstance(value, dict) else value
    if not isinstance(layer, (RecurrentLayer, RNN)):
        raise ValueError(errors.bad_argument(argument, value, "a recurrent layer"))
    return layer


def _of_direction(attribute: str) -> Kind:
    return Kind(_to_direction, registry.serialize, attribute=attribute)


Direction = Annotated[RecurrentLayer | RNN, _of_direction("forward_layer")]
Backward = Annotated[RecurrentLayer | RNN, _of_direction("backward_layer")]
MergeMode = Annotated[str | None, choice(*MERGE_MODES)]


@registry.register()
class Bidirectional(KeepsStates, Layer):
    """Runs one recurrent layer over the sequences and another one backwards.

    Args:
        layer: ``SimpleRNN``, ``LSTM``, ``GRU`` or ``RNN``. It is copied from its configuration,
            once for each direction; the layer itself keeps no weights.
        merge_mode: how the outputs are joined: ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"``, or
            ``None`` for two outputs.
        weights: initial weights, those of the forward layer first.
        backward_layer: a layer for the other direction, if it is not to be as ``layer``; copied
            too, with its weights if it has some. It must have the other ``go_backwards`` and equal
            ``return_sequences``, ``return_state`` and ``stateful``.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.

    With ``return_sequences``, the backward outputs stand in the order of time, and outputs of
    masked steps are zero. Without, the forward layer's last step meets the backward layer's first.
    With ``return_state``, the forward states follow the outputs, then the backward states; those
    of stacks of cells too stand one after the other.

    Call arguments: ``mask`` (batch, timesteps); ``initial_state``, the forward layer's states and
    then the backward layer's, in one list; ``training``.

    Raises:
        ValueError: ``layer`` or ``backward_layer`` is no recurrent layer, the two do not fit each
            other, or ``merge_mode`` is unknown.

    >>> import numpy as np
    >>> from fastrnn.layers import LSTM, Bidirectional
    >>> Bidirectional(LSTM(8))(np.zeros((2, 5, 3))).shape
    (2, 16)
    """

    call_arguments = ("sequences", "initial_state")
    supports_masking = True
    input_rank = 3
    input_axes = "(batch, timesteps, features)"
    config_order = (*Layer.config_order, "merge_mode")

    merge_mode: str | None
    stream_refusal = "the other direction begins at the end of the sequence"

    @takes_options
    def __init__(
        self,
        layer: Direction,
        merge_mode: MergeMode = "concat",
        weights: Initial[Sequence[ArrayLike] | None] = None,
        backward_layer: Backward | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        changes = {"zero_output_for_mask": layer.return_sequences}
        self.forward_layer: Any = layer.copy(name=_prefixed("forward_", layer.name), **changes)
        self.backward_layer: Any
        if backward_layer is None:
            changes |= {"name": _prefixed("backward_", layer.name), "go_backwards": True}
            self.backward_layer = layer.copy(**changes)
        else:
            self.backward_layer = backward_layer.copy(**changes)
            if backward_layer.built:
                self.backward_layer.build_from_config(backward_layer.get_build_config() or {})
                self.backward_layer.set_weights(backward_layer.get_weights())
        self._check_directions()
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.stateful = layer.stateful

    def _check_directions(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            expected = f"go_backwards={not forward.go_backwards}, the other direction"
            received = f"go_backwards={backward.go_backwards}"
            raise ValueError(errors.bad_argument("backward_layer", received, expected))
        for option in ("stateful", "return_sequences", "return_state"):
            wanted, given = getattr(forward, option), getattr(backward, option)
            if wanted != given:
                expected = f"{option}={wanted}, as the forward layer has it"
                received = f"{option}={given}"
                raise ValueError(errors.bad_argument("backward_layer", received, expected))

    @property
    def sublayers(self) -> list[Any]:
        """The forward and the backward layer."""
        return [self.forward_layer, self.backward_layer]

    @property
    def states(self) -> list[Array] | None:
        """The kept states of both layers, or ``None``."""
        if self.forward_layer.states is None or self.backward_layer.states is None:
            return None
        states: list[Array] = [*self.forward_layer.states, *self.backward_layer.states]
        return states

    @property
    def state_keepers(self) -> list[Layer]:
        """Both layers."""
        return self.sublayers

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator that runs the cells of both layers."""
        if not all(isinstance(layer.cell, RecurrentCell) for layer in self.sublayers):
            received = "custom cells or in stacks"
            raise ValueError(not_in_onnx(self, received, "built-in cells"))
        return graph.recurrent(self, self.sublayers, self.merge_mode, inputs)

    def make_weights(self, input_shape: Shape) -> None:
        """Make the weights of both layers."""
        for layer in self.sublayers:
            if not layer.built:
                layer.build(input_shape)
        self.input_features = self.forward_layer.input_features

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the outputs, or a tuple of shapes where there are several."""
        shape = self.forward_layer.compute_output_shape(input_shape)
        shape, states = (shape[0], shape[1:]) if self.return_state else (shape, ())
        backward = self.backward_layer.compute_output_shape(input_shape)
        backward = backward[0] if self.return_state else backward
        if self.merge_mode == "concat":
            shape = (*shape[:-1], shape[-1] + backward[-1])
        outputs = (shape, backward) if self.merge_mode is None else (shape,)
        result = (*outputs, *states, *states)
        return result if len(result) > 1 else result[0]

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return the mask if the outputs are sequences; no mask for the states."""
        output_mask = mask if self.return_sequences else None
        masks = [output_mask] * (2 if self.merge_mode is None else 1)
        if self.return_state:
            masks += [None] * (2 * self.forward_layer.state_count)
        return masks if len(masks) > 1 else masks[0]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None, initial_state: Nest = None
    ) -> tuple[Any, Pullback | None]:
        """Run both layers side by side and join their outputs."""
        halves = self._split_states(initial_state)
        results, pull = self._run_layers(inputs, context, mask, halves)
        states = self.forward_layer.state_count if self.return_state else 0
        (y, *y_states), (z, *z_states) = results
        if self.return_sequences:
            z = z[:, ::-1]
        merged = (y, np.ascontiguousarray(z)) if self.merge_mode is None else (self._merge(y, z),)
        outputs = (*merged, *y_states, *z_states)
        result = outputs if len(outputs) > 1 else outputs[0]
        if pull is None:
            return result, None

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            d_outputs = d_result if isinstance(result, tuple) else (d_result,)
            merges = len(merged)
            dy, dz = self._split_gradient(d_outputs[:merges], y, z)
            if dz is not None and self.return_sequences:
                dz = np.ascontiguousarray(dz[:, ::-1])
            middle = merges + states
            (d_forward, d_weights), (d_backward, more) = pull(
                (dy, *d_outputs[merges:middle]), (dz, *d_outputs[middle:])
            )
            if initial_state is None:
                return _add(d_forward, d_backward), d_weights + more
            dx = _add(d_forward[0], d_backward[0])
            return [dx, *d_forward[1:], *d_backward[1:]], d_weights + more

        return result, pullback

    def _run_layers(
        self, inputs: Array, context: CallContext, mask: MaskLike, states: tuple[Any, Any]
    ) -> tuple[list[tuple[Array, ...]], Any]:
        """Return the tuple of results of each layer, and their common pullback.

        The pullback takes the tuple of gradients of each layer's results and returns what the
        pullback of each layer returns.
        """
        if all(isinstance(layer, RecurrentLayer) for layer in self.sublayers):
            return self._run_concurrently(inputs, context, mask, states)
        passes = [
            layer.run(layer.accept(inputs), context, mask, initial_state=state)
            for layer, state in zip(self.sublayers, states, strict=True)
        ]
        results = [result if self.return_state else (result,) for result, _, _ in passes]
        if not context.gradient:
            return results, None

        def pullback(*d_results: tuple[Array | None, ...]) -> list[tuple[Any, list[Array]]]:
            pairs = zip(passes, d_results, strict=True)
            return [pull(d if self.return_state else d[0]) for (_, pull, _), d in pairs]

        return results, pullback

    def _run_concurrently(
        self, inputs: Array, context: CallContext, mask: MaskLike, states: tuple[Any, Any]
    ) -> tuple[list[tuple[Array, ...]], Any]:
        """Do what ``_run_layers`` does, both layers at the same time."""
        layers = self.sublayers
        calls = [
            layer.make_call(inputs, context, mask, state)
            for layer, state in zip(layers, states, strict=True)
        ]
        passes = rnn_forward_concurrently(calls)
        results = [
            layer.take_result(outputs, final)
            for layer, (outputs, final, _) in zip(layers, passes, strict=True)
        ]
        penalized = [False, False]
        for k, layer in enumerate(layers):
            if layer.activity_regularizer is not None and context.penalties is not None:
                context.penalties.extend(layer.activity_penalties(results[k]))
                penalized[k] = True
        as_tuples = [result if self.return_state else (result,) for result in results]
        if not context.gradient:
            return as_tuples, None

        def pullback(*d_results: tuple[Array | None, ...]) -> list[tuple[Any, list[Array]]]:
            arguments = []
            for k, layer in enumerate(layers):
                d: Any = d_results[k] if self.return_state else d_results[k][0]
                if penalized[k] and context.penalties is not None:
                    d = layer.with_penalty_gradient(results[k], d, context.penalties.scale)
                arguments.append((passes[k][2], *layer.split_gradient(d)))
            return [
                layer.take_gradients(gradients, state is not None)
                for layer, gradients, state in zip(
                    layers, rnn_backward_concurrently(arguments), states, strict=True
                )
            ]

        return as_tuples, pullback

    def _split_states(self, initial_state: Nest) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        given, states = flat(initial_state), self.forward_layer.state_count
        if len(given) != 2 * states:
            expected = f"{2 * states} arrays, the forward layer's states and the backward layer's"
            received = f"{len(given)} arrays"
            raise ValueError(errors.bad_argument("initial_state", received, expected))
        return given[:states], given[states:]

    def _merge(self, y: Array, z: Array) -> Array:
        if self.merge_mode == "concat":
            return np.concatenate([y, z], axis=-1)
        if self.merge_mode == "mul":
            return y * z
        total = y + z
        return total / 2 if self.merge_mode == "ave" else total

    def _split_gradient(self, d: Any, y: Array, z: Array) -> tuple[Array | None, Array | None]:
        """Return the gradients of both layers' outputs, for those of the merged ones."""
        if self.merge_mode is None:
            return d[0], d[1]
        merged = d[0]
        if merged is None:
            return None, None
        if self.merge_mode == "concat":
            units = y.shape[-1]
            return np.ascontiguousarray(merged[..., :units]), np.ascontiguousarray(
                merged[..., units:]
            )
        if self.merge_mode == "mul":
            return merged * z, merged * y
        share = merged / 2 if self.merge_mode == "ave" else merged
        return share, share


def _prefixed(prefix: str, name: str) -> str:
    return prefix + name.removeprefix(prefix)


def _add(a: Array | None, b: Array | None) -> Array | None:
    """Return a + b, into a; ``None`` where there are no gradients of the inputs."""
    if a is not None and b is not None:
        a += b
    return a
