"""Forecast the next six hours of a power transformer's seven measurements from the last two days.

The network learns what the best simple forecast, "as at that hour of the day before", lacks. Data:
ETTh1 (Zhou et al., 2021), six loads and the oil temperature, split into 16 months and the 4 that
follow as its authors split it, or made-up daily cycles where the file is not there.
"""

import csv

import numpy as np
from common import find, parse
from scipy.signal import lfilter

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.layers import GRU, Dense, Reshape

DAY, WINDOW, HORIZON = 24, 48, 6
MONTH = 30 * DAY
SPLIT, END = 16 * MONTH, 20 * MONTH
NAMES = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")


def read_series(path):
    """Return the measurements (hours, 7)."""
    if path is None:
        rng = np.random.default_rng(0)
        phase = np.linspace(0, 2, len(NAMES))
        cycle = np.sin(np.arange(END)[:, None] * 2 * np.pi / DAY + phase)
        return 20 + 8 * cycle + lfilter([1], [1, -0.95], rng.standard_normal(cycle.shape), axis=0)
    with open(path, newline="") as file:
        rows = [[float(row[name]) for name in NAMES] for row in csv.DictReader(file)]
    return np.array(rows[:END])


def windows(part):
    """Return what is seen (windows, WINDOW, 7) and what follows it (windows, HORIZON, 7)."""
    both = np.lib.stride_tricks.sliding_window_view(part, WINDOW + HORIZON, axis=0)
    both = np.moveaxis(both, -1, 1).astype("float32")
    return both[:, :WINDOW], both[:, WINDOW:]


def day_before(seen):
    """Return the measurements a day before those that follow."""
    return seen[:, -DAY : HORIZON - DAY]


def around_zero(seen):
    """Return windows without the level of their last day: it drifts with the seasons."""
    return seen - seen[:, -DAY:].mean(axis=1, keepdims=True)


arguments = parse(__doc__.splitlines()[0], "series/ETTh1.csv")
fastrnn.utils.set_random_seed(0)
series = read_series(find("series/ETTh1.csv", arguments.data))
mean, scale = series[:SPLIT].mean(axis=0), series[:SPLIT].std(axis=0)
series = (series - mean) / scale
(seen, truth), (new_seen, new_truth) = windows(series[:SPLIT]), windows(series[SPLIT:])

model = Sequential(
    [
        Input((WINDOW, len(NAMES))),
        GRU(64),
        Dense(HORIZON * len(NAMES)),
        Reshape((HORIZON, len(NAMES))),
    ]
)
model.compile(optimizer=fastrnn.optimizers.Adam(0.002, clipnorm=1.0), loss="mae")
model.fit(
    around_zero(seen), truth - day_before(seen),
    batch_size=64, epochs=arguments.epochs or 5, verbose=2,
)  # fmt: skip

naive = {
    "as it is now": np.abs(new_seen[:, -1:] - new_truth),
    "as at that hour of the day before": np.abs(day_before(new_seen) - new_truth),
}
best = min(naive, key=lambda name: naive[name].mean())
forecast = day_before(new_seen) + model.predict(around_zero(new_seen), verbose=0)
gru = np.abs(forecast - new_truth)
for k, name in enumerate(NAMES):
    units = scale[k] * gru[..., k].mean(), scale[k] * naive[best][..., k].mean()
    print(f"{name:4}: mean absolute error {units[0]:.2f}, naive {units[1]:.2f}")
print(
    f"in standard deviations, error of the GRU: {gru.mean():.3f}; "
    f"of the best naive forecast, '{best}': {naive[best].mean():.3f}"
)
