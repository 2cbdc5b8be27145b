"""Old functions of ``utils``: those of Keras 1 and 2 that methods do today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from fastrnn.core.user_warnings import deprecated
from fastrnn.core.variable import Variable
from fastrnn.models import Model


def print_summary(
    model: Model,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
) -> None:
    """Print the table of a model's layers: today ``model.summary`` does it."""
    deprecated("print_summary(model)", "model.summary()")
    model.summary(line_length, positions, print_fn)


def count_params(weights: Iterable[Variable]) -> int:
    """Return the number of scalars in weights: today a layer's ``count_params`` does it.

    >>> import warnings
    >>> import fastrnn
    >>> layer = fastrnn.layers.Dense(2)
    >>> layer.build((None, 3))
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     fastrnn.utils.count_params(layer.weights)
    8
    """
    deprecated("count_params(model.weights)", "model.count_params()")
    return sum(int(np.prod(weight.shape)) for weight in weights)


def multi_gpu_model(model: Model, gpus: object = None, **options: bool) -> Model:
    """Return the model as it is: it runs on the cores of the CPU.

    Args:
        model: the model.
        gpus: without effect.
        **options: ``cpu_merge`` and ``cpu_relocation``, without effect.
    """
    deprecated("multi_gpu_model(model)", "model")
    return model
