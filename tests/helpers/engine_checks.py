"""How a compiled engine is held against the reference engine."""

import dataclasses

import numpy as np
from cases import Case, make_call, make_gradients
from tolerance import assert_close

from fastrnn import activations
from fastrnn.engines import reference


def cast(call, dtype):
    """The same call with every float array in another dtype."""
    arrays = {}
    for field in dataclasses.fields(call):
        value = getattr(call, field.name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            arrays[field.name] = value.astype(dtype)
    arrays["weights"] = map_weights(call, lambda a: a.astype(dtype))
    states = tuple(s.astype(dtype) for s in call.initial_state)
    arrays["zoneout"] = tuple(
        k.astype(dtype) if isinstance(k, np.ndarray) else k for k in call.zoneout
    )
    return dataclasses.replace(call, **arrays, initial_state=states)


def map_weights(call, change):
    """The weights of a call, each array changed."""
    return {name: None if a is None else change(a) for name, a in call.weights.items()}


def named(gradients):
    """The arrays of ``RecurrentGradients`` by name, but for one that is not there."""
    states = {f"initial_state[{k}]": d for k, d in enumerate(gradients.d_initial_state)}
    inputs = {} if gradients.dx is None else {"x": gradients.dx}
    return {**inputs, **gradients.d_weights, **states}


def check(engine, case, actual_call, expected_call):
    """Compare forward and backward of ``engine`` with the reference; return every array."""
    outputs, states, workspace = engine.forward(actual_call)
    expected, expected_states, expected_workspace = reference.forward(expected_call)
    forward = {"n_accumulated": case.n_accumulated, "timesteps": case.timesteps}
    assert outputs.dtype == actual_call.x.dtype
    assert_close(outputs, expected, **forward, name="outputs")
    for k, (state, expected_state) in enumerate(zip(states, expected_states, strict=True)):
        assert_close(state, expected_state, **forward, name=f"states[{k}]")
    d_outputs, d_states = make_gradients(actual_call)
    gradients = engine.backward(workspace, d_outputs, d_states)
    expected_gradients = reference.backward(expected_workspace, d_outputs, tuple(d_states))
    actual, wanted = named(gradients), named(expected_gradients)
    assert set(actual) == set(wanted)
    for name, array in wanted.items():
        assert_close(actual[name], array, **forward, backward=True, name=f"gradient of {name}")
    return flatten(outputs, states, gradients)


def check_missing_gradients(engine):
    """Gradients that are ``None`` count as zeros, in some places and in all."""
    call = make_call(Case("lstm"))
    _, _, workspace = engine.forward(call)
    d_outputs, _ = make_gradients(call)
    with_none = engine.backward(workspace, d_outputs, [None, None])
    with_zero = engine.backward(workspace, d_outputs, [np.zeros((3, 7)), np.zeros((3, 7))])
    np.testing.assert_array_equal(with_none.d_weights["kernel"], with_zero.d_weights["kernel"])
    nothing = engine.backward(workspace, None, [None, None])
    assert not any(array.any() for array in named(nothing).values())


def flatten(outputs, states, gradients):
    """Every array of a forward and a backward pass, in one list."""
    return [outputs, *states, *named(gradients).values()]


def unaligned(array):
    raw = np.empty(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


LAYOUTS = {
    "unaligned": unaligned,
    "fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
}


def relayout(call, change):
    """The same call with its arrays in another memory layout."""
    return dataclasses.replace(
        call,
        x=change(call.x),
        weights=map_weights(call, change),
        initial_state=tuple(change(s) for s in call.initial_state),
    )


def integers(call, units, seed=3):
    """The same call with linear activations on small integers: nothing is rounded."""
    rng = np.random.default_rng(seed)

    def draw(array):
        return rng.integers(-1, 2, array.shape).astype(array.dtype)

    linear = activations.get("linear")
    return dataclasses.replace(
        call,
        activation=linear,
        recurrent_activation=linear,
        x=draw(call.x),
        weights=map_weights(call, draw),
        initial_state=tuple(draw(s) for s in call.initial_state),
    )


def activate(engine, name, values, dtype):
    """The engine's activation of ``values``: a SimpleRNN whose bias they are."""
    values = np.asarray(values, dtype)
    n = values.shape[-1]
    call = make_call(Case("simple_rnn", batch=1, timesteps=1, features=1, units=n), dtype=dtype)
    call = dataclasses.replace(
        call,
        activation=activations.get(name),
        x=np.zeros((1, 1, 1), dtype),
        weights={
            "kernel": np.zeros((1, n), dtype),
            "recurrent_kernel": np.zeros((n, n), dtype),
            "bias": values,
        },
    )
    return engine.forward(call)[0][0, 0]
