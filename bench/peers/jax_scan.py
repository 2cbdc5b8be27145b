"""JAX: ``lax.scan`` over the steps after one product for the inputs of all of them, jitted."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from peers import Array, Training, Work


def start(threads: int) -> str:
    # JAX has no option for it: its runtime counts the CPUs, or reads these. They must be set
    # before its import.
    os.environ["PJRT_NPROC"] = os.environ["NPROC"] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    return jax.__version__


def step_of(cell: str) -> Any:
    """Return the step of a cell: (states, input product, recurrent product) -> states, h first."""
    import jax
    import jax.numpy as jnp

    def simple_rnn(states: Any, inputs: Any, recurrent: Any) -> Any:
        return (jnp.tanh(inputs + recurrent),)

    def lstm(states: Any, inputs: Any, recurrent: Any) -> Any:
        i, f, c, o = jnp.split(inputs + recurrent, 4, axis=-1)
        carried = jax.nn.sigmoid(f) * states[1] + jax.nn.sigmoid(i) * jnp.tanh(c)
        return jax.nn.sigmoid(o) * jnp.tanh(carried), carried

    def gru(states: Any, inputs: Any, recurrent: Any) -> Any:
        (xz, xr, xh), (hz, hr, hh) = jnp.split(inputs, 3, axis=-1), jnp.split(recurrent, 3, axis=-1)
        z, r = jax.nn.sigmoid(xz + hz), jax.nn.sigmoid(xr + hr)
        return (z * states[0] + (1 - z) * jnp.tanh(xh + r * hh),)

    return {"SimpleRNN": simple_rnn, "LSTM": lstm, "GRU": gru}[cell]


def forward_function(case: Any, unroll: int) -> Any:
    """Return the function of (weights, time-major x) that returns the last output."""
    import jax
    import jax.numpy as jnp

    step = step_of(case.layer)

    def one_direction(kernel: Any, recurrent_kernel: Any, bias: Any, x: Any, reverse: bool) -> Any:
        input_bias, recurrent_bias = bias if bias.ndim == 2 else (bias, 0.0)
        state = jnp.zeros((case.batch, case.units), x.dtype)
        states = (state, state) if case.layer == "LSTM" else (state,)

        def body(states: Any, inputs: Any) -> Any:
            return step(states, inputs, states[0] @ recurrent_kernel + recurrent_bias), None

        products = x @ kernel + input_bias
        states, _ = jax.lax.scan(body, states, products, reverse=reverse, unroll=unroll)
        return states[0]

    def forward(weights: Any, x: Any) -> Any:
        last = [
            one_direction(*weights[3 * d : 3 * d + 3], x, reverse=d == 1)
            for d in range(case.directions)
        ]
        return jnp.concatenate(last, axis=-1)

    return forward


def training_function(case: Any, unroll: int) -> Any:
    """Return the function of (weights, x, y) that returns the weights after one step, and loss."""
    import jax
    import jax.numpy as jnp

    from fastrnn.bench.cases import LEARNING_RATE

    forward = forward_function(case, unroll)

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        outputs = forward(weights, x) @ weights[-2] + weights[-1]
        return jnp.mean(jnp.square(outputs - y))

    def step(weights: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        return [w - LEARNING_RATE * g for w, g in zip(weights, gradients, strict=True)], loss

    return step


def prepare(case: Any, weights: list[Array], x: Array, y: Array) -> Work:
    import jax

    parameters = [jax.numpy.asarray(w) for w in weights]
    inputs = jax.numpy.asarray(np.ascontiguousarray(x.transpose(1, 0, 2)))
    targets = jax.numpy.asarray(y)

    def forward_unrolled(unroll: int) -> Any:
        compiled = jax.jit(forward_function(case, unroll))
        return lambda: compiled(parameters, inputs).block_until_ready()

    step = jax.jit(training_function(case, unroll=1), donate_argnums=0)
    trained = [jax.numpy.array(w, copy=True) for w in weights]

    def training_step() -> float:
        nonlocal trained
        trained, loss = step(trained, inputs, targets)
        jax.block_until_ready(trained)
        return float(loss)

    return Work(
        forward=[forward_unrolled(unroll) for unroll in sorted({1, min(4, case.timesteps)})],
        training=[Training(training_step, lambda: [np.array(w) for w in trained])],
    )
