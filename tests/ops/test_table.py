"""Every operation of the table against live Keras, and its derivative against differences."""

import functools
import inspect

import numpy as np
import pytest
import torch
from live_keras import keras
from operation_cases import CASES, OPERATIONS, OTHERS, S, cases_of

from fastrnn import ops
from fastrnn.core.nest import flatten, unflatten
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import CallContext
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.ops.table import LEFT_OUT

# Not Keras's dtypes on torch: it has no unsigned sums, and computes with integers what other
# backends compute with floats; places are int32 elsewhere.
OTHER_DTYPES = {
    "heaviside": ["int64", "bool"],
    "sum": ["uint8"],
    "prod": ["uint8"],
    **{name: ["int64"] for name in ("cbrt", "deg2rad", "rad2deg", "hypot", "i0")},
    **{
        name: ["int32", "int64", "uint8", "bool"]
        for name in (
            "average_pool", "max_pool", "conv", "depthwise_conv", "separable_conv", "hard_tanh",
            "rms_normalization", "layer_normalization", "threshold",
        )
    },
}  # fmt: skip
PLACES = ("top_k", "unique")  # int64 on torch
# The definition: Keras's does not sum to 1.
NOT_KERAS = ("sparsemax",)
# What depends on values alone, or has no gradient to compare.
OF_VALUES = {"bincount", "histogram", "unique", "unravel_index"}
NO_GRADIENT = {"heaviside", "saturate_cast", "array", "convert_to_tensor"}
ROUNDED = {"cast", "saturate_cast"}
OF_BATCHES = {"array_split", "diagonal", "trace"}
DTYPES = ["float32", "int32", "int64", "uint8", "bool", "float16"]


def test_every_operation_has_a_case():
    assert len(dir(ops)) >= 300
    assert [name for name in dir(ops) if name not in OTHERS and not cases_of(name)] == []


def test_what_is_left_out_is_named():
    left_out = [name for names in LEFT_OUT.values() for name in names]
    exported = {name for name in dir(keras.ops) if not name.startswith("_")}
    assert sorted(exported - {"linalg", "nn", "numpy"} - set(dir(ops))) == sorted(left_out)
    assert set(dir(ops)) <= exported
    with pytest.raises(AttributeError, match="no images"):
        _ = ops.image


def test_signatures_are_those_of_keras():
    def arguments(function):
        parameters = inspect.signature(function).parameters.values()
        return [(p.name, p.default, p.kind) for p in parameters if p.name != "kwargs"]

    for name in set(dir(ops)) - {"multi_hot", "vectorize"}:
        assert arguments(getattr(ops, name)) == arguments(getattr(keras.ops, name)), name


@pytest.fixture(autouse=True)
def sixty_four_bits(monkeypatch):
    """Keras keeps 64 bits on TensorFlow, and makes 32 of them on torch."""
    table = keras.src.backend.common.dtypes.BIT64_TO_BIT32_DTYPE
    for name in ("int64", "float64"):
        monkeypatch.setitem(table, name, name)


def to_numpy(value):
    return np.asarray(keras.ops.convert_to_numpy(value))


def of_keras(case, arrays):
    tensors = [keras.ops.convert_to_tensor(x) if isinstance(x, np.ndarray) else x for x in arrays]
    return getattr(keras.ops, case.name)(*tensors, **case.options())


def listed(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]


NAMES = sorted({case.name for case in CASES})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_KERAS])
def test_values_are_those_of_keras(name):
    for case in cases_of(name):
        arrays = case.arrays("float32")
        ours = listed(getattr(ops, name)(*arrays, **case.options()))
        theirs = listed(of_keras(case, arrays))
        assert len(ours) == len(theirs), case
        for mine, other in zip(ours, theirs, strict=True):
            expected = to_numpy(other)
            assert isinstance(mine, np.ndarray)
            assert mine.shape == expected.shape, case
            assert mine.dtype == expected.dtype or name in PLACES, case
            np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=2e-6, err_msg=repr(case))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_dtypes_are_those_of_keras(name):
    case = cases_of(name)[0]
    for dtype in [d for d in DTYPES if d not in OTHER_DTYPES.get(name, ())]:
        arrays = case.arrays(dtype)
        try:
            theirs = listed(of_keras(case, arrays))
        except Exception:
            continue  # what Keras refuses
        ours = listed(getattr(ops, name)(*arrays, **case.options()))
        for mine, other in zip(ours, theirs, strict=True):
            expected = keras.backend.standardize_dtype(other.dtype)
            assert mine.dtype.name == expected or name in PLACES, dtype


def symbolic(case, arrays):
    """Return the results for symbolic tensors, the tensors, and their arrays."""
    leaves = flatten(arrays)
    places = [k for k, x in enumerate(leaves) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    tensors = {k: SymbolicTensor(leaves[k].shape, leaves[k].dtype.name, f"x{k}") for k in places}
    mixed = unflatten(arrays, [tensors.get(k, x) for k, x in enumerate(leaves)])
    results = getattr(ops, case.name)(*mixed, **case.options())
    return listed(results), list(tensors.values()), [leaves[k] for k in places]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_VALUES])
def test_symbolic_tensors_foretell_shapes_and_dtypes(name):
    for case in cases_of(name):
        arrays = case.arrays("float32")
        expected = listed(getattr(ops, name)(*arrays, **case.options()))
        results = symbolic(case, arrays)[0]
        foretold = [(tuple(t.shape), str(t.dtype)) for t in results]
        assert foretold == [(y.shape, y.dtype.name) for y in expected], case


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_VALUES])
def test_unknown_lengths_do_not_change_what_is_known(name):
    """A shape that is foretold for an unknown batch is that of any batch."""
    for case in cases_of(name):
        arrays = case.arrays("float32")
        expected = [y.shape for y in listed(getattr(ops, name)(*arrays, **case.options()))]
        first = arrays[0]
        if not isinstance(first, np.ndarray) or first.ndim < 2 or first.dtype.kind != "f":
            continue
        tensor = SymbolicTensor((None, *first.shape[1:]), "float32", "x")
        try:
            results = listed(getattr(ops, name)(tensor, *arrays[1:], **case.options()))
        except (ValueError, IndexError):
            continue  # it needs the length, or the length is not that of the stand-ins
        for result, shape in zip(results, expected, strict=False):
            assert len(result.shape) == len(shape), case
            if name not in OF_BATCHES:
                pairs = zip(result.shape, shape, strict=True)
                assert all(m is None or m == n for m, n in pairs), case


def differentiable(case):
    if case.name in OPERATIONS:
        vjp = OPERATIONS[case.name].derivative
        return callable(vjp) or any(vjp or ())
    return any(isinstance(x, S) for x in flatten(list(case.args), lambda x: isinstance(x, S)))


SMOOTH = sorted({case.name for case in CASES if differentiable(case)} - OF_VALUES - NO_GRADIENT)


def run(case, arrays):
    results, tensors, floats = symbolic(case, arrays)
    graph = Graph(tensors, results)
    outputs, pull, _ = graph.run(floats, CallContext(gradient=True), [None] * len(floats))
    return outputs, lambda d: pull(d)[0], floats


def directions(case, outputs, rng):
    return [
        rng.standard_normal(y.shape) * np.isfinite(y) if y.dtype.kind == "f" else None
        for y in outputs
    ]


@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in ROUNDED])
def test_derivatives_are_those_of_differences(name):
    for case in cases_of(name):
        arrays = case.arrays("float64")
        outputs, pull, floats = run(case, arrays)
        rng = np.random.default_rng(1)
        d = directions(case, outputs, rng)
        function = functools.partial(getattr(ops, name), **case.options())
        leaves = flatten(arrays)
        places = [k for k, x in enumerate(leaves) if any(x is f for f in floats)]
        for place, gradient in zip(places, pull(d), strict=True):
            direction = rng.standard_normal(leaves[place].shape)
            if name == "cholesky":  # of symmetric matrices
                direction = direction + direction.swapaxes(-1, -2)
            values = []
            for step in (1e-6, -1e-6):
                moved = [*leaves]
                moved[place] = np.asarray(leaves[place] + step * direction)
                ys = listed(function(*unflatten(arrays, moved)))
                pairs = [(g, y) for g, y in zip(d, ys, strict=True) if g is not None]
                values.append(sum((g * np.where(np.isfinite(y), y, 0)).sum() for g, y in pairs))
            found = 0.0 if gradient is None else (gradient * direction).sum()
            assert gradient is None or gradient.shape == leaves[place].shape
            expected = (values[0] - values[1]) / 2e-6
            assert found == pytest.approx(expected, rel=1e-5, abs=1e-6), (case, place)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in NOT_KERAS])
def test_derivatives_are_those_of_keras(name):
    for case in cases_of(name):
        arrays = case.arrays("float64")
        outputs, pull, floats = run(case, arrays)
        leaves = flatten(arrays)
        tensors = [
            torch.tensor(x, requires_grad=True) if any(x is f for f in floats) else x
            for x in leaves
        ]
        theirs = listed(of_keras(case, unflatten(arrays, tensors)))
        d = directions(case, outputs, np.random.default_rng(2))
        terms = [
            (y * torch.tensor(g)).nansum()
            for y, g in zip(theirs, d, strict=True)
            if g is not None and y.requires_grad
        ]
        if terms:
            sum(terms).backward()
        given = [t.grad for t in tensors if isinstance(t, torch.Tensor)]
        for mine, other in zip(pull(d), given, strict=True):
            expected = 0.0 if other is None else other.numpy()
            mine = 0.0 if mine is None else mine
            np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-8, err_msg=repr(case))
