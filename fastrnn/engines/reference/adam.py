"""One step of Adam in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def adam(
    value: Array,
    gradient: Array,
    m: Array,
    v: Array,
    v_hat: Array | None,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    alpha: float,
) -> None:
    """Change ``value``, ``m``, ``v`` and ``v_hat`` in place by one step (Kingma and Ba, 2014).

    m and v move to the gradient g and to g², by 1 - beta_1 and 1 - beta_2 of the way; then the
    value loses alpha·m / (sqrt(v) + epsilon). With ``v_hat``, the largest v so far takes the place
    of v (Reddi et al., 2018).

    Args:
        value: any shape; so are all arrays, of one float dtype.
        gradient: g.
        m, v: the moving averages.
        v_hat: the largest v so far, or ``None``.
        beta_1, beta_2: weights of the old values in the averages.
        epsilon: stands outside the square root.
        alpha: the step size, with the bias correction.

    >>> import numpy as np
    >>> value, m, v = np.ones(2), np.zeros(2), np.zeros(2)
    >>> adam(value, np.array([4.0, -4.0]), m, v, None, 0.9, 0.75, 0.0, alpha=0.5)
    >>> m, v, value
    (array([ 0.4, -0.4]), array([4., 4.]), array([0.9, 1.1]))
    """
    m += (gradient - m) * (1 - beta_1)
    v += (gradient * gradient - v) * (1 - beta_2)
    if v_hat is not None:
        v = np.maximum(v_hat, v, out=v_hat)
    value -= m / (np.sqrt(v) + epsilon) * alpha
