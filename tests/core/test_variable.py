"""Variables of the user's own: how they are made, and what Python does with them."""

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import Input, Model, ops
from fastrnn.core import tracing
from fastrnn.layers.base.symbolic import SymbolicTensor


@pytest.mark.parametrize("args", [(1.5,), ([1, 2],), (np.zeros(3),), ("ones", (2, 3)), ([True],)])
def test_values_are_those_of_keras(args):
    mine, theirs = (k.Variable(*args, trainable=False) for k in (fastrnn, keras))
    assert mine.shape == tuple(theirs.shape)
    np.testing.assert_array_equal(mine.value, keras.ops.convert_to_numpy(theirs.value))
    assert mine.name and mine.path


def test_bad_variables_are_refused():
    with pytest.raises(ValueError, match="`shape`"):
        fastrnn.Variable("zeros")
    with pytest.raises(ValueError, match="shape"):
        fastrnn.Variable(np.zeros(3), shape=(2,))


def test_operators():
    v = fastrnn.Variable([1.0, -2.0], name="v")
    assert (2 * v + 1).tolist() == [3.0, -3.0]
    assert (-v).tolist() == [-1.0, 2.0] and abs(v).tolist() == [1.0, 2.0]
    assert (v > 0).tolist() == [True, False] and (v == v).tolist() == [True, True]
    assert (np.ones(2, "float32") - v).tolist() == [0.0, 3.0]
    assert np.tanh(v).dtype == "float32" and v[1] == -2.0
    assert [float(x) for x in v] == [1.0, -2.0]
    assert v in {v} and not isinstance(v == "name", np.ndarray)
    v.assign_sub([1.0, 1.0])
    assert v.numpy().tolist() == [0.0, -3.0]


def test_in_a_trace_a_variable_makes_nodes_and_notes_what_it_is_assigned():
    v = fastrnn.Variable([1.0, -2.0], name="v")
    trace = tracing.Trace()
    with tracing.tracing(trace):
        y = ops.softmax(v)
        v.assign(v * 2)
        assert isinstance(v + 1, SymbolicTensor)
    assert isinstance(y, SymbolicTensor) and len(trace.updates) == 1
    assert v.numpy().tolist() == [1.0, -2.0]


def test_operators_of_tensors_that_need_values_name_what_to_use():
    x = Input((3,))
    for function, word in (
        (bool, "ops.where"), (float, "ops.cast"), (int, "ops.cast"), (list, "ops.scan"),
        (len, "ops.shape"), (np.asarray, "fastrnn.ops"), (lambda t: t.numpy(), "fastrnn.ops"),
        (np.fft.fft, "numpy.fft"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=word):
            function(x)
    a, b, c = Input(batch_shape=(3, 2))
    assert a.shape == b.shape == c.shape == (2,)
    y = np.mean(np.tanh(x), axis=1) ** 2
    assert Model(x, y)(np.ones((2, 3))).shape == (2,)
