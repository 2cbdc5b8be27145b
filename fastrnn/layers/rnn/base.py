"""RecurrentLayer: a built-in cell run over sequences, with masks and states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn import config
from fastrnn.core import errors, load_budget
from fastrnn.core.checks import to_mask
from fastrnn.core.options import Kind, Unused, choice, takes_options
from fastrnn.engines.contract import RecurrentCall, RecurrentGradients, StreamStage
from fastrnn.engines.dispatch import (
    STREAM_CELLS,
    Inference,
    rnn_backward,
    rnn_forward,
    rnn_inference,
)
from fastrnn.layers.base.capabilities import OnnxGraph, describes_forward
from fastrnn.layers.base.layer import INFERENCE, CallContext, Layer, LayerOptions, Pullback
from fastrnn.layers.base.stream_lowering import is_fused
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.rnn.quantize import QuantizableLayer
from fastrnn.layers.rnn.recording import Recording
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.layers.rnn.states import KeepsStates, mask_of_outputs, with_zero_rows
from fastrnn.typing import Array, MaskLike, Nest, RowsLike, Shape

# Options of all recurrent layers, in Keras's order.
SEQUENCE_OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")
UseCuDNN = Annotated[bool | str, Kind(choice("auto", True, False).convert, in_config=False)]


class RecurrentLayer(KeepsStates, QuantizableLayer):
    """A cell run over sequences.

    Args:
        cell: the cell; it owns the weights.
        return_sequences: whether the outputs are those of all steps, not of the last alone.
        return_state: whether the final states are returned too, behind the outputs.
        go_backwards: whether the steps are processed from the last to the first; the outputs stand
            in the order of processing.
        stateful: whether each batch starts with the states that the one before it ended with.
        unroll, use_cudnn: accepted and without effect: they change nothing but speed elsewhere.
        zero_output_for_mask: whether the output of a masked step is zero; else it repeats the
            output before it.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.
    """

    call_arguments = ("sequences", "initial_state")
    supports_masking = True
    input_rank = 3
    input_axes = "(batch, timesteps, features)"

    cell: RecurrentCell
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool

    @takes_options
    def __init__(
        self,
        cell: Unused[RecurrentCell],
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        use_cudnn: UseCuDNN = "auto",
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        # Kept between calls if stateful: one (batch, units) array for each state.
        self.states: list[Array] | None = None
        # The settings that it was made for, and the fast path to the outputs, see `prepare`.
        self._prepared: tuple[Any, Inference | None] | None = None
        self._recording: Recording | None = None

    @property
    def sublayers(self) -> list[Layer]:
        """The cell."""
        return [self.cell]

    @property
    def quantizable_cells(self) -> list[RecurrentCell]:
        """The cell."""
        return [self.cell]

    @property
    def state_count(self) -> int:
        """Number of states of the cell."""
        return len(self.cell.spec.states)

    def make_weights(self, input_shape: Shape) -> None:
        """Make the cell's weights, and the states if the layer is stateful.

        Raises:
            ValueError: the features are not fixed, or the batch is not and the layer is stateful.
        """
        if len(input_shape) != 3:
            expected = f"{self.input_axes} for layer {self.name!r}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        batch = input_shape[0]
        if self.stateful and batch is None:
            expected = f"a fixed batch size: layer {self.name!r} is stateful"
            remedy = "Give the model an Input with `batch_size`."
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected, remedy))
        if not self.cell.built:
            self.cell.build((batch, input_shape[2]))
        self.input_features = self.cell.kernel.shape[0]
        if self.stateful and batch is not None:
            load_budget.take_states(batch * sum(self.cell.state_sizes))
            self.states = self.get_initial_state(batch)

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return one (batch_size, units) array of zeros for each state of the cell."""
        return self.cell.get_initial_state(batch_size)

    def copy(self, **changes: Any) -> Any:
        """Return a layer of the same configuration but ``changes``, without weights."""
        return type(self).from_config({**self.get_config(), **changes})

    def reset_state(self, rows: RowsLike = None) -> None:
        """Set the kept states to zero: see ``KeepsStates``."""
        if self.states is not None:
            self.states = with_zero_rows(self.states, rows)

    def refuse_stream(self, first: bool) -> str | None:
        """Return why the layer cannot be run one time step at a time."""
        if not describes_forward(type(self), "stream_ops"):
            return self.stream_refusal
        return "it goes backwards, from the last step on" if self.go_backwards else None

    def stream_ops(self, features: int) -> list[StreamStage] | None:
        """Return the cell's step; ``None`` where the cell's own is to be taken.

        That is: of a quantized cell, which reads fewer bytes, and of one that streams do not have.
        """
        cell = self.cell
        pair = (cell.activation, cell.recurrent_activation)
        fused = cell.spec.name in STREAM_CELLS and all(map(is_fused, pair))
        if cell.quantized is not None or cell.has_zoneout or not fused:
            return None
        activation, recurrent = (function.name for function in pair)
        op = StreamStage(
            "recurrent",
            features,
            cell.output_size,
            cell.weight_values,
            cell.spec.name,
            activation,
            recurrent,
            cell.epsilon,
        )
        return [op]

    def stream_states(self, batch_size: int) -> list[Array]:
        """Return the cell's states of zeros."""
        return self.get_initial_state(batch_size)

    def stream_step(self, inputs: Any, states: Nest) -> tuple[Any, list[Array]]:
        """Compute a step of the cell."""
        return self.cell(inputs, states)

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator of the cell."""
        return graph.recurrent(self, [self], "concat", inputs)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, [timesteps,] units), with ``return_state`` a tuple with the states'."""
        batch, timesteps = input_shape[:2]
        width = self.cell.output_size
        outputs = (batch, timesteps, width) if self.return_sequences else (batch, width)
        if not self.return_state:
            return outputs
        return (outputs, *[(batch, size) for size in self.cell.state_sizes])

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return the mask of the outputs if they are sequences; no mask for the states."""
        output_mask = mask_of_outputs(self, mask)
        return (
            [output_mask, *[None for _ in self.cell.spec.states]]
            if self.return_state
            else output_mask
        )

    def forward(
        self,
        inputs: Array,
        context: CallContext,
        mask: MaskLike = None,
        initial_state: Nest = None,
    ) -> tuple[Any, Pullback | None]:
        """Run the cell over the sequences."""
        alone = mask is None and initial_state is None and not (self.stateful or self.return_state)
        if alone and not (context.training or context.gradient):
            prepared = self.prepare()
            outputs = None if prepared is None else prepared(inputs)
            if outputs is not None:
                return outputs, None
        call = self.make_call(inputs, context, mask, initial_state)
        outputs, final, workspace = rnn_forward(call)
        result = self.take_result(outputs, final)
        if workspace is None:
            return result, None

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            gradients = rnn_backward(workspace, *self.split_gradient(d_result))
            return self.take_gradients(gradients, initial_state is not None)

        return result, pullback

    def infer(self, inputs: Any) -> Any:
        """Return the outputs for inputs alone, if the engine takes them as they are."""
        if self.stateful or self.return_state:
            return None
        prepared = self.prepare()
        return None if prepared is None else prepared(inputs)

    def prepare(self) -> Inference | None:
        """Return the fast path to the outputs of inputs alone; ``None`` where there is none."""
        settings = (
            *config.recurrent_settings(),
            self.return_sequences,
            self.go_backwards,
            self.cell.quantized,
        )
        if self._prepared is None or self._prepared[0] != settings:
            if not self.built or self.input_features is None:
                return None
            like = np.zeros((1, 1, self.input_features), self.dtype)
            self._prepared = settings, rnn_inference(self.make_call(like, INFERENCE))
        return self._prepared[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_prepared": None}

    def take_result(self, outputs: Array, final: tuple[Array, ...]) -> Any:
        """Keep the final states if stateful; return what a call returns."""
        if self.stateful:
            # Copies: the final states may also be results of the call, which anyone may change.
            self.states = [state.copy() for state in final]
        return (outputs, *final) if self.return_state else outputs

    def split_gradient(self, d_result: Any) -> tuple[Array | None, Sequence[Array | None]]:
        """Return the gradients of the outputs and of the final states, for that of a result."""
        d_outputs, d_final = d_result, [None] * len(self.cell.spec.states)
        if self.return_state:
            d_outputs, d_final = d_result[0], d_result[1:]
        if self._recording is not None:
            self._recording.take_gradient(d_outputs, d_final)
        return d_outputs, d_final

    def take_gradients(
        self, gradients: RecurrentGradients, with_states: bool
    ) -> tuple[Any, list[Array]]:
        """Return what a pullback returns."""
        pairs = [(v, gradients.d_weights.get(n)) for n, v in self.cell.named_weights.items()]
        d_weights = self.cell.gradients_of(*pairs)
        d_inputs = [gradients.dx, *gradients.d_initial_state] if with_states else gradients.dx
        return d_inputs, d_weights if self._trainable else []

    def make_call(
        self, inputs: Array, context: CallContext, mask: MaskLike = None, initial_state: Nest = None
    ) -> RecurrentCall:
        """Return the call of the engine that computes the layer for ``inputs``."""
        call = self.cell.make_call(
            inputs,
            self._first_states(len(inputs), initial_state),
            context,
            mask=to_mask(mask, inputs.shape[:2]),
            go_backwards=self.go_backwards,
            return_sequences=self.return_sequences,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        if self._recording is not None:
            self._recording.take_call(call)
        return call

    @contextmanager
    def recorded(self) -> Iterator[Recording]:
        """Record the one call that is made inside; afterwards the kept states are as before."""
        kept = self.states
        self._recording = Recording(self.name)
        try:
            yield self._recording
        finally:
            self._recording, self.states = None, kept

    def _first_states(self, batch: int, initial_state: Nest) -> tuple[Array, ...]:
        if self.states is not None and len(self.states[0]) != batch:
            expected = f"batch {len(self.states[0])}, that of the states of layer {self.name!r}"
            remedy = "A stateful layer works on batches of one size."
            raise ValueError(errors.bad_shape("inputs", (batch, "…"), expected, remedy))
        if initial_state is None:
            return tuple(self.get_initial_state(batch) if self.states is None else self.states)
        return self.cell.to_states("initial_state", initial_state)
