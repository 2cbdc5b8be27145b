"""TensorFlow's operations: values by NumPy's formulas, on arrays and in a model."""

import numpy as np
import pytest

import fastrnn
import fastrnn.compat.tensorflow as tf
from fastrnn.compat.tensorflow import table
from fastrnn.core.tensor_array import TensorArray

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
P = np.abs(X) / 8 + 0.1
LABELS = np.eye(4, dtype="float32")[[[0, 1, 2], [3, 2, 1]]]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(logits):
    return -np.log(softmax(logits)[LABELS.astype(bool)].reshape(logits.shape[:-1]))


CASES = {
    "reduce_mean": (lambda x: tf.reduce_mean(x, 1), lambda x: x.mean(1)),
    "keep_dims": (
        lambda x: tf.reduce_sum(x, reduction_indices=[0, 2], keep_dims=True),
        lambda x: x.sum((0, 2), keepdims=True),
    ),
    "reduce_max": (lambda x: tf.math.reduce_max(input_tensor=x), lambda x: x.max()),
    "reduce_std": (lambda x: tf.math.reduce_std(x, axis=-1), lambda x: x.std(-1)),
    "argmax": (lambda x: tf.argmax(x), lambda x: x.argmax(0)),
    "subtract": (lambda x: tf.subtract(x=1.0, y=x), lambda x: 1 - x),
    "pow": (lambda x: tf.pow(x, 2), lambda x: x**2),
    "matmul": (lambda x: tf.matmul(x, x, transpose_b=True), lambda x: x @ x.transpose(0, 2, 1)),
    "matmul_a": (
        lambda x: tf.linalg.matmul(x, x, transpose_a=True),
        lambda x: x.transpose(0, 2, 1) @ x,
    ),
    "matvec": (
        lambda x: tf.linalg.matvec(x, x[:, 0]),
        lambda x: np.einsum("bij,bj->bi", x, x[:, 0]),
    ),
    "einsum": (lambda x: tf.einsum("bij,bkj->bik", x, x), lambda x: x @ x.transpose(0, 2, 1)),
    "tensordot": (
        lambda x: tf.tensordot(x, np.ones((4, 2), "float32"), axes=1),
        lambda x: x @ np.ones((4, 2), "float32"),
    ),
    "expand_dims": (lambda x: tf.expand_dims(x, -1), lambda x: x[..., None]),
    "squeeze": (lambda x: tf.squeeze(x[:, :1], axis=1), lambda x: x[:, 0]),
    "concat": (lambda x: tf.concat([x, x], axis=-1), lambda x: np.concatenate([x, x], -1)),
    "stack": (lambda x: tf.stack([x, x], 1), lambda x: np.stack([x, x], 1)),
    "unstack": (lambda x: tf.unstack(x, axis=1)[1], lambda x: x[:, 1]),
    "split": (lambda x: tf.split(x, 2, axis=2)[1], lambda x: x[:, :, 2:]),
    "split_sizes": (lambda x: tf.split(x, [1, -1], axis=2)[1], lambda x: x[:, :, 1:]),
    "reshape": (lambda x: tf.reshape(x, [-1, 12]), lambda x: x.reshape(-1, 12)),
    "transpose": (lambda x: tf.transpose(x, [0, 2, 1]), lambda x: x.transpose(0, 2, 1)),
    "transpose_perm": (lambda x: tf.transpose(x, perm=[0, 2, 1]), lambda x: x.transpose(0, 2, 1)),
    "tile": (lambda x: tf.tile(x, [1, 2, 1]), lambda x: np.tile(x, (1, 2, 1))),
    "pad": (
        lambda x: tf.pad(x, [[0, 0], [1, 0], [0, 2]], constant_values=1.0),
        lambda x: np.pad(x, ((0, 0), (1, 0), (0, 2)), constant_values=1),
    ),
    "reverse": (lambda x: tf.reverse(x, axis=[1]), lambda x: x[:, ::-1]),
    "slice": (lambda x: tf.slice(x, [0, 1, 0], [-1, 2, 3]), lambda x: x[:, 1:3, :3]),
    "gather": (lambda x: tf.gather(x, [2, 0], axis=1), lambda x: x[:, [2, 0]]),
    "one_hot": (
        lambda x: tf.one_hot(np.array([0, 2]), 3) + x[0, 0, 0],
        lambda x: np.eye(3)[[0, 2]] + x[0, 0, 0],
    ),
    "where": (lambda x: tf.where(x > 0, x, tf.zeros_like(x)), lambda x: np.maximum(x, 0)),
    "cast": (lambda x: tf.cast(x > 0, tf.float32), lambda x: (x > 0).astype("float32")),
    "clip": (lambda x: tf.clip_by_value(x, -0.5, 0.5), lambda x: np.clip(x, -0.5, 0.5)),
    "squared_difference": (
        lambda x: tf.math.squared_difference(x, 1.0),
        lambda x: (x - 1) ** 2,
    ),
    "cumsum": (
        lambda x: tf.cumsum(x, axis=1, exclusive=True, reverse=True),
        lambda x: x[:, ::-1].cumsum(1)[:, ::-1] - x,
    ),
    "add_n": (lambda x: tf.add_n([x, x, x]), lambda x: 3 * x),
    "norm": (lambda x: tf.norm(x, axis=-1), lambda x: np.linalg.norm(x, axis=-1)),
    "band_part": (lambda x: tf.linalg.band_part(x, -1, 0), lambda x: np.tril(x)),
    "diag": (lambda x: tf.linalg.diag(x), lambda x: x[..., None] * np.eye(4)),
    "softmax": (lambda x: tf.nn.softmax(x, axis=-1), softmax),
    "log_softmax": (lambda x: tf.nn.log_softmax(x), lambda x: np.log(softmax(x))),
    "leaky_relu": (lambda x: tf.nn.leaky_relu(x, alpha=0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    "relu": (lambda x: tf.nn.relu(x), lambda x: np.maximum(x, 0)),
    "swish": (lambda x: tf.nn.swish(x), lambda x: x / (1 + np.exp(-x))),
    "l2_normalize": (
        lambda x: tf.nn.l2_normalize(x, -1),
        lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True),
    ),
    "l2_loss": (lambda x: tf.nn.l2_loss(x), lambda x: (x**2).sum() / 2),
    "bias_add": (lambda x: tf.nn.bias_add(x, np.arange(4.0)), lambda x: x + np.arange(4)),
    "softmax_cross_entropy": (
        lambda x: tf.nn.softmax_cross_entropy_with_logits(labels=LABELS, logits=x),
        cross_entropy,
    ),
    "sparse_softmax_cross_entropy": (
        lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=LABELS.argmax(-1), logits=x
        ),
        cross_entropy,
    ),
    "sigmoid_cross_entropy": (
        lambda x: tf.nn.sigmoid_cross_entropy_with_logits(labels=LABELS, logits=x),
        lambda x: -np.log(1 / (1 + np.exp(np.where(LABELS > 0, -x, x)))),
    ),
    "weighted_cross_entropy": (
        lambda x: tf.nn.weighted_cross_entropy_with_logits(LABELS, x, 3.0),
        lambda x: np.where(LABELS > 0, 3, 1) * np.log1p(np.exp(np.where(LABELS > 0, -x, x))),
    ),
    "batch_normalization": (
        lambda x: tf.nn.batch_normalization(x, 1.0, 4.0, 0.5, 2.0, 0.0),
        lambda x: (x - 1) / 2 * 2 + 0.5,
    ),
    "moments": (lambda x: tf.nn.moments(x, axes=[0, 1])[1], lambda x: x.var((0, 1))),
    "global_norm": (lambda x: tf.linalg.global_norm([x, x]), lambda x: np.sqrt(2 * (x**2).sum())),
    "clip_by_norm": (lambda x: tf.clip_by_norm(x, 1.0), lambda x: x / np.linalg.norm(x)),
    "stop_gradient": (lambda x: tf.stop_gradient(x) * 2, lambda x: 2 * x),
    "math": (lambda x: tf.math.log(tf.exp(x)), lambda x: x),
    "divide_no_nan": (
        lambda x: tf.math.divide_no_nan(x, tf.nn.relu(x)),
        lambda x: (x > 0).astype("float32"),
    ),
    "cond": (lambda x: tf.cond(True, lambda: x, lambda: -x), lambda x: x),
    "map_fn": (lambda x: tf.map_fn(lambda row: row * 2, x), lambda x: 2 * x),
}
IN_A_MODEL = [name for name in CASES if name not in ("band_part",)]


@pytest.mark.parametrize("name", CASES)
def test_on_arrays(name):
    ours, formula = CASES[name]
    result = ours(tf.constant(X))
    assert isinstance(result, TensorArray), type(result)
    np.testing.assert_allclose(result.numpy(), formula(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_in_a_model(name):
    """The same on symbolic tensors, with the batch fixed, since some reduce over it."""
    ours, formula = CASES[name]
    inputs = fastrnn.Input(batch_shape=X.shape)
    outputs = ours(inputs)
    expected = formula(X)
    assert outputs.shape == expected.shape
    if expected.shape[:1] == X.shape[:1]:
        np.testing.assert_allclose(
            fastrnn.Model(inputs, outputs)(X), expected, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("section", ["MATH", "LINALG", "NN", "ROOT"])
def test_every_row_names_an_operation_and_its_arguments(section):
    import inspect

    for name, row in getattr(table, section).items():
        operation, *parameters = row.split()
        known = inspect.signature(getattr(fastrnn.ops, operation)).parameters
        wanted = [parameter.split(":")[-1] for parameter in parameters]
        assert set(wanted) <= set(known), (name, list(known))


@pytest.mark.parametrize(
    "value, dtype", [(1, "int32"), (1.0, "float32"), (True, "bool"), ([1, 2.0], "float32")]
)
def test_the_dtype_of_numbers_of_python(value, dtype):
    assert tf.constant(value).dtype == tf.convert_to_tensor(value).dtype == dtype
    assert tf.constant(value, dtype=tf.float64).dtype == tf.float64


def test_arrays_are_made():
    assert tf.constant(np.arange(3.0)).dtype == "float64"
    assert tf.constant(7, shape=(2, 2)).numpy().tolist() == [[7, 7], [7, 7]]
    assert tf.constant(["a", "b"]).numpy().tolist() == [b"a", b"b"]
    assert tf.zeros([2, 3]).shape.as_list() == [2, 3] and tf.ones(3, tf.int32).dtype == "int32"
    assert tf.fill([2], 5.0).numpy().tolist() == [5, 5]
    assert tf.range(3).numpy().tolist() == [0, 1, 2] and tf.range(3).dtype == "int32"
    assert tf.range(1, 2, 0.5).numpy().tolist() == [1, 1.5]
    assert tf.linspace(0.0, 1.0, 3).numpy().tolist() == [0, 0.5, 1]
    assert tf.eye(2, batch_shape=[3]).shape == (3, 2, 2)
    assert tf.shape(np.zeros((2, 3))).numpy().tolist() == [2, 3]
    assert tf.size(X).numpy() == 24 and tf.rank(X).numpy() == 3
    assert tf.cast([1.7, -1.7], "int32").numpy().tolist() == [1, -1]
    assert tf.zeros_like([1, 2]).dtype == "int32"


def test_parts_of_arrays():
    x = tf.constant([[1, 2], [3, 4], [5, 6]])
    assert tf.gather_nd(x, [[0, 1], [2, 0]]).numpy().tolist() == [2, 5]
    assert tf.gather(x, [[1], [0], [1]], batch_dims=1).numpy().tolist() == [[2], [3], [6]]
    assert tf.boolean_mask(x, [True, False, True]).numpy().tolist() == [[1, 2], [5, 6]]
    assert tf.where(x > 4).numpy().tolist() == [[2, 0], [2, 1]]
    assert [part.tolist() for part in tf.unique([3, 1, 3, 2])] == [[3, 1, 2], [0, 1, 0, 2]]
    assert tf.argsort([3, 1, 2], direction="DESCENDING").numpy().tolist() == [0, 2, 1]
    assert tf.sort([3, 1, 2], direction="DESCENDING").numpy().tolist() == [3, 2, 1]
    assert tf.math.top_k([1.0, 3.0, 2.0], k=2).indices.numpy().tolist() == [1, 2]
    matrix = tf.math.confusion_matrix([0, 1, 1], [0, 1, 0])
    assert matrix.numpy().tolist() == [[1, 0], [1, 1]]
    assert tf.one_hot([1], 2, on_value=5.0, off_value=-1.0).numpy().tolist() == [[-1, 5]]
    with pytest.raises(NotImplementedError, match="take_along_axis"):
        tf.gather(X, [[0], [1]], batch_dims=1)


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="'axes'"):
        tf.reduce_sum(X, axes=1)
    with pytest.raises(TypeError, match="takes 3 arguments"):
        tf.reduce_sum(X, 1, True, "name", 3)


def test_variables():
    variable = tf.Variable([1.0, 2.0], name="v")
    assert isinstance(variable, fastrnn.Variable) and variable.dtype == "float32"
    variable.assign_add([1.0, 1.0])
    assert tf.reduce_sum(variable).numpy() == 5 and variable.numpy().tolist() == [2, 3]
    assert tf.Variable(lambda: 3).dtype == "int32" and not tf.Variable(0, trainable=False).trainable


def test_random_numbers():
    tf.random.set_seed(3)
    first = tf.random.normal((2, 3), mean=5.0)
    tf.random.set_seed(3)
    np.testing.assert_array_equal(first, tf.random.normal((2, 3), mean=5.0))
    assert first.dtype == "float32" and isinstance(first, TensorArray)
    whole = tf.random.uniform([1000], 2, 4, dtype=tf.int32).numpy()
    assert set(whole.tolist()) == {2, 3}
    assert tf.random_uniform([5]).numpy().min() >= 0 and tf.random_normal([2]).shape == (2,)
    numbers = tf.random.shuffle(tf.range(50)).numpy()
    assert sorted(numbers) == list(range(50)) != numbers.tolist()
    drawn = tf.random.categorical(tf.constant([[0.0, -100.0], [-100.0, 0.0]]), 4)
    assert drawn.numpy().tolist() == [[0] * 4, [1] * 4]
    assert np.count_nonzero(tf.nn.dropout(tf.ones(1000), rate=0.5)) not in (0, 1000)


def test_checks():
    tf.debugging.assert_equal(tf.constant([1, 2]), [1, 2])
    tf.debugging.assert_shapes([(X, ("B", "T", 4)), (X[:, 0], ("B", 4))])
    with pytest.raises(ValueError, match="sizes"):
        tf.debugging.assert_less([3], [2], message="sizes")
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.debugging.assert_rank(X, 2)
    with pytest.raises(ValueError, match="not of the form"):
        tf.debugging.assert_shapes([(X, ("B", "T")), (X[:, 0], ("B", 4))])
    with pytest.raises(ValueError, match="finite"):
        tf.debugging.check_numerics(np.array([np.nan]), "bad")
    tf.debugging.assert_near(1.0, 1.0 + 1e-7)
    with pytest.raises(ValueError, match="near"):
        tf.debugging.assert_near(1.0, 1.1)


def test_types_of_tensors():
    assert isinstance(tf.constant(1), tf.Tensor) and isinstance(fastrnn.Input((2,)), tf.Tensor)
    assert not isinstance(np.zeros(2), tf.Tensor) and tf.is_tensor(tf.constant(1))
    assert tf.TensorSpec((None, 2), tf.int32) == tf.TensorSpec([None, 2], "int32")


def test_data_sets():
    data = tf.data.Dataset.from_tensor_slices(np.arange(6)).batch(2).prefetch(tf.data.AUTOTUNE)
    assert [batch.numpy().tolist() for batch in data] == [[0, 1], [2, 3], [4, 5]]
    assert tf.data.experimental.AUTOTUNE == tf.data.AUTOTUNE
    assert tf.data.experimental.cardinality(data).numpy() == 3


def test_loops():
    total = tf.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + i), [0, 0])
    assert [int(value) for value in total] == [4, 6]
    running = tf.scan(lambda a, x: a + x, tf.constant([1.0, 2.0, 3.0]), initializer=0.0)
    assert running.numpy().tolist() == [1, 3, 6]
    assert tf.py_function(lambda x: x + 1, [tf.constant(1)], tf.int32).numpy() == 2


def test_a_layer_and_a_loss_of_ones_own():
    def loss(y_true, y_pred):
        return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)

    model = tf.keras.Sequential([tf.keras.layers.LSTM(3), tf.keras.layers.Dense(1)])
    model.compile(tf.keras.optimizers.Adam(0.01), loss=loss)
    y = X[:, 0, :1]
    first = model.fit(X, y, epochs=1, verbose=0).history["loss"][0]
    assert model.fit(X, y, epochs=20, verbose=0).history["loss"][-1] < first
