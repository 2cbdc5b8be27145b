"""Recording: how the gradient of a recurrent layer's states came about, step by step."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from fastrnn.core import errors
from fastrnn.engines.contract import RecurrentCall, Workspace
from fastrnn.engines.dispatch import rnn_backward, rnn_forward
from fastrnn.typing import Array


class Recording:
    """The one call of a recurrent layer, and the gradients that reached its results.

    Args:
        name: that of the layer, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.call: RecurrentCall | None = None
        self.d_outputs: Array | None = None
        self.d_final: Sequence[Array | None] = ()

    def take_call(self, call: RecurrentCall) -> None:
        """Take the call, before it is run.

        Raises:
            ValueError: there was one already.
        """
        if self.call is not None:
            expected = f"each recurrent layer called once; {self.name!r} is called again"
            raise ValueError(errors.bad_argument("model", "shared layers", expected))
        self.call = call

    def take_gradient(self, d_outputs: Array | None, d_final: Sequence[Array | None]) -> None:
        """Take the gradients of the results of that call."""
        self.d_outputs, self.d_final = d_outputs, d_final

    def norms(self, call: RecurrentCall) -> list[Array]:
        """Return for each state the norms of its gradients, in the order of time."""
        order = -1 if call.go_backwards else 1
        steps = list(_steps(call))
        d_steps = self._gradients_of_steps(call)
        d_states = [
            np.zeros_like(state) if d is None else d
            for state, d in itertools.zip_longest(call.initial_state, self.d_final)
        ]
        norms = np.zeros((len(d_states), len(steps)))
        for t in reversed(range(len(steps))):
            d_states[0] = d_states[0] + d_steps[:, t]
            norms[:, t] = [np.linalg.norm(d.astype(np.float64)) for d in d_states]
            d_states = list(rnn_backward(steps[t], None, d_states).d_initial_state)
        return list(norms[:, ::order])

    def _gradients_of_steps(self, call: RecurrentCall) -> Array:
        """Return the gradient of h from the outputs, (batch, timesteps, units)."""
        d = np.zeros((*call.x.shape[:2], call.outputs), call.x.dtype)
        if self.d_outputs is not None:
            if call.return_sequences:
                d[:] = self.d_outputs
            else:
                d[:, -1] = self.d_outputs
        if call.mask is not None:
            # The output of a masked step is the h of the last step that was not, or zero.
            is_state = call.mask[:, :: -1 if call.go_backwards else 1]
            if not call.zero_output_for_mask:
                is_state = np.logical_or.accumulate(is_state, axis=1)
            d *= is_state[..., None]
        return d


def _steps(call: RecurrentCall) -> Iterator[Workspace]:
    """Run a call step by step; yield what each leaves for its backward pass."""
    states = call.initial_state
    for t in range(call.x.shape[1])[:: -1 if call.go_backwards else 1]:
        step = replace(
            call,
            x=np.ascontiguousarray(call.x[:, t : t + 1]),
            mask=None if call.mask is None else call.mask[:, t : t + 1],
            initial_state=states,
            go_backwards=False,
            return_sequences=False,
        )
        _, states, workspace = rnn_forward(step)
        assert workspace is not None
        yield workspace
