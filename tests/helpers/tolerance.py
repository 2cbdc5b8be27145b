"""The one tolerance: how far two right results may lie apart."""

import math

import numpy as np

SAFETY = 8


def tolerance(dtype, n_accumulated, timesteps=1, backward=False):
    """SAFETY · (2 if backward) · ceil(log2(n_accumulated · timesteps)) · eps.

    ``n_accumulated`` is the number of products that one entry sums up.
    """
    rounds = max(1, math.ceil(math.log2(max(2, n_accumulated * timesteps))))
    return SAFETY * (2 if backward else 1) * rounds * np.finfo(dtype).eps


def assert_close(actual, expected, n_accumulated, timesteps=1, backward=False, name="result"):
    """Compare relative to the scale of ``expected``: its largest entry, at least 1."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (name, actual.shape, expected.shape)
    assert np.isfinite(actual).all(), f"{name} has entries that are not finite"
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    allowed = tolerance(actual.dtype, n_accumulated, timesteps, backward) * scale
    worst = float(np.abs(actual.astype(np.float64) - expected).max(initial=0.0))
    assert worst <= allowed, f"{name} differs by {worst:.3g}, allowed {allowed:.3g}"
