"""Forecast the load of a power transformer in six hours from the last two days.

Data: ETTh1 (Zhou et al., 2021), its column HUFL, or a made-up daily cycle where the file is not
there.
"""

import csv

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.layers import LSTM, Dense

DAY, WINDOW, HORIZON, HOURS = 24, 48, 6, 4000


def read_series(path):
    if path is None:
        hours = np.arange(HOURS)
        noise = np.random.default_rng(0).standard_normal(HOURS)
        return 20 + 8 * np.sin(hours * 2 * np.pi / DAY) + np.convolve(noise, np.ones(3), "same") / 3
    with open(path, newline="") as file:
        return np.array([float(row["HUFL"]) for row in csv.DictReader(file)][:HOURS])


arguments = parse(__doc__.splitlines()[0], "series/ETTh1.csv")
fastrnn.utils.set_random_seed(0)
series = read_series(find("series/ETTh1.csv", arguments.data))
split = int(0.8 * len(series))
mean, scale = series[:split].mean(), series[:split].std()
level = (series - mean) / scale


def windows(part, shuffle):
    """Windows over a part of the series, each with the level HORIZON hours after its end."""
    return fastrnn.utils.timeseries_dataset_from_array(
        part[:-HORIZON, None],
        part[WINDOW - 1 + HORIZON :],
        sequence_length=WINDOW,
        batch_size=64,
        shuffle=shuffle,
        seed=1,
    )


model = Sequential([Input((WINDOW, 1)), LSTM(32), Dense(1)])
model.compile(optimizer=fastrnn.optimizers.Adam(0.003, clipnorm=1.0), loss="mse")
model.fit(windows(level[:split], shuffle=True), epochs=arguments.epochs or 4, verbose=2)


def error(forecast):
    """Root mean square, in the units of the series."""
    return scale * np.sqrt(np.mean((forecast - truth) ** 2))


test = windows(level[split:], shuffle=False)
seen = np.concatenate([x for x, _ in test])[..., 0]
truth = np.concatenate([y for _, y in test])
naive = {
    "as it is now": seen[:, -1],
    "as at that hour of the day before": seen[:, HORIZON - DAY - 1],
}
best = min(naive, key=lambda name: error(naive[name]))
lstm = error(model.predict(test, verbose=0)[:, 0])
print(
    f"error of the LSTM: {lstm:.3f}; of the best naive forecast, '{best}': {error(naive[best]):.3f}"
)
