"""Fast recurrent networks on the CPU, with Keras's semantics, on NumPy arrays.

Change the import root of a Keras script from ``tensorflow.keras`` or ``keras`` to ``fastrnn``:

>>> import numpy as np
>>> from fastrnn import Input, Sequential
>>> from fastrnn.layers import LSTM, Dense
>>> model = Sequential([Input((100, 50)), LSTM(128), Dense(1)])
>>> model.count_params()
91777
>>> model.predict(np.zeros((2, 100, 50)), verbose=0).shape
(2, 1)
"""

from fastrnn import (
    activations,
    callbacks,
    config,
    constraints,
    datasets,
    diagnostics,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    preprocessing,
    regularizers,
    saving,
    streaming,
    utils,
)
from fastrnn._version import __version__
from fastrnn.layers.core.input import Input
from fastrnn.models import Model, Sequential

__all__ = [
    "Input",
    "Model",
    "Sequential",
    "__version__",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "diagnostics",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preprocessing",
    "regularizers",
    "saving",
    "streaming",
    "utils",
]
