# ruff: noqa
"""Characters, one after the other, in the manner of Keras 1.2."""

from __future__ import print_function

import random

import numpy as np
from fastrnn.layers.core import *
from fastrnn.layers.recurrent import LSTM
from fastrnn.models import Sequential
from fastrnn.optimizers import RMSprop

text = "the quick brown fox jumps over the lazy dog. " * 6
chars = sorted(set(text))
index_of = dict((c, i) for i, c in enumerate(chars))
maxlen, step = 8, 2
starts = range(0, len(text) - maxlen, step)
X = np.zeros((len(starts), maxlen, len(chars)), dtype=bool)
y = np.zeros((len(starts), len(chars)), dtype=bool)
for i, start in enumerate(starts):
    for t, char in enumerate(text[start : start + maxlen]):
        X[i, t, index_of[char]] = 1
    y[i, index_of[text[start + maxlen]]] = 1

model = Sequential()
model.add(LSTM(16, input_shape=(maxlen, len(chars)), return_sequences=True, consume_less="gpu"))
model.add(Dropout(p=0.2))
model.add(
    LSTM(
        output_dim=16,
        init="glorot_uniform",
        inner_init="orthogonal",
        forget_bias_init="one",
        activation="tanh",
        inner_activation="hard_sigmoid",
        W_regularizer=None,
        dropout_W=0.1,
        dropout_U=0.1,
    )
)
model.add(Dense(output_dim=len(chars), init="uniform"))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer=RMSprop(lr=0.01))

first = model.evaluate(X, y, verbose=0)
for iteration in range(1, 3):
    model.fit(X, y, batch_size=32, nb_epoch=2, verbose=2)
    seed = text[random.randint(0, 40) :][:maxlen]
    x = np.zeros((1, maxlen, len(chars)))
    for t, char in enumerate(seed):
        x[0, t, index_of[char]] = 1.0
    predictions = model.predict(x, verbose=0)[0]
    assert abs(predictions.sum() - 1) < 1e-5
assert model.evaluate(X, y, verbose=0) < first
