"""Questions about symbolic tensors and types."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import DTypeLike


def is_keras_tensor(x: object) -> bool:
    """Whether ``x`` is what ``Input`` returns, or a layer called on it.

    >>> import fastrnn
    >>> is_keras_tensor(fastrnn.Input((3,))), is_keras_tensor(3)
    (True, False)
    """
    return isinstance(x, SymbolicTensor)


def get_source_inputs(tensor: Any) -> list[Any]:
    """Return the tensors of ``Input`` that a symbolic tensor comes from, in the order of calls.

    Raises:
        ValueError: it is no symbolic tensor.

    >>> import fastrnn
    >>> x = fastrnn.Input((3,))
    >>> get_source_inputs(fastrnn.layers.Dense(2)(x))[0] is x
    True
    """
    if not isinstance(tensor, SymbolicTensor):
        raise ValueError(errors.bad_argument("tensor", tensor, "a symbolic tensor"))
    found: dict[int, Any] = {}
    waiting, seen = [tensor], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.node is None:
            found[id(one)] = one
        else:
            waiting += reversed(one.node.tensors)
    return list(found.values())


def standardize_dtype(dtype: DTypeLike) -> str:
    """Return the name of a type; ``None`` is that of ``config.floatx``.

    Raises:
        ValueError: there is no such type.

    >>> standardize_dtype(np.float64), standardize_dtype("int")
    ('float64', 'int64')
    """
    if dtype is None:
        return config.floatx()
    if dtype in ("float", "int"):
        return {"float": "float32", "int": "int64"}[str(dtype)]
    try:
        return np.dtype(dtype).name
    except TypeError as error:
        raise ValueError(errors.bad_argument("dtype", dtype, "the name of a type")) from error
