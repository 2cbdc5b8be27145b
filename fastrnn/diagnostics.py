"""Diagnostics: how far gradients travel back through time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.layers.base.context import CallContext, Penalties
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.rnn.base import RecurrentLayer
from fastrnn.models.model import Model
from fastrnn.models.trainer.batches import whole_batch
from fastrnn.models.trainer.checks import check_data
from fastrnn.models.trainer.compilation import require_loss
from fastrnn.typing import Array, Nest

__all__ = ["GradientFlow", "gradient_flow"]


class GradientFlow(Mapping[str, Array]):
    """Norms of the gradients of the states, what ``gradient_flow`` returns.

    A mapping from the names of recurrent layers to float64 arrays (timesteps,), the norms for
    the state ``h``. Layers inside others are named with them: ``"bidirectional/forward_lstm"``.

    Attributes:
        cell_states: the same for the state ``c``, of the layers that have one; with ``h`` of the
            same step held fixed.
    """

    def __init__(self, norms: dict[str, Array], cell_states: dict[str, Array]) -> None:
        self._norms, self.cell_states = norms, cell_states

    def __getitem__(self, name: str) -> Array:
        return self._norms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._norms)

    def __len__(self) -> int:
        return len(self._norms)

    def __repr__(self) -> str:
        texts = [
            f"{name}: {len(norms)} steps, {norms[0]:.1e} to {norms[-1]:.1e}"
            for name, norms in self.items()
        ]
        return f"<GradientFlow {'; '.join(texts)}>"

    def plot(self, ax: Any = None) -> Any:
        """Draw the norms over the time steps, on a logarithmic axis; zeros are left out.

        Args:
            ax: axes of matplotlib; ``None`` makes new ones.

        Returns:
            The axes.

        Raises:
            ImportError: matplotlib is not installed.
        """
        if ax is None:
            try:
                from matplotlib.figure import Figure
            except ImportError as error:
                text = errors.missing_extra("matplotlib", "plot", "GradientFlow.plot")
                raise ImportError(text) from error
            ax = Figure(layout="constrained").add_subplot()
        for name, norms in self.items():
            ax.plot(np.where(norms > 0, norms, np.nan), label=name)
        ax.set(xlabel="time step", ylabel="norm of dLoss/dh", yscale="log")
        ax.legend()
        return ax


def gradient_flow(model: Model, x: Nest, y: Nest) -> GradientFlow:
    """Measure how the gradient of the loss fades or grows on its way back through time.

    For every recurrent layer and time step t, the norm of the total derivative of the loss with
    respect to the state that the layer has after step t, through the outputs of that step and
    through all later steps. The norm is the root of the sum of squares over batch and units.
    Activity penalties are part of the loss. The model works as in ``evaluate``, without dropout,
    on all of ``x`` as one batch. Its weights and kept states stay what they are.

    Args:
        model: a compiled ``Sequential`` or functional model.
        x: inputs, as for ``model.evaluate``.
        y: labels.

    Returns:
        ``GradientFlow``. Index t belongs to step t of the layer's inputs, also where they are
        processed backwards. At masked steps, the state is that of the step before, and so is all
        of its gradient but what reached an output in between.

    Raises:
        ValueError: the model is not compiled or has no recurrent layer, a recurrent layer is
            called more than once, or the data do not fit the model.

    The gradient of a SimpleRNN vanishes where that of an LSTM whose gates hardly forget does not:

    >>> import numpy as np
    >>> import fastrnn
    >>> from fastrnn import Input, Sequential
    >>> from fastrnn.layers import LSTM, Dense, SimpleRNN
    >>> fastrnn.utils.set_random_seed(0)
    >>> x, y = np.random.default_rng(0).normal(size=(8, 60, 3)), np.ones((8, 1))
    >>> def share_at_the_first_step(model):
    ...     model.compile(loss="mse")
    ...     (norms,) = fastrnn.diagnostics.gradient_flow(model, x, y).values()
    ...     return norms[0] / norms[-1]
    >>> simple = Sequential([Input((60, 3)), SimpleRNN(16), Dense(1)])
    >>> bool(share_at_the_first_step(simple) < 1e-6)
    True
    >>> lstm = Sequential([Input((60, 3)), LSTM(16), Dense(1)])
    >>> kernel, recurrent_kernel, bias = lstm.layers[0].get_weights()
    >>> bias[16:32] = 4  # of the forget gates
    >>> lstm.layers[0].set_weights([kernel, recurrent_kernel, bias])
    >>> bool(share_at_the_first_step(lstm) > 1e-3)
    True
    """
    if not isinstance(model, Model):
        raise ValueError(errors.bad_argument("model", model, "a Sequential or functional model"))
    require_loss(model)
    data = whole_batch(x, y, None, model.convert_inputs)
    check_data(model, data)
    layers = dict(_recurrent_layers(model))
    if not layers:
        raise ValueError(errors.bad_argument("model", model.name, "a model with recurrent layers"))
    x, y, _ = next(iter(data))
    with ExitStack() as stack:
        recordings = {n: stack.enter_context(layer.recorded()) for n, layer in layers.items()}
        context = CallContext(gradient=True, penalties=Penalties())
        outputs, pullback, mask = model.run(x, context)
        _, gradient = model.objectives.loss_and_gradient(y, outputs, None, mask)
        assert pullback is not None
        pullback(gradient)
    norms: dict[str, Array] = {}
    cell_states: dict[str, Array] = {}
    for name, recording in recordings.items():
        if recording.call is not None:
            norms[name], *cell_state = recording.norms(recording.call)
            if cell_state:
                (cell_states[name],) = cell_state
    return GradientFlow(norms, cell_states)


def _recurrent_layers(outer: Layer, path: str = "") -> Iterator[tuple[str, RecurrentLayer]]:
    """Yield the recurrent layers inside ``outer`` with their names."""
    for layer in outer.sublayers:
        name = f"{path}{layer.name}"
        if isinstance(layer, RecurrentLayer):
            yield name, layer
        else:
            yield from _recurrent_layers(layer, f"{name}/")
