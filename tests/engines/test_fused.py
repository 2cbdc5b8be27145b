"""The fused engine, every variant that this CPU runs, against the reference engine."""

import copy
import dataclasses
import threading

import numpy as np
import pytest
from cases import ALL_CASES, OPTION_CASES, Case, make_call, make_gradients, supported
from engine_checks import (
    LAYOUTS,
    activate,
    cast,
    check,
    check_missing_gradients,
    flatten,
    integers,
    relayout,
)
from fused_settings import ISAS, SHARINGS, settings

import fastrnn
from fastrnn import config
from fastrnn.engines import cells, reference
from fastrnn.engines import fused as package
from fastrnn.engines.fused import CELLS
from fastrnn.engines.fused import engine as fused

CASES = supported(package, ALL_CASES)
OPTIONS = supported(package, OPTION_CASES)


def test_the_engine_has_every_cell_and_every_option():
    accepted = {case.cell for case in CASES}
    assert accepted == set(cells.CELLS)
    for cell in accepted:
        assert [c for c in OPTIONS if c.cell == cell] == [c for c in OPTION_CASES if c.cell == cell]
    assert fused.cells() == CELLS


def run(call):
    """Every array of a forward and a backward pass."""
    outputs, states, workspace = fused.forward(call)
    return flatten(outputs, states, fused.backward(workspace, *make_gradients(call)))


def assert_same_bits(actual, expected):
    for k, (one, other) in enumerate(zip(actual, expected, strict=True)):
        np.testing.assert_array_equal(one, other, err_msg=f"array {k}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_agrees_with_the_reference_whatever_the_threads(case, isa, dtype):
    call = make_call(case, dtype=dtype)
    with settings(isa):
        expected = check(fused, case, call, cast(call, "float64"))
        lean = fused.forward(dataclasses.replace(call, save=False))
        assert lean[2] is None
        assert_same_bits([lean[0], *lean[1]], expected[: 1 + len(lean[1])])
    for threads, force_parallel in SHARINGS:
        with settings(isa, threads, force_parallel):
            assert_same_bits(run(call), expected)


LARGE = (
    Case("lstm", batch=32, timesteps=20, features=50, units=128),
    Case("gru_reset_after", batch=37, timesteps=9, features=130, units=200, mask="holes"),
    Case("gru", batch=33, timesteps=7, features=20, units=100, recurrent_dropout=True),
    Case("simple_rnn", batch=40, timesteps=30, features=10, units=300),
    Case("lstm", batch=5, timesteps=4, features=300, units=520),
    Case("lstm", batch=1, timesteps=40, features=64, units=256),
    Case("peephole_lstm", batch=32, timesteps=20, features=50, units=128, zoneout="masks"),
    Case("projected_lstm", batch=33, timesteps=9, features=50, units=200, mask="holes"),
    Case("layer_norm_lstm", batch=37, timesteps=9, features=50, units=200, zoneout="number"),
    Case("layer_norm_gru", batch=5, timesteps=5, features=300, units=500, mask="holes"),
)


@pytest.mark.parametrize("case", LARGE, ids=lambda c: c.id)
def test_the_same_bits_for_any_number_of_threads(case):
    """With the rule that shares the work as it is in use."""
    call = make_call(case, dtype="float32")
    with settings():
        expected = check(fused, case, call, cast(call, "float64"))
    for threads in (2, 3, 7):
        with settings(threads=threads):
            assert_same_bits(run(call), expected)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("cell", sorted(c for c in CELLS if not cells.CELLS[c].normalized))
def test_linear_activations_on_small_integers_are_exact(cell, isa):
    case = Case(cell, batch=5, timesteps=2, features=9, units=17, mask="holes")
    call = integers(make_call(case), 17)
    expected, expected_states, _ = reference.forward(call)
    with settings(isa):
        outputs, states, _ = fused.forward(call)
    np.testing.assert_array_equal(outputs, expected)
    for state, wanted in zip(states, expected_states, strict=True):
        np.testing.assert_array_equal(state, wanted)


@pytest.mark.parametrize("case", [c for c in OPTIONS if c.mask is not None], ids=lambda c: c.id)
def test_nan_under_a_mask_reaches_nothing(case):
    clean, dirty = make_call(case), make_call(case, nan_under_mask=True)
    assert_same_bits(run(dirty), run(clean))


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
def test_any_memory_layout(change):
    call = make_call(Case("lstm"))
    assert_same_bits(run(relayout(call, change)), run(call))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_passes_side_by_side_are_the_passes_alone(cell, isa):
    calls = [
        make_call(Case(cell, batch=6, units=20, go_backwards=k % 2 == 1, mask="right"), seed=k)
        for k in range(3)
    ]
    with settings(isa):
        expected = [run(call) for call in calls]
    for threads in (1, 2, 3, 8):
        with settings(isa, threads, force_parallel=1):
            results = fused.forward_concurrently(calls)
            gradients = fused.backward_concurrently(
                [(r[2], *make_gradients(call)) for r, call in zip(results, calls, strict=True)]
            )
        for (outputs, states, _), d, wanted in zip(results, gradients, expected, strict=True):
            assert_same_bits(flatten(outputs, states, d), wanted)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_pullback_may_be_used_twice_and_from_threads(cell):
    call = make_call(Case(cell, batch=4, timesteps=6, mask="holes"))
    gradients = make_gradients(call)
    outputs, states, workspace = fused.forward(call)
    expected = flatten(outputs, states, fused.backward(workspace, *gradients))
    results = [None] * 8

    def work(k):
        for _ in range(20):
            results[k] = flatten(outputs, states, fused.backward(workspace, *gradients))

    with settings(threads=2, force_parallel=1):
        workers = [threading.Thread(target=work, args=(k,)) for k in range(len(results))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    for result in results:
        assert_same_bits(result, expected)


IN_PLACE = [
    Case(cell, batch=b, timesteps=t, features=f, units=h, use_bias=bias, mask=mask)
    for cell in sorted(CELLS)
    for b, t, f, h in ((1, 1, 5, 32), (2, 2, 3, 16), (4, 1, 1, 64), (1, 3, 17, 48))
    for bias in (True, False)
    for mask in (None, "holes")
]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("case", IN_PLACE, ids=lambda c: c.id)
def test_weights_read_where_they_stand(case, isa):
    """A few steps of few rows do not pack the weights."""
    call = make_call(case, dtype="float32")
    with settings(isa):
        expected = check(fused, case, call, cast(call, "float64"))
    for threads, force_parallel in SHARINGS:
        with settings(isa, threads, force_parallel):
            assert_same_bits(run(call), expected)


def test_missing_gradients_are_zero():
    check_missing_gradients(fused)


def test_shapes_and_dtypes_are_checked_before_memory_is_touched():
    call = make_call(Case("lstm"))
    wrong = {
        "kernel": {"weights": {**call.weights, "kernel": call.weights["kernel"][:-1]}},
        "bias": {"weights": {**call.weights, "bias": call.weights["bias"][:-1]}},
        "mask": {"mask": np.ones((3, 4), bool)},
        "initial_state": {"initial_state": call.initial_state[:1]},
        "recurrent_dropout": {"recurrent_dropout": np.ones((1, 3, 7))},
        "inputs": {"x": call.x[:, :0]},
    }
    for argument, change in wrong.items():
        with pytest.raises(ValueError, match=f"`{argument}`"):
            fused.forward(dataclasses.replace(call, **change))
    with pytest.raises(ValueError, match="dtype"):
        fused.forward(cast(call, "float16"))
    _, _, workspace = fused.forward(call)
    with pytest.raises(ValueError, match="d_outputs"):
        fused.backward(workspace, np.zeros((3, 5, 8)), [None, None])
    with pytest.raises(ValueError, match="d_states"):
        fused.backward(workspace, None, [None, np.zeros((3, 8))])
    with pytest.raises(ValueError, match="d_states"):
        fused.backward(workspace, None, [None])
    softmax = dataclasses.replace(call, activation=fastrnn.activations.get("softmax"))
    with pytest.raises(ValueError, match="softmax"):
        fused.forward(softmax)


def test_buffers_are_reused_and_bounded():
    fused.release_buffers()
    call = make_call(Case("lstm", batch=16, timesteps=30, units=64), dtype="float32")
    run(call)
    kept = fused.release_buffers()
    for _ in range(5):
        run(call)
    assert 0 < fused.release_buffers() <= 2 * kept
    assert fused.release_buffers() == 0


# ---- the quick way for small inputs ----


def slow_call(layer, x):
    return fastrnn.layers.Layer.__call__(layer, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options", [{}, {"return_sequences": True}, {"go_backwards": True}], ids=str
)
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_the_quick_call_gives_the_bits_of_the_other(name, options, dtype):
    rng = np.random.default_rng(0)
    layer = getattr(fastrnn.layers, name)(20, dtype=dtype, **options)
    for shape in ((1, 1, 6), (3, 7, 6), (64, 64, 6), (65, 2, 6), (2, 70, 6)):
        x = rng.standard_normal(shape).astype(dtype)
        for _ in range(2):
            np.testing.assert_array_equal(layer(x), slow_call(layer, x))
    x = rng.standard_normal((2, 3, 6)).astype(dtype)
    before = layer(x)
    layer.set_weights([w * 2 for w in layer.get_weights()])
    np.testing.assert_array_equal(layer(x), slow_call(layer, x))
    assert not np.array_equal(layer(x), before)
    layer.return_sequences = not layer.return_sequences
    np.testing.assert_array_equal(layer(x), slow_call(layer, x))
    with settings("generic"):
        np.testing.assert_array_equal(layer(x), slow_call(layer, x))


def test_the_quick_call_takes_and_refuses_what_the_other_does():
    layer = fastrnn.layers.LSTM(8)
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
    expected = layer(x)
    same = {
        "list": x.tolist(),
        "float64": x.astype("float64"),
        "big-endian": x.astype(">f4"),
        "fortran": np.asfortranarray(x),
        "strided": np.repeat(x, 2, axis=1)[:, ::2],
        "float16": x.astype("float16").astype("float32"),
    }
    for kind, values in same.items():
        atol = 1e-2 if kind == "float16" else 0
        np.testing.assert_allclose(layer(values), expected, rtol=0, atol=atol, err_msg=kind)
    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(layer(read_only), expected)
    for bad in (x[0], x[:, :, :3], x[:0], x[:, :0], x.astype(complex), "text"):
        with pytest.raises(ValueError):
            layer(bad)
    copied = copy.deepcopy(layer)
    np.testing.assert_array_equal(copied(x), expected)


# ---- activations ----


def exact(name, values):
    """tanh or the logistic sigmoid, in extended precision."""
    wide = values.astype(np.longdouble)
    if name == "tanh":
        return np.tanh(wide)
    small = np.exp(-np.abs(wide))
    return np.where(wide < 0, small, 1) / (1 + small)


def grid(dtype):
    """Finite values over all bit patterns, and densely where the functions bend."""
    bits = {"float32": np.uint32, "float64": np.uint64}[dtype]
    count = 100_003  # prime, so that the low bits vary too
    patterns = np.arange(count, dtype=np.uint64) * np.uint64(
        2 ** (np.dtype(bits).itemsize * 8) // count
    )
    values = patterns.astype(bits).view(dtype)
    dense = [np.linspace(-20, 20, 40_001), np.linspace(-110, -80, 4001), np.linspace(-1, 1, 4001)]
    return np.concatenate([values[np.isfinite(values)], *dense]).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_activations_are_within_three_ulp(name, isa, dtype):
    values = grid(dtype)
    with settings(isa):
        parts = [activate(fused, name, part, dtype) for part in np.array_split(values, 80)]
    wanted = exact(name, values)
    ulp = np.spacing(np.abs(wanted).astype(dtype)).astype(np.longdouble)
    errors = np.abs(np.concatenate(parts) - wanted) / ulp
    assert errors.max() <= 3, values[errors.argmax()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("tanh", (-1, 1)),
        ("sigmoid", (0, 1)),
        ("relu", (0, np.inf)),
        ("hard_sigmoid", (0, 1)),
        ("linear", (-np.inf, np.inf)),
    ],
)
def test_infinities_and_nan(name, limits, isa, dtype):
    with settings(isa):
        actual = activate(fused, name, [-np.inf, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(actual, [*limits, np.nan])


def test_an_instruction_set_that_the_cpu_lacks_is_an_error():
    unusable = sorted(set(config.ISAS) - {"auto", *ISAS})
    call = make_call(Case("lstm"))
    for name in unusable:
        with settings(name), pytest.raises(ValueError, match=f"FASTRNN_ISA.*{name}"):
            fused.forward(call)
    assert fused.isa() == ISAS[-1]
    with pytest.raises(ValueError, match="`name`"):
        config.set_isa("sse9")
