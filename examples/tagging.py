"""Tag each word of Spanish sentences with its part of speech.

Data: Universal Dependencies, Spanish GSD, as word-tag lines, or made-up sentences.
"""

import collections

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.layers import LSTM, Bidirectional, Dense, Embedding, TimeDistributed
from fastrnn.utils import pad_sequences

LENGTH = 40


def read_sentences(path):
    """Return sentences as lists of (word, tag)."""
    if path is None:
        words = {"DET": ["el", "la", "un"], "NOUN": ["gato", "casa", "perro", "canto"],
                 "VERB": ["ve", "canta", "corre", "canto"], "ADJ": ["grande", "rojo"]}  # fmt: skip
        patterns = ["DET NOUN VERB", "DET NOUN ADJ VERB DET NOUN", "VERB DET ADJ NOUN"]
        rng = np.random.default_rng(0)
        return [
            [(rng.choice(words[tag]), tag) for tag in rng.choice(patterns).split()]
            for _ in range(600)
        ]
    with open(path, encoding="utf-8") as file:
        blocks = file.read().strip().split("\n\n")
    return [[tuple(line.split("\t")) for line in block.splitlines()] for block in blocks]


arguments = parse(__doc__.splitlines()[0], "pos/es_gsd_train.tsv")
fastrnn.utils.set_random_seed(0)
sentences = read_sentences(find("pos/es_gsd_train.tsv", arguments.data))
split = int(0.85 * len(sentences))
# 0 is padding, 1 a word that training has not seen.
words = sorted({word.lower() for sentence in sentences[:split] for word, _ in sentence})
tags = sorted({tag for sentence in sentences for _, tag in sentence})
word_number = {word: k + 2 for k, word in enumerate(words)}
tag_number = {tag: k for k, tag in enumerate(tags)}


def encode(part):
    x = [[word_number.get(word.lower(), 1) for word, _ in sentence] for sentence in part]
    y = [[tag_number[tag] for _, tag in sentence] for sentence in part]
    options = {"maxlen": LENGTH, "padding": "post", "truncating": "post"}
    return pad_sequences(x, **options), pad_sequences(y, **options)


x_train, y_train = encode(sentences[:split])
x_test, y_test = encode(sentences[split:])
model = Sequential(
    [
        Input((LENGTH,)),
        Embedding(len(words) + 2, 32, mask_zero=True),
        Bidirectional(LSTM(32, return_sequences=True)),
        TimeDistributed(Dense(len(tags), activation="softmax")),
    ]
)
# Padded steps are masked: they count neither in the loss nor in the accuracy.
model.compile(fastrnn.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["acc"])
model.fit(x_train, y_train, batch_size=32, epochs=arguments.epochs or 5, verbose=2)
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
counts = collections.Counter(y_train[x_train > 0].tolist())
always = np.mean(y_test[x_test > 0] == counts.most_common(1)[0][0])
print(f"accuracy on new sentences: {accuracy:.3f}; always the most frequent tag: {always:.3f}")
