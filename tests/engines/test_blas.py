"""The blas engine against the reference engine."""

import dataclasses
import threading

import numpy as np
import pytest
from cases import (
    ALL_CASES,
    CELL_ACTIVATIONS,
    OPTION_CASES,
    Case,
    make_call,
    make_gradients,
    supported,
)
from engine_checks import (
    LAYOUTS,
    activate,
    cast,
    check,
    check_missing_gradients,
    integers,
    named,
    relayout,
)
from tolerance import assert_close

from fastrnn import activations
from fastrnn.engines import blas as package
from fastrnn.engines import reference
from fastrnn.engines.blas import CELLS
from fastrnn.engines.blas import engine as blas

CASES = supported(package, ALL_CASES)
OPTIONS = supported(package, OPTION_CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_float64_agrees_with_the_reference(case):
    call = make_call(case)
    check(blas, case, call, call)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_float32_agrees_with_the_float64_reference(case):
    call = make_call(case, dtype="float32")
    check(blas, case, call, cast(call, "float64"))


@pytest.mark.parametrize("case", OPTIONS, ids=lambda c: c.id)
def test_without_saving_the_outputs_are_the_same_bits(case):
    call = make_call(case, dtype="float32")
    kept = blas.forward(call)
    lean = blas.forward(dataclasses.replace(call, save=False))
    assert lean[2] is None
    np.testing.assert_array_equal(lean[0], kept[0])
    for state, wanted in zip(lean[1], kept[1], strict=True):
        np.testing.assert_array_equal(state, wanted)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_sequences_longer_than_one_chunk(cell):
    """Inference computes the input products of a limited number of steps at once."""
    case = Case(cell, batch=33, timesteps=300, features=3, units=17, mask="holes")
    call = make_call(case, dtype="float32", save=False)
    outputs, states, _ = blas.forward(call)
    expected, expected_states, _ = reference.forward(cast(call, "float64"))
    # The states forget: errors do not grow with all the steps, but with those still remembered.
    assert_close(outputs, expected, case.n_accumulated, case.timesteps)
    assert_close(states[0], expected_states[0], case.n_accumulated, case.timesteps)


@pytest.mark.parametrize("cell", [name for name in sorted(CELLS) if "norm" not in name])
def test_linear_activations_on_small_integers_are_exact(cell):
    """No rounding: any difference is a wrong index, not a tolerance."""
    case = Case(cell, batch=5, timesteps=2, features=9, units=17, mask="holes")
    call = integers(make_call(case), 17)
    outputs, states, _ = blas.forward(call)
    expected, expected_states, _ = reference.forward(call)
    assert np.abs(expected).max() < 2**53
    np.testing.assert_array_equal(outputs, expected)
    for state, wanted in zip(states, expected_states, strict=True):
        np.testing.assert_array_equal(state, wanted)


@pytest.mark.parametrize("case", [c for c in OPTIONS if c.mask is not None], ids=lambda c: c.id)
def test_nan_under_a_mask_reaches_nothing(case):
    clean, dirty = make_call(case), make_call(case, nan_under_mask=True)
    d_outputs, d_states = make_gradients(clean)
    expected, actual = blas.forward(clean), blas.forward(dirty)
    np.testing.assert_array_equal(actual[0], expected[0])
    gradients = [blas.backward(r[2], d_outputs, d_states) for r in (expected, actual)]
    for wanted, got in zip(*[named(g).values() for g in gradients], strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_pullback_may_be_used_twice_and_from_threads(cell):
    call = make_call(Case(cell, batch=4, timesteps=6, mask="holes"))
    d_outputs, d_states = make_gradients(call)
    _, _, workspace = blas.forward(call)
    expected = blas.backward(workspace, d_outputs, d_states)
    results = [None] * 8

    def work(k):
        for _ in range(20):
            results[k] = blas.backward(workspace, d_outputs, d_states)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        for name, array in named(expected).items():
            np.testing.assert_array_equal(named(result)[name], array)


def test_missing_gradients_are_zero():
    check_missing_gradients(blas)


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
def test_any_memory_layout(change):
    call = make_call(Case("lstm"))
    expected = blas.forward(call)[0]
    np.testing.assert_array_equal(blas.forward(relayout(call, change))[0], expected)


WRONG = {
    "kernel": lambda c: c.with_weights(kernel=c.weights["kernel"][:-1]),
    "recurrent_kernel": lambda c: c.with_weights(
        recurrent_kernel=c.weights["recurrent_kernel"][:, :-1]
    ),
    "bias": lambda c: c.with_weights(bias=c.weights["bias"][:-1]),
    "weights": lambda c: c.with_weights(peephole=np.ones((3, 7))),
    "cell": lambda c: dataclasses.replace(c, cell="lstm_of_another_kind"),
    "mask": lambda c: dataclasses.replace(c, mask=np.ones((3, 4), bool)),
    "initial_state": lambda c: dataclasses.replace(c, initial_state=c.initial_state[:1]),
    "recurrent_dropout": lambda c: dataclasses.replace(c, recurrent_dropout=np.ones((1, 3, 7))),
    "input_dropout": lambda c: dataclasses.replace(c, input_dropout=np.ones((2, 3, 4))),
    "inputs": lambda c: dataclasses.replace(c, x=c.x[:, :0]),
}


@pytest.mark.parametrize("argument", WRONG)
def test_shapes_are_checked_before_memory_is_touched(argument):
    call = make_call(Case("lstm"))
    with pytest.raises(ValueError, match=f"`{argument}`"):
        blas.forward(WRONG[argument](call))


def test_dtypes_are_checked():
    call = make_call(Case("lstm"))
    with pytest.raises(ValueError, match="dtype"):
        blas.forward(cast(call, "float16"))
    with pytest.raises(ValueError, match="`kernel`"):
        blas.forward(call.with_weights(kernel=call.weights["kernel"].astype("float32")))
    _, _, workspace = blas.forward(call)
    with pytest.raises(ValueError, match="d_outputs"):
        blas.backward(workspace, np.zeros((3, 5, 8)), [None, None])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CELL_ACTIVATIONS)
def test_every_activation_far_from_zero(name, dtype):
    values = np.array(
        [-90, -40, -20, -9.5, -4, -2, -1e-3, -1e-20, 0, 1e-20, 1e-3, 2, 4, 9.5, 20, 40, 80]
    )
    actual = activate(blas, name, values, dtype)
    expected = activations.get(name)(values.astype(dtype).astype("float64"))
    eps = np.finfo(dtype).eps
    # x - tanh(x) is as exact as tanh is; everything else is exact relative to itself.
    atol = 4 * eps * np.abs(values) if name == "tanh_shrink" else 1e-37
    assert (np.abs(actual - expected) <= 30 * eps * np.abs(expected) + atol).all(), (
        actual,
        expected,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "limits"), [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("exponential", (0, np.inf))]
)
def test_infinities_and_nan(name, limits, dtype):
    actual = activate(blas, name, [-np.inf, np.inf, np.nan, -1e30, 1e30], dtype)
    np.testing.assert_array_equal(actual, [*limits, np.nan, *limits])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "exponential"])
def test_standard_activations_are_within_four_ulp(name, dtype):
    values = np.linspace(-20, 20, 4001).astype(dtype)
    wide = values.astype(np.longdouble)
    exact = {
        "tanh": lambda: np.tanh(wide),
        "sigmoid": lambda: 1 / (1 + np.exp(-wide)),
        "exponential": lambda: np.exp(wide),
    }[name]()
    actual = activate(blas, name, values, dtype)
    ulp = np.spacing(np.abs(exact).astype(dtype)).astype(np.longdouble)
    assert float((np.abs(actual - exact) / ulp).max()) <= 4
