"""RNN: a cell, or a stack of cells, run over sequences."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_mask
from fastrnn.core.options import Kind, takes_options
from fastrnn.layers.base.capabilities import OnnxGraph, describes_forward, not_in_onnx
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.rnn.base import SEQUENCE_OPTIONS, RecurrentLayer
from fastrnn.layers.rnn.python_loop import PythonLoop, is_custom_cell
from fastrnn.layers.rnn.quantize import QuantizableLayer
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.layers.rnn.stacked_rnn_cells import StackedRNNCells, copy_cell
from fastrnn.layers.rnn.states import KeepsStates, flat, mask_of_outputs
from fastrnn.typing import Array, MaskLike, Nest, Shape


def _of_chain(name: str, k: int) -> Any:
    """Return a property: an option that the layer of the first or the last cell has."""

    def write(layer: RNN, value: bool) -> None:
        setattr(layer._chain[k], name, value)

    return property(lambda layer: getattr(layer._chain[k], name), write, doc=f"See ``{name}``.")


def _to_cell(argument: str, value: object) -> Any:
    cell = registry.deserialize(value) if isinstance(value, dict) else value
    cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
    if not is_custom_cell(cell) and not isinstance(cell, (RecurrentCell, StackedRNNCells)):
        expected = "a cell, a list of cells, or a Layer with `call` and `state_size`"
        raise ValueError(errors.bad_argument(argument, cell, expected))
    return cell


AnyCell = Annotated[Any, Kind(_to_cell, registry.serialize)]


@registry.register()
class RNN(KeepsStates, QuantizableLayer):
    """Runs a cell over sequences; a stack of cells as one recurrent layer after another.

    Args:
        cell: ``SimpleRNNCell``, ``LSTMCell``, ``GRUCell``, a custom cell (see below),
            ``StackedRNNCells``, or a list of cells.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask: see
            ``RecurrentLayer``.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.

    Inputs: (batch, timesteps, features). Outputs: (batch, units), or (batch, timesteps, units)
    with ``return_sequences``; with ``return_state`` the states follow: each (batch, units), or of
    a stack a list for each cell (in a functional model, one after the other).

    Call arguments: ``mask`` (batch, timesteps); ``initial_state``, the states as they are returned
    or in one list; ``training``. ``vjp`` returns the gradients of the states in one list.

    A custom cell is a ``Layer`` with ``state_size`` (an integer, or a list of them) and
    ``call(self, inputs, states[, training])``, which returns the output and the list of the new
    states; ``output_size`` and ``get_initial_state(batch_size)`` if they differ from the first
    size and zeros. Its step is traced for training, unless it has a ``vjp(self, inputs, states,
    training)`` of its own, which returns ``(output, new_states), pullback``, where
    ``pullback(d_output, d_new_states)`` returns ``d_inputs, d_states, d_weights``, the last in the
    order of ``trainable_weights``.

    Raises:
        ValueError: ``cell`` is none of these, or of another dtype than the layer.

    >>> import numpy as np
    >>> from fastrnn.layers import RNN, GRUCell, LSTMCell
    >>> RNN([LSTMCell(8), GRUCell(4)])(np.zeros((2, 5, 3))).shape
    (2, 4)
    """

    call_arguments = ("sequences", "initial_state")
    supports_masking = True
    input_rank = 3
    input_axes = "(batch, timesteps, features)"
    config_order = (*Layer.config_order, *SEQUENCE_OPTIONS, "zero_output_for_mask")

    cell: Any
    return_state: bool
    stateful: bool

    @takes_options
    def __init__(
        self,
        cell: AnyCell,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        kwargs["dtype"] = kwargs.get("dtype") or cell.dtype
        super().__init__(**kwargs)
        if cell.dtype != self.dtype:
            raise ValueError(errors.bad_argument("dtype", self.dtype, f"{cell.dtype}, the cell's"))
        cells = cell.cells if isinstance(cell, StackedRNNCells) else [cell]
        last = len(cells) - 1
        # The later layers take the sequences as the first gives them, in the order of processing.
        self._chain: list[Any] = [
            self._run_cell(
                one,
                return_sequences=return_sequences or k < last,
                go_backwards=go_backwards and k == 0,
                stateful=stateful,
                zero_output_for_mask=zero_output_for_mask and k == last,
            )
            for k, one in enumerate(cells)
        ]

    def _run_cell(self, cell: Any, **options: Any) -> Any:
        """Return what runs one cell over sequences."""
        if is_custom_cell(cell):
            return PythonLoop(cell, **options)
        return RecurrentLayer(cell, return_state=True, dtype=self.dtype, name=self.name, **options)

    go_backwards = _of_chain("go_backwards", 0)
    return_sequences = _of_chain("return_sequences", -1)
    zero_output_for_mask = _of_chain("zero_output_for_mask", -1)

    @property
    def sublayers(self) -> list[Any]:
        """The cell."""
        return [self.cell]

    def stream_layers(self) -> list[Any]:
        """Return what runs each cell."""
        return self.loops if describes_forward(type(self), "stream_layers") else [self]

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator of the cell."""
        if not isinstance(self.cell, RecurrentCell):
            received = "custom cells or in stacks"
            raise ValueError(not_in_onnx(self, received, "built-in cells"))
        return graph.recurrent(self, [self], "concat", inputs)

    @property
    def loops(self) -> list[Any]:
        """What runs each cell over the sequences, in order."""
        return list(self._chain)

    @property
    def quantizable_cells(self) -> list[RecurrentCell]:
        """The cells, but for one of your own."""
        cells = [runner.cell for runner in self._chain]
        return [cell for cell in cells if isinstance(cell, RecurrentCell)]

    @property
    def states(self) -> list[Any] | None:
        """The kept states, in the structure of the initial states, or ``None``."""
        kept = [layer.states for layer in self._chain]
        if any(states is None for states in kept):
            return None
        return kept if len(kept) > 1 else kept[0]

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the cell's states of zeros, for a stack a list for each cell."""
        states = [layer.get_initial_state(batch_size) for layer in self._chain]
        return states if isinstance(self.cell, StackedRNNCells) else states[0]

    @property
    def state_keepers(self) -> list[Any]:
        """What runs each cell."""
        return self.loops

    def make_weights(self, input_shape: Shape) -> None:
        """Make the weights of the cells, and the states if the layer is stateful."""
        if len(input_shape) != 3:
            expected = f"{self.input_axes} for layer {self.name!r}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        if not self.cell.built:
            self.cell.build((input_shape[0], input_shape[2]))
        self.input_features = self._chain[0].cell.input_features or input_shape[2]
        for layer in self._chain:
            layer.build(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, [timesteps,] units), with ``return_state`` a tuple with the states'."""
        shapes = [layer.compute_output_shape(input_shape) for layer in self._chain]
        if not self.return_state:
            return shapes[-1][0]
        return (shapes[-1][0], *[state for shape in shapes for state in shape[1:]])

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return the mask of the outputs if they are sequences; no mask for the states."""
        output_mask = mask_of_outputs(self, mask)
        return [output_mask, *[None] * self.state_count] if self.return_state else output_mask

    @property
    def state_count(self) -> int:
        """Number of states of all cells."""
        return sum(self._state_counts)

    @property
    def _state_counts(self) -> list[int]:
        return [layer.state_count for layer in self._chain]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None, initial_state: Nest = None
    ) -> tuple[Any, Pullback | None]:
        """Run the layers of the chain one after the other; states are one flat tuple."""
        alone = mask is None and initial_state is None
        if alone and not (context.training or context.gradient):
            outputs = self.infer(inputs)
            if outputs is not None:
                return outputs, None
        given = None if initial_state is None else self._split(flat(initial_state))
        mask = to_mask(mask, inputs.shape[:2])
        outputs, states, pulls = inputs, [], []
        for k, layer in enumerate(self._chain):
            own = None if given is None else given[k]
            (outputs, *final), pull = layer.forward(outputs, context, mask, own)
            states += final
            pulls.append(pull)
            if k == 0:
                context = dataclasses.replace(context, input_gradient=True)
                if self.go_backwards and mask is not None:
                    mask = np.ascontiguousarray(mask[:, ::-1])
        result = (outputs, *states) if self.return_state else outputs
        if not context.gradient:
            return result, None
        return result, lambda d_result: self._pull(pulls, d_result, given is not None)

    def _pull(self, pulls: list[Any], d_result: Any, with_states: bool) -> tuple[Any, list[Array]]:
        """Carry the gradients down the chain."""
        d, *d_states = d_result if self.return_state else (d_result,)
        parts = self._split(d_states or [None] * self.state_count)
        d_initial: list[Any] = []
        d_weights: list[Array] = []
        for pull, part in zip(reversed(pulls), reversed(parts), strict=True):
            d, own = pull((d, *part))
            d_weights = own + d_weights
            if with_states:
                d, *firsts = d
                d_initial = firsts + d_initial
        return [d, *d_initial] if with_states else d, d_weights if self._trainable else []

    def _split(self, states: list[Any]) -> list[list[Any]]:
        """Return the states of each cell, for those of all."""
        counts = self._state_counts
        if len(states) != sum(counts):
            expected = f"{sum(counts)} arrays, the states of each cell"
            raise ValueError(
                errors.bad_argument("initial_state", f"{len(states)} arrays", expected)
            )
        ends = np.cumsum(counts)
        return [states[end - count : end] for end, count in zip(ends, counts, strict=True)]

    def __call__(
        self,
        inputs: Any = None,
        *others: Any,
        training: bool | None = None,
        mask: MaskLike = None,
        **options: Any,
    ) -> Any:
        """Compute the outputs, as ``Layer.__call__`` does; states of a stack nest per cell."""
        result = super().__call__(inputs, *others, training=training, mask=mask, **options)
        arrays = isinstance(result, tuple) and isinstance(result[0], np.ndarray)
        if not arrays or len(self._chain) == 1:
            return result
        return (result[0], *self._split(list(result[1:])))

    def infer(self, inputs: Any) -> Any:
        """Return the outputs for inputs alone, if a single cell's engine takes them as they are."""
        runner = self._chain[0]
        single = len(self._chain) == 1 and isinstance(runner, RecurrentLayer)
        if not single or runner.stateful or self.return_state:
            return None
        prepared = runner.prepare()
        return None if prepared is None else prepared(inputs)

    def copy(self, **changes: Any) -> RNN:
        """Return a layer with a copy of the cell, without weights, and with other options.

        Raises:
            ValueError: a custom cell cannot be made from its configuration.
        """
        return type(self)(**{**self.get_config(), "cell": copy_cell(self.cell), **changes})
