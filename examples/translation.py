"""Translate short English sentences to Spanish, word by word.

Data: sentence pairs of tatoeba.org, tab between English and Spanish, or made-up ones.

The encoder hands its last states to the decoder. In training the decoder is told the right words so
far; afterwards a second model over the same layers feeds its own words back, step by step.
"""

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Model
from fastrnn.layers import GRU, Dense, Embedding
from fastrnn.utils import pad_sequences

PAIRS, UNITS, LONGEST = 6000, 96, 10
UNKNOWN, BEGIN, END = 1, 2, 3  # 0 is padding


def read_pairs(path):
    """Return pairs of lists of words."""
    if path is None:
        subjects = {"I": "yo", "you": "tú", "she": "ella", "Tom": "Tom"}
        verbs = {"see": "ver", "eat": "comer", "want": "querer"}
        things = {"the cat": "el gato", "the house": "la casa", "bread": "pan"}
        rng = np.random.default_rng(0)
        tables = [subjects, verbs, things]
        chosen = [[rng.choice(list(table)) for table in tables] for _ in range(600)]
        lines = [
            (" ".join(row), " ".join(t[e] for t, e in zip(tables, row, strict=True)))
            for row in chosen
        ]
    else:
        text = path.read_text(encoding="utf-8").strip().splitlines()
        rows = np.random.default_rng(0).permutation(len(text))
        lines = [text[k].split("\t")[:2] for k in rows]
        lines = [pair for pair in lines if len(pair[0].split()) <= 4][:PAIRS]
    return [[words_of(sentence) for sentence in pair] for pair in lines]


def words_of(sentence):
    for mark in ".,!?¿¡":
        sentence = sentence.replace(mark, f" {mark} ")
    return sentence.lower().split()


def number_words(sentences):
    """Return the number of each word that occurs twice or more."""
    words, counts = np.unique([w for sentence in sentences for w in sentence], return_counts=True)
    return {word: k + END + 1 for k, word in enumerate(words[counts > 1])}


def encode(sentences, numbers):
    rows = [[numbers.get(word, UNKNOWN) for word in sentence] for sentence in sentences]
    return pad_sequences(rows, LONGEST, padding="post", truncating="post")


arguments = parse(__doc__.splitlines()[0], "translation/eng_spa.tsv")
fastrnn.utils.set_random_seed(0)
pairs = read_pairs(find("translation/eng_spa.tsv", arguments.data))
split = int(0.9 * len(pairs))
english, spanish = ([pair[k] for pair in pairs] for k in (0, 1))
from_numbers, to_numbers = number_words(english[:split]), number_words(spanish[:split])
source = encode(english, from_numbers)
target = encode(spanish, to_numbers)
wanted = np.concatenate([target, np.zeros((len(target), 1), int)], axis=1)
wanted[np.arange(len(wanted)), (target > 0).sum(axis=1)] = END
told = np.concatenate([np.full((len(target), 1), BEGIN), wanted[:, :-1]], axis=1)
told[told == END] = 0

words = Input((None,), dtype="int32", name="source")
so_far = Input((None,), dtype="int32", name="so_far")
_, state = GRU(UNITS, return_state=True)(
    Embedding(len(from_numbers) + END + 1, UNITS, mask_zero=True)(words)
)
embedding = Embedding(len(to_numbers) + END + 1, UNITS, mask_zero=True)
decoder = GRU(UNITS, return_sequences=True, return_state=True)
scores = Dense(len(to_numbers) + END + 1, activation="softmax")
sequence, _ = decoder(embedding(so_far), initial_state=state)
model = Model([words, so_far], scores(sequence))
model.compile(fastrnn.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
model.fit(
    [source[:split], told[:split]], wanted[:split], batch_size=64,
    epochs=arguments.epochs or 12, verbose=2, sample_weight=(wanted[:split] > 0) * 1.0,
)  # fmt: skip

# The same layers, as an encoder and as one step of the decoder.
encoder = Model(words, state)
before = Input((UNITS,))
output, after = decoder(embedding(so_far), initial_state=before)
step = Model([so_far, before], [scores(output), after])


def translate(rows):
    """Return the likeliest word at each step, fed back as the next input."""
    states = encoder.predict(rows, verbose=0)
    last, found = np.full((len(rows), 1), BEGIN), []
    for _ in range(LONGEST + 1):
        probabilities, states = step.predict([last, states], verbose=0)
        last = probabilities[:, -1].argmax(axis=-1)[:, None]
        found.append(last)
    return np.concatenate(found, axis=1)


def share_right(found):
    """Return the share of the words of new sentences that stand where they should."""
    counts = wanted[split:] > 0
    return (found == wanted[split:])[counts].mean()


found = translate(source[split:])
names = {number: word for word, number in to_numbers.items()}
for k in range(3):
    words_found = list(found[k])
    words_found = words_found[: words_found.index(END)] if END in words_found else words_found
    said = [names.get(n, "…") for n in words_found]
    print(f"{' '.join(english[split + k])} -> {' '.join(said)}")
most = np.zeros_like(found)
for t in range(found.shape[1]):
    column = wanted[:split, t]
    most[:, t] = np.bincount(column[column > 0], minlength=1).argmax() if column.any() else 0
print(f"words right: {share_right(found):.3f}; the most frequent word of each place: "
      f"{share_right(most):.3f}")  # fmt: skip
