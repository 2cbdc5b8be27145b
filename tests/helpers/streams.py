"""Models to be streamed, and what they are fed."""

import contextlib

import numpy as np

from fastrnn import Input, Sequential, config, layers

RECURRENT = {
    "simple_rnn": layers.SimpleRNN,
    "lstm": layers.LSTM,
    "gru": lambda units, **options: layers.GRU(units, reset_after=False, **options),
    "gru_reset_after": layers.GRU,
    "peephole_lstm": layers.PeepholeLSTM,
    "projected_lstm": lambda units, **options: layers.ProjectedLSTM(
        units, projection_size=units // 2 + 1, **options
    ),
    "layer_norm_lstm": layers.LayerNormLSTM,
    "layer_norm_gru": layers.LayerNormGRU,
}
STEPS = 11


@contextlib.contextmanager
def settings(isa="auto", engine="auto"):
    config.set_isa(isa)
    config.set_engine(engine)
    try:
        yield
    finally:
        config.set_isa("auto")
        config.set_engine("auto")


def randomize(layer, seed=0):
    """Give every weight random values: no bias, gain or moving average is left at 0 or 1."""
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        values = rng.standard_normal(variable.shape) / np.sqrt(variable.shape[0])
        variable.assign(np.abs(values) if variable.name == "moving_variance" else values)
    return layer


def sequential(*chain, features=5, dtype="float32", seed=0):
    return randomize(Sequential([Input((None, features), dtype=dtype), *chain]), seed)


def sequences(batch, features=5, dtype="float32", steps=STEPS):
    return np.random.default_rng(1).standard_normal((batch, steps, features)).astype(dtype)


def step_through(stream, x):
    """The outputs of all steps, one call for each."""
    return np.stack([stream(np.ascontiguousarray(x[:, t])) for t in range(x.shape[1])], axis=1)


def small_stream(batch=2, dtype="float32"):
    return sequential(layers.LSTM(6, dtype=dtype), dtype=dtype).stream(batch)
