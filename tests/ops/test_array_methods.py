"""Methods of NumPy's arrays on symbolic tensors and variables."""

import numpy as np
import pytest

from fastrnn import Input, Model, Variable

METHODS = {
    "mean": lambda t: t.mean(-1),
    "sum": lambda t: t.sum(axis=(1, 2)),
    "max": lambda t: t.max(axis=1, keepdims=True),
    "min": lambda t: t.min(2),
    "prod": lambda t: t.prod(axis=-1),
    "std": lambda t: t.std(1),
    "var": lambda t: t.var(1),
    "any": lambda t: (t > 0).any(1),
    "all": lambda t: (t > 0).all(1),
    "argmax": lambda t: t.argmax(-1),
    "argmin": lambda t: t.argmin(-1),
    "cumsum": lambda t: t.cumsum(1),
    "squeeze": lambda t: t[:, :1].squeeze(1),
    "clip": lambda t: t.clip(-1, 1),
    "round": lambda t: t.round(1),
    "repeat": lambda t: t.repeat(2, axis=1),
    "take": lambda t: t.take([0, 2], axis=1),
    "swapaxes": lambda t: t.swapaxes(1, 2),
    "dot": lambda t: t.dot(np.ones((4, 2), "float32")),
    "reshape": lambda t: t.reshape(-1, 12),
    "reshape to a tuple": lambda t: t.reshape((-1, 12)),
    "transpose": lambda t: t.transpose(0, 2, 1),
    "transpose by a tuple": lambda t: t.transpose((0, 2, 1)),
    "T": lambda t: t.T,
    "astype": lambda t: t.astype("int32"),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_does_what_that_of_an_array_does(name):
    array = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    function, x = METHODS[name], Input((3, 4))
    for found in (Model(x, function(x))(array), np.asarray(function(Variable(array)))):
        wanted = function(array)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
