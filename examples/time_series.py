"""Forecast a transformer's oil temperature in twelve hours from the last two days.

Data: ETTh1 (Zhou et al., 2021), or a made-up daily cycle where the file is not there.
"""

import csv

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.layers import LSTM, Dense

WINDOW, HORIZON, HOURS = 48, 12, 4000


def read_series(path):
    if path is None:
        hours = np.arange(HOURS)
        noise = np.random.default_rng(0).standard_normal(HOURS)
        return 20 + 8 * np.sin(hours * 2 * np.pi / 24) + np.convolve(noise, np.ones(3), "same") / 3
    with open(path, newline="") as file:
        return np.array([float(row["OT"]) for row in csv.DictReader(file)][:HOURS])


arguments = parse(__doc__.splitlines()[0], "series/ETTh1.csv")
fastrnn.utils.set_random_seed(0)
series = read_series(find("series/ETTh1.csv", arguments.data))
split = int(0.8 * len(series))
mean, scale = series[:split].mean(), series[:split].std()
level = (series - mean) / scale
change = np.diff(level, prepend=level[0])
# Two features: the level and its change. The target is how far the level moves until the horizon.
features = np.stack([level, change], axis=-1)
move = level[WINDOW - 1 + HORIZON :] - level[WINDOW - 1 : -HORIZON]  # entry i: for window i


def windows(start, end):
    return fastrnn.utils.timeseries_dataset_from_array(
        features[start : end - HORIZON],
        move[start : end - HORIZON - WINDOW + 1],
        sequence_length=WINDOW,
        batch_size=64,
        shuffle=start == 0,
        seed=1,
    )


model = Sequential([Input((WINDOW, 2)), LSTM(32), Dense(1)])
model.compile(optimizer=fastrnn.optimizers.Adam(0.003), loss="mse")
model.fit(windows(0, split), epochs=arguments.epochs or 4, verbose=2)

test = windows(split, len(series))
predicted = model.predict(test, verbose=0)[:, 0]
truth = np.concatenate([y for _, y in test])
error = scale * np.sqrt(np.mean((predicted - truth) ** 2))
naive = scale * np.sqrt(np.mean(truth**2))
print(f"error of the LSTM: {error:.3f} degrees; of 'as it is now': {naive:.3f}")
