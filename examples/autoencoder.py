"""Tell broken sensor readings from sound ones with a sequence autoencoder.

It learns to rebuild sound readings alone; what it rebuilds badly is broken. Data: Japanese Vowels
(Kudo et al., 1999), twelve channels of speech, or made-up waves where the file is not there.
"""

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.layers import LSTM, Dense, RepeatVector, TimeDistributed

LENGTH, CHANNELS = 14, 12


def read_readings(path):
    """Return readings (sequences, LENGTH, CHANNELS) to learn from and to test with."""
    if path is None:
        rng = np.random.default_rng(0)
        phase, speed = rng.uniform(0, 6, (600, 1, 1)), rng.uniform(0.3, 0.6, (600, 1, 1))
        angle = phase + speed * np.arange(LENGTH)[:, None] + np.linspace(0, 3, CHANNELS)
        waves = np.sin(angle) + 0.1 * rng.standard_normal(angle.shape)
        return waves[:400], waves[400:]
    with np.load(path) as data:
        return [
            data[f"x_{part}"][data[f"len_{part}"] >= LENGTH, :LENGTH] for part in ("train", "test")
        ]


def break_some(readings, rng):
    """Return a copy of each reading in which one channel out of three is another reading's."""
    broken = readings.copy()
    for k, row in enumerate(broken):
        channels = rng.permutation(CHANNELS)[: CHANNELS // 3]
        other = (k + rng.integers(1, len(readings))) % len(readings)
        row[:, channels] = readings[other, ::-1][:, channels]
    return broken


arguments = parse(__doc__.splitlines()[0], "sensor/japanese_vowels.npz")
fastrnn.utils.set_random_seed(0)
sound, new = read_readings(find("sensor/japanese_vowels.npz", arguments.data))
mean, scale = sound.mean(axis=(0, 1)), sound.std(axis=(0, 1))
sound, new = (((part - mean) / scale).astype("float32") for part in (sound, new))

model = Sequential(
    [
        Input((LENGTH, CHANNELS)),
        LSTM(48),
        RepeatVector(LENGTH),
        LSTM(48, return_sequences=True),
        TimeDistributed(Dense(CHANNELS)),
    ]
)
model.compile(optimizer=fastrnn.optimizers.Adam(0.005), loss="mse")
model.fit(sound, sound, batch_size=32, epochs=arguments.epochs or 100, verbose=0)


def surprise(readings):
    """Mean square of what the autoencoder does not rebuild, for each reading."""
    return np.mean((model.predict(readings, verbose=0) - readings) ** 2, axis=(1, 2))


def area_under_curve(sound_scores, broken_scores):
    """How often a broken reading scores higher than a sound one."""
    return np.mean(broken_scores[:, None] > sound_scores)


def jumps(readings):
    """Mean square of the change from step to step, for each reading: a score without a model."""
    return np.mean(np.diff(readings, axis=1) ** 2, axis=(1, 2))


broken = break_some(new, np.random.default_rng(1))
rebuilt, simple = (area_under_curve(score(new), score(broken)) for score in (surprise, jumps))
print(f"AUC of what is rebuilt badly: {rebuilt:.3f}; of jumps between steps: {simple:.3f}")
