# ruff: noqa
"""Sums of numbers that are written out, in the manner of Keras 2.2."""

import numpy as np

from fastrnn import layers
from fastrnn.engine.topology import Layer
from fastrnn.engine.training import Model
from fastrnn.models import Sequential
from fastrnn.utils.generic_utils import get_custom_objects
from fastrnn.utils.vis_utils import plot_model

DIGITS, HIDDEN, CHARS = 2, 16, "0123456789+ "
MAXLEN = DIGITS + 1 + DIGITS
questions, answers = [], []
for _ in range(64):
    a, b = np.random.randint(0, 10**DIGITS, 2)
    questions.append("{}+{}".format(a, b).ljust(MAXLEN)[::-1])
    answers.append(str(a + b).ljust(DIGITS + 1))


def encode(texts, rows):
    x = np.zeros((len(texts), rows, len(CHARS)), dtype=bool)
    for i, text in enumerate(texts):
        for t, c in enumerate(text):
            x[i, t, CHARS.index(c)] = 1
    return x


x, y = encode(questions, MAXLEN), encode(answers, DIGITS + 1)
model = Sequential()
model.add(layers.LSTM(HIDDEN, input_shape=(MAXLEN, len(CHARS)), implementation=2))
model.add(layers.RepeatVector(DIGITS + 1))
for _ in range(1):
    model.add(layers.CuDNNLSTM(HIDDEN, return_sequences=True))
model.add(layers.TimeDistributed(layers.Dense(len(CHARS), activation="softmax")))
model.compile(
    loss="categorical_crossentropy",
    optimizer="adam",
    metrics=["accuracy"],
    sample_weight_mode="temporal",
)
for iteration in range(1, 3):
    history = model.fit(x, y, batch_size=32, epochs=1, validation_data=(x, y), verbose=0)
    preds = model.predict_classes(x[:1], verbose=0)
    "".join(CHARS[i] for i in preds[0])
assert history.history["val_acc"] == history.history["val_accuracy"]
assert preds.shape == (1, DIGITS + 1)
assert isinstance(model.layers[0], Layer) and isinstance(model, Model)
