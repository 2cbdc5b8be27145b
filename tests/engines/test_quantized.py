"""Quantized weights in the fused engine, on every variant of this CPU, with VNNI and without.

One step of int8 is held against the reference engine. Where states are rounded to 8 bits, the last
digit of one may come to be a quantum: longer sequences are held, to the bit, against the engine's
own single steps.
"""

import contextlib
import dataclasses
import pickle

import fused_settings
import numpy as np
import pytest
from cases import OPTION_CASES, SIZE_CASES, Case, make_call
from tolerance import assert_close

from fastrnn import activations, config
from fastrnn.engines import reference
from fastrnn.engines.dispatch import choose_engine, rnn_forward_concurrently
from fastrnn.engines.fused import ACTIVATIONS
from fastrnn.engines.fused import engine as fused
from fastrnn.engines.quantize import (
    MODES,
    QUANTIZABLE_CELLS,
    QuantizedKernel,
    quantize_columns,
    quantize_rows,
    quantize_weights,
)

HAS_VNNI = fused.set_vnni(True)
# Instruction sets, and whether VNNI is used.
VARIANTS = [(isa, False) for isa in fused.usable_isas()]
VARIANTS += [("avx512", True)] if HAS_VNNI else []
# Threads, and what they share: rows (1) or the units of each step (2), however small the work.
SHARINGS = ((1, 0), (2, 1), (3, 1), (2, 2), (7, 2))
CELLS = QUANTIZABLE_CELLS
CASES = [
    case
    for case in OPTION_CASES
    if case.input_dropout is None
    and not case.recurrent_dropout
    and case.zoneout is None
    and case.cell in CELLS
]
SIZES = [case for case in SIZE_CASES if case.cell in CELLS]
LONG = [
    Case(cell, batch=batch, timesteps=steps, features=17, units=40, mask=mask)
    for cell in CELLS
    for batch, steps, mask in ((1, 30, None), (2, 100, "holes"), (9, 8, "holes"))
]


@contextlib.contextmanager
def settings(variant=("auto", True), threads=1, force_parallel=0):
    with fused_settings.settings(variant[0], threads, force_parallel):
        fused.set_vnni(variant[1])
        try:
            yield
        finally:
            fused.set_vnni(True)


def quantize(call, mode):
    weights = quantize_weights(call.cell, mode, call.weights)
    return dataclasses.replace(call, save=False, quantized=weights)


def quantized_call(case, mode, **options):
    return quantize(make_call(case, dtype="float32", **options), mode)


def run(call):
    outputs, states, workspace = fused.forward(call)
    assert workspace is None
    return [outputs, *states]


def assert_same_bits(actual, expected):
    for k, (one, other) in enumerate(zip(actual, expected, strict=True)):
        np.testing.assert_array_equal(one, other, err_msg=f"array {k}")


def check_sharings(call, variant, expected):
    for threads, force_parallel in SHARINGS:
        with settings(variant, threads, force_parallel):
            assert_same_bits(run(call), expected)


def check_reference(call, variant, case):
    """Hold the engine against the reference; return its arrays."""
    outputs, states, _ = reference.forward(call)
    with settings(variant):
        actual = run(call)
    for array, expected in zip(actual, [outputs, *states], strict=True):
        assert_close(array, expected, case.n_accumulated, case.timesteps)
    return actual


# ---- the numbers ----


def test_columns_have_a_scale_of_their_own_and_errors_of_half_of_it():
    rng = np.random.default_rng(0)
    kernel = (rng.standard_normal((50, 30)) * 10.0 ** rng.uniform(-3, 3, 30)).astype("float32")
    kernel[:, 3] = 0
    q, scale = quantize_columns(kernel)
    np.testing.assert_allclose(scale, np.abs(kernel).max(axis=0) / 127, rtol=1e-6)
    assert q.dtype == np.int8 and np.abs(q.astype(int)).max(axis=0).tolist() == [
        0 if column == 3 else 127 for column in range(30)
    ]
    assert (np.abs(q * scale - kernel) <= scale * 0.50001).all()


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 17, 33, 64, 130])
def test_sums_of_integers_are_exact(size, variant):
    """Scales are 1 where each row and column has a 127: the outputs are sums of integers."""
    rng = np.random.default_rng(size)
    units, features, batch = size, (3 * size) % 131 + 1, size % 9 + 1

    def integers(*shape):
        drawn = rng.integers(-127, 128, shape)
        drawn[..., 0] = 127
        return drawn

    x, h = integers(batch, features), integers(batch, units)
    kernel, recurrent = integers(units, features).T, integers(units, units).T
    bias = integers(units)
    case = Case("simple_rnn", batch=batch, timesteps=1, features=features, units=units)
    call = make_call(dataclasses.replace(case, activation="linear"), dtype="float32")
    given = {"kernel": kernel, "recurrent_kernel": recurrent, "bias": bias}
    arrays = {name: np.array(a, dtype="float32", order="C") for name, a in given.items()}
    call = dataclasses.replace(
        call,
        x=x[:, None].astype("float32"),
        initial_state=(h.astype("float32"),),
        weights=arrays,
    )
    expected = x @ kernel + h @ recurrent + bias
    with settings(variant):
        np.testing.assert_array_equal(run(quantize(call, "int8"))[1], expected)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_the_largest_sums_that_there_can_be(signs, variant):
    features = 1 << 16
    call = make_call(
        Case("simple_rnn", batch=2, timesteps=1, features=features, units=1, activation="linear"),
        dtype="float32",
    )
    call = dataclasses.replace(
        call,
        x=np.full_like(call.x, 127 * signs[0]),
        weights={
            **call.weights,
            "kernel": np.full_like(call.weights["kernel"], 127 * signs[1]),
            "bias": None,
        },
        initial_state=(np.zeros((2, 1), "float32"),),
    )
    with settings(variant):
        outputs = run(quantize(call, "int8"))[0]
    np.testing.assert_array_equal(outputs, np.float32(signs[0] * signs[1] * 127 * 127 * features))


@pytest.mark.parametrize("cell", CELLS)
def test_one_product_errs_by_half_a_quantum_of_each_factor(cell):
    rng = np.random.default_rng(3)
    a = rng.standard_normal((20, 60)).astype("float32")
    kernel = rng.standard_normal((60, 12)).astype("float32")
    q, scale = quantize_columns(kernel)
    a_scale = quantize_rows(a)[1][:, None]
    actual = a @ QuantizedKernel(q, scale)
    bound = np.abs(a).sum(1, keepdims=True) * scale / 2 + a_scale / 2 * np.abs(kernel).sum(0)
    bound += 60 * a_scale * scale / 4
    assert (np.abs(actual - a.astype(float) @ kernel.astype(float)) <= bound * 1.001).all()


# ---- against the reference ----


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("case", SIZES, ids=lambda case: case.id)
def test_one_step_of_int8_agrees_with_the_reference(case, variant):
    case = dataclasses.replace(case, timesteps=1)
    call = quantized_call(case, "int8")
    expected = check_reference(call, variant, case)
    check_sharings(call, variant, expected)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("case", SIZES + CASES + LONG, ids=lambda case: case.id)
def test_bf16_agrees_with_the_reference(case, variant):
    call = quantized_call(case, "bf16", nan_under_mask=True)
    expected = check_reference(call, variant, case)
    check_sharings(call, variant, expected)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mode", MODES)
def test_every_activation_of_the_engine(mode, cell):
    for name in ACTIVATIONS:
        for option in ("activation", "recurrent_activation"):
            case = dataclasses.replace(Case(cell, timesteps=1, units=33), **{option: name})
            check_reference(quantized_call(case, mode), ("auto", True), case)


@pytest.mark.skipif(not HAS_VNNI, reason="the CPU has no VNNI")
@pytest.mark.parametrize("case", SIZES, ids=lambda case: case.id)
def test_vnni_changes_no_bit(case):
    call = quantized_call(case, "int8")
    with settings(("avx512", False)):
        expected = run(call)
    with settings(("avx512", True)):
        assert_same_bits(run(call), expected)


# ---- against single steps ----


def step_by_step(call):
    """The arrays of ``run``, from a call for each step of each row that counts."""
    batch, timesteps, _ = call.x.shape
    states = [state.copy() for state in call.initial_state]
    output, outputs = np.zeros_like(states[0]), []
    for t in reversed(range(timesteps)) if call.go_backwards else range(timesteps):
        counts = np.ones(batch, bool) if call.mask is None else call.mask[:, t]
        if counts.any():
            step = dataclasses.replace(
                call,
                x=np.ascontiguousarray(call.x[counts, t : t + 1]),
                initial_state=tuple(state[counts] for state in states),
                mask=None,
                return_sequences=False,
            )
            for state, new in zip(states, run(step)[1:], strict=True):
                state[counts] = new
        kept = np.zeros_like(output) if call.zero_output_for_mask else output
        output = np.where(counts[:, None], states[0], kept)
        outputs.append(output)
    return [np.stack(outputs, 1) if call.return_sequences else output, *states]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("case", SIZES + CASES + LONG, ids=lambda case: case.id)
def test_sequences_of_int8_are_their_steps(case, variant):
    call = quantized_call(case, "int8", nan_under_mask=True)
    with settings(variant):
        expected = step_by_step(call)
    check_sharings(call, variant, expected)


LARGE = (
    Case("lstm", batch=1, timesteps=40, features=64, units=256),
    Case("gru", batch=33, timesteps=7, features=20, units=300),
    Case("gru_reset_after", batch=37, timesteps=9, features=130, units=400, mask="holes"),
    Case("lstm", batch=64, timesteps=6, features=300, units=520),
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.id)
def test_the_same_bits_for_any_number_of_threads(case, mode):
    """With the rule that shares the work as it is in use."""
    call = quantized_call(case, mode)
    with settings():
        expected = run(call)
    for threads in (2, 3, 8):
        with settings(threads=threads):
            assert_same_bits(run(call), expected)


@pytest.mark.parametrize("mode", MODES)
def test_passes_side_by_side(mode):
    calls = [quantized_call(Case("lstm", units=n), mode) for n in (7, 33, 20)]
    expected = [run(call) for call in calls]
    for threads in (1, 2, 4):
        with settings(threads=threads, force_parallel=2):
            for actual, wanted in zip(fused.forward_concurrently(calls), expected, strict=True):
                assert_same_bits([actual[0], *actual[1]], wanted)
    mixed = [calls[0], dataclasses.replace(calls[0], quantized=None)]
    results = rnn_forward_concurrently(mixed)
    np.testing.assert_array_equal(results[0][0], expected[0][0])
    with pytest.raises(ValueError, match="all quantized, or none"):
        fused.forward_concurrently(mixed)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", CELLS)
def test_the_short_way_computes_the_same(cell, mode):
    call = quantized_call(Case(cell, batch=5, units=33), mode)
    zeros = tuple(np.zeros_like(state) for state in call.initial_state)
    expected = run(dataclasses.replace(call, initial_state=zeros))[0]
    np.testing.assert_array_equal(fused.Inference(call)(call.x), expected)


# ---- numbers out of the ordinary ----


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("cell", CELLS)
def test_a_row_with_nan_or_infinity_is_nan_from_there_on(cell, value, variant):
    call = quantized_call(Case(cell, batch=7, timesteps=6, features=20, units=33), "int8")
    with settings(variant):
        expected = run(call)[0]
        x = call.x.copy()
        x[2, 3, 19] = value
        actual = run(dataclasses.replace(call, x=x))[0]
    assert np.isnan(actual[2, 3:]).all()
    actual[2, 3:] = expected[2, 3:]
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("value", [0.0, 1e-45, 1e-38, 7e-31, -7e-31])
@pytest.mark.parametrize("cell", CELLS)
def test_rows_of_next_to_nothing_are_zeros(cell, value, variant):
    call = quantized_call(Case(cell, timesteps=1, units=33), "int8")
    states = tuple(np.zeros_like(state) for state in call.initial_state)
    nothing = dataclasses.replace(call, x=np.full_like(call.x, value), initial_state=states)
    full = dataclasses.replace(nothing, x=np.zeros_like(call.x), quantized=None)
    with settings(variant):
        assert_same_bits(run(nothing), run(full))


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("size", [2e-30, 1e-12, 1e12, 1e28])
def test_rows_of_any_size_keep_their_precision(size, variant):
    """Scaling the inputs up and the weights down again changes next to nothing."""
    case = Case("lstm", timesteps=1, features=30, units=20)
    call = make_call(case, dtype="float32")
    call = dataclasses.replace(call, x=call.x / np.abs(call.x).max())
    size = np.float32(size)
    scaled = call.with_weights(kernel=call.weights["kernel"] / size)
    scaled = dataclasses.replace(scaled, x=call.x * size)
    with settings(variant):
        actual, expected = (run(quantize(c, "int8"))[0] for c in (scaled, call))
    np.testing.assert_allclose(actual, expected, atol=0.01)


# ---- what is refused ----


def test_what_cannot_be_quantized():
    call = make_call(Case("lstm"), dtype="float32")

    def attempt(mode="int8", **changes):
        return quantize_weights("lstm", mode, {**call.weights, **changes})

    for mode in ("int4", "", None):
        with pytest.raises(ValueError, match="`mode`"):
            attempt(mode)
    with pytest.raises(ValueError, match=r"`kernel`.*float32"):
        attempt(kernel=call.weights["kernel"].astype("float64"))
    with pytest.raises(ValueError, match=r"`kernel`.*65536"):
        attempt(kernel=np.zeros((65537, 28), "float32"))
    for value in (np.nan, np.inf):
        recurrent = call.weights["recurrent_kernel"].copy()
        recurrent[2, 5] = value
        with pytest.raises(ValueError, match=r"`recurrent_kernel`.*finite"):
            attempt(recurrent_kernel=recurrent)


@pytest.mark.parametrize("engine", [fused, reference])
def test_calls_that_quantized_weights_do_not_serve(engine):
    call = quantized_call(Case("lstm"), "int8")
    other = make_call(Case("lstm", units=8), dtype="float32")
    changes = [
        ({"save": True}, "inference"),
        ({"recurrent_dropout": np.ones((4, 3, 7), "float32")}, "inference"),
        ({"quantized": quantize(other, "int8").quantized}, "`quantized`"),
        ({"weights": {**call.weights, "bias": None}}, "`quantized`"),
        ({"quantized": quantized_call(Case("gru"), "int8").quantized}, "weights of lstm"),
    ]
    for change, message in changes:
        with pytest.raises(ValueError, match=message):
            engine.forward(dataclasses.replace(call, **change))


def test_which_engine_computes():
    call = quantized_call(Case("lstm"), "int8")
    assert choose_engine(call) == "fused"
    elu = dataclasses.replace(call, activation=activations.get("elu"))
    assert choose_engine(elu) == "reference"
    config.set_engine("blas")
    try:
        with pytest.raises(ValueError, match=r"`engine`.*quantized"):
            choose_engine(call)
    finally:
        config.set_engine("auto")


def test_copies_pack_their_weights_anew():
    call = quantized_call(Case("gru", units=33), "int8")
    expected = run(call)
    copied = pickle.loads(pickle.dumps(call.quantized))
    assert copied._packed == {}
    assert_same_bits(run(dataclasses.replace(call, quantized=copied)), expected)
    for side in copied.packed(fused.lanes()):
        assert all(a.ctypes.data % 64 == 0 for a in side if a is not None)
