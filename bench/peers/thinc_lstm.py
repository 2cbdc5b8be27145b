"""thinc's own LSTM, inference only.

Its backward pass (9.1, in NumPy) leaves the gradients of the weights zero, so that no training step
passes the check.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from peers import Array, Unsupported, Work, reorder_gates, split_directions, two_biases

ORDER = (1, 0, 3, 2)  # f i o c from i f c o


def start(threads: int) -> str:
    # Its NumPy operations run in the calling thread, but for products by NumPy's BLAS, whose
    # threads stand in the environment.
    import thinc
    import thinc.api

    return thinc.__version__


def prepare(case: Any, weights: list[Array], x: Array, y: Array) -> Work:
    from thinc.api import LSTM, NumpyOps
    from thinc.types import Padded

    if case.layer != "LSTM":
        raise Unsupported(case.layer)
    units = case.directions * case.units
    model = LSTM(units, case.features, bi=case.bidirectional)
    model.ops = NumpyOps()
    model.initialize()
    parts = []
    for direction in split_directions(case, weights):
        input_bias, recurrent_bias = two_biases(direction)
        for array in (direction.kernel, input_bias, direction.recurrent_kernel, recurrent_bias):
            parts.append(reorder_gates(array, ORDER).T.ravel())
    model.set_param("LSTM", np.concatenate(parts))
    lengths = np.full(case.batch, case.timesteps, np.int32)
    batch = Padded(
        np.ascontiguousarray(x.transpose(1, 0, 2)),
        np.full(case.timesteps, case.batch, np.int32),
        lengths,
        np.arange(case.batch, dtype=np.int32),
    )

    def read(outputs: Any) -> Array:
        ends = (outputs.data[-1, :, : case.units], outputs.data[0, :, case.units :])
        return np.concatenate(ends, axis=-1)

    return Work([lambda: model.predict(batch)], read=read)
