"""Stream: a trained model, one time step at a time, with states that are kept.

``model.stream()`` makes one; see ``Stream``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_float_array, to_list, to_positive_int
from fastrnn.engines import dispatch
from fastrnn.layers.base.capabilities import Capabilities
from fastrnn.layers.base.stream_lowering import feature_count, lower, require_streamable
from fastrnn.typing import ArrayLike

Array = npt.NDArray[Any]


class Stream:
    """A model or layer that takes one time step after the other, and keeps its states between.

    ``stream = model.stream(batch_size)`` makes one; ``y = stream(x)`` is a step. Fed the steps of a
    sequence one by one, it gives what ``model.predict`` gives at each of them, as if every
    recurrent layer had ``return_sequences``.

    The weights are those of the moment when the stream is made: training the model, or setting its
    weights, does not change it before ``refresh()``. The states begin as zeros, even those of
    ``stateful`` layers. A stream is for one thread at a time; each thread may have a stream of its
    own, of the same model too.

    ``model.stream(batch_size, threads=2)`` also makes a thread that takes a share of the steps of
    layers whose weights are 256 KB or more; the results are the same bits. It is there as long as
    the stream, and keeps a CPU busy as long as each step comes within a millisecond of the last.

    Attributes:
        batch_size: number of sequences that are stepped together.
        engine: ``"fused"`` where all layers are computed by the fused engine, in one call for each
            step; ``"layers"`` where some layer is not among those that it steps through, or another
            engine is forced: then each layer is run on the step, with the same results, slower.

    >>> import numpy as np
    >>> from fastrnn import Input, Sequential
    >>> from fastrnn.layers import LSTM, Dense
    >>> model = Sequential([Input((None, 3)), LSTM(8), Dense(2)])
    >>> stream = model.stream()
    >>> x = np.ones((1, 5, 3), "float32")
    >>> for t in range(5):
    ...     y = stream(x[:, t])
    >>> y.shape, bool(np.allclose(y, model.predict(x, verbose=0), atol=1e-6))
    ((1, 2), True)
    >>> [state.shape for state in stream.state]
    [(1, 8), (1, 8)]
    """

    batch_size: int
    engine: str
    _layers: Sequence[Capabilities]

    def __call__(self, x: ArrayLike, out: Array | None = None) -> Array:
        """Compute one step.

        Args:
            x: (batch_size, features), or (batch_size,) integers where the model begins with an
                ``Embedding``. Fastest is a C-contiguous array of the stream's own dtype (int64 for
                integers); anything else is converted.
            out: array of the outputs' shape and dtype to write to; a new one unless given.

        Returns:
            The outputs of the step, (batch_size, units); ``out`` if it is given.

        Raises:
            ValueError: ``x`` or ``out`` does not fit; the states are as before.
            RuntimeError: the stream is at work in another thread.
        """
        raise NotImplementedError

    def run(self, x: ArrayLike) -> Array:
        """Compute several steps.

        Args:
            x: (batch_size, timesteps, features), or (batch_size, timesteps) integers where the
                model begins with an ``Embedding``.

        Returns:
            The outputs of each step, (batch_size, timesteps, units).

        Raises:
            ValueError: as a step does.
        """
        raise NotImplementedError

    @property
    def state(self) -> list[Array]:
        """A copy of the states, (batch_size, units) each: h, or h and c, of each recurrent layer.

        Set it to go on from there: ``stream.state = saved``.
        """
        return self._read_states()

    @state.setter
    def state(self, states: Sequence[npt.ArrayLike]) -> None:
        now, given = self._read_states(), to_list("state", states)
        if len(given) != len(now):
            expected = f"{len(now)} arrays, as `stream.state` gives them"
            raise ValueError(errors.bad_argument("state", f"{len(given)} arrays", expected))
        arrays = [to_float_array("state", a, b.dtype.name) for a, b in zip(given, now, strict=True)]
        for array, own in zip(arrays, now, strict=True):
            if array.shape != own.shape:
                raise ValueError(errors.bad_shape("state", array.shape, str(own.shape)))
        self._write_states(arrays)

    def reset(self, rows: ArrayLike | None = None) -> None:
        """Set the states to zero.

        Args:
            rows: an index, indices or a bool mask of the sequences that begin anew; all unless
                given.

        Raises:
            ValueError: there are no such rows.
        """
        self._reset_rows(_to_rows(rows, self.batch_size))

    def refresh(self) -> None:
        """Take the weights that the model has now; the states stay.

        Raises:
            ValueError: the layers have changed otherwise: make a new stream.
        """
        raise NotImplementedError

    def _read_states(self) -> list[Array]:
        raise NotImplementedError

    def _write_states(self, states: list[Array]) -> None:
        raise NotImplementedError

    def _reset_rows(self, rows: Sequence[int]) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        names = ", ".join(layer.name for layer in self._layers)
        return f"<Stream of {names}; batch_size={self.batch_size}, engine={self.engine}>"


def make_stream(layer: Capabilities, batch_size: int = 1, threads: int = 1) -> Stream:
    """Return the stream of a model or layer; see ``Layer.stream``."""
    batch_size = to_positive_int("batch_size", batch_size)
    threads = min(to_positive_int("threads", threads), config.default_num_threads())
    layers = layer.stream_layers()
    for k, inner in enumerate(layers):
        require_streamable(inner, first=k == 0)
    features = feature_count(layer, layers)
    kernel, dtypes = dispatch.stream_kernel(), {inner.dtype for inner in layers}
    ops = lower(layers, features) if kernel is not None and len(dtypes) == 1 else None
    if ops is None:
        return LayerStream(layers, batch_size, features)
    dtype, convert = np.dtype(layers[0].dtype), _convert(layers)
    stream: Stream = _fused_stream()(ops, batch_size, dtype, convert, threads)
    stream._layers = layers
    return stream


def _convert(layers: Sequence[Capabilities]) -> Callable[[Any], Array]:
    """Return the function that makes an array of what a step is given."""
    if layers[0].takes_integers:
        return layers[0].convert_inputs
    return functools.partial(to_float_array, "x", dtype=layers[0].dtype)


@functools.cache
def _fused_stream() -> Any:
    """Return the class of streams of the fused engine; their call is the kernel's own."""

    def refresh(self: Any) -> None:
        ops = lower(self._layers, feature_count(self._layers[0], self._layers))
        if ops is None:
            raise ValueError("layers have changed, or are quantized now: make a new stream")
        self._pack(ops)

    members = {"engine": "fused", "refresh": refresh, "__doc__": Stream.__doc__}
    return type("FusedStream", (dispatch.stream_kernel(), Stream), members)


class LayerStream(Stream):
    """A stream that runs each layer on the step, on copies of the layers."""

    engine = "layers"

    def __init__(self, layers: Sequence[Capabilities], batch_size: int, features: int) -> None:
        self._layers, self.batch_size = layers, batch_size
        self._convert = _convert(layers)
        self._shape = (batch_size,) if layers[0].takes_integers else (batch_size, features)
        self.refresh()
        self._states = [layer.stream_states(batch_size) for layer in self._copies]

    def refresh(self) -> None:
        """Take the weights that the model has now; the states stay."""
        self._copies = [layer.snapshot() for layer in self._layers]

    def __call__(self, x: ArrayLike, out: Array | None = None) -> Array:
        """Compute one step, see ``Stream``."""
        step = self._convert(x)
        if step.shape != self._shape:
            raise ValueError(errors.bad_shape("x", step.shape, f"{self._shape}, one step"))
        y, new = step, []
        for layer, states in zip(self._copies, self._states, strict=True):
            y, final = layer.stream_step(y, states)
            new.append(final)
        if out is None:
            out = np.array(y)
        elif not _takes(out, y):
            raise ValueError(errors.bad_out(out, y.shape, y.dtype))
        else:
            out[...] = y
        self._states = new
        return out

    def run(self, x: ArrayLike) -> Array:
        """Compute several steps, see ``Stream``."""
        steps = self._convert(x)
        if steps.ndim != len(self._shape) + 1:
            expected = "(batch, timesteps) and the rest of a step"
            raise ValueError(errors.bad_shape("x", steps.shape, expected))
        return np.stack([self(steps[:, t]) for t in range(steps.shape[1])], axis=1)

    def _read_states(self) -> list[Array]:
        return [state.copy() for states in self._states for state in states]

    def _write_states(self, states: list[Array]) -> None:
        given = iter(states)
        self._states = [[next(given).copy() for _ in own] for own in self._states]

    def _reset_rows(self, rows: Sequence[int]) -> None:
        for states in self._states:
            for state in states:
                state[list(rows)] = 0


def _takes(out: Array | None, y: Array) -> bool:
    return (
        type(out) is np.ndarray
        and (out.shape, out.dtype) == (y.shape, y.dtype)
        and out.flags.c_contiguous
        and out.flags.writeable
    )


def _to_rows(rows: ArrayLike | None, batch: int) -> Sequence[int]:
    if rows is None:
        return range(batch)
    array = np.asarray(rows)
    expected = f"integers from 0 to {batch - 1}, or a bool mask of shape ({batch},)"
    if array.dtype == bool and array.shape == (batch,):
        return [int(row) for row in np.flatnonzero(array)]
    if array.size and (array.dtype.kind not in "iu" or array.ndim > 1):
        raise ValueError(errors.bad_argument("rows", rows, expected))
    chosen = [int(row) for row in array.ravel()]
    if any(not 0 <= row < batch for row in chosen):
        raise ValueError(errors.bad_argument("rows", rows, expected))
    return chosen
