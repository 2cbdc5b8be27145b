"""Bad input: an error that names the argument, and nothing has changed. Odd arrays just work."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Sequential, layers

TIME, FEATURES, CLASSES = 5, 3, 4


def make_model(loss="sparse_categorical_crossentropy", stateful=False):
    fastrnn.utils.set_random_seed(1)
    shape = {"batch_shape": (6, TIME, FEATURES)} if stateful else {"shape": (TIME, FEATURES)}
    model = Sequential(
        [
            Input(**shape),
            layers.LSTM(4, return_sequences=True, stateful=stateful),
            layers.BatchNormalization(),
            layers.GRU(4),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def good():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, TIME, FEATURES)).astype("float32")
    return x, rng.integers(0, CLASSES, 6)


def with_entry(array, index, value):
    changed = np.array(array, dtype=np.result_type(array, type(value)))
    changed[index] = value
    return changed


X, Y = good()
BAD_X = {
    "rank 2": X[:, 0],
    "rank 4": X[None],
    "features": X[..., :2],
    "object": X.astype(object),
    "complex": X.astype(complex),
    "string": X.astype(str),
    "ragged": [[[1.0] * FEATURES] * TIME, [[1.0] * FEATURES]],
    "empty batch": X[:0],
    "zero timesteps": X[:, :0],
    "none": None,
}
BAD_Y = {
    "length": Y[:-1],
    "nan": with_entry(Y.astype(float), 5, np.nan),
    "out of range in the last sample": with_entry(Y, 5, CLASSES),
    "negative": with_entry(Y, 5, -1),
    "fraction": with_entry(Y.astype(float), 5, 0.5),
    "rank": np.zeros((6, TIME, CLASSES)),
    "string": Y.astype(str),
    "object": Y.astype(object),
    "scalar": np.int64(1),
}


def state_of(model):
    arrays = model.get_weights() + [v.numpy() for v in model.optimizer.variables]
    for layer in model.layers:
        arrays += [s.copy() for s in getattr(layer, "states", None) or []]
    return arrays


def assert_refused(model, call, argument):
    before = state_of(model)
    with pytest.raises((ValueError, TypeError), match=argument):
        call()
    after = state_of(model)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.isfinite(model.predict(X, verbose=0)).all()


CALLS = {
    "fit": lambda m, x, y: m.fit(x, y, batch_size=2, verbose=0),
    "evaluate": lambda m, x, y: m.evaluate(x, y, verbose=0),
    "train_on_batch": lambda m, x, y: m.train_on_batch(x, y),
    "test_on_batch": lambda m, x, y: m.test_on_batch(x, y),
    "predict": lambda m, x, y: m.predict(x, verbose=0),
    "predict_on_batch": lambda m, x, y: m.predict_on_batch(x),
    "call": lambda m, x, y: m(x),
    "vjp": lambda m, x, y: m.vjp(x),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", BAD_X)
def test_bad_inputs(kind, call):
    model = make_model()
    model.train_on_batch(X, Y)
    assert_refused(model, lambda: CALLS[call](model, BAD_X[kind], Y), r"`(inputs|x|y)`")
    model.train_on_batch(X, Y)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("kind", BAD_Y)
def test_bad_labels(kind, call):
    model = make_model()
    model.train_on_batch(X, Y)
    assert_refused(model, lambda: CALLS[call](model, X, BAD_Y[kind]), r"`(y|y_true)`")
    model.train_on_batch(X, Y)


FIT_OPTIONS = {
    "sample_weight length": ({"sample_weight": np.ones(5)}, "`sample_weight`"),
    "sample_weight shape": ({"sample_weight": np.ones((6, 3))}, "`sample_weight`"),
    "sample_weight string": ({"sample_weight": np.array(["a"] * 6)}, "`sample_weight`"),
    "both weights": ({"sample_weight": np.ones(6), "class_weight": {0: 1}}, "`sample_weight`"),
    "class_weight": ({"class_weight": [1, 2]}, "`class_weight`"),
    "validation_split": ({"validation_split": 1.5}, "`validation_split`"),
    "validation_split text": ({"validation_split": "a"}, "`validation_split`"),
    "x scalar": ({"x": 3.0}, "`x`"),
    "empty validation_split": ({"validation_split": 0.99}, "`validation_split`"),
    "validation_data length": ({"validation_data": (X, Y[:2])}, "`y`"),
    "validation_data labels": ({"validation_data": (X, Y + CLASSES)}, "`y_true`"),
    "validation_data features": ({"validation_data": (X[..., :1], Y)}, "`inputs`"),
    "batch_size": ({"batch_size": 0}, "`batch_size`"),
    "epochs": ({"epochs": 0}, "`epochs`"),
    "callbacks": ({"callbacks": [fastrnn.callbacks.Callback]}, "`callbacks`"),
}


@pytest.mark.parametrize("name", FIT_OPTIONS)
def test_bad_options_of_fit(name):
    model = make_model()
    model.train_on_batch(X, Y)
    options, argument = FIT_OPTIONS[name]
    arguments = {"x": X, "y": Y, "verbose": 0, **options}
    assert_refused(model, lambda: model.fit(**arguments), argument)


BAD_BATCHES = {
    "labels": ((X, Y + CLASSES), "`y_true`"),
    "lengths": ((X, Y[:3]), "`y`"),
    "weights": ((X, Y, np.ones(5)), "`sample_weight`"),
    "features": ((X[..., :1], Y), "`inputs`"),
    "no labels": ((X,), "`y`"),
}


@pytest.mark.parametrize("call", ["fit", "evaluate"])
@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_bad_batch_from_a_generator_changes_nothing(name, call):
    bad, argument = BAD_BATCHES[name]
    model = make_model(stateful=True)
    model.train_on_batch(X, Y)
    run = getattr(model, call)
    assert_refused(model, lambda: run(iter([bad]), verbose=0), argument)
    expected = make_model(stateful=True)
    for trained in (model, expected):
        trained.set_weights(make_model().get_weights())
        trained.compile("sgd", "sparse_categorical_crossentropy")
        trained.reset_states()
    expected.fit(iter([(X, Y)]), verbose=0)
    with pytest.raises(ValueError, match=argument):
        model.fit(iter([(X, Y), bad]), verbose=0)
    for one, other in zip(state_of(model), state_of(expected), strict=True):
        np.testing.assert_array_equal(one, other)


METHODS = {
    "return_dict": (lambda m: m.train_on_batch(X, Y, return_dict=X), "`return_dict`"),
    "loss_weights": (lambda m: m.compile("sgd", "mse", loss_weights="a"), "`loss_weights`"),
    "line_length": (lambda m: m.summary(line_length="a"), "`line_length`"),
    "positions": (lambda m: m.summary(positions=3), "`positions`"),
    "layer_range": (lambda m: m.summary(layer_range=3), "`layer_range`"),
    "index": (lambda m: m.get_layer(index="a"), "`index`"),
    "weights": (lambda m: m.set_weights(3), "`weights`"),
    "build": (lambda m: Sequential([layers.Dense(1)]).build([["a"], 3]), "`input_shape`"),
}


@pytest.mark.parametrize("name", METHODS)
def test_bad_arguments_of_other_methods(name):
    call, argument = METHODS[name]
    model = make_model()
    model.train_on_batch(X, Y)
    assert_refused(model, lambda: call(model), argument)


def test_stateful_model_keeps_its_states_on_errors():
    model = make_model(stateful=True)
    model.train_on_batch(X, Y)
    before = state_of(model)
    for x, y in ((X[:3], Y[:3]), (X, Y + 9), (X[..., :1], Y)):
        with pytest.raises(ValueError, match=r"`(inputs|y_true)`"):
            model.train_on_batch(x, y)
    for one, other in zip(before, state_of(model), strict=True):
        np.testing.assert_array_equal(one, other)


CONSTRUCTORS = {
    "negative units": (lambda: layers.LSTM(-1), "`units`"),
    "zero units": (lambda: layers.GRU(0), "`units`"),
    "float units": (lambda: layers.SimpleRNN(2.5), "`units`"),
    "bool units": (lambda: layers.Dense(True), "`units`"),
    "keyword": (lambda: layers.LSTM(3, unknown=1), "unknown"),
    "activation": (lambda: layers.LSTM(3, activation="tahn"), "`activation`"),
    "glu": (lambda: layers.LSTM(3, recurrent_activation="glu"), "`recurrent_activation`"),
    "initializer": (lambda: layers.Dense(3, kernel_initializer="x"), "`initializer`"),
    "regularizer": (lambda: layers.Dense(3, kernel_regularizer="x"), "`regularizer`"),
    "constraint": (lambda: layers.Dense(3, kernel_constraint="x"), "`constraint`"),
    "dtype": (lambda: layers.Dense(3, dtype="int8"), "`dtype`"),
    "name": (lambda: layers.Dense(3, name=4), "`name`"),
    "use_cudnn": (lambda: layers.LSTM(3, use_cudnn="no"), "`use_cudnn`"),
    "dropout": (lambda: layers.LSTM(3, dropout="0.1"), "`dropout`"),
    "rate": (lambda: layers.Dropout(1.5), "`rate`"),
    "merge_mode": (lambda: layers.Bidirectional(layers.LSTM(2), "max"), "`merge_mode`"),
    "bidirectional": (lambda: layers.Bidirectional(layers.Dense(2)), "`layer`"),
    "directions": (
        lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)),
        "`backward_layer`",
    ),
    "backward options": (
        lambda: layers.Bidirectional(
            layers.LSTM(2),
            backward_layer=layers.LSTM(2, go_backwards=True, return_sequences=True),
        ),
        "return_sequences",
    ),
    "time distributed": (lambda: layers.TimeDistributed(3), "`layer`"),
    "repeat": (lambda: layers.RepeatVector(-1), "`n`"),
    "repeat float": (lambda: layers.RepeatVector(1.5), "`n`"),
    "embedding": (lambda: layers.Embedding(0, 3), "`input_dim`"),
    "input": (lambda: Input(5), "`shape`"),
    "input twice": (lambda: Input((5,), batch_shape=(None, 5)), "`shape`"),
    "input dtype": (lambda: Input((5,), dtype="complex64"), "`dtype`"),
    "no layer": (lambda: Sequential([3]), "`layer`"),
    "class": (lambda: Sequential([layers.LSTM]), "`layer`"),
    "same name": (lambda: Sequential([layers.Dense(1, name="a")] * 2), "`layer`"),
    "late input": (lambda: Sequential([layers.Dense(1), Input((3,))]), "`layer`"),
    "features unknown": (lambda: Sequential([Input((None, None)), layers.LSTM(3)]), "input_shape"),
    "stateful batch": (
        lambda: Sequential([Input((5, 3)), layers.LSTM(3, stateful=True)]),
        "batch_size",
    ),
    "optimizer": (lambda: make_model().compile("adamm", "mse"), "`optimizer`"),
    "loss": (lambda: make_model("msee"), "`loss`"),
    "metric": (lambda: make_model().compile("adam", "mse", metrics=["accu"]), "`metric`"),
    "seed": (lambda: fastrnn.utils.set_random_seed("a"), "`seed`"),
    "engine": (lambda: fastrnn.config.set_engine("fast"), "`name`"),
    "floatx": (lambda: fastrnn.config.set_floatx("int32"), "`value`"),
}


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_bad_constructor_arguments(name):
    make, argument = CONSTRUCTORS[name]
    with pytest.raises((ValueError, TypeError), match=argument):
        make()


def test_models_that_cannot_train_say_why():
    x, y = good()
    with pytest.raises(ValueError, match="not compiled"):
        Sequential([layers.Dense(1)]).fit(x, y)
    model = Sequential([layers.Dense(1)])
    model.compile("sgd")
    with pytest.raises(ValueError, match="`loss`"):
        model.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match="`layers`"):
        Sequential()(x)
    several = Sequential([layers.LSTM(3, return_state=True), layers.Dense(1)])
    with pytest.raises(ValueError, match="one output"):
        several(x)
    with pytest.raises(TypeError, match="no values"):
        np.asarray(layers.LSTM(3)(Input((5, 3))))
    with pytest.raises(TypeError, match=r"numpy\.spacing.*fastrnn\.ops"):
        np.spacing(layers.LSTM(3)(Input((5, 3))))
    with pytest.raises(ValueError, match="`weights`"):
        make_model().set_weights([np.zeros(3)])


LAYER_CALLS = {
    "mask shape": ({"mask": np.ones((6, 4))}, "`mask`"),
    "mask rank": ({"mask": np.ones(6)}, "`mask`"),
    "mask dtype": ({"mask": np.full((6, TIME), "a")}, "`mask`"),
    "state count": ({"initial_state": [np.zeros((6, 4))]}, "`initial_state`"),
    "state shape": ({"initial_state": [np.zeros((6, 4)), np.zeros((5, 4))]}, "`initial_state`"),
    "state dtype": ({"initial_state": [np.zeros((6, 4)), np.full((6, 4), 1j)]}, "`initial_state`"),
}


@pytest.mark.parametrize("name", LAYER_CALLS)
def test_bad_call_arguments_of_recurrent_layers(name):
    options, argument = LAYER_CALLS[name]
    layer = layers.LSTM(4)
    expected = layer(X)
    with pytest.raises((ValueError, TypeError), match=argument):
        layer(X, **options)
    np.testing.assert_array_equal(layer(X), expected)


def test_embedding_index_out_of_range():
    layer = layers.Embedding(5, 2)
    for bad in ([[5]], [[-1]], [[np.nan]]):
        with pytest.raises(ValueError, match="`inputs`"):
            layer(bad)
    assert layer([[4.0]]).shape == (1, 1, 2)


def test_gradients_of_another_shape():
    _, pullback = layers.LSTM(4)(X), layers.LSTM(4).vjp(X)[1]
    for bad in (np.zeros((6, 5)), [np.zeros((6, 4))] * 2, "gradient"):
        with pytest.raises(ValueError, match="`d_outputs`"):
            pullback(bad)


def big_endian(array):
    return array.astype(array.dtype.newbyteorder(">"))


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


INTEGERS = np.random.default_rng(0).integers(0, 2, (6, TIME, FEATURES))
ARRAYS = {
    "non-contiguous": np.repeat(INTEGERS, 2, axis=1)[:, ::2].astype("float32"),
    "strided": np.repeat(INTEGERS.astype("float32"), 2, axis=1)[:, ::2],
    "fortran": np.asfortranarray(INTEGERS.astype("float32")),
    "read-only": read_only(INTEGERS.astype("float32")),
    "big-endian": big_endian(INTEGERS.astype("float64")),
    "float16": INTEGERS.astype("float16"),
    "float64": INTEGERS.astype("float64"),
    "int8": INTEGERS.astype("int8"),
    "big-endian int": big_endian(INTEGERS.astype("int32")),
    "bool": INTEGERS.astype(bool),
    "list": INTEGERS.tolist(),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_any_array_of_numbers_works(kind):
    expected, model = make_model(), make_model()
    plain = INTEGERS.astype("float32")
    labels = big_endian(Y.astype("int64")) if kind == "big-endian" else Y
    for m, x, y in ((expected, plain, Y), (model, ARRAYS[kind], labels)):
        fastrnn.utils.set_random_seed(2)
        m.fit(x, y, epochs=2, batch_size=4, verbose=0)
    for one, other in zip(expected.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        model.predict(ARRAYS[kind], verbose=0), expected.predict(plain, verbose=0)
    )
