"""Forms of calls, masks and class weights that scripts of Keras have."""

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import Input, Model, Sequential, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4, 3)).astype("float32")


# ---- cells ---------------------------------------------------------------------------------------


def steps_of(k, name, states):
    """A model that calls a cell for each step, its states being inputs and outputs."""
    x, start = k.Input((4, 3)), [k.Input((5,)) for _ in range(states)]
    cell, state, outputs = getattr(k.layers, name)(5), start, []
    for t in range(4):
        output, state = cell(x[:, t], state)
        outputs.append(output)
    joined = k.layers.Concatenate()([*outputs, *state])
    return k.Model([x, *start], k.layers.Dense(2)(joined))


@pytest.mark.parametrize(
    ("name", "states"), [("LSTMCell", 2), ("GRUCell", 1), ("SimpleRNNCell", 1)]
)
def test_cells_on_symbolic_tensors_train_and_are_saved(name, states, tmp_path):
    theirs, ours = (steps_of(k, name, states) for k in (keras, fastrnn))
    weights = [RNG.normal(size=w.shape) * 0.3 for w in ours.get_weights()]
    x = [X, *RNG.normal(size=(states, 6, 5)).astype("float32")]
    y, losses = RNG.normal(size=(6, 2)), []
    for model, k in ((theirs, keras), (ours, fastrnn)):
        model.set_weights(weights)
        model.compile(k.optimizers.SGD(0.1), "mse")
        history = model.fit(x, y, epochs=4, batch_size=6, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    ours.save(tmp_path / "a.keras")
    for k in (keras, fastrnn):
        again = k.models.load_model(tmp_path / "a.keras")
        np.testing.assert_allclose(again.predict(x, verbose=0), ours(x), atol=1e-6)


def test_a_cell_in_a_layer_of_ones_own():
    class Twice(fastrnn.layers.Layer):
        def __init__(self):
            super().__init__()
            self.cell = layers.GRUCell(3)

        def call(self, x, states):
            output, new = self.cell(x, [states])
            return output, self.cell(x, new)[0]

    layer, state = Twice(), np.zeros((6, 3), "float32")
    first, second = layer(X[:, 0], state)
    expected, new = layer.cell(X[:, 0], state)
    np.testing.assert_allclose(first, expected, atol=1e-6)
    np.testing.assert_allclose(second, layer.cell(X[:, 0], new)[0], atol=1e-6)


# ---- arguments by name and by place --------------------------------------------------------------


@pytest.mark.parametrize("symbolic", [False, True])
def test_inputs_by_name(symbolic):
    x = Input((4, 3)) if symbolic else X
    assert layers.LSTM(2)(sequences=x).shape[1:] == (2,)
    assert layers.Bidirectional(layers.GRU(2))(sequences=x).shape[1:] == (4,)
    assert layers.RNN(layers.LSTMCell(2))(sequences=x).shape[1:] == (2,)
    assert layers.Dense(2)(inputs=x).shape[1:] == (4, 2)
    for call in (lambda: layers.LSTM(2)(), lambda: layers.Dense(2)(x, 1, 2)):
        with pytest.raises(TypeError, match=r"sequences|argument"):
            call()


def test_states_in_the_second_place():
    layer, states = layers.LSTM(2), [np.ones((6, 2), "float32")] * 2
    np.testing.assert_array_equal(layer(X, states), layer(X, initial_state=states))
    x, h = Input((4, 3)), Input((2,))
    model = Model([x, h], layers.GRU(2)(x, h))
    assert model([X, states[0]]).shape == (6, 2)


def test_constant_states_are_saved(tmp_path):
    x, states = Input((4, 3)), [np.float32(RNG.normal(size=(6, 2))) for _ in range(2)]
    layer = layers.LSTM(2)
    model = Model(x, layer(x, initial_state=states))
    np.testing.assert_array_equal(model(X), layer(X, initial_state=states))
    for ending in ("keras", "fastrnn", "h5"):
        model.save(tmp_path / f"a.{ending}")
        again = fastrnn.models.load_model(tmp_path / f"a.{ending}")
        np.testing.assert_array_equal(again(X), model(X))


# ---- masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.GRU(3, return_sequences=True, go_backwards=True),
        lambda: layers.RNN(layers.LSTMCell(3), return_sequences=True, go_backwards=True),
    ],
)
def test_the_mask_behind_a_layer_that_goes_backwards(make):
    """What is padded changes nothing; Keras hands the mask on as it was."""
    padded = np.concatenate([X, np.zeros_like(X[:, :2])], axis=1)
    model = Sequential([Input((None, 3)), layers.Masking(), make(), layers.LSTM(2)])
    np.testing.assert_allclose(model(padded), model(X), atol=1e-6)


def test_masks_of_words_in_sentences():
    ids = np.array([[[3, 5, 2], [4, 1, 0]], [[7, 0, 0], [0, 0, 0]]])
    longer = np.concatenate([ids, np.zeros((2, 2, 4), int)], axis=2)
    x = Input((None, None), dtype="int32")
    words = layers.Embedding(9, 4, mask_zero=True)(x)
    sentences = layers.TimeDistributed(layers.LSTM(5))(words)
    model = Model(x, layers.LSTM(3)(sentences))
    np.testing.assert_allclose(model(longer), model(ids), atol=1e-6)
    # The second document ends with an empty sentence, which does not count.
    np.testing.assert_allclose(model(ids)[1:], model(ids[1:, :1]), atol=1e-6)


# ---- lengths -------------------------------------------------------------------------------------


def test_outputs_of_different_lengths_cannot_be_joined():
    class Batches(fastrnn.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            x = X[:, : 3 + index]
            return x, x[..., :1]

    model = Sequential([Input((None, 3)), layers.GRU(1, return_sequences=True)])
    model.compile("sgd", "mse")
    model.fit(Batches(), verbose=0)
    with pytest.raises(ValueError, match="predict_on_batch"):
        model.predict(Batches(), verbose=0)


def test_ragged_data_in_an_array_of_objects():
    ragged = np.empty(2, object)
    ragged[:] = [X[0], X[0, :2]]
    with pytest.raises(ValueError, match="pad_sequences"):
        Sequential([Input((None, 3)), layers.LSTM(1)]).predict(ragged, verbose=0)


# ---- class weights -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["steps", "steps, 1", "one-hot"])
def test_class_weights_of_steps(form):
    y = (RNG.random((6, 4)) > 0.5).astype(int)
    labels = {"steps": y, "steps, 1": y[..., None], "one-hot": np.eye(2)[y]}[form]
    loss = "categorical_crossentropy" if form == "one-hot" else "sparse_categorical_crossentropy"
    model = Sequential([
        Input((4, 3)), layers.GRU(3, return_sequences=True), layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile("sgd", loss)
    p = np.take_along_axis(model(X), y[..., None], -1)[..., 0]
    expected = (np.where(y == 1, 5, 1) * -np.log(p)).mean()
    history = model.fit(X, labels, class_weight={0: 1, 1: 5}, batch_size=6, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_class_weights_of_samples_are_those_of_keras():
    y = np.array([0, 1, 2, 1, 0, 2])
    for labels, loss in (
        (y, "sparse_categorical_crossentropy"),
        (np.eye(3)[y], "categorical_crossentropy"),
    ):
        losses = []
        weights = None
        for k in (fastrnn, keras):
            L = k.layers
            model = k.Sequential([k.Input((4, 3)), L.GRU(3), L.Dense(3, activation="softmax")])
            weights = model.get_weights() if weights is None else weights
            model.set_weights(weights)
            model.compile(k.optimizers.SGD(0.1), loss)
            history = model.fit(X, labels, class_weight={0: 1.0, 1: 5.0}, batch_size=6, verbose=0)
            losses.append(history.history["loss"][0])
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
