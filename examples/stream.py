"""Tell who speaks while the sound comes in: a trained LSTM takes one reading after the other.

Data: Japanese Vowels (Kudo et al., 1999), twelve cepstrum coefficients of nine speakers, or made-up
readings where the file is not there.
"""

import time

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.layers import LSTM, Dense, Masking

STEPS, FEATURES, SPEAKERS = 29, 12, 9
PARTS = ("train", "test")


def read_recordings(path):
    """Return x (recordings, STEPS, FEATURES), zero behind the end, lengths and speakers, twice."""
    if path is not None:
        with np.load(path) as file:
            return [[file[f"{name}_{part}"] for name in ("x", "len", "y")] for part in PARTS]
    rng = np.random.default_rng(0)
    voices = rng.standard_normal((SPEAKERS, FEATURES))
    parts = []
    for count in (270, 370):
        speakers, lengths = rng.integers(0, SPEAKERS, count), rng.integers(7, STEPS + 1, count)
        noise = rng.standard_normal((count, STEPS, FEATURES))
        present = np.arange(STEPS) < lengths[:, None]
        x = (voices[speakers, None] + 2 * noise) * present[..., None]
        parts.append([x.astype("float32"), lengths, speakers])
    return parts


arguments = parse(__doc__.splitlines()[0], "sensor/japanese_vowels.npz")
fastrnn.utils.set_random_seed(0)
train, test = read_recordings(find("sensor/japanese_vowels.npz", arguments.data))

model = Sequential(
    [Input((STEPS, FEATURES)), Masking(), LSTM(32), Dense(SPEAKERS, activation="softmax")]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(train[0], train[2], batch_size=16, epochs=arguments.epochs or 30, verbose=0)

# A stream needs no mask: it is not called where nothing is read. The layers are the trained ones.
live = Sequential([Input((None, FEATURES)), *model.layers[1:]])
stream = live.stream()
early, late, seconds = [], [], []
for recording, length, speaker in zip(*test, strict=True):
    stream.reset()
    for t in range(length):
        start = time.perf_counter()
        shares = stream(recording[t : t + 1])
        seconds.append(time.perf_counter() - start)
        if t == 4:
            early.append(shares[0].argmax() == speaker)
    late.append(shares[0].argmax() == speaker)

print(stream)
print(f"a reading takes {1e6 * np.median(seconds):.1f} us, the slowest of a hundred "
      f"{1e6 * np.quantile(seconds, 0.99):.1f} us")  # fmt: skip
print(f"right after five readings: {np.mean(early):.1%}")
most = np.bincount(test[2]).max() / len(test[2])
print(f"right at the end: {np.mean(late):.3f}; of naming the most frequent speaker: {most:.3f}")
