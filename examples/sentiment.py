"""Tell friendly film reviews from unfriendly ones with a bidirectional LSTM.

Data: the IMDB reviews (Maas et al., 2011) in Keras's format, or made-up sentences of word numbers.
"""

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.datasets import imdb
from fastrnn.layers import LSTM, Bidirectional, Dense, Embedding
from fastrnn.utils import pad_sequences

WORDS, LENGTH, TRAIN, TEST = 5000, 80, 4000, 1000


def read_reviews(path):
    if path is not None:
        return imdb.load_data(path, num_words=WORDS)
    rng = np.random.default_rng(0)

    def sentences(count):
        labels = rng.integers(0, 2, count)
        # Words 10-19 are bad, 20-29 good; the others say nothing.
        reviews = [
            np.where(rng.random(40) < 0.15, rng.integers(10, 20, 40) + 10 * label,
                     rng.integers(30, WORDS, 40)).tolist()
            for label in labels
        ]  # fmt: skip
        return reviews, labels

    return sentences(TRAIN), sentences(TEST)


arguments = parse(__doc__.splitlines()[0], "imdb/imdb.npz")
fastrnn.utils.set_random_seed(0)
(x_train, y_train), (x_test, y_test) = read_reviews(find("imdb/imdb.npz", arguments.data))
x_train = pad_sequences(x_train[:TRAIN], maxlen=LENGTH)
x_test = pad_sequences(x_test[:TEST], maxlen=LENGTH)

model = Sequential(
    [
        Input((LENGTH,)),
        Embedding(WORDS, 32, mask_zero=True),
        Bidirectional(LSTM(24, dropout=0.2, recurrent_dropout=0.2)),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer=fastrnn.optimizers.Adam(0.005), loss="binary_crossentropy", metrics=["acc"])
model.fit(
    x_train, y_train[:TRAIN], batch_size=64, epochs=arguments.epochs or 3,
    validation_split=0.1, verbose=2,
)  # fmt: skip
_, accuracy = model.evaluate(x_test, y_test[:TEST], verbose=0)
print(f"accuracy on new reviews: {accuracy:.3f}; by chance: {max(np.mean(y_test[:TEST]), 0.5):.3f}")
