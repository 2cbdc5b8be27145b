"""How a model is held against another that should predict the same."""

import numpy as np


def flat(outputs):
    if isinstance(outputs, dict):
        return [np.asarray(outputs[key]) for key in sorted(outputs)]
    return [np.asarray(y) for y in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def assert_same(model, other, x, exact):
    for m in (model, other):
        for layer in m.layers:
            if getattr(layer, "stateful", False):
                layer.reset_state()
    for a, b in zip(flat(model.predict_on_batch(x)), flat(other.predict_on_batch(x)), strict=True):
        assert a.shape == b.shape
        if exact:
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-6)
