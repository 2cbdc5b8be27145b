"""Whole models in files: what Keras writes fastrnn reads, what fastrnn writes both read."""

import numpy as np
import pytest
import random_models
from layer_table import GRAPHS, LAYERS, NO_LAYERS, OWN_LAYERS, batch_for, shared_by_models
from live_keras import keras
from model_checks import assert_same

import fastrnn
from fastrnn.layers.base.layer import registry
from fastrnn.saving import ModelFileError, deserialize_keras_object, serialize_keras_object

MODELS = {**LAYERS, **GRAPHS}
ENDINGS = (".keras", ".fastrnn")
pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer .* does not support masking",
    "ignore:[\\s\\S]*using a softmax over axis",
    "ignore:Skipping variable loading for optimizer",  # Keras of an optimizer before its first step
    "ignore:The model does not have any trainable weights",
)


def test_every_layer_is_in_the_table():
    assert {cls.__name__ for cls in registry.modules} - NO_LAYERS == {*LAYERS, *OWN_LAYERS}


@pytest.mark.parametrize("name", MODELS)
def test_keras_reads_what_fastrnn_writes(name, tmp_path):
    model = MODELS[name](fastrnn)
    model.save(tmp_path / "a.keras")
    other = keras.models.load_model(tmp_path / "a.keras")
    assert_same(model, other, batch_for(model), exact=False)


@pytest.mark.parametrize("inside", [False, True])
def test_keras_s_names_for_masks_are_free(inside, tmp_path):
    """Keras counts the operations that it makes for masks; the names of the file do not matter."""
    fastrnn.utils.clear_session()
    model = MODELS["masks"](fastrnn)
    if inside:
        x = fastrnn.Input(model.input.shape[1:])
        model = fastrnn.Model(x, fastrnn.layers.Dense(1)(model(x)))
    names = {layer.name for layer in model.layers}
    model.save(tmp_path / "a.keras")
    keras.utils.clear_session()
    other = keras.models.load_model(tmp_path / "a.keras")
    assert_same(model, other, batch_for(model), exact=False)
    assert names == {layer.name for layer in fastrnn.models.load_model(tmp_path / "a.keras").layers}


@pytest.mark.parametrize("name", MODELS)
def test_fastrnn_reads_what_keras_writes(name, tmp_path):
    model = MODELS[name](keras)
    model.save(tmp_path / "a.keras")
    other = fastrnn.models.load_model(tmp_path / "a.keras")
    assert_same(model, other, batch_for(other), exact=False)
    assert [v.name for v in model.weights] == [v.name for v in other.weights]
    other.save(tmp_path / "b.keras")
    assert_same(other, fastrnn.models.load_model(tmp_path / "b.keras"), batch_for(other), True)


# Keras cannot read its own file of a layer that two models inside a third one share.
OWN_MODELS = {**MODELS, **OWN_LAYERS, "shared_by_models": shared_by_models}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", OWN_MODELS)
def test_fastrnn_reads_its_own_files(name, ending, tmp_path):
    model = OWN_MODELS[name](fastrnn)
    model.save(tmp_path / f"a{ending}")
    other = fastrnn.models.load_model(tmp_path / f"a{ending}")
    assert_same(model, other, batch_for(model), exact=True)
    assert plain(other.get_config()) == plain(model.get_config())
    assert [v.path for v in other.weights] == [v.path for v in model.weights]
    assert [p.name for p in tmp_path.iterdir()] == [f"a{ending}"]


# Options that fastrnn has not, and what says how an object came to be.
LEFT_OUT = {
    "build_config", "shared_object_id", "build_input_shape", "optional", "sparse", "ragged",
    "renorm", "renorm_momentum", "rms_scaling",
}  # fmt: skip


def plain(config):
    """A description as JSON, without what the two libraries write differently."""
    if isinstance(config, (list, tuple)):
        return [plain(entry) for entry in config]
    if isinstance(config, float):
        return float(np.float32(config))  # Keras keeps some factors in float32
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return config["config"]["name"]
    if isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        config = {**config, "axis": config["axis"][0]}
    return {k: plain(v) for k, v in config.items() if k not in LEFT_OUT and v is not None}


@pytest.mark.parametrize("name", LAYERS)
def test_descriptions_of_layers_are_keras_s(name):
    for k in (fastrnn, keras):
        k.utils.clear_session()
    ours, theirs = LAYERS[name](fastrnn).layers[-1], LAYERS[name](keras).layers[-1]
    expected = keras.saving.serialize_keras_object(theirs)
    assert plain(serialize_keras_object(ours)) == plain(expected)
    again = deserialize_keras_object(expected)
    assert plain(again.get_config()) == plain(ours.get_config())
    assert again.built or not ours.weights
    back = keras.saving.deserialize_keras_object(serialize_keras_object(ours))
    assert plain(back.get_config()) == plain(theirs.get_config())


OTHERS = {
    "initializers": lambda k: [
        k.initializers.get(name)
        for name in ("zeros", "ones", "orthogonal", "he_normal", "lecun_uniform", "random_uniform")
    ] + [k.initializers.Constant(2.0), k.initializers.TruncatedNormal(seed=2)],
    "regularizers": lambda k: [k.regularizers.L1(0.1), k.regularizers.OrthogonalRegularizer()],
    "constraints": lambda k: [k.constraints.MaxNorm(3, axis=1), k.constraints.UnitNorm()],
    "losses": lambda k: [
        k.losses.Huber(0.3),
        k.losses.BinaryCrossentropy(True, 0.1),
        k.losses.SparseCategoricalCrossentropy(ignore_class=1),
        k.losses.MeanSquaredError(reduction="sum", name="own"),
    ],
    "metrics": lambda k: [
        k.metrics.AUC(50, curve="PR"),
        k.metrics.Precision(top_k=2),
        k.metrics.BinaryAccuracy(threshold=0.3),
        k.metrics.F1Score(average="macro"),
        k.metrics.MeanSquaredError(name="m"),
    ],
    "optimizers": lambda k: [
        getattr(k.optimizers, name)(0.25)
        for name in ("SGD", "Adam", "AdamW", "Nadam", "Adamax", "RMSprop", "Adagrad", "Adadelta",
                     "Lion", "Ftrl")
    ] + [k.optimizers.Adam(k.optimizers.schedules.CosineDecay(0.5, 10), use_ema=True)],
    "schedules": lambda k: [
        k.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5, staircase=True),
        k.optimizers.schedules.PiecewiseConstantDecay([1, 2], [0.5, 0.25, 0.125]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
def test_descriptions_of_other_objects_are_keras_s(kind):
    for k in (fastrnn, keras):
        k.utils.clear_session()
    for ours, theirs in zip(OTHERS[kind](fastrnn), OTHERS[kind](keras), strict=True):
        expected = plain(keras.saving.serialize_keras_object(theirs))
        actual = plain(serialize_keras_object(ours))
        assert actual["class_name"] == expected["class_name"]
        if kind != "optimizers":  # Keras names the class of the backend
            assert actual["module"] == expected["module"]
        again = deserialize_keras_object(expected)
        assert type(again) is type(ours)
        if actual["class_name"] != "Huber":  # Keras's description of it has no delta
            assert plain(again.get_config()) == plain(ours.get_config())
        back = keras.saving.deserialize_keras_object(serialize_keras_object(ours))
        assert plain(back.get_config()) == plain(theirs.get_config())


RANDOM = [random_models.draw(seed) for seed in range(1000, 1040)]


@pytest.mark.parametrize("config", RANDOM, ids=lambda config: config.id)
def test_random_models_and_their_training(config, tmp_path):
    """Trained a little, written by one library and read by the other, then trained on by both."""
    rng = np.random.default_rng(config.seed)
    x = random_models.draw_inputs(config, rng)
    for write, read in ((fastrnn, keras), (keras, fastrnn)):
        if write is keras and config.loss.name == "Huber":
            continue  # Keras's description of it has no delta
        model = config.build(write)
        shape = np.asarray(model.predict_on_batch(x)).shape
        y = random_models.draw_targets(config, shape, rng)
        model.train_on_batch(x, y)
        model.save(tmp_path / "a.keras")
        other = read.models.load_model(tmp_path / "a.keras")
        assert_same(model, other, x, exact=False)
        assert len(model.optimizer.variables) == len(other.optimizer.variables)
        losses = [np.asarray(m.train_on_batch(x, y)) for m in (model, other)]
        np.testing.assert_allclose(*losses, rtol=1e-4, atol=1e-5)
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".fastrnn"])
def test_layers_that_do_not_fit_keep_their_weights(ending, tmp_path):
    def make(k, last):
        L = k.layers
        return k.Sequential([k.Input((5, 3)), L.GRU(4, name="a"), L.Dense(last, name="b")])

    paths = {k: str(tmp_path / f"{k.__name__}{ending}") for k in (fastrnn, keras)}
    for k in paths if ending != ".fastrnn" else (fastrnn,):
        source, target = make(k, 2), make(fastrnn, 3)
        (source.save_weights if "weights" in ending else source.save)(paths[k])
        before = [w.copy() for w in target.get_weights()]
        with pytest.raises(ModelFileError, match="unexpected_shape"):
            target.load_weights(paths[k])
        with pytest.warns(UserWarning, match="in b: these layers keep theirs"):
            target.load_weights(paths[k], skip_mismatch=True)
        after = target.get_weights()
        for ours, theirs in zip(after[:3], source.get_weights()[:3], strict=True):
            np.testing.assert_array_equal(ours, theirs)
        for ours, old in zip(after[3:], before[3:], strict=True):
            np.testing.assert_array_equal(ours, old)
