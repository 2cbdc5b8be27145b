"""``keras.backend``, K: operations and settings under the names of Keras 1 and 2.

>>> import numpy as np
>>> from fastrnn import backend as K
>>> K.sum(K.square(np.array([[1.0, 2.0]])), axis=-1)
array([5.])
>>> K.int_shape(np.zeros((2, 3))), K.floatx()
((2, 3), 'float32')
"""

from __future__ import annotations

import importlib
from typing import Any

from fastrnn import ops
from fastrnn.backend import operations, random_numbers, settings, values
from fastrnn.core import missing_names
from fastrnn.core.old_paths import old_modules

_MODULES = (settings, values, operations, random_numbers)
# Those that are called and that take their arguments as in `fastrnn.ops`.
_SAME = {
    *("abs", "all", "any", "arange", "cast", "clip", "cos"),
    *("elu", "equal", "exp", "eye", "greater"),
    *("greater_equal", "hard_sigmoid", "less", "less_equal", "log", "logsumexp", "max", "maximum"),
    *("mean", "min", "minimum", "ndim", "not_equal", "ones", "ones_like", "prod"),
    *("reshape", "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign"),
    *("sqrt", "square", "squeeze", "stack", "std", "stop_gradient", "sum", "tanh", "tile"),
    *("transpose", "var", "zeros", "zeros_like"),
}
_GRAPHS = "fastrnn makes no graphs of TensorFlow's"
_REFUSED = {
    "ctc_batch_cost": "use keras.losses.CTC",
    "ctc_decode": "decode the predictions with NumPy",
    "function": f"{_GRAPHS}: make a Model of the inputs and outputs",
    "gradients": "use layer.vjp or model.vjp, or GradientTape",
    "placeholder": f"{_GRAPHS}: use keras.Input",
    "rnn": "use keras.layers.RNN over a cell of your own",
}
_OLD = old_modules(__name__)


def __getattr__(name: str) -> Any:
    if name in _SAME:
        return getattr(ops, name)
    for module in _MODULES:
        if name in module.__all__:
            return getattr(module, name)
    if name in _OLD:
        return importlib.import_module(_OLD[name])
    if not name.startswith("__"):
        missing_names.note(f"keras.backend.{name}")
    advice = f": {_REFUSED[name]}" if name in _REFUSED else ""
    raise AttributeError(f"fastrnn.backend has no `{name}`{advice}.")


def __dir__() -> list[str]:
    names = _SAME.union(*(module.__all__ for module in _MODULES))
    return sorted(name for name in names if not name.startswith("_"))


__all__ = __dir__()
