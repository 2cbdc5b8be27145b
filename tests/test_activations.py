"""Activations against live Keras, their gradients against torch, and their properties."""

import numpy as np
import pytest
from live_keras import keras, torch

from fastrnn import activations
from fastrnn.engines.reference.gradcheck import numerical_gradient

NAMES = [n for n in activations.BY_NAME if n not in ("threshold", "sparsemax")]
GRID = np.concatenate([np.linspace(-8, 8, 401), [-80, 80, -0.5, 0.5, 1, -1, 3, -3, 0, 6]])
# exponential overflows there, and softmax beside them is a constant.
HUGE = np.array([-1e10, 1e8, 1e10])


def keras_function(name):
    return keras.activations.get(name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient_are_those_of_keras(name, dtype):
    x = GRID.astype(dtype)[None, : 410 if name == "glu" else None]
    activation = activations.get(name)
    y = activation(x)
    d = np.random.default_rng(0).standard_normal(y.shape).astype(dtype)
    dx = activation.vjp(x, y, d)
    assert y.dtype == dx.dtype == dtype
    tensor = torch.tensor(x, requires_grad=True)
    expected = keras_function(name)(tensor)
    (expected * torch.tensor(d)).sum().backward()
    # Keras rounds some constants to float32, in its float64 functions too.
    eps = 1e-7 if name == "hard_sigmoid" else 16 * np.finfo(dtype).eps
    for actual, wanted in ((y, expected.detach().numpy()), (dx, tensor.grad.numpy())):
        assert (np.abs(actual - wanted) <= eps * (1 + np.abs(wanted))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [n for n in NAMES if n != "exponential"])
def test_huge_inputs_are_those_of_keras(name, dtype):
    """Each alone in its row: a slope must not lose its 1 beside a large input."""
    x = np.stack([HUGE, np.zeros_like(HUGE)], axis=1).astype(dtype)
    y = activations.get(name)(x)
    dx = activations.get(name).vjp(x, y, np.ones_like(y))
    tensor = torch.tensor(x, requires_grad=True)
    expected = keras_function(name)(tensor)
    expected.sum().backward()
    tolerance = 16 * np.finfo("float32").eps  # constants of float32 in Keras, as above
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [*NAMES, "sparsemax"])
def test_gradient_is_that_of_central_differences(name):
    activation = activations.get(name)
    x = np.random.default_rng(0).standard_normal((6, 8)) * 2
    y = activation(x)
    d = np.random.default_rng(1).standard_normal(y.shape)
    expected = numerical_gradient(lambda: float((activation(x) * d).sum()), x)
    np.testing.assert_allclose(activation.vjp(x, y, d), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*NAMES, "sparsemax"])
def test_the_largest_numbers_give_no_warning_and_no_nan(name, dtype):
    largest = float(np.finfo(dtype).max)
    x = np.array([[v, 0.0] for v in (1e30, -1e30, largest, -largest)], dtype)
    y = activations.get(name)(x)
    dx = activations.get(name).vjp(x, y, np.ones_like(y))
    assert not np.isnan(y).any()
    assert not np.isnan(dx[np.isfinite(y).all(axis=1)]).any()


OPTIONS = {
    "relu": {"negative_slope": 0.3, "max_value": 2.0, "threshold": 0.5},
    "leaky_relu": {"negative_slope": 0.3},
    "elu": {"alpha": 0.5},
    "celu": {"alpha": 0.5},
    "gelu": {"approximate": True},
    "softmax": {"axis": 0},
    "log_softmax": {"axis": 0},
    "hard_shrink": {"threshold": 1.0},
    "soft_shrink": {"threshold": 1.0},
    "squareplus": {"b": 2},
    "threshold": {"threshold": 0.5, "default_value": -1.0},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    x = np.random.default_rng(0).standard_normal((5, 4)).astype("float32") * 3
    expected = getattr(keras.activations, name)(torch.tensor(x), **OPTIONS[name]).numpy()
    np.testing.assert_allclose(
        getattr(activations, name)(x, **OPTIONS[name]), expected, rtol=2e-6, atol=1e-6
    )


def test_sparsemax_is_the_projection_onto_the_simplex():
    """Its optimality conditions: y >= 0, sum 1, and x - y the same on the support, less off it."""
    x = np.random.default_rng(0).standard_normal((50, 7))
    y = activations.sparsemax(x)
    np.testing.assert_allclose(y.sum(axis=1), 1)
    for row, projected in zip(x, y, strict=True):
        support = projected > 0
        tau = (row - projected)[support]
        np.testing.assert_allclose(tau, tau[0])
        assert (row[~support] <= tau[0]).all()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "glu"])
def test_nan_and_huge_numbers_give_no_warning(name):
    y = activations.get(name)(np.array([[np.nan, 1.0, -1.0]]))
    assert np.isnan(y[0, 0])
    activations.get(name)(np.array([[700.0, -700.0]]))


def test_get():
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.silu
    assert activations.serialize(activations.get("tanh")) == "tanh"
    own = activations.get(lambda x: x + 1)
    assert own(np.ones(2)).tolist() == [2, 2]
    assert own.vjp(np.ones(2), np.ones(2), np.full(2, 3.0)).tolist() == [3, 3]
    for wrong in ("tahn", 3):
        with pytest.raises(ValueError, match="`activation`"):
            activations.get(wrong)
    with pytest.raises(ValueError, match="even"):
        activations.glu(np.ones(3))
