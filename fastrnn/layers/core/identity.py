"""Identity."""

from __future__ import annotations

from typing import Any, Unpack

import numpy.typing as npt

from fastrnn.layers.base.layer import LayerOptions, registry
from fastrnn.layers.base.pass_through import PassThrough

Array = npt.NDArray[Any]


@registry.register()
class Identity(PassThrough):
    """Hands the inputs through, of any shape.

    Args:
        **kwargs: ``name``, ``dtype``, ``trainable``.

    >>> import numpy as np
    >>> from fastrnn.layers import Identity
    >>> Identity()(np.ones((1, 2)))
    array([[1., 1.]], dtype=float32)
    """

    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
