"""PythonLoop: a custom cell, run over sequences step by step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from fastrnn.core import errors, load_budget
from fastrnn.core.nest import unflatten
from fastrnn.layers.base.layer import CallContext, Layer, Pullback
from fastrnn.layers.base.own_call import OwnCall
from fastrnn.layers.rnn.states import with_zero_rows
from fastrnn.typing import Array, Nest, RowsLike, Shape


@runtime_checkable
class CustomCell(Protocol):
    """What a layer has that is a cell: see ``RNN``."""

    @property
    def state_size(self) -> int | Sequence[int]:
        """Length of the state, or of each state."""

    @property
    def call(self) -> Callable[..., tuple[Array, Any]]:
        """Function of inputs, states and, if it takes it, ``training``: one step."""


class PythonLoop:
    """What ``RecurrentLayer`` is to a built-in cell, in NumPy: see ``RNN`` for the protocol.

    Args:
        cell: a ``Layer`` with ``state_size`` and ``call``, and ``vjp`` if it is not traced.
        return_sequences, go_backwards, stateful, zero_output_for_mask: see ``RecurrentLayer``.
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool,
        go_backwards: bool,
        stateful: bool,
        zero_output_for_mask: bool,
    ) -> None:
        self.cell = cell
        self.name: str = cell.name
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.zero_output_for_mask = zero_output_for_mask
        self.sizes = _listed(cell.state_size)
        self.output_size = output_size_of(cell)
        self.state_count = len(self.sizes)
        self.states: list[Array] | None = None

    def get_initial_state(self, batch_size: int) -> list[Array]:
        """Return the cell's own initial states, or zeros."""
        return initial_states_of(self.cell, batch_size)

    def reset_state(self, rows: RowsLike = None) -> None:
        """Set the kept states to zero, see ``RecurrentLayer``."""
        if self.states is not None:
            self.states = with_zero_rows(self.states, rows)

    def refuse_stream(self, first: bool) -> str:
        """Return why the cell cannot be run in a stream."""
        return "its cell is a custom one"

    def build(self, input_shape: Shape) -> None:
        """Make the states if the layer is stateful; the cell is built already."""
        if self.stateful:
            if input_shape[0] is None:
                remedy = "Give the model an Input with `batch_size`."
                expected = "a fixed batch size: the layer is stateful"
                raise ValueError(errors.bad_shape("input_shape", input_shape, expected, remedy))
            load_budget.take_states(input_shape[0] * sum(self.sizes))
            self.states = self.get_initial_state(input_shape[0])

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shapes of the outputs and of each state."""
        batch, steps = input_shape[:2]
        middle = (steps,) if self.return_sequences else ()
        return ((batch, *middle, self.output_size), *[(batch, size) for size in self.sizes])

    def forward(
        self,
        inputs: Array,
        context: CallContext,
        mask: Array | None,
        initial_state: Sequence[Array] | None,
    ) -> tuple[Any, Pullback | None]:
        """Run the steps; the pullback runs them back."""
        batch, steps = inputs.shape[:2]
        step = self._step(context)
        order = range(steps)[::-1] if self.go_backwards else range(steps)
        states = initial_state or self.states or self.get_initial_state(batch)
        if self.states is not None and len(self.states[0]) != batch:
            expected = f"batch {len(self.states[0])}, that of the kept states"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))
        states = [np.asarray(state, self.cell.dtype) for state in states]
        output = np.zeros((batch, self.output_size), self.cell.dtype)
        outputs, pulls = [], []
        for t in order:
            fresh, new, pull = step(inputs[:, t], states)
            if mask is not None:
                keep = mask[:, t, None]
                output = np.zeros_like(output) if self.zero_output_for_mask else output
                fresh = np.where(keep, fresh, output)
                new = [np.where(keep, a, b) for a, b in zip(new, states, strict=True)]
            output, states = fresh, new
            outputs.append(output)
            pulls.append(pull)
        if self.stateful:
            self.states = [state.copy() for state in states]
        result = np.stack(outputs, axis=1) if self.return_sequences else output
        if not context.gradient:
            return (result, *states), None
        return (result, *states), lambda d: self._pull(
            inputs, mask, initial_state is not None, [*zip(order, pulls, strict=True)], d
        )

    def _step(self, context: CallContext) -> Any:
        """Return the function of one step: output, new states and pullback."""
        cell = self.cell
        own_vjp = type(cell).vjp if type(cell).vjp is not vars(OwnCall)["vjp"] else None
        options = _call_options(cell, context.training)

        def step(x: Array, states: list[Array]) -> Any:
            if context.gradient and own_vjp is None:
                (output, new), pull = _traced_vjp(cell, x, states, context.training)
            elif context.gradient:
                (output, new), pull = cell.vjp(x, states, context.training)
            else:
                (output, new), pull = cell.call(x, states, **options), None
            return output, _listed(new), pull

        return step

    def _pull(
        self, inputs: Array, mask: Array | None, with_states: bool, pulls: Any, d: Any
    ) -> Any:
        """Carry the gradients through the steps, the last one first."""
        d_result, *d_final = d
        batch = len(inputs)
        dx = np.zeros_like(inputs)
        carried = np.zeros((batch, self.output_size), inputs.dtype)
        d_states = [
            np.zeros((batch, size), inputs.dtype) if given is None else given
            for given, size in zip(d_final, self.sizes, strict=True)
        ]
        d_weights = [np.zeros_like(w.value) for w in self.cell.trainable_weights]
        for k, (t, pull) in reversed([*enumerate(pulls)]):
            d_output = carried
            if d_result is not None and (self.return_sequences or k == len(pulls) - 1):
                d_output = d_output + (d_result[:, k] if self.return_sequences else d_result)
            keep = np.ones((batch, 1), bool) if mask is None else mask[:, t, None]
            # A masked step hands the gradients on: those of the states, and those of the output.
            past = [np.where(keep, 0, s) for s in d_states]
            carried = np.where(keep | self.zero_output_for_mask, 0, d_output)
            d_x, d_before, own = pull(
                np.where(keep, d_output, 0), [np.where(keep, s, 0) for s in d_states]
            )
            dx[:, t] = d_x
            d_states = [a + b for a, b in zip(_listed(d_before), past, strict=True)]
            if d_weights:  # else the cell is not trained
                d_weights = [a + b for a, b in zip(d_weights, own, strict=True)]
        return [dx, *d_states] if with_states else dx, d_weights


def _traced_vjp(cell: Any, x: Array, states: list[Array], training: bool) -> Any:
    """Return output, new states and pullback of a cell with no ``vjp`` of its own."""
    (output, new), pull = cell.vjp(x, states, training=training)

    def pullback(d_output: Array, d_new: list[Array]) -> tuple[Array, Any, list[Array]]:
        (d_x, d_states), d_weights = pull((d_output, unflatten(new, d_new)))
        return d_x, d_states, d_weights

    return (output, new), pullback


def is_custom_cell(cell: Any) -> bool:
    """Whether it is a cell as ``RNN`` describes it for users."""
    own = isinstance(cell, Layer) and type(cell).call is not Layer.call
    return own and isinstance(cell, CustomCell)


def output_size_of(cell: Any) -> int:
    """Return the length of a cell's output."""
    size: int = getattr(cell, "output_size", None) or _listed(cell.state_size)[0]
    return size


def initial_states_of(cell: Any, batch_size: int) -> list[Array]:
    """Return the states that a cell starts with: its own, or zeros."""
    own = getattr(cell, "get_initial_state", None)
    if own is None:
        sizes = _listed(cell.state_size)
        return [np.zeros((batch_size, size), cell.dtype) for size in sizes]
    return _listed(own(batch_size=batch_size))


def call_cell(
    cell: Any, inputs: Array, states: Nest, training: bool = False
) -> tuple[Array, list[Array]]:
    """Compute one step of any cell."""
    if not is_custom_cell(cell):
        output, new = cell(inputs, states, training=training)
    else:
        output, new = cell.call(inputs, _listed(states), **_call_options(cell, training))
    return output, _listed(new)


def _call_options(cell: Any, training: bool) -> dict[str, bool]:
    takes_training = "training" in inspect.signature(cell.call).parameters
    return {"training": training} if takes_training else {}


def _listed(states: Nest) -> list[Any]:
    return list(states) if isinstance(states, (list, tuple)) else [states]
