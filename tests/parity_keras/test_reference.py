"""The reference engine against live Keras: the same arrays, states, masks and dropout masks."""

import itertools

import numpy as np
import pytest
from cases import ACTIVATION_CASES, OPTION_CASES, SIZE_CASES, make_call, make_gradients
from live_keras import differentiate, keras, torch
from tolerance import assert_close

from fastrnn import config
from fastrnn.engines.cells import CELLS
from fastrnn.engines.dispatch import rnn_backward, rnn_forward

LAYERS = {
    "simple_rnn": ("SimpleRNN", {}),
    "lstm": ("LSTM", {"use_cudnn": False, "implementation": 1}),
    "gru": ("GRU", {"use_cudnn": False, "implementation": 1, "reset_after": False}),
    "gru_reset_after": ("GRU", {"use_cudnn": False, "implementation": 1, "reset_after": True}),
}
# Half of the options that meet under a mask: every two of them still meet in every combination.
OPTIONS = [
    case
    for case in OPTION_CASES
    if case.cell in LAYERS
    and case.zoneout is None
    and (
        not case.mask
        or case.input_dropout
        or case.recurrent_dropout
        or (case.go_backwards + case.return_sequences + case.zero_output_for_mask) % 2
    )
]
SMALL_SIZES = [c for c in SIZE_CASES if c.cell in LAYERS and c.timesteps * c.units <= 330]
# Keras's sparsemax does not sum to 1. The other cells call activations no differently.
ACTIVATIONS = [
    case
    for case in ACTIVATION_CASES
    if case.cell in ("lstm", "gru_reset_after")
    and "sparsemax" not in (case.activation, case.recurrent_activation)
]


@pytest.fixture(autouse=True)
def reference_engine():
    before = config.engine()
    config.set_engine("reference")
    yield
    config.set_engine(before)


def dropout_mask(factors, gates):
    """Keras's cells with implementation 1 read one mask for each gate; SimpleRNN reads one."""
    if factors is None:
        return None
    masks = [torch.tensor(f) for f in np.broadcast_to(factors, (gates, *factors.shape[1:])).copy()]
    return masks if gates > 1 else masks[0]


def keras_layer(case, call):
    """Return Keras's layer with the weights of ``call`` and its dropout masks in place."""
    name, options = LAYERS[case.cell]
    layer = getattr(keras.layers, name)(
        case.units,
        activation=case.activation,
        use_bias=case.use_bias,
        go_backwards=case.go_backwards,
        return_sequences=case.return_sequences,
        return_state=True,
        zero_output_for_mask=case.zero_output_for_mask,
        # The rates only switch the masks on; which entries they drop stands in `call`.
        dropout=0.3 if case.input_dropout else 0.0,
        recurrent_dropout=0.3 if case.recurrent_dropout else 0.0,
        dtype=call.x.dtype.name,
        **({"recurrent_activation": case.recurrent_activation} if options else {}),
        **options,
    )
    layer.build(call.x.shape)
    layer.set_weights([w for w in call.weights.values() if w is not None])
    gates = len(CELLS[case.cell].gates)
    masks = [dropout_mask(f, gates) for f in (call.input_dropout, call.recurrent_dropout)]
    layer.cell.get_dropout_mask = lambda x: masks[0]
    layer.cell.get_recurrent_dropout_mask = lambda h: masks[1]
    return layer


@pytest.mark.parametrize("case", OPTIONS + SMALL_SIZES + ACTIVATIONS, ids=lambda c: c.id)
def test_values_and_gradients_are_those_of_keras(case):
    """In float32: Keras on torch multiplies matrices in float32 whatever the layer's dtype."""
    call = make_call(case, dtype="float32")
    outputs, states, workspace = rnn_forward(call)
    assert workspace.engine == "reference"
    d_outputs, d_states = make_gradients(call)
    gradients = rnn_backward(workspace, d_outputs, d_states)
    mask = {} if call.mask is None else {"mask": torch.tensor(call.mask)}
    inputs = [call.x, *call.initial_state]
    expected, d_inputs, d_weights = differentiate(
        keras_layer(case, call), inputs, [d_outputs, *d_states], training=True, **mask
    )
    size = (case.n_accumulated, case.timesteps)
    for k, (ours, theirs) in enumerate(zip([outputs, *states], expected, strict=True)):
        assert ours.dtype == theirs.dtype == np.float32
        assert_close(ours, theirs, *size, name=f"outputs[{k}]")
    ours_d_inputs = [gradients.dx, *gradients.d_initial_state]
    ours_d_weights = list(gradients.d_weights.values())
    for kind, ours, theirs in (
        ("d_inputs", ours_d_inputs, d_inputs),
        ("d_weights", ours_d_weights, d_weights),
    ):
        for k, (actual, wanted) in enumerate(zip(ours, theirs, strict=True)):
            assert_close(actual, wanted, *size, backward=True, name=f"{kind}[{k}]")


def test_all_options_meet_keras():
    """The list of cases reaches every option with every cell."""
    for cell, (option, values) in itertools.product(
        LAYERS,
        {
            "mask": 7,
            "go_backwards": 2,
            "return_sequences": 2,
            "zero_output_for_mask": 2,
            "input_dropout": 3,
            "recurrent_dropout": 2,
            "use_bias": 2,
        }.items(),
    ):
        seen = {getattr(case, option) for case in OPTIONS if case.cell == cell}
        assert len(seen) == values, (cell, option, seen)
