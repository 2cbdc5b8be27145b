"""Learn to write like a text, letter by letter, and then write, one step at a time.

Data: Shakespeare's plays, or a nursery rhyme where the file is not there.
"""

import numpy as np
from common import find, parse

import fastrnn
from fastrnn import Input, Sequential
from fastrnn.layers import GRU, Dense, Embedding

LENGTH, STEPS, LETTERS = 40, 120, 60_000
RHYME = (
    "hickory dickory dock, the mouse ran up the clock; the clock struck one, down he run. " * 300
)

arguments = parse(__doc__.splitlines()[0], "text/tinyshakespeare.txt")
fastrnn.utils.set_random_seed(0)
path = find("text/tinyshakespeare.txt", arguments.data)
text = RHYME if path is None else path.read_text(encoding="utf-8")[:LETTERS]
letters = sorted(set(text))
number = {letter: k for k, letter in enumerate(letters)}
codes = np.array([number[letter] for letter in text])
pieces = codes[: (len(codes) - 1) // LENGTH * LENGTH + 1]
x, y = pieces[:-1].reshape(-1, LENGTH), pieces[1:].reshape(-1, LENGTH)


def build(batch_shape, stateful):
    return Sequential(
        [
            Input(batch_shape=batch_shape),
            Embedding(len(letters), 16),
            GRU(96, return_sequences=True, stateful=stateful),
            Dense(len(letters), activation="softmax"),
        ]
    )


model = build((None, LENGTH), stateful=False)
model.compile(fastrnn.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
history = model.fit(x, y, batch_size=32, epochs=arguments.epochs or 3, verbose=2)

# The same weights for one letter at a time: the state stays from call to call.
writer = build((1, 1), stateful=True)
writer.set_weights(model.get_weights())
rng = np.random.default_rng(0)
letter, written = number["t"], "t"
for _ in range(STEPS):
    p = writer(np.array([[letter]]))[0, 0].astype("float64")
    letter = int(rng.choice(len(letters), p=p / p.sum()))
    written += letters[letter]
print(written)
loss, chance = history.history["loss"][-1], np.log(len(letters))
print(f"loss per letter: {loss:.3f}; by chance: {chance:.3f}")
