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

from typing import TYPE_CHECKING

from fastrnn import (
    activations,
    config,
    constraints,
    initializers,
    layers,
    regularizers,
)
from fastrnn._version import __version__
from fastrnn.core import old_paths
from fastrnn.core.device import device
from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.variable import Variable, name_scope
from fastrnn.initializers import Initializer
from fastrnn.layers import Layer
from fastrnn.layers.base.symbolic import SymbolicTensor as KerasTensor
from fastrnn.layers.core.input import Input
from fastrnn.regularizers import Regularizer

if TYPE_CHECKING:
    from fastrnn import (
        callbacks,
        datasets,
        diagnostics,
        losses,
        metrics,
        models,
        optimizers,
        preprocessing,
        saving,
        streaming,
        utils,
    )
    from fastrnn.losses import Loss
    from fastrnn.metrics import Metric
    from fastrnn.models import Model, Sequential
    from fastrnn.optimizers import Optimizer

__all__ = [
    "Initializer",
    "Input",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "diagnostics",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "name_scope",
    "optimizers",
    "preprocessing",
    "regularizers",
    "saving",
    "streaming",
    "utils",
    "version",
]

# Loaded when they are first asked for.
__getattr__ = lazy_attributes(
    __name__,
    {
        **old_paths.old_modules(__name__),
        "GradientTape": f"{__name__}.layers.base.tape:GradientTape",
        "install_as_keras": f"{__name__}.compat:install_as_keras",
        "DTypePolicy": f"{__name__}.dtype_policies:DTypePolicy",
        "FloatDTypePolicy": f"{__name__}.dtype_policies:FloatDTypePolicy",
        "Loss": f"{__name__}.losses:Loss",
        "Metric": f"{__name__}.metrics:Metric",
        "Model": f"{__name__}.models:Model",
        "Optimizer": f"{__name__}.optimizers:Optimizer",
        "Sequential": f"{__name__}.models:Sequential",
        "InputSpec": f"{__name__}.layers:InputSpec",
        **{
            name: f"{__name__}.{name}"
            for name in (
                "backend",
                "callbacks",
                "compat",
                "data",
                "datasets",
                "diagnostics",
                "dtype_policies",
                "losses",
                "metrics",
                "mixed_precision",
                "models",
                "ops",
                "optimizers",
                "preprocessing",
                "random",
                "saving",
                "streaming",
                "utils",
                "wrappers",
            )
        },
    },
)
old_paths.install()


def version() -> str:
    """Return the version of fastrnn.

    >>> import fastrnn
    >>> fastrnn.version() == fastrnn.__version__
    True
    """
    return __version__
