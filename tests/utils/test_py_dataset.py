"""PyDataset in fit, evaluate and predict, against live Keras."""

import threading

import numpy as np
import pytest
from live_keras import keras

import fastrnn

RNG = np.random.default_rng(0)
X = RNG.standard_normal((22, 3)).astype("float32")
Y = RNG.integers(0, 2, (22, 1)).astype("float32")
W = RNG.random(22).astype("float32")


def make(package):
    model = package.Sequential([package.Input((3,)), package.layers.Dense(1)])
    model.compile(package.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model


def make_pair():
    ours, theirs = make(fastrnn), make(keras)
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def dataset(package, parts=3, endless=False, size=4, **options):
    class Data(package.utils.PyDataset):
        def __init__(self):
            super().__init__(**options)
            self.told = []
            self.threads = set()

        def __len__(self):
            return -(-len(X) // size)

        def __getitem__(self, index):
            index %= len(self)
            self.threads.add(threading.get_ident())
            rows = slice(index * size, (index + 1) * size)
            return (X[rows], Y[rows], W[rows])[:parts]

        def on_epoch_begin(self):
            self.told.append("begin")

        def on_epoch_end(self):
            self.told.append("end")

    if endless:
        Data.num_batches = None
    return Data()


def assert_near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


CASES = [
    ({}, {}),
    ({"workers": 3}, {}),
    ({"workers": 2, "max_queue_size": 1}, {"steps_per_epoch": 3}),
    ({"parts": 2}, {"class_weight": {0: 2.0, 1: 0.5}}),
    ({"endless": True}, {"steps_per_epoch": 5}),
    ({"endless": True, "workers": 2}, {"steps_per_epoch": 5}),
]


@pytest.mark.parametrize(("options", "fit"), CASES, ids=str)
def test_fit_evaluate_and_predict_as_in_keras(options, fit):
    models = make_pair()
    results = []
    for package, model in zip((fastrnn, keras), models, strict=True):
        if package is keras:  # the queue of its workers changes the order of the batches
            options = {k: v for k, v in options.items() if k in ("parts", "endless")}
        data = dataset(package, **options)
        endless = "endless" in options
        other = dataset(package, **options)
        history = model.fit(
            data, epochs=2 + (not fit), shuffle=False, verbose=0, validation_data=other,
            validation_steps=3 if endless else None, **fit,
        ).history  # fmt: skip
        steps = {"steps": 4} if endless else {}
        evaluated = model.evaluate(other, verbose=0, **steps)
        predicted = model.predict(other, verbose=0, **steps)
        results.append((history, evaluated, predicted))
    ours, theirs = results
    assert list(ours[0]) == list(theirs[0])
    for name, values in theirs[0].items():
        assert_near(ours[0][name], values)
    assert_near(ours[1], theirs[1])
    assert_near(ours[2], theirs[2])
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        assert_near(a, b)


def test_epochs_begin_and_end():
    data, other = dataset(fastrnn), dataset(fastrnn, workers=2)
    model = make(fastrnn)
    order = []
    data.on_epoch_begin = lambda: order.append("data begins")
    data.on_epoch_end = lambda: order.append("data ends")
    log = fastrnn.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: order.append("epoch begins"),
        on_epoch_end=lambda epoch, logs: order.append("epoch ends"),
        on_test_begin=lambda logs: order.append("validation"),
    )
    model.fit(data, epochs=2, verbose=0, validation_data=other, callbacks=[log])
    one = ["epoch begins", "data begins", "data ends", "validation", "epoch ends"]
    assert order == 2 * one
    assert other.told == 2 * ["begin", "end"]
    model.evaluate(other, verbose=0)
    model.predict(other, verbose=0)
    assert other.told == 4 * ["begin", "end"]


def test_shuffling_draws_the_order_of_the_batches():
    seen = []

    class Data(fastrnn.utils.PyDataset):
        num_batches = 8

        def __getitem__(self, index):
            seen.append(index)
            return X[:2], Y[:2]

    model = make(fastrnn)
    for seed in (1, 1, 2):
        fastrnn.utils.set_random_seed(seed)
        model.fit(Data(), epochs=2, verbose=0)
    # The first batch of each fit is looked at before.
    runs = [seen[k + 1 : k + 17] for k in range(0, len(seen), 17)]
    assert len(runs) == 3
    assert runs[0] == runs[1] != runs[2]
    for run in runs:
        assert sorted(run[:8]) == sorted(run[8:]) == list(range(8))
        assert run[:8] != run[8:]
    seen.clear()
    model.fit(Data(), verbose=0, shuffle=False)
    model.predict(Data(), verbose=0)
    assert seen[1:9] == seen[10:18] == list(range(8))


def test_workers_are_threads_and_their_errors_arrive():
    data = dataset(fastrnn, workers=3)
    make(fastrnn).fit(data, verbose=0)
    assert data.threads - {threading.get_ident()}
    alone = dataset(fastrnn)
    make(fastrnn).fit(alone, verbose=0)
    assert alone.threads == {threading.get_ident()}

    class Broken(fastrnn.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            if index == 3:
                raise RuntimeError("broken")
            return X[:2], Y[:2]

    before = threading.active_count()
    for workers in (1, 3):
        with pytest.raises(RuntimeError, match="broken"):
            make(fastrnn).fit(Broken(workers=workers), verbose=0, shuffle=False)
    assert threading.active_count() == before


def test_iteration_by_hand_and_old_name():
    assert fastrnn.utils.Sequence is fastrnn.utils.PyDataset
    data = dataset(fastrnn)
    assert len(list(data)) == len(data) == data.num_batches == 6

    class WithoutInit(fastrnn.utils.Sequence):
        def __init__(self):
            pass

        def __len__(self):
            return 1

        def __getitem__(self, index):
            return X

    assert make(fastrnn).predict(WithoutInit(), verbose=0).shape == (22, 1)


def test_what_is_missing_is_said():
    class Nothing(fastrnn.utils.PyDataset):
        pass

    for method in ("fit", "evaluate", "predict"):
        with pytest.raises(NotImplementedError, match="Nothing"):
            getattr(make(fastrnn), method)(Nothing(), verbose=0)

    class Empty(Nothing):
        def __len__(self):
            return 0

    with pytest.raises(ValueError, match="batch"):
        make(fastrnn).fit(Empty(), verbose=0)
    for name, value in {"workers": "a", "max_queue_size": 0}.items():
        with pytest.raises(ValueError, match=f"`{name}`"):
            fastrnn.utils.PyDataset(**{name: value})
    with pytest.raises(ValueError, match="`y`"):
        make(fastrnn).fit(dataset(fastrnn), Y, verbose=0)
    with pytest.raises(ValueError, match="`sample_weight`"):
        make(fastrnn).fit(dataset(fastrnn), class_weight={0: 1.0}, verbose=0)
