# ruff: noqa
"""A series that goes on from batch to batch, in the manner of Keras 2.0."""

import numpy as np

from fastrnn.layers import GRU, LSTM, Dense
from fastrnn.models import Sequential
from fastrnn.optimizers import SGD

batch_size, tsteps, epochs = 5, 3, 2
series = np.cos(np.arange(60 * tsteps) / 5).reshape(60, tsteps, 1)
expected = series.mean(axis=1)

model = Sequential()
model.add(LSTM(8, batch_input_shape=(batch_size, tsteps, 1), return_sequences=True, stateful=True))
model.add(LSTM(8, return_sequences=False, stateful=True))
model.add(Dense(1))
model.compile(loss="mse", optimizer=SGD(lr=0.05, decay=1e-6, momentum=0.9, nesterov=True))
before = model.evaluate(series, expected, batch_size=batch_size, verbose=0)
for i in range(epochs):
    model.fit(series, expected, batch_size=batch_size, epochs=1, verbose=0, shuffle=False)
    model.reset_states()
predicted = model.predict(series, batch_size=batch_size)
assert predicted.shape == (60, 1)
model.reset_states()
assert model.evaluate(series, expected, batch_size=batch_size, verbose=0) < before

model = Sequential(
    [GRU(4, input_shape=(tsteps, 1), batch_size=batch_size, stateful=True), Dense(1)]
)
model.compile("rmsprop", "mae")
model.train_on_batch(series[:batch_size], expected[:batch_size])
model.layers[0].reset_states()
